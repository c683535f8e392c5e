"""Mapping functions of NetSuite: references, and the amounts of a sales order."""

import datetime as dt
from decimal import Decimal
from typing import Any

from msgspec import Struct

from interlock.canonical.money import MoneyPair
from interlock.connectors.netsuite.two_digits import rounded
from interlock.errors import MappingError, UnmappedReference
from interlock.mapping.context import Context
from interlock.mapping.standard import amount, customer_external_id, first_of, posting_day

NAME_CHARACTERS_MAX = 30
"""A longer name is refused, and with it the order: "contained more than the maximum number of characters allowed"
(getlago/lago-api#3649 cuts at 30 for the same reason).
"""


def netsuite_entity(
    customer: Any | None, origin: str, source: str | None, company: Any | None, context: Context
) -> dict[str, str]:
    """The company that bought (C45), else the customer by our external id; the guest account for orders without one (C22).

    A body refers to a record by internal `id` or by `externalId` (docs.oracle.com section_156334828635).
    """
    if company is not None:
        return _company(company, origin, context)
    if customer is not None:
        return {"externalId": customer_external_id(origin, customer.id)}
    guest = context.settings.get("guest_entity")
    if guest is None:
        raise MappingError(
            f"this order ({source or 'unknown channel'}) has no customer",
            path="$.customer",
            code="MAP005",
            why="NetSuite needs an entity on every sales order, and no guest account is configured",
            next_move=f"set guest_entity in systems/{context.system}.toml to the id of the guest account",
        )
    return {"id": str(guest)}


def _company(company: Any, origin: str, context: Context) -> dict[str, str]:
    """As the settings say of its place or of itself; else as whoever brings companies over names them."""
    known = context.settings.get("companies") or {}
    found = known.get(f"{company.id}/{company.location_id}") or known.get(company.id)
    return {"id": str(found)} if found is not None else {"externalId": f"{origin}-company-{company.id}"}


def netsuite_terms(payment_terms: Any | None, context: Context) -> dict[str, str] | None:
    """NetSuite's terms of the same name (C45); none where the settings name none at all, and for what is due at once."""
    known = context.settings.get("terms") or {}
    if payment_terms is None or not known:
        return None
    if payment_terms.name not in known:
        raise MappingError(
            f"{context.system} has no payment terms {payment_terms.name!r}",
            path="$.payment_terms.name",
            code="MAP003",
            why="an order with other terms would be dunned too early or too late",
            next_move=f'add "{payment_terms.name}" = "<internal id>" under [settings.terms] in systems/{context.system}.toml',
        )
    return {"id": str(known[payment_terms.name])}


def netsuite_due_day(payment_terms: Any | None, context: Context) -> str | None:
    """The day in the shop's time zone on which the first payment is due."""
    due = None if payment_terms is None else payment_terms.due_at
    return None if due is None else due.astimezone(context.timezone).date().isoformat()


def owed_tax(components: Any, context: Context) -> Decimal:
    """The tax that the shop itself owes: all but what a channel pays to the state (C37)."""
    channels = components.channel_tax
    return amount(components.tax, context) - (Decimal(0) if channels is None else amount(channels, context))


def owes_tax(components: Any, context: Context) -> bool:
    return bool(owed_tax(components, context))


def is_charged_by_channel(channel_tax: MoneyPair | None, context: Context) -> bool:
    return channel_tax is not None and is_charged(channel_tax, context)


def netsuite_first_name(first_name: str | None, of_address: str | None) -> str:
    """The given name; a dash for customers who are known by an e-mail address alone."""
    return (first_of(first_name, of_address) or "-")[:NAME_CHARACTERS_MAX]


def netsuite_last_name(last_name: str | None, of_address: str | None, *known_by: str | None) -> str | None:
    """The family name, else what the customer is known by: an e-mail address, a telephone number, an id."""
    found = first_of(last_name, of_address, *known_by)
    return found and found[:NAME_CHARACTERS_MAX]


def netsuite_currency(shop: str, presentment: str, context: Context) -> dict[str, str]:
    """NetSuite's id of the currency that the amounts are in (C32)."""
    code = presentment if context.settings.get("order_currency") == "presentment" else shop
    known = context.settings.get("currencies") or {}
    if code not in known:
        raise MappingError(
            f"{context.system} has no currency {code}",
            value=code,
            code="MAP003",
            why="without it NetSuite would book the amounts in the customer's own currency",
            next_move=f'add {code} = "<internal id>" under [settings.currencies] in systems/{context.system}.toml',
        )
    return {"id": str(known[code])}


