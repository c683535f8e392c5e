"""Fault case 60: of the parts of one delivery, or of the lines of one call, some are taken and some are not.

A delivery of several writes, such as a customer and an order: each write has its own intent, outcome and crosswalk row; they go
in order, and the next try goes on where one stopped. And a call of stock, into which many deliveries were gathered: each line
has its own outcome, and the call is on the disk with its key before it is made.
"""

import asyncio
import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from engine import MEMORY_SECONDS, Engine, FakeSystem, event_of
from experiment import Experiment
from stock_engine import Shop, StockEngine
from vendors import LooseWorld, fail, hits, patient, stored

sys.path.insert(0, str(Path(__file__).parent.parent / "flows"))
from stack import running, twins, until

from interlock.cli.twin_world import TwinWorld
from interlock.messaging.ledger import Filter
from interlock.messaging.outcome import Done, Retry
from interlock.messaging.releases import Limits
from interlock.messaging.write import Once, Past, Plan, Write

LINES, FAILING = 10, 3
PATIENT = Limits(concurrency=16, breaker_failures=10**6)


class Lines(FakeSystem):
    """A destination that takes an order line by line; `spoilt` says which lines go wrong the first time, and how."""

    spoilt: dict[str, str]

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:
        return Plan(writes=tuple(self._line(document, number, past) for number in range(LINES)))

    def _line(self, document: Any, number: int, past: Past) -> Write:
        link = past.links.get(f"line-{number}")
        return Write(
            operation=f"line-{number}", once=self.once if link is None else Once.UPSERT, reference=f"IL-{document['id']}-{number}",
            body=json.dumps({**document, "line": number}).encode(), quiet_period_seconds=self.quiet_seconds, memory_seconds=MEMORY_SECONDS,
        )  # fmt: skip

    def first_time(self, write: Write) -> str:
        return self.spoilt.pop(write.reference, "done")


def seven_of_ten(chance: random.Random, orders: int, *faults: str) -> dict[str, str]:
    """Three lines of each order, each with one of the faults."""
    return {
        f"IL-{key}-{line}": chance.choice(faults)
        for key in range(orders)
        for line in chance.sample(range(LINES), FAILING)
    }


async def line_by_line(folder: Path, once: Once, spoilt: dict[str, str], orders: int) -> tuple[Engine, Lines]:
    """The engine after all orders were tried for ten minutes and more: each line that was told to come slower, at most one of an
    order in the mean, holds the whole destination for a second."""
    engine = Engine(folder, once, limits=PATIENT)
    lines = Lines(engine.clock, once)
    lines.spoilt, lines.fault = dict(spoilt), lines.first_time
    engine.systems["erp"] = lines
    await engine.open()
    await engine.post(*(event_of(str(n), 10) for n in range(orders)))
    await engine.run(600 + orders)
    return engine, lines


async def naive_duplicates(chance: random.Random, orders: int) -> int:
    """The control: a client that sends all lines again when one fails."""
    engine = Engine(Path())
    lines = Lines(engine.clock, Once.LOOK_UP)
    lines.spoilt, lines.fault = seven_of_ten(chance, orders, "503", "lost"), lines.first_time
    for key in range(orders):
        while True:
            plan = lines.plan(json.loads(event_of(str(key), 10).body or b""), signal="", past=Past())
            outcomes = [await lines.write(write, idempotency_key="", timeout_seconds=1) for write in plan.writes]
            if all(isinstance(outcome, Done) for outcome in outcomes):
                break
    return lines.duplicates


@pytest.mark.parametrize("once", [Once.UPSERT, Once.KEY, Once.LOOK_UP])
def test_only_what_failed_is_sent_again(tmp_path: Path, capsys: pytest.CaptureFixture[str], once: Once) -> None:
    """Case 60: three of ten writes of each delivery fail once; the seven are sent once, each result is stored by itself."""
    experiment = Experiment("60", suite=40, table=1_000, capsys=capsys)
    spoilt = seven_of_ten(experiment.chance, experiment.size, "503", "429:1", "lost", "never", "late:20")

    async def story() -> None:
        engine, lines = await line_by_line(tmp_path, once, spoilt, experiment.size)
        calls = Counter(reference for _, reference, _, _ in lines.calls)
        assert set(engine.states().values()) == {"done"}
        assert lines.duplicates == 0
        assert len(lines.records) == LINES * experiment.size
        assert {calls[reference] for reference in calls.keys() - spoilt.keys()} == {1}
        results = Counter(engine.rows("SELECT reference FROM attempt WHERE verdict = 'done'"))
        assert all(results[(reference,)] == 1 for reference in calls.keys() - spoilt.keys())
        again = sum(calls[reference] - 1 for reference in spoilt)
        await engine.close()
        naive = await naive_duplicates(experiment.chance, 5)
        assert naive > 0
        experiment.report(
            faults=len(spoilt), trials=LINES * experiment.size, once=once.value, sent_again=again, lost=0, duplicates=0,
            control=f"sending all lines of 5 orders again made {naive} lines too many",
        )  # fmt: skip

    asyncio.run(story())


