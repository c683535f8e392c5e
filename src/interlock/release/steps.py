"""The steps of a middleware flow, compiled: what the engine asks of a process (messaging/process.py) for one release."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from interlock.canonical import Contract
from interlock.connectors.contract import Outcome, Past, Plan, Records, Write
from interlock.errors import MappingError
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.process import Message, Pace, Step
from interlock.messaging.write import Absent, Destination, LookUp
from interlock.release.parts import Parts, grouped, part_of
from interlock.strategy import Flow, compile_predicate
from interlock.strategy.predicate import Predicate
from interlock.strategy.steps import StepRule, following, meeting, otherwise, ways

MIDDLEWARE = "middleware"
PLACE = re.compile(r"\{([A-Za-z0-9_.-]+)\}")
_facts = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder().encode


class Systems(Protocol):
    """What enrichment asks of a release."""

    def records(self, name: str) -> Records:
        """The system to read records from."""


class Staged(msgspec.Struct, frozen=True, gc=False):
    """A canonical object on its way from a step; `undo` is the operation that takes an earlier one back, "" to write."""

    value: Any
    undo: str = ""


class StagedDestination:
    """A system that steps write to: what they send is planned by its connector, as a part, or as taken back."""

    def __init__(self, inner: Destination) -> None:
        self._inner = inner

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:
        """The connector's own plan; of what is taken back only the operation that the step names."""
        if not isinstance(document, Staged):
            return self._inner.plan(document, signal=signal, past=past)
        plan = self._inner.plan(document.value, signal="", past=past)
        others = sorted({write.operation for write in plan.writes} - {document.undo}) if document.undo else []
        if others:
            raise MappingError(
                f"{', '.join(others)} would be called to take it back, and the step names {document.undo}",
                code="MAP007", next_move="take it back by hand at the system, then discard this",
            )  # fmt: skip
        return plan

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:
        """The connector's own call."""
        return await self._inner.write(write, idempotency_key=idempotency_key, timeout_seconds=timeout_seconds)

    async def look_up(self, write: Write, *, timeout_seconds: float) -> LookUp:
        """The connector's own."""
        return await self._inner.look_up(write, timeout_seconds=timeout_seconds)


