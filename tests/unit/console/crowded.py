"""A store of stock that strains the pages: one SKU at twenty locations and three channels, a thousand changes, a name of 255 characters."""

from pathlib import Path

import msgspec

from console.stocked import US, show, stocked_strategy
from console.store import MINUTE, NOW_MS, Store
from interlock.strategy.inventory import Group, Inventory, Location
from interlock.strategy.model import Strategy, System

LOCATIONS = tuple(f"store-{number:02}" for number in range(1, 21))
LONGEST = "EXTRA-LONG-" + "0123456789ABCDEF" * 15 + "-END"
"""As long as vendors let a SKU be, and with hardly a place to break it."""
CHANGES = 1_000


def crowded_strategy() -> Strategy:
    """One warehouse that counts twenty stores; two channels with a place for each, and one that shows their sum."""
    base = stocked_strategy()
    square = System(
        name="square", title="Square", connector="square", owner="commerce", url="https://square.example", record_of=[]
    )
    flow = msgspec.structs.replace(base.flows["stock-to-channels"], destinations=["shopify", "square", "amazon"])
    locations = {
        name: Location(
            owner="shipbob",
            places={"shipbob": [str(at)], "shopify": [f"7000{at:02}"], "square": [f"L{at:02}"], "amazon": ["DEFAULT"]},
        )
        for at, name in enumerate(LOCATIONS, 1)
    }
    inventory = Inventory(locations=locations, groups=(Group(name="apparel", skus=["TEE-*"]),))
    return msgspec.structs.replace(
        base, systems=base.systems | {"square": square}, flows=base.flows | {flow.name: flow}, inventory=inventory
    )


def crowded(folder: Path) -> Store:
    """TEE-1 everywhere, wrong at two places; LONGEST at one; and what happened to TEE-1 in ten days."""
    store, fresh_us = Store(folder), (NOW_MS - 20_000) * US
    for system in ("shipbob", "shopify", "square", "amazon"):
        for what in ("items", "levels", "sales"):
            store.insert("stock_reading", system=system, what=what, fresh_us=fresh_us, tried_us=fresh_us)
    for at in range(1, 21):
        for sku in ("TEE-1", LONGEST):
            store.insert(
                "stock_position", sku=sku, location=LOCATIONS[at - 1], system="shipbob", place=str(at), item=f"shipbob-{sku}",
                available=10 + at, on_hand=12 + at, committed=2, as_of_us=fresh_us, told_us=fresh_us, event=1,
            )  # fmt: skip
        show(store, "TEE-1", "shopify", f"7000{at:02}", 9 + at)
        show(store, "TEE-1", "square", f"L{at:02}", 9 + at)
    show(store, "TEE-1", "amazon", "DEFAULT", 407)
    show(store, "TEE-1", "shopify", "700003", 12, seen=19, trouble="STK012", said="shopify shows 19, 12 is right: somebody else wrote it")
    show(store, "TEE-1", "square", "L07", 16, seen=11)
    show(store, LONGEST, "shopify", "700001", 10, seen=40)
    _changes(store)
    _compared(store)
    return store


def _compared(store: Store) -> None:
    """One comparison, with four groups at forty-one places; two of the fields are not all right."""
    at_ms = NOW_MS - 25 * MINUTE
    run = store.insert(
        "stock_run", kind="compare", channel="shopify", why="schedule", state="done", asked_ms=at_ms, began_ms=at_ms, ended_ms=at_ms + 900,
        at_us=at_ms * US, listed=41, compared=41, equal=39, in_flight=0,
    )  # fmt: skip
    places = [(c, p, n) for at, n in enumerate(LOCATIONS, 1) for c, p in (("shopify", f"7000{at:02}"), ("square", f"L{at:02}"))]
    for group in ("apparel", "kitchen", "home-and-desk", ""):
        for channel, place, name in [*places, ("amazon", "DEFAULT", " + ".join(LOCATIONS))]:
            off = 2 if (group, place) in (("apparel", "700003"), ("kitchen", "L19")) else 0
            store.insert("stock_heat", channel=channel, group_name=group, place=place, location=name, compared=100, equal=100 - off,
                         variance=off * 4)  # fmt: skip
    store.insert("stock_accuracy", run=run, channel="shopify", place="", location="", at_ms=at_ms, compared=41, equal=39, in_flight=0,
                 variance=8, value="160.00", currency="EUR", oldest_ms=at_ms)  # fmt: skip


def _changes(store: Store) -> None:
    kinds = ("counted", "written", "sold", "seen")
    for number in range(CHANGES):
        at_us = (NOW_MS - (CHANGES - number) * 14 * MINUTE) * US
        kind = "foreign" if number == CHANGES - 5 else kinds[number % 4]
        system = "shipbob" if kind == "counted" else "shopify"
        store.insert(
            "stock_change", at_us=at_us, as_of_us=at_us, kind=kind, sku="TEE-1", system=system, place="3" if kind == "counted" else "700003",
            name="sold" if kind in ("sold", "seen") else "available", before=1 if kind == "seen" else 12, after=2 if kind == "sold" else 13,
            why="order #1207" if kind == "sold" else "",
        )  # fmt: skip
