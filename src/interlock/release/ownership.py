"""A destination as flows from one source may write to it: what another system is record of is left out, and said.

A folder in which nothing is left out at a destination gives the destination itself: that costs nothing.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from interlock.connectors.contract import Builder, Buyer
from interlock.connectors.straight import Straight
from interlock.messaging.outcome import Outcome
from interlock.messaging.write import Destination, LookUp, Past, Plan, RefusedField, Write
from interlock.release.straight import POINT_TO_POINT
from interlock.strategy import Strategy, contracts_of
from interlock.strategy.facts import ConnectorFacts, DocumentFact
from interlock.strategy.left_out import LeftOut, documents_of, left_out
from interlock.strategy.ownership import EVERYWHERE, Foreign, Place, ownership_of, place_of

Wrap = Callable[[str, Builder], Builder]
Open = Callable[[Mapping[str, Collection[str]], Wrap], Destination]
"""Opens the destination anew, without these rows of its documents, each builder wrapped."""

FIELD_REFUSED = "OWN001"
ALL_REFUSED = "OWN002"
FIELDS_TOLD = 3


class Rules:
    """What flows from one source leave out at one destination, by the place of the object."""

    def __init__(self, strategy: Strategy, name: str, source: str, connectors: ConnectorFacts) -> None:
        self.strategy = strategy
        self.title = strategy.systems[name].title
        self._ownership = ownership_of(strategy.systems, contracts_of(strategy).values())
        self._source = source
        self._documents = _documents(strategy, name, source, connectors)
        objects = {one.object for one in self._documents}
        self.named = self._ownership.named_at(*objects)
        places = (EVERYWHERE, *self._ownership.places(source, *objects)) if self.named else (EVERYWHERE,)
        self.needed = any(self.at(place) for place in places)

    def at(self, place: Place) -> dict[str, tuple[DocumentFact, LeftOut]]:
        """The documents from which something is left out there, by name."""
        pairs = ((one, left_out(one, self._ownership, self._source, place)) for one in self._documents)
        return {one.name: (one, left) for one, left in pairs if left.rows}

    def words(self, foreign: Foreign) -> RefusedField:
        """A refusal as the audit tells it: the field, whose it is, and the team to ask."""
        said = f"{FIELD_REFUSED} refused: {foreign.field} is {self._whose(foreign.record)}"
        return RefusedField(field=foreign.field, record=foreign.record, team=self._team(foreign.record), words=said)

    def told(self, refused: Iterable[RefusedField]) -> list[str]:
        """Refusals as the story tells them: a line for each system that is record of what was left out."""
        by_record: dict[str, list[str]] = {}
        for one in refused:
            by_record.setdefault(one.record, []).append(one.field)
        return [self._line(record, fields) for record, fields in by_record.items()]

    def _line(self, record: str, fields: list[str]) -> str:
        more = len(fields) - FIELDS_TOLD
        named = fields[:FIELDS_TOLD] + ([f"{more} more"] if more > 0 else [])
        listed = f"{', '.join(named[:-1])} and {named[-1]} are" if len(named) > 1 else f"{named[0]} is"
        return f"{FIELD_REFUSED} refused: {listed} {self._whose(record)}"

    def _whose(self, record: str) -> str:
        system = self.strategy.systems.get(record)
        return f"{system.title if system else 'nobody'}'s ({self._team(record)})"

    def _team(self, record: str) -> str:
        return self.strategy.systems[record].owner if record in self.strategy.systems else "no owner"


def _documents(strategy: Strategy, name: str, source: str, connectors: ConnectorFacts) -> list[DocumentFact]:
    system, override = strategy.systems[name], strategy.mappings.get(name, "")
    flows = [
        flow
        for flow in strategy.flows.values()
        if flow.source == source and name in flow.destinations and flow.pattern != POINT_TO_POINT
    ]
    found = (one for flow in flows for one in documents_of(flow, system, connectors, override))
    return list({one.name: one for one in found}.values())


def guarded(plain: Destination, rules: Rules, open_anew: Open) -> Destination:
    """The destination itself, when flows from this source leave nothing out there."""
    return Guarded(plain, rules, open_anew) if rules.needed else plain


class Guarded:
    """Plans with what is left out; calls as the destination itself does."""

    def __init__(self, plain: Destination, rules: Rules, open_anew: Open) -> None:
        self._plain = plain
        self._rules = rules
        self._open = open_anew
        self._variants: dict[Place, _Variant | None] = {}
        self._opened: dict[tuple[Any, ...], _Variant] = {}

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:
        """What the destination plans, without the fields that are another's at the object's place."""
        if isinstance(document, Straight):  # its rows know no canonical field: the whole was judged when it was loaded
            return self._plain.plan(document, signal=signal, past=past)
        place = place_of(document, self._rules.named)
        if place not in self._variants:
            self._variants[place] = self._variant(place)
        variant = self._variants[place]
        return (variant or self._plain).plan(document, signal=signal, past=past)

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:
        """The destination's own call."""
        return await self._plain.write(write, idempotency_key=idempotency_key, timeout_seconds=timeout_seconds)

    async def look_up(self, write: Write, *, timeout_seconds: float) -> LookUp:
        """The destination's own."""
        return await self._plain.look_up(write, timeout_seconds=timeout_seconds)

    def _variant(self, place: Place) -> "_Variant | None":
        """Compiled once for each set of rows that are left out, however many places leave them out."""
        left = self._rules.at(place)
        if not left:
            return None
        key = tuple((name, *rows.rows) for name, (_, rows) in left.items())
        if key not in self._opened:
            self._opened[key] = _Variant(self._rules, left, self._open)
        return self._opened[key]


