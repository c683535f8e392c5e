"""Money cases on the whole path: one stack takes them all, told by webhooks or read over GraphQL, and three systems have every amount."""

import asyncio
import json
import os
import re
import shutil
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import books
import pytest
from content import CHARGES, SKU_RULE
from money_cases import Case, codes, money_cases, pair
from money_kept import REFUND_AFTER, kept, numbered, refunded, sold_before
from refund_flow import add_refund_flow, bill
from shop import shared_twins
from stack import post, running, signed, until

from interlock.cli.twin_world import TwinWorld
from interlock.hub import Hub
from interlock.messaging.ledger import Filter
from interlock.messaging.views import DeliveryRow
from interlock.twins.shopify.indexes import IDS_PER_ORDER

Placed = tuple[int, Case]
FIRST_ID = 7_200_000_000_000_000_001
"""Above 2^53, as Shopify's own samples are."""
SETTLED = {"done", "dead", "cancelled"}
ORDERS = list(enumerate((case for _, case in money_cases() if "lines" in case), FIRST_ID))
REFUNDS = [
    (FIRST_ID + number * IDS_PER_ORDER, case)
    for number, (_, case) in enumerate(money_cases(), 1_000)
    if "included" in case.get("refund", {}) and "kind" not in str(case["refund"].get("adjustments"))
]
"""Without those of what only a webhook leaves open (the tax), or only old orders have (a kind of adjustment)."""
NIGHTLY = os.environ.get("INTERLOCK_TIER") == "nightly"
EVEN, ODD = (ORDERS, ORDERS) if NIGHTLY else (ORDERS[::2], ORDERS[1::2])
"""Each case goes one way; at night both."""
CHARGE_ITEMS = {f"{name} item": str(number) for number, name in enumerate((*CHARGES, "refund_adjustment"), 9001)}
"""The items of charges that the cases name; NetSuite knows an item by a number."""


class Held:
    """What three systems hold, read once."""

    def __init__(self, world: TwinWorld) -> None:
        metrics = {row["_id"]: row["name"] for row in books.records(world, "klaviyo", "metric")}
        events = books.records(world, "klaviyo", "event")
        self.orders = {row["externalId"]: row for row in books.records(world, "netsuite", "salesOrder")}
        self.parcels = {row["reference_id"]: row for row in books.records(world, "shipbob", "order")}
        self.events = {
            row["event_properties"]["OrderId"]: row for row in events if metrics[row["metric_id"]] == "Placed Order"
        }


def write_choices(folder: Path, side: str) -> None:
    """An item for each kind of charge, every currency, items by SKU, and both books in one currency."""
    named = "".join(f'{name.replace(" ", "_")} = "{number}"\n' for name, number in CHARGE_ITEMS.items())
    known = sorted({code for _, case in money_cases() for code in codes(case)})
    currencies = "".join(f'{code} = "{code}"\n' for code in known)
    settings = f'algorithm = "ES256"\nquiet_period_seconds = 5\nguest_entity = "77"\norder_currency = "{side}"\n{named}'
    netsuite = folder / "systems/netsuite.toml"
    head, _, rest = netsuite.read_text("utf-8").partition("[settings]")
    tail = rest.partition("[credentials]")[2]
    netsuite.write_text(f"{head}[settings]\n{settings}[settings.currencies]\n{currencies}[credentials]{tail}", "utf-8")
    (folder / "mappings/items.toml").write_text(f"[netsuite]\n{SKU_RULE}\n[shipbob]\n{SKU_RULE}\n", "utf-8")
    books.choose(
        folder,
        ("systems/klaviyo.toml", "[settings]", f'[settings]\norder_currency = "{side}"'),
        ("flows/order-to-marketing.toml", "max_age_hours = 72", ""),
    )


async def told(hub: Hub, world: TwinWorld, number: int, case: Case) -> None:
    """The webhook says it all."""
    await knock(hub, numbered(case, number))


