"""The book of requests about people's data, and the work on the two SQLite files: what is removed is overwritten."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw
import msgspec

from interlock.messaging.privacy import DAY_MS, DUE_DAYS, TOPICS, Found, Hit, Place, PrivacyRequest, Result, uid_of
from interlock.messaging.sqlite.group_commit import GroupCommit
from interlock.messaging.sqlite.packing import UnreadableBodyError, unpack
from interlock.messaging.sqlite.privacy_search import (
    FILE,
    as_list,
    find_person,
    find_shop,
    search_files,
    search_store,
)
from interlock.messaging.sqlite.privacy_views import COLUMNS, request_of
from interlock.messaging.sqlite.statements import statements
from interlock.messaging.traces import Finder, HashedFinder, Traces, traces_of

T = TypeVar("T")

IDS_AT_ONCE: Final = 200
"""In one piece of a transaction: deliveries go on in between."""
UNTOUCHED: Final = frozenset({"release", "migration", "document_profile"})
"""The folder itself, and names and types of documents: they hold no person, and a trace in one is told, not removed."""
BODIES: Final = frozenset({("event", "body"), ("attempt", "body"), ("dead_letter", "body"), ("process", "message")})


class SqlitePrivacyBook:
    """The PrivacyBook port. `forget` drops what processes keep in memory of these events."""

    def __init__(self, inbox: GroupCommit, ledger: GroupCommit, forget: Callable[[Sequence[int]], None]) -> None:
        self._inbox = inbox
        self._ledger = ledger
        self._forget = forget
        self._sql = {name: text.replace("{columns}", COLUMNS) for name, text in statements(FILE).items()}
        self._inbox_file, self._ledger_file = (Path(group.connection.filename) for group in (inbox, ledger))

    # -- rows

    async def take(self, limit: int) -> int:
        """Rows and cursor in one transaction of the ledger."""
        after = int(self._ledger.reading.execute(self._sql["cursor"]).get)
        head = int(self._inbox.reading.execute(statements("inbox.sql")["head"]).get)
        until = min(head, after + limit)
        if until == after:
            return 0
        rows = self._inbox.reading.execute(self._sql["asked_for"], (after, until, json.dumps(list(TOPICS)))).fetchall()

        def work(connection: apsw.Connection) -> None:
            for row in rows:
                connection.execute(self._sql["ask"], _values(_request_of_event(row)) | {"again": 0})
            connection.execute(self._sql["move_cursor"], (until,))

        await self._ledger.run(work)
        return until - after

    async def ask(self, request: PrivacyRequest, now_ms: int, *, again: bool = False) -> int:
        """With its line of the audit."""
        subject = f"{request.kind} {request.person or 'shop'} of {request.system}"

        def work(connection: apsw.Connection) -> int:
            connection.execute(self._sql["ask"], _values(request) | {"again": int(again)})
            connection.execute(self._sql["audit"], (now_ms, request.by, "privacy", subject, request.why))
            return int(connection.execute(self._sql["number"], (request.uid,)).get)

        return await self._ledger.run(work)

    async def open_requests(self) -> list[PrivacyRequest]:
        """The nearest day first."""
        return [request_of(row) for row in self._ledger.reading.execute(self._sql["open_requests"])]

    async def request(self, uid: str) -> PrivacyRequest | None:
        """None when this store does not know it."""
        row = self._ledger.reading.execute(self._sql["by_uid"], (uid,)).fetchone()
        return None if row is None else request_of(row)

    async def know(self, request: PrivacyRequest) -> None:
        """Before anything is removed: a process that dies meanwhile loses nothing that must be looked for."""
        traces, orders, hashes = msgspec.json.encode(request.traces), json.dumps(request.orders), json.dumps(request.hashes)
        await self._ledger.run(lambda connection: connection.execute(self._sql["know"], (orders, traces, hashes, request.uid)))

    async def erased(self, request: PrivacyRequest, result: Result) -> None:
        """From here on only hashes are left."""
        said = msgspec.json.encode(result).decode()
        await self._ledger.run(lambda connection: connection.execute(self._sql["erased"], (said, request.uid)))

    async def note(self, request: PrivacyRequest, note: str, result: Result | None = None) -> None:
        """Beside the row."""
        values = {"note": note, "result": _said(result), "uid": request.uid}
        await self._ledger.run(lambda connection: connection.execute(self._sql["note"], values))

    async def finish(self, number: int, *, by: str, why: str, now_ms: int, result: Result | None = None) -> bool:
        """With its line of the audit."""

        def work(connection: apsw.Connection) -> bool:
            connection.execute(self._sql["finish"], {"id": number, "by": by, "now": now_ms, "result": _said(result)})
            if not connection.changes():
                return False
            connection.execute(self._sql["audit"], (now_ms, by, "privacy-done", f"request {number}", why))
            return True

        return await self._ledger.run(work)

    async def alarmed(self, number: int, day: int) -> None:
        """So that a restart alarms nobody twice."""
        await self._ledger.run(lambda connection: connection.execute(self._sql["alarmed"], (day, number)))

    # -- what is where

    async def find(self, request: PrivacyRequest) -> Found:
        """In a thread: it reads every body of the source."""
        find = find_shop if request.kind == "shop" else find_person
        return await asyncio.to_thread(find, self._inbox_file, self._ledger_file, request)

    async def search(self, request: PrivacyRequest) -> tuple[list[Hit], Result]:
        """In a thread: it reads everything."""
        finder = Finder(request.traces, request.uid)

        def look() -> tuple[list[Hit], int]:
            hits: list[Hit] = []
            looked = search_store(self._inbox_file, "inbox", finder, hits.append, uid=request.uid)
            return hits, looked + search_store(self._ledger_file, "ledger", finder, hits.append, uid=request.uid)

        hits, looked = await asyncio.to_thread(look)
        theirs = [hit for hit in hits if not _is_namesake(hit)]
        left: dict[str, int] = {}
        for hit in theirs:
            left[f"{hit.table}.{hit.column}"] = left.get(f"{hit.table}.{hit.column}", 0) + 1
        return theirs, Result(left=left, looked_at=looked, namesakes=len(hits) - len(theirs))

    async def search_files(self, request: PrivacyRequest, traces: Traces) -> Mapping[str, int]:
        """By values while they are known, else by hashes."""
        finder = Finder(traces, request.uid) if traces else HashedFinder(request.hashes, request.uid)
        return await asyncio.to_thread(search_files, self._ledger_file.parent, finder)

    async def kept_back(self, place: Place) -> str:
        """In words, without what it is about."""
        values = {"attempts": as_list(place.attempts), "deliveries": as_list(place.deliveries)}
        attempts, processes, running = self._ledger.reading.execute(self._sql["kept_back"], values).get
        said = (
            _counted(attempts, "call whose outcome nobody knows", "calls whose outcome nobody knows"),
            _counted(processes, "process under way", "processes under way"),
            _counted(running, "delivery being tried", "deliveries being tried"),
        )
        return " and ".join(words for words in said if words)

    async def holds(self, request: PrivacyRequest) -> bool:
        """Through indexes: it is asked at each start."""
        reading, moment = self._inbox.reading, request.done_ms
        if request.kind == "shop":
            return reading.execute(self._sql["holds_shop"], (request.system, moment)).fetchone() is not None
        prefixes = (f"customer/{request.person}", *(f"order/{order}" for order in request.orders))
        return any(
            reading.execute(self._sql["holds_key"], (request.system, f"{prefix}/", f"{prefix}0", moment)).fetchone() is not None
            for prefix in prefixes
        )

    # -- removing

    async def erase(self, request: PrivacyRequest, place: Place) -> Mapping[str, int]:
        """A piece at a time; what was removed before counts no more."""
        finder = Finder(request.traces, request.uid)
        removed = {"events": await self._empty(self._inbox, "empty_events", place.events)}
        self._forget(place.events)
        removed["attempts"] = await self._empty(self._ledger, "empty_attempts", place.attempts)
        removed["letters"] = await self._empty(self._ledger, "empty_letters", place.letters)
        removed["deliveries"] = await self._empty(self._ledger, "empty_deliveries", place.deliveries)
        removed["processes"] = await self._empty(self._ledger, "empty_processes", place.deliveries)
        removed["steps"] = await self._empty(self._ledger, "empty_records", place.deliveries)
        for ids in _parted(place.deliveries):
            removed["texts"] = removed.get("texts", 0) + await self._ledger.run(partial(self._reword, finder, as_list(ids)))
        return {kind: count for kind, count in removed.items() if count}

    async def _empty(self, group: GroupCommit, name: str, ids: Sequence[int]) -> int:
        def work(connection: apsw.Connection, some: str) -> int:
            connection.execute(self._sql[name], (some,))
            return connection.changes()

        return sum([await group.run(partial(work, some=as_list(part))) for part in _parted(ids)])

    def _reword(self, finder: Finder, ids: str, connection: apsw.Connection) -> int:
        """Warnings tell of money and stay, and so do marks of steps; what they say of the person goes."""
        changed = 0
        warned: list[tuple[Any, ...]] = connection.execute(self._sql["warned"], (ids,)).fetchall()
        for id_, warnings in warned:
            if (said := finder.scrubbed(warnings, own=True)) != warnings:
                connection.execute(self._sql["rewarn"], (said, id_))
                changed += 1
        marks: list[tuple[Any, ...]] = connection.execute(self._sql["marks"], (ids,)).fetchall()
        for process, number, output, why in marks:
            text = output.decode(errors="replace")
            said, reason = finder.scrubbed(text, own=True), finder.scrubbed(why, own=True)
            if (said, reason) != (text, why):
                connection.execute(self._sql["remark"], (said.encode(), reason, process, number))
                changed += 1
        return changed

    async def scrub(self, request: PrivacyRequest, hits: Sequence[Hit]) -> int:
        """A body goes as a whole; in any other text a hash takes the place of the value."""
        finder = Finder(request.traces, request.uid)
        bodies = [int(hit.row[0]) for hit in hits if (hit.table, hit.column) == ("event", "body")]
        self._forget(bodies)
        changed = 0
        for store, group in (("inbox", self._inbox), ("ledger", self._ledger)):
            those = [hit for hit in hits if hit.store == store and hit.table not in UNTOUCHED]
            for part in _parted(those):
                changed += await group.run(partial(self._scrub, finder, part))
        return changed

    def _scrub(self, finder: Finder, hits: Sequence[Hit], connection: apsw.Connection) -> int:
        changed = 0
        for hit in hits:
            if (hit.table, hit.column) == ("attempt", "body"):
                connection.execute(self._sql["empty_attempts"], (as_list([hit.row[0]]),))
            elif (hit.table, hit.column) == ("process", "message"):
                connection.execute(self._sql["empty_processes"], (as_list([hit.row[0]]),))
            else:
                _rewrite(connection, hit, finder)
            changed += connection.changes()
        return changed

    async def empty_logs(self) -> bool:
        """Both, or it is to be tried again."""
        emptied = [await group.cut_log() for group in (self._inbox, self._ledger)]
        return all(emptied)

    async def compact(self, *, largest_bytes: int) -> bool:
        """Only small ones while the hub is at work: everything waits meanwhile."""
        if max(file.stat().st_size for file in (self._inbox_file, self._ledger_file)) > largest_bytes:
            return False
        for group in (self._inbox, self._ledger):
            await group.compact()
        return True


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}" if count else ""


def _is_namesake(hit: Hit) -> bool:
    """A whole body that has nothing but the same name is somebody else's: the person's own bodies are gone by then."""
    return hit.kinds == {"name"} and (hit.table, hit.column) in BODIES


def _rewrite(connection: apsw.Connection, hit: Hit, finder: Finder) -> None:
    where = " AND ".join(f"{name} = ?" for name in _keys(connection, hit.table))
    row = connection.execute(f"SELECT {hit.column} FROM {hit.table} WHERE {where}", hit.row).fetchone()  # noqa: S608
    if row is None or row[0] is None:
        return
    value: Any = None
    if (hit.table, hit.column) not in BODIES:
        text = row[0] if isinstance(row[0], str) else row[0].decode(errors="replace")
        value = finder.scrubbed(text) if isinstance(row[0], str) else finder.scrubbed(text).encode()
    connection.execute(f"UPDATE {hit.table} SET {hit.column} = ? WHERE {where}", (value, *hit.row))  # noqa: S608


def _keys(connection: apsw.Connection, table: str) -> list[str]:
    """As the search names rows."""
    without_rowid = connection.execute("SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?", (table,)).get
    if not without_rowid:
        return ["rowid"]
    keyed = connection.execute("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (table,))
    return [str(name) for (name,) in keyed]


def _parted(ids: Sequence[T]) -> list[Sequence[T]]:
    return [ids[start : start + IDS_AT_ONCE] for start in range(0, len(ids), IDS_AT_ONCE)]


def _said(result: Result | None) -> str | None:
    return None if result is None else msgspec.json.encode(result).decode()


def _values(request: PrivacyRequest) -> dict[str, Any]:
    return {
        "uid": request.uid, "kind": request.kind, "system": request.system, "person": request.person, "event": request.event,
        "received_ms": request.received_ms, "due_ms": request.due_ms, "by": request.by, "why": request.why,
        "orders": json.dumps(request.orders), "traces": msgspec.json.encode(request.traces), "hashes": json.dumps(request.hashes),
    }  # fmt: skip


def _request_of_event(row: tuple[Any, ...]) -> PrivacyRequest:
    """The person's key is the event's own; the payload adds which orders, and by what they are recognised."""
    position, system, dedupe_key, facts, key, received_ms, sha256, size_bytes, stored = row
    document: Any = None
    try:
        document = msgspec.json.decode(unpack(stored, size_bytes, sha256)) if stored is not None else None
    except (UnreadableBodyError, msgspec.DecodeError):
        document = None
    said = document if isinstance(document, dict) else {}
    orders = said.get("orders_to_redact") or said.get("orders_requested") or []
    kind = TOPICS[facts]
    return PrivacyRequest(
        uid=uid_of(system, dedupe_key), kind=kind, system=system, person="" if kind == "shop" else key, event=position,
        received_ms=received_ms, due_ms=received_ms + DUE_DAYS * DAY_MS, why=facts,
        orders=tuple(str(order) for order in orders if isinstance(order, int | str)), traces=traces_of(said),
    )  # fmt: skip