class Steps:
    """The Script port. The message is a table: the object under its name, what each step added under the step's."""

    def __init__(
        self, flow: Flow, contract: Contract, systems: Systems, as_named: Callable[[Any], Any] = lambda value: value
    ) -> None:
        self._flow = flow
        self._contract = contract
        self._as_named = as_named
        self._systems = systems
        self._rules = {rule.name: rule for rule in flow.steps}
        self._split = {name: rule for rule in flow.steps if rule.kind == "split" for name in _between(flow.steps, rule)}
        self._cases: dict[str, list[tuple[Predicate, str]]] = {
            rule.name: [(compile_predicate(case.when, "message"), case.next) for case in rule.cases]
            for rule in flow.steps
        }
        self.first = flow.steps[0].name
        self.steps: Mapping[str, Step] = {rule.name: _step(flow.steps, at) for at, rule in enumerate(flow.steps)}

    def pack(self, value: Any) -> bytes:
        """The canonical object as JSON, in the version that the flow names."""
        return _encode(self._as_named(value))

    async def enrich(
        self, step: Step, message: Message, *, pace: Pace, timeout_seconds: float
    ) -> bytes | Retry | Refused:
        """The record, or the entry of the table; for a list one for each element. `null` where there is none."""
        rule, table = self._rules[step.name], self._table(step.name, message)
        if not rule.each:
            return await self._looked_up(rule, _filled(rule.key, table), pace, timeout_seconds)
        found: list[bytes] = []
        for element in _at(table, rule.each) or ():
            one = await self._looked_up(rule, _filled(rule.key, table | {"item": element}), pace, timeout_seconds)
            if isinstance(one, Retry | Refused):
                return one
            found.append(one)
        return b"[" + b",".join(found) + b"]"

    def choose(self, step: Step, message: Message) -> str:
        """The first case that holds."""
        table = self._table(step.name, message)
        taken = next((name for holds, name in self._cases[step.name] if holds(table)), None)
        if taken is None:
            return otherwise(self._flow.steps, self._flow.steps.index(self._rules[step.name]))
        return "" if taken == "end" else taken

    def parts(self, step: Step, message: Message) -> bytes:
        """The places of the elements of each part, by the part's name."""
        rule, table = self._rules[step.name], self._table(step.name, message)
        elements = _at(table, rule.each) or ()
        if not rule.by:
            values = [getattr(element, "id", place) for place, element in enumerate(elements, start=1)]
        elif rule.by in self._rules:
            values = list(table.get(rule.by) or [])
        else:
            values = [_at(element, rule.by) for element in elements]
        return _encode(grouped(values[: len(elements)]))

    def document(self, step: Step, message: Message, *, undo: bool) -> Staged:
        """The object as this step sends it: a part under a name of its own, with what `set` fills."""
        rule, table = self._rules[step.name], self._table(step.name, message)
        value = self._with(rule, table[self._flow.object_name], table)
        if message.part:
            value = _named(value, message.part)
        if undo:
            value = msgspec.structs.replace(value, cancelled_at=value.updated_at, cancel_reason="other")
        return Staged(value, rule.compensate if undo else "")

    def _table(self, name: str, message: Message) -> dict[str, Any]:
        value = msgspec.json.decode(message.object, type=self._contract.struct)
        facts = {step: _facts(fact) for step, fact in message.facts.items()}
        split = self._split.get(name)
        if split is not None and message.part:
            parts: Parts = facts.get(split.name) or {}
            value = part_of(value, split.each.partition(".")[2], parts, message.part)
        return {**facts, self._flow.object_name: value, "part": message.part}

    def _with(self, rule: StepRule, value: Any, table: Mapping[str, Any]) -> Any:
        """Fields filled from the message, converted as the contract says; one whose places have nothing stays as it is."""
        filled = {field: _filled(template, table) for field, template in rule.set.items()}
        given = {field: text for field, text in filled.items() if text is not None}
        if not given:
            return value
        types = {field.name: field.type for field in msgspec.structs.fields(self._contract.struct)}
        try:
            made = {name: msgspec.convert(text, types[name], strict=False) for name, text in given.items()}
        except (msgspec.ValidationError, KeyError) as error:
            raise MappingError(
                f"step {rule.name} sets what the contract does not take: {error}", code="MAP001"
            ) from error
        return msgspec.structs.replace(value, **made)

    async def _looked_up(
        self, rule: StepRule, key: str | None, pace: Pace, timeout_seconds: float
    ) -> bytes | Retry | Refused:
        if not rule.system:
            return _encode(rule.table.get(key or "", rule.default))
        if key is None:
            return b"null"
        await pace(rule.system)
        answer = await self._systems.records(rule.system).fetch(rule.read, key, timeout_seconds=timeout_seconds)
        if isinstance(answer, Absent):
            return b"null"
        return _taken(answer, rule.take) if isinstance(answer, bytes) and rule.take else answer


def _step(rules: list[StepRule], at: int) -> Step:
    rule = rules[at]
    return Step(
        name=rule.name, kind=rule.kind, next="" if rule.kind == "route" else following(rules, at),
        destination=rule.system if rule.kind == "write" else "",
        meets_at=meeting(rules, at) if rule.kind == "split" else "", compensate=rule.compensate,
        on_failure=rule.on_failure, count=rule.count, timeout_ms=round(rule.timeout_minutes * 60_000),
    )  # fmt: skip


def _between(rules: list[StepRule], split: StepRule) -> set[str]:
    """The steps that a split's parts take, up to where they meet."""
    places = {rule.name: at for at, rule in enumerate(rules)}
    end = meeting(rules, places[split.name])
    found: set[str] = set()
    ahead = ways(rules, places[split.name])
    while ahead:
        name = ahead.pop()
        if name not in found and name != end:
            found.add(name)
            ahead += ways(rules, places[name])
    return found


def _named(value: Any, part: str) -> Any:
    """A part is an object of its own at the destination: its id and its name say which."""
    changed = {"id": f"{value.id}-{part}"}
    if hasattr(value, "name"):
        changed["name"] = f"{value.name}-{part}"
    return msgspec.structs.replace(value, **changed)


def _at(value: Any, path: str) -> Any:
    """The value at a path through structs and tables; None as soon as there is none."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
        if value is None:
            return None
    return value


def _filled(template: str, table: Mapping[str, Any]) -> str | None:
    """The text with its places filled; None when one of them has nothing."""
    values = [_at(table, path) for path in PLACE.findall(template)]
    if any(value is None for value in values):
        return None
    texts = iter([str(value) for value in values])
    return PLACE.sub(lambda _: next(texts), template)


def _taken(record: bytes, members: list[str]) -> bytes:
    """Only these members of a record: what a process does not need it does not keep."""
    found = msgspec.json.decode(record, type=dict[str, msgspec.Raw])
    return _encode({name: found[name] for name in members if name in found})
