"""What pages and commands ask about requests of people, and the export: everything that the hub holds of one person."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from interlock.messaging.privacy import Found, Hit, Place, PrivacyRequest, Result
from interlock.messaging.sqlite.connect import open_store
from interlock.messaging.sqlite.packing import UnreadableBodyError, unpack
from interlock.messaging.sqlite.privacy_search import FILE, as_list, find_person, search_store
from interlock.messaging.sqlite.statements import statements
from interlock.messaging.traces import Finder, Traces

COLUMNS: Final = (
    "id, uid, kind, system, person, event, received_ms, due_ms, state, by, why, orders, values_known, hashes, result, note, done_ms, "
    "done_by, alarmed_day"
)


def request_of(row: tuple[Any, ...]) -> PrivacyRequest:
    """A row of COLUMNS."""
    (id_, uid, kind, system, person, event, received_ms, due_ms, state, by, why, orders, known, hashes, result, note, done_ms, done_by,
     alarmed_day) = row  # fmt: skip
    return PrivacyRequest(
        id=id_, uid=uid, kind=kind, system=system, person=person, event=event, received_ms=received_ms, due_ms=due_ms, state=state,
        by=by, why=why, orders=tuple(json.loads(orders)), hashes=tuple(json.loads(hashes)), note=note, done_ms=done_ms,
        done_by=done_by, alarmed_day=alarmed_day, result=msgspec.json.decode(result, type=Result),
        traces=msgspec.json.decode(known, type=Traces) if known else Traces(),
    )  # fmt: skip


def read_privacy_requests(connection: apsw.Connection, limit: int = 200) -> tuple[PrivacyRequest, ...]:
    """Open ones first, by their day; nothing in a store that no hub of this version has opened yet."""
    return tuple(request_of(row) for row in _rows(connection, "newest", (limit,)))


def read_privacy_request(connection: apsw.Connection, number: int) -> PrivacyRequest | None:
    """One of them."""
    rows = _rows(connection, "one", (number,))
    return request_of(rows[0]) if rows else None


def _rows(connection: apsw.Connection, name: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    sql = statements(FILE)
    if not connection.execute(sql["there"]).get:
        return []
    return list(connection.execute(sql[name].replace("{columns}", COLUMNS), values))


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An export: plain JSON, personal values in the clear. `elsewhere` are the systems that have something, by their own ids."""

    system: str
    person: str
    orders: tuple[str, ...]
    elsewhere: list[dict[str, Any]]
    objects: list[dict[str, Any]]
    events: list[dict[str, Any]]
    deliveries: list[dict[str, Any]]
    attempts: list[dict[str, Any]]
    dead_letters: list[dict[str, Any]]
    processes: list[dict[str, Any]]
    mentions: list[dict[str, Any]]


def held_of(inbox: Path, ledger: Path, request: PrivacyRequest) -> Held:
    """For a thread: it reads everything, first by the person's key, then by what they are recognised by."""
    found = find_person(inbox, ledger, request)
    hits: list[Hit] = []
    finder = Finder(found.traces, request.uid)
    search_store(inbox, "inbox", finder, hits.append, uid=request.uid)
    search_store(ledger, "ledger", finder, hits.append, uid=request.uid)
    place = _with_hits(found.place, hits)
    with _both(inbox, ledger) as (events, rows):
        return _held(events, rows, request, found, place, hits)


def privacy_export(inbox: Path, ledger: Path, request: PrivacyRequest) -> bytes:
    """The same as indented JSON."""
    return json.dumps(msgspec.to_builtins(held_of(inbox, ledger, request)), indent=1, ensure_ascii=False).encode()


def _with_hits(place: Place, hits: list[Hit]) -> Place:
    """An order without an account has the person's mail address and no key of theirs."""

    def more(ids: tuple[int, ...], table: str) -> tuple[int, ...]:
        theirs = {int(hit.row[0]) for hit in hits if hit.table == table and hit.kinds - {"name"}}
        return tuple(sorted({*ids, *theirs}))

    return Place(
        events=more(place.events, "event"), deliveries=more(place.deliveries, "delivery"), attempts=more(place.attempts, "attempt"),
        letters=more(place.letters, "dead_letter"),
    )  # fmt: skip


