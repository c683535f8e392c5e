"""Steers a process: begins its runs, takes the steps that are due, and takes its writes back when one fails for good.

A newer event of the same object never interrupts a step. What is under way ends, the steps after it are not begun, and the
process runs again from its first step with the newer state: what a system has already is not sent again.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from interlock.clock import Clock
from interlock.errors import MappingError
from interlock.messaging.course import (
    Standing,
    left_over,
    message_for,
    newest,
    noticed,
    rests,
    standing,
    stands,
    undoing,
)
from interlock.messaging.dead_letter import HELD_BY
from interlock.messaging.delivery import Delivery
from interlock.messaging.finished import Finished, Stop, dead, failure_of, held, mapping_stop
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.process import Course, Mark, Move, Pace, ProcessStore, Script, State, Step
from interlock.messaging.releases import Document, Releases

Load = Callable[[], Awaitable[Document]]
Refusal = Callable[[Document], str]
_Made = TypeVar("_Made")


class Processes:
    """Shared by all couriers' trips; holds no state of a process."""

    def __init__(self, store: ProcessStore, releases: Releases, clock: Clock) -> None:
        self._store = store
        self._releases = releases
        self._clock = clock
        self.wake: Callable[[], None] = lambda: None
        self.pace: Pace = _at_once

    async def steer(self, delivery: Delivery, load: Load, refusal: Refusal, timeout_seconds: float) -> Finished:
        """Take every step that is due. Raises Stop for what a person must see to, StoreError when the store breaks."""
        course = await self._store.course(delivery)
        while True:
            if course is None or _may_begin(course, delivery):
                document = await load()
                if reason := refusal(document):
                    failure = failure_of("filtered", "HUB-FILTER", reason)
                    return Finished(state="cancelled", version=document.version, failure=failure)
                course = await self._begin(delivery, document)
            advanced = await self._advance(await self._look(course, delivery), timeout_seconds)
            if isinstance(advanced, Finished):
                return advanced
            course = advanced

    async def document(self, child: Delivery) -> Document:
        """What the delivery of a step brings to its destination. Raises Stop."""
        found = await self._store.of_child(child)
        if found is None:
            raise dead("no_flow", "HUB-GONE", "no process has made this delivery")
        course, mark = found
        if course.message is None:
            raise dead("no_flow", "HUB-GONE", "the process's data is kept no longer; replay the process instead")
        script = await self._script(child.release, child)
        step = script.steps.get(mark.step)
        if step is None:
            raise dead("no_flow", "HUB-GONE", f"flow {child.flow} has no step {mark.step} any more")
        value = _pure(lambda: script.document(step, message_for(course, mark.part), undo=mark.undo))
        # What a process does later is newer, also when it takes back or does again what it did for the same version.
        return Document(value=value, version=course.version + mark.number, event=course.event)

    async def _script(self, release: str, delivery: Delivery) -> Script:
        script = (await self._releases.get(release)).script(delivery.flow)
        if script is None:
            raise dead("no_flow", "HUB-GONE", f"release {release} has no process {delivery.flow}")
        return script

    async def _begin(self, delivery: Delivery, document: Document) -> Course:
        script = await self._script(delivery.release, delivery)
        course = await self._store.begin(
            delivery, version=document.version, message=_pure(lambda: script.pack(document.value)), release=delivery.release,
            now_ms=self._clock.now_ms(),
        )  # fmt: skip
        return _ours(course)

    async def _look(self, course: Course, delivery: Delivery) -> "_Trip":
        """By the steps of the release in which the run began. Raises Stop when they are not what its marks tell of."""
        script = await self._script(course.release, delivery)
        return _pure(lambda: _Trip(script, course, delivery, self._clock.now_ms()))

    async def _advance(self, trip: "_Trip", timeout_seconds: float) -> Course | Finished:
        """One transaction further, or how the try ends."""
        moves, state = _pure(trip.moves)
        trouble: Stop | None = None
        for step, part in trip.due:
            try:
                moves.append(await trip.take(step, part, self.pace, timeout_seconds))
            except Stop as stop:  # of one part: the others go on
                trouble = stop
        course: Course | None = trip.course
        if moves or state != trip.course.state:
            course = await self._store.advance(trip.delivery, trip.course, moves, state, self._clock.now_ms())
            if any(move.destination for move in moves):
                self.wake()
        if trouble is not None:
            raise trouble
        return trip.finished() if course is trip.course else _ours(course)


