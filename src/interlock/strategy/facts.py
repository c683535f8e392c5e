"""What the loader must know of connectors. It is given as an argument, because the strategy imports no vendor code."""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

SettingType = Literal["text", "integer", "number", "boolean", "list", "table", "any"]
OnceOnly = Literal["upsert", "idempotency-key", "look-up", "person", ""]


class SettingFact(Struct, frozen=True):
    """One key under `[settings]`: its type, whether it must be there, and the allowed texts when they are few."""

    type: SettingType = "text"
    required: bool = False
    choices: tuple[str, ...] = ()


class WriteFact(Struct, frozen=True):
    """One write operation. `once_only` says how a repeated or uncertain write stays one; empty: nobody knows."""

    object: str
    operation: str
    once_only: OnceOnly = ""
    creates: bool = True


class ConnectorFact(Struct, frozen=True):
    """One connector. Objects are named `order` (any version) or `order.v1`.

    `credentials` says for each key whether it must be there; `longest_processing_seconds` is how long the vendor may
    still be working on a request that seemed to fail.
    """

    name: str
    reads: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    writes: tuple[WriteFact, ...] = ()
    settings: dict[str, SettingFact] = {}
    credentials: dict[str, bool] = {}
    longest_processing_seconds: float = 0.0

    @property
    def writable(self) -> frozenset[str]:
        return frozenset(write.object for write in self.writes)


ConnectorFacts = Mapping[str, ConnectorFact]


def covers(objects: Iterable[str], wanted: str) -> bool:
    """Whether `wanted` (`order.v1`) is among objects named with or without a version."""
    named = set(objects)
    return wanted in named or wanted.partition(".")[0] in named
