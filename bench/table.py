"""Figures: what was measured, beside what, against which target; printed as one table and kept as JSON."""

from typing import Any, Literal, TextIO

import msgspec

Better = Literal["higher", "lower"]


class Figure(msgspec.Struct, kw_only=True):
    """One row. `target` is what is asked for (None: nothing is), met when `value` is at least or at most that, by `better`.

    `ratio` is the section's leading figure divided by this one, in the same run. `bound` is the best that something else allows,
    such as a vendor's limit. `missing` says why there is no value.
    """

    name: str
    value: float | None
    unit: str
    better: Better = "higher"
    target: float | None = None
    bound: float | None = None
    ratio: float | None = None
    note: str = ""
    missing: str = ""

    @property
    def met(self) -> bool | None:
        """None where nothing is asked for, or nothing was measured."""
        if self.target is None or self.value is None:
            return None
        return self.value >= self.target if self.better == "higher" else self.value <= self.target


class Section(msgspec.Struct, kw_only=True):
    """The figures of one measure."""

    title: str
    figures: list[Figure]


HEADINGS = ("", "figure", "", "bound", "target", "", "ratio")
NUMBERS = (1, 3, 4, 6)
LEGEND = "bound: the best that a limit of somebody else allows; ratio: the first figure of the group divided by this one, in the same run"


def beside(lead: Figure, *others: Figure) -> list[Figure]:
    """The leading figure and those it is compared with, each with the ratio to it."""
    for other in others:
        if lead.value is not None and other.value:
            other.ratio = lead.value / other.value
    return [lead, *others]


def absent(name: str, unit: str, why: str) -> Figure:
    """A row for what could not be measured here, and why."""
    return Figure(name=name, value=None, unit=unit, missing=why)


def write_table(sections: list[Section], out: TextIO) -> None:
    """All sections under common column widths; notes stand under their row."""
    rows = [_cells(figure) for section in sections for figure in section.figures]
    widths = [max(len(row[column]) for row in [*rows, HEADINGS]) for column in range(len(HEADINGS))]
    out.write(_line(HEADINGS, widths) + "\n")
    for section in sections:
        out.write(f"{section.title}\n")
        for figure in section.figures:
            out.write(_line(_cells(figure), widths) + "\n")
            if figure.missing or figure.note:
                out.write(f"      {figure.missing or figure.note}\n")
    out.write(f"\n{LEGEND}\n")


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    aligned = [
        cell.rjust(width) if column in NUMBERS else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(aligned).rstrip()


def _cells(figure: Figure) -> tuple[str, ...]:
    target = "" if figure.target is None else f"{'>=' if figure.better == 'higher' else '<='} {_number(figure.target)}"
    verdict = {None: "", True: "met", False: "NOT met"}[figure.met]
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    value = "not measured" if figure.value is None else _number(figure.value)
    bound = "" if figure.bound is None else _number(figure.bound)
    return (f"  {figure.name}", value, figure.unit, bound, target, verdict, ratio)


def _number(value: float) -> str:
    """Three significant digits or whole thousands: more would pretend to be more exact than a run is."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def as_json(machine: dict[str, Any], size: str, sections: list[Section]) -> bytes:
    """One JSON object: the machine, the size and every figure, with its verdict."""
    found = {
        "machine": machine,
        "size": size,
        "sections": [
            {
                "title": section.title,
                "figures": [{**msgspec.to_builtins(figure), "met": figure.met} for figure in section.figures],
            }
            for section in sections
        ],
    }
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