SHOWN_ELSEWHERE: Final = frozenset({"event", "delivery", "attempt", "dead_letter", "process", "process_step", "object", "link"})


def _held(
    inbox: apsw.Connection, ledger: apsw.Connection, request: PrivacyRequest, found: Found, place: Place, hits: list[Hit]
) -> Held:
    events = [_event(row) for row in _dicts(inbox, "story_events", (as_list(place.events),))]
    keys = json.dumps(sorted({f"{row['object']}/{row['key']}" for row in events} | {f"customer/{request.person}"}))
    deliveries = as_list(place.deliveries)
    links = {"system": request.system, "keys": keys, "deliveries": deliveries}
    marks = list(_dicts(ledger, "story_marks", (deliveries,)))
    return Held(
        system=request.system, person=request.person, orders=found.orders,
        elsewhere=list(_dicts(ledger, "story_links", links)),
        objects=list(_dicts(ledger, "story_objects", (request.system, keys))),
        events=events,
        deliveries=list(_dicts(ledger, "story_deliveries", (deliveries,))),
        attempts=[_decoded(row, "body") for row in _dicts(ledger, "story_attempts", (as_list(place.attempts),))],
        dead_letters=[_decoded(row, "body") for row in _dicts(ledger, "story_letters", (as_list(place.letters),))],
        processes=[
            _decoded(row, "message") | {"steps": [_decoded(mark, "output") for mark in marks if mark["process"] == row["delivery"]]}
            for row in _dicts(ledger, "story_processes", (deliveries,))
        ],
        mentions=[
            {"table": hit.table, "column": hit.column, "row": list(hit.row), "text": _text(ledger if hit.store == "ledger" else inbox, hit)}
            for hit in hits
            if hit.table not in SHOWN_ELSEWHERE and hit.table != "privacy_request"
        ],
    )  # fmt: skip


def _text(connection: apsw.Connection, hit: Hit) -> str:
    """What a field says; only tables with rowids have free texts of people."""
    if len(hit.row) != 1 or not isinstance(hit.row[0], int):
        return ""
    value = connection.execute(f"SELECT {hit.column} FROM {hit.table} WHERE rowid = ?", hit.row).get  # noqa: S608  our own names
    return value if isinstance(value, str) else ""


def _event(row: dict[str, Any]) -> dict[str, Any]:
    sha256, size_bytes, stored = row.pop("sha256"), row.pop("size_bytes"), row.pop("body")
    try:
        body = unpack(stored, size_bytes, sha256) if stored is not None else None
    except UnreadableBodyError:
        body = None
    return _decoded(row | {"body": body}, "body")


def _decoded(row: dict[str, Any], column: str) -> dict[str, Any]:
    """JSON as JSON, other bytes as text, nothing as null."""
    stored = row[column]
    if not stored:
        return row | {column: None}
    try:
        return row | {column: json.loads(stored)}
    except (ValueError, RecursionError):
        return row | {column: stored.decode("utf-8", "replace")}


def _dicts(connection: apsw.Connection, name: str, values: Any) -> Iterator[dict[str, Any]]:
    cursor = connection.execute(statements(FILE)[name], values)
    names: list[str] = []
    for row in cursor:
        names = names or [column[0] for column in cursor.get_description()]
        yield dict(zip(names, row, strict=True))


class _both:  # noqa: N801  used as a word
    """Two read-only connections."""

    def __init__(self, inbox: Path, ledger: Path) -> None:
        self._paths = (inbox, ledger)

    def __enter__(self) -> tuple[apsw.Connection, apsw.Connection]:
        self._open = [open_store(path, read_only=True) for path in self._paths]
        return self._open[0], self._open[1]

    def __exit__(self, *_: object) -> None:
        for connection in self._open:
            connection.close()
