"""A process: named steps over several systems. Its words, and the two ports that it needs: a script and a store.

A process is steered by a delivery of its own (destination `process:FLOW`), so that order, retry, pause, hold, replay and
dead letters are those of any delivery. Each write of a step is an ordinary delivery too (signal `step:NAME` or
`step:NAME/PART`). What happened stands in marks, one durable row for each step and part; what is due is computed from
them anew each time (course.py), so that a process that was stopped anywhere goes on.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from interlock.messaging.delivery import Delivery
from interlock.messaging.outcome import Refused, Retry

STEERING = "process:"
"""Destination of the deliveries that steer a process, before the flow's name."""
STEP = "step:"
"""Signal of the deliveries that a step makes, before its name."""

Pace = Callable[[str], Awaitable[None]]
"""Waits until a system's limits let one more call through; given the system's name."""

Kind = Literal["enrich", "route", "split", "aggregate", "write"]
MarkState = Literal["open", "done", "failed", "skipped"]
State = Literal["running", "stopped", "compensating", "compensated", "done"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a compiled process. `next` is "" at the end; `meets_at` is where the parts of a split come together."""

    name: str
    kind: Kind
    next: str = ""
    destination: str = ""
    meets_at: str = ""
    compensate: str = ""
    on_failure: Literal["stop", "compensate"] = "stop"
    count: int = 0
    timeout_ms: int = 0


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What a step is given: the packed object, the part it is about ("" for the whole), and what steps have added, as
    JSON by their names."""

    object: bytes
    part: str = ""
    facts: Mapping[str, bytes] = {}


class Script(Protocol):
    """A compiled process of one release. Every method but `enrich` is pure, and raises MappingError for bad data."""

    first: str
    steps: Mapping[str, Step]

    def pack(self, value: Any) -> bytes:
        """The canonical object as it is kept while the process runs."""

    async def enrich(
        self, step: Step, message: Message, *, pace: Pace, timeout_seconds: float
    ) -> bytes | Retry | Refused:
        """What the step adds to the message, as JSON; `null` when there is nothing. Awaits `pace` before each call."""

    def choose(self, step: Step, message: Message) -> str:
        """The step that a router goes on with."""

    def parts(self, step: Step, message: Message) -> bytes:
        """A JSON object with a member for each part of a split."""

    def document(self, step: Step, message: Message, *, undo: bool) -> Any:
        """What the destination of a write plans from; for `undo`, so that it takes its write back."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One durable row: a step of one part, done or being undone. `number` is its place in the process's history.

    `state` is as it was last noticed, `child` and `trouble` are how its delivery is now.
    """

    run: int
    number: int
    step: str
    part: str = ""
    undo: bool = False
    kind: Kind = "write"
    state: MarkState = "open"
    output: bytes = b"null"
    why: str = ""
    delivery: int = 0
    began_ms: int = 0
    ended_ms: int = 0
    child: str = ""
    trouble: str = ""
    external_id: str = ""


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """A process as it stands: its present run, what that run began with, and the marks of all runs in their order."""

    run: int
    revision: int
    version: int
    event: int
    release: str
    state: State
    message: bytes | None
    marks: tuple[Mark, ...] = ()


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a mark, that of `number` or a new one of this run. With `destination`, the step's delivery is opened
    in the same transaction."""

    number: int = 0
    step: str
    part: str = ""
    undo: bool = False
    kind: Kind = "write"
    state: MarkState = "open"
    output: bytes = b"null"
    why: str = ""
    destination: str = ""


class ProcessStore(Protocol):
    """Where processes are kept. Each method is one durable transaction, fenced by the token of the steering delivery."""

    async def course(self, steering: Delivery) -> Course | None:
        """The process that a delivery steers; None before its first run."""

    async def begin(
        self, steering: Delivery, *, version: int, message: bytes, release: str, now_ms: int
    ) -> Course | None:
        """Begin the next run. None when the claim was lost."""

    async def advance(
        self, steering: Delivery, course: Course, moves: Sequence[Move], state: State, now_ms: int
    ) -> Course | None:
        """Change marks, open the deliveries of writes, and keep the process's state. None when the claim was lost."""

    async def of_child(self, child: Delivery) -> tuple[Course, Mark] | None:
        """The process of a step's delivery, and the newest mark that is about it."""


def signal_of(step: str, part: str) -> str:
    """The signal of a step's delivery: `step:ship/east`."""
    return f"{STEP}{step}/{part}" if part else f"{STEP}{step}"


def steering_of(flow: str) -> str:
    """The destination of the deliveries that steer a flow's processes."""
    return f"{STEERING}{flow}"
