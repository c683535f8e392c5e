"""What is asked of the releases that ran: which there are, who switched to them when and why, and what each wrote."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct


class Switch(Struct, frozen=True, kw_only=True):
    """One line of the audit: a release became the active one. `action` is apply or rollback, `before` the release that
    ran until then ("" for the first), `summary` what changed, in a line.
    """

    release: str
    action: str
    at_ms: int
    who: str
    why: str
    before: str = ""
    summary: str = ""


class ReleaseRow(Struct, frozen=True, kw_only=True):
    """A release that is kept. `switch` is the last time it became active; None when an older Interlock did not write it."""

    id: str
    first_ms: int
    active: bool
    switch: Switch | None = None
    times: int = 0


class Wrote(Struct, frozen=True, kw_only=True):
    """What a release wrote of one object of `system` at one destination. `verdict` is the newest call's: done, uncertain, refused."""

    release: str
    destination: str
    flow: str
    system: str
    object: str
    key: str
    name: str
    operation: str
    verdict: str
    external_id: str
    calls: int
    last_ms: int


class History(Protocol):
    """Read-only, beside the hub or without one."""

    def active(self) -> str:
        """The id of the release that runs, or would run at the next start; "" when there is none yet."""

    def files(self, release: str) -> dict[str, bytes] | None:
        """The folder of a release, as it was."""

    def releases(self, limit: int = 50) -> Sequence[ReleaseRow]:
        """Those that are kept, the last one switched to first."""

    def switches(self, limit: int = 200) -> Sequence[Switch]:
        """Every switch, the newest first."""

    def find(self, start: str) -> Sequence[str]:
        """The ids that begin with this text."""

    def wrote(self, releases: Sequence[str], *, since_ms: int = 0, limit: int = 100_000) -> Sequence[Wrote]:
        """Every object at every destination that these releases called it for since then, the newest first."""

    def wrote_counts(self, releases: Sequence[str], *, since_ms: int = 0) -> dict[str, dict[str, int]]:
        """Destination -> kind of object -> how many; what is not done has its outcome in its kind: `order, uncertain`."""


class Newer(Struct, frozen=True):
    """The releases that ran after another did, the last one first, and since when."""

    releases: tuple[str, ...] = ()
    since_ms: int = 0


def newer_than(switches: Sequence[Switch], target: str, active: str) -> Newer:
    """What a roll back to `target` leaves behind. Without a line about its own time, all that any other one did."""
    found: dict[str, None] = {active: None} if active != target else {}
    since_ms = 0
    for switch in switches:  # newest first
        if switch.release == target:
            break
        found[switch.release] = None
        since_ms = switch.at_ms
    else:
        since_ms = 0
    return Newer(tuple(found), since_ms)


def previous_of(switches: Sequence[Switch], active: str) -> str:
    """The release that the active one replaced when it was applied; "" when it was the first. To roll back twice goes
    back twice."""
    return next((switch.before for switch in switches if switch.release == active and switch.action == "apply"), "")


def detail_of(before: str, summary: str) -> dict[str, Any]:
    """What the audit keeps of a switch, beside who, when and why."""
    return {"before": before, "summary": summary}


def wrote_words(kinds: Mapping[str, int]) -> str:
    """`34 orders, 31 customers, 1 order uncertain` from the kinds of `wrote_counts`."""
    return ", ".join(_counted(count, *kind.partition(", ")[::2]) for kind, count in kinds.items()) or "nothing"


def _counted(count: int, kind: str, verdict: str) -> str:
    word = kind.replace("_", " ")
    plural = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{count} {word if count == 1 else plural} {verdict}".rstrip()
