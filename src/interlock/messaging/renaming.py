"""The store follows a system's new name: links, deliveries, lanes and what is counted, in one transaction."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec


class Move(msgspec.Struct, frozen=True):
    """What the store knows by the name `was` becomes that of `name`."""

    was: str
    name: str


class Renamings(Protocol):
    """Where the names are kept that the store has followed."""

    async def known(self) -> dict[str, str]:
        """Name that was -> the present one."""

    async def follow(self, moves: Sequence[Move], names: Mapping[str, str], now_ms: int) -> int:
        """Make the moves in their order; `names` is all that is known afterwards. Returns how many open deliveries moved.

        Nothing of these systems may be in flight.
        """
