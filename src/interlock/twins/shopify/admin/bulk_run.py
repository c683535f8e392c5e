"""Runs bulk operations: streams nodes into a JSONL file at a set pace, a slice at a time, so that the twin stays awake.

What is running is in the world's journal: after a kill it starts again from its first object. Facts: F26; result lines
and `__parentId` from docs/api/usage/bulk-operations/queries; a result without objects has no URL.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

from interlock.twins.shopify.admin.bulk_query import BulkQueryFailed, BulkReader, Met
from interlock.twins.shopify.admin.context import AdminError, App, ShopContext, gid
from interlock.twins.world import World, encode_json

KIND = "bulk_operation"
RUNNING = frozenset({"CREATED", "RUNNING", "CANCELING"})
RESULT_SECONDS = 7 * 86_400
LONGEST_SECONDS = 10 * 86_400
OBJECTS_PER_SECOND = 2_000.0
SLICE_SECONDS = 0.01
UNGROUPED_PARENTS = 50
"""Without groupObjects children follow their parent at a distance, here behind this many parents."""
URL_SECRET = b"the twin signs its result addresses with this"

Open = Callable[[dict[str, Any]], BulkReader]
"""A reader of an operation's query, as its app would read it; raises AdminError when it may not."""
Emit = Callable[[str, dict[str, Any]], None]
Waiting = list[tuple[dict[str, Any], Met]]
"""Lines written, and what is still to be read below them."""


class Told(Exception):  # noqa: N818 - reads as what happened
    """The operation ends early, because a command or a limit says so."""

    def __init__(self, status: str, error_code: str | None = None) -> None:
        super().__init__(status)
        self.status, self.error_code = status, error_code


