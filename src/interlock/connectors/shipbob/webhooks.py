"""ShipBob's webhooks: signed as Standard Webhooks are; of what they say only the items are kept, whose levels have moved.

Facts: brianzinn/shipbob-node-sdk openapi-2026-01.json (Webhooks.Topics, the whsec_ secret of a subscription) and src/types.ts
at 8a10229 (order.shipped is told with an order, the other topics of orders with a shipment); developer.shipbob.com/webhooks and
api-evangelist/shipbob asyncapi/shipbob-webhooks-asyncapi.yml (headers, what is signed, wro.*). ShipBob publishes no schema of its
bodies: items are looked for where its own resources have them. A body also says who gets the parcel, which nobody here needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from interlock.connectors.contract import (
    Dialect,
    Envelope,
    Headers,
    IntakeError,
    Seal,
    Subject,
    signed_id,
    signed_seconds,
)

TOPIC: Final = "x-webhook-topic"
"""Not signed: a hint, for the history of stock."""
ITEM_IDS: Final = {
    "inventory_items": "id",            # Orders.ShipmentProductViewModel, of a shipment or of an order's shipments
    "inventory": "id",                  # Returns.PublicReturnDto
    "inventory_quantities": "inventory_id",  # Receiving.V2.WarehouseReceivingOrderViewModel
    "box_items": "inventory_id",        # Receiving.BoxViewModel
}  # fmt: skip
"""Member of a resource that lists items -> which of each item's members is its id."""
MOST_ITEMS: Final = 1_000
"""Of one webhook; the next reading of all levels has the rest."""


class Moved(msgspec.Struct):
    """What is kept of a webhook."""

    items: tuple[str, ...] = ()


class ShipBobDialect:
    """The subscriptions of one account."""

    name = "shipbob"

    def recognises(self, headers: Headers) -> bool:
        """By the topic and the signature."""
        return TOPIC in headers and "webhook-signature" in headers

    def envelope(self, headers: Headers) -> Envelope:
        """The id is signed, and the same in every attempt."""
        given = signed_id(headers)
        return Envelope(
            dialect=self.name, topic=headers.get(TOPIC, "")[:100], event_id=given, webhook_id=given,
            triggered_at_ms=signed_seconds(headers) * 1000,
        )  # fmt: skip

    def verify(self, headers: Headers, body: bytes, secrets: tuple[bytes, ...]) -> bool:
        """By each secret: every subscription has its own. What is sent once more only has its items read once more."""
        seal = Seal(headers, secrets)
        seal.update(body)
        return bool(signed_id(headers)) and seal.fits()

    def kept(self, body: bytes) -> bytes:
        """The items' ids. Raises IntakeError 400."""
        try:
            told = msgspec.json.decode(body)
        except (ValueError, RecursionError) as error:  # not JSON, or not UTF-8
            raise IntakeError(f"no webhook of ShipBob's: {error}", status=400, code="INT010") from error
        items = tuple(dict.fromkeys(_items(told)))[:MOST_ITEMS]
        return msgspec.json.encode(Moved(items))

    def subject(self, envelope: Envelope, body: bytes) -> Subject:  # noqa: ARG002 - what is kept says no more
        """Stock, whatever the topic: no flow takes ShipBob's orders."""
        return Subject(object="inventory_level", key="stock/webhook")


def moved(body: bytes) -> tuple[str, ...]:
    """The items of what was kept. Raises IntakeError 400."""
    try:
        return msgspec.json.decode(body, type=Moved).items
    except (ValueError, RecursionError) as error:
        raise IntakeError(f"this is not what is kept of a webhook: {error}", status=400, code="INT010") from error


def _items(told: Any) -> Iterator[str]:
    """Wherever they stand: the intake bounds how deep that can be."""
    if isinstance(told, list):
        for one in told:
            yield from _items(one)
    elif isinstance(told, dict):
        for name, value in told.items():
            if name in ITEM_IDS and isinstance(value, list):
                yield from _ids(value, ITEM_IDS[name])
            else:
                yield from _items(value)


def _ids(rows: list[Any], member: str) -> Iterator[str]:
    for row in rows:
        known = row.get(member) if isinstance(row, dict) else None
        if isinstance(known, int) and not isinstance(known, bool) and known > 0:
            yield str(known)


DIALECTS: Final[tuple[Dialect, ...]] = (ShipBobDialect(),)
