"""A channel's sale is subtracted until its owner has seen it, and the owner is asked for just that as soon as it was told (C61)."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest
from book_stage import START_US, BookStage
from stock_engine import ORDERS, PLAIN, SHOP, WMS, StockEngine, Warehouse

from interlock.flows.inventory.publish import Publishing
from interlock.flows.inventory.seeing import AT_ONCE, MARKS, Marks, Seeing
from interlock.flows.inventory.working_out import WorkingOut
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.sqlite.statements import statements
from interlock.messaging.stock import Level, LevelPage
from interlock.messaging.stock_book import Read, Reserved, StockWork
from interlock.strategy.inventory import Inventory, Location, Publish

TOLD = msgspec.structs.replace(PLAIN, sales_seen_by=ORDERS)
LINK = "INSERT OR REPLACE INTO link VALUES (?, ?, 'order', ?, 'order.create', '', '', '', ?, '', ?, 1)"
TILL = "till"


class Movements(Warehouse):
    """Tells of what was moved and of nothing that orders commit, as ShipBob does; all of it was read long ago. `committed` is what
    orders hold, `lag_seconds` how old its levels are; `asked` are the items of each call for some."""

    def __init__(self, engine: StockEngine, **says: Any) -> None:
        super().__init__(engine.clock)
        self.__dict__ |= says
        self.pieces = engine.warehouse.pieces
        self.moved: list[str] = []
        self.asked: list[tuple[str, ...]] = []
        self.answer: Callable[[Sequence[str]], Retry | Refused | None] = lambda _: None
        self.rest_seconds = 0.0

    async def levels(self, after: str, *, timeout_seconds: float) -> LevelPage | Retry:
        page = await super().levels(after, timeout_seconds=timeout_seconds)
        return page if isinstance(page, Retry) else msgspec.structs.replace(page, cursor=str(page.complete_us))

    async def changed(self, cursor: str, after: str, *, timeout_seconds: float) -> LevelPage | Retry:
        del after, timeout_seconds
        self.levels_read += 1
        moved, self.moved = self.moved, []
        levels = tuple(map(self.level, moved))
        return LevelPage(levels=levels, cursor=cursor, complete_us=int(cursor), rest_seconds=self.rest_seconds)

    async def read(self, items: Sequence[str], *, timeout_seconds: float) -> Any:
        self.asked.append(tuple(items))
        return self.answer(items) or await super().read(items, timeout_seconds=timeout_seconds)

    def level(self, sku: str) -> Level:
        lag_us = round(getattr(self, "lag_seconds", 0.0) * 1e6)
        return msgspec.structs.replace(super().level(sku), as_of_us=self.now_us() - lag_us)


def _engine(folder: Path, **pieces: int) -> StockEngine:
    return StockEngine(folder, publish=TOLD, shops=(SHOP, TILL), **pieces)


def _warehouse(engine: StockEngine, **says: Any) -> Movements:
    engine.warehouse = engine.stocked.warehouse = Movements(engine, **says)
    return engine.warehouse


async def _sold(engine: StockEngine, sku: str, pieces: int, key: str, *, told: bool = True) -> None:
    """A sale at the shop; the flow of orders delivers it, and the warehouse commits it at once."""
    engine.shop.sell(sku, pieces)
    await engine.tell_sale(sku, pieces, key)
    engine.warehouse.pieces[sku] -= pieces
    if told:
        await _link(engine, key)


async def _link(engine: StockEngine, key: str, version: int = 1) -> None:
    values = (WMS, SHOP, key, version, engine.clock.now_ms())
    await engine.ledger.group.run(lambda connection: connection.execute(LINK, values))


async def _deafen(engine: StockEngine) -> None:
    """Nothing is read again."""
    deaf = "CREATE TRIGGER deaf AFTER INSERT ON stock_again BEGIN DELETE FROM stock_again; END"
    await engine.ledger.group.run(lambda connection: connection.execute(deaf))


def _unseen(engine: StockEngine) -> int:
    [(count,)] = engine.rows("SELECT count(*) FROM stock_reservation WHERE quantity > seen")
    return int(count)


@pytest.mark.parametrize("asks", [True, False], ids=["asked", "the control"])
def test_the_owner_is_asked_for_what_it_was_told_of(tmp_path: Path, asks: bool) -> None:
    """The warehouse has committed a sale, a movement has its levels read a moment too early, and nothing of the commitment is told:
    the other channel shows too few until the item is read again, seconds later; control: it does not recover (C61)."""

    async def run() -> None:
        engine = _engine(tmp_path, TEE=10, CAP=10)
        warehouse = _warehouse(engine, lag_seconds=5.0, only_tells=False)
        async with engine:
            await engine.run(10)
            if not asks:
                await _deafen(engine)
            await _sold(engine, "TEE", 2, "1001")
            warehouse.moved.append("TEE")
            await engine.run(4)
            assert engine.shops[TILL].shown == {"TEE": 6, "CAP": 10}, (
                "void: the count was to have the sale, unknown to be in it"
            )
            await engine.run(6)
            assert engine.shops[TILL].shown == {"TEE": 8 if asks else 6, "CAP": 10}
            assert warehouse.asked == ([("TEE",)] if asks else [])
            assert _unseen(engine) == (0 if asks else 1)

    asyncio.run(run())


@pytest.mark.parametrize("asks", [True, False], ids=["asked", "the control"])
def test_what_a_cancelled_order_gives_back_is_counted_soon(tmp_path: Path, asks: bool) -> None:
    """The order is cancelled after the warehouse has counted with it: the hub subtracts nothing, but the warehouse's last number
    still lacks the pieces, and no movement tells of them; control: so it stays until everything is read."""

    async def run() -> None:
        engine = _engine(tmp_path, TEE=10)
        warehouse = _warehouse(engine)
        async with engine:
            await engine.run(10)
            await _sold(engine, "TEE", 2, "1001")
            await engine.run(5)
            assert (_unseen(engine), engine.shops[TILL].shown) == (0, {"TEE": 8})
            if not asks:
                await _deafen(engine)
            await engine.tell_sale("TEE", 0, "1001", version=2)
            await engine.run(1)
            warehouse.pieces["TEE"] += 2
            await _link(engine, "1001", version=2)
            await engine.run(5)
            assert engine.shops[TILL].shown == {"TEE": 10 if asks else 8}
            assert engine.rows("SELECT quantity, seen FROM stock_reservation") == [(0, 0)]

    asyncio.run(run())


def test_a_sale_that_is_told_late_is_asked_for_then(tmp_path: Path) -> None:
    """The warehouse was down for an hour: nothing is asked meanwhile, however often the hub looks; each item once it was told."""

    async def run() -> None:
        engine = _engine(tmp_path, TEE=10)
        warehouse = _warehouse(engine)
        async with engine:
            await engine.run(10)
            await _sold(engine, "TEE", 2, "1001", told=False)
            await engine.run(120)
            assert (warehouse.asked, _unseen(engine)) == ([], 1)
            await _link(engine, "1001")
            await engine.run(5)
            assert (warehouse.asked, _unseen(engine)) == ([("TEE",)], 0)

    asyncio.run(run())


def test_an_item_that_sells_all_the_time_is_asked_for_now_and_then(tmp_path: Path) -> None:
    """Thirty sales in a minute of levels that are ten seconds old: a few calls, none of them put off for ever by the next sale, and
    the last sale is seen as well."""

    async def run() -> None:
        engine = _engine(tmp_path, TEE=100)
        warehouse = _warehouse(engine, lag_seconds=10.0)
        async with engine:
            await engine.run(10)
            for number in range(30):
                await _sold(engine, "TEE", 1, f"{number}")
                await engine.run(2)
            assert _unseen(engine) < 15, "the first of them were seen meanwhile"
            await engine.run(30)
            assert _unseen(engine) == 0
            assert len(warehouse.asked) <= 10

    asyncio.run(run())


def test_what_is_told_together_is_read_together_and_the_owner_rests(tmp_path: Path) -> None:
    """Forty items are one call, and the next comes no sooner than the source allows."""

    async def run() -> None:
        skus = {f"S_{number}": 10 for number in range(41)}
        engine = _engine(tmp_path, **skus)
        warehouse = _warehouse(engine, read_rest_seconds=20.0)
        async with engine:
            await engine.run(10)
            for number in range(40):
                await _sold(engine, f"S-{number}", 1, f"{number}")
            await engine.run(4)
            assert [len(items) for items in warehouse.asked] == [40]
            await _sold(engine, "S-40", 1, "40")
            await engine.run(15)
            assert len(warehouse.asked) == 1
            await engine.run(10)
            assert warehouse.asked[1:] == [("S-40",)]
            assert _unseen(engine) == 0

    asyncio.run(run())


def test_an_item_that_is_refused_keeps_no_other_from_being_read(tmp_path: Path) -> None:
    """The owner refuses a call for the sake of one item: the others are read all the same."""

    async def run() -> None:
        engine = _engine(tmp_path, A=10, B=10, C=10, D=10)
        warehouse = _warehouse(engine)
        refused = Refused(reason="validation", code="400", message="no such item")
        warehouse.answer = lambda items: refused if "C" in items else None
        async with engine:
            await engine.run(10)
            for sku in "ABCD":
                await _sold(engine, sku, 1, sku)
            await engine.run(5)
            assert engine.rows("SELECT sku FROM stock_reservation WHERE quantity > seen") == [("C",)]

    asyncio.run(run())


def test_an_owner_that_is_down_is_left_alone(tmp_path: Path) -> None:
    """It does not answer for a minute: a few calls, each after a longer pause, and the sale is seen when it is back."""

    async def run() -> None:
        engine = _engine(tmp_path, TEE=10, CAP=10)
        warehouse = _warehouse(engine)
        warehouse.answer = lambda _: Retry(code="503", message="busy", status=503)
        async with engine:
            await engine.run(10)
            await _sold(engine, "TEE", 1, "1")
            await _sold(engine, "CAP", 1, "2")
            await engine.run(60)
            assert 4 <= len(warehouse.asked) <= 8
            warehouse.answer = lambda _: None
            await engine.run(120)
            assert _unseen(engine) == 0

    asyncio.run(run())


def test_one_that_only_tells_is_asked_for_nothing(tmp_path: Path) -> None:
    """A warehouse that drops files cannot be asked: its next file has the sale in it."""

    async def run() -> None:
        engine = _engine(tmp_path, TEE=10)
        warehouse = _warehouse(engine, only_tells=True)
        async with engine:
            await engine.tell(WMS, levels=(warehouse.level("TEE"),), ends="whole")
            await engine.run(10)
            await _sold(engine, "TEE", 2, "1001")
            await engine.run(30)
            assert (warehouse.asked, _unseen(engine)) == ([], 1)
            assert engine.rows("SELECT * FROM stock_again") == []
            await engine.tell(WMS, levels=(warehouse.level("TEE"),), ends="whole")
            await engine.run(3)
            assert (_unseen(engine), engine.shops[TILL].shown) == (0, {"TEE": 8})

    asyncio.run(run())


def test_a_source_rests_as_long_as_its_last_page_says(tmp_path: Path) -> None:
    """The last page of a reading says how soon the next may come; it was ignored, and the reading came each second."""

    async def run() -> None:
        engine = _engine(tmp_path, TEE=10)
        warehouse = _warehouse(engine)
        warehouse.rest_seconds = 20.0
        async with engine:
            await engine.run(10)
            before = warehouse.levels_read
            await engine.run(60)
            assert 2 <= warehouse.levels_read - before <= 4
            warehouse.rest_seconds = 0.0
            await engine.run(80)
            assert warehouse.levels_read - before > 30, "the control: without a rest it is read each second"

    asyncio.run(run())


# -- what a look costs

HALL = Inventory(locations={"hall": Location("wms", {"wms": ["H"], "shop": ["S"]})})
WAITING = 2_000
ITEMS = [f"S{number}" for number in range(50)]


class Desk:
    """Wakes nobody."""

    def wake(self) -> None:
        pass


class StageClock:
    """The stage's time."""

    def __init__(self, stage: BookStage) -> None:
        self._stage = stage

    def now_ms(self) -> int:
        return self._stage.now_us // 1_000

    async def sleep(self, seconds: float) -> None:
        del seconds