def netsuite_item(line: Any, context: Context) -> dict[str, str]:
    """A line's item: gift cards have their own, others come from mappings/items.toml (C25, C26, C27, C34)."""
    gift_card_item = context.settings.get("gift_card_item")
    if line.gift_card and gift_card_item is not None:
        return {"id": str(gift_card_item)}
    if context.items is None:
        raise MappingError(
            f"{context.system} has no items",
            code="MAP003",
            next_move=f"add [{context.system}] to mappings/items.toml with a rule: sku, variant or listed",
        )
    match = context.items.find(line)
    return {"externalId": match.item} if match.how == "rule" else {"id": match.item}


def netsuite_net(net: MoneyPair, discount: MoneyPair, context: Context) -> Decimal:
    """Without tax: after discounts, or before them when discounts are a line of their own (setting discount_item)."""
    whole = net if context.settings.get("discount_item") is None else net + discount
    return amount(whole, context)


def has_discount_line(discounts: MoneyPair, context: Context) -> bool:
    return bool(discounts) and context.settings.get("discount_item") is not None


def is_charged(money: MoneyPair, context: Context) -> bool:
    """Whether the amount in the document's currency is not zero."""
    return bool(amount(money, context))


def refund_external_id(origin: str, order_id: str, id: str) -> str:  # noqa: A002  # the field's name
    """Our reference of a refund's credit memo: all those of an order begin alike, so that they can be found together."""
    return f"{origin}-{order_id}-refund-{id}"


def netsuite_refunded_item(sku: str | None, context: Context) -> dict[str, str]:
    """The item of what is paid back. A refund tells the SKU only: what has none, or is known by its variant, goes to the
    item for such goods, where there is one.
    """
    try:
        return netsuite_item(_Refunded(sku), context)
    except UnmappedReference:
        stand_in = context.settings.get("refund_item")
        if stand_in is None:
            raise
        return {"id": str(stand_in)}


def refunded_shipping(refund: Any, context: Context) -> Decimal:
    """Shipping without its tax: entries of this kind say what of it is tax, or are shipping paid back the older way."""
    told = [amount(part.net, context) for part in refund.adjustments if part.kind == "shipping_refund"]
    return sum(told, amount(refund.shipping, context))


def refunds_shipping(refund: Any, context: Context) -> bool:
    return bool(refunded_shipping(refund, context))


def refunded_tax(refund: Any, context: Context) -> Decimal:
    """The tax of goods, of shipping and of adjustments."""
    return sum((amount(part.tax, context) for part in (*refund.lines, *refund.adjustments)), Decimal(0))


def refunds_tax(refund: Any, context: Context) -> bool:
    return bool(refunded_tax(refund, context))


def payout_external_id(origin: str, order_id: str, id: str, transactions: list[Any]) -> str:  # noqa: A002
    """Our reference of a payment's customer refund: that of the credit memo which it pays out, and the payment's id."""
    return f"{refund_external_id(origin, order_id, id)}-payment-{transactions[0].id}"


def payout_day(transactions: list[Any], created_at: dt.datetime, context: Context) -> dt.date:
    """The shop's day on which the money went out."""
    return posting_day(transactions[0].processed_at, created_at, context)


def netsuite_refund_account(transactions: list[Any], context: Context) -> dict[str, str]:
    """The account that the payment's gateway draws on (C34): never one that was not named for it."""
    gateway = transactions[0].gateway
    known = context.settings.get("refund_accounts") or {}
    if gateway not in known:
        raise MappingError(
            f"{context.system} has no account for money that goes back over {gateway!r}",
            path="$.transactions.gateway",
            value=gateway,
            code="MAP003",
            why="a refund that is booked to another gateway's account leaves both of them wrong",
            next_move=f'add "{gateway}" = "<internal id>" under [settings.refund_accounts] in systems/{context.system}.toml',
        )
    return {"id": str(known[gateway])}


def netsuite_refund_method(transactions: list[Any], context: Context) -> dict[str, str] | None:
    """NetSuite's payment option of the gateway, where one is named."""
    known = context.settings.get("refund_methods") or {}
    gateway = transactions[0].gateway
    return {"id": str(known[gateway])} if gateway in known else None


def payout_amount(money: MoneyPair, context: Context) -> Decimal:
    """What a payment gave back, in the digits that NetSuite keeps."""
    return rounded(amount(money, context))


def return_external_id(origin: str, order_id: str, id: str) -> str:  # noqa: A002  # the field's name
    """Our reference of a return authorization, which begins with that of the sales order."""
    return f"{origin}-{order_id}-return-{id}"


def return_approval(status: str) -> dict[str, str]:
    """Pending Approval while the customer only asks, Pending Receipt when the shop has agreed."""
    return {"id": "A" if status == "requested" else "B"}


def return_reason(title: str | None, reason: str) -> str:
    """What comes back, and why: `Aviator sunglasses (defective)`."""
    return f"{title or 'Goods'} ({reason})"


class _Refunded(Struct, frozen=True):
    """A line as the items look at it."""

    sku: str | None
    variant_id: str | None = None
    product_exists: bool = False
    title: str = "a line without a SKU"
    gift_card: bool = False
