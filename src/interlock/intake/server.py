"""The intake's HTTP side: `POST /intake/{system}` as a bare ASGI application, answers in problem+json when it refuses."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec

from interlock.clock import Clock
from interlock.errors import IntakeError, StoreError
from interlock.intake.bounds import SMALL_BODY_BYTES, Bodies, Message, Receive, deeper_than
from interlock.intake.drop import SPOOL, Drops, Parts, Sender, Taken, parts_of
from interlock.intake.problem import headers_of, problem_of
from interlock.intake.refusals import Refusals
from interlock.messaging.dropped import FileDialect
from interlock.messaging.event import Dialect, Envelope, Event, Headers
from interlock.messaging.inbox import Inbox

Scope = Message
Send = Callable[[Message], Awaitable[None]]
RawHeaders = list[tuple[bytes, bytes]]
Read = Callable[[Headers, int], Awaitable[bytes]]
"""Reads the body, up to a limit."""
Answer = tuple[int, RawHeaders, bytes]
"""Status, headers, body."""

PREFIX = "/intake/"
STORE_RETRY_SECONDS = 30
RATE_RETRY_SECONDS = 1

ACCEPTED: Answer = (200, [(b"content-type", b"application/json"), (b"content-length", b"2")], b"{}")


class Door(msgspec.Struct, kw_only=True):
    """How one system may come in.

    `shop` binds the endpoint to one shop ('' binds nothing). The first secret is the one in use; the others are valid
    as well, until `old_secrets_until_ms` when that is not 0. `shares_secret`: another system has one of them too, so
    that a signature does not tell which shop a body is from. `trimmed`: objects whose webhooks lack fields by the flows'
    own wish; they are read from the system itself, else what was left out would be taken for empty.
    """

    system: str
    release: str
    dialects: tuple[Dialect, ...]
    secrets: tuple[bytes, ...]
    old_secrets_until_ms: int = 0
    shares_secret: bool = False
    shop: str = ""
    trimmed: frozenset[str] = frozenset()
    api_version: str = ""
    max_body_bytes: int = 5_000_000
    max_file_bytes: int = 500_000_000
    max_depth: int = 64
    rate_per_second: float = 2_000.0
    settings: Mapping[str, Any] = {}
    """How the files of a system that drops them are written; the connector's settings."""

    @property
    def files(self) -> FileDialect | None:
        """Who reads its files, None for a system that sends events."""
        return next((known for known in self.dialects if getattr(known, "takes_files", False)), None)  # type: ignore[return-value]


class Doors(Protocol):
    """The doors of the active release."""

    def door(self, system: str) -> Door | None:
        """The door of a system, None when it takes no webhooks."""


