"""The locator finds every key and value that tomllib reads, however the text is written."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.strategy.positions import Path, Position, Positions, Span

MIXED = '''\
# a comment with [brackets] and "quotes"
title = "a # b"   # trailing
"quoted key" = 1
dotted.key.deep = [1, 2,
  3, # inside ]
]
point = { x = 1, y = { z = "}" }, list = [ {a = 1}, {a = 2} ] }
text = """
[not a table]
key = "no" \\""" still inside"""
literal = \'\'\'C:\\path # ' '' \'\'\'
at = 1979-05-27 07:32:00
empty = []

[teams."finance systems"]
contact = \'x\'
[[rule]]
field = "a"
[rule.more]
deep = true
[[rule]]
field = "b"
[[rule.part]]
n = 1
[[rule.part]]
n = 2
[teams]
last = -0.5e3
'''


def leaves(value: Any, path: Path = ()) -> dict[Path, Any]:
    """Every value that is not a table or a list, by its path."""
    if isinstance(value, dict | list) and value:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        return {place: leaf for key, item in pairs for place, leaf in leaves(item, (*path, key)).items()}
    return {path: value}


def parsed(text: str) -> Any:
    """What a written value means."""
    return tomllib.loads(f"v = {text}")["v"]


def assert_located(text: str) -> None:
    """Each leaf's span, read alone, gives that leaf; each key's span, read alone, names it."""
    data = tomllib.loads(text)
    positions = Positions(text)
    for path, leaf in leaves(data).items():
        if path and leaf != {}:
            span = positions.values.get(path) or whole_of(positions, path)
            assert parsed(text[slice(*span)]) == leaf, path
    for path, span in positions.keys.items():
        if isinstance(path[-1], str):
            assert path[-1] in tomllib.loads(f"{text[slice(*span)]} = 1"), path


def whole_of(positions: Positions, path: Path) -> Span:
    raise AssertionError(f"{path} was not found among {list(positions.values)}")


def test_every_way_of_writing_is_located() -> None:
    """One text with each form that TOML has: comments, dotted keys, inline tables, arrays of tables, long strings."""
    assert_located(MIXED)


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        (("title",), 2, 9),
        (("dotted", "key", "deep"), 4, 19),
        (("dotted", "key", "deep", 2), 5, 3),
        (("point", "y", "z"), 7, 28),
        (("point", "list", 1, "a"), 7, 58),
        (("at",), 12, 6),
        (("teams", "finance systems", "contact"), 16, 11),
        (("rule", 1, "field"), 22, 9),
        (("rule", 1, "part", 1, "n"), 26, 5),
        (("rule", 0, "more"), 19, 7),
        (("rule", 0, "not written"), 17, 3),
        (("nothing",), 1, 1),
    ],
)
def test_places_in_the_mixed_text(path: Path, line: int, column: int) -> None:
    """Exact lines and columns, counted by hand, so that a shift in the scanner cannot hide behind its own reading."""
    assert Positions(MIXED).value(path) == Position(line, column)


@pytest.mark.parametrize(
    "written", ['"""x""""', '"""x"""""', "'''y''''", "'''y'''''", '""""""', "''''''", '""', '"""\\\n  x"""']
)
def test_long_strings_may_end_in_quotes(written: str) -> None:
    """Up to two quotes before the closing three belong to the string; what follows must still be found."""
    assert_located(f"a = [{written}, 1]\nb = {written}\n[c]\nd = 2\n")


@pytest.mark.parametrize("text", ["a = ", "a = [1", "[", "a", 'a = "x', "= 1", "a = {b", "[[x"])
def test_text_that_is_not_toml_ends(text: str) -> None:
    """The scanner is never given such text; if it were, it must stop and answer."""
    assert Positions(text).value(("a",)).line == 1


def test_a_missing_key_stands_at_its_table() -> None:
    """A key that is not written has no line; its table's header is where to add it."""
    assert Positions("a = 1\n[retry]\nattempts = 2\n").key(("retry", "cap_seconds")) == Position(2, 2)


def test_windows_line_ends() -> None:
    """Files from Windows have the same lines."""
    text = 'a = "x"\r\n[t]\r\nb = ["y",\r\n "z"]\r\n'
    assert Positions(text).value(("t", "b", 1)) == Position(4, 2)
    assert_located(text)


names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=0, max_size=6
) | st.sampled_from(["a", "b-1", "7", "true", 'q"', "x.y", "# no", "[t]"])
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["]", "}", "# x", '"""', "'''", "a\nb", "\\", "= ["]
)
scalars = st.integers(-(2**40), 2**40) | st.booleans() | texts | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(
    names, values | st.lists(st.dictionaries(names, values, min_size=1, max_size=3), max_size=3), max_size=5
)


