"""A rehearsal: two releases are given the same recorded events, and what they would do is compared. Nothing is sent."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from interlock.mapping.difference import differences
from interlock.messaging.event import Event
from interlock.release.build import Build
from interlock.release.effect import Effect, Hide, Tally
from interlock.release.turn import Failed, Planned, Turn, Way

NO_BODY = "their bodies were forgotten, as security.toml says"
INCOMPLETE = "they only say that something changed; the hub reads the object from its source"
NO_FLOW = "no flow of either folder starts on them"
PROCESS = "they run a process too, whose steps read other systems and are not tried here"


def rehearse(old: Build, new: Build, events: Iterable[Event], hide: Hide | None = None) -> Effect:
    """What the new release would do otherwise with these events. Without a way to have an effect, none is read."""
    rehearsal = Rehearsal(old, new, Tally(hide) if hide else Tally())
    began = time.perf_counter()
    if not rehearsal.can_differ:
        return Effect(untouched=True)
    for event in events:
        rehearsal.add(event)
    return rehearsal.effect(time.perf_counter() - began)


class Rehearsal:
    """Both releases, and what was found so far. What cannot differ is not worked out."""

    def __init__(self, old: Build, new: Build, tally: Tally) -> None:
        self._old, self._new = old, new
        self._tally = tally
        self._numbers: dict[tuple[str, str, str], int] = {}
        self._left_out: dict[str, int] = {}
        self._unseen = 0
        self._events = 0
        flows = {**old.strategy.flows, **new.strategy.flows}
        self._reads_alike = {
            (flow.source, flow.object_name): _translation(old, flow.source) == _translation(new, flow.source)
            for flow in flows.values()
        }
        self._writes_alike = {
            name: _translation(old, name) == _translation(new, name) for name in {*_written_to(old), *_written_to(new)}
        }
        self._routes_alike = {name: _routing(old, name) == _routing(new, name) for name in flows}

    @property
    def can_differ(self) -> bool:
        """Whether anything changed that decides about an event."""
        return not all((*self._reads_alike.values(), *self._writes_alike.values(), *self._routes_alike.values()))

    def add(self, event: Event) -> None:
        """One event, as both releases would treat it had it just come."""
        self._events += 1
        old, new = Turn(self._old, event), Turn(self._new, event)
        for why in _untried(event, old, new):
            self._left_out[why] = self._left_out.get(why, 0) + 1
        self._unseen += any(self._may_differ(process, event) for process in old.processes | new.processes)
        if (old.ways or new.ways) and event.complete and event.body is not None:
            if self._reads_alike.get((event.system, event.object)):
                new.share(old)
            self._compare(event, old, new)

    def effect(self, seconds: float) -> Effect:
        """All that was found."""
        objects = {object_name for _, object_name, _ in self._numbers}
        return Effect(
            events=self._events, objects=len(self._numbers), differ=len(self._tally.differing),
            noun=objects.pop().replace("_", " ") if len(objects) == 1 else "object",
            lines=self._tally.lines(), left_out=self._left_out, unseen=self._unseen, seconds=seconds,
        )  # fmt: skip

    # -- one event

    def _may_differ(self, process: str, event: Event) -> bool:
        """Whether anything changed that decides what a process does with an event."""
        flows = (build.strategy.flows.get(process) for build in (self._old, self._new))
        written = {name for flow in flows if flow is not None for name in flow.destinations}
        alike = (self._routes_alike[process], self._reads_alike.get((event.system, event.object), True))
        return not all((*alike, *(self._writes_alike.get(name, True) for name in written)))

    def _compare(self, event: Event, old: Turn, new: Turn) -> None:
        number = self._numbers.setdefault((event.system, event.object, event.key), len(self._numbers))
        name = event.name or event.key
        for _, destination, _ in (*old.ways, *new.ways):
            self._tally.reaches(destination, number)
        if old.failed or new.failed:
            self._tally.reaches(event.system, number)
            self._judge(event.system, f"{event.object} in", old.failed, new.failed, number, name)
            return
        alike = self._alike_read(old, new)
        before, after = self._admitted(old, new, alike)
        self._ways(before, after, number, name)
        told = set()
        for way in (way for way in before if way in after and not (way[0] in alike and self._writes_alike[way[1]])):
            what = (old.document_key(way), new.document_key(way))
            if what not in told:
                told.add(what)
                self._plans(way[1], old.plan(way), new.plan(way), number=number, name=name)

    def _alike_read(self, old: Turn, new: Turn) -> set[str]:
        """The flows that go the same ways, and for which both releases read the same object of this event."""
        flows = {flow for flow, _, _ in (*old.ways, *new.ways) if self._routes_alike[flow]}
        straight = {flow for flow in flows if self._old.straight(flow)}
        same = flows == straight or old.object() is new.object() or old.object() == new.object()
        return flows if same else straight

    def _admitted(self, old: Turn, new: Turn, alike: set[str]) -> tuple[list[Way], list[Way]]:
        """Conditions are tried only where they, or what they look at, may have changed."""
        if all(flow in alike for flow, _, _ in (*old.ways, *new.ways)):
            return old.ways, new.ways
        return [way for way in old.ways if old.admits(way)], [way for way in new.ways if new.admits(way)]

    def _ways(self, before: list[Way], after: list[Way], number: int, name: str) -> None:
        """Objects that go to a destination by any flow, and did not, or the other way round."""
        old, new = ({destination: flow for flow, destination, _ in ways} for ways in (before, after))
        for destination in new.keys() - old.keys():
            self._tally.add("goes", destination, f"flow {new[destination]}", "now gets", number=number, name=name)
        for destination in old.keys() - new.keys():
            self._tally.add(
                "stays", destination, f"flow {old[destination]}", "no longer gets", number=number, name=name
            )

    def _plans(self, destination: str, before: Planned, after: Planned, *, number: int, name: str) -> None:
        if before == after:
            return
        if isinstance(before, Failed) or isinstance(after, Failed):
            self._judge(destination, "", before, after, number, name)
            return
        made, wanted = ({} if isinstance(plan, str) else plan for plan in (before, after))
        for operation in {**made, **wanted}:
            if operation not in wanted:
                self._tally.add(
                    "spares",
                    destination,
                    operation,
                    "no longer called for",
                    number=number,
                    name=name,
                    why=_because(after),
                )
            elif operation not in made:
                self._tally.add(
                    "writes", destination, operation, "now called for", number=number, name=name, why=_because(before)
                )
            elif made[operation] != wanted[operation]:
                self._bodies(destination, operation, made[operation], wanted[operation], number, name)

    def _bodies(
        self, destination: str, operation: str, old: list[bytes], new: list[bytes], number: int, name: str
    ) -> None:
        found = [each for pair in zip(old, new, strict=False) for each in differences(*pair)]
        for each in found:
            self._tally.add_field(destination, operation, each, number=number, name=name)
        if len(old) != len(new):
            self._tally.add(
                "writes", destination, operation, "called for another number of times for", number=number, name=name
            )
        elif not found:
            self._tally.add(
                "form", destination, operation, "the same values, written otherwise, in", number=number, name=name
            )

    def _judge(self, destination: str, subject: str, old: Any, new: Any, number: int, name: str) -> None:
        """At least one of the two failed."""
        if isinstance(new, Failed) and isinstance(old, Failed):
            if old.code != new.code:
                self._tally.add("fails", destination, f"{subject} {new.code}".strip(), f"fails otherwise ({old.code} before) for",
                                number=number, name=name, why=new.what)  # fmt: skip
        elif isinstance(new, Failed):
            self._tally.add(
                "fails",
                destination,
                f"{subject} {new.code}".strip(),
                "now fails for",
                number=number,
                name=name,
                why=new.what,
            )
        else:
            self._tally.add(
                "heals", destination, f"{subject} {old.code}".strip(), "no longer fails for", number=number, name=name
            )


def _untried(event: Event, old: Turn, new: Turn) -> Iterator[str]:
    """Why an event is left out, in whole or in part."""
    steered = old.processes or new.processes
    if steered:
        yield PROCESS
    if not (old.ways or new.ways):
        if not steered:
            yield NO_FLOW
    elif event.body is None:
        yield NO_BODY
    elif not event.complete:
        yield INCOMPLETE


ASIDE = frozenset({"title", "owner", "url", "credentials", "limits", "retry", "breaker", "intake"})
"""Keys of a system that decide nothing about what is written."""

WORDS = frozenset({
    "title", "rationale", "impact", "complexity", "owner", "runbook", "slo", "retry", "paused", "rollback", "advice",
})  # fmt: skip
"""Keys of a flow that decide nothing about where an event goes and what is written."""


def _translation(build: Build, system: str) -> tuple[Any, ...] | None:
    """All that decides how a system's documents are read and written, who owns which field included; None when the
    folder has no such system."""
    strategy = build.strategy
    if system not in strategy.systems:
        return None
    owned = {name: _without(each, ASIDE | {"settings", "connector"}) for name, each in strategy.systems.items()}
    return (
        _without(strategy.systems[system], ASIDE), owned, strategy.mappings.get(system, ""), strategy.items.get(system),
        strategy.functions, strategy.objects, strategy.converters, strategy.timezone,
    )  # fmt: skip


def _written_to(build: Build) -> set[str]:
    flows = build.strategy.flows.values()
    return {name for flow in flows for name in flow.destinations} & build.strategy.systems.keys()


def _routing(build: Build, name: str) -> dict[str, Any] | None:
    """All that decides where a flow's events go."""
    flow = build.strategy.flows.get(name)
    return None if flow is None else _without(flow, WORDS)


def _without(struct: msgspec.Struct, keys: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in msgspec.to_builtins(struct).items() if key not in keys}


def _because(plan: Planned) -> str:
    return plan if isinstance(plan, str) else ""
