"""ShipBob's webhooks: signed as Standard Webhooks are, taken for their items only, and never for who gets the parcel."""

from __future__ import annotations

import json
from typing import Any

import pytest

from interlock.connectors.shipbob.webhooks import MOST_ITEMS, ShipBobDialect, moved
from interlock.errors import IntakeError
from interlock.twins.shipbob_webhooks import sign

SECRET, OTHER = "whsec_dGhlIHNlY3JldCBvZiB0aGUgd2FyZWhvdXNl", "whsec_YW5vdGhlciBzdWJzY3JpcHRpb24ncw=="  # noqa: S105
WHO = {"name": "Wilhelmina Tester", "email": "w@example.com", "address": {"address1": "1 Road"}}
LINE = {"id": 9, "sku": "TEE", "inventory_items": [{"id": 21, "quantity": 2}, {"id": 22, "quantity": 1}]}
SHIPMENT = {"id": 7, "order_id": 5, "status": "Cancelled", "recipient": WHO, "products": [LINE]}
ORDER = {"id": 5, "recipient": WHO, "products": [{"id": 9, "quantity": 2}], "shipments": [SHIPMENT, SHIPMENT]}
RETURN = {"id": 3, "customer_name": "Wilhelmina Tester", "inventory": [{"id": 21, "quantity": 1}]}
RECEIVED = {"id": 2, "inventory_quantities": [{"inventory_id": 30, "stowed_quantity": 5}]}
BOX = {"box_id": 1, "box_items": [{"inventory_id": 31, "stowed_quantity": 5}]}
DIALECT = ShipBobDialect()
SECONDS = 1_800_000_000


def _headers(body: bytes, secret: str = SECRET, **changed: str) -> dict[str, str]:
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(SECONDS),
        "webhook-signature": sign(secret, "msg_1", SECONDS, body),
    }
    return (
        signed
        | {"x-webhook-topic": "order.shipment.cancelled"}
        | {name.replace("_", "-"): text for name, text in changed.items()}
    )


@pytest.mark.parametrize(
    ("told", "items"),
    [
        (SHIPMENT, ("21", "22")),
        (ORDER, ("21", "22")),
        (RETURN, ("21",)),
        (RECEIVED, ("30",)),
        (BOX, ("31",)),
        ({"id": 1, "amount": 3.5, "currency": "USD"}, ()),
        ([], ()),
        ({"inventory": "none", "inventory_items": [{"id": True}, {"id": None}, {"id": -4}, {}, 7]}, ()),
        ({"inventory": [{"id": one} for one in range(1, 5_000)]}, tuple(str(one) for one in range(1, MOST_ITEMS + 1))),
    ],
)
def test_what_a_body_names_is_kept_and_nothing_else(told: Any, items: tuple[str, ...]) -> None:
    """An order, a shipment, a return, what was received and a box, as the API has them; what names no item, or garbage where items
    stand, costs nothing; one that names thousands costs what is bounded. No name and no address is kept."""
    kept = DIALECT.kept(json.dumps(told).encode())
    assert moved(kept) == items
    assert json.loads(kept) == {"items": list(items)}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """With 400, and never as a bug of ours."""
    with pytest.raises(IntakeError):
        DIALECT.kept(body)
    with pytest.raises(IntakeError):
        moved(body)


def test_only_what_a_subscription_has_signed_is_taken() -> None:
    """Id, time and raw body are signed together; each subscription has its own secret. Controls: another secret, another id, time
    or body, no id, and a signature of nothing."""
    body, secrets = json.dumps(SHIPMENT).encode(), (OTHER.encode(), SECRET.encode())
    assert DIALECT.verify(_headers(body), body, secrets)
    assert not DIALECT.verify(_headers(body), body, secrets[:1])
    assert not DIALECT.verify(_headers(body), body + b" ", secrets)
    for changed in (
        {"webhook_id": "msg_2"},
        {"webhook_timestamp": "1"},
        {"webhook_id": ""},
        {"webhook_signature": "v1,"},
    ):
        assert not DIALECT.verify(_headers(body, **changed), body, secrets)
    assert not DIALECT.recognises({"webhook-signature": "v1,x"})
