"""Why a delivery needs a person: the classes, in words an operator knows, and the fingerprint that groups equal
causes."""

import hashlib
import re

REASONS: dict[str, tuple[str, str]] = {
    "authentication": ("Signing in failed", "renew the credentials of the system and reload; all resume by themselves"),
    "permission": ("The credentials may not do this", "grant the missing scope or role; all resume by themselves"),
    "validation": ("The destination refused the data", "correct the data or the mapping, then replay"),
    "missing_reference": (
        "Something it refers to is not there",
        "create it at the destination or map it; the delivery resumes by itself",
    ),
    "conflict": ("It collides with what is there", "compare both sides, decide which is right, then replay or discard"),
    "mapping": ("The mapping cannot translate it", "correct the mapping or the order, then replay"),
    "rate_limit": (
        "The destination asks to slow down",
        "nothing: it is retried; lower the limits of the system if it persists",
    ),
    "unavailable": (
        "The destination did not answer",
        "nothing while it is down; replay when it is back, if attempts ran out",
    ),
    "too_large": (
        "The destination takes no document of this size",
        "split the order by hand, or raise the limit at the destination",
    ),
    "uncertain": (
        "Nobody can know whether it was written",
        "look at the destination, then mark it as written or replay",
    ),
    "foreign": (
        "Somebody else wrote the number",
        "replay it to write the right one, or correct the count at the source of truth",
    ),
    "gone": ("The source no longer has it", "discard it, or restore it at the source and replay"),
    "no_flow": (
        "The folder has no flow for it any more",
        "bring the flow back, or replay it under the version it was accepted under, or discard it",
    ),
    "version": (
        "It uses a version of the object that is refused",
        "move the flow and its mappings to the version that took its place, then replay; a brown-out ends by itself",
    ),
    "on_hold": (
        "Its source holds it back",
        "release it there, or wait: it goes on by itself",
    ),
    "paused": (
        "Its flow is paused, by a person or by the folder",
        "interlock resume FLOW, or paused = false in its file and a reload; it goes on by itself",
    ),
    "poison": (
        "It crashed or stalled the process",
        "look at the payload; correct the function or mapping, then replay",
    ),
    "egress": ("The address is not declared", "declare the host in security.toml or correct the system's url"),
    "unknown": ("An answer that nobody has described", "read it, add it to the connector's error table, then replay"),
}
"""Class -> (what it means, the next move)."""

HELD_BY = {"authentication": "credentials", "permission": "permission"}
"""Refusals that are about us and not about the document: no delivery dies of them, it waits for this (C80)."""

_VARIABLE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27,}|0x[0-9a-f]+|#?\d+(?:[.,:]\d+)*", re.IGNORECASE)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


def fingerprint(flow: str, destination: str, reason: str, code: str, message: str) -> str:
    """Equal for failures with one cause: ids, numbers and quoted values of the message do not count."""
    plain = _VARIABLE.sub("#", _QUOTED.sub("''", message))[:200]
    return hashlib.sha256(f"{flow}\0{destination}\0{reason}\0{code}\0{plain}".encode()).hexdigest()[:12]
