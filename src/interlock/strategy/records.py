"""The map of systems of record: who holds the truth of each object and group of fields, and which flows write it where."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from interlock.strategy.contracts import contracts_of
from interlock.strategy.facts import ConnectorFacts
from interlock.strategy.inventory import counters
from interlock.strategy.left_out import NOTHING, documents_of, left_out
from interlock.strategy.model import Flow, Strategy, Team
from interlock.strategy.ownership import IDENTITY, Claim, Foreign, Ownership, ownership_of, thing_of

ELSEWHERE = "all other places"


class Written(NamedTuple):
    """What one flow writes at one destination: the fields, by their whole names, and what it leaves out."""

    flow: str
    source: str
    destination: str
    fields: tuple[str, ...]
    left_out: tuple[Foreign, ...]

    def grouped(self) -> dict[str, dict[str, int]]:
        """The fields by object and by the first step of their paths, each with how many there are: `lines`, 6."""
        found: dict[str, dict[str, int]] = {}
        for field in self.fields:
            name, _, path = field.partition(".")
            steps = found.setdefault(name, {})
            step = path.partition(".")[0]
            steps[step] = steps.get(step, 0) + 1
        return found


class Holder(NamedTuple):
    """A system that is record of something. `where` is empty when it is so everywhere."""

    system: str
    where: str = ""


class Row(Struct, frozen=True):
    """An object (`group` is false) or a group of its fields. `writes` and `refused`: destination -> flows."""

    thing: str
    group: bool
    holders: tuple[Holder, ...]
    writes: Mapping[str, tuple[str, ...]]
    refused: Mapping[str, tuple[str, ...]]

    def held_by(self, system: str) -> Holder | None:
        """Whether and where a system is record of it."""
        mine = [holder for holder in self.holders if holder.system == system]
        return Holder(system, "; ".join(one.where for one in mine if one.where)) if mine else None

    @property
    def name(self) -> str:
        """`order`, or the path below the object: `shipping_address`."""
        return self.thing.partition(".")[2] if self.group else self.thing


class Records(Struct, frozen=True):
    """All of it. `systems` are those that hold or get anything, in the order of the folder."""

    rows: tuple[Row, ...]
    systems: tuple[str, ...]
    written: tuple[Written, ...]

    def groups_of(self, row: Row) -> list[Row]:
        """The field groups of an object's row."""
        return [one for one in self.rows if one.group and one.thing.startswith(f"{row.thing}.")]


def records_of(strategy: Strategy, connectors: ConnectorFacts) -> Records:
    """The map of a folder. `connectors` know which fields each destination is written."""
    held = ownership_of(strategy.systems, contracts_of(strategy).values())
    written = tuple(_written(strategy, connectors, held))
    rows = tuple(_rows(held, written, strategy.flows.values()))
    shown = {holder.system for row in rows for holder in row.holders} | {
        name for flow in strategy.flows.values() for name in (flow.source, *flow.destinations)
    }
    return Records(rows, tuple(name for name in strategy.systems if name in shown), written)


def owner_of(strategy: Strategy, system: str) -> Team | None:
    """The team that answers for a system."""
    return strategy.teams.get(strategy.systems[system].owner) if system in strategy.systems else None


def _written(strategy: Strategy, connectors: ConnectorFacts, held: Ownership) -> Iterator[Written]:
    counting = counters(strategy.inventory)
    for flow in strategy.flows.values():
        counted = flow.publish is not None and flow.source in counting
        for name in flow.destinations:
            override = strategy.mappings.get(name, "")
            fields: dict[str, None] = {}
            foreign: dict[Foreign, None] = {}
            for document in documents_of(flow, strategy.systems[name], connectors, override):
                left = NOTHING if counted else left_out(document, held, flow.source)
                foreign |= dict.fromkeys(left.fields())
                kept = (
                    row for row in document.rows if row.target not in left.rows and (row.whole or row.reads == ("",))
                )
                fields |= dict.fromkeys(
                    thing_of(document.object, path) for row in kept for path in row.reads if path not in IDENTITY
                )
            yield Written(flow.name, flow.source, name, tuple(sorted(fields)), tuple(foreign))


def _rows(held: Ownership, written: Iterable[Written], flows: Iterable[Flow]) -> Iterator[Row]:
    claims: dict[str, list[Claim]] = {}
    for claim in held.claims:
        claims.setdefault(held.newest(claim.thing), []).append(claim)
    moved = {flow.object_name for flow in flows}
    objects = sorted({thing.partition(".")[0] for thing in claims} | moved)
    for name in objects:
        for thing in (name, *sorted(one for one in claims if one.startswith(f"{name}."))):
            holders = tuple(_holders(held, thing, claims.get(thing, ())))
            writes = _flows(
                one for one in written if any(_group(held.newest(field), claims) == thing for field in one.fields)
            )
            refused = _flows(
                one for one in written if any(_group(each.field, claims) == thing for each in one.left_out)
            )
            yield Row(thing, "." in thing, holders, writes, refused)


def _holders(held: Ownership, thing: str, claims: Iterable[Claim]) -> Iterator[Holder]:
    """The claims; and where all of them are exceptions, who holds it elsewhere."""
    found = [Holder(claim.system, claim.conditions()) for claim in claims]
    yield from found
    name, _, path = thing.partition(".")
    elsewhere = held.record_of(name, path) if found and all(one.where for one in found) else ""
    if elsewhere:
        yield Holder(elsewhere, ELSEWHERE)


def _group(field: str, claims: Mapping[str, object]) -> str:
    """The longest claimed name that a field belongs to; else its object."""
    while "." in field and field not in claims:
        field = field.rpartition(".")[0]
    return field


def _flows(written: Iterable[Written]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one in written:
        found[one.destination] = (*found.get(one.destination, ()), one.flow)
    return found
