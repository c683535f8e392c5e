"""Shopify's webhooks: signatures, the two dialects, and what a body proves by itself."""

from __future__ import annotations

import base64
import hmac
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.connectors import registry
from interlock.connectors.contract import Envelope
from interlock.connectors.shopify.body import subject_of
from interlock.errors import IntakeError

FIXTURES = Path(__file__).parents[2] / "fixtures" / "shopify"
CLASSIC, EVENTS = registry.dialects("shopify")
SECRET = b"shpss_secret"
VERSION = 1_640_995_200_000_000  # 2021-12-31T19:00:00-05:00
HEADER = {CLASSIC.name: "x-shopify-hmac-sha256", EVENTS.name: "shopify-hmac-sha256"}


def body(topic: str, **changed: object) -> bytes:
    document = json.loads((FIXTURES / f"webhook.{topic}.json").read_bytes())
    return json.dumps(document | changed).encode()


def signature(content: bytes, secret: bytes = SECRET) -> str:
    return base64.b64encode(hmac.digest(secret, content, "sha256")).decode()


def test_the_published_vector_verifies() -> None:
    """Shopify's own test vector: our reading of the documentation is theirs."""
    vector = json.loads((FIXTURES / "webhook.hmac-vector.json").read_bytes())
    headers = {"x-shopify-hmac-sha256": vector["expected_base64_hmac"]}
    assert CLASSIC.verify(headers, vector["rawBody"].encode(), (vector["secret"].encode(),))


@pytest.mark.parametrize("dialect", [CLASSIC, EVENTS], ids=lambda dialect: dialect.name)
def test_either_of_two_secrets_verifies_the_raw_bytes(dialect: object) -> None:
    """C10, C11: non-ASCII and escaped slashes verify as they came; a body that was written anew does not."""
    raw = '{"id": 820982911946154508, "note": "caf\u00e9 \\/ \u2603"}'.encode()
    headers = {HEADER[dialect.name]: signature(raw)}  # type: ignore[attr-defined]
    assert dialect.verify(headers, raw, (b"new", SECRET))  # type: ignore[attr-defined]
    assert dialect.verify(headers, raw, (SECRET, b"new"))  # type: ignore[attr-defined]
    assert not dialect.verify(headers, raw, (b"new", b"other"))  # type: ignore[attr-defined]
    assert not dialect.verify(headers, json.dumps(json.loads(raw)).encode(), (SECRET,))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "*",
        "A" * 44,
        "A" * 43,
        "caf\u00e9",
        "\udcff",
        signature(b"{}")[:-1],
        signature(b"{}") + ", " + signature(b"{}"),
    ],
)
def test_a_bad_signature_is_false_and_no_exception(bad: str) -> None:
    """Malformed base64, another length, a header sent twice: all are the same answer."""
    assert not CLASSIC.verify({"x-shopify-hmac-sha256": bad}, b"{}", (SECRET,))


def test_no_secret_verifies_nothing() -> None:
    """An empty secret in the configuration must not open the door."""
    headers = {"x-shopify-hmac-sha256": signature(b"{}", b"")}
    assert not CLASSIC.verify(headers, b"{}", (b"",))
    assert not CLASSIC.verify(headers, b"{}", ())
    assert not CLASSIC.verify({}, b"{}", (SECRET,))


def test_each_dialect_recognises_its_own_headers() -> None:
    """F15, F95: the next generation drops the X-."""
    assert CLASSIC.recognises({"x-shopify-hmac-sha256": ""})
    assert not EVENTS.recognises({"x-shopify-hmac-sha256": ""})
    assert EVENTS.recognises({"shopify-hmac-sha256": ""})
    assert not CLASSIC.recognises({"shopify-hmac-sha256": ""})


def test_the_envelope_is_read_and_a_bad_time_is_no_error() -> None:
    """Headers are hints: nothing in them may refuse a signed body."""
    headers = {"x-shopify-topic": "orders/create", "x-shopify-triggered-at": "2026-07-01T12:17:28.000Z"}
    envelope = CLASSIC.envelope(headers | {"x-shopify-api-version": "2026-07"})
    assert (envelope.topic, envelope.api_version) == ("orders/create", "2026-07")
    assert envelope.triggered_at_ms == 1_782_908_248_000
    assert CLASSIC.envelope({"x-shopify-triggered-at": "yesterday"}).triggered_at_ms == 0


def test_an_order_proves_what_happened_to_it() -> None:
    """The facts come from the signed content, whatever the topic header claims."""
    subject = CLASSIC.subject(Envelope(dialect="shopify", topic="products/update"), body("orders.create"))
    assert (subject.object, subject.key, subject.name) == ("order", "820982911946154508", "#9999")
    assert (subject.version, subject.complete) == (VERSION, True)
    assert subject.facts == ("orders/create", f"orders/updated#{VERSION}", "orders/cancelled")
    assert json.loads(subject.summary) == {
        "total": "414.95", "currency": "USD", "test": True, "cancelled": True, "refunds": 0, "parcels": 0,
    }  # fmt: skip


