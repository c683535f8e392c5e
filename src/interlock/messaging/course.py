"""What is due in a process, computed from its marks alone: no memory, no clock of its own, the same answer each time."""

from collections.abc import Iterator, Mapping

import msgspec

from interlock.messaging.process import Course, Mark, MarkState, Message, Move, Script, Step

PASSED = ("done", "skipped")
"""States of a mark after which the next step follows."""

STATES: Mapping[str, MarkState] = {"done": "done", "superseded": "done", "cancelled": "skipped", "dead": "failed"}
"""What a step comes to when its delivery has closed. Cancelled: a person has discarded it, and the process goes on."""


class Standing(msgspec.Struct, kw_only=True):
    """Where a run is: the steps that are due now, the marks that are under way, those that failed, and when the next
    aggregate stops waiting (epoch ms, 0: none does)."""

    due: list[tuple[Step, str]] = []
    open: list[Mark] = []
    failed: list[Mark] = []
    deadline_ms: int = 0

    @property
    def complete(self) -> bool:
        """Nothing is due, under way, or failed."""
        return not (self.due or self.open or self.failed)


def standing(script: Script, course: Course, now_ms: int) -> Standing:
    """Walk the steps of the present run from the first one."""
    walk = _Walk(script, course, now_ms)
    walk.go(script.first, "")
    found = walk.found
    mine = [mark for mark in course.marks if mark.run == course.run and not mark.undo]
    found.open = [mark for mark in mine if mark.state == "open"]
    found.failed = [mark for mark in mine if mark.state == "failed"]
    return found


class _Walk:
    """One pass over the steps."""

    def __init__(self, script: Script, course: Course, now_ms: int) -> None:
        self.script = script
        self.now_ms = now_ms
        self.marks = {(mark.step, mark.part): mark for mark in course.marks if mark.run == course.run and not mark.undo}
        self.found = Standing()

    def go(self, name: str, part: str, until: str = "") -> bool:
        """Follow a branch; True when it has come to its end, or to `until`."""
        while name and name != until:
            step, mark = self.script.steps[name], self.marks.get((name, part))
            if mark is None:
                self.found.due.append((step, part))
                return False
            if mark.state not in PASSED:
                return False
            name = self._after(step, mark)
        return True

    def _after(self, step: Step, mark: Mark) -> str:
        if step.kind == "route":
            return str(msgspec.json.decode(mark.output))
        return self._after_parts(step, mark) if step.kind == "split" else step.next

    def _after_parts(self, split: Step, mark: Mark) -> str:
        """The parts go side by side; the aggregate is the whole's next step once enough of them have come to it."""
        parts = parts_of(mark)
        arrived = sum([self.go(split.next, part, split.meets_at) for part in parts])
        if not split.meets_at:
            return ""
        if (split.meets_at, "") in self.marks:
            return split.meets_at
        meeting = self.script.steps[split.meets_at]
        wanted = min(meeting.count or len(parts), len(parts))
        deadline_ms = mark.ended_ms + meeting.timeout_ms if meeting.timeout_ms else 0
        if arrived >= wanted or (deadline_ms and self.now_ms >= deadline_ms):
            return split.meets_at
        self.found.deadline_ms = deadline_ms
        return ""


def parts_of(mark: Mark) -> list[str]:
    """The parts that a split has made."""
    return list(msgspec.json.decode(mark.output, type=dict[str, msgspec.Raw]))


def noticed(course: Course) -> list[Move]:
    """Marks whose delivery is no longer as it was noticed, each with its new state, and why."""
    changed = [(mark, _state_of(mark)) for mark in newest(course) if mark.delivery]
    return [
        Move(
            number=mark.number, step=mark.step, part=mark.part, undo=mark.undo, state=state,
            why="" if state in ("open", "done") else mark.trouble,
        )
        for mark, state in changed
        if state != mark.state
    ]  # fmt: skip


def _state_of(mark: Mark) -> MarkState:
    return STATES.get(mark.child, "open")


def rests(course: Course) -> bool:
    """No delivery of any step is under way at this moment."""
    return all(mark.child in STATES for mark in newest(course) if mark.delivery)


def newest(course: Course) -> Iterator[Mark]:
    """Of each delivery only the newest mark says what it is for; older ones are history."""
    last = {(mark.step, mark.part): mark.number for mark in course.marks}
    return (mark for mark in course.marks if mark.number == last[mark.step, mark.part])


def stands(course: Course) -> list[Mark]:
    """Writes that may be in force at their systems, of any run, the newest first: the order in which they are undone.

    One that failed counts: an earlier try of it, or an earlier run, may have written. Its connector knows, by its links.
    """
    last: dict[tuple[str, str], Mark] = {}
    for mark in course.marks:
        if mark.kind == "write" and (mark.state == "done" or (mark.state == "failed" and not mark.undo)):
            last[mark.step, mark.part] = mark
    return sorted((mark for mark in last.values() if not mark.undo), key=lambda mark: -mark.number)


def left_over(course: Course) -> list[Mark]:
    """What an earlier run wrote and this run has no step for any more: a part that is gone, a way not taken."""
    mine = {(mark.step, mark.part) for mark in course.marks if mark.run == course.run and not mark.undo}
    return [mark for mark in stands(course) if (mark.step, mark.part) not in mine]


def undoing(course: Course) -> list[Mark]:
    """The marks by which this run takes writes back."""
    return [mark for mark in course.marks if mark.run == course.run and mark.undo]


def message_for(course: Course, part: str) -> Message:
    """The message as the steps of this run have made it for a part, or for the whole."""
    facts: dict[str, bytes] = {}
    for mark in course.marks:
        if mark.run == course.run and not mark.undo and mark.state == "done" and mark.part in ("", part):
            facts[mark.step] = mark.output
            if mark.kind == "write":
                facts[mark.step] = msgspec.json.encode({"external_id": mark.external_id})
    return Message(object=course.message or b"", part=part, facts=facts)
