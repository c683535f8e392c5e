"""The answer line of an order with a process: what the process needs comes first, and a finished one is not mentioned."""

import pytest

from interlock.console.health import Answer
from interlock.console.processes import ahead, with_processes
from interlock.messaging.process_views import ProcessRow, StepRow
from interlock.strategy.model import Strategy

from .store import strategy

IN_SYNC = Answer(state="done", text="In sync in 2 systems.")


def step(name: str, state: str = "done", part: str = "", undo: bool = False) -> StepRow:
    return StepRow(
        step=name,
        part=part,
        undo=undo,
        kind="write",
        state=state,
        detail="",
        destination="erp",
        delivery=1,
        began_ms=1,
        ended_ms=2,
    )


def process(state: str, *steps: StepRow) -> ProcessRow:
    return ProcessRow(
        flow="fulfil", delivery=1, run=1, version=1, release="r", state=state, began_ms=1, ended_ms=2, steps=steps
    )


@pytest.mark.parametrize(
    ("one", "refusals", "state", "text"),
    [
        (process("done"), {}, "done", "In sync in 2 systems."),
        (process("running"), {}, "running", "fulfil: under way. In sync in 2 systems."),
        (process("compensating"), {}, "retrying", "fulfil: is being taken back. In sync in 2 systems."),
        (
            process("stopped", step("ship", "dead", "east")),
            {},
            "dead",
            "fulfil: ship (east) needs a person. In sync in 2 systems.",
        ),
        (process("compensated"), {"process:fulfil": "book failed."}, "dead", "fulfil: taken back. book failed."),
        (
            process("running"),
            {"process:fulfil": "step buyer: no such view"},
            "dead",
            "fulfil: stopped. step buyer: no such view.",
        ),
    ],
)
def test_the_answer_leads_with_what_a_process_needs(
    one: ProcessRow, refusals: dict[str, str], state: str, text: str
) -> None:
    """An order whose process was taken back is not `in sync`, whatever the systems still hold."""
    answer = with_processes(strategy(), IN_SYNC, [one], refusals)
    assert (answer.state, answer.text) == (state, text)


def test_nothing_is_ahead_of_a_flow_that_is_gone() -> None:
    """A process of an older folder is still told; its steps are those it took."""
    gone: Strategy = strategy()
    assert ahead(gone, process("running")) == ()
