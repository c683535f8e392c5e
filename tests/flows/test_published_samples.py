"""Shopify's own published webhooks, signed and posted as they are, on their way to three systems over real HTTP.

The published order is a test order that is cancelled already, and the samples of an edit, a refund and a fulfilment
name it by an id that their publisher had rounded to a float's precision: 820982911946154500. Both are taken as they
are. What an amount must be is worked out here, from the sample, with Decimal and without any code of the product.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import books
from stack import post, running, signed, twins, until

from interlock.cli.demo import SETTLED
from interlock.cli.twin_world import TwinWorld
from interlock.hub import Hub
from interlock.messaging.ledger import Filter

SAMPLES = Path(__file__).parent.parent / "fixtures" / "shopify"
ORDER, ROUNDED = "820982911946154508", "820982911946154500"
CUSTOMER = "115310627314723954"
CHOICES = [
    (f"flows/order-to-{flow}.toml", 'object = "order.v1"', 'object = "order.v1"\ntest_orders = true')
    for flow in ("erp", "wms", "marketing")
]
"""What a folder must say to take the samples: they are test orders, and they are years old."""
NOT_TOO_OLD = ("flows/order-to-marketing.toml", "max_age_hours = 72", "")
ITS_DAY = ("strategy.toml", 'timezone = "UTC"', 'timezone = "America/New_York"')


def sample(topic: str) -> bytes:
    return (SAMPLES / f"webhook.{topic}.json").read_bytes()


@asynccontextmanager
async def stack(folder: Path) -> AsyncIterator[tuple[TwinWorld, Hub]]:
    """Twins, and a hub whose flows take test orders."""
    async with twins(folder) as world:
        books.choose(folder, *CHOICES, NOT_TOO_OLD, ITS_DAY)
        async with running(folder, world) as hub:
            yield world, hub


async def take(hub: Hub, topic: str, body: bytes, key: str, *, flows: int = 3) -> None:
    """Post a signed body and wait until all deliveries of the order have ended well."""
    assert (await post(f"{hub.url}/intake/shopify", body, signed(body, topic)))[0] == 200
    head = await hub.inbox.head()

    async def settled() -> bool:
        rows = await hub.views.deliveries(Filter(object="order", key=key))
        routed = await hub.ledger.cursor("router") >= head
        return routed and len({row.destination for row in rows}) >= flows and all(row.state in SETTLED for row in rows)

    await until(settled)
    rows = await hub.views.deliveries(Filter(object="order", key=key))
    assert {row.state for row in rows} == {"done"}, [(row.destination, row.state, row.error) for row in rows]


class Amounts:
    """What a Shopify order is worth in its present state, in shop money, straight from its own figures."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.goods = [
            (line["sku"], Decimal(line["current_quantity"]), money(line["price_set"]) * line["current_quantity"])
            for line in order["line_items"]
            if line["current_quantity"]
        ]
        self.unit_prices = [money(line["price_set"]) for line in order["line_items"] if line["current_quantity"]]
        self.discount = money(order["current_total_discounts_set"])
        kept = [row["current_discounted_price_set"] for row in order["shipping_lines"] if not row["is_removed"]]
        self.shipping = sum(map(money, kept), Decimal(0))
        self.tax = money(order["current_total_tax_set"])
        self.tip = Decimal(order["total_tip_received"])
        self.total = money(order["current_total_price_set"])
        self.ordered_total = money(order["total_price_set"])
        whole = sum((amount for _, _, amount in self.goods), Decimal(0)) - self.discount
        assert whole + self.shipping + self.tax + self.tip == self.total, "the sample itself adds up"


def money(price_set: dict[str, Any]) -> Decimal:
    assert price_set["shop_money"]["currency_code"] == "USD"
    return Decimal(price_set["shop_money"]["amount"])


def assert_in_netsuite(world: TwinWorld, reference: str, expected: Amounts) -> dict[str, Any]:
    """The rows are the goods to the digit; what is zero has no row; NetSuite's own sum is the shop's total."""
    order = books.sales_order(world, reference)
    assert order is not None
    assert (expected.discount, expected.shipping, expected.tax, expected.tip) == (0, 0, 0, 0)
    assert books.rows_of(order) == expected.goods
    assert (order["subtotal"], order["total"]) == (expected.total, expected.total)
    assert (order["taxTotal"], order["discountTotal"]) == (0, 0)
    assert order["currency"] == {"id": "1"}
    buyer = books.customer(world, f"shopify-customer-{CUSTOMER}")
    assert buyer is not None
    assert order["entity"]["id"] == buyer["id"]
    return order


def assert_in_shipbob(world: TwinWorld, reference: str, expected: Amounts) -> dict[str, Any]:
    """The newest parcel has the goods and the total, and every older one is cancelled."""
    *older, parcel = books.parcels(world, reference)
    assert {order["status"] for order in older} <= {"Cancelled"}
    assert [(row["reference_id"], row["quantity"]) for row in parcel["products"]] == [
        (sku, quantity) for sku, quantity, _ in expected.goods
    ]
    assert parcel["financials"] == {"total_price": expected.total}
    return parcel


