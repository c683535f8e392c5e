"""What each connector plans: one wanted state, whatever happened before."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from interlock.canonical.money import Money, MoneyPair
from interlock.clock import VirtualClock
from interlock.connectors import registry
from interlock.connectors.contract import Connection, Destination, Http, Link, Past, Write, with_members
from interlock.errors import MappingError

NOON = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
CREDENTIALS = {"client_id": "c", "certificate_id": "k", "private_key": "p", "token": "t"}


def written(document: Any) -> bytes:
    """A builder: something that depends on the document."""
    event = {"data": {"attributes": {"value": 1.10, "n": document.id, "metric": {}}}}
    return json.dumps({"n": document.id, "note": getattr(document, "note", None)} | event).encode()


NAMES = ("salesOrder", "customer", "order", "placed_order", "cancelled_order", "profile")


def client(name: str, **settings: Any) -> Destination:
    connection = Connection(
        system=name,
        url="http://127.0.0.1:1",
        settings={"channel_id": 1} | settings,
        credentials=CREDENTIALS,
        builders=dict.fromkeys(NAMES, written),
        http=Http([]),
        clock=VirtualClock(),
    )
    return registry.open_destination(name, connection)


def order(**changed: Any) -> Any:
    customer = SimpleNamespace(
        id="7", email="a@b.io", phone=None, first_name="A", last_name="B", accepts_marketing=False
    )
    total = SimpleNamespace(total=MoneyPair(Money(Decimal(9), "USD"), Money(Decimal(9), "USD")))
    fields = {
        "financial_status": "paid", "components": total,
        "id": "1", "origin": "shopify", "cancelled_at": None, "customer": customer, "email": None, "phone": None,
        "currency": "USD", "billing_address": None, "shipping_address": None, "fulfillment_status": "unfulfilled",
        "updated_at": NOON, "note": None, "lines": [SimpleNamespace(requires_shipping=True, quantity=1, current_quantity=1)],
    }  # fmt: skip
    return SimpleNamespace(**(fields | changed))


def link(write: Write, external_id: str = "900") -> dict[str, Link]:
    made = Link(
        operation=write.operation,
        reference=write.reference,
        external_id=external_id,
        version=1,
        content_hash=write.content_hash,
    )
    return {write.operation: made}


def planned(name: str, document: Any, signal: str = "orders/create", links: dict[str, Link] | None = None) -> Any:
    return client(name).plan(document, signal=signal, past=Past(links=links or {}))


def test_netsuite_writes_the_customer_before_the_order() -> None:
    """The order refers to the customer by the external id that was just written."""
    first, second = planned("netsuite", order()).writes
    assert (first.operation, first.reference) == ("customer.upsert", "shopify-customer-7")
    assert (second.operation, second.reference) == ("salesOrder.upsert", "shopify-1")


def test_netsuite_writes_a_guest_order_alone() -> None:
    """C22: the entity is the mapping's matter; there is no customer to write."""
    (only,) = planned("netsuite", order(customer=None)).writes
    assert only.operation == "salesOrder.upsert"


def test_netsuite_closes_what_it_had_written() -> None:
    """C43, C44: a cancelled order is closed by our reference, or was never there."""
    made = planned("netsuite", order()).writes[1]
    (close,) = planned("netsuite", order(cancelled_at=NOON), links=link(made)).writes
    assert (close.operation, close.reference, close.external_id) == ("salesOrder.close", "shopify-1", "900")
    assert planned("netsuite", order(cancelled_at=NOON)).because == "cancelled before it was created"


def test_netsuite_closes_an_order_with_nothing_left_and_opens_it_again() -> None:
    """C40: NetSuite takes no order without lines; equal content after a closing is not old news, nor is a second closing."""
    nothing = MoneyPair(Money(Decimal(0), "USD"), Money(Decimal(0), "USD"))
    parts = SimpleNamespace(__struct_fields__=("items", "total"), items=nothing, total=nothing)
    empty = order(lines=[SimpleNamespace(requires_shipping=True, quantity=1, current_quantity=0)], components=parts)
    assert planned("netsuite", empty).because == "nothing was left on it before it was created"
    made = planned("netsuite", order()).writes[1]
    (close,) = planned("netsuite", empty, links=link(made)).writes
    assert close.operation == "salesOrder.close"
    closed = msgspec.structs.replace(link(close)["salesOrder.close"], version=2)
    again = planned("netsuite", order(), links=link(made) | {"salesOrder.close": closed}).writes[1]
    assert (again.body, again.content_hash != made.content_hash) == (made.body, True)
    (second,) = planned("netsuite", order(cancelled_at=NOON), links=link(again)).writes
    assert second.content_hash != close.content_hash


def test_two_cancellations_are_two_things() -> None:
    """C40: neither has a body; taken for one, the second parcel of an order that was edited twice would leave."""
    (first,) = planned("shipbob", order()).writes
    cancel, create = planned("shipbob", order(note="new"), links=link(first)).writes
    second = planned("shipbob", order(note="newer"), links=link(create) | link(cancel)).writes[0]
    assert (second.operation, second.body) == (cancel.operation, cancel.body)
    assert second.content_hash != cancel.content_hash


@pytest.mark.parametrize("key", ["1|2", "1/2", "", "a b", "\u0661"])
def test_netsuite_refuses_an_id_that_it_would_read_differently(key: str) -> None:
    """A pipe separates ids at NetSuite: `1|2` would be two records."""
    document = order(id=key, origin="" if not key else "shopify")
    if not key:
        document.origin = ""
        document.id = "#"
    with pytest.raises(MappingError, match="MAP012"):
        planned("netsuite", document)