def test_replay_after_a_refusal_sends_what_was_refused(tmp_path: Path) -> None:
    """Case 60: a refused line makes a dead letter; what was taken before it is not sent again by the replay after the correction."""

    async def story() -> None:
        engine, lines = await line_by_line(tmp_path, Once.LOOK_UP, {"IL-0-4": "refused"}, 1)
        assert engine.states() == {"0@erp": "dead"}
        assert engine.rows("SELECT operation, verdict FROM attempt ORDER BY id")[3:] == [
            ("line-3", "done"),
            ("line-4", "refused"),
        ]
        now_ms = engine.clock.now_ms()
        await engine.ledger.replay(Filter(), by="ann", why="corrected", release="same", now_ms=now_ms)
        await engine.run(60)
        assert engine.states() == {"0@erp": "done"}
        calls = Counter(reference for _, reference, _, _ in lines.calls)
        assert calls == Counter({f"IL-0-{n}": 1 for n in range(LINES)} | {"IL-0-4": 2})
        await engine.close()

    asyncio.run(story())


async def customers_and_orders(folder: Path, orders: int) -> dict[str, Any]:
    """NetSuite takes customers and does not take orders for a while."""
    async with twins(folder, LooseWorld) as world:
        patient(folder)
        await fail(
            world, "netsuite", kind="status", status=503, count=orders, match={"method": "PUT", "path": "/salesOrder/"}
        )
        async with running(folder, world) as hub:
            ids = [order["id"] for order in await world.place(orders)]

            async def all_there() -> bool:
                open_ = await hub.ledger.preview(
                    Filter(states=("pending", "running", "retrying", "uncertain", "waiting"))
                )
                return (await world.arrivals(ids))["lost"] == 0 and open_.count == 0

            await until(all_there)
            found = await world.arrivals(ids)
        sent = "SELECT count(*) FROM attempt WHERE operation = '{}' GROUP BY reference, version, content_hash"
        return {
            **found, "faults": await hits(world, "netsuite"), "twice": await updates(world),
            "customers": {row[0] for row in stored(folder, sent.format("customer.upsert"))},
            "orders": sum(row[0] - 1 for row in stored(folder, sent.format("salesOrder.upsert"))),
        }  # fmt: skip


async def updates(world: TwinWorld) -> int:
    """Customers that NetSuite was sent again with what it had."""
    effects = await world._control("netsuite", "GET", "effects?limit=1000000", None)
    seen = Counter((e["key"], e["hash"]) for e in effects if e["kind"].startswith("customer."))
    return sum(count - 1 for count in seen.values())


