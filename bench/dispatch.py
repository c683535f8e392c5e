"""How many deliveries a second: event to three destinations with mapping, intent, outcome and link durable, in one process.

    python bench/dispatch.py [EVENTS]

The destinations are three bare servers in a process of their own. Beside it, in the same run, a hand-written handler that calls the
three destinations with aiohttp and stores nothing. Figures are for comparison within one run; machines differ.
"""

import asyncio
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from bench.orders import Orders
from interlock import event_loop
from interlock.canonical import Contract, load_contracts
from interlock.clock import SystemClock
from interlock.collector import rest_on_what_is_loaded
from interlock.connectors.http import Http
from interlock.mapping import Context, Items, compile_in, compile_out, connector_functions, connector_mapping
from interlock.messaging.black_box import MemoryBlackBox
from interlock.messaging.delivery import Want
from interlock.messaging.dispatcher import Dispatcher
from interlock.messaging.event import Event
from interlock.messaging.outcome import Done, Outcome, Uncertain
from interlock.messaging.releases import Document, Limits
from interlock.messaging.router import Router
from interlock.messaging.sqlite.inbox import SqliteInbox
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.messaging.write import Once, Past, Plan, Write

SINK = """
import asyncio, sys
class Sink(asyncio.Protocol):
    def connection_made(self, transport): self.transport = transport; self.data = b""
    def data_received(self, data):
        self.data += data
        while True:
            end = self.data.find(b"\\r\\n\\r\\n")
            if end < 0: return
            head = self.data[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15:].split(b"\\r\\n", 1)[0]) if at >= 0 else 0
            if len(self.data) < end + 4 + size: return
            self.data = self.data[end + 4 + size:]
            self.transport.write(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")
async def main():
    servers = [await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0) for _ in range(3)]
    print(*[s.sockets[0].getsockname()[1] for s in servers], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


class Shape(msgspec.Struct):
    """The part of the body that the bench's mapping reads."""

    id: int
    version: int


class BenchDestination:
    """An upsert by reference over real HTTP."""

    def __init__(self, url: str, http: Http, build: Any) -> None:
        self.url, self.http, self.build = url, http, build

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:
        """One upsert with the body that a real mapping builds."""
        return Plan(
            writes=(
                Write(
                    operation="order.upsert", once=Once.UPSERT, reference=str(document.id), body=self.build(document)
                ),
            )
        )

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:
        """PUT it."""
        answer = await self.http.send(
            "PUT", f"{self.url}/{write.reference}", {"content-type": "application/json"}, write.body, timeout_seconds
        )
        return (
            Done(external_id=write.reference, status=answer.status)
            if answer.status == 204
            else Uncertain(code="X", message="?")
        )


class BenchRelease:
    """One release with three destinations."""

    id = "bench"

    def __init__(self, destinations: dict[str, BenchDestination], read: Any) -> None:
        self._destinations = destinations
        self._read = read
        self._wants = tuple(Want(flow=f"to-{name}", destination=name) for name in destinations)

    def wants(self, event: Event) -> tuple[Want, ...]:
        """All three."""
        return self._wants

    def document(self, system: str, object_name: str, body: bytes) -> Document:
        """Through the real mapping."""
        value = self._read(body)
        return Document(value=value, version=1)

    def script(self, flow: str) -> None:
        """No flow is a process."""

    def straight(self, flow: str) -> bool:
        """No flow is point-to-point."""
        return False

    def raw(self, flow: str, key: str, body: bytes) -> Document:
        raise AssertionError("no flow is point-to-point")

    def serves(self, flow: str, destination: str) -> bool:
        """All."""
        return True

    def paused(self, flow: str) -> bool:
        """Never."""
        return False

    def retry(self, flow: str) -> None:
        """As the destination's."""

    def standing(self, flow: str, destination: str, now_ms: int) -> tuple[str, ...]:
        """Nothing old is in use."""
        return ()

    def admits(self, flow: str, document: Document, signal: str, now_ms: int) -> str:
        """All."""
        return ""

    def destination(self, name: str, source: str) -> Any:
        """By name."""
        return self._destinations[name]

    def source(self, name: str) -> Any:
        """None."""
        raise NotImplementedError

    def limits(self, destination: str) -> Limits:
        """Wide."""
        return Limits(concurrency=64)

    def owner(self, flow: str) -> str:
        """Nobody."""
        return "bench"

    def current(self) -> "BenchRelease":
        """Itself."""
        return self

    async def get(self, release: str) -> "BenchRelease":
        """Itself."""
        return self

    def destinations(self) -> list[str]:
        """All three."""
        return list(self._destinations)


DOCUMENTS = {"netsuite": "salesOrder", "shipbob": "order", "klaviyo": "placed_order"}
"""What each destination is sent: the same kinds of documents that the hand-written handler makes."""


