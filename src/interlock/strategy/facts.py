"""What the loader must know of connectors. It is given as an argument, because the strategy imports no vendor code."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
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
    """One write operation. `once_only` says how a repeated or uncertain write stays one; empty: nobody knows.

    `straight`: a point-to-point flow may send it a document of its own; `undoes`: the operation that it takes back. `signal`: it
    writes no field of the object; `loops_with` are topics by which what it sets off would come back.
    """

    object: str
    operation: str
    once_only: OnceOnly = ""
    creates: bool = True
    straight: bool = False
    undoes: str = ""
    signal: bool = False
    loops_with: tuple[str, ...] = ()

    def comes_back_by(self, topic: str) -> bool:
        """Whether a workflow that it starts would start it again by this topic."""
        return topic in self.loops_with or f"{topic.partition('/')[0]}/*" in self.loops_with


class MapProblem(Struct, frozen=True):
    """Why a row of a flow's [map] cannot work; `target` is the row's key, "" when it is about all of them."""

    target: str
    what: str
    why: str = ""
    next_move: str = ""


TryMap = Callable[[Mapping[str, object], str], "MapProblem | None"]
"""Compiles the rows of a [map] with the folder's functions.py: what is wrong with them, None when they work."""


class RowFact(Struct, frozen=True):
    """One row of a document: its target at the vendor and the canonical paths that it takes, from the object's root.

    `whole`: it takes all that is in them; a row that only opens a list or an object does not.
    """

    target: str
    reads: tuple[str, ...]
    whole: bool = True


class DocumentFact(Struct, frozen=True):
    """What one object is written as. Without the rows in `requires` the vendor takes no such document; the lists in
    `replaces` replace the vendor's, so a field that an element leaves out is cleared. `along`: objects that bring this
    one along, as an order brings its customer.
    """

    object: str
    name: str
    rows: tuple[RowFact, ...]
    requires: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    along: tuple[str, ...] = ()


def no_problem(_rows: Mapping[str, object], _functions: str) -> MapProblem | None:
    """Of a connector whose functions are not known: its rows are tried when the release is built."""
    return None


def no_documents(_: str) -> tuple[DocumentFact, ...]:
    """Of a connector whose documents are not known: it is taken to write the whole object."""
    return ()


class VersionFact(Struct, frozen=True):
    """One version of a vendor's API that the connector was tried with: the day from which the vendor need not answer it any
    more, and what the connector uses of it although it will go away.
    """

    ends: date
    deprecated: tuple[str, ...] = ()


class ConnectorFact(Struct, frozen=True):
    """One connector. Objects are named `order` (any version) or `order.v1`.

    `documents` gives what it writes, for the text of the folder's own mapping file ("" when there is none).
    `subscribes`: a hub can make subscriptions of its topics. `readings` are the records that a process may read to enrich
    its message; `try_map` compiles a flow's own rows.
    `scopes` has what its credentials must be granted, in the vendor's words, by `read order`, `write order` and
    `topic orders/create`; nothing where the vendor's credentials cannot be narrowed. `optional order` has those that widen
    what can be read of it and that a flow may do without. `api_version` is what it speaks when its system does not say.
    `credentials` says for each key whether it must be there, `access` which belong together: the first complete set signs
    in. `longest_processing_seconds` is how long the vendor may still be working on a request that seemed to fail.
    """

    name: str
    reads: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    subscribes: bool = False
    writes: tuple[WriteFact, ...] = ()
    settings: dict[str, SettingFact] = {}
    credentials: dict[str, bool] = {}
    access: dict[str, tuple[str, ...]] = {}
    longest_processing_seconds: float = 0.0
    documents: Callable[[str], tuple[DocumentFact, ...]] = no_documents
    readings: frozenset[str] = frozenset()
    try_map: TryMap = no_problem
    scopes: dict[str, tuple[str, ...]] = {}
    api_version: str = ""
    versions: dict[str, VersionFact] = {}

    def sends(self, topic: str) -> bool:
        """Whether it can send this topic; `flow/*` among its topics stands for all that begin so."""
        return topic in self.topics or f"{topic.partition('/')[0]}/*" in self.topics

    @property
    def writable(self) -> frozenset[str]:
        return frozenset(write.object for write in self.writes)


ConnectorFacts = Mapping[str, ConnectorFact]


def covers(objects: Iterable[str], wanted: str) -> bool:
    """Whether `wanted` (`order.v1`) is among objects named with or without a version."""
    named = set(objects)
    return wanted in named or wanted.partition(".")[0] in named