class Intake:
    """An ASGI application. A 200 means that the event is in the inbox, synced to disk."""

    def __init__(self, inbox: Inbox, doors: Doors, clock: Clock, data: Path | None = None) -> None:
        """`data` is where files are kept while they come; without it none are taken."""
        self._inbox = inbox
        self._drops = Drops(inbox, clock, data / SPOOL) if data is not None else None
        self._doors = doors
        self._clock = clock
        self._bodies = Bodies()
        self._buckets: dict[str, tuple[float, float]] = {}
        self.accepted = 0
        self.duplicates = 0
        self._refusals = Refusals(clock)

    @property
    def refused(self) -> dict[str, int]:
        """Requests refused since the start, by code."""
        return self._refusals.total

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        read = partial(self._bodies.read, receive)
        parts = parts_of(receive)
        status, headers, body = await self.answer(scope["method"], scope["path"], scope["headers"], read, parts)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def answer(self, method: str, path: str, raw: RawHeaders, read: Read, parts: Parts | None = None) -> Answer:
        """Take one request, however it came in; a file by its `parts`, when it is not there as a whole."""
        try:
            return await self._take(method, path, raw, read, parts)
        except IntakeError as error:
            return self._refused(path, error, error)
        except StoreError as error:
            return self._refused(path, error, _unavailable(error))

    def takes_files(self, path: str) -> bool:
        """Whether what is sent there may be large, and take long."""
        door = self._doors.door(path.removeprefix(PREFIX))
        return door is not None and door.files is not None

    async def _take(self, method: str, path: str, raw: RawHeaders, read: Read, parts: Parts | None) -> Answer:
        door = self._door(method, path)
        headers = _headers(raw)
        if door.files is not None:
            return await self._take_file(door, door.files, headers, parts or _whole(read, headers))
        body = await read(headers, door.max_body_bytes)
        dialect = self._verified(door, headers, body)
        self._admit(door)
        appended = await self._inbox.append(self._event(door, dialect, headers, body))
        if appended.new:
            self.accepted += 1
        else:
            self.duplicates += 1
        return ACCEPTED

    async def _take_file(self, door: Door, dialect: FileDialect, headers: Headers, parts: Parts) -> Answer:
        """One file; the answer says how much of it was taken."""
        if self._drops is None or not dialect.recognises(headers):
            raise _unsigned()
        sender = Sender(
            system=door.system, release=door.release, secrets=self._valid_secrets(door), settings=door.settings,
            max_bytes=door.max_file_bytes,
        )  # fmt: skip
        taken = await self._drops.take(sender, dialect, headers, parts)
        self.duplicates += taken.again
        self.accepted += not taken.again
        return _answer(taken)

    def _refused(self, path: str, error: IntakeError | StoreError, told: IntakeError) -> Answer:
        """Counted by system, '' for one that a stranger made up."""
        name = path.removeprefix(PREFIX)
        self._refusals.count(name if self._doors.door(name) is not None else "", error)
        body = problem_of(told)
        return told.status, headers_of(told, body), body

    def _door(self, method: str, path: str) -> Door:
        if method != "POST":
            raise IntakeError("only POST is taken here", status=405, code="INT001")
        door = self._doors.door(path.removeprefix(PREFIX))
        if door is None:
            raise IntakeError(
                "no such endpoint",
                status=404,
                code="INT002",
                next_move="use /intake/ and the name of a system that sends webhooks",
            )
        return door

    def _admit(self, door: Door) -> None:
        """A token bucket of one second's worth per system, for what is signed: a forger cannot use it up."""
        now = self._clock.monotonic()
        size = max(1.0, door.rate_per_second)
        left, at = self._buckets.get(door.system, (size, now))
        left = min(size, left + (now - at) * door.rate_per_second)
        if left < 1:
            raise IntakeError(
                "too many events at once", status=503, code="INT003", retry_after_seconds=RATE_RETRY_SECONDS,
                next_move="send it again; raise [intake] rate_per_second of the system if this is its usual load",
            )  # fmt: skip
        self._buckets[door.system] = (left - 1, now)

    def _verified(self, door: Door, headers: Headers, body: bytes) -> Dialect:
        """The dialect whose signature fits the raw bytes. Before that nothing is said about the body."""
        dialect = next((known for known in door.dialects if known.recognises(headers)), None)
        if dialect is None or not dialect.verify(headers, body, self._valid_secrets(door)):
            raise _unsigned()
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise IntakeError(
                "a compressed body is not taken", status=415, code="INT008", next_move="send it uncompressed"
            )
        return dialect

    def _valid_secrets(self, door: Door) -> tuple[bytes, ...]:
        """Two while one is rotated; after the declared overlap the old ones open nothing (fault case 10)."""
        if door.old_secrets_until_ms and self._clock.now_ms() >= door.old_secrets_until_ms:
            return door.secrets[:1]
        return door.secrets

    def _event(self, door: Door, dialect: Dialect, headers: Headers, body: bytes) -> Event:
        envelope = dialect.envelope(headers)
        if deeper_than(body, door.max_depth):
            raise IntakeError(f"nested deeper than {door.max_depth}", status=400, code="INT006")
        if kept := getattr(dialect, "kept", None):  # a FrugalDialect; to ask for the protocol costs microseconds
            body = kept(body)
        subject = dialect.subject(envelope, body)
        if door.shop and (subject.shop or envelope.shop).lower() != door.shop.lower():
            raise IntakeError("this endpoint belongs to another shop", status=401, code="INT005")
        flags = _flags(envelope, subject.facts, door)
        whole = subject.object not in door.trimmed
        return Event(
            system=door.system, dialect=envelope.dialect, topic=envelope.topic, object=subject.object, key=subject.key, name=subject.name,
            summary=subject.summary if whole else "", version=subject.version,
            complete=subject.complete and whole and not door.shares_secret,
            facts=subject.facts, event_id=envelope.event_id,
            webhook_id=envelope.webhook_id, api_version=envelope.api_version, triggered_at_ms=envelope.triggered_at_ms,
            received_at_ms=self._clock.now_ms(), release=door.release, flags=flags, sha256=hashlib.sha256(body).digest(), body=body,
        )  # fmt: skip


def _flags(envelope: Envelope, facts: tuple[str, ...], door: Door) -> tuple[str, ...]:
    """What looks odd about the unsigned headers: seen, counted, never obeyed.

    `topic-unproven`: the content proves nothing, so only the topic may say what it is about; nothing is triggered.
    `shop-unproven`: another shop's signature would fit as well, so the content is read from the shop itself.
    """
    flags = []
    if door.api_version and envelope.api_version and envelope.api_version != door.api_version:
        flags.append("api-version")
    if envelope.topic and not facts:
        flags.append("topic-unproven")
    elif envelope.topic and envelope.topic not in {fact.partition("#")[0] for fact in facts}:
        flags.append("topic-mismatch")
    if door.shares_secret:
        flags.append("shop-unproven")
    return tuple(flags)


def _headers(raw: RawHeaders) -> Headers:
    """Names in lower case; repeated ones joined, so that a doubled signature fits nothing."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}
    if len(headers) < len(raw):
        headers.clear()
        for name_bytes, value_bytes in raw:
            name, value = name_bytes.decode("latin-1").lower(), value_bytes.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _whole(read: Read, headers: Headers) -> Parts:
    """A body that is there already."""
    yield await read(headers, SMALL_BODY_BYTES)


def _answer(taken: Taken) -> Answer:
    body = msgspec.json.encode(taken)
    return 200, [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())], body


def _unsigned() -> IntakeError:
    return IntakeError(
        "the signature does not fit", status=401, code="INT004", next_move="sign the raw body with the app's secret"
    )


def _unavailable(error: StoreError) -> IntakeError:
    return IntakeError(
        "the event could not be made durable", status=503, code=error.code, why=error.what, retry_after_seconds=STORE_RETRY_SECONDS,
        next_move="send it again",
    )  # fmt: skip
