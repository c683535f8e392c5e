"""Field by field: where each field of a sent document comes from, through the canonical object back to the source."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from interlock.console.payload import MASK, Masked
from interlock.mapping.compile import FieldRow

MOST_VALUES = 3
LONGEST_VALUE = 60
_BLOCK = re.compile(r"\[[^\]]*\]")

Documents = Mapping[tuple[str, str], Sequence[FieldRow]]
"""The rows of each document that a system takes, by object and document: `("order", "salesOrder")`."""


class FieldLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. `kind` is mapped, derived (a function made it) or constant; `value` is masked where it is personal."""

    source: str
    canonical: str
    sent: str
    value: str
    kind: str


class FieldTable(msgspec.Struct, frozen=True, kw_only=True):
    """`explained` of `total` fields of the sent document come from a row of the mapping; `added` lists those that do not."""

    object: str
    document: str
    explained: int
    total: int
    lines: tuple[FieldLine, ...]
    added: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


def field_table(
    sent: Any, shown: Any, canonical: Any, *, of: str, rows_in: Sequence[FieldRow], documents: Documents
) -> FieldTable | None:
    """The table of the document that fits what was sent; None when none does.

    `shown` is `sent` with personal values masked, `of` the object that `canonical` is and that `rows_in` read.
    """
    leaves = dict.fromkeys(path for path, _ in leaves_of(sent))
    if not leaves or not documents:
        return None
    (object_name, document), rows = max(
        documents.items(), key=lambda item: (len(_explained(item[1], leaves)), -len(item[1]))
    )
    rows = _applied(rows, canonical) if object_name == of else rows
    explained = _explained(rows, leaves)
    if not explained:
        return None
    values = _values(shown)
    origins = _origins(rows_in, along=object_name != of)
    used = _in_order(rows, list(leaves))
    return FieldTable(
        object=object_name,
        document=document,
        explained=len(explained),
        total=len(leaves),
        lines=tuple(_line(row, origins, values) for row in used),
        added=tuple(leaf for leaf in leaves if leaf not in explained),
        unused=_unused(used, canonical) if object_name == of and canonical is not None else (),
    )


def leaves_of(document: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a document with its path, the elements of a list under one: `item.items[].amount`."""
    if isinstance(document, dict) and document:
        for name, value in document.items():
            yield from leaves_of(value, f"{path}.{name}" if path else name)
    elif isinstance(document, list) and document:
        for value in document:
            yield from leaves_of(value, f"{path}[]")
    else:
        yield path, document


def plain(path: str) -> str:
    """A path of a mapping as a path of a document: `item.items[line].amount` is `item.items[].amount`."""
    return _BLOCK.sub("[]", path)


def _covers(row: FieldRow, leaf: str) -> bool:
    """A row explains its own path, and all below it where its function made an object."""
    path = plain(row.vendor)
    return leaf == path or leaf.startswith((f"{path}.", f"{path}["))


def _explained(rows: Sequence[FieldRow], leaves: Mapping[str, None]) -> list[str]:
    return [leaf for leaf in leaves if any(_covers(row, leaf) for row in rows)]


def _in_order(rows: Sequence[FieldRow], leaves: Sequence[str]) -> list[FieldRow]:
    """The rows that made something, as the sent document has them."""
    first = {
        id(row): next((place for place, leaf in enumerate(leaves) if _covers(row, leaf)), len(leaves)) for row in rows
    }
    return sorted((row for row in rows if first[id(row)] < len(leaves)), key=lambda row: first[id(row)])


def _sources(paths: str) -> list[str]:
    return [path.strip() for path in paths.split(",") if path.strip()]


def _applied(rows: Sequence[FieldRow], canonical: Any) -> list[FieldRow]:
    """Without the blocks of a list that had nothing to say: no tip, no tip line. All rows when there is no canonical object to ask."""
    if canonical is None:
        return list(rows)
    says = _speaking(canonical)
    silent = {
        block
        for block in {_block(row) for row in rows} - {""}
        if not any(
            _speaks(path, says)
            for row in rows
            if _block(row) == block and row.kind != "constant"
            for path in _sources(row.canonical)
        )
    }
    return [row for row in rows if _block(row) not in silent]


def _block(row: FieldRow) -> str:
    head, bracket, _ = row.vendor.rpartition("]")
    return head + bracket


def _speaking(canonical: Any) -> set[str]:
    """Paths with a value that means something: neither null nor an amount of nothing."""
    return {path for path, value in leaves_of(canonical) if value not in (None, "", [], {}) and not _is_nothing(value)}


def _is_nothing(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"0(\.0+)? [A-Z]{3}", value))


def _speaks(path: str, says: set[str]) -> bool:
    return any(each == path or each.startswith((f"{path}.", f"{path}[")) for each in says)


def _unused(rows: Sequence[FieldRow], canonical: Any) -> tuple[str, ...]:
    """Canonical fields of this object that have a value and that no applied row reads."""
    read = {path for row in rows for path in _sources(row.canonical)}
    return tuple(
        sorted(
            path
            for path in _speaking(canonical)
            if not any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in read)
        )
    )


def _origins(rows_in: Sequence[FieldRow], *, along: bool) -> dict[str, str]:
    """Canonical path to source path. A buyer that came along with an order is read from the order's own fields."""
    found = {row.canonical: _said(row.vendor) for row in rows_in}
    if not along:
        return found
    renamed = {path.removeprefix("customer."): path for path in found if path.startswith("customer.")}
    renamed |= {
        f"address.{path.removeprefix('billing_address.')}": path
        for path in found
        if path.startswith("billing_address.")
    }
    return {name: found[path] for name, path in renamed.items()}


def _said(source: str) -> str:
    """What made a value, in words: money is worked out from many fields at once."""
    return "worked out from its amounts" if source.startswith("@") else "" if source.startswith("with ") else source


def _line(row: FieldRow, origins: Mapping[str, str], values: Mapping[str, list[Any]]) -> FieldLine:
    constant = row.kind == "constant"
    paths = [] if constant else _sources(row.canonical)
    sources = dict.fromkeys(filter(None, (origins.get(path, _below(path, origins)) for path in paths)))
    path = plain(row.vendor)
    return FieldLine(
        source=", ".join(sources),
        canonical="" if constant else row.canonical,
        sent=path,
        value=row.canonical if constant and "[]" in path else _text(values, path),
        kind=row.kind,
    )


def _below(path: str, origins: Mapping[str, str]) -> str:
    """An object as a whole: where its fields come from, up to the last common part."""
    under = [origins[each] for each in origins if each.startswith((f"{path}.", f"{path}[")) or each == f"{path}[]"]
    heads = {source.rpartition(".")[0] for source in under if "." in source}
    return next(iter(heads)) if len(heads) == 1 else ""


def _values(shown: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for path, value in leaves_of(shown):
        found.setdefault(path, []).append(value)
    return found


def _text(values: Mapping[str, list[Any]], path: str) -> str:
    """The values at a path and below it, each once, a few of them."""
    mine = [
        value
        for each, found in values.items()
        if each == path or each.startswith((f"{path}.", f"{path}["))
        for value in found
    ]
    texts = list(dict.fromkeys(_shown(value) for value in mine))
    more = f" and {len(texts) - MOST_VALUES} more" if len(texts) > MOST_VALUES else ""
    return ", ".join(texts[:MOST_VALUES]) + more


def _shown(value: Any) -> str:
    if isinstance(value, Masked):
        return MASK
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."
