"""Webhooks of an order's life in the Shopify twin have every member of the published sample of their topic."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from order_bench import OrderBench

from interlock.twins.shopify import fulfillment_orders as fos
from interlock.twins.shopify import returns
from interlock.twins.shopify.companies import Companies
from interlock.twins.shopify.draft_orders import DraftOrders

SAMPLES = json.loads((Path(__file__).parents[3] / "fixtures" / "shopify" / "webhooks.order_life.json").read_text())
ELSEWHERE = 655_441_492


def missing(wanted: Any, made: Any, where: str = "") -> list[str]:
    """Members of a sample that a body lacks; of lists, the first members are compared."""
    if isinstance(wanted, list) and wanted and isinstance(made, list) and made:
        return missing(wanted[0], made[0], f"{where}[]")
    if not isinstance(wanted, dict) or not isinstance(made, dict):
        return []
    found = [f"{where}.{name}" for name in wanted if name not in made]
    return found + [
        one for name in wanted if name in made for one in missing(wanted[name], made[name], f"{where}.{name}")
    ]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[OrderBench]:
    with closing(OrderBench(tmp_path)) as made:
        yield made


def at_the_service(bench: OrderBench) -> None:
    """A fulfilment service is asked, says yes, is asked to stop, says no, then yes; another says no; one is cancelled."""
    for answers in (
        ["accept", "ask", "reject_cancellation"],
        ["accept", "ask", "accept_cancellation"],
        ["reject"],
        ["cancel"],
    ):
        life = bench.desk.open(bench.place("plain"))
        one = life.book["fulfillment_orders"][0]
        fos.submit(life, one, "Fragile")
        for answer in answers:
            if answer == "ask":
                fos.ask_cancellation(life, one, "Customer cancelled")
            elif answer == "cancel":
                fos.cancel(life, one)
            else:
                fos.answer_request(life, one, answer, "Tomorrow")
        bench.desk.keep("request", life)


def in_the_warehouse(bench: OrderBench) -> None:
    order = bench.place("same_sku_twice")
    first = str(order["line_items"][0]["id"])
    bench.run(order, "hold", reason="OTHER", lines={first: 1})
    bench.run(order, "release")
    bench.run(order, "split", fulfillment_order=1, lines={str(order["line_items"][-1]["id"]): 1})
    life = bench.desk.open(bench.now(order))
    fos.merge(life, [one for one in life.book["fulfillment_orders"] if one["status"] == "OPEN"])
    bench.desk.keep("merge", life)
    bench.run(order, "move", location_id=ELSEWHERE, lines={first: 1})
    bench.run(order, "schedule", fulfill_at="2027-01-01T00:00:00Z")
    bench.run(bench.place("plain"), "progress")
    shipped = bench.place("plain")
    bench.run(shipped, "fulfil")
    bench.run(shipped, "track", tracking_number="1Z8")
    for topic, body in bench.desk.placed(bench.place("authorized"), lambda _: True):
        bench.desk.emit(topic, body)


def coming_back(bench: OrderBench) -> None:
    order = bench.place("plain")
    bench.run(order, "fulfil")
    bench.run(order, "return", request=True)
    bench.run(order, "approve_return")
    bench.run(order, "cancel_return")
    bench.run(order, "return", request=True)
    bench.run(order, "decline_return", **{"return": 1})
    bench.run(order, "return", exchange=[{"sku": "MUG-W"}])
    bench.run(order, "process_return", **{"return": 2}, location_id=ELSEWHERE)
    bench.run(order, "close_return", **{"return": 2})
    bench.run(order, "reopen_return", **{"return": 2})
    bench.run(order, "risk")
    bench.desk.forget(bench.now(order))
    another = bench.place("plain")
    bench.run(another, "fulfil")
    bench.run(another, "return")
    life = bench.desk.open(bench.now(another))
    back = life.book["returns"][0]
    returns.remove(life, back, {back["lines"][0]["id"]: 1})
    bench.desk.keep("remove_from_return", life)


def people(bench: OrderBench) -> None:
    one, two = bench.place("plain")["customer"]["id"], bench.place("plain")["customer"]["id"]
    bench.customers.consent(one, {"marketingState": "SUBSCRIBED"})
    bench.customers.merge(one, two, {})
    alone = bench.customers.create({"email": "alone@example.com", "addresses": [{"city": "Bern", "countryCode": "CH"}]})
    bench.customers.delete(alone["rest"]["id"])
    books = Companies(bench.world, bench.store, bench.customers, bench.desk.emit)
    place = {"shippingAddress": {"address1": "Kai 1", "city": "Hamburg", "countryCode": "DE"}}
    books.create(
        {"company": {"name": "Nordwind"}, "companyContact": {"email": "b@example.com"}, "companyLocation": place}
    )
    drafts = DraftOrders(bench.desk, bench.customers)
    drafts.create({"lineItems": [{"title": "Engraving", "quantity": 1}], "customerId": str(two)})


PARTS: list[Callable[[OrderBench], None]] = [at_the_service, in_the_warehouse, coming_back, people]


def test_bodies_have_every_member_of_their_samples(bench: OrderBench) -> None:
    """F12: consumers read these bodies by the published names; every topic that has a sample is sent."""
    for part in PARTS:
        part(bench)
    sent = {topic: [body for name, body in bench.events if name == topic] for topic in SAMPLES}
    assert [topic for topic, bodies in sent.items() if not bodies] == []
    lacking = {topic: missing(SAMPLES[topic], body) for topic, bodies in sent.items() for body in bodies}
    assert {topic: found for topic, found in lacking.items() if found} == {}


def test_the_check_can_fail() -> None:
    """Control of the test above: a member that is missing deep inside is named."""
    sample = SAMPLES["fulfillment_orders/placed_on_hold"]
    body = json.loads(json.dumps(sample))
    del body["created_fulfillment_hold"]["held_by_app"]["id"]
    assert missing(sample, body) == [".created_fulfillment_hold.held_by_app.id"]
