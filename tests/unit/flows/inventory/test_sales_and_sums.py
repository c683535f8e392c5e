"""What is sold and not yet seen is subtracted, wherever it lies and whatever it is a part of: paths by which it was not."""

import asyncio
from pathlib import Path

from book_stage import START_US, BookStage

from interlock.strategy.inventory import Group, Inventory, Kit, Location, Publish

NEAR = Location("wms", {"wms": ["N"], "shop": ["S"]})
FAR = Location("wms", {"wms": ["F"], "shop": ["S"]})
BOTH = Inventory(locations={"near": NEAR, "far": FAR})
ONE = Inventory(locations={"near": NEAR})


def test_a_sale_larger_than_the_first_location_takes_from_the_next(tmp_path: Path) -> None:
    """A place shows the sum of two locations, and a sale takes more than the first has: the rest of it was nowhere subtracted,
    and sold twice (C61)."""

    async def run() -> None:
        async with BookStage(tmp_path, BOTH, wms=["TEE"], shop=["TEE"]) as stage:
            await stage.count("wms", "TEE", "N", 1)
            await stage.count("wms", "TEE", "F", 10)
            await stage.sell("shop", "1001", {"TEE": 5}, place="S")
            assert stage.sum("shop", "S", "TEE").quantity == 6
            await stage.sell("shop", "1002", {"TEE": 5}, place="S")
            await stage.sell("shop", "1003", {"TEE": 5}, place="S")
            assert stage.sum("shop", "S", "TEE").quantity == 0

    asyncio.run(run())


def test_a_sale_that_names_no_place_takes_from_where_its_channel_shows(tmp_path: Path) -> None:
    """A channel that does not say where it takes from takes from a location that it shows: not from the first of the file,
    which it knows nothing of (C61)."""
    elsewhere = Location("wms", {"wms": ["F"], "market": ["DEFAULT"]})
    inventory = Inventory(locations={"near": NEAR, "far": elsewhere})

    async def run() -> None:
        flows = {"stock-to-shop": ("wms", ["shop", "market"])}
        async with BookStage(tmp_path, inventory, flows=flows, wms=["TEE"], shop=["TEE"], market=["TEE"]) as stage:
            await stage.count("wms", "TEE", "N", 10)
            await stage.count("wms", "TEE", "F", 10)
            await stage.sell("market", "A-1", {"TEE": 3})
            assert stage.sum("market", "DEFAULT", "TEE").quantity == 7
            assert stage.sum("shop", "S", "TEE").quantity == 10

    asyncio.run(run())


def test_pieces_that_an_order_takes_again_are_subtracted_again(tmp_path: Path) -> None:
    """The owner knew of two, then of one; when the order takes three again, two of them are news (C61)."""

    async def run() -> None:
        async with BookStage(tmp_path, ONE, wms=["TEE"], shop=["TEE"]) as stage:
            await stage.count("wms", "TEE", "N", 10)
            await stage.sell("shop", "1001", {"TEE": 2})
            stage.now_us += 60_000_000
            await stage.count("wms", "TEE", "N", 8)
            await stage.see()
            assert stage.sum("shop", "S", "TEE").quantity == 8
            await stage.sell("shop", "1001", {"TEE": 1}, version=2)
            stage.now_us += 60_000_000
            await stage.count("wms", "TEE", "N", 9)
            await stage.sell("shop", "1001", {"TEE": 3}, version=3, accepted_us=stage.now_us)
            [line] = await stage.run(lambda work: work.reserved("TEE"))
            assert line.quantity - line.seen == 2

    asyncio.run(run())


def test_a_place_that_its_owner_has_no_more_is_counted_no_more(tmp_path: Path) -> None:
    """The folder takes a place of the owner out of a location: what was counted there is not sold for ever after."""

    async def run() -> None:
        two = Inventory(locations={"near": Location("wms", {"wms": ["N", "N2"], "shop": ["S"]})})
        async with BookStage(tmp_path, two, wms=["TEE"], shop=["TEE"]) as stage:
            await stage.count("wms", "TEE", "N", 3)
            await stage.count("wms", "TEE", "N2", 4)
            assert stage.sum("shop", "S", "TEE").quantity == 7
            stage.rules = stage.rules_of(ONE)
            assert stage.sum("shop", "S", "TEE").quantity == 3

    asyncio.run(run())


def test_a_channel_is_never_shown_what_it_counts_itself(tmp_path: Path) -> None:
    """A group of items is counted by the till at a location that the warehouse counts else: writing the till's own number back
    to it, less a safety stock, would count it down to nothing (C67)."""
    inventory = Inventory(
        locations={"near": NEAR}, groups=(Group(name="apparel", skus=["TEE*"], owner="shop", at=["near"]),)
    )

    async def run() -> None:
        publish = Publish(safety_stock=1, settle_seconds=0.0)
        async with BookStage(tmp_path, inventory, publish=publish, wms=["TEE", "CAP"], shop=["TEE", "CAP"]) as stage:
            assert await stage.count("shop", "TEE", "S", 10) == 0
            assert not await stage.run(lambda work: work.shown_of("TEE"))
            assert await stage.count("wms", "CAP", "N", 10) == 1, "the control: what the warehouse counts is shown"

    asyncio.run(run())