def assert_in_klaviyo(event: dict[str, Any], expected: Amounts) -> None:
    """The items of an event with unit price and row total, and the discount."""
    told = [(row["SKU"], row["Quantity"], row["RowTotal"]) for row in event["Items"]]
    assert told == expected.goods
    assert [row["ItemPrice"] for row in event["Items"]] == expected.unit_prices
    assert event["DiscountValue"] == expected.discount


def alive(body: bytes, **changed: Any) -> dict[str, Any]:
    """The published order an hour before it was cancelled."""
    before: dict[str, Any] = json.loads(body)
    return before | {"cancelled_at": None, "cancel_reason": None, "updated_at": "2021-12-31T18:00:00-05:00"} | changed


def test_the_published_order_reaches_three_systems_and_so_does_its_cancellation(tmp_path: Path) -> None:
    """C12, C14, C31, C43: every amount of the published order arrives in three systems; then its published webhooks arrive as
    they are, say the same thing three times, and each system ends with the order cancelled."""

    async def story() -> None:
        async with stack(tmp_path / "shop") as (world, hub):
            published = sample("orders.create")
            live = alive(published)
            expected = Amounts(live)
            assert (expected.total, expected.ordered_total) == (Decimal("414.95"), Decimal("404.95"))
            await take(hub, "orders/create", json.dumps(live).encode(), ORDER)
            order = assert_in_netsuite(world, f"shopify-{ORDER}", expected)
            assert (order["tranDate"], order["otherRefNum"], order["status"]["id"]) == ("2021-12-31", "#9999", "A")
            assert assert_in_shipbob(world, f"shopify-{ORDER}", expected)["status"] == "Processing"
            placed = books.events(world, ORDER)["Placed Order"]
            assert_in_klaviyo(placed, expected)
            assert (placed["$value"], placed["$currency_code"]) == (expected.total, "USD")

            head = await hub.inbox.head()
            for topic in ("orders/create", "orders/updated", "orders/cancelled"):
                await take(hub, topic, sample(topic.replace("/", ".")), ORDER)
            assert await hub.inbox.head() == head + 1, "three topics, one signed body: one fact"
            assert Amounts(json.loads(published)).goods == expected.goods
            closed = assert_in_netsuite(world, f"shopify-{ORDER}", expected)
            assert closed["status"]["id"] == "H" and all(row["isClosed"] for row in closed["item"])
            assert assert_in_shipbob(world, f"shopify-{ORDER}", expected)["status"] == "Cancelled"
            told = books.events(world, ORDER)
            assert told.keys() == {"Placed Order", "Cancelled Order"}
            assert told["Cancelled Order"]["$value"] == expected.ordered_total
            person = books.profile(world, CUSTOMER)
            assert person is not None
            assert (person["email"], person["first_name"]) == ("john@example.com", "John")

    asyncio.run(story())


def test_the_published_order_alone_makes_no_live_order(tmp_path: Path) -> None:
    """C44: posted as it is to systems that never heard of it, an order that is cancelled already is created nowhere, each
    delivery says why, and marketing hears both that it was placed and that it was cancelled, with the amounts."""

    async def story() -> None:
        async with stack(tmp_path / "shop") as (world, hub):
            published = sample("orders.create")
            await take(hub, "orders/create", published, ORDER)
            assert books.sales_order(world, f"shopify-{ORDER}") is None
            assert books.parcels(world, f"shopify-{ORDER}") == []
            rows = await hub.views.deliveries(Filter(object="order", key=ORDER))
            why = {row.destination: row.error for row in rows if row.destination != "klaviyo"}
            assert why == dict.fromkeys(("netsuite", "shipbob"), "cancelled before it was created")
            expected, told = Amounts(json.loads(published)), books.events(world, ORDER)
            assert_in_klaviyo(told["Placed Order"], expected)
            assert told["Placed Order"]["$value"] == expected.total
            assert told["Cancelled Order"]["$value"] == expected.ordered_total

    asyncio.run(story())


