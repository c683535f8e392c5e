"""What a release leaves out of the documents of a destination, at which place, and what it then does with the plan."""

import json
from typing import Any

import pytest
from two_folders import folder, orders

from interlock.messaging.write import Link, Past, Plan
from interlock.release.ownership import Guarded
from interlock.release.paper import PaperBuild, on_paper
from interlock.strategy import StrategyErrors

NETSUITE, KLAVIYO, SHIPBOB, SHOP = (f"systems/{name}.toml" for name in ("netsuite", "klaviyo", "shipbob", "shopify"))
AT_THE_TILL = '\n[[record_of_where]]\nof = ["order.{field}"]\nchannels = ["pos"]\n'
NOTHING = Past()


def at_the_till(file: str, field: str) -> PaperBuild:
    """The starter folder, in which a system is record of a field of orders from the till."""
    return on_paper(folder(till=(file, "[credentials]", f"{AT_THE_TILL.format(field=field)}\n[credentials]")))


def planned(build: PaperBuild, destination: str = "netsuite", past: Past = NOTHING, **fields: Any) -> Plan:
    """What is planned for an order with these fields of the shop."""
    (event,) = orders(1, **fields)
    document = build.document("shopify", "order", event.body)
    return build.destination(destination, "shopify").plan(document.value, signal="", past=past)


def body_of(plan: Plan, operation: str) -> dict[str, Any]:
    (write,) = [write for write in plan.writes if write.operation == operation]
    return dict(json.loads(write.body))


def test_nothing_foreign_costs_nothing() -> None:
    """The starter folder leaves nothing out, so its destinations are the connectors' own: no check per delivery."""
    build = on_paper(folder())
    for name in ("netsuite", "shipbob", "klaviyo"):
        assert not isinstance(build.destination(name, "shopify"), Guarded)
        assert build.destination(name, "shopify") is build.destination(name, "shopify")


def test_an_exception_holds_at_its_place_only() -> None:
    """The till's note is NetSuite's, the web shop's is the shop's: the same field, written for one order and not the other."""
    build = at_the_till(NETSUITE, "note")
    web, till = planned(build, note="ring twice"), planned(build, note="ring twice", source_name="pos")
    assert body_of(web, "salesOrder.upsert")["memo"] == "ring twice"
    assert web.refused == ()
    assert "memo" not in body_of(till, "salesOrder.upsert")
    assert [one.field for one in till.refused] == ["order.note"]
    assert till.warnings[-1:] == ("OWN001 refused: order.note is NetSuite's (finance-systems)",)


def test_what_the_vendor_cannot_do_without_is_not_sent_in_halves() -> None:
    """An order without its entity would be refused each time it is tried: it is not tried, and says whose field it was."""
    plan = planned(at_the_till(KLAVIYO, "customer"), source_name="pos")
    assert plan.writes == ()
    assert plan.because == "OWN002 refused as a whole: NetSuite gets no salesOrder without entity"
    assert "order.customer" in [one.field for one in plan.refused]


def test_a_cancellation_writes_too() -> None:
    """Closing an order changes whether it is cancelled; where that is another's word, the order is left as it is."""
    made = Link(operation="salesOrder.upsert", reference="shopify-1", external_id="7", version=1, content_hash="x")
    past = Past(links={"salesOrder.upsert": made})
    cancelled = {"cancelled_at": "2026-11-23T10:00:00+01:00", "source_name": "pos"}
    assert [write.operation for write in planned(on_paper(folder()), past=past, **cancelled).writes] == [
        "salesOrder.close"
    ]
    plan = planned(at_the_till(SHIPBOB, "cancelled_at"), past=past, **cancelled)
    assert plan.writes == ()
    assert [one.words for one in plan.refused] == ["OWN001 refused: order.cancelled_at is ShipBob's (warehouse)"]


def test_a_customer_who_is_anothers_is_not_brought_along() -> None:
    """Where marketing is record of customers, an order still arrives; the customer that it would bring does not."""
    changed = folder(
        shop=(SHOP, '"order", "customer", "refund"', '"order", "refund"'),
        crm=(KLAVIYO, '["customer.accepts_marketing"]', '["customer"]'),
    )
    plan = planned(on_paper(changed))
    assert [write.operation for write in plan.writes] == ["salesOrder.upsert"]
    assert "customer.email" in [one.field for one in plan.refused]
    assert len(plan.refused) > 5
    (told,) = [text for text in plan.warnings if text.startswith("OWN001")]
    assert told.endswith(f" and {len(plan.refused) - 3} more are Klaviyo's (growth)")


def test_a_replaced_list_goes_as_a_whole() -> None:
    """?replace=addressBook: an address without its postal code would clear the code that is there."""
    crm = (KLAVIYO, '"customer.accepts_marketing"', '"customer.accepts_marketing", "customer.address.zip"')
    assert "addressBook" in body_of(planned(on_paper(folder())), "customer.upsert")
    body = body_of(planned(on_paper(folder(crm=crm))), "customer.upsert")
    assert "addressBook" not in body
    assert body["lastName"]


def test_two_stores_keep_what_began_there() -> None:
    """C47, C89: each store is record of its own orders; a copy that the other sends is written by neither flow."""
    shop = folder().files
    flow = shop["flows/order-to-erp.toml"].decode().replace('"Orders to the ERP"', '"Belgian orders"')
    store = shop[SHOP].decode().replace('"Shopify"', '"Belgium"').replace("record_of =", "record_of_own =")
    store = store.replace("https://acme.", "https://acme-belgium.")
    changed = folder({
        "systems/belgium.toml": store.replace('title = "Shopify"', 'title = "Belgium"'),
        "flows/belgian-orders.toml": flow.replace('source = "shopify"', 'source = "belgium"'),
    })  # fmt: skip
    build = on_paper(changed)
    (event,) = orders(1)
    erp = build.destination("netsuite", "belgium")
    own = build.document("belgium", "order", event.body).value
    assert [write.operation for write in erp.plan(own, signal="", past=NOTHING).writes][-1] == "salesOrder.upsert"
    copy = build.document("shopify", "order", event.body).value
    assert erp.plan(copy, signal="", past=NOTHING).writes == ()


CUSTOMERS = """
title = "Customers to the ERP"
source = "shopify"
trigger = ["customers/update"]
object = "customer.v1"
destinations = ["netsuite"]
pattern = "event-driven"
rationale = "A corrected address must not wait for the next order."
impact = "medium"
complexity = "low"
owner = "storefront"
runbook = "erp-refusals.md"
"""


def test_a_customer_without_a_name_is_told_when_the_folder_loads() -> None:
    """An order brings its customer along or not; a flow of customers that can deliver none must not start."""
    crm = (KLAVIYO, '"customer.accepts_marketing"', '"customer.accepts_marketing", "customer.first_name"')
    assert [one.code for one in on_paper(folder(crm=crm)).strategy.warnings] == [
        "STR146"
    ] * 2  # to the ERP and to marketing
    with pytest.raises(StrategyErrors) as refused:
        on_paper(folder({"flows/customers.toml": CUSTOMERS}, crm=crm))
    (error,) = [one for one in refused.value.findings if one.severity == "error"]
    assert (error.code, error.where) == ("STR147", "flows/customers.toml:6:17")
    assert "netsuite takes no customer without firstName, and klaviyo is record of customer.first_name" in error.what
