"""Looks for a person in stores at rest: which rows are theirs, and whether a trace is left in any text, blob or byte.

Each function opens its own read-only connection, reads a piece at a time, and is meant for a thread.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Protocol

import apsw
import msgspec

from interlock.messaging.privacy import Found, Hit, Place, PrivacyRequest
from interlock.messaging.sqlite.connect import open_store
from interlock.messaging.sqlite.packing import UnreadableBodyError, unpack
from interlock.messaging.sqlite.statements import statements
from interlock.messaging.traces import Traces, names_person, traces_of

FILE: Final = "privacy.sql"
PIECE: Final = 200
WITHOUT_PEOPLE: Final = frozenset({"product", "variant", "inventory_level", "inventory_item", "location", "shop", "bulk_operation"})
"""Objects that may mention a person and are not theirs."""
FILE_PIECE_BYTES: Final = 1 << 20
OVERLAP_BYTES: Final = 512
SHOP_SAMPLE: Final = 500
"""Mail addresses of a shop's people by which its erasure is proven."""


class Looker(Protocol):
    """Finder or HashedFinder."""

    def kinds(self, stored: bytes | str) -> set[str]:
        """email, phone, name."""


def find_person(inbox: Path, ledger: Path, request: PrivacyRequest) -> Found:
    """Every row about the person: events by what their bodies say and by their objects, then all that came of them."""
    keys = {f"customer/{request.person}", *(f"order/{order}" for order in request.orders)}
    events: set[int] = set()
    traces = request.traces
    with _reading(inbox) as store:
        for position, object_name, key, document in _documents(store, request.system, request.person, keys):
            if f"{object_name}/{key}" in keys or names_person(document, request.person):
                events.add(position)
                traces |= traces_of(document)
                if object_name not in WITHOUT_PEOPLE:
                    keys.add(f"{object_name}/{key}")
        of_keys = store.execute(statements(FILE)["events_of_keys"], (request.system, json.dumps(sorted(keys))))
        events |= {position for (position,) in of_keys}
    orders = tuple(sorted(key.partition("/")[2] for key in keys if key.startswith("order/")))
    return Found(place=_what_came_of(ledger, request, keys, events), orders=orders, traces=traces)


def find_shop(inbox: Path, ledger: Path, request: PrivacyRequest) -> Found:
    """Everything of one source. A sample of its people's mail addresses is what the proof looks for."""
    events: set[int] = set()
    emails: set[str] = set(request.traces.emails)
    with _reading(inbox) as store:
        for position, _object, _key, document in _documents(store, request.system, "", set()):
            events.add(position)
            if len(emails) < SHOP_SAMPLE:
                emails |= traces_of(document).emails
    return Found(place=_what_came_of(ledger, request, set(), events), orders=(), traces=Traces(emails=frozenset(emails)))


def _what_came_of(ledger: Path, request: PrivacyRequest, keys: set[str], events: set[int]) -> Place:
    sql = statements(FILE)
    values = {
        "system": request.system, "person": request.person, "shop": int(request.kind == "shop"), "keys": json.dumps(sorted(keys)),
        "events": json.dumps(sorted(events)),
    }  # fmt: skip
    with _reading(ledger) as store:

        def ids(name: str) -> tuple[int, ...]:
            return tuple(int(id_) for (id_,) in store.execute(sql[name], values))

        deliveries = ids("deliveries_of")
        values["deliveries"] = json.dumps(deliveries)
        return Place(events=tuple(sorted(events)), deliveries=deliveries, attempts=ids("attempts_of"), letters=ids("letters_of"))


def _documents(store: apsw.Connection, system: str, person: str, keys: set[str]) -> Iterator[tuple[int, str, str, Any]]:
    """Bodies of these keys, and those that hold the person's key somewhere, are decoded. The others have no document here, as
    those that cannot be read: they are about whatever their key says."""
    after, mark = 0, person.encode()
    rows: list[tuple[Any, ...]]
    while rows := store.execute(statements(FILE)["bodies"], (system, after, PIECE)).fetchall():
        for position, object_name, key, sha256, size_bytes, stored in rows:
            after = position
            yield position, object_name, key, _decoded(stored, size_bytes, sha256, b"" if f"{object_name}/{key}" in keys else mark)


