"""Order editing: a session holds staged changes, shows what they would make of the order, and commits them at once.

Recorded at Shopify (2026-04, airhorns/shopify-draft-proxy fixtures/conformance, orders/order-edit-*): a calculated line
of the order has the number of its line item, an added one a UUID; the texts of the refusals. From memory: raising a
quantity raises `quantity` too, and a line discount counts for all units of the line.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any

from interlock.twins.shopify import refunds
from interlock.twins.shopify.catalogue import Product, TaxRule
from interlock.twins.shopify.changes import added_line
from interlock.twins.shopify.desk import Desk, Life, Refused
from interlock.twins.shopify.draft import DraftLine
from interlock.twins.shopify.money import Bag, Currencies, read_set
from interlock.twins.shopify.order_writing import close
from interlock.twins.shopify.orders import taxes_on
from interlock.twins.shopify.totals import line_discount, net_received

Order = dict[str, Any]
Session = dict[str, Any]

SESSION = "order_edit"
"""The kind of its records in the world."""
EDIT_NAMESPACE = uuid.UUID("0b0d84a8-6a63-4a57-9b8e-9bd0a2f0b9b4")
NO_SESSION = "The calculated order does not exist."
NO_LINE = "The line item does not exist on the order."


def begin(desk: Desk, order: Order | None) -> Session:
    """Open a session on an order. Raises Refused."""
    if order is None:
        raise Refused("The order does not exist.", "id")
    if order["cancelled_at"] is not None:
        raise Refused("The order cannot be edited.")
    number = int(desk.world.next_id(SESSION)) + 112_470_000_000
    session: Session = {
        "id": number,
        "order_id": order["id"],
        "quantities": {},
        "added": [],
        "discounts": [],
        "shipping": [],
    }
    desk.world.remember((SESSION, str(number), session))
    return session


def opened(desk: Desk, number: int) -> tuple[Session, Order]:
    """A session to stage a change in, and its order as it is now. Raises Refused."""
    kept = desk.world.get(SESSION, str(number))
    order = desk.store.order(str(kept["order_id"])) if kept else None
    if kept is None or order is None:
        raise Refused(NO_SESSION, "id")
    return copy.deepcopy(kept), order


def stage_quantity(session: Session, order: Order, reference: str, quantity: int) -> None:
    """Set the units of a line, of the order or added."""
    if quantity < 0:
        raise Refused("must be greater than or equal to 0", "quantity")
    added = next((one for one in session["added"] if one["uuid"] == reference), None)
    if added is not None:
        added["quantity"] = quantity
        session["added"] = [one for one in session["added"] if one["quantity"]]
        return
    line = next((one for one in order["line_items"] if str(one["id"]) == reference), None)
    if line is None:
        raise Refused(NO_LINE, "lineItemId")
    if quantity < line["current_quantity"] - line["fulfillable_quantity"]:
        raise Refused("The quantity can't be less than what was fulfilled already.", "quantity")
    session["quantities"][reference] = quantity


def stage_variant(session: Session, order: Order, product: Product, quantity: int, *, duplicates: bool) -> str:
    """Add a variant; returns the reference of its line."""
    if quantity <= 0:
        raise Refused("must be greater than 0", "quantity")
    on_it = {line["variant_id"] for line in order["line_items"] if line["current_quantity"]}
    if not duplicates and product.variant_id in on_it:
        raise Refused(f"{product.title} was not added because it's already on the order.", "id")
    return _stage(session, product, quantity, str(product.price), custom=False, taxable=True)


def stage_custom(
    session: Session, money: Currencies, title: str, price: Mapping[str, Any], quantity: int, *, taxable: bool
) -> str:
    """Add a line that is no product of the shop."""
    if not title.strip():
        raise Refused("can't be blank", "title")
    if quantity <= 0:
        raise Refused("must be greater than 0", "quantity")
    if price["currencyCode"] != money.presentment:
        raise Refused(f"Currency must be {money.presentment}.", "price", "amount")
    amount = money.to_shop(Decimal(price["amount"]))
    if amount < 0:
        raise Refused("must be greater than or equal to 0", "price", "amount")
    product = Product(0, 0, title, None, "", amount, 0, vendor="")
    return _stage(session, product, quantity, str(amount), custom=True, taxable=taxable)


def stage_discount(session: Session, order: Order, reference: str, given: Mapping[str, Any]) -> None:
    """Take something off a line: {"description", "percentValue"} or {"fixedValue": money}."""
    known = {str(line["id"]) for line in order["line_items"]} | {one["uuid"] for one in session["added"]}
    if reference not in known:
        raise Refused(NO_LINE, "id")
    fixed = given.get("fixedValue")
    session["discounts"].append(
        {
            "reference": reference,
            "description": given.get("description") or "Discount",
            "percent": None if given.get("percentValue") is None else str(given["percentValue"]),
            "fixed": None if fixed is None else str(fixed["amount"]),
        }
    )


def stage_shipping(session: Session, money: Currencies, title: str, price: Mapping[str, Any]) -> str:
    """Add a shipping line; returns its reference."""
    if price["currencyCode"] != money.presentment:
        raise Refused(f"The price must be in {money.presentment}.", "shippingLine", "price", code="INVALID")
    reference = _reference(session)
    session["shipping"].append({"uuid": reference, "title": title, "price": str(price["amount"])})
    return reference


def is_empty(session: Session, order: Order) -> bool:
    """Whether a commit would change nothing."""
    lines = {str(line["id"]): line["current_quantity"] for line in order["line_items"]}
    moved = any(lines[reference] != quantity for reference, quantity in session["quantities"].items())
    return not (moved or session["added"] or session["discounts"] or session["shipping"])


def applied(desk: Desk, session: Session) -> tuple[Life, dict[str, Any]]:
    """The order with all staged changes, not kept; and the lines of orders/edited."""
    life = desk.open(desk.store.order(str(session["order_id"])))
    received = net_received(life.order)
    removals, additions = _quantities(life, session)
    made = {one["uuid"]: _line(life, one) for one in session["added"]}
    life.order["line_items"] += made.values()
    additions += [{"id": line["id"], "delta": line["quantity"]} for line in made.values()]
    for one in session["discounts"]:
        _discount(life, made, one)
    for one in session["shipping"]:
        life.order["shipping_lines"].append(_shipping(life, one))
    close(life.order, life.money, received, life.now)
    return life, {"additions": additions, "removals": removals}


def commit(desk: Desk, session: Session, *, note: str | None = None, notify: bool = False) -> Order:
    """Make the staged changes true; emits orders/edited and orders/updated. Raises Refused."""
    order = desk.store.order(str(session["order_id"]))
    if order is None or is_empty(session, order):
        raise Refused("There must be at least one change to be made.", "id")
    life, lines = applied(desk, session)
    life.book["edited"] = True
    shipping = [{"id": row["id"]} for row in life.order["shipping_lines"][len(order["shipping_lines"]) :]]
    body = {
        "id": session["id"],
        "app_id": None,
        "created_at": life.at,
        "notify_customer": notify,
        "order_id": order["id"],
        "staff_note": note or "",
        "user_id": None,
        "line_items": lines,
        "discounts": {"line_item": {"additions": [], "removals": []}},
        "shipping_lines": {"additions": shipping, "removals": []},
        "committed_at": life.at,
    }
    life.tell(("orders/edited", {"order_edit": body}), "orders/updated")
    desk.world.remember((SESSION, str(session["id"]), None))
    return desk.keep("edit", life)


def _stage(session: Session, product: Product, quantity: int, price: str, *, custom: bool, taxable: bool) -> str:
    reference = _reference(session)
    session["added"].append(
        {
            "uuid": reference,
            "product": {**product._asdict(), "price": str(product.price)},
            "quantity": quantity,
            "price": price if custom else None,
            "custom": custom,
            "taxable": taxable,
        }
    )
    return reference


def _reference(session: Session) -> str:
    place = sum(len(session[name]) for name in ("added", "discounts", "shipping"))
    return str(uuid.uuid5(EDIT_NAMESPACE, f"{session['id']}:{place}"))


def _line(life: Life, one: Mapping[str, Any]) -> dict[str, Any]:
    product = Product(**{**one["product"], "price": Decimal(one["product"]["price"])})
    price = None if one["price"] is None else Decimal(one["price"])
    draft = DraftLine(product, one["quantity"], price, taxable=one["taxable"], exists=not one["custom"])
    line = added_line(life.order, draft, life.money, life.new_id())
    if price is not None:  # a price that was asked for is not scaled to the shop's level of prices
        _reprice(life, line, life.money.bag(price))
    return line


def _reprice(life: Life, line: dict[str, Any], price: Bag) -> None:
    line["price"], line["price_set"] = life.money.text(price.shop), life.money.as_set(price)
    _retax(life, line)


def _retax(life: Life, line: dict[str, Any]) -> None:
    """Work out a line's taxes again, on what is paid for it."""
    rules = [TaxRule(row["title"], Decimal(str(row["rate"]))) for row in line["tax_lines"]]
    net = read_set(line["price_set"]) * line["quantity"] - line_discount(line)
    line["tax_lines"] = taxes_on(net, rules, life.order["taxes_included"], life.money)


