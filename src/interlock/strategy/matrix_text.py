"""The priority matrix as text: boxes for a terminal, and Markdown for a page that people read."""

import textwrap
from collections.abc import Iterator

from interlock.strategy.model import Level
from interlock.strategy.priority import LEVELS, PHASE_OF, PHASES, Matrix, Priority

COMPLEXITIES: tuple[Level, ...] = ("low", "medium", "high")
MARGIN = 8
"""Columns for the word of the row."""
NARROWEST_CELL = 16
WIDEST_CELL = 34


def drawn(matrix: Matrix, width: int = 80) -> list[str]:
    """The nine boxes, within `width` columns as far as that can be; each flow with its rank."""
    cell = max(NARROWEST_CELL, min(WIDEST_CELL, (width - MARGIN - 4) // 3))
    rule = " " * MARGIN + "+" + f"{'-' * cell}+" * 3
    head = [f"{' ' * MARGIN} {'complexity low':<{cell}} {'medium':<{cell}} {'high':<{cell}}".rstrip(), rule]
    for impact in LEVELS:
        columns = [_box(matrix, impact, complexity, cell - 2) for complexity in COMPLEXITIES]
        height = max(map(len, columns))
        for line in range(height):
            words = (
                f"{impact:<{MARGIN}}" if line == 0 else "impact  " if line == 1 and impact == "high" else " " * MARGIN
            )
            texts = [f" {column[line] if line < len(column) else '':<{cell - 2}} " for column in columns]
            head.append(f"{words}|{'|'.join(texts)}|")
        head.append(rule)
    return head


def _box(matrix: Matrix, impact: Level, complexity: Level, width: int) -> list[str]:
    phase = PHASE_OF[impact, complexity]
    lines = [f"{phase.number} {phase.name}"]
    for one in matrix.cell(impact, complexity):
        rank = f"#{one.rank} "
        lines += textwrap.wrap(rank + one.flow.name, width, subsequent_indent=" " * len(rank), break_on_hyphens=True)
    return lines + [""] * (3 - len(lines))


def as_markdown(matrix: Matrix) -> str:
    """A page: the table of three by three, then the phases with their flows."""
    return "\n".join((*_table(matrix), "", *_phases(matrix))).rstrip() + "\n"


def _table(matrix: Matrix) -> Iterator[str]:
    yield "| Impact | Low complexity | Medium complexity | High complexity |"
    yield "|---|---|---|---|"
    for impact in LEVELS:
        cells = (_cell(matrix, impact, complexity) for complexity in COMPLEXITIES)
        yield f"| **{impact}** | {' | '.join(cells)} |"


def _cell(matrix: Matrix, impact: Level, complexity: Level) -> str:
    flows = (f"{one.rank}. `{one.flow.name}`" for one in matrix.cell(impact, complexity))
    return "<br>".join((f"*{PHASE_OF[impact, complexity].name}*", *flows))


def _phases(matrix: Matrix) -> Iterator[str]:
    for phase in PHASES:
        found = matrix.phase(phase)
        if found:
            yield f"## Phase {phase.number}: {phase.name}"
            yield f"\n{phase.advice[0].upper()}{phase.advice[1:]}.\n"
            yield "| Rank | Flow | What | Owner | Runbook | Way back |"
            yield "|---|---|---|---|---|---|"
            yield from map(_row, found)
            yield ""


def _row(one: Priority) -> str:
    flow = one.flow
    back = flow.rollback.how if flow.rollback else "**none**"
    cells = (str(one.rank), f"`{flow.name}`", flow.title, flow.owner, flow.runbook, back)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