def test_payment_and_fulfilment_are_facts() -> None:
    """C03: an order that arrives paid is also created."""
    paid = subject_of(
        body("orders.create", cancelled_at=None, financial_status="paid", fulfillment_status="fulfilled"), ""
    )
    assert paid.facts == ("orders/create", f"orders/updated#{VERSION}", "orders/paid", "orders/fulfilled")


def test_an_edit_is_found_through_its_order() -> None:
    """C13: orders/edited does not contain the order."""
    subject = subject_of(body("orders.edited"), "orders/edited")
    assert (subject.object, subject.key, subject.complete) == ("order", "820982911946154500", False)
    assert subject.facts == ("orders/edited#78912328793123780",)


def test_a_refund_and_a_parcel_belong_to_their_order() -> None:
    """They change the order, which must be read; each is a fact of its own."""
    refund = subject_of(body("refunds.create"), "")
    assert (refund.object, refund.key) == ("order", "820982911946154500")
    assert refund.facts == ("refunds/create#890088186047892319",)
    parcel = subject_of(body("fulfillments.create"), "")
    assert parcel.facts == ("fulfillments/create#123456", f"fulfillments/update#123456@{VERSION}")


def test_other_objects_are_named() -> None:
    """Customers, stock and the privacy topics (F75) have keys of their own."""
    assert subject_of(body("customers.create"), "").object == "customer"
    assert subject_of(body("products.update"), "").facts[0] == "products/create"
    assert subject_of(body("inventory_levels.update"), "").key == "271878346596884015:24826418"
    redact = subject_of(body("customers.redact"), "")
    assert (redact.key, redact.facts) == ("191167", ("customers/redact",))
    assert subject_of(b'{"shop_id": 1, "shop_domain": "x.myshopify.com"}', "").facts == ("shop/redact",)


def test_the_exact_id_is_that_of_the_gid() -> None:
    """C12: 820982911946154508 is above 2^53, and some senders round the number."""
    rounded = body("orders.create", id=820982911946154500)
    assert subject_of(rounded, "").key == "820982911946154508"


def test_a_topic_may_say_where_to_look_but_proves_nothing() -> None:
    """A deleted order is only an id: it is read, and no flow is triggered by the unsigned topic."""
    subject = subject_of(b'{"id": 5}', "orders/delete")
    assert (subject.object, subject.key, subject.complete, subject.facts) == ("order", "5", False, ())


def test_the_next_generation_names_its_object_in_the_changed_paths() -> None:
    """Events bodies have no REST id; shape of the changelog of 2026-09-16."""
    changed = {"added": ["product[id: 'gid://shopify/Product/123'].variants[id: 'gid://shopify/ProductVariant/456']"]}
    raw = json.dumps({"topic": "Product", "action": "update", "handle": "h", "fields_changed": changed}).encode()
    subject = EVENTS.subject(Envelope(dialect=EVENTS.name), raw)
    assert (subject.object, subject.key, subject.complete) == ("product", "123", False)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "INT010"),
        (b"{", "INT010"),
        (b'{"id": NaN}', "INT010"),
        (b'{"note": "\xff", "id": 1}', "INT010"),
        (b'{"a":' * 100_000, "INT010"),
        (b"[" * 5_000, "INT011"),
        (b"[]", "INT011"),
        (b'{"id": "1"}', "INT011"),
        (b'{"id": 1.5}', "INT011"),
        (b'{"id": -1}', "INT011"),
        (b'{"id": 1, "id": 2}', "INT011"),
        (b'{"id": 1, "admin_graphql_api_id": "gid://shopify/Order/2"}', "INT011"),
        (b'{"id": 1, "updated_at": "yesterday"}', "INT011"),
        (b"{}", "INT012"),
        (b'{"foo": "bar"}', "INT012"),
    ],
)
def test_a_body_that_names_nothing_is_refused_with_its_reason(raw: bytes, code: str) -> None:
    """Fault case 41: hostile bodies get a clear 400 and cost nothing."""
    with pytest.raises(IntakeError) as refused:
        subject_of(raw, "")
    assert (refused.value.status, refused.value.code) == (400, code)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    """Fault case 41: the intake knows one kind of error."""
    try:
        subject_of(raw, "orders/create")
    except IntakeError as error:
        assert error.status == 400  # noqa: PT017


def test_a_subject_costs_microseconds() -> None:
    """It runs for every webhook before the answer; the bound is ten times what it takes on a slow core."""
    raw = body("orders.create")
    best = min(_seconds(raw) for _ in range(5))
    assert best < 150e-6, f"{best * 1e6:.0f} us"


def _seconds(raw: bytes, times: int = 200) -> float:
    began = time.perf_counter()
    for _ in range(times):
        subject_of(raw, "orders/create")
    return (time.perf_counter() - began) / times
