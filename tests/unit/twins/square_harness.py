"""A Square twin in this process, its requests without a network, and somebody who takes its webhooks over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from interlock.twins.server import TwinApp, build
from interlock.twins.square.seller import Square

CONFIG: dict[str, Any] = {
    "locations": ["L1", "L2"], "items": ["TEA", "CUP"], "rate_per_second": 0,
    "counts": {"TEA": {"L1": "10"}},
}  # fmt: skip
BEARER = {"authorization": "Bearer twin-token"}
CREATE = "/v2/inventory/changes/batch-create"
COUNTS = "/v2/inventory/counts/batch-retrieve"
HISTORY = "/v2/inventory/changes/batch-retrieve"


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: Any) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def codes(self) -> list[str]:
        return [one["code"] for one in self.body["errors"]]


class Twin:
    """`send` a request as an application, `command` as the people at the till."""

    def __init__(self, app: TwinApp) -> None:
        self.app = app
        assert isinstance(app.vendor, Square)
        self.vendor = app.vendor

    async def send(self, method: str, url: str, body: Any = None, headers: dict[str, str] = BEARER) -> Answer:
        parts = urlsplit(url)
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": method, "path": parts.path, "raw_path": parts.path.encode(), "root_path": "",
            "query_string": parts.query.encode(), "scheme": "http", "server": ("twin", 80),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        await self.app(scope, receive, send)  # type: ignore[arg-type]
        text = b"".join(message.get("body", b"") for message in sent[1:])
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], found, json.loads(text) if text else None)

    async def command(self, path: str, **body: Any) -> Any:
        answer = await self.send("POST", f"/_twin/{path}", body, {})
        assert answer.status == 200, answer.body
        return answer.body

    async def change(self, *changes: dict[str, Any], key: str = "K1", **more: Any) -> Answer:
        return await self.send("POST", CREATE, {"idempotency_key": key, "changes": list(changes), **more})

    def id(self, sku: str) -> str:
        row = self.vendor.catalog.by_sku(sku)
        assert row is not None
        return str(row["id"])

    async def shows(self, sku: str = "TEA", location: str = "L1") -> str | None:
        body = {"catalog_object_ids": [self.id(sku)], "location_ids": [location], "states": ["IN_STOCK"]}
        found = (await self.send("POST", COUNTS, body)).body["counts"]
        return found[0]["quantity"] if found else None

    def set(
        self, quantity: str, /, *, sku: str = "TEA", location: str = "L1", ago: float = 0, **more: Any
    ) -> dict[str, Any]:
        """A physical count."""
        return {
            "type": "PHYSICAL_COUNT",
            "physical_count": self._change(sku, location, quantity, ago, state="IN_STOCK") | more,
        }

    def adjust(
        self, quantity: str, /, move: tuple[str, str], *, sku: str = "TEA", ago: float = 0, **more: Any
    ) -> dict[str, Any]:
        """An adjustment."""
        states = {"from_state": move[0], "to_state": move[1]}
        return {"type": "ADJUSTMENT", "adjustment": self._change(sku, "L1", quantity, ago, **states) | more}

    def _change(self, sku: str, location: str, quantity: str, ago: float, **more: str) -> dict[str, Any]:
        at = (datetime.now(UTC) - timedelta(seconds=ago)).isoformat()
        return {
            "catalog_object_id": self.id(sku),
            "location_id": location,
            "quantity": quantity,
            "occurred_at": at,
            **more,
        }


@asynccontextmanager
async def running(directory: Path, **config: Any) -> AsyncIterator[Twin]:
    app = build(Square, directory, 7, CONFIG | config)
    await app.vendor.start()
    try:
        yield Twin(app)
    finally:
        await app.vendor.stop()
        app.vendor.world.close()


class Receiver:
    """`answers` are the next statuses, 200 when there are none; `got` what came."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append((headers, await request.read()))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(raw) for _, raw in self.got]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)  # a condition of another task