async def read(hub: Hub, world: TwinWorld, number: int, case: Case) -> None:
    """The webhook names the order only; the shop is asked over GraphQL."""
    order = kept(case, number)
    await asyncio.to_thread(books.keep_in_shop, world, str(number), json.dumps(order).encode())
    await knock(hub, {name: order[name] for name in ("id", "admin_graphql_api_id", "updated_at")})


async def knock(hub: Hub, body: dict[str, Any]) -> None:
    text = json.dumps(body).encode()
    status, _ = await post(f"{hub.url}/intake/shopify", text, signed(text, "orders/updated"))
    assert status == 200


async def ended(hub: Hub, count: int) -> bool:
    if await hub.inbox.head() > await hub.ledger.cursor("router"):
        return False
    states = await hub.views.states(Filter())
    return sum(states.get(state, 0) for state in SETTLED) == sum(states.values()) >= count


async def refunds_ended(hub: Hub, count: int) -> bool:
    """A refund whose money has not gone back waits."""
    if await hub.inbox.head() > await hub.ledger.cursor("router"):
        return False
    rows = await hub.views.deliveries(Filter(object="refund", limit=2 * count))
    return len([row for row in rows if row.state in SETTLED or row.waiting_for]) == count


def judge(case: Case, number: int, held: Held, way: Any) -> None:
    """The rows at NetSuite, the value at Klaviyo and at ShipBob, each to the last digit. An order that comes cancelled is
    no parcel, and a sales order only of what is kept of it (C43, C44)."""
    at = (told, read).index(way)
    cancelled = "cancelled_at" in case
    amounts = [(CHARGE_ITEMS.get(item, item), pair(text)) for item, text in case["rows"]]
    order = held.orders.get(f"shopify-{number}", {"item": []})
    rows = [(item, amount) for item, _, amount in books.rows_of(order)]
    assert rows == in_cents([(item, both[at]) for item, both in amounts if both[at] or not any(both)])
    assert order.get("currency", {"id": codes(case)[at]}) == {"id": codes(case)[at]}
    if not (cancelled and way is read):
        event = held.events[str(number)]["event_properties"]
        assert (event["$value"], event["$currency_code"]) == (pair(case["value"])[at], codes(case)[at])
    sent = not cancelled and any(line.get("left", 1) and not line.get("tip") for line in case["lines"])
    parcel = held.parcels.get(f"shopify-{number}")
    assert (parcel is not None) == sent, "a parcel is sent when there is something to send"
    value = {"total_price": pair(case["parcel"])[0]} if "parcel" in case else None
    assert parcel is None or parcel.get("financials") == value, parcel


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, TwinWorld]]:
    """One set of twins for all cases, and the folder that names them."""
    folder = tmp_path_factory.mktemp("money") / "shop"
    with shared_twins(folder) as world:
        yield folder, world


@pytest.mark.parametrize(("way", "cases"), [(told, EVEN), (read, ODD)], ids=["told", "read"])
def test_orders(way: Any, cases: list[Placed], project: tuple[Path, TwinWorld], tmp_path: Path) -> None:
    """C28-C37, C40, C42, C43, C45: every order of the money cases ends in three systems as its case says; what is told is booked
    in the shop's currency, what is read in the customer's. Control: a cent more in any case is noticed."""
    template, world = project
    folder = tmp_path / "shop"
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns(".demo", "data"))
    write_choices(folder, "shop" if way is told else "presentment")

    async def story() -> None:
        async with running(folder, world, topics=[]) as hub:
            for number, case in cases:
                await way(hub, world, number, case)
            await until(lambda: ended(hub, len(cases)))

    asyncio.run(story())
    held = Held(world)
    for number, case in cases:
        try:
            judge(case, number, held, way)
        except AssertionError as error:
            error.add_note(f"{case['id']} {case['about']}, order {number}")
            raise
        if case["rows"] and "cancelled_at" not in case:
            notice_wrong_amounts(case, number, held, way)