def mappings() -> tuple[Any, list[Any]]:
    """The real ones: Shopify in, and a document of each vendor out."""
    contract = load_contracts()["order.v1"]
    shopify = connector_mapping("shopify")
    read = compile_in(shopify.table_in("order"), contract, connector_functions("shopify"))
    source = Context(system="shopify", settings=shopify.settings_with({}))
    return partial(read, context=source), [_writer(vendor, document, contract) for vendor, document in DOCUMENTS.items()]


def _writer(vendor: str, document: str, contract: Contract) -> Any:
    mapping = connector_mapping(vendor)
    write = compile_out(mapping.table_out("order", document), contract, connector_functions(vendor))
    charges = {
        f"{name}_item": "1" for name in ("shipping", "tax", "tip", "gift_card", "duty", "fee", "rounding", "difference")
    }
    settings = {"guest_entity": "1", "order_currency": "shop", "currencies": {"USD": "1"}, **charges}
    items = Items(rule="sku", generic_item="9", system=vendor)
    return partial(write, context=Context(system=vendor, settings=mapping.settings_with(settings), items=items))


async def waiting(ledger: SqliteLedger) -> bool:
    """Whether any destination has deliveries left; cheaper than counting them all while they are timed."""
    return any([await ledger.next_due_ms(name) is not None for name in ("d0", "d1", "d2")])


async def engine(ports: list[int], bodies: list[bytes]) -> float:
    """Deliveries per second from the first event in the inbox to the last durable outcome."""
    folder = Path(tempfile.mkdtemp())
    clock = SystemClock()
    commits = ThreadPoolExecutor(2)
    inbox = SqliteInbox(folder / "inbox.db", 0, beside=commits)
    ledger = SqliteLedger(folder / "ledger.db", 0, beside=commits)
    http = Http(frozenset(f"127.0.0.1:{port}" for port in ports))
    read, builds = mappings()
    release = BenchRelease(
        {
            f"d{n}": BenchDestination(f"http://127.0.0.1:{port}", http, build)
            for n, (port, build) in enumerate(zip(ports, builds, strict=True))
        },
        read,
    )
    dispatcher = Dispatcher(
        inbox=inbox,
        ledger=ledger,
        releases=release,
        clock=clock,
        chance=random.Random(1),
        black_box=MemoryBlackBox(),
        worker="bench",
    )
    router = Router(inbox, ledger, release, clock, dispatcher.wake)
    rest_on_what_is_loaded()
    await dispatcher.start()
    routing = asyncio.create_task(router.run())
    began = time.perf_counter()
    cpu = time.process_time()
    for start in range(0, len(bodies), 50):
        await asyncio.gather(*(
            inbox.append(Event(
                system="shopify", dialect="c", topic="orders/create", object="order", key=str(start + n), version=1, complete=True,
                received_at_ms=clock.now_ms(), release="bench", sha256=hashlib.sha256(body).digest(), body=body,
            ))
            for n, body in enumerate(bodies[start : start + 50])
        ))  # fmt: skip
    while dispatcher.in_flight() or router.routed < len(bodies) or await waiting(ledger):
        await asyncio.sleep(0.05)
    assert sum(states.get("done", 0) for states in (await ledger.counts()).values()) == 3 * len(bodies)
    took = time.perf_counter() - began
    print(
        f"  cpu {1e6 * (time.process_time() - cpu) / (3 * len(bodies)):.0f} us a delivery, ledger commits {ledger.group.commits}"
    )
    routing.cancel()
    await dispatcher.stop()
    await http.close()
    return 3 * len(bodies) / took


async def naive(ports: list[int], bodies: list[bytes]) -> float:
    """The same three calls an event with aiohttp, nothing stored, nothing retried."""
    import aiohttp

    gate = asyncio.Semaphore(64)
    async with aiohttp.ClientSession() as session:

        async def call(port: int, body: bytes) -> None:
            async with session.put(f"http://127.0.0.1:{port}/x", data=body) as answer:
                await answer.read()

        async def handle(body: bytes) -> None:
            async with gate:
                order = msgspec.json.decode(body)
                small = msgspec.json.encode({"id": order["id"], "lines": order["line_items"][:5]})
                await asyncio.gather(*(call(port, small) for port in ports))

        began = time.perf_counter()
        await asyncio.gather(*(handle(body) for body in bodies))
        return 3 * len(bodies) / (time.perf_counter() - began)


def main() -> None:
    """Print the table."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    orders = Orders(0, "/")
    bodies = [orders.body(number) for number in range(events)]
    sink = subprocess.Popen([sys.executable, "-c", SINK], stdout=subprocess.PIPE)
    try:
        assert sink.stdout is not None
        ports = [int(port) for port in sink.stdout.readline().split()]
        plain = asyncio.run(naive(ports, bodies))
        ours = event_loop.run(engine(ports, bodies))
        print(f"{events} events of {len(bodies[0])} bytes, three destinations each")
        print(f"interlock, all durable       {ours:8.0f} deliveries/s")
        print(f"bare aiohttp, nothing stored {plain:8.0f} deliveries/s   ratio {ours / plain:.2f}")
    finally:
        sink.terminate()
        sink.wait()


if __name__ == "__main__":
    main()
