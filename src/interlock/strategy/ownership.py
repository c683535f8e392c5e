"""Which system is record of what: an object, a group of fields, one field; everywhere, or at some places only.

The longest name decides (`product.price` before `product`). For one name, an exception that holds at the place decides
before what holds everywhere, and of two exceptions the one with more conditions.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from typing import NamedTuple

from msgspec import Struct

from interlock.canonical import Contract
from interlock.strategy.model import System
from interlock.strategy.positions import Path

IDENTITY = frozenset({"id", "origin"})
"""Which object it is, and not what is true of it: nobody overwrites a truth by naming the object."""

PLACE_FIELDS: Mapping[str, tuple[str, ...]] = {
    "location": ("location", "location_id"), "market": ("market", "market_id", "price_list"), "channel": ("channel", "source"),
    "origin": ("origin",),
}  # fmt: skip
"""Where an object says at which place it is: the first of these fields that its contract has."""

PLACES_MAX = 500
"""So many places of exceptions are looked at when a folder is checked."""


class Place(NamedTuple):
    """Where an object is. None: it does not say, or no exception asks."""

    location: str | None = None
    market: str | None = None
    channel: str | None = None
    origin: str | None = None

    def __str__(self) -> str:
        return " and ".join(f"{name} {value}" for name, value in self._asdict().items() if value is not None)


EVERYWHERE = Place()


def read_from(source: str) -> Place:
    """Where the objects are that a flow reads from its source, when nothing else is known of them: they began there."""
    return Place(origin=source)


class Claim(Struct, frozen=True):
    """One name under `record_of`, or under `of` of an exception; `written` is its place in the system's file."""

    system: str
    thing: str
    where: tuple[tuple[str, frozenset[str]], ...] = ()
    written: Path = ()

    @property
    def object_name(self) -> str:
        return self.thing.partition(".")[0]

    def holds(self, place: Place) -> bool:
        """Whether every condition is met; what an object does not say meets none."""
        return all(getattr(place, dimension) in values for dimension, values in self.where)

    def may_hold_with(self, other: "Claim") -> bool:
        """Whether one place could meet the conditions of both."""
        theirs = dict(other.where)
        return all(values & theirs.get(dimension, values) for dimension, values in self.where)

    def narrower_than(self, other: "Claim") -> bool:
        """Whether it asks all that the other asks for, and more."""
        return {name for name, _ in self.where} > {name for name, _ in other.where}

    def conditions(self) -> str:
        """In words: `location 12 or 14 and market EU`; empty when it holds everywhere."""
        return " and ".join(f"{name} {' or '.join(sorted(values))}" for name, values in self.where)


class Foreign(NamedTuple):
    """A field that somebody else is record of: `product.cost`, `netsuite` ("" when nobody is)."""

    field: str
    record: str