def _decoded(stored: bytes, size_bytes: int, sha256: bytes, mark: bytes) -> Any:
    try:
        body = unpack(stored, size_bytes, sha256)
        return msgspec.json.decode(body) if mark in body else None
    except (UnreadableBodyError, msgspec.DecodeError, RecursionError):
        return None


class Table(NamedTuple):
    """A table as it is walked: by rowid in pieces, or whole by its primary key."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]


def search_store(
    path: Path, store: Literal["inbox", "ledger"], finder: Looker, tell: Callable[[Hit], None], *, uid: str
) -> int:
    """Every text and blob of every table, bodies unpacked; returns how many rows were looked at. Only the request's own list of
    what it searches for is left out."""
    looked = 0
    with _reading(path) as connection:
        for table in _tables(connection):
            for row, fields in _rows(connection, table):
                looked += 1
                if fields.get("uid") == uid:
                    del fields["values_known"]
                for column, value in fields.items():
                    if isinstance(value, bytes | str) and (kinds := finder.kinds(value)):
                        tell(Hit(store=store, table=table.name, column=column, row=row, kinds=frozenset(kinds)))
    return looked


def _tables(connection: apsw.Connection) -> list[Table]:
    found = []
    listed: list[tuple[Any, ...]]
    listed = connection.execute("SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table'").fetchall()
    for name, without_rowid in listed:
        if name.startswith("sqlite_"):
            continue
        columns: list[tuple[Any, ...]]
        columns = connection.execute("SELECT name, type, pk FROM pragma_table_info(?)", (name,)).fetchall()
        searched = tuple(column for column, kind, _ in columns if kind in ("TEXT", "BLOB"))
        keyed = sorted((pk, column) for column, _, pk in columns if pk)
        found.append(Table(name, tuple(column for _, column in keyed) if without_rowid else ("rowid",), searched))
    return [table for table in found if table.columns]


def _rows(connection: apsw.Connection, table: Table) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    sizes = ", sha256, size_bytes" if table.name == "event" else ""
    names = ", ".join((*table.key, *table.columns)) + sizes
    width = len(table.key)
    for row in _pieces(connection, table, names):
        fields = dict(zip(table.columns, row[width : width + len(table.columns)], strict=True))
        if sizes and fields["body"] is not None:
            fields["body"] = _unpacked(fields["body"], row[-1], row[-2])
        fields.pop("sha256", None)
        yield row[:width], fields


def _pieces(connection: apsw.Connection, table: Table, names: str) -> Iterator[tuple[Any, ...]]:
    if table.key != ("rowid",):
        yield from connection.execute(f"SELECT {names} FROM {table.name}")  # noqa: S608  names of our own schema
        return
    after = -(1 << 62)
    asked = f"SELECT {names} FROM {table.name} WHERE rowid > ? ORDER BY rowid LIMIT {PIECE}"  # noqa: S608
    rows: list[tuple[Any, ...]]
    while rows := connection.execute(asked, (after,)).fetchall():
        after = rows[-1][0]
        yield from rows


def _unpacked(stored: bytes, size_bytes: int, sha256: bytes) -> bytes:
    """A damaged one is searched as it lies there."""
    try:
        return unpack(stored, size_bytes, sha256)
    except UnreadableBodyError:
        return stored


def search_files(data: Path, finder: Looker) -> Mapping[str, int]:
    """Pieces of files in which a trace is found, by file: logs and free space too."""
    found: dict[str, int] = {}
    for file in sorted(path for path in data.rglob("*") if path.is_file() and not path.name.endswith("-shm")):
        pieces = sum(bool(finder.kinds(piece)) for piece in _pieces_of(file))
        if pieces:
            found[str(file.relative_to(data))] = pieces
    return found


def _pieces_of(file: Path) -> Iterator[bytes]:
    """With so much overlap that nothing falls between two."""
    end = b""
    with file.open("rb") as opened:
        while piece := opened.read(FILE_PIECE_BYTES):
            yield end + piece
            end = piece[-OVERLAP_BYTES:]


class _reading:  # noqa: N801  used as a word
    """A read-only connection for as long as it is needed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> apsw.Connection:
        self._connection = open_store(self._path, read_only=True)
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def as_list(ids: Sequence[int]) -> str:
    """For json_each."""
    return json.dumps(list(ids))
