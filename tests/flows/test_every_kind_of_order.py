"""Every kind of order that the shop's generator knows, placed, edited and refunded: what three systems then hold, to the last digit."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import books
import pytest
from judge import CHARGES, Judge, Order
from shop import still
from stack import running, twins

from interlock.cli.twin_world import TwinWorld
from interlock.hub import Hub
from interlock.messaging.ledger import Filter
from interlock.twins.shopify.scenarios import SCENARIOS

CODES = ("USD", "EUR", "SEK", "ISK", "JPY", "KWD", "CAD")
ITEMS = "".join(f'[{system}]\nrule = "variant"\ngeneric_item = "GENERIC"\n' for system in ("netsuite", "shipbob"))
NO_PARCEL = {"pos": "cancelled", "cash_rounding": "cancelled", "missing_addresses": "dead"}
"""Sold over the counter, or without an address: what becomes of the warehouse's delivery."""


def write_choices(folder: Path, side: str) -> None:
    """Each kind of charge has an item of its own, every currency is known, and test orders are taken."""
    netsuite = folder / "systems/netsuite.toml"
    head, _, _ = netsuite.read_text("utf-8").partition("[settings]")
    _, _, tail = netsuite.read_text("utf-8").partition("[credentials]")
    named = "".join(f'{name}_item = "{name}"\n' for name in CHARGES)
    currencies = "".join(f'{code} = "{code}"\n' for code in CODES)
    settings = f'[settings]\nalgorithm = "ES256"\nquiet_period_seconds = 5\nguest_entity = "77"\norder_currency = "{side}"\n{named}[settings.currencies]\n{currencies}'
    netsuite.write_text(f"{head}{settings}[credentials]{tail}", "utf-8")
    (folder / "mappings/items.toml").write_text(ITEMS, "utf-8")
    books.choose(folder, ("systems/klaviyo.toml", "[settings]", f'[settings]\norder_currency = "{side}"'))
    takes = 'object = "order.v1"', 'object = "order.v1"\ntest_orders = true'
    books.choose(folder, *((f"flows/order-to-{flow}.toml", *takes) for flow in ("erp", "wms", "marketing")))


async def place_all(world: TwinWorld, scenarios: list[str]) -> list[tuple[str, str]]:
    """One order of each kind: (scenario, id)."""
    placed = []
    for scenario in scenarios:
        answer = await world._control("shopify", "POST", "orders", {"scenario": scenario})
        placed.append((scenario, answer["orders"][0]["id"]))
    return placed


async def change_all(world: TwinWorld, placed: list[tuple[str, str]], kind: str, body: dict[str, Any]) -> int:
    """Change every order that can be changed so; returns how many could."""
    changed = 0
    for _, key in placed:
        try:
            await world._control("shopify", "POST", f"orders/{key}/{kind}", body)
            changed += 1
        except HTTPError as refused:
            refused.close()
            if refused.code != 422:
                raise
    return changed


def in_shop(world: TwinWorld) -> dict[str, Order]:
    """Every order as the shop has it now, by id."""
    rows = books.records(world, "shopify", "order")
    return {str(row["_id"]): json.loads(row["json"], parse_float=Decimal) for row in rows}


async def judge_all(judge: Judge, hub: Hub, placed: list[tuple[str, str]], *, fresh: bool) -> None:
    """Every order as the shop has it now against what the systems have; marketing heard of it as it was placed."""
    orders = in_shop(judge.world)
    for scenario, key in placed:
        try:
            rows = await hub.views.deliveries(Filter(object="order", key=key))
            states = {row.destination: row.state for row in rows if not row.signal}
            assert states == {"netsuite": "done", "shipbob": NO_PARCEL.get(scenario, "done")}
            judge.erp(key, orders[key])
            if scenario not in NO_PARCEL:
                judge.wms(key, orders[key])
            if fresh:
                judge.marketing(key, orders[key])
        except AssertionError as error:
            error.add_note(f"scenario {scenario}, order {key}")
            raise


def notice_wrong_amounts(judge: Judge, key: str) -> None:
    """Control: an order that differs by a cent, a piece or a tip from what the systems hold is noticed by the judge."""
    order = in_shop(judge.world)[key]
    cent = {f"{judge.side}_money": {"amount": "0.01", "currency_code": "USD"}}
    piece = [line | {"current_quantity": line["current_quantity"] + 1} for line in order["line_items"]]
    for wrong in ({"current_total_tax_set": cent}, {"total_tip_received": "0.07"}, {"line_items": piece}):
        with pytest.raises(AssertionError):
            judge.erp(key, order | wrong)
    with pytest.raises(AssertionError):
        judge.wms(key, order | {"line_items": piece})
    with pytest.raises(AssertionError):
        judge.marketing(key, order | {"total_price_set": cent})


@pytest.mark.parametrize(
    ("side", "scenarios"),
    [
        ("shop", sorted(SCENARIOS.keys() - {"lines_300"})),  # test_latest_state.py has the long one
        ("presentment", ["multi_currency", "duties", "multi_currency", "plain"]),
    ],
)
def test_every_kind_of_order_arrives_with_every_amount_right(tmp_path: Path, side: str, scenarios: list[str]) -> None:
    """C22-C25, C27-C35, C38: the shop sends its own webhooks; then C40, C53: a line is added, a piece is paid back, and all
    systems follow. C32: in the currency that the customer saw as in the shop's own."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world:
            write_choices(folder, side)
            judge = Judge(world, side)
            async with running(folder, world) as hub:
                placed = await place_all(world, scenarios)
                await still(hub, world)
                await judge_all(judge, hub, placed, fresh=True)
                notice_wrong_amounts(judge, placed[0][1])
                edited = await change_all(world, placed, "edit", {"add": [{"sku": "MUG-W", "quantity": 2}]})
                await still(hub, world)
                await judge_all(judge, hub, placed, fresh=False)
                refunded = await change_all(world, placed, "refund", {"lines": {"0": 1}, "shipping": False})
                await still(hub, world)
                await judge_all(judge, hub, placed, fresh=False)
                assert min(edited, refunded) > len(scenarios) * 2 // 3

    asyncio.run(story())
