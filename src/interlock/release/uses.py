"""Uses of versions since they were asked for last: noted in memory for each delivery, so that the hot path writes nothing."""

from collections.abc import Iterable

from interlock.messaging.consumers import Consumer, Use


class Uses:
    """Shared by all builds of a shelf."""

    def __init__(self) -> None:
        self._seen: dict[Use, list[int]] = {}

    def note(self, uses: Iterable[Use], now_ms: int) -> None:
        """A delivery is about to use these."""
        for use in uses:
            entry = self._seen.get(use)
            if entry is None:
                self._seen[use] = [now_ms, now_ms, 1]
            else:
                entry[1] = now_ms
                entry[2] += 1

    def taken(self) -> list[Consumer]:
        """What was noted since this was asked last."""
        seen, self._seen = self._seen, {}
        return [
            Consumer(
                version=use.version, flow=use.flow, part=use.part, system=use.system,
                first_seen_ms=first, last_seen_ms=last, uses=number,
            )
            for use, (first, last, number) in seen.items()
        ]  # fmt: skip
