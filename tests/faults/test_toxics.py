"""Fault case 18: the network in all its bad moods between the hub and its destinations."""

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from experiment import NIGHTLY, Experiment
from toxics import CLEAN, GARBAGE, TOXICS, ToxicProxy, toxic_proxy
from vendors import LooseWorld, edit, patient, still_open

sys.path.insert(0, str(Path(__file__).parent.parent / "flows"))
from stack import running, twins, until

from interlock.cli.twin_world import DESTINATIONS, _free_ports
from interlock.connectors import http as way_out
from interlock.connectors.http import Answer, Http

DEADLINE_SECONDS, SHORT_DEADLINE_SECONDS = 4.0, 2.5
"""The toxics that are late but come are to come in time, also on a machine that is busy: for what each does. The second for a crowd."""
GRACE_SECONDS = 1.0 if NIGHTLY else 10.0
"""The case's figure is for a machine that does nothing else; a call without a deadline would wait for ever."""
SHARE = 0.3
EXCHANGES_PER_ORDER = 5
"""At least: a customer and an order at NetSuite, an order at ShipBob, two events at Klaviyo."""
ANSWERED = ""
EXPECTED: dict[str, tuple[str, bool]] = {
    "latency": (ANSWERED, True), "slices": (ANSWERED, True), "trickle": (way_out.NO_ANSWER, True),
    "half_open": (way_out.NO_ANSWER, True), "black_hole": (way_out.NO_ANSWER, True), "reset": (way_out.CUT, True),
    "cut": (way_out.CUT, True), "garbage": (way_out.CUT, True), "no TLS": (way_out.NOT_CONNECTED, False),
    "no name": (way_out.NOT_CONNECTED, False),
}  # fmt: skip
"""Toxic: how the call ends, and whether something of ours may have arrived."""
ANSWER_BYTES, LONG_ANSWER_BYTES = 500, 8_000
"""The second takes longer than the deadline at 1 kB a second."""
AT_ONCE = 150
"""Calls; each has four sockets of this process, and a process may have about a thousand."""


def sockets() -> int:
    """How many this process has open."""
    return sum(str(fd.readlink()).startswith("socket:") for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink())


async def back_to(open_sockets: int, tasks: int) -> None:
    """Closed connections need a turn or two of the loop until they are gone."""

    async def all_gone() -> bool:
        return sockets() <= open_sockets and len(asyncio.all_tasks()) <= tasks

    await until(all_gone)


class Effects:
    """A small honest HTTP server: it counts what was asked of it, by path."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
                )
                await reader.readexactly(length)
                self.seen[head.split()[1].decode()] += 1
                size = LONG_ANSWER_BYTES if b"/trickle/" in head else ANSWER_BYTES
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What answers a TLS greeting with something else."""
    await reader.read(100)
    writer.write(GARBAGE)
    writer.close()


@asynccontextmanager
async def listening(serve: Any) -> AsyncIterator[int]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def call(http: Http, url: str) -> tuple[Answer, float]:
    """One PUT and its seconds."""
    began = time.monotonic()
    answer = await http.send("PUT", url, {}, b"{}", DEADLINE_SECONDS)
    return answer, time.monotonic() - began


async def storm(calls: int) -> tuple[dict[str, set[tuple[str, bool]]], float]:
    """`calls` of each toxic; how they ended, and the seconds of the slowest."""
    before = sockets(), len(asyncio.all_tasks())
    effects = Effects()
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(listening(effects.serve))
        ports = {"no TLS": await stack.enter_async_context(listening(babble))}
        for toxic in TOXICS:
            proxy = await stack.enter_async_context(toxic_proxy(upstream, lambda toxic=toxic: toxic))
            ports[toxic] = proxy.port
        urls = {toxic: f"http://127.0.0.1:{port}" for toxic, port in ports.items()}
        urls |= {"no TLS": f"https://127.0.0.1:{ports['no TLS']}", "no name": "http://nobody.invalid"}
        http = Http(urlsplit(url).netloc for url in urls.values())
        asked = [(toxic, f"{url}/{toxic.replace(' ', '-')}/{n}") for n in range(calls) for toxic, url in urls.items()]
        found = []
        for start in range(0, len(asked), AT_ONCE):
            found += await asyncio.gather(*(call(http, url) for _, url in asked[start : start + AT_ONCE]))
        await http.close()
    await back_to(*before)
    assert not any(count > 1 for count in effects.seen.values()), "a call was made twice"
    ends: dict[str, set[tuple[str, bool]]] = {}
    for (toxic, _), (answer, _) in zip(asked, found, strict=True):
        ends.setdefault(toxic, set()).add((answer.code, answer.sent))
    return ends, max(seconds for _, seconds in found)


