"""What Shopify Flow sends: actions as events, known by their run, and which stores use our triggers."""

import base64
import hmac
import json
from typing import Any

import pytest

from interlock.connectors import registry
from interlock.connectors.contract import Subject
from interlock.connectors.shopify.body import subject_of
from interlock.errors import IntakeError

CLASSIC = registry.dialects("shopify")[0]
ACTION = {  # the documented example: shopify.dev/docs/apps/build/flow/actions/endpoints, read 2026-11-23
    "shop_id": "1", "shopify_domain": "acme.myshopify.com", "action_run_id": "f5d1-0a", "action_definition_id": "Place auction bid",
    "handle": "place-auction-bid", "properties": {"customer_id": "123456", "amount": "10.00"},
}  # fmt: skip
LIFECYCLE = {  # the documented example: shopify.dev/docs/apps/build/flow/track-lifecycle-events
    "flow_trigger_definition_id": "Add row to spreadsheet", "has_enabled_flow": True, "shop_id": 690933842,
    "shopify_domain": "acme.myshopify.com", "timestamp": "2026-11-23T08:00:00Z",
}  # fmt: skip


def read(document: dict[str, Any], topic: str = "", **changed: Any) -> Subject:
    return subject_of(json.dumps(document | changed).encode(), topic)


def test_an_action_is_about_what_its_workflow_is_about() -> None:
    """The object is read anew, so the action need not carry it; the run's id tells a repetition from a second run."""
    subject = read(ACTION)
    assert (subject.object, subject.key, subject.complete) == ("customer", "123456", False)
    assert (subject.facts, subject.shop) == (("flow/place-auction-bid#f5d1-0a",), "acme.myshopify.com")
    order = read(ACTION, properties={"order_id": 820982911946154508, "customer_id": "1"})
    assert (order.object, order.key) == ("order", "820982911946154508")
    named = read(ACTION, properties={"product_id": "gid://shopify/Product/9"})
    assert (named.object, named.key) == ("product", "9")


def test_an_action_about_nothing_stands_for_itself() -> None:
    """A workflow may ask for something that is about no object: then its body is all there is to know."""
    subject = read(ACTION, properties={"amount": "10.00"})
    assert (subject.object, subject.key, subject.complete) == ("flow_action", "f5d1-0a", True)


def test_the_same_run_is_the_same_fact() -> None:
    """Flow sends again for a day what was not answered with 200; another run is another event."""
    assert read(ACTION).facts == read(ACTION, "orders/create").facts
    assert read(ACTION).facts != read(ACTION, action_run_id="other").facts


def test_a_lifecycle_callback_is_kept_and_triggers_nothing() -> None:
    """Without a 2xx the merchant cannot switch the workflow on; the newest timestamp counts."""
    subject = read(LIFECYCLE)
    assert (subject.object, subject.key, subject.facts) == ("flow_trigger", "Add row to spreadsheet", ())
    assert subject.version == 1_795_420_800_000_000 and subject.complete


def test_nothing_of_flow_is_taken_for_the_erasure_of_a_shop() -> None:
    """A body with a shop and no object was once shop/redact; whatever the topic says, the signed content decides."""
    for document in (ACTION | {"shop_id": 690933842}, LIFECYCLE):
        assert read(document, "shop/redact").object != "shop"


@pytest.mark.parametrize("wrong", [{"handle": "a b"}, {"handle": ""}, {"action_run_id": "1#2"}, {"action_run_id": "x" * 101}])
def test_a_broken_action_is_refused(wrong: dict[str, str]) -> None:
    """A handle or a run that could be mistaken for another never becomes a fact."""
    for shop_id in ("1", 1):
        with pytest.raises(IntakeError):
            read(ACTION, "flow", **wrong, shop_id=shop_id)


def test_a_webhook_that_only_mentions_an_action_stays_one() -> None:
    """The control: a customer may write these words into a note, or a shop into a field of its own."""
    order = {"id": 1, "admin_graphql_api_id": "gid://shopify/Order/1", "note_attributes": [{"name": "action_run_id"}], "action_run_id": "x"}
    assert read(order, "orders/create").object == "order"


def test_an_action_is_signed_as_a_webhook_is() -> None:
    """The same secret and header, no topic: the door that takes webhooks takes it (F78)."""
    raw = json.dumps(ACTION).encode()
    signature = base64.b64encode(hmac.digest(b"secret", raw, "sha256")).decode()
    headers = {"x-shopify-hmac-sha256": signature}
    assert CLASSIC.recognises(headers) and CLASSIC.verify(headers, raw, (b"secret",))
    assert CLASSIC.subject(CLASSIC.envelope(headers), raw) == read(ACTION)