def test_shipbob_creates_once_and_leaves_the_same_content_alone() -> None:
    """Level-triggered: an update that changes nothing for the warehouse is no parcel."""
    (create,) = planned("shipbob", order()).writes
    assert json.loads(create.body)["reference_id"] == create.reference == "shopify-1"
    assert create.quiet_period_seconds == 300
    again = planned("shipbob", order(), links=link(create))
    assert (again.writes, again.because) == ((), "ShipBob has this content already")


def test_shipbob_cancels_and_makes_anew_what_changed() -> None:
    """C40: ShipBob cannot change an order by our references; the old reference stays taken."""
    (first,) = planned("shipbob", order()).writes
    cancel, create = planned("shipbob", order(note="new"), links=link(first)).writes
    assert (cancel.operation, cancel.reference, cancel.external_id) == ("order.cancel", "shopify-1", "900")
    assert create.reference == json.loads(create.body)["reference_id"] == "shopify-1-r2"
    third = planned("shipbob", order(note="newer"), links=link(create, "901")).writes
    assert [write.reference for write in third] == ["shopify-1-r2", "shopify-1-r3"]


def test_shipbob_goes_on_after_a_crash_between_cancel_and_create() -> None:
    """Fault case: the cancellation is in the links, the new order is not."""
    (first,) = planned("shipbob", order()).writes
    cancel, create = planned("shipbob", order(note="new"), links=link(first)).writes
    after = planned("shipbob", order(note="new"), links=link(first) | link(cancel))
    assert after.writes == (create,)


def test_shipbob_cancels_once_and_only_what_is_there() -> None:
    """C43, C44."""
    (first,) = planned("shipbob", order()).writes
    cancelled = order(cancelled_at=NOON)
    (cancel,) = planned("shipbob", cancelled, links=link(first)).writes
    assert cancel.operation == "order.cancel"
    assert (
        planned("shipbob", cancelled, links=link(first) | link(cancel)).because == "it is cancelled at ShipBob already"
    )
    assert planned("shipbob", cancelled).because == "cancelled before it was created"


def test_shipbob_is_not_told_of_what_is_not_sent() -> None:
    """A gift card needs no parcel; when the last good was removed, the parcel is cancelled."""
    digital = [SimpleNamespace(requires_shipping=False, quantity=1, current_quantity=1)]
    assert planned("shipbob", order(lines=digital)).because == "nothing on it is sent by post"
    (first,) = planned("shipbob", order()).writes
    (cancel,) = planned("shipbob", order(lines=digital), links=link(first)).writes
    assert cancel.operation == "order.cancel"


def test_a_quiet_period_may_be_set_for_a_twin() -> None:
    """A demo cannot wait five minutes."""
    (create,) = client("shipbob", quiet_period_seconds=1).plan(order(), signal="", past=Past()).writes
    assert create.quiet_period_seconds == 1


@pytest.mark.parametrize(
    ("signal", "changed", "operation", "unique_id"),
    [
        ("orders/create", {}, "event.placed", "shopify-1:placed"),
        ("orders/cancelled", {"cancelled_at": NOON}, "event.cancelled", "shopify-1:cancelled"),
        ("refunds/create#55", {}, "event.refunded", "shopify-1:refunded:55"),
        ("fulfillments/create#8", {}, "event.shipped", "shopify-1:shipped:8"),
        ("fulfillments/create#8", {"fulfillment_status": "fulfilled"}, "event.fulfilled", "shopify-1:fulfilled"),
        ("orders/fulfilled", {"fulfillment_status": "fulfilled"}, "event.fulfilled", "shopify-1:fulfilled"),
    ],
)
def test_klaviyo_tells_each_happening_once(
    signal: str, changed: dict[str, Any], operation: str, unique_id: str
) -> None:
    """Fault case 49: the unique id is that of the happening, whichever topic told of it."""
    profile, event = planned("klaviyo", order(**changed), signal).writes
    assert (profile.operation, profile.reference) == ("profile.upsert", "shopify-customer-7")
    assert (event.operation, event.reference) == (operation, unique_id)
    assert json.loads(event.body)["data"]["attributes"]["unique_id"] == unique_id


def test_klaviyo_does_not_give_a_refund_the_value_of_the_order() -> None:
    """Klaviyo adds values up: a refund with the order's total would be revenue."""
    event = planned("klaviyo", order(), "refunds/create#55").writes[1]
    attributes = json.loads(event.body)["data"]["attributes"]
    assert "value" not in attributes
    assert attributes["metric"]["data"]["attributes"]["name"] == "Refunded Order"
    assert attributes["time"] == "2026-07-01T12:00:00Z"


@pytest.mark.parametrize(
    ("signal", "changed", "because"),
    [
        ("orders/paid", {}, "orders/paid is no marketing event"),
        ("orders/cancelled", {}, "the order is not cancelled"),
        ("orders/create", {"customer": None}, "no e-mail address, telephone number or customer"),
    ],
)
def test_klaviyo_says_why_there_is_nothing_to_tell(signal: str, changed: dict[str, Any], because: str) -> None:
    """A till sale without a person is no error, and no silence either."""
    plan = planned("klaviyo", order(**changed), signal)
    assert plan.writes == ()
    assert plan.because.startswith(because)


def test_members_are_set_without_touching_a_number() -> None:
    """C12, invariant 9: 1.10 stays 1.10, and an id above 2^53 keeps its digits."""
    body = b'{"data": {"attributes": {"value": 1.10, "id": 820982911946154508, "old": 1}}}'
    changed = with_members(body, {"unique_id": "x"}, "data", "attributes", without=("old",))
    assert changed == b'{"data":{"attributes":{"value":1.10,"id":820982911946154508,"unique_id":"x"}}}'
