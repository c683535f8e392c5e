"""A file that a system drops at the door: what its dialect must know, so that the intake can take hundreds of megabytes of it."""

from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol

import msgspec

from interlock.messaging.event import Envelope, Headers

LEVEL: Final = "inventory_level"
Kind = Literal["snapshot", "changes"]
Form = Literal["csv", "ndjson", "json"]


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One row of a file, as the events of its parts have it: `line` is where it stands. Amounts are texts, exact."""

    line: int
    location: str
    quantities: dict[str, str]
    item: str = ""
    sku: str = ""
    barcode: str = ""
    unit: str = ""
    as_of: str = ""


class Wrong(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row that cannot be read, and why; all others are taken."""

    line: int
    why: str


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of itself, in its first or last line or beside its rows. `count`: how many rows its writer wrote."""

    kind: Kind
    count: int | None = None
    as_of: str = ""


class File(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of which file a part is; `chunk` counts from 1. The last of `chunks` is in the inbox when all are."""

    id: str
    kind: Kind
    sha256: str
    rows: int
    wrong: int
    chunk: int
    chunks: int
    as_of: str = ""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The body of an event `levels/snapshot` or `levels/changes`."""

    rows: list[Row]
    wrong: list[Wrong]
    file: File


class Seal(Protocol):
    """A signature that is checked while a body goes by: the whole of it is never in memory."""

    def update(self, part: bytes) -> None:
        """Some more of the raw bytes."""

    def fits(self) -> bool:
        """Whether one of the signatures is of one of the secrets; constant time."""


class RowReader(Protocol):
    """Reads rows as the system's settings say they are written."""

    delimiter: str
    kind: Kind
    """Of a file that does not say."""

    def moment(self, text: str) -> str:
        """A time as UTC, "" stays "". Raises ValueError with the reason when it is none."""

    def read(self, line: int, raw: Mapping[str, Any]) -> Row | Wrong:
        """One row: names as in the file, values as texts (CSV) or as JSON has them, numbers exact."""


class FileDialect(Protocol):
    """A dialect whose bodies are files. It is recognised by `takes_files`."""

    name: str
    takes_files: bool

    def recognises(self, headers: Headers) -> bool:
        """True when these headers are of this dialect."""

    def envelope(self, headers: Headers) -> Envelope:
        """The claims of the headers. Raises IntakeError when there is no id by which the file would be known again."""

    def seal(self, headers: Headers, secrets: tuple[bytes, ...], now_ms: int) -> Seal:
        """Begin to check. Raises IntakeError 401 when the headers alone tell that it cannot fit, or is too old."""

    def reader(self, settings: Mapping[str, Any], now_ms: int) -> RowReader:
        """Who reads its rows."""
