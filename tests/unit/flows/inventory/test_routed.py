"""A channel that decides after a sale where it takes it from: the pieces are subtracted there, and move when it changes its mind."""

import asyncio
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from book_stage import START_US, BookStage
from hypothesis import given
from hypothesis import strategies as st

from interlock.flows.inventory.routed import shift, where_known
from interlock.messaging.delivery import BACKFILL, LIVE
from interlock.messaging.event import Event
from interlock.messaging.stock import Sale, SaleLine, Told
from interlock.messaging.stock_book import DIALECT, Reserved
from interlock.strategy.inventory import Inventory, Kit, Location

OUTLET = Location("erp", {"erp": ["E"], "shop": ["B"]})
STORE = Location("till", {"till": ["T"], "shop": ["W"]})
TWO = Inventory(locations={"outlet": OUTLET, "store": STORE})
FLOWS = {"erp-stock": ("erp", ["shop"]), "till-stock": ("till", ["shop"])}
pieces = st.dictionaries(st.sampled_from(["", "B", "W", "X"]), st.integers(1, 5))


def stage_of(folder: Path, inventory: Inventory = TWO) -> BookStage:
    goods = ["TEE", "CAP", "SET"]
    return BookStage(folder, inventory, flows=FLOWS, erp=goods, till=goods, shop=goods)


async def counted(stage: BookStage, sku: str = "TEE") -> None:
    """Ten at the outlet, five in the store, and the shop shows them."""
    await stage.count("erp", sku, "E", 10)
    await stage.count("till", sku, "T", 5)
    await stage.showed("shop", "B", sku, 10)
    await stage.showed("shop", "W", sku, 5)


def sums(stage: BookStage, sku: str = "TEE") -> tuple[int, int]:
    return stage.sum("shop", "B", sku).quantity, stage.sum("shop", "W", sku).quantity


def expected(stage: BookStage, sku: str = "TEE") -> tuple[int, int]:
    """What is still to go at both places."""
    return stage.shown("shop", "B", sku).sold, stage.shown("shop", "W", sku).sold


def test_a_sale_is_subtracted_where_the_channel_takes_it_from(tmp_path: Path) -> None:
    """Two owners of one SKU at one shop: before it is told where a sale is taken from it lies at the first, which is the control; then
    at the other one, in words, and no later news of the order that names no place takes it back. It goes along when it is moved."""

    async def run() -> None:
        async with stage_of(tmp_path) as stage:
            await counted(stage)
            await stage.sell("shop", "1", {"TEE": 2}, unrouted=True)
            assert sums(stage) == (8, 5)
            await stage.sell("shop", "1", {"TEE": 2}, place="W")
            assert sums(stage) == (10, 3)
            words = [term.what for term in stage.sum("shop", "W", "TEE").terms]
            assert "sold at shop as #1 from W, not yet seen by till" in words
            await stage.sell("shop", "1", {"TEE": 2}, version=2, unrouted=True)
            assert sums(stage) == (10, 3)
            await stage.sell("shop", "1", {"TEE": 2}, place="B", version=2)
            assert sums(stage) == (8, 5)
            await stage.sell("shop", "1", {}, version=3)
            assert sums(stage) == (10, 5)

    asyncio.run(run())


def test_nothing_is_expected_to_go_where_nothing_was_taken(tmp_path: Path) -> None:
    """Until the place is told a sale may go anywhere; then only there, and what the other place showed is known still. Where it was
    moved from nobody knows what is shown: the channel has put the pieces back."""

    async def run() -> None:
        async with stage_of(tmp_path) as stage:
            await counted(stage)
            await stage.sell("shop", "1", {"TEE": 2}, unrouted=True)
            assert expected(stage) == (2, 2)
            await stage.sell("shop", "2", {"TEE": 1}, unrouted=True)
            await stage.sell("shop", "1", {"TEE": 2}, place="W")
            assert expected(stage) == (1, 3), "the second may still go at either"
            assert stage.shown("shop", "B", "TEE").seen == 10
            await stage.sell("shop", "1", {"TEE": 2}, place="B")
            assert expected(stage) == (3, 3)
            assert stage.shown("shop", "W", "TEE").seen is None

    asyncio.run(run())


def test_pieces_of_a_kit_go_as_the_kit(tmp_path: Path) -> None:
    """A kit with a number of its own: its parts' numbers stand still at the shop, wherever it is taken from."""
    inventory = Inventory(locations=TWO.locations, kits=(Kit("SET", {"TEE": 2, "CAP": 1}),))

    async def run() -> None:
        async with stage_of(tmp_path, inventory) as stage:
            for sku in ("TEE", "CAP"):
                await counted(stage, sku)
            for place in ("B", "W"):
                await stage.showed("shop", place, "SET", 5)
            await stage.sell("shop", "9", {"TEE": 1}, unrouted=True)
            await stage.sell("shop", "1", {"SET": 1}, unrouted=True)
            assert (expected(stage), expected(stage, "SET")) == ((1, 1), (1, 1))
            await stage.sell("shop", "1", {"SET": 1}, place="W")
            assert (expected(stage), expected(stage, "SET")) == ((1, 1), (0, 1))
            assert sums(stage, "CAP") == (10, 4)

    asyncio.run(run())


