"""The gate in front of a vendor: it consults the fault plan for each request and carries the fault out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from interlock.twins.faults import FaultPlan, Rule
from interlock.twins.vendor import Vendor
from interlock.twins.world import encode_json, request_id

HTML = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>We will be back</h1></body></html>"
PIECES_OF_A_SLOW_BODY = 8
ABORT = "twin.abort"
"""The key in an ASGI scope's extensions of the function that aborts the TCP connection."""


class FaultGate:
    """An ASGI application that lets a request through to the vendor, or makes it go wrong."""

    def __init__(self, vendor: Vendor, faults: FaultPlan) -> None:
        self._vendor = vendor
        self._faults = faults
        self._requests = 0
        self._late: set[asyncio.Task[None]] = set()

    @property
    def requests(self) -> int:
        """How many vendor requests arrived."""
        return self._requests

    @property
    def late(self) -> int:
        """How many effects are still to come late."""
        return len(self._late)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one vendor request, or fail it."""
        self._requests += 1
        request_id.set(f"req-{self._requests}")
        rule = self._faults.pick(scope["method"], scope["path"], scope["query_string"].decode("latin-1"))
        if rule is None:
            await self._vendor(scope, receive, send)
        else:
            await self._fail(rule, scope, receive, send)

    async def _fail(self, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read_all(receive)
        match rule.kind:
            case "hang":
                await _until_closed(receive)
            case "reset_before":
                await _abort(scope, receive)
            case "reset_after":
                await self._vendor(scope, _replay(body), _swallow)
                await _abort(scope, receive)
            case "late_effect":
                await self._apply_late(rule, scope, body, receive, send)
            case "slow":
                await asyncio.sleep(rule.delay_seconds)
                await self._vendor(scope, _replay(body), send)
            case "slow_body":
                await self._vendor(scope, _replay(body), _in_pieces(send, rule.delay_seconds))
            case "garbage":
                await _answer(send, rule.answer_status, HTML, [(b"content-type", b"text/html; charset=utf-8")])
            case "drop":
                await _answer(send, rule.answer_status, b"", [])
            case _:
                await self._answer_status(rule, send)

    async def _apply_late(self, rule: Rule, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        async def apply() -> None:
            await asyncio.sleep(rule.delay_seconds)
            await self._vendor(scope, _replay(body), _swallow)

        task = asyncio.get_running_loop().create_task(apply())
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        if rule.hang:
            await _until_closed(receive)
        else:
            await self._answer_status(rule, send)

    async def _answer_status(self, rule: Rule, send: Send) -> None:
        status = rule.answer_status
        body = self._vendor.error_body(status) if rule.body is None else rule.body
        text = body.encode() if isinstance(body, str) else encode_json(body)
        headers = [(b"content-type", b"text/html" if isinstance(body, str) else b"application/json")]
        if rule.retry_after_seconds is not None:
            headers.append((b"retry-after", f"{rule.retry_after_seconds:g}".encode()))
        headers += [(name.lower().encode(), value.encode()) for name, value in rule.headers.items()]
        await _answer(send, status, text, headers)


async def _read_all(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes) -> Receive:
    """A receive that gives the body again, then waits as a client does that stays connected."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    return receive


async def _swallow(_: Message) -> None:
    """The answer nobody will hear."""


async def _until_closed(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _abort(scope: Scope, receive: Receive) -> None:
    abort: Callable[[], None] = scope["extensions"][ABORT]
    abort()
    await _until_closed(receive)


async def _answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


def _in_pieces(send: Send, seconds: float) -> Send:
    async def slowly(message: Message) -> None:
        body: Any = message.get("body", b"")
        if message["type"] != "http.response.body" or not body:
            await send(message)
            return
        step = max(1, -(-len(body) // PIECES_OF_A_SLOW_BODY))
        for start in range(0, len(body), step):
            await asyncio.sleep(seconds / PIECES_OF_A_SLOW_BODY)
            await send({"type": message["type"], "body": body[start : start + step], "more_body": True})
        await send({"type": message["type"], "body": b"", "more_body": message.get("more_body", False)})

    return slowly
