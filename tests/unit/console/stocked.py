"""A store of stock for the console, made by inserting rows: a warehouse and a till that count, two channels that show, and one of each
thing that can be wrong."""

from pathlib import Path
from typing import Any

import msgspec

from console.store import MINUTE, NOW_MS, Store, strategy
from interlock.strategy.inventory import Group, Inventory, Kit, Location, Publish, PublishRule
from interlock.strategy.model import Flow, Retry, Slo, Strategy, System

US = 1_000
WAREHOUSE, OUTLET = "24826418", "77"
ITEMS = (
    ("TEE-1", 40), ("TEE-2", 0), ("CAP-1", 25), ("MUG-1", 12), ("MUG-2", 8), ("LAMP-1", 5), ("SOCK-1", 60), ("SOCK-2", 7),
    ("BAG-1", 3), ("PEN-1", 200),
)  # fmt: skip


def stocked_strategy() -> Strategy:
    """ShipBob counts at two locations, Shopify and Amazon show; Amazon keeps a buffer back."""
    base = strategy()
    amazon = System(
        name="amazon", title="Amazon", connector="amazon", owner="commerce", url="https://amazon.example", record_of=[]
    )
    rule = PublishRule(channel="amazon", buffer=2)
    flow = Flow(
        name="stock-to-channels", title="Stock to the channels", source="shipbob", trigger=["stock/levels"], object="inventory_level.v1",
        destinations=["shopify", "amazon"], pattern="event-driven", rationale="News to whoever sells.", impact="high",
        complexity="medium", owner="warehouse", runbook="erp-refusals.md", retry=Retry(), slo=Slo(),
        publish=Publish(safety_stock=1, rule=[rule], sales_seen_by="order-to-wms"),
    )  # fmt: skip
    inventory = Inventory(
        locations={
            "cicero": Location(
                owner="shipbob", places={"shipbob": ["8"], "shopify": [WAREHOUSE], "amazon": ["DEFAULT"]}
            ),
            "outlet": Location(owner="shipbob", places={"shipbob": ["9"], "shopify": [OUTLET]}),
        },
        kits=(Kit(sku="SET-1", of={"TEE-1": 2, "CAP-1": 1}),),
        groups=(Group(name="apparel", skus=["TEE-*", "CAP-*", "SOCK-*"]), Group(name="kitchen", skus=["MUG-*"])),
    )
    flows = {name: each for name, each in base.flows.items() if name != "stock-to-shop"} | {flow.name: flow}
    return msgspec.structs.replace(base, systems=base.systems | {"amazon": amazon}, flows=flows, inventory=inventory)


