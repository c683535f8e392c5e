"""A whole stack for tests: the starter folder, four twins as programs, and a hub in this process or in one that can be killed."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from interlock.cli.demo import write_project
from interlock.cli.twin_world import TwinWorld, write_secrets
from interlock.hub import Hub

World = TypeVar("World", bound=TwinWorld)
SECRET = b"shpss_twin"
RUNNER = """
import asyncio, sys
from pathlib import Path
from interlock.hub import Hub
async def main():
    hub = Hub(Path(sys.argv[1]))
    await hub.open()
    await hub.serve(port=int(sys.argv[2]))
    await hub.release.source("shopify").subscribe(sys.argv[3].split(","), hub.url + "/intake/shopify")
    print(hub.url, flush=True)
    await hub.wait()
asyncio.run(main())
"""
STOCK_FILES = ("flows/stock-to-shopify.toml", "inventory/locations.toml", "inventory/items.toml", "runbooks/stock-differs.md")
PATIENCE_SECONDS = 90.0
"""Whoever waits for what comes loses nothing by patience: only a test that fails takes that long, and a slow machine is no failure."""
TOPICS = ["orders/create", "orders/updated", "orders/edited", "orders/paid", "orders/cancelled", "refunds/create", "fulfillments/create"]


async def until(
    condition: Callable[[], Awaitable[bool]], within_seconds: float = PATIENCE_SECONDS, *, every_seconds: float = 0.02
) -> None:
    """Wait for a condition of the world, which is asked for every so often; fails when it does not come."""
    deadline = time.monotonic() + within_seconds
    while not await condition():
        named = getattr(condition, "__qualname__", condition)
        assert time.monotonic() < deadline, f"after {within_seconds:.0f} s still not: {named}"
        await asyncio.sleep(every_seconds)


def written(folder: Path, world: TwinWorld) -> None:
    """The demo's folder; its sources are compared only when a test asks for it, and then up to that moment: most tests post
    webhooks of orders that no shop has, which a comparison would report as deleted. Tests of orders count events and deliveries, so
    the flow of stock is left out; those of stock write their own."""
    write_project(folder, world)
    for path in STOCK_FILES:
        (folder / path).unlink(missing_ok=True)
    slos = folder / "slos.toml"
    slos.write_text(slos.read_text(encoding="utf-8").replace(', "stock-to-shopify"', ""), encoding="utf-8")
    file = folder / "systems/shopify.toml"
    text = file.read_text(encoding="utf-8")
    if "[reconcile]" not in text:
        quiet = text.replace("[intake]", "[reconcile]\nevery_minutes = 0\nsettle_minutes = 0\n\n[intake]")
        file.write_text(quiet, encoding="utf-8")


@asynccontextmanager
async def twins(
    folder: Path, kind: Callable[[Path], World] = TwinWorld, write: Callable[[Path, World], object] = written
) -> AsyncIterator[World]:
    """The starter folder and the twins it names: `kind` makes another world than the demo's, `write` another folder, such as
    write_project one whose sources are compared as on duty."""
    world = kind(folder)
    write(folder, world)
    world.start(write_secrets(folder))
    try:
        await world.wait()
        yield world
    finally:
        world.stop()


@asynccontextmanager
async def running(folder: Path, world: TwinWorld, topics: Sequence[str] = TOPICS, *, port: int = 0) -> AsyncIterator[Hub]:
    """A hub in this process, subscribed to the shop."""
    hub = Hub(folder, demo=world)
    await hub.open()
    try:
        await hub.serve(port=port)
        await hub.subscription_keeper.look()
        await hub.release.source("shopify").subscribe(topics, f"{hub.url}/intake/shopify")  # type: ignore[attr-defined]
        yield hub
    finally:
        await hub.close()


class KillableHub:
    """A hub in a process of its own, on a fixed port, that can be killed at any instant and started again. `first` is Python
    that its process runs before: how a control breaks it."""

    def __init__(self, folder: Path, port: int, *, topics: Sequence[str] = TOPICS, first: str = "") -> None:
        self.folder, self.port, self.topics, self.first = folder, port, topics, first
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> float:
        """Returns the seconds until it was ready."""
        began = time.monotonic()
        command = [sys.executable, "-c", self.first + RUNNER, str(self.folder), str(self.port), ",".join(self.topics)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        line = await asyncio.to_thread(self.process.stdout.readline)
        assert line.startswith(b"http"), "the hub did not start"
        return time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nothing is said."""
        assert self.process is not None
        assert self.process.stdout is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


def signed(body: bytes, topic: str, *, secret: bytes = SECRET, **more: str) -> dict[str, str]:
    """Headers as Shopify sends them."""
    mac = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
    return {
        "content-type": "application/json", "x-shopify-topic": topic, "x-shopify-hmac-sha256": mac,
        "x-shopify-shop-domain": "interlock-demo.myshopify.com", "x-shopify-api-version": "2026-07", "x-shopify-event-id": "e", **more,
    }  # fmt: skip


async def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    """Status and JSON of an answer."""

    def call() -> tuple[int, Any]:
        try:
            with urlopen(Request(url, data=body, headers=headers, method="POST"), timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    return await asyncio.to_thread(call)
