"""What is shown of processes: each run's steps with their states. What a step read elsewhere is counted, never shown."""

from collections.abc import Sequence

import msgspec


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one part. `state` is in the words of deliveries; `detail` says what came of it, without personal data."""

    step: str
    part: str
    undo: bool
    kind: str
    state: str
    detail: str
    destination: str
    delivery: int
    began_ms: int
    ended_ms: int

    @property
    def name(self) -> str:
        """`ship (east)`, `undo ship (east)`."""
        return f"{'undo ' if self.undo else ''}{self.step}{f' ({self.part})' if self.part else ''}"


class ProcessRow(msgspec.Struct, frozen=True, kw_only=True):
    """One process of an object, in its present run; `state` is running, stopped, compensating, compensated or done."""

    flow: str
    delivery: int
    run: int
    version: int
    release: str
    state: str
    began_ms: int
    ended_ms: int
    steps: Sequence[StepRow]

    @property
    def shown(self) -> str:
        """The state in the words of deliveries, which have colours and shapes."""
        return SHOWN[self.state]


SHOWN = {"running": "running", "stopped": "dead", "compensating": "retrying", "compensated": "dead", "done": "done"}
WORDS = {
    "running": "under way", "stopped": "needs a person", "compensating": "is taken back", "compensated": "taken back",
    "done": "done",
}  # fmt: skip
"""What people read of a process's state."""
