"""Takes a dropped file: to a spool file as it comes, verified over its raw bytes, taken apart, and into the inbox in parts.

A 200 means that all parts are committed. Whatever the file's size, some hundred rows of it are in memory.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import msgspec

from interlock.clock import Clock
from interlock.errors import IntakeError
from interlock.intake.bounds import Message, Receive, too_large
from interlock.intake.rows import form_of, layout_of, rows_of, unreadable
from interlock.messaging.dropped import LEVEL, File, FileDialect, Form, Layout, Row, RowReader, Wrong
from interlock.messaging.event import Envelope, Event, Headers
from interlock.messaging.inbox import Inbox

ROWS_PER_PART: Final = 200
PARTS_AT_ONCE: Final = 8
"""So many share one commit."""
FILES_AT_ONCE: Final = 2
"""A file is verified when all of it is there: a stranger can make us hold this many, each as large as its system may send."""
WRONG_TOLD: Final = 100
RETRY_SECONDS: Final = 30
LAST: Final = "last"
SPOOL: Final = "spool"

Parts = AsyncIterator[bytes]


class Sender(msgspec.Struct, kw_only=True):
    """Whose file it is and how it may be."""

    system: str
    release: str
    secrets: tuple[bytes, ...]
    settings: Mapping[str, Any]
    max_bytes: int


class Taken(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the sender reads beside 200. `wrong` are the first of `wrong_rows`; `again`: this file is there since before."""

    rows: int = 0
    chunks: int = 0
    wrong_rows: int = 0
    wrong: list[Wrong] = []
    again: bool = False


class _Apart(msgspec.Struct, kw_only=True):
    """A file taken apart: its parts lie in another one, a line each."""

    layout: Layout
    parts: Path
    chunks: int
    rows: int
    wrong_rows: int
    wrong: list[Wrong]


class Drops:
    """The files of all systems. `folder` is ours alone; what an earlier run left there is removed."""

    def __init__(self, inbox: Inbox, clock: Clock, folder: Path) -> None:
        self._inbox = inbox
        self._clock = clock
        self._folder = folder
        self._at_work: set[str] = set()
        self._swept = False

    async def take(self, sender: Sender, dialect: FileDialect, headers: Headers, body: Parts) -> Taken:
        """One file. Raises IntakeError, StoreError; then nothing is acknowledged, and the same file may come again."""
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise IntakeError(
                "a compressed body is not taken", status=415, code="INT008", next_move="send it uncompressed"
            )
        form, envelope, now_ms = (
            form_of(headers.get("content-type", "")),
            dialect.envelope(headers),
            self._clock.now_ms(),
        )
        seal, reader = dialect.seal(headers, sender.secrets, now_ms), dialect.reader(sender.settings, now_ms)
        with self._room(sender.system) as folder:
            digest = hashlib.sha256()
            await _spool(folder / "file", body, sender.max_bytes, (seal, digest))
            if not seal.fits():
                raise _forged()
            if await self._inbox.told_ms(sender.system, LEVEL, f"{envelope.event_id}/{LAST}", 0):
                return Taken(again=True)
            apart = await asyncio.to_thread(_take_apart, folder, form, reader)
            _check(apart)
            await self._append(sender, envelope, apart, digest.hexdigest())
        return Taken(rows=apart.rows, chunks=apart.chunks, wrong_rows=apart.wrong_rows, wrong=apart.wrong)

    @contextmanager
    def _room(self, system: str) -> Iterator[Path]:
        """A folder for one file, removed whatever happens. Raises IntakeError 503 while another of its system is taken, since
        the parts of two snapshots must not be mixed; when there are too many; without a disk."""
        if system in self._at_work or len(self._at_work) >= FILES_AT_ONCE:
            raise _later("another file is being taken")
        self._at_work.add(system)
        try:
            with _disk():
                self._sweep()
                folder = Path(mkdtemp(dir=self._folder))
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            self._at_work.discard(system)

    def _sweep(self) -> None:
        """Once: files of a process that was killed."""
        if not self._swept:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True, mode=0o700)
            self._swept = True

    async def _append(self, sender: Sender, envelope: Envelope, apart: _Apart, sha256: str) -> None:
        """The last part alone and at the end: when it is there, all are."""
        about = File(
            id=envelope.event_id, kind=apart.layout.kind, sha256=sha256, rows=apart.rows, wrong=apart.wrong_rows,
            chunk=0, chunks=apart.chunks, as_of=apart.layout.as_of,
        )  # fmt: skip
        waiting: list[Event] = []
        with _disk(), apart.parts.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                part = msgspec.structs.replace(about, chunk=number)
                if number == apart.chunks or len(waiting) == PARTS_AT_ONCE:
                    await asyncio.gather(*map(self._inbox.append, waiting))
                    waiting.clear()
                waiting.append(self._event(sender, envelope, part, line))
            await asyncio.gather(*map(self._inbox.append, waiting))

    def _event(self, sender: Sender, envelope: Envelope, part: File, line: bytes) -> Event:
        """Known again by the file's id and its place in it."""
        topic = f"levels/{part.kind}"
        key = f"{part.id}/{LAST if part.chunk == part.chunks else part.chunk}"
        body = line[:-2] + b',"file":' + msgspec.json.encode(part) + b"}"
        return Event(
            system=sender.system, dialect=envelope.dialect, topic=topic, object=LEVEL, key=key, complete=True,
            facts=(f"{topic}#{key}",), event_id=envelope.event_id, webhook_id=envelope.webhook_id,
            triggered_at_ms=envelope.triggered_at_ms, received_at_ms=self._clock.now_ms(), release=sender.release,
            sha256=hashlib.sha256(body).digest(), body=body,
        )  # fmt: skip


