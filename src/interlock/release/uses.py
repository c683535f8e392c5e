"""Who used which version of an object, and when last: noted in memory for each delivery, written down once a minute."""

from collections.abc import Iterable

from msgspec import Struct


class Use(Struct, frozen=True):
    """A consumer of one version. `part` is what is written for it: the flow, the source's mapping or the destination's."""

    flow: str
    part: str
    system: str
    version: str


class Uses:
    """Shared by all builds of a shelf."""

    def __init__(self) -> None:
        self._seen: dict[Use, list[int]] = {}

    def note(self, uses: Iterable[Use], now_ms: int) -> None:
        """A delivery used these."""
        seen = self._seen
        for use in uses:
            entry = seen.get(use)
            if entry is None:
                seen[use] = [now_ms, now_ms, 1]
            else:
                entry[1] = now_ms
                entry[2] += 1

    def taken(self) -> list[tuple[Use, int, int, int]]:
        """Each use with its first and last time (ms) and its number since this was asked last."""
        seen, self._seen = self._seen, {}
        return [(use, first_ms, last_ms, number) for use, (first_ms, last_ms, number) in seen.items()]