def stocked(folder: Path, *, silent: bool = False, compared: bool = True) -> Store:
    """The store. `silent`: the warehouse has said nothing for two hours. `compared`: comparisons were made."""
    store = Store(folder)
    fresh_us = (NOW_MS - (120 * MINUTE if silent else 20_000)) * US
    for system in ("shipbob", "shopify", "amazon"):
        for what in ("items", "levels", "sales"):
            store.insert("stock_reading", system=system, what=what, fresh_us=fresh_us, tried_us=fresh_us)
    for sku, units in ITEMS:
        count(store, sku, "cicero", "8", units, fresh_us)
        count(store, sku, "outlet", "9", units // 2, fresh_us)
        show(store, sku, "shopify", WAREHOUSE, max(0, units - 1))
        show(store, sku, "shopify", OUTLET, max(0, units // 2 - 1))
        show(store, sku, "amazon", "DEFAULT", max(0, units - 3))
        for system in ("shipbob", "shopify", "amazon"):
            store.insert("stock_item", system=system, item=f"{system}-{sku}", sku=sku, tracked=1, seen_us=fresh_us)
    _wrong(store)
    if silent:
        store.insert("stock_source_silence", system="shipbob", since_us=fresh_us, paged_ms=NOW_MS - 50 * MINUTE, problem="")
    if compared:
        _compared(store)
    return store


def count(store: Store, sku: str, location: str, place: str, units: int, as_of_us: int) -> None:
    """What the warehouse counts."""
    store.insert("stock_position", sku=sku, location=location, system="shipbob", place=place, item=f"shipbob-{sku}", available=units,
                 on_hand=units + 2, committed=2, as_of_us=as_of_us, told_us=as_of_us, event=1)  # fmt: skip


def show(store: Store, sku: str, channel: str, place: str, wanted: int, **other: Any) -> None:
    """What a channel shows; right, unless told otherwise."""
    at_us = (NOW_MS - 3 * MINUTE) * US
    row = {"flow": "stock-to-channels", "item": f"{channel}-{sku}", "wanted": wanted, "wanted_us": at_us, "change": 1, "seen": wanted,
           "seen_us": at_us, "written": wanted, "written_us": at_us, "stocked": 1, "said": "", "trouble": ""}  # fmt: skip
    store.ledger.execute("DELETE FROM stock_place WHERE channel = ? AND place = ? AND sku = ?", (channel, place, sku))
    store.insert("stock_place", channel=channel, place=place, sku=sku, **(row | other))


def happened(store: Store, sku: str, kind: str, minutes: int, **values: Any) -> None:
    """A line of its history."""
    at_us = (NOW_MS - minutes * MINUTE) * US
    store.insert("stock_change", at_us=at_us, as_of_us=at_us, kind=kind, sku=sku, **values)


def _wrong(store: Store) -> None:
    """A foreign number that a person has to judge, a refusal, a sale that nobody has seen, a number of who does not count there, and
    lines that stopped."""
    show(
        store,
        "TEE-1",
        "shopify",
        WAREHOUSE,
        37,
        seen=44,
        trouble="STK012",
        said="shopify shows 44, 37 is right: somebody else wrote it",
    )
    show(store, "MUG-1", "amazon", "DEFAULT", 9, seen=4, trouble="8541", said="the listing is suppressed")
    store.insert("stock_reservation", sku="TEE-1", channel="shopify", sale="5001", place=WAREHOUSE, quantity=2, version=1,
                 accepted_us=(NOW_MS - 5 * MINUTE) * US, name="#1207", event=9)  # fmt: skip
    store.insert("stock_signal", system="netsuite", item="77", place="4", sku="TEE-1", location="cicero", available=31,
                 as_of_us=NOW_MS * US, told_us=NOW_MS * US, event=1)  # fmt: skip
    place = {"system": "shipbob", "place": "8", "name": "available", "why": ""}
    happened(store, "TEE-1", "counted", 90, **place, before=52, after=40)
    happened(
        store,
        "TEE-1",
        "sold",
        5,
        system="shopify",
        place=WAREHOUSE,
        name="sold",
        before=None,
        after=2,
        why="order #1207",
    )
    happened(
        store, "TEE-1", "written", 4, system="shopify", place=WAREHOUSE, name="available", before=39, after=37, why=""
    )
    happened(
        store,
        "TEE-1",
        "foreign",
        2,
        system="shopify",
        place=WAREHOUSE,
        name="available",
        before=37,
        after=44,
        why="somebody else wrote it",
    )
    for number, sku in enumerate(("TEE-OLD", "TEE-9")):
        store.insert(
            "stock_stopped", system="shipbob", item=f"77{number}", place="8", sku=sku, code="STK001", times=12,
            reason=f'shipbob tells of "{sku}": no other system lists it, and inventory/items.toml does not name it',
            next_move=f'add names = {{ shipbob = ["{sku}"] }} to the item that it is in inventory/items.toml',
            line=b'{"item":"770","location":"8","quantities":{}}', since_us=(NOW_MS - 500 * MINUTE) * US, last_us=(NOW_MS - MINUTE) * US,
        )  # fmt: skip


def _compared(store: Store) -> None:
    """Ten comparisons of Shopify, the last 25 minutes ago."""
    for number in range(10, 0, -1):
        at_ms, off = (
            NOW_MS - (25 + 1_440 * (number - 1)) * MINUTE,
            (0, 1, 0, 0, 3, 1, 0, 0, 2, 0)[number - 1] + (number == 1),
        )
        run = store.insert("stock_run", **_run_row(at_ms, off))
        for place, location, compared in (("", "", 20), (WAREHOUSE, "cicero", 10), (OUTLET, "outlet", 10)):
            mine = off if place in ("", WAREHOUSE) else 0
            store.insert("stock_accuracy", run=run, channel="shopify", place=place, location=location, at_ms=at_ms, compared=compared,
                         equal=compared - mine, in_flight=1 if not place else 0, variance=mine * 4, value=f"{mine * 80}.00",
                         currency="EUR", oldest_ms=at_ms if mine else 0)  # fmt: skip
    for group, place, location, compared, equal in (
        ("apparel", WAREHOUSE, "cicero", 5, 5), ("apparel", OUTLET, "outlet", 5, 5), ("kitchen", WAREHOUSE, "cicero", 2, 1),
        ("kitchen", OUTLET, "outlet", 2, 2), ("", WAREHOUSE, "cicero", 3, 3), ("", OUTLET, "outlet", 3, 3),
    ):  # fmt: skip
        store.insert("stock_heat", channel="shopify", group_name=group, place=place, location=location, compared=compared,
                     equal=equal, variance=(compared - equal) * 4)  # fmt: skip
    store.insert("stock_cause", channel="shopify", cause="lost_event", positions=1, variance=4)
    store.insert("stock_difference", channel="shopify", place=WAREHOUSE, sku="MUG-2", location="cicero", cause="lost_event",
                 what="shopify shows 3, 7 is right: shipbob had not told us", next_move="compare without --dry-run: it is brought right then", state="found",
                 wanted=7, shown=3, known=7, item="shopify-MUG-2", group_name="kitchen", price="20.00", currency="EUR",
                 variance=4, since_ms=NOW_MS - 25 * MINUTE, last_ms=NOW_MS - MINUTE, run=run)  # fmt: skip


def _run_row(at_ms: int, off: int) -> dict[str, Any]:
    return {
        "kind": "compare", "channel": "shopify", "why": "schedule", "state": "done", "asked_ms": at_ms, "began_ms": at_ms, "ended_ms": at_ms + 900,
        "at_us": at_ms * US, "listed": 20, "compared": 20, "equal": 20 - off, "in_flight": 1,
    }  # fmt: skip
