"""A Shopify twin as a program of its own, with hundreds of goods, and the stock channel that speaks to it over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from interlock.clock import SystemClock
from interlock.connectors import registry
from interlock.connectors.contract import Connection, Http, stock
from interlock.connectors.shopify.stock import ShopifyStock

Result = TypeVar("Result")
MAIN, STORE, RETURNS = "655441491", "655441492", "655441493"
BUNDLE = "46898000000000"
REFERENCE = "count-1"
CONFIG = {"plan": "enterprise", "stock_history": True, "bulk_objects_per_second": 1e9}


class Shop:
    """One twin; `call` reaches its control API, `use` its Admin API through the channel."""

    def __init__(self, directory: Path, **config: Any) -> None:
        file = directory / "config.json"
        file.write_text(json.dumps(CONFIG | config))
        command = [sys.executable, "-m", "interlock.twins", "shopify", "--data", str(directory / "data"), "--seed", "7"]
        command += ["--config", str(file), "--parent-pid", str(os.getpid())]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]
        self.call("POST", "/_twin/assortment", {"products": 150})
        goods = [row for row in self.call("GET", "/_twin/stock")["levels"] if row["available"] == 50_000]
        self._fresh = iter(sorted(str(row["item"]) for row in goods))

    def admin(self, document: str, **variables: Any) -> Any:
        """The answer of the Admin API to a document that is not the connector's."""
        asked = {"query": document, "variables": variables}
        return self.call("POST", "/admin/api/2026-07/graphql.json", asked)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", "x-shopify-access-token": "shpat_twin"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or b"null")

    def items(self, count: int) -> list[str]:
        """Items that no other test had: 50,000 of each at the main location, 2,000 in the store."""
        return [next(self._fresh) for _ in range(count)]

    def shows(self, item: str, location: str = MAIN) -> int | None:
        """What is for sale there; None where it is not stocked."""
        levels = self.call("GET", f"/_twin/stock?item={item}")["levels"]
        found = [row["available"] for row in levels if str(row["location"]) == location and row["active"]]
        return found[0] if found else None

    def history(self, item: str) -> list[dict[str, Any]]:
        """Each change of what is for sale: from, to, by, why."""
        return [row for row in self.call("GET", "/_twin/records?kind=stock_change") if str(row["item"]) == item]

    def calls(self) -> int:
        """How many requests of its API arrived so far."""
        return int(self.call("GET", "/_twin/state")["requests"])

    def use(self, work: Callable[[ShopifyStock], Awaitable[Result]], **settings: Any) -> Result:
        """Let the channel work, opened by the registry as the hub does."""

        async def go() -> Result:
            http = Http([urlsplit(self.url).netloc], [urlsplit(self.url).netloc])
            connection = Connection(
                system="shopify", url=self.url, settings=settings, credentials={"access_token": "shpat_twin"},
                builders={}, http=http, clock=SystemClock(),
            )  # fmt: skip
            try:
                return await work(registry.open_offer("shopify", "stock_channel", connection))
            finally:
                await http.close()

        return asyncio.run(go())

    def write(self, lines: list[stock.Line], key: str, seconds: float = 10.0) -> stock.LineOutcomes:
        return self.use(lambda channel: channel.write(lines, key=key, timeout_seconds=seconds))

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()


def line(
    item: str, quantity: int = 7, change_from: int | None = 50_000, location: str = MAIN, **more: Any
) -> stock.Line:
    place = stock.Place(item, location)
    return stock.Line(place=place, quantity=quantity, change_from=change_from, reference=REFERENCE, **more)
