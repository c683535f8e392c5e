"""Writes the reference pages from the code: `python -m interlock.strategy.reference` (with `--check`, only compares).

docs/reference/checks.md and checklist.md are written whole; docs/reference/strategy-folder.md is kept by hand but for its tables of keys.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, inspect

from interlock.canonical import ContractFile
from interlock.strategy.advise.page import advice_page
from interlock.strategy.changes import ChangeFile
from interlock.strategy.checklist_page import checklist_page
from interlock.strategy.checks import ALL, Check, Example
from interlock.strategy.decode import bare, written_fields
from interlock.strategy.inventory import ItemsFile, Location, NoStock
from interlock.strategy.model import Flow, ItemTable, Security, StrategyFile, System
from interlock.strategy.slos import Slos

KEYS_BEGIN, KEYS_END = "<!-- keys: begin (written from the code) -->", "<!-- keys: end -->"
FILES: tuple[tuple[str, type[Struct]], ...] = (
    ("strategy.toml", StrategyFile),
    ("systems/NAME.toml", System),
    ("flows/NAME.toml", Flow),
    ("security.toml", Security),
    ("slos.toml", Slos),
    ("objects/NAME.vN.toml", ContractFile),
    ("changes/NNNN.toml", ChangeFile),
    ("mappings/items.toml, a table for each system", ItemTable),
    ("inventory/locations.toml, a table for each location", Location),
    ("inventory/locations.toml, above its tables", NoStock),
    ("inventory/items.toml and inventory/items/NAME.toml", ItemsFile),
)
_LONGEST_LINE = 500
"""An example that is cut shows nothing; only the file that is too large is."""
_INTRODUCTION = """\
# The checks of the strategy folder

`interlock check` runs all of these over all files and tells every mistake at once. An error stops the folder; a
warning does not. This page is written from the code by `python -m interlock.strategy.reference`.

| Code | Finds | |
|---|---|---|
"""


def checks_page() -> str:
    """docs/reference/checks.md."""
    rows = "".join(f"| [{check.code}](#{check.code.lower()}) | {check.title} | {check.severity} |\n" for check in ALL)
    return _INTRODUCTION + rows + "".join(map(_check_section, ALL))


def with_keys(page: str) -> str:
    """The page with its tables of keys written anew."""
    before, _, rest = page.partition(KEYS_BEGIN)
    _, _, after = rest.partition(KEYS_END)
    return f"{before}{KEYS_BEGIN}\n\n{keys_tables()}\n{KEYS_END}{after}"


def keys_tables() -> str:
    """A table of keys for each kind of file."""
    return "\n".join(f"### {file}\n\n{_table(kind)}" for file, kind in FILES)


def _check_section(check: Check) -> str:
    return (
        f'\n<a id="{check.code.lower()}"></a>\n## {check.code} {check.title}\n\n'
        f"{check.why[0].upper()}{check.why[1:]}.\n\nWrong{_example(check.bad)}\nRight{_example(check.good)}"
    )


def _example(example: Example) -> str:
    if example.absent:
        return f": there is no `{example.file}`.\n"
    beside = "".join(f", beside `{other.file}`" for other in example.beside)
    kind = "python" if example.file.endswith(".py") else "toml" if example.file.endswith(".toml") else "text"
    lines = [re.sub(r"^# (\w+)$", r"# (no \1)", line) for line in example.text.splitlines()]
    cut = "\n".join(
        line if len(line) <= _LONGEST_LINE else f"{line[:40]} ... ({len(line):,} characters)" for line in lines
    )
    return f", in `{example.file}`{beside}:\n\n```{kind}\n{cut}\n```\n"


def _table(kind: type[Struct]) -> str:
    rows = "".join(
        f"| `{key}` | {words} | {default} | {meaning} |\n" for key, words, default, meaning in _rows(kind, "", set())
    )
    return f"| Key | Type | Default | Meaning |\n|---|---|---|---|\n{rows}"


def _rows(kind: type[Struct], prefix: str, told: set[type[Struct]]) -> Iterator[tuple[str, str, str, str]]:
    """The keys of a table and of those inside it; the fields of an object are told once."""
    told.add(kind)
    for field in written_fields(kind):
        key = f"{prefix}{field.encode_name}"
        described = _members(field.type)
        struct = next((member for member in described if isinstance(member, inspect.StructType)), None)
        teams = next((bare(member.value_type) for member in described if isinstance(member, inspect.DictType)), None)
        yield key, _type_words(field.type), _default(field), _meaning(field.type)
        listed = next((bare(member.item_type) for member in described if isinstance(member, inspect.ListType)), None)
        if struct is not None:
            yield from _rows(struct.cls, f"{key}.", told)
        elif isinstance(listed, inspect.StructType):
            yield from _rows(listed.cls, f"{key}[].", told)
        elif isinstance(teams, inspect.StructType) and teams.cls not in told:
            yield from _rows(teams.cls, f"{key}.NAME.", told)


def _members(kind: inspect.Type) -> list[inspect.Type]:
    kind = bare(kind)
    return [bare(member) for member in kind.types] if isinstance(kind, inspect.UnionType) else [kind]


def _type_words(kind: inspect.Type) -> str:
    return " or ".join(_word(member) for member in _members(kind) if not isinstance(member, inspect.NoneType))


def _word(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.LiteralType):
        return ", ".join(f"`{value}`" for value in kind.values)
    if isinstance(kind, inspect.ListType):
        return "list of tables" if isinstance(bare(kind.item_type), inspect.StructType) else "list of texts"
    return _WORDS[type(kind)] + _range(kind)


def _range(kind: Any) -> str:
    bounds = [("from", "ge"), ("above", "gt"), ("to", "le"), ("below", "lt")]
    words = [f"{word} {limit:,}" for word, name in bounds if (limit := getattr(kind, name, None)) is not None]
    return f", {' '.join(words)}" if words else ""


def _default(field: inspect.Field) -> str:
    value = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    if value is msgspec.NODEFAULT:
        return "**required**"
    if value is None or value in ("", [], (), {}) or isinstance(value, Struct):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _meaning(kind: inspect.Type) -> str:
    for member in (kind, *(kind.types if isinstance(kind, inspect.UnionType) else ())):
        text = (member.extra_json_schema or {}).get("description") if isinstance(member, inspect.Metadata) else None
        if text:
            return str(text)
    return ""


_WORDS: dict[type[inspect.Type], str] = {
    inspect.StrType: "text",
    inspect.BoolType: "true or false",
    inspect.IntType: "whole number",
    inspect.FloatType: "number",
    inspect.DateTimeType: "date and time",
    inspect.DateType: "date",
    inspect.VarTupleType: "list of texts",
    inspect.DictType: "table",
    inspect.StructType: "table",
}


def main(arguments: list[str], folder: Path) -> int:
    """Write the pages below `folder`, or say which differ (exit code 1)."""
    hand_written = folder / "strategy-folder.md"
    pages = {
        folder / "advice.md": advice_page(),
        folder / "checklist.md": checklist_page(),
        folder / "checks.md": checks_page(),
        hand_written: with_keys(hand_written.read_text(encoding="utf-8")),
    }
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        sys.stderr.write(f"{path} {'differs from the code' if '--check' in arguments else 'written'}\n")
        if "--check" not in arguments:
            path.write_text(pages[path], encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path("docs/reference")))