class Writer:
    """Writes a document as TOML, choosing among the forms that mean the same."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw

    def one_of(self, *forms: str) -> str:
        return self.draw(st.sampled_from(forms))

    def gap(self) -> str:
        return self.one_of("", " ", "\t ")

    def inside(self) -> str:
        return self.one_of("", " ", "\n", ' # ] } " comment\n', "\r\n  ")

    def key(self, name: str) -> str:
        bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
        literal = [f"'{name}'"] if "'" not in name else []
        return self.one_of(quoted(name), *literal, *([name] if bare else []))

    def value(self, value: Any, depth: int = 0) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            items = "".join(f"{self.inside()}{self.value(item)}{self.inside()}," for item in value)
            return f"[{items if self.draw(st.booleans()) else items.removesuffix(',')}{self.inside()}]"
        if isinstance(value, dict):
            pairs = (
                f"{self.gap()}{self.key(k)}{self.gap()}={self.gap()}{self.value(v)}{self.gap()}"
                for k, v in value.items()
            )
            return f"{{{','.join(pairs)}}}"
        return repr(value)

    def text(self, value: str) -> str:
        forms = [quoted(value), f'"""\n{quoted(value)[1:-1]}"""']
        if value.isprintable() and "'" not in value:
            forms += [f"'{value}'", f"'''{value}'''"]
        return self.one_of(*forms)

    def table(self, table: dict[str, Any], path: tuple[str, ...]) -> str:
        plain, tables = [], []
        for name, value in table.items():
            header = ".".join(map(self.key, (*path, name)))
            of_tables = isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
            if isinstance(value, dict) and self.draw(st.booleans()):
                tables.append(f"{self.gap()}[{self.gap()}{header} ]{self.gap()}\n{self.table(value, (*path, name))}")
            elif of_tables and self.draw(st.booleans()):
                tables += [f"[[{header}]] # [x]\n{self.table(item, (*path, name))}" for item in value]
            elif isinstance(value, dict) and value and self.draw(st.booleans()):
                plain += [f"{self.key(name)} . {self.key(k)} = {self.value(v)}\n" for k, v in value.items()]
            else:
                plain.append(
                    f'{self.gap()}{self.key(name)}{self.gap()}={self.gap()}{self.value(value)}{self.gap()}# "\n'
                )
        return "".join([*plain, *tables])


def quoted(text: str) -> str:
    """A basic string; JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text).replace("\x7f", "\\u007f") if text.isascii() else escaped(text)


def escaped(text: str) -> str:
    special = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(special.get(c) or (c if c.isprintable() else f"\\U{ord(c):08x}") for c in text) + '"'


@given(document=documents, data=st.data())
def test_generated_documents_are_located(document: dict[str, Any], data: st.DataObject) -> None:
    """The oracle is tomllib itself: each span, cut out and read alone, must give the value that the whole text gave."""
    text = Writer(data.draw).table(document, ())
    assert tomllib.loads(text) == document, "the writer of this test is sound"
    assert_located(text)
