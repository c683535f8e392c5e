"""Fault case 19: an order that raises, loops, nests without end, is huge or ends the process is one dead letter, and stops no other."""

import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from engine import Engine, body_of, event_of
from experiment import Experiment

sys.path.insert(0, str(Path(__file__).parent.parent / "flows"))
from stack import KillableHub, twins, until

from interlock.cli.twin_world import _free_ports
from interlock.errors import SettingsError
from interlock.messaging import courier, loader, stall
from interlock.messaging.black_box import MemoryBlackBox
from interlock.messaging.ledger import Filter
from interlock.messaging.sqlite.views import SqliteViews
from interlock.messaging.write import Once, Past, Plan

# A tick may fall into a callback of the interpreter itself (a collection, a weak reference), where what is raised is only told;
# the next tick comes.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

DECLARED_ATTEMPTS = 8
SHARE = 100
"""One order in this many is poison."""
DEEP = b"[" * 10_000 + b"]" * 10_000
HUGE_BYTES = 50_000_000


def endless() -> None:
    while True:
        pass


def deaf() -> None:
    while True:
        with contextlib.suppress(Exception):
            endless()


IN_MAPPING: dict[str, Callable[[], object]] = {
    "raise": lambda: {}["no such field"], "loop": endless, "deaf": deaf, "exit": lambda: sys.exit("enough"), "recurse": lambda: endless_depth(),
    "assert": lambda: int("\u00bd"),
}  # fmt: skip
AT_SOURCE = ("deep", "huge")
KINDS = (*IN_MAPPING, *AT_SOURCE)


def endless_depth() -> None:
    endless_depth()


@pytest.fixture(autouse=True)
def _short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of production are 2 s; how long they are proves nothing."""
    monkeypatch.setattr(stall, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(courier, "TRANSLATE_SECONDS", 0.05)
    monkeypatch.setattr(loader, "READ_SECONDS", 0.05)


def poisonous(plan: Callable[..., Plan]) -> Callable[..., Plan]:
    """A destination whose mapping has a function of the user's."""

    def planned(document: Any, *, signal: str, past: Past) -> Plan:
        IN_MAPPING.get(document["value"], lambda: None)()
        return plan(document, signal=signal, past=past)

    return planned


