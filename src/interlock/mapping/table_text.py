"""A mapping table as Markdown, for a wiki or a review, and as CSV, for a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from interlock.mapping.tables import Cell, Coverage, Line, MappingTable

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins with one of these for a formula."""


def markdown(table: MappingTable) -> str:
    """The table as the article shows it: the field, each system, the canonical name; then constants and coverage."""
    head = ["Field", *(title for _, title in table.columns), "Canonical"]
    rows = [
        [line.field, *(_code_cells(line.cells.get(system, ())) for system, _ in table.columns), f"`{line.canonical}`"]
        for line in table.lines
    ]
    parts = [f"## {table.object}.v{table.version}", _sentence(table.meaning), _table(head, rows)]
    if table.constants:
        parts.append("Constants")
        titles = dict(table.columns)
        constants = [[titles[one.system], one.document, f"`{one.path}`", f"`{one.value}`"] for one in table.constants]
        parts.append(_table(["System", "Document", "Field", "Value"], constants))
    parts += [
        "Coverage",
        _table(["System", "Direction", "Covered", "Mapped", "Derived", "Constant", "Unmapped"], _shares(table)),
    ]
    return "\n\n".join(parts) + "\n"


def as_csv(table: MappingTable) -> str:
    """One line for each canonical field and one for each constant; cells of several fields are separated by semicolons."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["field", *(system for system, _ in table.columns), "canonical", "type", "class"])
    for line in table.lines:
        cells = [_cells(line.cells.get(system, ())) for system, _ in table.columns]
        writer.writerow(_safe([line.field, *cells, line.canonical, line.type, line.data_class]))
    for one in table.constants:
        cells = [f"{one.path} = {one.value}" if system == one.system else "" for system, _ in table.columns]
        writer.writerow(_safe(["(constant)", *cells, "", "", ""]))
    return file.getvalue()


def fields_of_line(line: Line) -> dict[str, Any]:
    """A line as data."""
    fields: dict[str, Any] = msgspec.to_builtins(line)
    return fields


def share_of(one: Coverage) -> str:
    """`75 of 95 (79 %)`."""
    return f"{one.covered} of {one.total} ({one.percent:.0f} %)"


def cell_text(cell: Cell) -> str:
    """`item.items[line].amount (derived, with lines[].discount)`."""
    notes = [cell.kind] if cell.kind != "mapped" else []
    notes += [f"with {', '.join(cell.with_others)}"] if cell.with_others else []
    notes += [f"in {', '.join(cell.documents)}"] if cell.documents else []
    return f"{cell.path} ({'; '.join(notes)})" if notes else cell.path


def _cells(cells: Sequence[Cell]) -> str:
    return "; ".join(cell_text(cell) for cell in cells)


def _code_cells(cells: Sequence[Cell]) -> str:
    return "<br>".join(f"`{cell.path}`{cell_text(cell).removeprefix(cell.path)}" for cell in cells)


def _shares(table: MappingTable) -> list[list[str]]:
    return [
        [
            dict(table.columns)[one.system], "read" if one.direction == "in" else "written", share_of(one),
            str(one.mapped), str(one.derived), str(one.constant), ", ".join(f"`{path}`" for path in one.unmapped),
        ]
        for one in table.coverage
    ]  # fmt: skip


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_escaped(cell) for cell in line)} |" for line in lines)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _safe(row: Sequence[str]) -> list[str]:
    return [f"'{cell}" if cell.startswith(FORMULA) else cell for cell in row]


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