def in_cents(rows: list[tuple[str, Decimal]]) -> list[tuple[str, Decimal]]:
    """What NetSuite can hold of dinars: each row in two digits, and a row for what these then lack to the rounded sum."""
    booked = [(item, amount.quantize(Decimal("0.01"), ROUND_HALF_UP)) for item, amount in rows]
    lacks = sum((amount for _, amount in rows), Decimal(0)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    lacks -= sum((amount for _, amount in booked), Decimal(0))
    return [*booked, (CHARGE_ITEMS["difference item"], lacks)] if lacks else booked


def notice_wrong_amounts(case: Case, number: int, held: Held, way: Any) -> None:
    """Control: the judge sees a cent too much in a row, and in the value."""
    first, *others = case["rows"]
    for wrong in ({"rows": [[first[0], a_cent_more(first[1])], *others]}, {"value": a_cent_more(case["value"])}):
        with pytest.raises(AssertionError):
            judge(case | wrong, number, held, way)


def a_cent_more(text: str) -> str:
    return " / ".join(str(amount + Decimal("0.01")) for amount in pair(text))


def test_refunds(project: tuple[Path, TwinWorld], tmp_path: Path) -> None:
    """C30-C34, C42, C53, C54: every refund of the money cases is read over GraphQL and ends in one credit memo as its case
    says, in the customer's currency; where money has not gone back there is none, and the delivery says what it waits for."""
    template, world = project
    folder = tmp_path / "shop"
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns(".demo", "data"))
    write_choices(folder, "presentment")
    add_refund_flow(folder)
    found: dict[str, DeliveryRow] = {}

    async def story() -> None:
        async with running(folder, world, topics=[]) as hub:
            for number, case in REFUNDS:
                await knock(hub, numbered(sold_before(case), number))
            await until(lambda: ended(hub, len(REFUNDS)))
            for number, _ in REFUNDS:
                await bill(hub, str(number))
            for number, case in REFUNDS:
                order = refunded(case, number)
                await asyncio.to_thread(books.keep_in_shop, world, str(number), json.dumps(order).encode())
                await knock(hub, order)
            await until(lambda: refunds_ended(hub, len(REFUNDS)))
            rows = await hub.views.deliveries(Filter(object="refund", limit=2 * len(REFUNDS)))
            found.update({row.key: row for row in rows})

    asyncio.run(story())
    memos = {row["externalId"]: row for row in books.records(world, "netsuite", "creditMemo")}
    for number, case in REFUNDS:
        delivery = found[str(number + REFUND_AFTER)]
        memo = memos.get(f"shopify-{number}-refund-{number + REFUND_AFTER}", {"item": []})
        rows = [(item, amount) for item, _, amount in books.rows_of(memo)]
        wanted = [(CHARGE_ITEMS.get(item, item), pair(text)[1]) for item, text in case.get("rows", ()) if pair(text)[1]]
        assert rows == in_cents(wanted), (
            f"{case['id']} {case['about']}, order {number}: {delivery.state} {delivery.error}"
        )
        assert told_of_credit(delivery) == paid_as_credit(case), (case["about"], delivery.warnings)
        assert (delivery.code == "MAP013") == case.get("waits", False), case["about"]
    assert len(memos) > len(REFUNDS) / 2


def paid_as_credit(case: Case) -> list[str]:
    """What a case pays back as gift card or store credit, in the customer's currency."""
    named = [row for row in case["refund"].get("payments", ()) if isinstance(row, dict)]
    credit = [row for row in named if row.get("gateway") in ("gift_card", "shopify_store_credit")]
    return [f"{pair(row['amount'])[1]} {codes(case)[1]}" for row in credit]


def told_of_credit(delivery: DeliveryRow) -> list[str]:
    """C34: what a person is told to close against a liability."""
    return re.findall(r"(\S+ [A-Z]{3}) went back as (?:a gift card|store credit)", delivery.warnings)