class _Trip:
    """One look at a process: what has changed, and what is to be done about it."""

    def __init__(self, script: Script, course: Course, delivery: Delivery, now_ms: int) -> None:
        self.script = script
        self.course = course
        self.delivery = delivery
        self.standing: Standing = standing(script, course, now_ms)
        self.due: Sequence[tuple[Step, str]] = ()

    def moves(self) -> tuple[list[Move], State]:
        """What the deliveries have come to goes first; then the process goes on, or back."""
        course = self.course
        if course.state == "compensated":
            return [], course.state
        newer = course.revision != self.delivery.revision
        seen = noticed(course)
        if seen:
            mine = {mark.number for mark in course.marks if mark.run == course.run}
            back = not newer and any(self._takes_back(move) for move in seen if move.number in mine)
            return seen, "compensating" if back else course.state
        if course.state == "compensating":
            return self._back()
        if newer:
            return [], course.state  # what is under way ends, nothing more begins, and nothing is given up
        if any(self._takes_back(mark) for mark in self.standing.failed):
            return self._back()
        self.due = self.standing.due
        if self.standing.complete:
            return self._clear_up()
        stopped = self.standing.failed and not (self.due or self.standing.open)
        return [], "stopped" if stopped else "running"

    async def take(self, step: Step, part: str, pace: Pace, timeout_seconds: float) -> Move:
        """One step that is due: opened when it is a write, else done. Raises Stop."""
        message = message_for(self.course, part)
        match step.kind:
            case "write":
                return Move(step=step.name, part=part, destination=step.destination)
            case "enrich":
                enrich = partial(self.script.enrich, step, message, pace=pace, timeout_seconds=timeout_seconds)
                return self._enriched(step, part, await _read(enrich))
            case "route":
                output = _json(_pure(lambda: self.script.choose(step, message)))
            case "split":
                output = _pure(lambda: self.script.parts(step, message))
            case "aggregate":
                output = b"null"
        return Move(step=step.name, part=part, kind=step.kind, state="done", output=output)

    def finished(self) -> Finished:
        """Nothing can be done now: why, and until when."""
        course, failed = self.course, [mark for mark in newest(self.course) if mark.state == "failed"]
        if course.state == "compensated":
            raise dead("compensated", "HUB-UNDONE", self._told_back())
        if course.state == "done":
            return Finished(state="done", version=course.version, warnings=self._not_undone())
        words = "; ".join(f"{told(mark)} needs a person: {mark.why}" for mark in failed)
        under_way = ", ".join(told(mark) for mark in newest(course) if mark.state == "open")
        failure = failure_of("process", "HUB-STEP", words or f"waits for {under_way or 'the parts of a split'}")
        return Finished(state="waiting", failure=failure, not_before_ms=self.standing.deadline_ms)

    # -- back

    def _back(self) -> tuple[list[Move], State]:
        """Take back what stands, the newest first, one after the other; one that cannot be is left to a person."""
        tried = {(mark.step, mark.part): mark for mark in undoing(self.course)}
        if self.standing.open or any(mark.state == "open" for mark in tried.values()):
            return [], "compensating"
        for mark in self._undoable(stands(self.course)):
            if (mark.step, mark.part) not in tried:
                return [self._undo(mark)], "compensating"
        return [], "stopped" if any(mark.state == "failed" for mark in tried.values()) else "compensated"

    def _clear_up(self) -> tuple[list[Move], State]:
        """At the end of a run: what an earlier run wrote and this one does not is taken back too."""
        tried = {(mark.step, mark.part): mark for mark in undoing(self.course)}
        if any(mark.state == "open" for mark in tried.values()):
            return [], "running"
        undo = [
            self._undo(mark) for mark in self._undoable(left_over(self.course)) if (mark.step, mark.part) not in tried
        ]
        if undo:
            return undo, "running"
        return [], "stopped" if any(mark.state == "failed" for mark in tried.values()) else "done"

    def _undoable(self, marks: list[Mark]) -> list[Mark]:
        return [mark for mark in marks if (step := self.script.steps.get(mark.step)) and step.compensate]

    def _undo(self, mark: Mark) -> Move:
        return Move(step=mark.step, part=mark.part, undo=True, destination=self.script.steps[mark.step].destination)

    def _takes_back(self, one: Mark | Move) -> bool:
        step = self.script.steps.get(one.step)
        return one.state == "failed" and not one.undo and step is not None and step.on_failure == "compensate"

    def _told_back(self) -> str:
        mine = [mark for mark in self.course.marks if mark.run == self.course.run]
        because = "; ".join(f"{told(mark)} failed: {mark.why}" for mark in mine if mark.state == "failed")
        written = {(mark.step, mark.part) for mark in self.course.marks if mark.state == "done" and not mark.undo}
        back = [mark for mark in mine if mark.undo and mark.state == "done" and (mark.step, mark.part) in written]
        undone = ", ".join(told(mark, verb="") for mark in back)
        return f"{because}; taken back: {undone or 'nothing had been written'}"

    def _not_undone(self) -> tuple[str, ...]:
        able = {(mark.step, mark.part) for mark in self._undoable(left_over(self.course))}
        rest = [mark for mark in left_over(self.course) if (mark.step, mark.part) not in able]
        return tuple(f"{told(mark)} was written by an earlier run and is no part of it now" for mark in rest)

    # -- enrichment

    def _enriched(self, step: Step, part: str, answer: bytes | Retry | Refused) -> Move:
        """While the other system is silent nothing expires; what it refuses is for a person."""
        match answer:
            case Retry():
                failure = failure_of("unavailable", answer.code, f"step {step.name}: {answer.message}")
                wait = answer.retry_after_seconds
                raise Stop(Finished(state="retrying", failure=failure, retry_after_seconds=wait))
            case Refused() if answer.reason in HELD_BY:
                raise Stop(Finished(state="waiting", failure=held(answer, f"step {step.name}: {answer.message}")))
            case Refused():
                raise dead(answer.reason, answer.code, f"step {step.name}: {answer.message}")
            case _:
                return Move(step=step.name, part=part, kind="enrich", state="done", output=answer)