class Waiting(BookStage):
    """`async with Waiting(tmp_path) as stage:` 2,000 sales of fifty items wait, and their owner has counted these as of then.
    `seen_by`: the flow by which it is told of sales."""

    def __init__(self, folder: Path, *, counted_us: int = 0, seen_by: str = "stock-to-shop") -> None:
        publish = Publish(settle_seconds=0.0, sales_seen_by=seen_by)
        super().__init__(folder, HALL, publish=publish, wms=ITEMS, shop=ITEMS)
        self._counted_us = counted_us

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.rules._sources["stock-to-shop"] = "shop"
        await self.run(_reserve)
        for sku in ITEMS:
            await self.count("wms", sku, "H", 100, as_of_us=self._counted_us)
        self.seeing = Seeing(self.book, Desk(), StageClock(self))  # type: ignore[arg-type]
        return self

    async def told(self, *sales: int) -> None:
        """The flow delivers them to the owner now, one a millisecond."""
        rows = [("wms", "shop", str(sale), 1, self.now_us // 1_000 + at) for at, sale in enumerate(sales)]
        await self.ledger.group.run(lambda connection: connection.executemany(LINK, rows))

    async def read_whole(self) -> None:
        """The owner has told all there is until now."""
        await self.run(lambda work: work.read("wms", "levels", Read(fresh_us=self.now_us, whole_us=self.now_us)))

    async def looks(self) -> None:
        """One look at what has become known."""
        await self.seeing.look(self.rules, {})

    def left(self) -> int:
        """Sales that still wait."""
        return len(self.book.look(lambda work: work.unseen((0, "", "", "", ""), self.now_us, WAITING)))


def _reserve(work: StockWork) -> None:
    for number in range(WAITING):
        line = Reserved(
            sku=f"S{number % 50}", channel="shop", sale=str(number), place="S", quantity=1, version=1,
            accepted_us=START_US + number, name="",
        )  # fmt: skip
        work.reserve(line)


def test_a_look_costs_what_was_told_and_not_what_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An owner is down and 2,000 sales wait: a look takes up a few of them in turn, not all; when three were told and the owner has
    counted, just these are seen. Control: to look at all of them costs all of them."""
    looked = list[Reserved]()
    waiting = Publishing.waiting

    def counted(self: Publishing, line: Reserved) -> Any:
        looked.append(line)
        return waiting(self, line)

    monkeypatch.setattr(Publishing, "waiting", counted)

    async def run() -> None:
        async with Waiting(tmp_path) as stage:
            stage.now_us += 3_600_000_000
            await stage.looks()
            assert len(looked) <= AT_ONCE
            looked.clear()
            await stage.looks()
            assert looked == []
            await stage.told(7, 11, 1999)
            stage.now_us += 10_000_000
            await stage.read_whole()
            await stage.looks()
            assert {line.sale for line in looked} == {"7", "11", "1999"}
            assert stage.left() == WAITING - 3
            looked.clear()
            await stage.see()
            assert len(looked) == WAITING - 3, "the control"

    asyncio.run(run())


def test_in_turn_all_that_waits_is_looked_at(tmp_path: Path) -> None:
    """A sale whose time has passed unnoticed, as by a release that names another flow, is seen all the same, in its turn."""

    async def run() -> None:
        async with Waiting(tmp_path, counted_us=START_US + 1, seen_by="") as stage:
            stage.now_us += 3 * 86_400_000_000
            await stage.read_whole()
            for _ in range(WAITING // AT_ONCE + 1):
                await stage.looks()
                stage.now_us += 31_000_000
            assert stage.left() == 0

    asyncio.run(run())


def test_what_was_sold_often_is_worked_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of fifty items was sold forty times while its owner was down: when all become known, each is worked out once, not for each
    sale anew."""
    worked_out = list[str]()
    worked = WorkingOut._of_sku

    def counted(self: WorkingOut, publishing: Publishing, sku: str, event: int) -> int:
        worked_out.append(sku)
        return worked(self, publishing, sku, event)

    monkeypatch.setattr(WorkingOut, "_of_sku", counted)

    async def run() -> None:
        async with Waiting(tmp_path) as stage:
            await stage.told(*range(WAITING))
            stage.now_us += 3_600_000_000
            await stage.read_whole()
            stage.seeing._round_us = stage.now_us
            worked_out.clear()
            marks = Marks(asked=(stage.now_us // 1_000, "", ""))
            text = msgspec.json.encode(marks).decode()
            await stage.run(lambda work: work.read("", f"{MARKS}wms", Read(cursor=text)))
            await stage.looks()
            assert stage.left() == 0
            assert sorted(worked_out) == sorted(ITEMS)

    asyncio.run(run())


def test_when_an_order_was_told_is_asked_by_its_key(tmp_path: Path) -> None:
    """The index by which new orders are found tempts the planner to walk all orders of a system for the newest; control: without the
    plus signs it does."""

    async def run() -> None:
        async with BookStage(tmp_path, HALL) as stage:
            query = statements("stock_book.sql")["told_owner"]

            def plan(text: str) -> str:
                connection = stage.ledger.group.reading
                return str(connection.execute("EXPLAIN QUERY PLAN " + text, ("wms", "shop", "1", 1)).fetchall())

            assert "PRIMARY KEY (object=? AND key=?" in plan(query)
            assert "link_of_orders_by_time" in plan(query.replace("+", ""))

    asyncio.run(run())