class Ownership:
    """All claims of a folder."""

    def __init__(self, claims: Iterable[Claim], newest: Callable[[str], str] = str) -> None:
        """`newest` gives the name that a field has in the newest version: a field keeps its record when it is renamed."""
        self.claims = tuple(claims)
        self.newest = newest
        self._by_thing: dict[str, list[Claim]] = {}
        for claim in sorted(self.claims, key=lambda one: -len(one.where)):
            self._by_thing.setdefault(newest(claim.thing), []).append(claim)
        self._foreign: dict[tuple[str, str, Place, bool], tuple[Foreign, ...]] = {}

    def record_of(
        self, object_name: str, path: str = "", location: str | None = None, market: str | None = None,
        channel: str | None = None, origin: str | None = None,
    ) -> str:  # fmt: skip
        """The system that is record of a field (`lines[].sku`), or of the object; "" when none is."""
        return self._record(self.newest(thing_of(object_name, path)), Place(location, market, channel, origin))

    def foreign(
        self, source: str, object_name: str, path: str, place: Place = EVERYWHERE, *, below: bool = True
    ) -> tuple[Foreign, ...]:
        """What a flow from `source` may not write of a path: the path itself and, with `below`, the fields in it."""
        if path in IDENTITY:
            return ()
        thing = self.newest(thing_of(object_name, path))
        known = self._foreign.get((source, thing, place, below))
        if known is None:
            known = self._foreign[source, thing, place, below] = self._found(source, thing, place, below=below)
        return known

    def places(self, source: str, *object_names: str) -> tuple[Place, ...]:
        """Where a flow's objects may be: anywhere, and each place that an exception of these objects names. From a system
        that keeps what began there come no objects that began elsewhere."""
        found = {read_from(source): None}
        claims = [claim for claim in self.claims if claim.where and claim.object_name in object_names]
        keeps_its_own = any(claim.system == source and dict(claim.where).get("origin") == frozenset({source}) for claim in claims)
        for claim in claims:
            if not keeps_its_own or source in dict(claim.where).get("origin", {source}):
                names = [dimension for dimension, _ in claim.where]
                for values in product(*(sorted(values) for _, values in claim.where)):
                    found[Place(**{"origin": source, **dict(zip(names, values, strict=True))})] = None
        return tuple(found)[:PLACES_MAX]

    def named_at(self, *object_names: str) -> dict[str, frozenset[str]]:
        """The values that exceptions of these objects ask for, by dimension; all others are alike."""
        found: dict[str, frozenset[str]] = {}
        for claim in self.claims:
            if claim.object_name in object_names:
                for dimension, values in claim.where:
                    found[dimension] = found.get(dimension, frozenset()) | values
        return found

    def _found(self, source: str, thing: str, place: Place, *, below: bool) -> tuple[Foreign, ...]:
        asked = [thing, *(one for one in self._by_thing if below and one.startswith(f"{thing}."))]
        records = ((one, self._record(one, place)) for one in asked)
        return tuple(Foreign(one, record) for one, record in records if record != source)

    def _record(self, thing: str, place: Place) -> str:
        while thing:
            for claim in self._by_thing.get(thing, ()):
                if claim.holds(place):
                    return claim.system
            thing = thing.rpartition(".")[0]
        return ""


def ownership_of(systems: Mapping[str, System], contracts: Iterable[Contract] = ()) -> Ownership:
    """The claims of a folder's systems, in the order of the files; the contracts know which fields were renamed."""
    return Ownership((claim for system in systems.values() for claim in claims_of(system)), newest_names(contracts))


def newest_names(contracts: Iterable[Contract]) -> Callable[[str], str]:
    """From any name that a field has had to the one that it has now: `order.note` is `order.remark` since version 2."""
    renamed = dict(_renames(contracts))

    def newest(thing: str) -> str:
        for _ in renamed:  # a field is renamed once a version at most; what goes round in a circle ends too
            old = next((old for old in renamed if thing == old or thing.startswith(f"{old}.")), None)
            if old is None:
                break
            thing = renamed[old] + thing.removeprefix(old)
        return thing

    return newest


def _renames(contracts: Iterable[Contract]) -> Iterator[tuple[str, str]]:
    for contract in contracts:
        for path, field in contract.paths().items():
            if field.renamed_from:
                whole = thing_of(contract.name, path)
                yield f"{whole.rpartition('.')[0]}.{field.renamed_from}", whole


def claims_of(system: System) -> list[Claim]:
    """What one system is record of, with the exceptions that its file names."""
    found = [Claim(system.name, thing, (), ("record_of", index)) for index, thing in enumerate(system.record_of)]
    began_here = (("origin", frozenset({system.name})),)
    found += [
        Claim(system.name, thing, began_here, ("record_of_own", index))
        for index, thing in enumerate(system.record_of_own)
    ]
    for number, exception in enumerate(system.record_of_where):
        asked = (
            ("location", exception.locations), ("market", exception.markets), ("channel", exception.channels),
        )  # fmt: skip
        where = tuple((dimension, frozenset(values)) for dimension, values in asked if values)
        found += [
            Claim(system.name, thing, where, ("record_of_where", number, "of", index))
            for index, thing in enumerate(exception.of)
        ]
    return found


def thing_of(object_name: str, path: str) -> str:
    """A field's whole name: `order` and `lines[].sku` make `order.lines.sku`."""
    return f"{object_name}.{path.replace('[]', '')}" if path else object_name


def place_of(value: object, named: Mapping[str, frozenset[str]]) -> Place:
    """Where an object is, as far as an exception asks. `named` is that of Ownership.named_at."""
    found = {}
    for dimension, values in named.items():
        for field in PLACE_FIELDS[dimension]:
            said = getattr(value, field, None)
            if said is not None:
                found[dimension] = said if said in values else None
                break
    return Place(**found)
