"""A seller's connector against Amazon's twin, over real HTTP, with a clock that does not wait for usage plans."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn

from interlock.connectors import registry
from interlock.connectors.contract import Allowance, Connection, Http, stock
from interlock.connectors.token_store import MemoryTokenStore
from interlock.twins.amazon.marketplace import Amazon as Marketplace
from interlock.twins.server import TwinServer, build

CREDENTIALS = {
    "client_id": "amzn1.application-oa2-client.twin",
    "client_secret": "amzn1.oa2-cs.v1.twin",
    "refresh_token": "Atzr|twin",
}
STOCK = [
    {"sku": "MUG", "quantity": 12, "asin": "B0MUG", "lead_time_to_ship_max_days": 5},
    {"sku": "CUP/1", "quantity": 3},
    {"sku": "TEA, GREEN", "quantity": 8},
    {"sku": "FBA", "quantity": 9, "channel": "AMAZON_NA"},
    *({"sku": f"PLATE-{n}", "quantity": n} for n in range(1, 31)),
]
SECONDS = 60.0


class SkippingClock:
    """The machine's clock, except that nobody waits: a sleep is over at once, and its time has passed."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic() + self.skipped

    async def sleep(self, seconds: float) -> None:
        self.skipped += seconds
        await asyncio.sleep(0)


class Listening(TwinServer):
    """The twin in a thread of this process: real HTTP, without the half second that a process takes."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await uvicorn.Server.startup(self, sockets)
        vendor = self._app.vendor
        vendor.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        await vendor.start()
        self.ready.set()


class Seller:
    """A twin, and connectors to it."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        app = build(Marketplace, folder / "data", 7, {"usage_plans": "off", "items": STOCK} | config)
        listener = socket.create_server(("127.0.0.1", 0))
        self.server = Listening(app, listener, None)
        self.server.ready = threading.Event()
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]})
        self.thread.start()
        assert self.server.ready.wait(60)
        self.url = app.vendor.url
        self.clock: Any = SkippingClock()
        self.settings: dict[str, Any] = {"feed_look_seconds": 0.0}
        self.credentials = CREDENTIALS
        self.runner = asyncio.Runner()
        self.http = Http([urlsplit(self.url).netloc])

    def connection(self, http: Http, **given: Any) -> Connection:
        settings = {
            "seller_id": "A2TWINSELLER",
            "marketplace_id": "ATVPDKIKX0DER",
            "token_url": "/auth/o2/token",
        }
        return Connection(
            system="amazon", url=self.url, settings=settings | self.settings, credentials=self.credentials, builders={},
            http=http, clock=self.clock, tokens=MemoryTokenStore(self.clock), allowance=Allowance(self.clock), **given,
        )  # fmt: skip

    def run(self, use: Callable[[Any], Awaitable[Any]]) -> Any:
        """One coroutine with a channel that has just been opened."""

        async def story() -> Any:
            return await use(registry.open_offer("amazon", "stock_channel", self.connection(self.http)))

        return self.runner.run(story())

    def write(self, *lines: stock.Line, timeout_seconds: float = SECONDS, first: bool = True) -> Any:
        return self.run(lambda channel: channel.write(lines, key="k", timeout_seconds=timeout_seconds, first=first))

    def look(self, receipt: str, *lines: stock.Line) -> Any:
        return self.run(lambda channel: channel.look(receipt, lines, timeout_seconds=SECONDS))

    def ended(self, receipt: str, *lines: stock.Line) -> Any:
        """What became of a feed, when it has ended."""
        deadline = time.monotonic() + 60
        while isinstance(found := self.look(receipt, *lines), stock.Underway):
            assert time.monotonic() < deadline
        return found

    def shown(self, *skus: str) -> list[int | None]:
        places = [stock.Place(sku, "DEFAULT") for sku in skus]
        seen = self.run(lambda channel: channel.read(places, timeout_seconds=SECONDS))
        return [one.quantity if one.stocked else None for one in seen]

    def call(self, method: str, path: str, body: Any = None, token: str = "Atza|twin") -> Any:
        """A request beside the connector: to the control API, or as a naive client would make it."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", "x-amz-access-token": token}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as refused:
            with refused:
                return {"status": refused.code, **json.loads(refused.read())}

    def fail(self, **rule: Any) -> None:
        self.call("POST", "/_twin/faults", rule)

    def effects(self, kind: str) -> list[Any]:
        return list(self.call("GET", f"/_twin/effects?kind={kind}"))

    def sets(self) -> list[tuple[str, int, int, str]]:
        """What was set: SKU, from, to, by."""
        return [
            (row["key"], row["detail"]["from"], row["detail"]["to"], row["detail"]["by"])
            for row in self.effects("quantity.set")
        ]

    def end(self) -> None:
        self.runner.run(self.http.close())
        self.runner.close()
        self.server.should_exit = True


@pytest.fixture(scope="module")
def ending() -> Iterator[list[threading.Thread]]:
    """Threads of twins that were told to end; they are waited for together."""
    threads: list[threading.Thread] = []
    yield threads
    for thread in threads:
        thread.join()


@pytest.fixture
def sellers(
    tmp_path_factory: pytest.TempPathFactory, ending: list[threading.Thread]
) -> Iterator[Callable[..., Seller]]:
    """sellers(**configuration of the twin) gives a seller; all are ended afterwards. They may take longer to end than a folder of their
    test is there."""
    started: list[Seller] = []

    def start(**config: Any) -> Seller:
        folder = tmp_path_factory.mktemp("seller")
        started.append(Seller(folder, config))
        return started[-1]

    yield start
    for seller in started:
        seller.end()
        ending.append(seller.thread)


@pytest.fixture
def seller(sellers: Callable[..., Seller]) -> Seller:
    """A seller without limits."""
    return sellers()


@pytest.fixture
def line() -> Callable[..., stock.Line]:
    """line(sku, quantity) of what the seller sends itself, in place of `change_from` when that is given."""

    def make(sku: str, quantity: int, location: str = "DEFAULT", change_from: int | None = None) -> stock.Line:
        place = stock.Place(sku, location)
        return stock.Line(place=place, quantity=quantity, reference=f"change-{sku}", sku=sku, change_from=change_from)

    return make
