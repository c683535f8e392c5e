"""Silences of flows as the ledger keeps them: since when, what was expected, who was called; and the signs of life they go by."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

SilenceKind = Literal["silent", "sparse"]


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """One silence. Times in milliseconds since the epoch, 0 while it has not happened.

    `since_ms` is the last success, or when the flow was enabled. `destinations` are those that nothing, or too little,
    reached. `problem` is why the last page did not go out.
    """

    id: int
    flow: str
    owner: str
    kind: SilenceKind
    destinations: tuple[str, ...]
    since_ms: int
    expected: str
    found_ms: int
    paged_ms: int = 0
    escalated_ms: int = 0
    ended_ms: int = 0
    ended_because: str = ""
    told_ms: int = 0
    problem: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a look found about a flow that is silent."""

    flow: str
    owner: str
    kind: SilenceKind
    destinations: tuple[str, ...]
    since_ms: int
    expected: str


class SilenceBook(Protocol):
    """Where silences are kept; each method is one durable transaction."""

    async def enabled_since(self, flows: Sequence[str], now_ms: int) -> dict[str, int]:
        """Since when each of these flows is enabled; the clock of all others is forgotten."""

    async def last_success_ms(self, flow: str, destination: str) -> int:
        """The end of the last minute with a success, 0 when there was none."""

    async def successes(self, flow: str, destination: str, since_ms: int) -> int:
        """How many deliveries ended well since then."""

    async def open(self, finding: Finding, now_ms: int) -> bool:
        """Write a silence down, or what is new about the open one of its flow. True when it is a new one."""

    async def end(self, flow: str, because: str, now_ms: int) -> bool:
        """The silence of a flow is over. False when there was none."""

    async def silences(self) -> tuple[Silence, ...]:
        """Those that are open, and those whose end nobody was told of."""

    async def paged(self, silence: int, step: str, problem: str, now_ms: int) -> None:
        """A page was taken (`problem` is empty) or was not. `step` is paged, escalated or told."""