def test_a_sale_is_known_when_the_owner_of_where_it_lies_knows_it(tmp_path: Path) -> None:
    """Another system counts the same item elsewhere and never hears of this channel's orders: their lines were kept and looked
    at for ever."""
    inventory = Inventory(locations={"near": NEAR, "store": Location("erp", {"erp": ["E"]})})

    async def run() -> None:
        async with BookStage(tmp_path, inventory, wms=["TEE"], shop=["TEE"], erp=["TEE"]) as stage:
            await stage.count("erp", "TEE", "E", 5)
            await stage.count("wms", "TEE", "N", 10)
            await stage.sell("shop", "1001", {"TEE": 2}, place="S")
            stage.now_us += 60_000_000
            await stage.count("wms", "TEE", "N", 8)
            await stage.see()
            assert await stage.run(lambda work: work.reserved("TEE")) == []

    asyncio.run(run())


def test_the_sale_of_a_kit_explains_the_place_of_the_kit(tmp_path: Path) -> None:
    """A channel that sells a kit counts the kit down, not its parts: that is what the order explains. Else the kit's place is
    short of a sale that nobody told, and its parts wait for one that never comes."""
    inventory = Inventory(locations={"near": NEAR}, kits=(Kit(sku="SET", of={"TEE": 2, "CAP": 1}),))

    async def run() -> None:
        async with BookStage(tmp_path, inventory, wms=["TEE", "CAP"], shop=["TEE", "CAP", "SET"]) as stage:
            await stage.count("wms", "TEE", "N", 10)
            await stage.count("wms", "CAP", "N", 10)
            for sku, pieces in (("TEE", 10), ("CAP", 10), ("SET", 5)):
                await stage.showed("shop", "S", sku, pieces)
            await stage.sell("shop", "1001", {"SET": 1, "TEE": 3})
            assert {sku: stage.shown("shop", "S", sku).sold for sku in ("SET", "TEE", "CAP")} == {
                "SET": 1, "TEE": 3, "CAP": 0,
            }  # fmt: skip

    asyncio.run(run())


def test_an_owner_whose_clock_is_fast_does_not_know_sales_of_before_it_was_told(tmp_path: Path) -> None:
    """A count says that it holds as of ten minutes from now: it holds no later than when it was told."""

    async def run() -> None:
        async with BookStage(tmp_path, ONE, wms=["TEE"], shop=["TEE"]) as stage:
            await stage.count("wms", "TEE", "N", 10, as_of_us=START_US + 600_000_000)
            stage.now_us += 10_000_000
            await stage.sell("shop", "1001", {"TEE": 2})
            stage.now_us += 10_000_000
            assert stage.sum("shop", "S", "TEE").quantity == 8

    asyncio.run(run())


def test_a_sale_from_a_place_that_is_no_stock_takes_nothing(tmp_path: Path) -> None:
    """What a drop shipper sends lies at none of our locations: subtracted there it would be missed until somebody counts. The
    other line of the same order is subtracted, which is the control."""
    inventory = Inventory(locations={"near": NEAR}, ignored_places=frozenset({("shop", "VIRTUAL")}))

    async def run() -> None:
        async with BookStage(tmp_path, inventory, wms=["TEE"], shop=["TEE"]) as stage:
            await stage.count("wms", "TEE", "N", 10)
            await stage.sell("shop", "1001", {"TEE": 3}, place="VIRTUAL")
            assert stage.sum("shop", "S", "TEE").quantity == 10
            await stage.sell("shop", "1002", {"TEE": 3}, place="S")
            assert stage.sum("shop", "S", "TEE").quantity == 7

    asyncio.run(run())


def test_a_sum_that_ends_below_nothing_and_one_of_a_kit_add_up(tmp_path: Path) -> None:
    """An operator adds the terms up: what is kept back beyond what is there, and the parts of a kit, ended in another number than
    the one below the line (C61, C65). The stage checks every sum of these tests so; this one has the terms that were missing."""

    async def run() -> None:
        kits = Inventory(locations={"near": NEAR}, kits=(Kit(sku="SET", of={"TEE": 2, "CAP": 1}),))
        async with BookStage(tmp_path, kits, publish=Publish(safety_stock=3), wms=["TEE", "CAP"], shop=["TEE", "CAP", "SET"]) as stage:
            await stage.count("wms", "TEE", "N", 1)
            await stage.count("wms", "CAP", "N", 9)
            short = stage.sum("shop", "S", "TEE")
            assert [term.amount for term in short.terms] == [1, -3, 2]
            assert short.terms[-1].what == "no channel shows less than 0"
            await stage.count("wms", "TEE", "N", 13)
            kit = stage.sum("shop", "S", "SET")
            assert [(term.part, term.amount) for term in kit.terms if term.part] == [("TEE", 13), ("TEE", -3), ("CAP", 9), ("CAP", -3)]
            assert [(term.what, term.amount) for term in kit.terms if not term.part] == [("whole kits of 2 TEE, 1 CAP", 5)]

    asyncio.run(run())
