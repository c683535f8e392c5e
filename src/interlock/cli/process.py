"""How commands tell of processes: of one order's in `show`, of a flow's steps in `flows NAME`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from interlock.cli.output import Output, coloured, fields_of
from interlock.cli.times import took

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interlock.messaging.process_views import ProcessRow, StepRow
    from interlock.strategy import Flow
    from interlock.strategy.steps import StepRule


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


def tell_steps(flow: "Flow") -> Iterator[str]:
    """The steps of a middleware flow, each with what it does and where it goes on."""
    from interlock.strategy.steps import ways

    for at, rule in enumerate(flow.steps):
        after = " or ".join(ways(flow.steps, at)) or "the end"
        yield f"    {at + 1}. {rule.name}: {_does(rule)}; then {after}"


def _does(rule: "StepRule") -> str:
    match rule.kind:
        case "enrich":
            source = f"{rule.read} of {rule.system}" if rule.system else f"a table of {len(rule.table)}"
            return f"looks {rule.key} up in {source}{f' for each of {rule.each}' if rule.each else ''}"
        case "route":
            return f"goes by {' or by '.join(case.when for case in rule.cases)}"
        case "split":
            return f"makes a part for each {f'value of {rule.by} in' if rule.by else 'element of'} {rule.each}"
        case "aggregate":
            wanted = f"{rule.count} parts" if rule.count else "all parts"
            return f"waits for {wanted}{f', {rule.timeout_minutes:g} min at most' if rule.timeout_minutes else ''}"
        case "write":
            back = f", taken back by {rule.compensate}" if rule.compensate else ""
            fails = ", and takes all back when it is refused for good" if rule.on_failure == "compensate" else ""
            return f"writes to {rule.system}{back}{fails}"
