"""Runs a Shopify twin inside a test, calls it without a network, and receives its webhooks over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from aiohttp import web

from interlock.twins.server import TwinApp, build
from interlock.twins.shopify.shop import Shopify

FIXTURES = Path(__file__).parents[2] / "fixtures" / "shopify"
HURRY = 10_000_000.0  # time_scale: four hours of retries pass in a millisecond
TOKEN = {"X-Shopify-Access-Token": "shpat_twin"}
API = "/admin/api/2026-07"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any


class Twin:
    """A started twin: `call` its API, read its `vendor`."""

    def __init__(self, app: TwinApp) -> None:
        self.app = app
        self.vendor = app.vendor
        assert isinstance(self.vendor, Shopify)

    async def call(self, method: str, url: str, body: Any = None, headers: dict[str, str] = TOKEN) -> Answer:
        parts = urlsplit(url)
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "scheme": "http",
            "server": ("twin", 80),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        await self.app(scope, receive, send)  # type: ignore[arg-type]
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        text = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], answered, json.loads(text) if text else None)

    async def subscribe(self, topic: str, address: str, **more: Any) -> dict[str, Any]:
        answer = await self.call(
            "POST", f"{API}/webhooks.json", {"webhook": {"topic": topic, "address": address, **more}}
        )
        assert answer.status == 201, answer
        return dict(answer.body["webhook"])

    async def place(self, count: int = 1, scenario: str | None = "plain") -> list[dict[str, str]]:
        answer = await self.call("POST", "/_twin/orders", {"count": count, "scenario": scenario})
        assert answer.status == 201, answer
        return list(answer.body["orders"])

    @property
    def attempts(self) -> list[dict[str, Any]]:
        return self.vendor.webhooks.log.rows  # type: ignore[attr-defined,no-any-return]

    async def quiet(self) -> None:
        """Until no webhook is pending."""
        await until(lambda: self.vendor.webhooks.pending == 0)  # type: ignore[attr-defined]


@asynccontextmanager
async def running_twin(directory: Path, seed: int = 7, **config: Any) -> AsyncIterator[Twin]:
    """A twin over the state in `directory`, with room for many calls unless the test says otherwise."""
    settings = {"time_scale": HURRY, "rest_bucket": 10_000, **config}
    twin = Twin(build(Shopify, directory, seed, settings))
    twin.vendor.url = "http://twin"
    await twin.vendor.start()
    try:
        yield twin
    finally:
        await twin.vendor.stop()
        twin.vendor.world.close()


class Received(NamedTuple):
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


class Receiver:
    """A webhook endpoint; `answers` are the statuses it gives, then 200 for ever."""

    def __init__(self) -> None:
        self.got: list[Received] = []
        self.answers: list[int] = []
        self.always: int | None = None
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.got.append(Received(request.path, dict(request.headers), await request.read()))
        status = self.always or (self.answers.pop(0) if self.answers else 200)
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def until(true: Callable[[], bool]) -> None:
    """Let the loop work until a condition holds; ten seconds are an error."""
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0)


def sample(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text())