def _quantities(life: Life, session: Session) -> tuple[list[dict[str, int]], list[dict[str, int]]]:
    """Staged quantities as (removals, additions)."""
    taken: dict[int, int] = {}
    additions = []
    for reference, quantity in session["quantities"].items():
        line = life.line(int(reference))
        if line is None:
            continue
        more = quantity - line["current_quantity"]
        if more > 0:
            for name in ("quantity", "current_quantity", "fulfillable_quantity"):
                line[name] += more
            _retax(life, line)
            additions.append({"id": line["id"], "delta": more})
        elif more < 0:
            taken[line["id"]] = -more
    if taken:
        record = refunds.refund_record(life.order, life.new_id(), life.at, None, life.money)
        rows, duties = refunds.take_off(life.order, taken, life.money, "cancel", life.new_id)
        record["refund_line_items"], record["duties"] = rows, duties
        life.order["refunds"].append(record)
    return [{"id": line_id, "delta": units} for line_id, units in taken.items()], additions


def _discount(life: Life, made: Mapping[str, dict[str, Any]], one: Mapping[str, Any]) -> None:
    reference = one["reference"]
    line = made.get(reference) or life.line(int(reference))
    if line is None:
        return
    money, base = life.money, read_set(line["price_set"]) * line["quantity"] - line_discount(line)
    if one["percent"] is not None:
        amount = money.scaled(base, Decimal(one["percent"]) / 100, ROUND_DOWN)
        value, kind = one["percent"], "percentage"
    else:
        each = Decimal(one["fixed"]) * line["quantity"]
        amount = Bag(min(money.to_shop(each), base.shop), min(each, base.presentment))
        value, kind = one["fixed"], "fixed_amount"
    index = len(life.order["discount_applications"])
    life.order["discount_applications"].append(
        {
            "target_type": "line_item",
            "type": "manual",
            "value": value,
            "value_type": kind,
            "allocation_method": "one",
            "target_selection": "explicit",
            "title": one["description"],
            "description": one["description"],
        }
    )
    amount_set = money.as_set(amount)
    line["discount_allocations"].append(
        {"amount": money.text(amount.shop), "amount_set": amount_set, "discount_application_index": index}
    )
    _retax(life, line)


def _shipping(life: Life, one: Mapping[str, Any]) -> dict[str, Any]:
    amount = Decimal(one["price"])
    price = Bag(life.money.to_shop(amount), amount)
    price_set = life.money.as_set(price)
    return {
        "id": life.new_id(),
        "carrier_identifier": None,
        "code": "custom",
        "current_discounted_price_set": price_set,
        "discounted_price": life.money.text(price.shop),
        "discounted_price_set": price_set,
        "is_removed": False,
        "phone": None,
        "price": life.money.text(price.shop),
        "price_set": price_set,
        "requested_fulfillment_service_id": None,
        "source": "shopify",
        "title": one["title"],
        "tax_lines": [],
        "discount_allocations": [],
    }
