"""A contract as people read it: one table for the object and one for each nested object, as Markdown or HTML."""

from collections.abc import Iterator
from html import escape

from msgspec import Struct

from interlock.canonical.contract import Contract
from interlock.canonical.field import Field

HEADS = ("Field", "Type", "Needed", "Data", "Meaning", "Example")
TYPE_WORDS = {
    "money": "money, shop and presentment",
    "amount": "money, one currency",
    "timestamp": "timestamp with zone",
}


class Line(Struct, frozen=True):
    """One field in words. `notes` are its lifetime: since when it exists, and that it should not be used any more."""

    name: str
    kind: str
    needed: str
    data_class: str
    meaning: str
    example: str
    notes: str
    added: bool
    deprecated: bool
    holds: str


class Section(Struct, frozen=True):
    """The fields of the object ("" as name) or of a nested one."""

    name: str
    meaning: str
    lines: tuple[Line, ...]


def sections(contract: Contract) -> tuple[Section, ...]:
    """The object first, then its nested objects in the order in which they are met."""
    return tuple(
        Section(
            shape,
            contract.objects[shape].meaning if shape else contract.meaning,
            tuple(
                _line(name, field, contract, added=name in contract.added_fields(shape))
                for name, field in contract.fields_of(shape).items()
            ),
        )
        for shape in _met(contract)
    )


def markdown(contract: Contract) -> str:
    """The contract as a Markdown page."""
    parts = [f"# {contract.key}\n\n{contract.meaning}.\n"]
    for section in sections(contract):
        if section.name:
            parts.append(f"## {section.name}\n\n{f'{section.meaning}.' if section.meaning else ''}".rstrip() + "\n")
        parts.append(_markdown_table(section))
    return "\n".join(parts)


def html(contract: Contract) -> str:
    """The contract as an HTML fragment: headings from h2 on, and tables."""
    parts = [f"<h2>{escape(contract.key)}</h2>\n<p>{escape(contract.meaning)}.</p>\n"]
    for section in sections(contract):
        if section.name:
            said = f"<p>{escape(section.meaning)}.</p>\n" if section.meaning else ""
            parts.append(f'<h3 id="{escape(contract.key)}-{escape(section.name)}">{escape(section.name)}</h3>\n{said}')
        parts.append(_html_table(section))
    return "".join(parts)


def type_words(field: Field) -> str:
    """`list of line`, `enum: red, blue`, `quantity in piece`."""
    if field.type in {"list", "object"}:
        return f"list of {field.of}" if field.type == "list" else f"object {field.of}"
    if field.type == "enum":
        return f"enum: {', '.join(field.values)}"
    words = TYPE_WORDS.get(field.type, field.type)
    return f"{words} in {field.unit}" if field.unit else words


def need_words(field: Field) -> str:
    """Whether it must be there, and whether it may be null."""
    if not field.required:
        return "optional"
    return "required, may be null" if field.nullable else "required"


def lifetime_words(field: Field) -> str:
    """`since 2; total before; deprecated since 2026-11-23, use net`."""
    ended = field.deprecated
    since = f"since {field.since}" if field.since else ""
    before = f"{field.renamed_from} before" if field.renamed_from else ""
    instead = f", use {ended.use}" if ended and ended.use else ""
    return "; ".join(filter(None, (since, before, f"deprecated since {ended.since}{instead}" if ended else "")))


def _line(name: str, field: Field, contract: Contract, *, added: bool) -> Line:
    return Line(
        name=name,
        kind=type_words(field),
        needed=need_words(field),
        data_class=field.data_class,
        meaning=field.meaning,
        example=_example(field),
        notes=lifetime_words(field),
        added=added,
        deprecated=field.deprecated is not None,
        holds=field.of if field.of in contract.objects else "",
    )


def _example(field: Field) -> str:
    if field.example is None:
        return ""
    return str(field.example).lower() if isinstance(field.example, bool) else str(field.example)


def _met(contract: Contract) -> list[str]:
    """ "" and the nested objects, each after the one that holds it; those that nobody holds last."""
    found = [""]
    for shape in found:
        held = (field.of for field in contract.fields_of(shape).values() if field.of in contract.objects)
        found += [name for name in dict.fromkeys(held) if name not in found]
    return [*found, *(name for name in contract.objects if name not in found)]


def _cells(line: Line) -> Iterator[str]:
    meaning = f"{line.meaning} ({line.notes})" if line.notes else line.meaning
    yield from (line.name, line.kind, line.needed, line.data_class, meaning, line.example)


def _markdown_table(section: Section) -> str:
    rows = [[cell.replace("|", "\\|").replace("\n", " ") for cell in _cells(line)] for line in section.lines]
    coded = [[f"`{row[0]}`", *row[1:5], f"`{row[5]}`" if row[5] else ""] for row in rows]
    lines = [HEADS, ["---"] * len(HEADS), *coded]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _html_table(section: Section) -> str:
    head = "".join(f'<th scope="col">{word}</th>' for word in HEADS)
    body = "".join(_html_row(line) for line in section.lines)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"


def _html_row(line: Line) -> str:
    name, *middle, example = (escape(cell) for cell in _cells(line))
    cells = "".join(f"<td>{cell}</td>" for cell in middle)
    shown = f"<code>{example}</code>" if example else ""
    return f"<tr><td><code>{name}</code></td>{cells}<td>{shown}</td></tr>\n"