async def parts_of(receive: Receive) -> Parts:
    """A body as it comes. Raises IntakeError 400 when its sender goes away."""
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise IntakeError("the sender went away", status=400, code="INT009")
        if part := message.get("body", b""):
            yield bytes(part)
        if not message.get("more_body"):
            return


async def _spool(path: Path, body: Parts, max_bytes: int, digests: tuple[Any, ...]) -> None:
    """To the disk, and past all digests. Nothing is synced: what counts is the inbox."""
    size = 0
    with _disk(), path.open("xb") as file:
        async for part in body:
            size += len(part)
            if size > max_bytes:
                raise too_large(max_bytes, "max_file_bytes")
            for digest in digests:
                digest.update(part)
            file.write(part)


def _take_apart(folder: Path, form: Form, reader: RowReader) -> _Apart:
    """Off the event loop. Some rows at a time become a line of the other file."""
    said: dict[str, Any] = {}
    rows: list[Row] = []
    wrong: list[Wrong] = []
    apart = _Apart(layout=Layout(kind=reader.kind), parts=folder / "parts", chunks=0, rows=0, wrong_rows=0, wrong=[])
    with _disk(), (folder / "file").open("rb") as file, apart.parts.open("xb") as parts:
        for told in rows_of(file, form, reader):
            if isinstance(told, dict):
                said |= told
                continue
            if isinstance(told, Row):
                rows.append(told)
            else:
                wrong.append(told)
            if len(rows) + len(wrong) == ROWS_PER_PART:
                _end_part(apart, parts, rows, wrong)
        if rows or wrong or not apart.chunks:
            _end_part(apart, parts, rows, wrong)
    apart.layout = layout_of(said, reader)
    return apart


def _end_part(apart: _Apart, parts: Any, rows: list[Row], wrong: list[Wrong]) -> None:
    parts.write(msgspec.json.encode({"rows": rows, "wrong": wrong}) + b"\n")
    apart.chunks += 1
    apart.rows += len(rows)
    apart.wrong_rows += len(wrong)
    apart.wrong += wrong[: WRONG_TOLD - len(apart.wrong)]
    rows.clear()
    wrong.clear()


def _check(apart: _Apart) -> None:
    """What says too little of itself is not taken at all: half a snapshot would be taken for places that are empty (C66)."""
    layout, written = apart.layout, apart.rows + apart.wrong_rows
    first = f"; the first is line {apart.wrong[0].line}: {apart.wrong[0].why}" if apart.wrong else ""
    if apart.wrong_rows and not apart.rows:
        raise unreadable(f"none of its {apart.wrong_rows} rows can be read{first}")
    if layout.kind == "snapshot" and layout.count is None:
        raise unreadable("a snapshot must say how many rows it has: count")
    if layout.kind == "snapshot" and not written:
        raise unreadable("a snapshot without a row is none")
    if layout.count is not None and layout.count != written:
        raise unreadable(f"it says that it has {layout.count} rows, and has {written}")


@contextmanager
def _disk() -> Iterator[None]:
    """What the spool's disk refuses may come later."""
    try:
        yield
    except OSError as error:
        raise _later("the file cannot be kept while it is read", str(error.strerror or error)) from error


def _later(what: str, why: str = "") -> IntakeError:
    return IntakeError(
        what,
        status=503,
        code="INT021",
        why=why,
        retry_after_seconds=RETRY_SECONDS,
        next_move="send it again under its id",
    )


def _forged() -> IntakeError:
    return IntakeError(
        "the signature does not fit",
        status=401,
        code="INT004",
        next_move="sign id, time and raw body with the system's secret",
    )