def test_every_call_ends_in_time_and_says_whether_it_was_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """Case 18: whatever the network does, a call ends by its deadline with the right doubt, and leaves neither socket nor task."""
    experiment = Experiment("18", suite=15, table=500, capsys=capsys)
    ends, slowest = asyncio.run(storm(experiment.size))
    for toxic, expected in EXPECTED.items():
        busy = {(way_out.NO_ANSWER, True)} if expected[1] else set()  # a machine that is too busy is one toxic more
        assert ends[toxic] | busy == {expected} | busy, toxic
    assert slowest <= DEADLINE_SECONDS + GRACE_SECONDS
    trials = experiment.size * len(EXPECTED)
    experiment.report(
        faults=trials, trials=trials, control="the naive client below", toxics=len(EXPECTED), slowest_seconds=round(slowest, 2),
        deadline_seconds=DEADLINE_SECONDS,
    )  # fmt: skip


@asynccontextmanager
async def between(folder: Path, world: LooseWorld, chance: random.Random) -> AsyncIterator[list[ToxicProxy]]:
    """A toxic proxy before each destination, named in the folder in its place."""
    names = tuple(TOXICS)

    def choose() -> str:
        return chance.choice(names) if chance.random() < SHARE else CLEAN

    async with AsyncExitStack() as stack:
        proxies = []
        for vendor in DESTINATIONS:
            real = urlsplit(world.urls[vendor]).port
            assert real is not None
            port = world.netsuite_port if vendor == "netsuite" else 0
            proxies.append(await stack.enter_async_context(toxic_proxy(real, choose, port)))
            edit(folder, f"systems/{vendor}.toml", f":{real}", f":{proxies[-1].port}")
        yield proxies


async def orders_through(folder: Path, faults: int, chance: random.Random) -> dict[str, Any]:
    """Place so many orders that so many exchanges are spoilt; all of them must be there at the end."""
    before = sockets(), len(asyncio.all_tasks())
    async with twins(folder, partial(LooseWorld, netsuite_port=_free_ports(1)[0])) as world:
        patient(folder, timeout_seconds=SHORT_DEADLINE_SECONDS)
        async with between(folder, world, chance) as proxies:
            async with running(folder, world):
                ids = [order["id"] for order in await world.place(round(faults / SHARE / EXCHANGES_PER_ORDER * 1.3))]

                async def all_there() -> bool:
                    return still_open(folder) == 0 and (await world.arrivals(ids))["lost"] == 0

                await until(all_there, within_seconds=60 + faults)
            struck = sum((proxy.struck for proxy in proxies), Counter[str]())
            struck.pop(CLEAN)
            again = await naive(proxies[0])
            found = {**await world.arrivals(ids), "faults": struck.total(), "kinds": len(struck), "naive": again}
    await back_to(*before)
    return found


async def naive(proxy: ToxicProxy) -> int:
    """The control: a client that sends again after any failure, through the same network."""
    effects = Effects()
    async with listening(effects.serve) as port, toxic_proxy(port, proxy.choose) as bad:
        http = Http([f"127.0.0.1:{bad.port}"])

        async def deliver(number: int) -> None:
            for _ in range(5):
                answer = await http.send("PUT", f"http://127.0.0.1:{bad.port}/{number}", {}, b"{}", 0.5)
                if answer.status == 200:
                    return

        await asyncio.gather(*(deliver(number) for number in range(40)))
        await http.close()
    return sum(count - 1 for count in effects.seen.values())


def test_orders_through_a_bad_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 18: three exchanges of ten are spoilt in every way at once: each order arrives once, every call ends in time."""
    experiment = Experiment("18", suite=24, table=4_000, capsys=capsys)
    timed: list[float] = []
    send = Http.send

    async def measured(
        self: Http, method: str, url: str, headers: Any, body: bytes | None, timeout_seconds: float
    ) -> Answer:
        began = time.monotonic()
        answer = await send(self, method, url, headers, body, timeout_seconds)
        timed.append(time.monotonic() - began - timeout_seconds)
        return answer

    monkeypatch.setattr(Http, "send", measured)
    found = asyncio.run(orders_through(tmp_path / "shop", experiment.size, experiment.chance))
    assert (found["lost"], found["duplicates"]) == (0, 0)
    assert max(timed) <= GRACE_SECONDS
    assert found["naive"] >= 3
    experiment.report(
        faults=found["faults"], trials=sum(found["delivered"].values()), lost=0, duplicates=0, toxics=found["kinds"], calls=len(timed),
        over_deadline_seconds=round(max(timed), 2),
        control=f"a client that sends again after any failure made {found['naive']} of 40 effects twice",
    )  # fmt: skip
