"""Where each key and value of a TOML text stands; tomllib reads values but forgets their lines.

The scanner is given text that tomllib has accepted, so it looks for boundaries only and does not validate. Paths are
tuples of keys and array indexes: `("destinations", 0)`, `("teams", "growth", "contact")`, `("rule", 2, "field")`.
"""

import re
import tomllib
from bisect import bisect_right
from contextlib import suppress
from typing import NamedTuple

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\r\n]*[^,\]}#\r\n \t]")
_STRINGS = (
    re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""(?:""?(?!"))?', re.DOTALL),
    re.compile(r"'''(?:[^']|'(?!''))*'''(?:''?(?!'))?", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)


class Position(NamedTuple):
    """Line and column, both from 1; columns count characters."""

    line: int
    column: int


class Span(NamedTuple):
    """Offsets into the text: the first character, and one past the last."""

    start: int
    end: int


class Positions:
    """The places of one text: `keys` of keys and table headers, `values` of written values."""

    def __init__(self, text: str) -> None:
        self.keys: dict[Path, Span] = {}
        self.values: dict[Path, Span] = {}
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        with suppress(IndexError, ValueError):  # a finding with a rough place is better than none
            _Scanner(text, self.keys, self.values).document()

    def key(self, path: Path) -> Position:
        """Where the key is written; an element of an array stands where its value does."""
        return self._nearest(path, self.keys, self.values)

    def value(self, path: Path) -> Position:
        """Where the value is written; a table stands where its header does; what is not written, where its table is."""
        return self._nearest(path, self.values, self.keys)

    def _nearest(self, path: Path, first: dict[Path, Span], second: dict[Path, Span]) -> Position:
        while path:
            span = first.get(path) or second.get(path)
            if span:
                return self.position(span.start)
            path, first, second = path[:-1], self.keys, self.values
        return Position(1, 1)

    def position(self, offset: int) -> Position:
        line = bisect_right(self._line_starts, offset)
        return Position(line, offset - self._line_starts[line - 1] + 1)


class _Scanner:
    """One pass over the text, left to right."""

    def __init__(self, text: str, keys: dict[Path, Span], values: dict[Path, Span]) -> None:
        self.text = text
        self.at = 0
        self.keys = keys
        self.values = values
        self.lengths: dict[Path, int] = {}  # of each array of tables

    def document(self) -> None:
        table: Path = ()
        while self._skip(_BLANK) < len(self.text):
            if self.text.startswith("[[", self.at):
                table = self._header(2)
            elif self.text[self.at] == "[":
                table = self._header(1)
            else:
                self._pair(table)

    def _header(self, brackets: int) -> Path:
        self.at += brackets
        parts = self._key()
        path: Path = ()
        for number, (part, span) in enumerate(parts, start=1):
            path = (*path, part)
            self.keys.setdefault(path, span)
            if number == len(parts) and brackets == 2:
                self.lengths[path] = self.lengths.get(path, 0) + 1
            if path in self.lengths:
                path = (*path, self.lengths[path] - 1)
                self.keys.setdefault(path, span)
        self.keys[path] = parts[-1][1]  # a table may have been named before, as a parent of another
        self.at += brackets
        return path

    def _pair(self, table: Path) -> None:
        path = table
        for part, span in self._key():
            path = (*path, part)
            self.keys.setdefault(path, span)
        self._skip(_SPACE)
        self.at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _key(self) -> list[tuple[str, Span]]:
        parts = []
        while True:
            start = self._skip(_SPACE)
            if self.text[start] in "\"'":
                self._string()
                name = tomllib.loads(f"name = {self.text[start : self.at]}")["name"]
            else:
                self._skip(_BARE_KEY)
                name = self.text[start : self.at]
            parts.append((name, Span(start, self.at)))
            self._skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def _value(self, path: Path) -> None:
        start = self.at
        first = self.text[start]
        if first in "\"'":
            self._string()
        elif first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        else:
            self._skip(_SCALAR)
        if self.at == start:
            raise ValueError(f"no value begins at offset {start}")
        self.values[path] = Span(start, self.at)

    def _array(self, path: Path) -> None:
        self.at += 1
        index = 0
        while self.text[self._skip(_BLANK)] != "]":
            self._value((*path, index))
            index += 1
            if self.text[self._skip(_BLANK)] == ",":
                self.at += 1
        self.at += 1

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        while self.text[self._skip(_BLANK)] != "}":
            self._pair(path)
            if self.text[self._skip(_BLANK)] == ",":
                self.at += 1
        self.at += 1

    def _string(self) -> None:
        for shape in _STRINGS:
            match = shape.match(self.text, self.at)
            if match:
                self.at = match.end()
                return
        raise ValueError(f"no string begins at offset {self.at}")

    def _skip(self, shape: re.Pattern[str]) -> int:
        match = shape.match(self.text, self.at)
        if match:
            self.at = match.end()
        return self.at
