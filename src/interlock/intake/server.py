"""The intake's HTTP side: `POST /intake/{system}` as a bare ASGI application, answers in problem+json when it refuses."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol

import msgspec

from interlock.clock import Clock
from interlock.errors import IntakeError, StoreError
from interlock.intake.bounds import deeper_than
from interlock.messaging.event import Dialect, Envelope, Event, Headers
from interlock.messaging.inbox import Inbox

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PREFIX = "/intake/"
DRAIN_FACTOR = 4
"""A body too large is read and dropped up to this many times the limit, so that its sender can read the 413."""
STORE_RETRY_SECONDS = 30
RATE_RETRY_SECONDS = 1

_ACCEPTED_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"2")]


class Door(msgspec.Struct, kw_only=True):
    """How one system may come in. `shop` binds the endpoint to one shop ('' binds nothing); secrets are all valid ones."""

    system: str
    release: str
    dialects: tuple[Dialect, ...]
    secrets: tuple[bytes, ...]
    shop: str = ""
    api_version: str = ""
    max_body_bytes: int = 5_000_000
    max_depth: int = 64
    rate_per_second: float = 2_000.0


class Doors(Protocol):
    """The doors of the active release."""

    def door(self, system: str) -> Door | None:
        """The door of a system, None when it takes no webhooks."""


class Intake:
    """An ASGI application. A 200 means that the event is in the inbox, synced to disk."""

    def __init__(self, inbox: Inbox, doors: Doors, clock: Clock) -> None:
        self._inbox = inbox
        self._doors = doors
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}
        self.accepted = 0
        self.duplicates = 0
        self.refused: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._take(scope, receive)
        except IntakeError as error:
            self.refused[error.code] = self.refused.get(error.code, 0) + 1
            await _problem(send, error)
        except StoreError as error:
            self.refused[error.code] = self.refused.get(error.code, 0) + 1
            await _problem(send, _unavailable(error))
        else:
            await send({"type": "http.response.start", "status": 200, "headers": _ACCEPTED_HEADERS})
            await send({"type": "http.response.body", "body": b"{}"})

    async def _take(self, scope: Scope, receive: Receive) -> None:
        door = self._door(scope)
        self._admit(door)
        headers = _headers(scope["headers"])
        body = await _body(receive, headers, door.max_body_bytes)
        event = self._verified(door, headers, body)
        appended = await self._inbox.append(event)
        if appended.new:
            self.accepted += 1
        else:
            self.duplicates += 1

    def _door(self, scope: Scope) -> Door:
        if scope["method"] != "POST":
            raise IntakeError("only POST is taken here", status=405, code="INT001")
        door = self._doors.door(scope["path"].removeprefix(PREFIX))
        if door is None:
            raise IntakeError(
                "no such endpoint",
                status=404,
                code="INT002",
                next_move="use /intake/ and the name of a system that sends webhooks",
            )
        return door

    def _admit(self, door: Door) -> None:
        """A token bucket of one second's worth per system; the sender retries what is refused."""
        now = self._clock.monotonic()
        left, at = self._buckets.get(door.system, (door.rate_per_second, now))
        left = min(door.rate_per_second, left + (now - at) * door.rate_per_second)
        if left < 1:
            raise IntakeError(
                "too many events at once", status=503, code="INT003", retry_after_seconds=RATE_RETRY_SECONDS,
                next_move="send it again; raise [intake] rate_per_second of the system if this is its usual load",
            )  # fmt: skip
        self._buckets[door.system] = (left - 1, now)

    def _verified(self, door: Door, headers: Headers, body: bytes) -> Event:
        dialect = next((known for known in door.dialects if known.recognises(headers)), None)
        if dialect is None or not dialect.verify(headers, body, door.secrets):
            raise IntakeError(
                "the signature does not fit",
                status=401,
                code="INT004",
                next_move="sign the raw body with the app's secret",
            )
        envelope = dialect.envelope(headers)
        if door.shop and envelope.shop.lower() != door.shop.lower():
            raise IntakeError("this endpoint belongs to another shop", status=401, code="INT005")
        if deeper_than(body, door.max_depth):
            raise IntakeError(f"nested deeper than {door.max_depth}", status=400, code="INT006")
        return self._event(door, envelope, dialect, body)

    def _event(self, door: Door, envelope: Envelope, dialect: Dialect, body: bytes) -> Event:
        subject = dialect.subject(envelope, body)
        flags = _flags(envelope, subject.facts, door.api_version)
        return Event(
            system=door.system, dialect=envelope.dialect, topic=envelope.topic, object=subject.object, key=subject.key, name=subject.name,
            summary=subject.summary, version=subject.version, complete=subject.complete, facts=subject.facts, event_id=envelope.event_id,
            webhook_id=envelope.webhook_id, api_version=envelope.api_version, triggered_at_ms=envelope.triggered_at_ms,
            received_at_ms=self._clock.now_ms(), release=door.release, flags=flags, sha256=hashlib.sha256(body).digest(), body=body,
        )  # fmt: skip


def _flags(envelope: Envelope, facts: tuple[str, ...], api_version: str) -> tuple[str, ...]:
    """What looks odd about the unsigned headers: seen, counted, never obeyed."""
    flags = []
    if api_version and envelope.api_version and envelope.api_version != api_version:
        flags.append("api-version")
    if envelope.topic and facts and envelope.topic not in {fact.partition("#")[0] for fact in facts}:
        flags.append("topic-mismatch")
    return tuple(flags)


def _headers(raw: list[tuple[bytes, bytes]]) -> Headers:
    """Names in lower case; repeated ones joined, so that a doubled signature fits nothing."""
    headers: Headers = {}
    for name_bytes, value_bytes in raw:
        name, value = name_bytes.decode("latin-1").lower(), value_bytes.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


async def _body(receive: Receive, headers: Headers, limit: int) -> bytes:
    """The raw bytes, no more than `limit` of them kept."""
    if headers.get("content-encoding", "identity") != "identity":
        raise IntakeError("a compressed body is not taken", status=415, code="INT008", next_move="send it uncompressed")
    announced = headers.get("content-length", "0")
    keep = not (announced.isdigit() and int(announced) > limit)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise IntakeError("the sender went away", status=400, code="INT009")
        part = message.get("body", b"")
        size += len(part)
        if keep and size <= limit:
            parts.append(part)
        elif size > DRAIN_FACTOR * limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            break
    if size > limit:
        raise _too_large(limit)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int) -> IntakeError:
    return IntakeError(
        f"larger than {limit} bytes",
        status=413,
        code="INT007",
        next_move="raise [intake] max_body_bytes of the system if it is genuine",
    )


def _unavailable(error: StoreError) -> IntakeError:
    return IntakeError(
        "the event could not be made durable", status=503, code=error.code, why=error.what, retry_after_seconds=STORE_RETRY_SECONDS,
        next_move="send it again",
    )  # fmt: skip


async def _problem(send: Send, error: IntakeError) -> None:
    """RFC 9457. No part of the body is repeated."""
    body = msgspec.json.encode(_problem_object(error))
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    if error.retry_after_seconds is not None:
        headers.append((b"retry-after", str(error.retry_after_seconds).encode()))
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _problem_object(error: IntakeError) -> Mapping[str, Any]:
    found = {
        "type": f"urn:interlock:error:{error.code}",
        "title": error.what,
        "status": error.status,
        "code": error.code,
    }
    if error.why:
        found["detail"] = error.why
    if error.next_move:
        found["next"] = error.next_move
    return found