class PoisonedSource:
    """Such bodies are refused at the door; what the source answers is not signed, and must be lived with as well."""

    def __init__(self, kinds: dict[str, str]) -> None:
        self.kinds = kinds

    async def read(self, object_name: str, key: str, *, timeout_seconds: float) -> bytes:
        text = DEEP if self.kinds[key] == "deep" else b"[" + b"0," * (HUGE_BYTES // 2) + b"0]"
        return b'{"id": "' + key.encode() + b'", "version": 10, "value": ' + text + b"}"


async def run_with_poison(folder: Path, count: int) -> tuple[Engine, dict[str, str]]:
    """`count` orders, one in SHARE of them poison; the engine, closed, and the kind of each poisoned key."""
    engine = Engine(folder)
    poisoned = {str(n): KINDS[n // SHARE % len(KINDS)] for n in range(0, count, SHARE)}
    async with engine:
        engine.erp.plan = poisonous(engine.erp.plan)  # type: ignore[method-assign]
        engine.release.shop = PoisonedSource(poisoned)  # type: ignore[assignment]
        for start in range(0, count, 500):
            numbers = [str(n) for n in range(start, min(count, start + 500))]
            events = [
                event_of(key, 10, poisoned.get(key, "new"), complete=poisoned.get(key) not in AT_SOURCE)
                for key in numbers
            ]
            await engine.post(*events)
            await engine.run(5)
        await engine.run(60)
        engine.letters = engine.rows("SELECT key, reason, code, error, owner, attempts FROM dead_letter")  # type: ignore[attr-defined]
        engine.ended = engine.states()  # type: ignore[attr-defined]
    return engine, poisoned


def test_poison_is_a_dead_letter_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 19: 1 % of eight kinds of poison: dead-lettered with its reason at once, the others delivered once. Control: no guard."""
    run = Experiment("19 (in the mapping, at the source)", suite=8, table=200, capsys=capsys)
    engine, poisoned = asyncio.run(run_with_poison(tmp_path, run.size * SHARE))
    letters = {row[0]: row[1:] for row in engine.letters}  # type: ignore[attr-defined]
    states = Counter(engine.ended.values())  # type: ignore[attr-defined]

    monkeypatch.setattr(courier._Trip, "_translate", unguarded)
    bare = tmp_path / "bare"
    bare.mkdir()
    control = asyncio.run(without_guard(bare))
    run.report(
        faults=len(letters), trials=sum(states.values()), kinds=len(KINDS), delivered=states["done"], duplicates=engine.erp.duplicates,
        most_attempts=max(row[4] for row in letters.values()), control=f"without the guard {control} of 100 were delivered",
    )  # fmt: skip
    assert letters.keys() == poisoned.keys()
    assert {row[0] for row in letters.values()} == {"poison"}
    assert all(row[2] and row[3] == "orders-team" and row[4] <= DECLARED_ATTEMPTS for row in letters.values())
    assert states == Counter(done=run.size * (SHARE - 1), dead=run.size)
    assert engine.erp.duplicates == 0
    assert control < 99


def unguarded(trip: Any, destination: Any, document: Any) -> Plan:
    """Control: as it is written where nobody thought of it."""
    return destination.plan(document.value, signal=trip.delivery.signal, past=Past(links=trip.links))


async def without_guard(folder: Path) -> int:
    """How many of 100 orders arrive when one of them raises."""
    engine = Engine(folder)
    async with engine:
        engine.erp.plan = poisonous(engine.erp.plan)  # type: ignore[method-assign]
        await engine.post(*(event_of(str(n), 10, "raise" if n == 20 else "new") for n in range(100)))
        with contextlib.suppress(KeyError):
            await engine.run(60)
        return len(engine.erp.records)


def test_a_condition_that_raises_is_one_dead_letter(tmp_path: Path) -> None:
    """Case 19: a flow's condition that cannot be tried on one order stopped every flow."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            admits = engine.release.admits

            def picky(flow: str, document: Any, signal: str, now_ms: int) -> str:
                return "" if len(document.value["value"]) else admits(flow, document, signal, now_ms)

            engine.release.admits = picky  # type: ignore[method-assign]
            poison = event_of("1", 10)
            poison.body = body_of("1", 10, "new").replace(b'"new"', b"7")
            await engine.post(poison, event_of("2", 10))
            await engine.run(5)
            assert engine.states() == {"1@erp": "dead", "2@erp": "done"}
            assert engine.rows("SELECT reason, code FROM dead_letter") == [("poison", "HUB-POISON")]

    asyncio.run(story())


def test_a_client_that_raises_stops_no_other(tmp_path: Path) -> None:
    """Cases 19, 59: an answer that a client stumbles over is uncertain for its own delivery; it ended the hub at every start."""

    async def story() -> None:
        async with Engine(tmp_path, Once.LOOK_UP) as engine:
            write, look_up = engine.erp.write, engine.erp.look_up

            async def stumbling(sent: Any, **more: Any) -> Any:
                outcome = await write(sent, **more)
                if sent.reference == "IL-1":
                    engine.erp.write = write  # type: ignore[method-assign]
                    return outcome.no_such_member
                return outcome

            async def stumbles(sent: Any, **more: Any) -> Any:
                engine.erp.look_up = look_up  # type: ignore[method-assign]
                raise KeyError("data")

            engine.erp.write, engine.erp.look_up = stumbling, stumbles  # type: ignore[method-assign]
            await engine.post(event_of("1", 10), event_of("2", 10))
            await engine.run(1)
            assert engine.states() == {"1@erp": "uncertain", "2@erp": "done"}
            assert engine.rows("SELECT code FROM attempt WHERE verdict = 'uncertain'") == [("HUB-CLIENT",)]
            await engine.run(600)
            assert engine.states() == {"1@erp": "done", "2@erp": "done"}
            assert engine.erp.duplicates == 0

    asyncio.run(story())


def test_a_system_that_cannot_be_opened_stops_no_other(tmp_path: Path) -> None:
    """Case 19: an old release may name a secret that is gone: its deliveries wait and lose no attempt, the others go on."""

    async def story() -> None:
        async with Engine(tmp_path, systems=("erp", "wms")) as engine:
            destination, gone = engine.release.destination, True

            def opened(name: str, source: str = "") -> Any:
                if name == "wms" and gone:
                    raise SettingsError("the secret file secrets/wms cannot be read", code="SEC003")
                return destination(name, source)

            engine.release.destination = opened  # type: ignore[method-assign]
            await engine.post(event_of("1", 10))
            await engine.run(120)
            assert engine.states() == {"1@erp": "done", "1@wms": "retrying"}
            assert engine.rows("SELECT code, attempts FROM delivery WHERE destination = 'wms'") == [("SEC003", 0)]
            gone = False
            await engine.run(600)
            assert engine.states() == {"1@erp": "done", "1@wms": "done"}

    asyncio.run(story())


class Death(BaseException):
    """The process is gone: nothing that would have run after it runs."""


class Box(MemoryBlackBox):
    """What stood in it when the process died stays in it."""

    dead = False

    def enter(self, delivery: int) -> None:
        if not self.dead:
            super().enter(delivery)

    def leave(self) -> None:
        if not self.dead:
            super().leave()


async def deaths_by_one_order(folder: Path, *, remembers: bool) -> tuple[int, dict[str, str]]:
    """How often the process dies of one of five orders, ten times at most, and how the orders end."""
    engine, box, deaths = Engine(folder), Box(), 0
    engine.black_box = box
    plan = engine.erp.plan

    def deadly(document: Any, *, signal: str, past: Past) -> Plan:
        if document["value"] == "kill":
            box.dead = True
            raise Death
        return plan(document, signal=signal, past=past)

    engine.erp.plan = deadly  # type: ignore[method-assign]
    await engine.open()
    await engine.post(*(event_of(str(n), 10, "kill" if n == 2 else "new") for n in range(5)))
    await engine.run(30)
    while box.dead and deaths < 10:
        deaths += 1
        await engine.close()
        box.dead = False
        await engine.open(suspect=box.suspect() if remembers else 0)
        box.leave()
        await engine.run(30)
    ended = engine.states()
    await engine.close()
    return deaths, ended


FUNCTIONS = """
import os, sys

def poisoned(name: str) -> str:
    kind = {kinds}.get(name)
    if kind == "raise":
        raise ValueError("a function of the strategy failed")
    if kind == "loop":
        while True:
            pass
    if kind == "exit":
        sys.exit(3)
    if kind == "kill":
        os._exit(9)
    return name
"""
MAPPING = '[order.out.order]\norder_number = { from = "name", with = "poisoned" }\n'


class Watched(KillableHub):
    """A hub that is started again whenever it dies, as a supervisor does."""

    deaths = 0

    async def keep_up(self) -> None:
        while True:
            assert self.process is not None
            assert self.process.stdout is not None
            await asyncio.to_thread(self.process.wait)
            self.process.stdout.close()
            self.deaths += 1
            with contextlib.suppress(AssertionError):  # it may die before it is ready
                await self.start()


def write_functions(folder: Path, kinds: dict[str, str]) -> None:
    """Functions of the strategy's own, one of them used by the mapping to ShipBob."""
    (folder / "functions.py").write_text(FUNCTIONS.format(kinds=kinds), encoding="utf-8")
    (folder / "mappings" / "shipbob.toml").write_text(MAPPING, encoding="utf-8")
    shipbob = folder / "systems" / "shipbob.toml"
    quick = shipbob.read_text(encoding="utf-8").replace("quiet_period_seconds = 5", "quiet_period_seconds = 1")
    shipbob.write_text(quick, encoding="utf-8")


OTHER_KINDS = {"#1002": "raise", "#1003": "loop", "#1004": "exit"}
ORDERS_PER_KILLER = 12


def test_a_killer_is_quarantined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 19: an order that ends the process is put aside after three deaths, and the others arrive. Control: nobody remembers it."""
    run = Experiment("19 (ends the process)", suite=1, table=20, capsys=capsys)
    kinds = OTHER_KINDS | {f"#{1_006 + ORDERS_PER_KILLER * n}": "kill" for n in range(run.size)}

    async def story() -> tuple[int, list[Any], dict[str, Any]]:
        folder = tmp_path / "shop"
        async with twins(folder) as world:
            write_functions(folder, kinds)
            hub = Watched(folder, _free_ports(1)[0])
            await hub.start()
            watching = asyncio.create_task(hub.keep_up())
            placed = await world.place(ORDERS_PER_KILLER * run.size)
            views = SqliteViews(folder / "data/ledger.db", folder / "data/inbox.db")
            try:
                await until(lambda: ended(views, 3 * len(placed)), within_seconds=30 + 30 * run.size)
                dead = await views.deliveries(Filter(states=("dead",), limit=1_000))
                arrived = await world.arrivals([order["id"] for order in placed if order["name"] not in kinds])
            finally:
                views.close()
                watching.cancel()
                hub.kill()
            return hub.deaths, [row for row in dead if row.destination == "shipbob"], arrived

    deaths, letters, arrived = asyncio.run(story())
    folders = [tmp_path / "remembers", tmp_path / "forgets"]
    for folder in folders:
        folder.mkdir()
    in_memory = asyncio.run(deaths_by_one_order(folders[0], remembers=True))
    control = asyncio.run(deaths_by_one_order(folders[1], remembers=False))
    run.report(
        faults=deaths // 3, trials=3 * (ORDERS_PER_KILLER * run.size - len(kinds)), deaths=deaths, letters=len(letters), arrived=arrived,
        control=f"a black box that forgets: {control[0]} deaths of one order, and no end",
    )  # fmt: skip
    assert {row.name: row.reason for row in letters} == dict.fromkeys(kinds, "poison") | {"#1002": "mapping"}
    assert {row.code for row in letters if kinds[row.name] == "kill"} == {"HUB-CRASH"}
    assert all(row.attempts <= DECLARED_ATTEMPTS for row in letters)
    assert deaths == 3 * run.size
    assert arrived["lost"] == arrived["duplicates"] == 0
    assert in_memory == (3, {f"{n}@erp": "dead" if n == 2 else "done" for n in range(5)})
    assert control[0] == 10
    assert control[1]["2@erp"] != "dead"


async def ended(views: SqliteViews, count: int) -> bool:
    """All deliveries are there, and none is open."""
    states = await views.states(Filter())
    return sum(states.values()) >= count and set(states) <= {"done", "dead", "superseded", "cancelled"}
