"""What the clients of this process notice of their systems without anything failing: another API version that answers,
parts of documents that the app may not read. Shared by all releases; counted since the process began.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec

from interlock.clock import Clock

LOG = logging.getLogger("interlock.connectors")


class OtherVersion(msgspec.Struct, frozen=True, kw_only=True):
    """Answers by another version than was asked for: the one asked for has ended, or is not there yet (C15)."""

    asked: str
    answered: str
    count: int
    last_ms: int


class Observations:
    """One hub's, or one client's that was given none."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._versions: dict[str, dict[tuple[str, str], OtherVersion]] = {}
        self._denied: dict[str, dict[str, Mapping[str, str]]] = {}

    def answered_by(self, system: str, asked: str, answered: str) -> None:
        """A call was answered by another version."""
        known = self._versions.setdefault(system, {})
        before = known.get((asked, answered))
        if before is None:
            LOG.warning("%s: asked with API version %s, answered with %s: ours has ended", system, asked, answered)
        known[asked, answered] = OtherVersion(
            asked=asked, answered=answered, count=before.count + 1 if before else 1, last_ms=self._clock.now_ms()
        )

    def left_out(self, system: str, document: str, parts: Mapping[str, str]) -> None:
        """What is now left out of a document, with the scopes that it needs; {} when all of it is read."""
        known = self.unread(system)
        for part in parts.keys() - known.keys():
            LOG.warning("%s: %s are not read: the app was not granted %s", system, part, parts[part])
        self._denied.setdefault(system, {})[document] = dict(parts)

    def other_versions(self, system: str) -> tuple[OtherVersion, ...]:
        """Those that answered, by the version asked for."""
        return tuple(one for _, one in sorted(self._versions.get(system, {}).items()))

    def unread(self, system: str) -> Mapping[str, str]:
        """Part -> the scopes that it needs, of all documents together."""
        found: dict[str, str] = {}
        for parts in self._denied.get(system, {}).values():
            found |= parts
        return dict(sorted(found.items()))