@dataclass
class Progress:
    """What a running operation did so far, and what it was told."""

    began: float
    objects: int = 0
    roots: int = 0
    fail_after: int | None = None
    error_code: str = "INTERNAL_SERVER_ERROR"
    objects_per_second: float = OBJECTS_PER_SECOND
    canceled: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class BulkRunner:
    """The bulk operations of a shop; `pace` and `fail_next` are what /_twin/bulk_operations sets."""

    def __init__(
        self,
        world: World,
        *,
        open_query: Open,
        emit: Emit,
        base_url: Callable[[], str],
        clock: Callable[[], float] = time.time,
        time_scale: float = 1.0,
        objects_per_second: float = OBJECTS_PER_SECOND,
    ) -> None:
        self._world, self._open, self._emit = world, open_query, emit
        self._base_url, self._clock, self._time_scale = base_url, clock, time_scale
        self.objects_per_second = objects_per_second
        self.fail_next: dict[str, Any] | None = None
        self._running: dict[str, Progress] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._files = world.directory / "bulk"
        _RUNNERS[world] = self

    def resume(self) -> None:
        """Start again what an earlier run left."""
        for key, row in self._world.rows(KIND):
            if row["status"] in RUNNING and key not in self._running:
                self._spawn(key)

    async def stop(self) -> None:
        """End the work; it stays RUNNING in the journal."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def begin(self, shop: ShopContext, query: str, *, group_objects: bool) -> dict[str, Any]:
        """Keep a new operation and start it. Its query is already checked."""
        key = self._world.next_id(KIND)
        row = {
            "number": key,
            "status": "CREATED",
            "query": query,
            "group_objects": group_objects,
            "version": shop.version,
            "app": {"client_id": shop.app.client_id, "scopes": sorted(shop.app.scopes), "level": shop.app.data_level},
            "created_at": self._now(),
            "completed_at": None,
            "error_code": None,
            "objects": 0,
            "roots": 0,
            "bytes": 0,
            "expires_at": None,
        }
        self._world.apply("bulkOperation.create", key, (KIND, key, row))
        self._spawn(key)
        return row

    def cancel(self, key: str) -> None:
        """Ask a running operation to end."""
        self._update(key, status="CANCELING")
        if key in self._running:
            self._running[key].canceled = True
            self._running[key].wake.set()

    def fail(self, key: str, after_objects: int | None, error_code: str) -> bool:
        """Let a running operation fail once it has this many objects (now, when None)."""
        progress = self._running.get(key)
        if progress is None:
            return False
        progress.fail_after = progress.objects if after_objects is None else after_objects
        progress.error_code = error_code
        progress.wake.set()
        return True

    def pace(self, key: str | None, objects_per_second: float) -> None:
        """Set how fast one operation goes, or all that follow."""
        if key is None:
            self.objects_per_second = objects_per_second
        for name, progress in self._running.items():
            if key in (None, name):
                progress.objects_per_second = objects_per_second
                progress.wake.set()

    def expire(self, key: str) -> bool:
        """Let the result of an operation be gone, as after seven days."""
        row = self._world.get(KIND, key)
        if row is None or row["expires_at"] is None:
            return False
        self._update(key, expires_at=self._clock())
        return True

    def rows(self) -> list[dict[str, Any]]:
        """All operations as they are now, oldest first."""
        return [self.shown(row) for _, row in self._world.rows(KIND)]

    def row(self, key: str) -> dict[str, Any] | None:
        """One operation as it is now."""
        row = self._world.get(KIND, key)
        return None if row is None else self.shown(row)

    def shown(self, row: dict[str, Any]) -> dict[str, Any]:
        """A record with the counts of this moment, its status and its addresses."""
        progress = self._running.get(row["number"])
        counts = {"objects": progress.objects, "roots": progress.roots} if progress else {}
        gone = row["expires_at"] is not None and self._clock() >= float(row["expires_at"])
        url = self.url(row) if row["objects"] and row["expires_at"] is not None and not gone else None
        status = "EXPIRED" if gone and row["status"] == "COMPLETED" else row["status"]
        complete = status == "COMPLETED"
        addresses = {"url": url if complete else None, "partial_data_url": None if complete else url}
        return {**row, **counts, **addresses, "status": status}

    def url(self, row: dict[str, Any]) -> str:
        """Where a result lies: an address with an end and a signature, as of Shopify's storage."""
        expires = str(int(float(row["expires_at"])))
        name = f"bulk-{row['number']}.jsonl"
        query = {
            "GoogleAccessId": "assets-us-prod",
            "Expires": expires,
            "Signature": _signature(row["number"], expires),
            "response-content-disposition": f'attachment; filename="{name}"',
            "response-content-type": "application/jsonl",
        }
        return f"{self._base_url()}/bulk-results/{row['number']}?{urlencode(query)}"

    def file_for(self, key: str, expires: str, signature: str) -> Path | str:
        """The file of a result address, or the storage's error code."""
        row = self._world.get(KIND, key)
        if row is None:
            return "NoSuchKey"
        if not hmac.compare_digest(signature, _signature(key, expires)):
            return "SignatureDoesNotMatch"
        if row["expires_at"] is None or self._clock() >= float(row["expires_at"]):
            return "ExpiredToken"
        return self._file(key)

    def _spawn(self, key: str) -> None:
        planned = self.fail_next or {}
        self.fail_next = None
        self._running[key] = Progress(
            self._clock(),
            fail_after=planned.get("after_objects"),
            error_code=planned.get("error_code", "INTERNAL_SERVER_ERROR"),
            objects_per_second=self.objects_per_second,
        )
        task = asyncio.create_task(self._run(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, key: str) -> None:
        """One operation from its first object to its webhook."""
        progress = self._running[key]
        row = self._world.get(KIND, key) or {}
        ended = Told("COMPLETED")
        try:
            reader = self._open(row)
            await self._started(key, progress)
            await self._write(key, reader, progress, grouped=bool(row["group_objects"]))
        except Told as told:
            ended = told
        except BulkQueryFailed as failure:
            ended = Told("FAILED", failure.code)
        except AdminError as refusal:
            denied = refusal.extensions.get("code") == "ACCESS_DENIED"
            ended = Told("FAILED", "ACCESS_DENIED" if denied else "INTERNAL_SERVER_ERROR")
        except Exception as bug:  # noqa: BLE001 - a field that nothing gives a value: the record tells, the twin goes on
            ended = Told("FAILED", "INTERNAL_SERVER_ERROR")
            self._update(key, twin=f"{type(bug).__name__}: {bug}")
        self._finish(key, progress, ended)
        self._emit("bulk_operations/finish", finish_body(self._world.get(KIND, key) or {}))

    async def _started(self, key: str, progress: Progress) -> None:
        """CREATED is seen for a moment; an operation may be canceled in it."""
        await asyncio.sleep(0)
        if not progress.canceled:
            self._update(key, status="RUNNING")

    async def _write(self, key: str, reader: BulkReader, progress: Progress, *, grouped: bool) -> None:
        self._files.mkdir(exist_ok=True)
        with self._file(key).open("wb") as file:
            slice_end = time.monotonic() + SLICE_SECONDS
            for is_root, line in _lines(reader, grouped):
                self._obey(progress)
                file.write(encode_json(line) + b"\n")
                progress.objects += 1
                progress.roots += is_root
                ahead = self._ahead_seconds(progress)
                if ahead > SLICE_SECONDS or time.monotonic() > slice_end:
                    await self._rest(progress, ahead)
                    slice_end = time.monotonic() + SLICE_SECONDS
            self._obey(progress, at_end=True)

    def _obey(self, progress: Progress, *, at_end: bool = False) -> None:
        """Raise Told when a command or the limit of ten days ends the operation."""
        if progress.canceled:
            raise Told("CANCELED")
        if progress.fail_after is not None and (at_end or progress.objects >= progress.fail_after):
            raise Told("FAILED", progress.error_code)
        if (self._clock() - progress.began) * self._time_scale > LONGEST_SECONDS:
            raise Told("FAILED", "TIMEOUT")

    def _ahead_seconds(self, progress: Progress) -> float:
        """How much too early the next object would be."""
        per_second = progress.objects_per_second * self._time_scale
        return progress.began + progress.objects / per_second - self._clock()

    async def _rest(self, progress: Progress, seconds: float) -> None:
        """Let others work, and keep the pace; a command wakes it."""
        progress.wake.clear()
        try:
            await asyncio.wait_for(progress.wake.wait(), max(seconds, 0.0)) if seconds > 0 else await asyncio.sleep(0)
        except TimeoutError:
            return
        if seconds > 0:
            self._obey(progress)

    def _finish(self, key: str, progress: Progress, ended: Told) -> None:
        file = self._file(key)
        size = file.stat().st_size if file.exists() else 0
        ends = self._clock() + RESULT_SECONDS / self._time_scale
        self._update(
            key,
            status=ended.status,
            error_code=ended.error_code,
            completed_at=self._now() if ended.status == "COMPLETED" else None,
            finished_at=self._now(),
            objects=progress.objects,
            roots=progress.roots,
            bytes=size,
            expires_at=None if ended.status == "CANCELED" else ends,
        )
        self._running.pop(key, None)

    def _update(self, key: str, **changed: Any) -> None:
        row = self._world.get(KIND, key) or {}
        self._world.remember((KIND, key, {**row, **changed}))

    def _file(self, key: str) -> Path:
        return self._files / f"bulk-{key}.jsonl"

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")


_RUNNERS: WeakKeyDictionary[World, BulkRunner] = WeakKeyDictionary()


def runner_of(world: World) -> BulkRunner:
    """The one runner of a twin's world: resolvers are given the world."""
    return _RUNNERS[world]


def _lines(reader: BulkReader, grouped: bool) -> Iterator[tuple[bool, dict[str, Any]]]:
    """(is a root, the line): parents before children; grouped, each child follows its own parent at once."""
    waiting: Waiting = []
    for node in reader.nodes(reader.root, {}):
        line, met = reader.line(reader.root, node)
        yield True, line
        waiting.append((line, met))
        if grouped or len(waiting) == UNGROUPED_PARENTS:
            yield from _below(reader, waiting)
            waiting = []
    yield from _below(reader, waiting)


def _below(reader: BulkReader, waiting: Waiting) -> Iterator[tuple[bool, dict[str, Any]]]:
    for parent, met in waiting:
        for connection, value in met:
            for node in reader.nodes(connection, value):
                line, deeper = reader.line(connection, node)
                line["__parentId"] = parent["id"]
                yield False, line
                yield from _below(reader, [(line, deeper)])


def app_of(row: dict[str, Any]) -> App:
    """The app that started an operation."""
    app = row["app"]
    return App(app["client_id"], frozenset(app["scopes"]), data_level=int(app["level"]))


def finish_body(row: dict[str, Any]) -> dict[str, Any]:
    """The body of bulk_operations/finish, as the published sample of 2026-07 shows it."""
    error = row["error_code"]
    return {
        "admin_graphql_api_id": gid("BulkOperation", row["number"]),
        "completed_at": row["completed_at"],
        "created_at": row["created_at"],
        "error_code": None if error is None else error.lower(),
        "status": row["status"].lower(),
        "type": "query",
    }


def _signature(key: str, expires: str) -> str:
    return hmac.new(URL_SECRET, f"{key}:{expires}".encode(), "sha256").hexdigest()
