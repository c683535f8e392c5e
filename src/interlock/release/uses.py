"""Uses of versions since they were asked for last: noted in memory for each delivery, so that the hot path writes nothing."""

from msgspec import Struct

from interlock.messaging.consumers import Consumer, Use

Way = tuple[Use, ...]


class _Seen(Struct):
    """A way from a flow to a destination, with the times at which it was used."""

    way: Way
    first_ms: int
    last_ms: int
    number: int = 0


class Uses:
    """Shared by all builds of a shelf."""

    def __init__(self) -> None:
        self._seen: dict[int, _Seen] = {}

    def note(self, way: Way, now_ms: int) -> None:
        """A delivery is about to use these. Known by identity: a release makes each way once, and hashing costs more."""
        seen = self._seen.get(id(way))
        if seen is None:
            seen = self._seen[id(way)] = _Seen(way, now_ms, now_ms)
        seen.last_ms = now_ms
        seen.number += 1

    def taken(self) -> list[Consumer]:
        """What was noted since this was asked last."""
        noted, self._seen = self._seen, {}
        found: dict[Use, Consumer] = {}
        for seen in noted.values():
            for use in seen.way:
                before = found.get(use)
                found[use] = Consumer(
                    version=use.version,
                    flow=use.flow,
                    part=use.part,
                    system=use.system,
                    first_seen_ms=min(seen.first_ms, before.first_seen_ms) if before else seen.first_ms,
                    last_seen_ms=max(seen.last_ms, before.last_seen_ms) if before else seen.last_ms,
                    uses=seen.number + (before.uses if before else 0),
                )
        return list(found.values())