def told(mark: Mark, verb: str = "undo ") -> str:
    """`ship (east)`, `undo ship (east)`."""
    return f"{verb if mark.undo else ''}{mark.step}{f' ({mark.part})' if mark.part else ''}"


def _may_begin(course: Course, delivery: Delivery) -> bool:
    """A newer wish, nothing under way at this moment, and nothing half taken back."""
    if course.revision == delivery.revision or course.state == "compensating":
        return False
    return rests(course)


def _ours(course: Course | None) -> Course:
    if course is None:
        raise Stop(Finished(state="fenced"))
    return course


async def _read(enrich: Callable[[], Awaitable[bytes | Retry | Refused]]) -> bytes | Retry | Refused:
    """Another system's record, or a stop: what its client raises is about this object, and every other goes on."""
    try:
        return await enrich()
    except MappingError as error:
        raise mapping_stop(error) from error
    except Exception as error:
        raise dead("poison", "HUB-POISON", f"{type(error).__name__} while a record was read: {error}") from error


async def _at_once(_: str) -> None:
    """Without a dispatcher nobody limits."""


def _json(text: str) -> bytes:
    return f'"{text}"'.encode()


def _pure(work: Callable[[], _Made]) -> _Made:
    """What bad data does to a step is for a person, not a reason to stop the hub."""
    try:
        return work()
    except MappingError as error:
        raise mapping_stop(error) from error
    except Exception as error:
        raise dead("poison", "HUB-POISON", f"{type(error).__name__} in a step: {error}") from error
