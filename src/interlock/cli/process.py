"""How `show` tells of an order's processes: each with its steps, one a line."""

from typing import TYPE_CHECKING

from interlock.cli.output import Output, coloured, fields_of
from interlock.cli.times import took

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interlock.messaging.process_views import ProcessRow, StepRow


def tell_processes(processes: "Sequence[ProcessRow]", out: Output) -> None:
    """Each process with its steps, one a line."""
    from interlock.messaging.process_views import WORDS

    for one in processes:
        run = f", run {one.run}" if one.run > 1 else ""
        about = {name: value for name, value in fields_of(one).items() if name != "steps"}
        out.row(f"{coloured(one.shown, 10)} process {one.flow}{run}: {WORDS[one.state]}", kind="process", **about)
        for step in one.steps:
            fields = fields_of(step)
            out.row(f"  {_line(step)}", kind="step", flow=one.flow, does=fields.pop("kind"), **fields)


def _line(step: "StepRow") -> str:
    where = f" at {step.destination}" if step.destination else ""
    after = f" in {took(step.ended_ms - step.began_ms)}" if step.ended_ms else ""
    return (
        f"{coloured(step.state, 10)} {step.name}: {step.kind}{where}{after}{f'; {step.detail}' if step.detail else ''}"
    )