class _Variant:
    """The destination with some rows left out of its documents: for planning only."""

    def __init__(self, rules: Rules, left: Mapping[str, tuple[DocumentFact, LeftOut]], open_anew: Open) -> None:
        self._rules = rules
        self._left = left
        self._refused = {name: tuple(map(rules.words, rows.fields())) for name, (_, rows) in left.items()}
        self._asked: dict[str, tuple[RefusedField, ...]] = {}
        self._planner = open_anew({name: rows.rows for name, (_, rows) in left.items()}, self._noting)

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:
        self._asked.clear()
        plan = self._planner.plan(document, signal=signal, past=past)
        operations = [write.operation for write in plan.writes if not write.object and write.operation in self._left]
        asked = self._asked | {name: self._refused[name] for name in operations}
        if not asked:
            return plan
        refused = tuple(dict.fromkeys(one for fields in asked.values() for one in fields))
        plan = msgspec.structs.replace(plan, warnings=(*plan.warnings, *self._rules.told(refused)), refused=refused)
        along = {write.object for write in plan.writes if write.object}
        broken = [name for name in asked if self._left[name][1].missing]
        whole = operations + [name for name in broken if self._left[name][0].object not in along]
        return self._nothing(plan, whole[0]) if whole else self._without(plan, broken)

    def _without(self, plan: Plan, broken: Iterable[str]) -> Plan:
        """The plan, without what it would bring along and the destination would not take in this form."""
        kept_away = {self._left[name][0].object for name in broken}
        writes = tuple(write for write in plan.writes if write.object not in kept_away)
        return msgspec.structs.replace(plan, writes=writes)

    def _nothing(self, plan: Plan, name: str) -> Plan:
        """A plan is carried out as a whole or not at all: half of a cancel-and-make-anew would be a second parcel."""
        document, left = self._left[name]
        reason = f"without {', '.join(left.missing)}" if left.missing else "that changes what is another's"
        because = f"{ALL_REFUSED} refused as a whole: {self._rules.title} gets no {document.name} {reason}"
        return msgspec.structs.replace(plan, writes=(), because=because)

    def _noting(self, name: str, builder: Builder) -> Builder:
        return _Noting(builder, partial(self._note, name)) if name in self._left else builder

    def _note(self, name: str, value: Any) -> None:
        """An order knows little of the customer that it brings along: what it does not say is nobody's attempt."""
        refused = self._refused[name]
        if isinstance(value, Buyer):
            refused = tuple(one for one in refused if _said(value, one.field.partition(".")[2]))
        self._asked[name] = refused


def _said(value: Any, path: str) -> bool:
    """Whether there is anything at a path."""
    for name in path.split("."):
        value = getattr(value, name, None)
    return value not in (None, (), "")


class _Noting:
    """A builder that tells that it was asked: a plan need not ask for each document."""

    def __init__(self, builder: Builder, note: Callable[[Any], None]) -> None:
        self._builder = builder
        self._note = note

    def __call__(self, value: Any) -> bytes:
        """The document, without what was left out."""
        self._note(value)
        return self._builder(value)

    def warnings(self, value: Any) -> tuple[str, ...]:
        """The builder's own."""
        found: tuple[str, ...] = self._builder.warnings(value)  # type: ignore[attr-defined]  # compiled builders have it
        return found
