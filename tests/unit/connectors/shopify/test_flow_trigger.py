"""Triggers of Shopify Flow: which handle a fact goes to, what the payload is, and when the folder may signal its source."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_store import Store, connection, run

from interlock.clock import SystemClock, VirtualClock
from interlock.connectors import registry
from interlock.connectors.contract import Connection, Done, Http, Past, Plan, Uncertain
from interlock.connectors.shopify.flow_trigger import FlowTriggers
from interlock.connectors.shopify.functions import shopify_number

ORDER = SimpleNamespace(origin="shopify", id="9007199254740993", lines=())
CUSTOMER = SimpleNamespace(origin="shopify", id="7")


def plan(document: Any, signal: str, **handles: str) -> Plan:
    def payload(it: Any) -> bytes:
        return b'{"id":%s}' % it.id.encode()

    connection = Connection(
        system="shopify", url="http://127.0.0.1:1", settings={"flow_trigger_handles": handles}, credentials={"access_token": "t"},
        builders={"order_trigger": payload, "customer_trigger": payload}, http=Http([]), clock=SystemClock(),
    )  # fmt: skip
    return registry.open_destination("shopify", connection).plan(document, signal=signal, past=Past())


def test_the_topic_says_which_trigger_else_the_object() -> None:
    """A merchant has a trigger for a cancellation and another for everything else; each goes to its own workflows."""
    handles = {"order": "news", "orders/cancelled": "gone", "customer": "person"}
    asked = {"orders/create": "news", "orders/cancelled": "gone", "": "news"}
    for signal, handle in asked.items():
        (write,) = plan(ORDER, signal, **handles).writes
        assert json.loads(write.body)["handle"] == handle
    (write,) = plan(CUSTOMER, "customers/create", **handles).writes
    assert (write.operation, json.loads(write.body)["handle"]) == ("flowTrigger.customer", "person")


def test_each_fact_has_a_reference_of_its_own_and_ids_stay_exact() -> None:
    """The reference tells two signals about one order apart; an id above 2^53 must not pass through a float."""
    (first,), (second,) = (plan(ORDER, f"refunds/create#{number}", order="news").writes for number in (1, 2))
    assert first.reference == "shopify-order-9007199254740993:refunds/create:1" != second.reference
    assert b'"payload":{"id":9007199254740993}' in first.body
    assert shopify_number("9007199254740993") == 9007199254740993


@pytest.mark.parametrize("handles", [{}, {"customer": "person"}, {"orders/paid": "paid"}])
def test_without_a_trigger_nothing_is_sent(handles: dict[str, str]) -> None:
    """The control: a fact that no trigger is named for ends quietly, and says why."""
    told = plan(ORDER, "orders/create", **handles)
    assert told.writes == () and "flow_trigger_handles" in told.because


def test_a_signal_may_go_to_more_than_orders_only_by_the_manifest() -> None:
    """What may go back to its source is declared: of objects as they are, signals only, and none that may loop."""
    found = [one for one in registry.facts()["shopify"].writes if one.object != "inventory_level"]
    assert found and all(one.signal and one.once_only == "person" for one in found)
    by_object = {one.object: one for one in found}
    assert by_object["order"].comes_back_by("orders/updated") and by_object["order"].comes_back_by("flow/anything")
    assert not by_object["order"].comes_back_by("orders/create")


@pytest.mark.parametrize("data", [{}, {"flowTriggerReceive": None}])
def test_a_trigger_that_was_not_confirmed_is_uncertain(data: Any) -> None:
    """Nobody can look up what Flow received, so only its own payload is a word of success: that is the control."""

    def written(told: Any) -> Any:
        store = Store(lambda *_: {"data": told})
        write = SimpleNamespace(body=b'{"handle": "news", "payload": {}}')
        return run(FlowTriggers(connection(store, VirtualClock())).write(write, idempotency_key="", timeout_seconds=5))  # type: ignore[arg-type]

    assert isinstance(written(data), Uncertain)
    assert isinstance(written({"flowTriggerReceive": {"userErrors": []}}), Done)
