"""Terms for one location, and flows that share a channel: who shows what, under which terms, and which sales its owner knows of."""

import asyncio
from pathlib import Path

from book_stage import BookStage

from interlock.operations.stock_silence import allowed_minutes
from interlock.strategy.inventory import Group, Inventory, Location, Publish, PublishRule

CICERO = Location("wms", {"wms": ["C"], "shop": ["1"]})
RENO = Location("wms", {"wms": ["R"], "shop": ["2"]})
TILL = Location("till", {"till": ["L1"], "erp": ["4"], "shop": ["3"]})
TWO = Inventory(locations={"cicero": CICERO, "reno": RENO})
MINUTE_US = 60_000_000


def only(location: str, **terms: object) -> Publish:
    """Terms with a rule for one location."""
    return Publish(settle_seconds=0.0, rule=[PublishRule(location=location, **terms)])  # type: ignore[arg-type]


def test_a_rule_for_a_location_holds_for_the_place_that_shows_it(tmp_path: Path) -> None:
    """How a difference is healed and how soon a place is written are of the place; a rule for its location had no effect on them,
    and nobody said so. The other place, which follows the flow's own terms, is the control."""

    async def run() -> None:
        terms = only("reno", heal="ask", settle_seconds=9.0, unexplained_seconds=7.0, cap=5)
        async with BookStage(tmp_path, TWO, publish=terms, wms=["TEE"], shop=["TEE"]) as stage:
            for place, heal, seconds in (("2", "ask", (9.0, 7.0)), ("1", "auto", (0.0, 300.0))):
                channel = stage.rules.channel("shop", place)
                assert channel is not None
                found = stage.rules.terms(channel, "TEE", place)
                assert (found.heal, (found.settle_seconds, found.unexplained_seconds)) == (heal, seconds)
            for native, place, quantity in (("R", "2", 5), ("C", "1", 8)):
                await stage.count("wms", "TEE", native, 8)
                assert stage.sum("shop", place, "TEE").quantity == quantity

    asyncio.run(run())


def test_an_owner_may_hear_of_sales_later_at_one_location(tmp_path: Path) -> None:
    """A store that books its sales now and then has counted and not counted them: what it sold was shown again after seconds (C61). The
    other location knows at once, which is the control."""

    async def run() -> None:
        terms = only("reno", sales_seen_after_minutes=20.0)
        async with BookStage(tmp_path, TWO, publish=terms, wms=["TEE"], shop=["TEE"]) as stage:
            for native, place in (("R", "2"), ("C", "1")):
                await stage.count("wms", "TEE", native, 10)
                await stage.sell("shop", f"A{place}", {"TEE": 3}, place=place)
            stage.now_us += 10 * MINUTE_US
            for native in ("R", "C"):
                await stage.count("wms", "TEE", native, 10)
            assert [stage.sum("shop", place, "TEE").quantity for place in ("2", "1")] == [7, 10]
            stage.now_us += 20 * MINUTE_US
            await stage.count("wms", "TEE", "R", 7)
            assert stage.sum("shop", "2", "TEE").quantity == 7

    asyncio.run(run())


def test_of_two_flows_the_one_whose_source_counts_the_group_shows_it(tmp_path: Path) -> None:
    """A till owns its store, the ERP counts the shirts in it: neither flow to the shop showed them, because the source of neither
    owns the location. The mugs of the till stay where they are, which is the control."""
    inventory = Inventory(
        locations={"cicero": CICERO, "store": TILL},
        groups=(Group(name="shirts", skus=["TEE"], owner="erp", at=["store"]),),
    )

    async def run() -> None:
        flows = {"wms-to-shop": ("wms", ["shop"]), "erp-to-shop": ("erp", ["shop"])}
        every = {name: ["TEE", "MUG"] for name in ("wms", "erp", "till", "shop")}
        async with BookStage(tmp_path, inventory, flows=flows, **every) as stage:
            assert {one.flow: one.locations for one in stage.rules.channels["shop"]} == {
                "wms-to-shop": ("cicero",),
                "erp-to-shop": ("store",),
            }
            await stage.count("erp", "TEE", "4", 6)
            await stage.count("erp", "MUG", "4", 6)
            assert stage.sum("shop", "3", "TEE").quantity == 6
            assert not stage.sum("shop", "3", "MUG").counted

    asyncio.run(run())


def test_a_place_is_shown_by_one_flow_whoever_counts_a_group_there(tmp_path: Path) -> None:
    """Where the warehouse owns a location and the ERP counts the shirts, the warehouse's flow shows both with their own counts: two
    flows would write one place."""
    both = Location("wms", {"wms": ["C"], "erp": ["4"], "shop": ["1"]})
    groups = (Group(name="shirts", skus=["TEE"], owner="erp"),)
    inventory = Inventory(locations={"cicero": both, "store": TILL}, groups=groups)

    async def run() -> None:
        flows = {"wms-to-shop": ("wms", ["shop"]), "erp-to-shop": ("erp", ["shop"])}
        every = {name: ["TEE", "MUG"] for name in ("wms", "erp", "shop")}
        async with BookStage(tmp_path, inventory, flows=flows, **every) as stage:
            channel = stage.rules.channel("shop", "1")
            assert channel is not None and channel.flow == "wms-to-shop"
            await stage.count("erp", "TEE", "4", 6)
            await stage.count("wms", "TEE", "C", 99)
            await stage.count("wms", "MUG", "C", 8)
            assert [stage.sum("shop", "1", sku).quantity for sku in ("TEE", "MUG")] == [6, 8]

    asyncio.run(run())


def test_how_long_a_source_may_be_silent_is_asked_for_what_it_counts(tmp_path: Path) -> None:
    """Publishing stopped after the minutes of a rule, and nobody was called before the flow's own hour was over; whoever counts a
    group only was never missed (C66)."""
    groups = (Group(name="shirts", skus=["TEE"], owner="erp"),)
    inventory = Inventory(locations={"cicero": CICERO, "reno": RENO}, groups=groups)

    async def run() -> None:
        async with BookStage(tmp_path, inventory, publish=only("reno", source_stale_minutes=5.0)) as stage:
            assert allowed_minutes(stage.rules) == {"wms": 5.0, "erp": 5.0}
            assert allowed_minutes(stage.rules_of(inventory, Publish())) == {"wms": 60.0, "erp": 60.0}

    asyncio.run(run())
