"""What a test author lets happen to an order by POST /_twin/orders/{id}/{change}; docs/reference/twin-shopify.md lists them."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from interlock.twins.shopify import changes, returns, shipments
from interlock.twins.shopify import fulfillment_orders as fos
from interlock.twins.shopify.admin.order_changes import assess
from interlock.twins.shopify.admin.transactions import capture, void
from interlock.twins.shopify.catalogue import PRODUCTS
from interlock.twins.shopify.customers import Customers
from interlock.twins.shopify.desk import Desk, Life
from interlock.twins.shopify.draft import DraftLine
from interlock.twins.shopify.money import Bag
from interlock.twins.shopify.order_writing import ChangeRefused
from interlock.twins.shopify.payments import left_of, payment_to_refund
from interlock.twins.shopify.store import customer_id
from interlock.twins.shopify.totals import current_net, current_tax, net_received

Asked = dict[str, Any]
BY_SKU = {product.sku: product for product in PRODUCTS}


def run(desk: Desk, order: dict[str, Any], kind: str, asked: Asked) -> list[str]:
    """Let a change happen; returns the topics of its webhooks. Raises Refused, ChangeRefused, KeyError, IndexError."""
    if kind == "delete":
        desk.forget(order)
        return ["orders/delete"]
    if kind == "delete_customer":
        owner = customer_id(order)
        if owner is None:
            raise ChangeRefused("The order names no customer")
        Customers(desk.world, desk.store, desk.emit).erase(owner)
        return ["customers/delete"]
    life = desk.open(order)
    COMMANDS[kind](desk, life, asked)
    desk.keep(kind, life)
    return [topic for topic, _ in life.events]


def _edit(desk: Desk, life: Life, asked: Asked) -> None:
    """{"add": [{"sku", "quantity"}], "remove": {line: units}}; without either, one more product is added."""
    order = life.order
    state = (desk.world.seed, order["id"], order["updated_at"], len(order["line_items"]), len(order["refunds"]))
    rng = random.Random(repr(state))  # not the world's: its numbers begin again after a restart
    wanted = asked.get("add", [] if "remove" in asked else [{}])
    add = [DraftLine(BY_SKU[one.get("sku") or rng.choice(PRODUCTS).sku], int(one.get("quantity", 1))) for one in wanted]
    life.take(changes.edit(order, rng, life.now, add=add, remove=_units(order, asked.get("remove"))))
    life.book["edited"] = True


def _refund(_: Desk, life: Life, asked: Asked) -> None:
    """{"lines": {line: units}, "shipping": bool, "restock": "return", "note", "amount", "pending"}; no lines: all."""
    amount = asked.get("amount")
    life.take(
        changes.refund(
            life.order,
            life.now,
            lines=_units(life.order, asked.get("lines")),
            shipping=asked.get("shipping"),
            restock=str(asked.get("restock", "return")),
            note=asked.get("note"),
            amount=None if amount is None else Decimal(str(amount)),
            pending=bool(asked.get("pending")),
        )
    )


def _settle_refund(_: Desk, life: Life, asked: Asked) -> None:
    """{"status": "success"}: what is pending of the refunds comes to an end."""
    life.take(changes.settle_refund(life.order, life.now, status=str(asked.get("status", "success"))))


def _cancel(_: Desk, life: Life, asked: Asked) -> None:
    """{"reason": "customer", "restock": true}."""
    reason, restock = str(asked.get("reason", "customer")), bool(asked.get("restock", True))
    life.take(changes.cancel(life.order, life.now, reason=reason, restock=restock))


def _fulfil(_: Desk, life: Life, asked: Asked) -> None:
    """{"lines": {line: units}, "tracking_number", "fulfillment_order": place}; without lines, all that wait."""
    number = str(asked.get("tracking_number", f"1Z{life.order['order_number']}"))
    if "fulfillment_order" not in asked:
        lines = _units(life.order, asked.get("lines"))
        life.take(changes.fulfil(life.order, life.now, lines=lines, tracking_number=number))
        return
    one = _fulfillment_order(life, asked)
    group = shipments.Group(one["id"], _rows(life, one, asked.get("lines")))
    shipments.create(life, [group], shipments.Tracking("UPS", [number]))


def _pay(_: Desk, life: Life, __: Asked) -> None:
    life.take(changes.pay(life.order, life.now))


def _note(_: Desk, life: Life, asked: Asked) -> None:
    """{"note": text, "tag": text}."""
    life.take(changes.annotate(life.order, life.now, note=asked.get("note"), tag=asked.get("tag")))


def _hold(_: Desk, life: Life, asked: Asked) -> None:
    """{"fulfillment_order": place, "reason": "OTHER", "notes", "handle", "lines": {line: units}}."""
    one = _fulfillment_order(life, asked)
    handle = str(asked.get("handle", f"twin-{len(one['holds'])}"))
    reason, units = str(asked.get("reason", "OTHER")), _rows(life, one, asked.get("lines"))
    fos.hold(life, one, reason, notes=asked.get("notes"), handle=handle, units=units)


def _release(_: Desk, life: Life, asked: Asked) -> None:
    fos.release(life, _fulfillment_order(life, asked))


def _move(_: Desk, life: Life, asked: Asked) -> None:
    """{"fulfillment_order": place, "location_id", "lines": {line: units}}."""
    one = _fulfillment_order(life, asked)
    fos.move(life, one, int(asked["location_id"]), _rows(life, one, asked.get("lines")))


def _split(_: Desk, life: Life, asked: Asked) -> None:
    """{"fulfillment_order": place, "lines": {line: units}}."""
    one = _fulfillment_order(life, asked)
    fos.split(life, one, _rows(life, one, asked["lines"]) or {})


def _progress(_: Desk, life: Life, asked: Asked) -> None:
    fos.report_progress(life, _fulfillment_order(life, asked), asked.get("notes"))


def _schedule(_: Desk, life: Life, asked: Asked) -> None:
    """{"fulfillment_order": place, "fulfill_at": time}."""
    fos.schedule(life, _fulfillment_order(life, asked), str(asked["fulfill_at"]))


def _track(_: Desk, life: Life, asked: Asked) -> None:
    """{"fulfillment": place, "tracking_number", "company"}."""
    parcel = life.order["fulfillments"][int(asked.get("fulfillment", 0))]
    follow = shipments.Tracking(asked.get("company"), [str(asked["tracking_number"])])
    shipments.update_tracking(life, parcel, follow)


def _unship(_: Desk, life: Life, asked: Asked) -> None:
    """{"fulfillment": place}: the parcel is cancelled."""
    shipments.cancel(life, life.order["fulfillments"][int(asked.get("fulfillment", 0))])


def _return(_: Desk, life: Life, asked: Asked) -> None:
    """{"lines": {line: units}, "exchange": [{"sku", "quantity"}], "request": false, "reason": "UNWANTED"}."""
    units = _units(life.order, asked.get("lines"))
    wanted = []
    for parcel in life.book["shipments"]:
        for row in parcel["taken"]:
            left = returns.returnable(life.book, row)
            take = left if units is None else min(left, units.get(row["line_item_id"], 0))
            if take:
                wanted.append(returns.Wanted(row["id"], take, str(asked.get("reason", "UNWANTED"))))
                if units is not None:
                    units[row["line_item_id"]] -= take
    if asked.get("request"):
        returns.request(life, wanted)
    else:
        exchange = [DraftLine(BY_SKU[one["sku"]], int(one.get("quantity", 1))) for one in asked.get("exchange", ())]
        returns.create(life, wanted, exchange)
    life.tell("orders/updated")


def _process_return(_: Desk, life: Life, asked: Asked) -> None:
    """{"return": place, "refund": true, "disposition": "RESTOCKED", "location_id"}: all of it comes back."""
    one = _a_return(life, asked)
    kind, place = str(asked.get("disposition", "RESTOCKED")), asked.get("location_id")
    location = None if place is None else int(place)
    rows = [(row, row["quantity"] - row["processed"]) for row in one["lines"]]
    processed = [returns.Processed(row["id"], left, ((kind, left, location),)) for row, left in rows if left]
    exchanges = {row["id"]: row["quantity"] - row["processed"] for row in one["exchange_lines"]}
    paid = _worth(life, one, processed) if asked.get("refund", True) else None
    parent = payment_to_refund(life.book)
    number, gateway = (parent["id"], parent["gateway"]) if parent else (None, None)
    returns.process(life, one, processed, exchanges, paid=paid, parent_id=number, gateway=gateway)


def _worth(life: Life, one: dict[str, Any], processed: list[returns.Processed]) -> Bag | None:
    """What the units of a return were sold for, as far as it was paid."""
    units = {row.return_line_id: row.units for row in processed}
    worth = Bag()
    for row in one["lines"]:
        line = life.line(row["line_item_id"])
        if line is not None:
            net, count = current_net(line, life.money), line["current_quantity"]
            tax = Bag() if life.order["taxes_included"] else current_tax(line, life.money)
            worth = worth + life.money.prorated(net + tax, units.get(row["id"], 0), count)
    kept = net_received(life.order)
    if worth.shop <= 0 or kept <= 0:
        return None
    return worth if worth.shop <= kept else life.money.bag(kept)


def _on_return(step: Callable[[Life, dict[str, Any], Asked], None]) -> Callable[[Desk, Life, Asked], None]:
    """A change of the return at {"return": place}."""
    return lambda _, life, asked: step(life, _a_return(life, asked), asked)


def _risk(_: Desk, life: Life, asked: Asked) -> None:
    """{"level": "HIGH", "facts": [text], "provider"}."""
    facts = [{"description": str(one), "sentiment": "NEGATIVE"} for one in asked.get("facts", ["Set by the test"])]
    assess(life, str(asked.get("level", "HIGH")), facts, asked.get("provider"))


def _capture(_: Desk, life: Life, asked: Asked) -> None:
    """{"amount"}: of the authorization; without it, all that is left."""
    held = _authorization(life)
    left = left_of(life.book, held).presentment
    capture(life, held["id"], Decimal(str(asked.get("amount", left))))


def _void(_: Desk, life: Life, __: Asked) -> None:
    void(life, _authorization(life))


def _authorization(life: Life) -> dict[str, Any]:
    rows: list[dict[str, Any]] = life.book["transactions"]
    for one in rows:
        if one["kind"] == "authorization" and left_of(life.book, one):
            return one
    raise ChangeRefused("Nothing is authorized")


def _fulfillment_order(life: Life, asked: Asked) -> dict[str, Any]:
    """By its id or its place on the order; 0 when nothing is said."""
    named = int(asked.get("fulfillment_order", 0))
    rows = life.book["fulfillment_orders"]
    return rows[named] if named < len(rows) else fos.find(life, named)


def _a_return(life: Life, asked: Asked) -> dict[str, Any]:
    return life.book["returns"][int(asked.get("return", 0))]  # type: ignore[no-any-return]


def _rows(life: Life, one: dict[str, Any], asked: dict[str, int] | None) -> dict[int, int] | None:
    """Units by the rows of a fulfilment order, from units by order line."""
    units = _units(life.order, asked)
    if units is None:
        return None
    return {row["id"]: units[row["line_item_id"]] for row in one["lines"] if units.get(row["line_item_id"])}


def _units(order: dict[str, Any], asked: dict[str, Any] | None) -> dict[int, int] | None:
    """Units by line id; a line may be named by its position on the order ("0", "1")."""
    if asked is None:
        return None
    lines = order["line_items"]
    named = {int(line): int(units) for line, units in asked.items()}
    return {lines[line]["id"] if line < len(lines) else line: units for line, units in named.items()}


COMMANDS: dict[str, Callable[[Desk, Life, Asked], None]] = {
    "edit": _edit,
    "refund": _refund,
    "settle_refund": _settle_refund,
    "cancel": _cancel,
    "fulfil": _fulfil,
    "pay": _pay,
    "note": _note,
    "hold": _hold,
    "release": _release,
    "move": _move,
    "split": _split,
    "progress": _progress,
    "schedule": _schedule,
    "track": _track,
    "unship": _unship,
    "return": _return,
    "approve_return": _on_return(lambda life, one, _: returns.approve(life, one)),
    "decline_return": _on_return(
        lambda life, one, asked: returns.decline(life, one, str(asked.get("reason", "OTHER")))
    ),
    "process_return": _process_return,
    "close_return": _on_return(lambda life, one, _: returns.close_return(life, one)),
    "cancel_return": _on_return(lambda life, one, _: returns.cancel(life, one)),
    "reopen_return": _on_return(lambda life, one, _: returns.reopen(life, one)),
    "risk": _risk,
    "capture": _capture,
    "void": _void,
}
KINDS = frozenset({*COMMANDS, "delete", "delete_customer"})
