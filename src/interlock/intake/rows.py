"""Takes a dropped file apart row by row, whatever its size: CSV and NDJSON by lines, JSON by the elements of its list of rows."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import IO, Any, Final

import msgspec

from interlock.errors import IntakeError
from interlock.messaging.dropped import Form, Layout, Row, RowReader, Wrong

LINE_BYTES_MAX: Final = 65_536
READ_BYTES: Final = 65_536
FORMS: Final[Mapping[str, Form]] = {
    "text/csv": "csv", "application/csv": "csv", "application/x-ndjson": "ndjson", "application/jsonl": "ndjson",
    "application/json-lines": "ndjson", "application/json": "json",
}  # fmt: skip
LAYOUT: Final = frozenset({"kind", "count", "as_of"})
"""What a file says of itself: in CSV a line `# kind=snapshot count=1200`, in NDJSON an object of nothing else, in JSON members
beside `rows`; before the rows or behind them."""
BLANK: Final = " \t\r\n"

_decode: Final = json.JSONDecoder(parse_float=Decimal)

Told = Row | Wrong | dict[str, Any]
"""A row, one that cannot be read, or what the file says of itself."""


def form_of(content_type: str) -> Form:
    """By the media type. Raises IntakeError 415."""
    media, _, parameters = content_type.partition(";")
    charset = parameters.lower().partition("charset=")[2].split(";")[0].strip(' "') or "utf-8"
    form = FORMS.get(media.strip().lower())
    if form is None or charset not in ("utf-8", "us-ascii"):
        raise IntakeError(
            "no kind of file that can be read", status=415, code="INT019",
            next_move=f"send UTF-8 as one of {', '.join(sorted(FORMS))}",
        )  # fmt: skip
    return form


def rows_of(file: IO[bytes], form: Form, reader: RowReader) -> Iterator[Told]:
    """All rows in their order. Raises IntakeError 422 when nothing behind a mistake can be told apart any more."""
    if form == "json":
        return _elements(file, reader)
    return _csv(file, reader) if form == "csv" else _ndjson(file, reader)


def layout_of(said: Mapping[str, Any], reader: RowReader) -> Layout:
    """What the file has said of itself. Raises IntakeError 422."""
    given = {"kind": reader.kind} | {name: value for name, value in said.items() if name in LAYOUT}
    try:
        layout = msgspec.convert(given, Layout, strict=False)
        return msgspec.structs.replace(layout, as_of=reader.moment(layout.as_of))
    except (msgspec.ValidationError, ValueError) as error:
        raise unreadable(f"what the file says of itself cannot be read: {error}") from error


def unreadable(why: str) -> IntakeError:
    """Nothing of the file is taken."""
    return IntakeError(
        why,
        status=422,
        code="INT020",
        next_move="correct the file and send it under a new webhook-id; nothing of it was taken",
    )


def _lines(file: IO[bytes]) -> Iterator[tuple[int, str | None, str]]:
    """Number, text and, where there is no text, why not."""
    number = 0
    while line := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(line) > LINE_BYTES_MAX and not line.endswith(b"\n"):
            while (rest := file.readline(LINE_BYTES_MAX)) and not rest.endswith(b"\n"):
                pass
            yield number, None, f"it is longer than {LINE_BYTES_MAX} bytes"
            continue
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            yield number, None, "it is not UTF-8"
            continue
        if text.strip():
            yield number, text, ""


def _csv(file: IO[bytes], reader: RowReader) -> Iterator[Told]:
    """Each line by itself: a quote that is never closed costs one row, not all behind it."""
    heading: list[str] = []
    for number, text, why in _lines(file):
        if text is not None and text.startswith("#"):
            yield dict(part.partition("=")[::2] for part in text[1:].split() if "=" in part)
            continue
        try:
            cells = next(csv.reader((text or "",), delimiter=reader.delimiter, strict=True)) if text else []
        except csv.Error as error:
            why = str(error)
        if not heading and cells and not why:
            heading = cells
        elif why or len(cells) != len(heading):
            yield Wrong(line=number, why=why or f"it has {len(cells)} columns and the heading {len(heading)}")
        else:
            yield reader.read(number, dict(zip(heading, cells, strict=True)))


def _ndjson(file: IO[bytes], reader: RowReader) -> Iterator[Told]:
    for number, text, why in _lines(file):
        try:
            value = _decode.decode(text) if text is not None else None
        except (ValueError, RecursionError):
            value, why = None, "it is no JSON"
        if not isinstance(value, dict):
            yield Wrong(line=number, why=why or "it is no JSON object")
        elif value.keys() <= LAYOUT:
            yield value
        else:
            yield reader.read(number, value)


def _elements(file: IO[bytes], reader: RowReader) -> Iterator[Told]:
    """A list of rows, or an object with `rows` and what the file says of itself; a row is named by its number."""
    text = _Text(file)
    if text.next_is("["):
        yield from _list(text, reader)
    elif text.next_is("{"):
        while not text.next_is("}"):
            name = text.value()
            text.must(":")
            if name == "rows":
                text.must("[")
                yield from _list(text, reader)
            else:
                yield {str(name): text.value()}
            text.next_is(",")
    else:
        raise unreadable("it is neither a list nor an object")
    text.must_end()


def _list(text: _Text, reader: RowReader) -> Iterator[Told]:
    number = 0
    while not text.next_is("]"):
        number += 1
        value = text.value()
        yield reader.read(number, value) if isinstance(value, dict) else Wrong(line=number, why="it is no JSON object")
        if not text.next_is(","):
            text.must("]")
            return


class _Text:
    """JSON as it comes out of a file: some characters of it, and one value at a time."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0
        self._ended = False

    def next_is(self, mark: str) -> bool:
        """Whether this is the next character that is no blank; then it is passed."""
        if self._peek() != mark:
            return False
        self._at += 1
        return True

    def must(self, mark: str) -> None:
        """Raises IntakeError when something else comes."""
        if not self.next_is(mark):
            raise unreadable(f"{mark!r} is missing in the JSON")

    def must_end(self) -> None:
        """Raises IntakeError when something comes."""
        if self._peek():
            raise unreadable("there is more than one JSON value")

    def value(self) -> Any:
        """The next value, which must be small. Raises IntakeError when it is broken: nobody knows where the next begins."""
        self._peek()
        while True:
            try:
                value, end = _decode.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):
                end = None
            if end is not None and (end < len(self._text) or self._ended):
                self._at = end
                return value
            if self._ended or len(self._text) - self._at > LINE_BYTES_MAX:
                raise unreadable("a value of the JSON is broken, cut off or too long")
            self._more()

    def _peek(self) -> str:
        """The next character that is no blank, "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in BLANK:
                self._at += 1
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more()

    def _more(self) -> None:
        try:
            raw = self._file.read(READ_BYTES)
            further = self._decoder.decode(raw, final=not raw)
        except UnicodeDecodeError as error:
            raise unreadable("it is not UTF-8") from error
        self._text = self._text[self._at :] + further
        self._at = 0
        self._ended = not raw
