"""An ERP and a till that each count a store of their own, shown at the web shop by a flow of each: the whole stack."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from channel_twins import COUNTS_TOLD, MUG
from stack import until
from stock_stack import FLOW, control, shown, with_stock
from till_stack import beside_tills

from interlock.cli.twin_world import TwinWorld
from interlock.flows.inventory import again
from interlock.hub import Hub

WEB, BACK, DESK = "655441491", "655441492", "655441493"
LOCATIONS = f"""\
[outlet]
owner = "netsuite"
places = {{ netsuite = ["1"], shopify = ["{BACK}", "{DESK}"] }}
split = {{ shopify = {{ "{BACK}" = 0.7, "{DESK}" = "rest" }} }}

[berlin-store]
owner = "square"
places = {{ square = ["L1"], shopify = ["{WEB}"], netsuite = ["3"] }}
"""
ITEMS = '[[item]]\nsku = "SUN-AVI"\nunits = { CS = 5 }\n'
OUTLET, STORE = 30, 20
"""The mugs that the ERP counts in the outlet, and the till in its store."""
BALANCES = [
    {"sku": "SUN-AVI", "unit": "CS", "locations": {"1": 10.5, "2": 3}},
    {"sku": "SWT-NAV-M", "unit": "PALLET", "locations": {"1": 9}},
    {"sku": "NOBODYS", "locations": {"1": 5}},
    {"sku": "TOTE-01", "locations": {"1": 10}},
    {"sku": MUG, "locations": {"1": OUTLET, "3": 41}},
]
"""Half a case beside ten; then a place, a unit and an item that nobody has declared; one item that is as it should be; and what the ERP
has in its books for the till's store."""
STOPPED = "SELECT code, sku, place FROM stock_stopped WHERE system = 'netsuite' ORDER BY code"
SIGNALS = "SELECT system, place, sku, location, available FROM stock_signal"
SOLD = "SELECT quantity FROM stock_reservation WHERE sku = ?"
COUNTED = "SELECT system, available FROM stock_position WHERE sku = ?"
PARTS = ("what was ordered first", "what the edit added")
"""The fulfilment orders of an order that was edited."""
KEPT = "SELECT remainder FROM stock_position WHERE sku = 'SUN-AVI'"


def write_folder(folder: Path, world: TwinWorld) -> None:
    """The starter folder with two owners and a flow of each to the shop; the warehouse counts nothing."""
    with_stock(folder, world, items=ITEMS)
    (folder / "inventory/locations.toml").write_text(LOCATIONS, encoding="utf-8")
    flow = FLOW.replace('sales_seen_by = "order-to-wms"', "sales_seen_after_minutes = 60")
    (folder / "flows/stock-to-shopify.toml").unlink()
    (folder / "flows/erp-stock.toml").write_text(flow.replace('"shipbob"', '"netsuite"'), encoding="utf-8")
    for old, new in (("to the store", "of the till"), ('"shipbob"', '"square"'), ("stock/levels", COUNTS_TOLD)):
        flow = flow.replace(old, new)
    (folder / "flows/till-stock.toml").write_text(flow, encoding="utf-8")


@asynccontextmanager
async def owners(folder: Path) -> AsyncIterator[tuple[TwinWorld, str, Hub]]:
    """Five twins and a hub; the ERP and the till have counted."""

    async def prepare(world: TwinWorld, till: str) -> None:
        write_folder(folder / "acme", world)
        await control(world.urls["netsuite"], "/stock", {"items": BALANCES})
        await control(till, "/recount", {"sku": MUG, "location": "L1", "quantity": STORE})

    async with beside_tills(folder, prepare) as stack:
        yield stack


def test_each_owner_is_shown_and_what_it_says_unclearly_stops_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ERP that counts in cases is shown in whole pieces at two places by a declared split, the half case stays with it; its lines of
    an unknown place, unit and item stop, each named, and what the shop showed of them stays: no zero (C27, C63-C65). A till is the
    truth of its own store: its sale is a count at the shop, and nobody writes to it (C67); what the ERP has in its books for that
    store is kept beside it, and nowhere shown (C89). What the shop sells is taken from the owner of the place that it assigns, and goes along
    when it is moved (C61)."""

    async def story() -> None:
        async with owners(tmp_path) as (world, till, hub):

            async def at(sku: str) -> list[int | None]:
                return [await shown(world, sku, place) for place in (WEB, BACK, DESK)]

            before = await at("SWT-NAV-M")

            async def so(mugs: int) -> bool:
                found = [await at("SUN-AVI"), await at("TOTE-01"), await at(MUG)]
                return [found[0][1:], found[1][1:], found[2][0]] == [[36, 16], [7, 3], mugs]

            await until(lambda: so(20))
            ledger = hub.ledger.group.reading
            assert ledger.execute(STOPPED).fetchall() == [
                ("STK001", "NOBODYS", "1"), ("STK002", "SUN-AVI", "2"), ("STK003", "SWT-NAV-M", "1"),
            ]  # fmt: skip
            kept = json.loads(ledger.execute(KEPT).get)
            assert kept == {"available": "0.5", "on_hand": "0.5"}  # 5 x 10.5 = 36 + 16 + 0.5
            assert await at("SWT-NAV-M") == before
            assert ledger.execute(SIGNALS).fetchall() == [("netsuite", "3", MUG, "berlin-store", 41)]
            await control(till, "/sell", {"lines": [{"sku": MUG, "quantity": 3}], "location": "L1"})
            await until(lambda: so(17))
            counts = (await control(till, "/counts"))["counts"]
            assert [row["quantity"] for row in counts if row["state"] == "IN_STOCK"] == ["17"]
            assert ledger.execute("SELECT DISTINCT channel FROM stock_place").fetchall() == [("shopify",)]
            await follow_an_order(world, hub, monkeypatch)

    asyncio.run(story())


async def follow_an_order(world: TwinWorld, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names no location: its pieces lie where they lie first in the file, at the outlet, though the shop sends them from the store.
    Control: nobody reads it, the outlet stays short and the store is sold twice."""
    shop, ledger = world.urls["shopify"], hub.ledger.group.reading

    def sold() -> int:
        return sum(row[0] for row in ledger.execute(SOLD, (MUG,)).fetchall())

    async def is_sold(pieces: int) -> bool:
        return sold() >= pieces

    async def short(*, outlet: int, store: int) -> bool:
        """What is shown less than each owner counts; the ERP's count falls as it hears of the order."""
        there = dict(ledger.execute(COUNTED, (MUG,)).fetchall())
        web, back, desk = [await shown(world, MUG, place) or 0 for place in (WEB, BACK, DESK)]
        return (there.get("netsuite", -1) - back - desk, there.get("square", -1) - web) == (outlet, store)

    with monkeypatch.context() as nobody:
        nobody.setattr(again, "routing", lambda _: None)
        placed = (await control(shop, "/orders", {"scenario": "plain"}))["orders"][0]["id"]
        await control(shop, f"/orders/{placed}/edit", {"add": [{"sku": MUG, "quantity": 4}]})
        await until(lambda: is_sold(4))
        await until(lambda: short(outlet=sold(), store=0))
    await control(shop, f"/orders/{placed}/note", {"note": "the order is told of once more"})
    await until(lambda: short(outlet=0, store=sold()))
    for number in range(len(PARTS)):
        await control(shop, f"/orders/{placed}/move", {"fulfillment_order": number, "location_id": int(BACK)})
    await until(lambda: short(outlet=sold(), store=0))
