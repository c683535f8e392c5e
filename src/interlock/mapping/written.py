"""Which canonical fields each row of an `out` table takes, and the table without some of its rows."""

import re
from collections.abc import Collection, Iterator

from interlock.mapping.language import Row, Table
from interlock.strategy.facts import RowFact

_STEP = re.compile(r"[^.\[\]]+(?:\[[^\[\]]*\])?")


def rows_of(table: Table) -> tuple[RowFact, ...]:
    """Each row that writes something. A list or object row holds those below it and takes only its own path."""
    found = []
    for target, row in table.rows.items():
        if not target.startswith("@"):
            reads = dict.fromkeys(_reads(table, target, row))
            found.append(RowFact(target, tuple(path for path in reads if path), whole=not _holds_rows(row)))
    return tuple(found)


def without(table: Table, targets: Collection[str]) -> Table:
    """The table without these rows; an object or list that has lost all that stood in it goes with them."""
    if not targets:
        return table
    kept = {target: row for target, row in table.rows.items() if target not in targets}
    empty = [target for target, row in kept.items() if _holds_rows(row) and _emptied(target, table, kept)]
    return Table({target: row for target, row in kept.items() if target not in empty}, table.title, table.file_name)


def _emptied(target: str, table: Table, kept: Collection[str]) -> bool:
    inside = [other for other in table.rows if other.startswith(f"{target}.")]
    return bool(inside) and not any(other in kept for other in inside)


def _holds_rows(row: Row) -> bool:
    return bool(row.each or row.object or row.conditions)


def _reads(table: Table, target: str, row: Row) -> Iterator[str]:
    """Canonical paths from the object's root, without brackets: `lines.sku`. What tells which elements of a list are
    meant is only read; what tells whether a thing is there at all is written by its being there.
    """
    around = _scope(table, target)
    conditions = () if row.each else (condition.source for condition in row.conditions)
    for path in (*row.paths, row.each, row.object, *conditions):
        yield from _whole(table, around, path)


def _scope(table: Table, target: str) -> str:
    """The path that a row's own paths start from: that of the lists and objects around it."""
    path = ""
    for outer in _around(target):
        row = table.rows.get(outer)
        if row is not None and (row.each or row.object):
            path = next(iter(_whole(table, path, row.each or row.object)), "")
    return path


def _around(target: str) -> Iterator[str]:
    """`a[x].b.c` stands in `a[x]` and in `a[x].b`; `a[x]` itself in nothing."""
    whole = ""
    for step in list(_STEP.finditer(target))[:-1]:
        whole = f"{whole}.{step[0]}".removeprefix(".")
        yield whole


def _whole(table: Table, around: str, path: str) -> Iterator[str]:
    """Where a path of a row leads from the root. A result (`@money.items`) is whatever its own row takes."""
    if path.startswith("@"):
        name = path.partition(".")[0]
        if (row := table.rows.get(name)) is not None:
            for one in row.paths:
                yield from _whole(table, "", one)
    elif path.startswith("$"):
        yield path.removeprefix("$").removeprefix(".")
    elif path == ".":
        yield around
    elif path and path != "#":
        yield f"{around}.{path}".removeprefix(".")
