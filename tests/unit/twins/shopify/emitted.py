"""Every webhook that the Shopify twin can send, by topic: what happens to orders, goods and people so that each is sent once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from admin_bench import MAIN, STORE, SUNGLASSES, SUNGLASSES_PRODUCT, Bench
from order_bench import OrderBench

from interlock.twins.shopify import fulfillment_orders as fos
from interlock.twins.shopify import returns
from interlock.twins.shopify.compliance import BODIES
from interlock.twins.shopify.customers import new_customer_of
from interlock.twins.shopify.desk import Life
from interlock.twins.shopify.payouts import PayoutBook
from interlock.twins.shopify.shop_body import shop_body

ELSEWHERE = 655_441_492
Bodies = dict[str, list[dict[str, Any]]]


def everything(directory: Path) -> Bodies:
    """{topic: bodies}, as a receiver would parse them."""
    events = [*_orders(directory / "orders"), *_goods(directory / "goods"), *_people(directory / "people")]
    found: Bodies = {}
    for topic, body in events:
        found.setdefault(topic, []).append(json.loads(json.dumps(body, default=str)))
    return found


def _orders(directory: Path) -> list[tuple[str, dict[str, Any]]]:
    """Orders of several kinds, led through all that can happen to them."""
    with closing(OrderBench(directory)) as bench:
        for scenario in ("plain", "duties", "discount_order", "multi_currency", "tip", "gift_card_payment", "pos"):
            _placed(bench, scenario)
        _ways_to_fulfil(bench)
        _by_a_service(bench)
        _returns(bench)
        paid = _placed(bench, "pending_payment")
        bench.run(paid, "edit", add=[{"sku": "MUG-W"}], remove={"0": 1})
        bench.run(paid, "pay")
        bench.run(paid, "note", note="hello", tag="vip")
        bench.run(paid, "risk", level="HIGH")
        bench.run(paid, "refund", shipping=True)
        bench.run(_placed(bench, "authorized"), "capture")
        bench.run(_placed(bench, "plain"), "cancel")
        order = _placed(bench, "plain")
        bench.desk.forget(bench.now(order))
        bench.events += [(topic, body(bench.store, {})) for topic, body in BODIES.items()]
        bench.events.append(("app/uninstalled", shop_body(bench.store.shop)))
        return bench.events


def _placed(bench: OrderBench, scenario: str) -> dict[str, Any]:
    order = bench.place(scenario)
    customer = new_customer_of(order, bench.store)
    if customer is not None:
        bench.events.append(("customers/create", customer))
    bench.events += [(f"orders/{what}", order) for what in ("create", "paid", "updated")]
    bench.events += bench.desk.placed(order, lambda _: True)
    return order


def _ways_to_fulfil(bench: OrderBench) -> None:
    """Holds, moves, splits, merges, progress, two parcels, tracking; one parcel is cancelled again."""
    order = _placed(bench, "same_sku_twice")
    bench.run(order, "hold", reason="OTHER", notes="look at it")
    bench.run(order, "release")
    bench.run(order, "schedule", fulfill_at="2027-01-01T00:00:00Z")
    order = _placed(bench, "same_sku_twice")
    bench.run(order, "move", location_id=ELSEWHERE)
    bench.run(order, "split", lines={"0": 1})
    bench.run(order, "progress", notes="picking")
    order = _placed(bench, "same_sku_twice")
    bench.run(order, "split", lines={"0": 1})
    life = bench.desk.open(bench.now(order))
    fos.merge(life, [one for one in life.book["fulfillment_orders"] if one["status"] == "OPEN"])
    bench.desk.keep("merge", life)
    order = _placed(bench, "same_sku_twice")
    bench.run(order, "fulfil", lines={"0": 1})
    bench.run(order, "track", tracking_number="1Z", company="UPS")
    bench.run(order, "fulfil")
    bench.run(order, "unship")


def _by_a_service(bench: OrderBench) -> None:
    """A fulfilment service is asked, accepts, is asked to stop, refuses or agrees; it rejects a request; one is taken back."""
    for answer in ("reject_cancellation", "accept_cancellation"):
        order = _placed(bench, "same_sku_twice")
        _lead(bench, order, lambda life, one: fos.submit(life, one, "please"))
        _lead(bench, order, lambda life, one: fos.answer_request(life, one, "accept", "we do"))
        _lead(bench, order, lambda life, one: fos.ask_cancellation(life, one, "stop"))
        _lead(bench, order, lambda life, one, said=answer: fos.answer_request(life, one, said, "so be it"))  # type: ignore[misc]
    for last in (lambda life, one: fos.answer_request(life, one, "reject", "too much"), fos.cancel):
        order = _placed(bench, "same_sku_twice")
        _lead(bench, order, lambda life, one: fos.submit(life, one, "please"))
        _lead(bench, order, last)


def _lead(bench: OrderBench, order: dict[str, Any], step: Callable[[Life, dict[str, Any]], Any]) -> None:
    life = bench.desk.open(bench.now(order))
    step(life, life.book["fulfillment_orders"][0])
    bench.desk.keep("test", life)


def _returns(bench: OrderBench) -> None:
    """Asked for, declined, approved, exchanged, processed with a refund, cancelled, closed, opened again, without a line."""
    for steps in (
        [("return", {"request": True}), ("decline_return", {})],
        [("return", {"request": True}), ("approve_return", {}), ("cancel_return", {})],
        [("return", {"exchange": [{"sku": "MUG-W"}]}), ("process_return", {}), ("close_return", {})],
        [("return", {}), ("close_return", {}), ("reopen_return", {})],
    ):
        order = _placed(bench, "plain")
        bench.run(order, "fulfil")
        for kind, asked in steps:
            bench.run(order, kind, **asked)
    life = bench.desk.open(bench.now(order))
    back = life.book["returns"][0]
    returns.remove(life, back, {back["lines"][0]["id"]: 1})
    bench.desk.keep("remove_from_return", life)


def _goods(directory: Path) -> list[tuple[str, dict[str, Any]]]:
    """Products, stock, locations, bulk operations, disputes."""
    with Bench(directory) as bench:
        for query, variables in GOODS:
            bench.data(query, **variables)
        asyncio.run(_read_in_bulk(bench))
        book = PayoutBook(bench.world, bench.store, bench.emit, "USD", Decimal(1))
        dispute = book.dispute(bench.store.place("plain"), None, "FRAUDULENT", "CHARGEBACK")
        book.decide(str(dispute["id"]), "win")
        return bench.events


async def _read_in_bulk(bench: Bench) -> None:
    bench.data(BULK)
    bench.bulk.resume()
    while not any(topic == "bulk_operations/finish" for topic, _ in bench.events):
        await asyncio.sleep(0)
    await bench.bulk.stop()


def _people(directory: Path) -> list[tuple[str, dict[str, Any]]]:
    """Customers who are made, changed, tagged, merged and deleted."""
    with closing(OrderBench(directory)) as bench:
        first = bench.customers.create({"firstName": "Ada", "email": "ada@example.com", "addresses": [ADDRESS]})
        second = bench.customers.create({"firstName": "Bo", "email": "bo@example.com"})
        one, two = first["rest"]["id"], second["rest"]["id"]
        bench.customers.update(one, {"note": "x", "tags": ["a"]})
        bench.customers.tag(one, ["b"], ["a"])
        bench.customers.consent(one, {"marketingState": "SUBSCRIBED"})
        bench.customers.merge(one, two, {})
        third = bench.customers.create({"firstName": "Cy", "email": "cy@example.com"})
        bench.customers.delete(third["rest"]["id"])
        return bench.events


ADDRESS = {"address1": "1 Main Street", "city": "Ottawa", "countryCode": "CA", "provinceCode": "ON", "zip": "K2H7A8"}
BULK = """mutation { bulkOperationRunQuery(query: "{ products { edges { node { id } } } }") {
  bulkOperation { id } userErrors { message } } }"""
DRAFT = {"lineItems": [{"title": "Engraving", "originalUnitPrice": "12.00", "quantity": 1}], "email": "a@example.com"}
COMPANY = {
    "company": {"name": "Nordwind GmbH", "externalId": "C-1"},
    "companyContact": {"email": "buyer@example.com", "firstName": "Bo"},
    "companyLocation": {
        "name": "Hamburg",
        "shippingAddress": {"address1": "Kai 1", "city": "Hamburg", "countryCode": "DE"},
    },
}
GOODS: list[tuple[str, dict[str, Any]]] = [
    ("mutation($i: DraftOrderInput!) { draftOrderCreate(input: $i) { userErrors { message } } }", {"i": DRAFT}),
    ("mutation($i: CompanyCreateInput!) { companyCreate(input: $i) { userErrors { message } } }", {"i": COMPANY}),
    (
        'mutation { productCreate(product: {title: "New"}) { product { id } userErrors { message } } }',
        {},
    ),
    (
        'mutation($id: ID!) { productUpdate(product: {id: $id, vendor: "N"}) { userErrors { message } } }',
        {"id": SUNGLASSES_PRODUCT},
    ),
    (
        'mutation($id: ID!) { inventoryItemUpdate(id: $id, input: {cost: "4.50"}) { userErrors { message } } }',
        {"id": SUNGLASSES},
    ),
    (
        "mutation($id: ID!) { inventoryDeactivate(inventoryLevelId: $id) { userErrors { message } } }",
        {"id": f"{STORE.replace('Location', 'InventoryLevel')}?inventory_item_id={SUNGLASSES.rpartition('/')[2]}"},
    ),
    (
        """mutation($item: ID!, $place: ID!) { inventoryActivate(inventoryItemId: $item, locationId: $place)
          @idempotent(key: "a") { userErrors { message } } }""",
        {"item": SUNGLASSES, "place": STORE},
    ),
    (
        """mutation($id: ID!, $to: ID!) { locationDeactivate(locationId: $id, destinationLocationId: $to)
          @idempotent(key: "h") { locationDeactivateUserErrors { message } } }""",
        {"id": STORE, "to": MAIN},
    ),
    (
        """mutation($id: ID!) { locationActivate(locationId: $id) @idempotent(key: "i") {
          locationActivateUserErrors { message } } }""",
        {"id": STORE},
    ),
    (
        "mutation($id: ID!) { productDelete(input: {id: $id}) { userErrors { message } } }",
        {"id": SUNGLASSES_PRODUCT},
    ),
]
