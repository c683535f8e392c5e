"""The webhook subscriptions that flows need, and whether the source has them: a source drops one after a few failures."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec


class Kept(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One topic of one source. `since_ms`: since when it is in this state; `lost`: how often it was there and then was not;
    `problem`: why it could not be made."""

    system: str
    topic: str
    address: str
    state: Literal["there", "missing"]
    since_ms: int
    looked_ms: int
    lost: int = 0
    lost_ms: int = 0
    problem: str = ""


class SubscriptionBook(Protocol):
    """What was found at the last look; it outlives a restart, so that what was lost meanwhile is known as lost."""

    async def kept(self) -> tuple[Kept, ...]:
        """All, by system and topic."""

    async def keep(self, found: Sequence[Kept], gone: Sequence[tuple[str, str]], *, said: Sequence[str], now_ms: int) -> None:
        """What a look found; (system, topic) that nobody wants any more; what was done, for the audit."""
