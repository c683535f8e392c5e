"""What an operator has stopped: a paused flow begins nothing; one that drains ends what had arrived before and begins nothing new.

Nothing is lost meanwhile: events are accepted and routed, and their deliveries wait.
"""

from collections.abc import Iterable
from typing import Literal, Protocol

import msgspec

StopKind = Literal["paused", "draining"]


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """One stopped flow. `at_ms` is the mark of a drain: what was received until then still ends."""

    flow: str
    kind: StopKind
    by: str
    why: str
    at_ms: int

    def holds(self, received_ms: int) -> bool:
        """Whether a delivery whose event was received then must wait."""
        return self.kind == "paused" or received_ms > self.at_ms

    @property
    def words(self) -> str:
        """For the delivery that waits, and for the tile."""
        doing = "is drained" if self.kind == "draining" else "is paused"
        return f"flow {self.flow} {doing} by {self.by}: {self.why}"


class Stops(Protocol):
    """What the courier asks before each try."""

    def of(self, flow: str) -> Stop | None:
        """The stop of a flow, None when it runs."""


class StopBoard:
    """The stops in memory, as the ledger has them; the courier looks here for each delivery."""

    def __init__(self, stops: Iterable[Stop] = ()) -> None:
        self._by_flow = {stop.flow: stop for stop in stops}

    def of(self, flow: str) -> Stop | None:
        """The stop of a flow."""
        return self._by_flow.get(flow)

    def all(self) -> tuple[Stop, ...]:
        """Every stop."""
        return tuple(self._by_flow.values())

    def show(self, stops: Iterable[Stop]) -> list[str]:
        """Take over what the ledger has now; returns the flows that run again, or begin to drain: their work is due."""
        before, self._by_flow = self._by_flow, {stop.flow: stop for stop in stops}
        return [flow for flow, stop in before.items() if stop != self._by_flow.get(flow) and self._freed(flow)]

    def _freed(self, flow: str) -> bool:
        now = self._by_flow.get(flow)
        return now is None or now.kind == "draining"


class FlowBook(Protocol):
    """Where stops are kept. Every change is audited in the transaction that makes it."""

    async def stop(self, flow: str, kind: StopKind, *, by: str, why: str, now_ms: int) -> None:
        """Pause or drain a flow; what stopped it before is replaced."""

    async def resume(self, flow: str, *, by: str, why: str, now_ms: int) -> bool:
        """Let it run again; False when nobody had stopped it."""

    async def stops(self) -> tuple[Stop, ...]:
        """Every stop."""

    async def left(self, stop: Stop) -> dict[str, int]:
        """What a drain has still to end, by state; what a person holds is not waited for."""

    async def drained(self, stop: Stop, now_ms: int) -> bool:
        """Make a drain whose queue is empty a pause. False when it was changed meanwhile."""