def test_customer_is_taken_and_its_order_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 60 with a vendor: the customer of an order that failed is not sent again, the order is, and arrives once."""
    experiment = Experiment("60", suite=12, table=1_000, capsys=capsys)
    found = asyncio.run(customers_and_orders(tmp_path / "shop", experiment.size))
    assert (found["lost"], found["duplicates"]) == (0, 0)
    assert found["customers"] == {1}
    assert found["twice"] == 0
    assert found["orders"] >= found["faults"]
    experiment.report(
        faults=found["faults"], trials=experiment.size, control="see the lines", orders_sent_again=found["orders"], customers_sent_again=0,
        lost=0, duplicates=0,
    )  # fmt: skip


# -- the lines of one call

SKUS = tuple(f"SKU-{number}" for number in range(LINES))
BUSY = Retry(code="BUSY", message="this line not now", status=503)


def ten_items(folder: Path) -> StockEngine:
    """Ten items, which a channel takes in one call."""
    return StockEngine(folder, **{sku.replace("-", "_"): 100 for sku in SKUS})


def counted(engine: StockEngine, chance: random.Random) -> dict[str, int]:
    """The warehouse counts all ten anew; what it has now."""
    engine.warehouse.pieces |= {sku: pieces + chance.randint(1, 9) for sku, pieces in engine.warehouse.pieces.items()}
    return dict(engine.warehouse.pieces)


async def all_lines_again(shop: Shop) -> int:
    """The control: the same ten lines under a new key, compared with nothing; how much of what buyers had taken comes back."""
    (key, lines), sold = next(call for call in reversed(shop.calls) if len(call[1]) == LINES), 0
    for line in lines:
        sold += shop.sell(line.place.item)
    before = sum(shop.shown.values())
    bare = [msgspec.structs.replace(line, change_from=None) for line in lines]
    await shop.write(bare, key=f"{key}-new", timeout_seconds=1)
    return min(sold, sum(shop.shown.values()) - before)


def test_of_ten_lines_only_those_that_failed_go_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 60 (C60): of a call of ten lines three are not taken; each line's outcome is kept by itself, the three go out again
    and nothing else does. Sending all ten anew would give back what buyers have taken of the seven."""
    experiment = Experiment("60, lines of stock", suite=45, table=3_000, capsys=capsys)
    rounds = experiment.size // FAILING

    async def story() -> None:
        async with ten_items(tmp_path) as engine:
            shop, again = engine.shop, 0
            await engine.run(5)
            for _ in range(rounds):
                wanted, begun, written = counted(engine, experiment.chance), len(shop.calls), len(shop.history)
                spoilt = set(experiment.chance.sample(SKUS, FAILING))
                shop.spoilt = dict.fromkeys(spoilt, BUSY)
                await engine.run(15)
                first, *others = [[line.sku for line in lines] for _, lines in shop.calls[begun:]]
                assert set(first) == set(SKUS)
                assert sorted(sku for skus in others for sku in skus) == sorted(spoilt)
                assert sorted(row.item for row in shop.history[written:]) == sorted(SKUS), "each counted once"
                assert shop.shown == wanted
                again += sum(map(len, others))
            verdicts = dict(engine.rows("SELECT verdict, count(*) FROM attempt GROUP BY verdict"))
            assert verdicts == {"done": LINES * (rounds + 1), "retry": FAILING * rounds}
            back = await all_lines_again(shop)
            assert back > 0
            experiment.report(
                faults=again, trials=LINES * rounds, lines=LINES * rounds, sent_again=again, lost=0, duplicates=0,
                control=f"ten lines sent anew under a new key gave back {back} pieces that were sold",
            )  # fmt: skip

    asyncio.run(story())


def test_a_call_without_an_answer_goes_again_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 60 (C59): the call counted, its answer was lost and the process killed; the same ten lines go out under the same key
    and count once, though buyers have bought since. Under a new key, without the comparison, their goods would be sold again."""
    experiment = Experiment("60, lost calls of stock", suite=5, table=300, capsys=capsys)

    async def story() -> None:
        engine = ten_items(tmp_path)
        shop = engine.shop
        await engine.open()
        await engine.run(5)
        for _ in range(experiment.size):
            counted(engine, experiment.chance)
            faults, begun, written = ["lost"], len(shop.calls), len(shop.history)
            shop.fault = lambda _, left=faults: left.pop() if left else "done"
            while faults:
                await engine.run(0.05)
            await engine.close()
            bought = {sku: experiment.chance.randint(1, 5) for sku in SKUS}
            for sku, pieces in bought.items():
                assert shop.sell(sku, pieces)
                engine.warehouse.pieces[sku] -= pieces
            await engine.open()
            await engine.run(90)
            (key, lines), (again, same), *_ = shop.calls[begun:]
            assert (key, lines) == (again, same)
            ours = [row.item for row in shop.history[written:] if row.by == "hub"][:LINES]
            assert sorted(ours) == sorted(SKUS), "the repetition counted for nothing"
            assert shop.shown == engine.warehouse.pieces
            assert shop.lost_updates() == []
        given_back = await all_lines_again(shop)
        assert given_back > 0
        await engine.close()
        experiment.report(
            faults=experiment.size, trials=experiment.size * LINES, counted_twice=0, lost_updates=0,
            control=f"ten lines under a new key gave back {given_back} pieces that were sold",
        )  # fmt: skip

    asyncio.run(story())
