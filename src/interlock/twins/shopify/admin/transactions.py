"""OrderTransaction as GraphQL shows it, and what moves money: capture, void, mark as paid, a manual payment."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from interlock.twins.shopify import changes, payments
from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid
from interlock.twins.shopify.admin.rest_shape import (
    bag,
    bag_of,
    constant,
    desk,
    money_v2,
    mutation,
    number_of,
    shows,
    upper,
)
from interlock.twins.shopify.desk import Life, Refused
from interlock.twins.shopify.money import Bag, currencies_of, read_set
from interlock.twins.shopify.order_writing import close
from interlock.twins.shopify.totals import net_received

Parent = dict[str, Any]


def transaction(order: dict[str, Any], book: dict[str, Any], row: dict[str, Any]) -> Parent:
    """What the resolvers of OrderTransaction read."""
    return {"__typename": "OrderTransaction", "rest": row, "order": order, "book": book}


def _amount(_: ShopContext, parent: Parent, __: Any) -> Any:
    return bag(parent["book"]["amounts"][str(parent["rest"]["id"])])


def _parent(_: ShopContext, parent: Parent, __: Any) -> Any:
    """The transaction that this one is about; a refund without a word goes back to the last payment."""
    book, number = parent["book"], parent["rest"]["parent_id"]
    if number is None and parent["rest"]["kind"] == "refund":
        found = payments.payment_to_refund(book)
    else:
        found = next((one for one in book["transactions"] if one["id"] == number), None)
    return None if found is None else transaction(parent["order"], book, found)


def _unsettled(_: ShopContext, parent: Parent, __: Any) -> Any:
    if parent["rest"]["kind"] != "authorization":
        return None
    return bag_of(payments.left_of(parent["book"], parent["rest"]), currencies_of(parent["order"]))


def _capturable(_: ShopContext, parent: Parent, __: Any) -> bool:
    return parent["rest"]["kind"] == "authorization" and bool(payments.left_of(parent["book"], parent["rest"]))


def _rounding(_: ShopContext, parent: Parent, __: Any) -> Any:
    text = parent["rest"].get("amount_rounding")
    return None if text is None else bag_of(Bag(Decimal(text), Decimal(text)), currencies_of(parent["order"]))


def _order(shop: ShopContext, parent: Parent, _: Any) -> Any:
    return shop.node(gid("Order", parent["order"]["id"]))


def _maximum_refundable(_: ShopContext, parent: Parent, __: Any) -> Any:
    row, order = parent["rest"], parent["order"]
    if row["kind"] not in payments.RECEIVING or row["status"] != "success":
        return None
    gone = sum(
        (Decimal(one["amount"]) for one in payments.refund_transactions(order) if one["status"] != "failure"),
        Decimal(0),
    )
    return money_v2(max(Decimal(row["amount"]) - gone, Decimal(0)), row["currency"])


FIELDS: dict[str, str | Resolver] = {
    "id": "admin_graphql_api_id",
    "kind": lambda _, parent, __: upper(parent["rest"]["kind"]),
    "status": lambda _, parent, __: upper(parent["rest"]["status"]),
    "gateway": "gateway",
    "formattedGateway": lambda _, parent, __: (parent["rest"]["gateway"] or "").replace("_", " ").capitalize(),
    "createdAt": "created_at",
    "processedAt": "processed_at",
    "test": "test",
    "authorizationCode": "authorization",
    "authorizationExpiresAt": constant(None),
    "errorCode": lambda _, parent, __: upper(parent["rest"]["error_code"]),
    "paymentId": "payment_id",
    "manualPaymentGateway": lambda _, parent, __: bool(parent["rest"].get("manual_payment_gateway")),
    "manuallyCapturable": _capturable,
    "multiCapturable": _capturable,
    "amountSet": _amount,
    "amountRoundingSet": _rounding,
    "totalUnsettledSet": _unsettled,
    "maximumRefundableV2": _maximum_refundable,
    "parentTransaction": _parent,
    "order": _order,
    "location": lambda shop, parent, _: (
        shop.node(gid("Location", parent["rest"]["location_id"])) if parent["rest"]["location_id"] else None
    ),
    "accountNumber": constant(None),
    "fees": constant([]),
    "paymentDetails": constant(None),
    "receiptJson": "receipt",
}


def find(shop: ShopContext, number: str) -> Parent | None:
    order = shop.store.owner(number_of(number))
    if order is None:
        return None
    book = desk(shop).book(order)
    row = next((one for one in payments.all_transactions(order, book) if str(one["id"]) == number), None)
    return None if row is None else transaction(order, book, row)


def _mark_as_paid(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    order = shop.store.order(str(number_of(arguments["input"]["id"])))
    if order is None:
        raise Refused("Order does not exist", "id")
    if order["cancelled_at"] or Decimal(order["total_outstanding"]) <= 0:
        raise Refused("Order cannot be marked as paid.", "id")
    desk(shop).change("pay", order, changes.pay(order, shop.store.now()))
    return {"order": shop.node(arguments["input"]["id"])}


def _capture(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    given = arguments["input"]
    order = shop.store.order(str(number_of(given["id"])))
    if order is None:
        raise Refused("Order does not exist", "id")
    life = desk(shop).open(order)
    made = capture(life, number_of(given["parentTransactionId"]), Decimal(given["amount"]), given.get("currency"))
    desk(shop).keep("capture", life)
    return {"transaction": find(shop, str(made["id"]))}


def capture(life: Life, parent_id: int, amount: Decimal, currency: str | None = None) -> dict[str, Any]:
    """Take authorized money; emits orders/paid when nothing is left to pay, and orders/updated."""
    held = next((one for one in life.book["transactions"] if one["id"] == parent_id), None)
    if held is None:
        raise Refused("Unable to find parent transaction")
    if held["kind"] != "authorization" or held["status"] != "success":
        raise Refused("Parent transaction should be a successful authorization")
    if currency is not None and currency != held["currency"]:
        raise Refused(f"Currency Currency must match parent transaction {held['currency']}", "currency")
    left = payments.left_of(life.book, held)
    if amount <= 0:
        raise Refused("Amount must be greater than zero for capture transactions")
    if amount > left.presentment:
        raise Refused(f"Cannot capture more than the authorized {left.presentment} for this payment.")
    taken = left if amount == left.presentment else Bag(life.money.to_shop(amount), amount)
    received = net_received(life.order) + taken.shop
    made = payments.record(
        life.order, life.book, "capture", taken, life.book_id, parent_id=held["id"], gateway=held["gateway"]
    )
    held["total_unsettled_set"] = life.money.as_set(payments.left_of(life.book, held))
    close(life.order, life.money, received, life.now)
    life.tell(*(["orders/paid"] if life.order["financial_status"] == "paid" else []), "orders/updated")
    return made


def _void(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    number = number_of(arguments["parentTransactionId"])
    order = shop.store.owner(number)
    life = desk(shop).open(order) if order else None
    held = next((one for one in life.book["transactions"] if one["id"] == number), None) if life else None
    if held is None or life is None:
        raise Refused("Transaction does not exist", "parentTransactionId", code="TRANSACTION_NOT_FOUND")
    if held["kind"] != "authorization" or held["status"] != "success":
        text = "Parent transaction must be a successful authorization"
        raise Refused(text, "parentTransactionId", code="AUTH_NOT_SUCCESSFUL")
    if payments.left_of(life.book, held) != read_set(life.book["amounts"][str(number)]):
        text = "Parent transaction require a parent_id referring to a voidable transaction"
        raise Refused(text, "parentTransactionId", code="AUTH_NOT_VOIDABLE")
    made = void(life, held)
    desk(shop).keep("void", life)
    return {"transaction": find(shop, str(made["id"]))}


def void(life: Life, held: dict[str, Any]) -> dict[str, Any]:
    """Let go of authorized money."""
    amount = payments.amount_of(life.book, held)
    made = payments.record(
        life.order, life.book, "void", amount, life.book_id, parent_id=held["id"], gateway=held["gateway"]
    )
    held["total_unsettled_set"] = life.money.as_set(Bag())
    life.order["financial_status"] = "voided"
    life.tell("orders/updated")
    return made


def _manual_payment(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    order = shop.store.order(str(number_of(arguments["id"])))
    if order is None:
        raise Refused("Order does not exist", "id", code="ORDER_NOT_FOUND")
    life = desk(shop).open(order)
    given = arguments.get("amount")
    due = Decimal(order["total_outstanding"])
    amount = life.money.bag(due) if given is None else _given(life, given)
    if amount.shop <= 0:
        raise Refused("Amount must be positive", "amount", code="AMOUNT_NOT_POSITIVE")
    if amount.shop > due:
        raise Refused("Amount exceeds the balance", "amount", code="AMOUNT_EXCEEDS_BALANCE")
    received = net_received(order) + amount.shop
    gateway = arguments.get("paymentMethodName") or "manual"
    payments.record(life.order, life.book, "sale", amount, life.book_id, gateway=gateway)
    close(life.order, life.money, received, life.now)
    life.tell(*(["orders/paid"] if life.order["financial_status"] == "paid" else []), "orders/updated")
    desk(shop).keep("pay", life)
    return {"order": shop.node(arguments["id"])}


def _given(life: Life, amount: dict[str, Any]) -> Bag:
    presentment = Decimal(amount["amount"])
    return Bag(life.money.to_shop(presentment), presentment)


RESOLVERS: dict[str, Resolver] = {
    **shows("OrderTransaction", FIELDS),
    "Mutation.orderMarkAsPaid": mutation(_mark_as_paid, "order"),
    "Mutation.orderCapture": mutation(_capture, "transaction"),
    "Mutation.transactionVoid": mutation(_void, "transaction"),
    "Mutation.orderCreateManualPayment": mutation(_manual_payment, "order"),
}
NODES = {"OrderTransaction": find}