def test_an_order_that_only_lies_elsewhere_was_told_already(tmp_path: Path) -> None:
    """Its owner was told of a version of it; where it is taken from changes that no more than a note does. As many pieces more do."""

    async def run() -> None:
        async with stage_of(tmp_path) as stage:
            await counted(stage)
            await stage.sell("shop", "1", {"TEE": 2}, version=5, unrouted=True)
            await stage.sell("shop", "1", {"TEE": 2}, version=6, place="W")
            assert [(line.place, line.version) for line in await stage.run(lambda work: work.reserved("TEE"))] == [("W", 5)]
            await stage.sell("shop", "1", {"TEE": 3}, version=7, place="W")
            assert [(line.place, line.version) for line in await stage.run(lambda work: work.reserved("TEE"))] == [("W", 7)]

    asyncio.run(run())


def test_what_is_taken_from_no_stock_is_subtracted_nowhere(tmp_path: Path) -> None:
    """A drop shipper's place is passed over. Once that is known, news of the order that name no place do not subtract it again, and
    nobody waits for an owner to know of it. The control: before it is known, it is subtracted."""
    inventory = Inventory(locations=TWO.locations, ignored_places=frozenset({("shop", "D")}))

    async def run() -> None:
        async with stage_of(tmp_path, inventory) as stage:
            await counted(stage)
            await stage.sell("shop", "1", {"TEE": 2}, unrouted=True)
            assert sums(stage) == (8, 5)
            await stage.sell("shop", "1", {"TEE": 2}, place="D")
            assert (sums(stage), expected(stage)) == ((10, 5), (0, 0))
            await stage.sell("shop", "1", {"TEE": 2}, version=2, unrouted=True)
            assert sums(stage) == (10, 5)
            assert await stage.run(lambda work: work.reserved("TEE")) == []

    asyncio.run(run())


def test_a_place_that_the_folder_does_not_know_is_no_place(tmp_path: Path) -> None:
    """It is subtracted as if no place were told, rather than nowhere."""

    async def run() -> None:
        async with stage_of(tmp_path) as stage:
            await counted(stage)
            await stage.sell("shop", "1", {"TEE": 2}, place="ELSEWHERE")
            assert sums(stage) == (8, 5)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("locations", "dialect", "priority", "asked"),
    [
        (TWO.locations, "shopify-webhook", LIVE, 1), ({"outlet": OUTLET}, "shopify-webhook", LIVE, 0),
        (TWO.locations, DIALECT, LIVE, 0), (TWO.locations, "shopify-webhook", BACKFILL, 0),
    ],
)  # fmt: skip
def test_an_order_is_read_where_its_place_matters(
    tmp_path: Path, locations: dict[str, Location], dialect: str, priority: int, asked: int
) -> None:
    """Each reading costs the shop's points: none where all lies at one location, none for an order that was just read, none for the
    thousands of a backfill."""
    event = Event(
        system="shop", dialect=dialect, topic="orders/create", object="order", key="1", received_at_ms=START_US // 1_000,
        release="r1", sha256=b"", body=b"", position=7, priority=priority,
    )  # fmt: skip
    sale = Sale(
        key="1", version=1, accepted_us=START_US, lines=(SaleLine(item="TEE", sku="TEE", quantity=1),), unrouted=True
    )

    async def run() -> None:
        async with stage_of(tmp_path, Inventory(locations=locations)) as stage:
            await stage.take(lambda taking: taking.take(event, Told(sales=(sale,))))
            due = await stage.run(partial(lambda work: work.to_read("shop", START_US + 5_000_000, 10)))
            assert due == [("order", "1", 7, 0)] * asked

    asyncio.run(run())


def test_an_order_is_read_again_though_the_clock_was_set_back(tmp_path: Path) -> None:
    """An edit, a refund or a place that is asked for in a second would be asked for in an hour. A count that is put off for an hour
    stays so, and an order that was put off for a pause waits for its end: the controls."""
    again, hour_us = START_US + 1_000_000, 3_600_000_000

    async def run() -> None:
        async with stage_of(tmp_path) as stage:
            await stage.run(lambda work: work.again("shop", "order", "1", 7, again))
            await stage.run(lambda work: work.again("shop", "inventory_level", "TEE", 8, again))
            for now_us, due in ((START_US, []), (again - 300_000_000, []), (START_US - hour_us, ["1"]), (again, ["1", "TEE"])):
                found = await stage.run(partial(lambda work, now_us: work.to_read("shop", now_us, 10), now_us=now_us))
                assert sorted(row[1] for row in found) == due

    asyncio.run(run())


@given(before=pieces, now=pieces)
def test_every_piece_is_accounted_for(before: dict[str, int], now: dict[str, int]) -> None:
    """What is found and what is more is what each place has gained, and only what had no place is found."""
    changed = shift(before, now)
    gained = Counter(now) - Counter(before)
    assert Counter(changed.found) + Counter(changed.more) == gained
    assert sum(changed.found.values()) <= before.get("", 0)
    lost = Counter(before) - Counter(now)
    assert set(changed.left) - {""} == set(lost) - {""}


@given(before=pieces, now=pieces)
def test_news_without_a_place_neither_make_pieces_nor_lose_them(before: dict[str, int], now: dict[str, int]) -> None:
    """As many as it takes, at places that are known as far as they go."""

    def lines(of: dict[str, int]) -> dict[tuple[str, str], Reserved]:
        return {
            ("TEE", place): Reserved(sku="TEE", channel="shop", sale="1", place=place, quantity=count, version=1, accepted_us=1)
            for place, count in of.items()
        }  # fmt: skip

    placed = where_known(lines(before), lines(now))
    assert sum(line.quantity for line in placed.values()) == sum(now.values())
    known = sum(count for place, count in before.items() if place)
    kept = sum(min(line.quantity, before.get(line.place, 0)) for line in placed.values() if line.place)
    assert kept >= min(known, sum(now.values()))
