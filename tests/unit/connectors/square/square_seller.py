"""Square's connector against Square's twin, over real HTTP, each as in life: the twin is a program of its own."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from interlock.clock import SystemClock
from interlock.connectors import registry
from interlock.connectors.contract import Connection, Http, stock
from interlock.connectors.token_store import MemoryTokenStore

SECONDS = 5.0
NUMBERS = itertools.count(1)
Use = Callable[[Any], Awaitable[Any]]


class Seller:
    """A running twin, its people, and connectors to it."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "config.json"
        file.write_text(json.dumps({"rate_per_second": 0, "locations": ["L1", "L2"]} | config))
        command = [sys.executable, "-m", "interlock.twins", "square", "--data", str(folder / "data"), "--seed", "7"]
        command += ["--config", str(file), "--parent-pid", str(os.getpid())]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.url = json.loads(self.process.stdout.readline())["url"]

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def call(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """One command of the control API."""
        data = json.dumps(body or {}).encode() if method == "POST" else None
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{self.url}/_twin/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or b"null")

    def item(self, *, counts: dict[str, int] | None = None, **more: Any) -> str:
        """A variation that no other test has; its id."""
        sku = more.pop("sku", f"SKU-{next(NUMBERS)}")
        return str(self.call("items", {"sku": sku, "counts": counts or {}, **more})["id"])

    def sell(self, item: str, quantity: int = 1, **more: Any) -> Any:
        return self.call("sell", {"lines": [{"item": item, "quantity": quantity}], "location": "L1", **more})

    def shows(self, item: str, location: str = "L1") -> str | None:
        """The truth, as the twin has it."""
        rows = self.call("counts", method="GET")["counts"]
        found = [
            row["quantity"]
            for row in rows
            if (row["catalog_object_id"], row["location_id"], row["state"]) == (item, location, "IN_STOCK")
        ]
        return found[0] if found else None

    def fault(self, **rule: Any) -> None:
        self.call("faults", rule)

    def written(self) -> list[dict[str, Any]]:
        """Every line that was accepted, oldest first."""
        effects = self.call("effects?kind=batch.create", method="GET")
        return [line for effect in effects for line in effect["detail"]["lines"]]

    def run(
        self, use: Use, offer: str = "stock_channel", credentials: dict[str, str] | None = None, **settings: Any
    ) -> Any:
        """What `use` gets of a connector."""

        async def go() -> Any:
            http = Http([urlsplit(self.url).netloc])
            clock = SystemClock()
            connection = Connection(
                system="square", url=self.url, settings={"shop": "TWINMERCHANT1"} | settings, builders={}, http=http,
                credentials=credentials or {"access_token": "twin-token"}, clock=clock, tokens=MemoryTokenStore(clock),
            )  # fmt: skip
            try:
                return await use(registry.open_offer("square", offer, connection))
            finally:
                await http.close()

        return asyncio.run(go())

    def write(self, lines: Sequence[stock.Line], key: str = "", seconds: float = SECONDS, **settings: Any) -> Any:
        key = key or f"key-{next(NUMBERS)}"
        return self.run(lambda channel: channel.write(lines, key=key, timeout_seconds=seconds), **settings)


def line(item: str, quantity: int, change_from: int | None = None, location: str = "L1", **more: Any) -> stock.Line:
    return stock.Line(
        place=stock.Place(item, location), quantity=quantity, change_from=change_from, reference="change-1", **more
    )