def test_the_published_edit_fulfilment_and_refund_bring_the_latest_state(tmp_path: Path) -> None:
    """C13, C40, C53: none of the three contains the order; each is posted as it is, the order is read again, and every
    system ends in the state that the shop has."""

    async def story() -> None:
        async with stack(tmp_path / "shop") as (world, hub):
            gid = f"gid://shopify/Order/{ROUNDED}"
            live = alive(sample("orders.create"), id=int(ROUNDED), admin_graphql_api_id=gid)
            await take(hub, "orders/create", json.dumps(live).encode(), ROUNDED)
            reference = f"shopify-{ROUNDED}"
            assert_in_netsuite(world, reference, Amounts(live))

            edited = with_edit(live)
            books.keep_in_shop(world, ROUNDED, json.dumps(edited).encode())
            await take(hub, "orders/edited", sample("orders.edited"), ROUNDED)
            after_edit = Amounts(edited)
            assert after_edit.total == Decimal("414.95") - Decimal("89.99") + Decimal("30.00")
            assert_in_netsuite(world, reference, after_edit)
            assert books.effects(world, "netsuite", reference) == ["salesOrder.create", "salesOrder.update"]
            parcel = assert_in_shipbob(world, reference, after_edit)
            assert (parcel["reference_id"], parcel["status"]) == (f"{reference}-r2", "Processing")

            await take(hub, "fulfillments/create", sample("fulfillments.create"), ROUNDED)
            assert_in_klaviyo(books.events(world, ROUNDED)["Fulfilled Partial Order"], after_edit)

            refunded = with_refund(edited)
            books.keep_in_shop(world, ROUNDED, json.dumps(refunded).encode())
            await take(hub, "refunds/create", sample("refunds.create"), ROUNDED)
            after_refund = Amounts(refunded)
            assert after_refund.goods == [("ADDED-1", 1, Decimal("30.00"))]
            assert_in_netsuite(world, reference, after_refund)
            told = books.events(world, ROUNDED)
            assert told.keys() == {"Placed Order", "Fulfilled Partial Order", "Refunded Order"}
            assert_in_klaviyo(told["Refunded Order"], after_refund)
            assert "$value" not in told["Refunded Order"], "a refund is no revenue"

    asyncio.run(story())


def with_edit(order: dict[str, Any]) -> dict[str, Any]:
    """The order after the published edit: one line less by its delta, one line more. The edit names no price: 30.00."""
    edit = json.loads(sample("orders.edited"))["order_edit"]["line_items"]
    (added,), (removed,) = edit["additions"], edit["removals"]
    lines = [dict(line) for line in order["line_items"]]
    for line in lines:
        if float(line["id"]) == float(removed["id"]):  # the publisher rounded the id
            line["current_quantity"] -= removed["delta"]
    price = {side: {"amount": "30.00", "currency_code": "USD"} for side in ("shop_money", "presentment_money")}
    new = {"id": added["id"], "sku": "ADDED-1", "title": "Cleaning kit", "price": "30.00", "price_set": price}
    new |= {"quantity": added["delta"], "current_quantity": added["delta"]}
    lines.append(lines[0] | {"admin_graphql_api_id": f"gid://shopify/LineItem/{added['id']}"} | new)
    return worth(order | {"line_items": lines, "updated_at": "2021-12-31T18:10:00-05:00"})


def with_refund(order: dict[str, Any]) -> dict[str, Any]:
    """The order after the published refund: the pieces that it lists are gone, those that are there."""
    refund = json.loads(sample("refunds.create"))
    gone = {row["line_item"]["id"]: row["quantity"] for row in refund["refund_line_items"]}
    lines = [
        line | {"current_quantity": max(0, line["current_quantity"] - gone.get(line["id"], 0))}
        for line in order["line_items"]
    ]
    return worth(order | {"line_items": lines, "updated_at": "2021-12-31T18:20:00-05:00"})


def worth(order: dict[str, Any]) -> dict[str, Any]:
    """The order with the sums of its lines, as the shop would write them."""
    total = str(sum((money(line["price_set"]) * line["current_quantity"] for line in order["line_items"]), Decimal(0)))
    sums = {side: {"amount": total, "currency_code": "USD"} for side in ("shop_money", "presentment_money")}
    named = {"current_subtotal_price": total, "current_total_price": total}
    return order | named | {f"{name}_set": sums for name in named}


def test_the_published_hmac_vector_verifies_at_the_door(tmp_path: Path) -> None:
    """C10: Shopify's own test vector passes the signature check over HTTP (its body then names no order: 400); one byte more
    or another secret does not (401)."""

    async def story() -> None:
        folder = tmp_path / "shop"
        vector = json.loads(sample("hmac-vector"))
        async with twins(folder) as world:
            (folder / "secrets/shopify-client-secret").write_text(vector["secret"], "ascii")
            async with running(folder, world) as hub:
                url, body = f"{hub.url}/intake/shopify", vector["rawBody"].encode()
                headers = signed(body, "orders/create") | {"x-shopify-hmac-sha256": vector["expected_base64_hmac"]}
                assert len(base64.b64decode(vector["expected_base64_hmac"])) == 32
                status, problem = await post(url, body, headers)
                assert (status, problem["code"]) == (400, "INT012")
                assert (await post(url, body + b" ", headers))[0] == 401
                assert (await post(url, body, signed(body, "orders/create")))[0] == 401
                order, secret = sample("orders.create"), vector["secret"].encode()
                assert (await post(url, order, signed(order, "orders/create", secret=secret)))[0] == 200

    asyncio.run(story())
