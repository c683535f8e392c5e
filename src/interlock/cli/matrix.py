"""The command matrix: impact against complexity as nine boxes, and the flows by rank and phase."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.catalogue import read_strategy
from interlock.cli.output import Output, counted, speaks
from interlock.cli.place import folder_option

if TYPE_CHECKING:
    from interlock.strategy.priority import Matrix, Priority


@click.command()
@click.option("--markdown", is_flag=True, help="As a Markdown page, for a document.")
@folder_option
@speaks
def matrix(markdown: bool, folder: Path, out: Output) -> None:
    """Draw the priority matrix of the flows.

    Impact against complexity in nine boxes, then every flow by rank and phase: what to do first, and why. The first ten
    need an owner, an SLO, a runbook and a way back.

    \b
    Examples: interlock matrix
              interlock matrix --markdown > docs/matrix.md
    """
    from interlock.strategy.matrix_text import as_markdown, drawn
    from interlock.strategy.priority import matrix as ranked

    found = ranked(read_strategy(folder).flows.values())
    if markdown:
        out.row(as_markdown(found), markdown=as_markdown(found))
        return
    if not out.as_json:
        out.row("\n".join((*drawn(found, shutil.get_terminal_size().columns), "")))
    _by_phase(found, out)
    out.summary(_sum(found), "interlock advise", flows=len(found.priorities))


def _by_phase(found: "Matrix", out: Output) -> None:
    phase = 0
    for one in found.priorities:
        head = "" if one.phase.number == phase else f"Phase {one.phase.number}, {one.phase.name}: {one.phase.advice}\n"
        phase = one.phase.number
        out.row(head + _line(one), **_fields(one))


def _line(one: "Priority") -> str:
    flow = one.flow
    back = "" if flow.rollback else "; no way back is written"
    levels = f"impact {flow.impact}, complexity {flow.complexity}"
    return f"{one.rank:>4}  {flow.name:<24} {levels}; owner {flow.owner}{back if one.top else ''}"


def _fields(one: "Priority") -> dict[str, object]:
    flow = one.flow
    return {
        "rank": one.rank, "phase": one.phase.number, "phase_name": one.phase.name, "flow": flow.name, "title": flow.title,
        "impact": flow.impact, "complexity": flow.complexity, "owner": flow.owner, "runbook": flow.runbook,
        "rollback": flow.rollback.how if flow.rollback else "", "top": one.top,
    }  # fmt: skip


def _sum(found: "Matrix") -> str:
    from interlock.strategy.priority import PHASES

    phases = ", ".join(f"{len(found.phase(phase))} {phase.name}" for phase in PHASES if found.phase(phase))
    return f"{counted(len(found.priorities), 'flow')}: {phases or 'none'}"
