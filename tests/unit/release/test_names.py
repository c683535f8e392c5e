"""What a folder's `was` moves in the store, and what an older folder means by an old name."""

from msgspec.structs import replace

from interlock.messaging.renaming import Move
from interlock.release.renaming import changes
from interlock.strategy import Engine, Flow, Security, Strategy, System, Team
from interlock.strategy.inventory import Group, Inventory, ItemRule, Location, Publish, PublishRule
from interlock.strategy.renaming import under_present_names


def strategy(*systems: str, **was: str) -> Strategy:
    """A shop and these systems, each the destination of the one flow; `was` by name."""
    made = {
        name: System(
            name=name, title=name, connector="x", owner="ops", url=f"https://{name}.example", was=was.get(name)
        )
        for name in ("shop", *systems)
    }
    flow = Flow(
        name="orders", title="Orders", source="shop", trigger=["orders/create"], object="order.v1", destinations=list(systems),
        pattern="event-driven", rationale="News.", impact="high", complexity="low", owner="ops", runbook="x.md",
    )  # fmt: skip
    return Strategy(
        name="acme", title="Acme", environment="demo", timezone="UTC", engine=Engine(),
        teams={"ops": Team(name="ops", contact="c", escalation="e")}, systems=made, flows={"orders": flow}, security=Security(),
        objects={}, mappings={name: f"# {name}" for name in systems}, items={name: {"rule": "sku"} for name in systems}, functions="",
        runbooks={}, release="-".join(systems),
    )  # fmt: skip


def test_a_declared_name_is_followed_once() -> None:
    """The key may stay in the file: what was followed is not followed again."""
    found = changes({}, strategy("warehouse", warehouse="shipbob"))
    assert (found.moves, found.names) == ((Move("shipbob", "warehouse"),), {"shipbob": "warehouse"})
    assert found.touched == {"shipbob", "warehouse"}
    assert changes(found.names, strategy("warehouse", warehouse="shipbob")).moves == ()
    assert changes(found.names, strategy("warehouse")).moves == ()


def test_names_that_change_again_lead_to_the_present_one() -> None:
    """a, then b, then c: a release of the first days means c."""
    found = changes({"a": "b"}, strategy("c", c="b"))
    assert (found.moves, found.names) == ((Move("b", "c"),), {"a": "c", "b": "c"})
    assert changes({"a": "b"}, strategy("c", c="a")).moves == (Move("b", "c"),)


def test_going_back_moves_back() -> None:
    """A rollback to the folder with the old name must not make a second system of it; and forth again."""
    back = changes({"shipbob": "warehouse"}, strategy("shipbob"))
    assert (back.moves, back.names) == ((Move("warehouse", "shipbob"),), {"warehouse": "shipbob"})
    forth = changes(back.names, strategy("warehouse", warehouse="shipbob"))
    assert (forth.moves, forth.names) == ((Move("shipbob", "warehouse"),), {"shipbob": "warehouse"})


def test_a_name_that_is_given_to_another_system_is_its_own() -> None:
    """Links stay with the system that was renamed; the newcomer begins without any."""
    found = changes({"shipbob": "warehouse"}, strategy("warehouse", "shipbob"))
    assert (found.moves, found.names) == ((), {})


def test_an_older_folder_is_read_under_present_names() -> None:
    """Flows, mappings and items go by the present name; address and settings stay those of the older folder."""
    old = strategy("shipbob", "erp")
    read = under_present_names(old, {"shipbob": "warehouse"})
    assert read.flows["orders"].destinations == ["warehouse", "erp"]
    assert read.systems["warehouse"] == replace(old.systems["shipbob"], name="warehouse")
    assert set(read.mappings) == set(read.items) == {"warehouse", "erp"} and read.release == old.release
    both = strategy("shipbob", "warehouse")
    assert under_present_names(both, {"shipbob": "warehouse"}) is both


def test_the_map_of_stock_of_an_older_folder_is_read_under_present_names() -> None:
    """A delivery of stock that was opened under the older release found nothing to show at the channel's new name and was
    cancelled; a SKU that is spelt like a system is none."""
    inventory = Inventory(
        locations={"cicero": Location("wms", {"wms": ["1"], "till": ["L"]}, {"till": {"L": 1.0}})},
        items=(ItemRule(sku="till", names={"till": ["till"]}, pack={"till": 6}),),
        groups=(Group(name="caps", skus=["till"], owner="till"),),
        ignored_places=frozenset({("till", "9")}),
    )
    publish = Publish(rule=[PublishRule(channel="till", cap=1), PublishRule(location="cicero", cap=2)])
    old = strategy("till", "wms")
    old = replace(old, inventory=inventory, flows={"stock": replace(old.flows["orders"], name="stock", publish=publish)})
    read = under_present_names(old, {"till": "pos"})
    assert read.inventory == Inventory(
        locations={"cicero": Location("wms", {"wms": ["1"], "pos": ["L"]}, {"pos": {"L": 1.0}})},
        items=(ItemRule(sku="till", names={"pos": ["till"]}, pack={"pos": 6}),),
        groups=(Group(name="caps", skus=["till"], owner="pos"),),
        ignored_places=frozenset({("pos", "9")}),
    )
    found = read.flows["stock"].publish
    assert found and found.rule == [PublishRule(channel="pos", cap=1), PublishRule(location="cicero", cap=2)]
