"""What changes an order as a whole: update, tags, cancel, close, open, delete, risk; and tags of customers."""

from __future__ import annotations

from typing import Any

from interlock.twins.shopify import cancelling
from interlock.twins.shopify.admin.context import AdminError, Resolver, ShopContext, gid, split_gid
from interlock.twins.shopify.admin.metafields import write
from interlock.twins.shopify.admin.rest_shape import customer_books, desk, mutation, number_of, refused, tag_list
from interlock.twins.shopify.customers import ADDRESS_MEMBERS
from interlock.twins.shopify.desk import Life, Refused
from interlock.twins.shopify.orders import gid as rest_gid

MEMBERS = {"note": "note", "phone": "phone", "poNumber": "po_number"}
"""OrderInput -> REST."""


def _opened(shop: ShopContext, reference: str, *path: str, code: str | None = None) -> Life:
    order = shop.store.order(str(number_of(reference)))
    if order is None:
        raise Refused("Order does not exist", *path, code=code)
    return desk(shop).open(order)


def _update(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    given = arguments["input"]
    life = _opened(shop, given["id"], "id")
    order = life.order
    for name, member in MEMBERS.items():
        if name in given:
            order[member] = given[name]
    if "email" in given:
        order["email"], order["contact_email"] = given["email"] or "", given["email"]
    if given.get("tags") is not None:
        order["tags"] = _joined(given["tags"])
    if given.get("customAttributes") is not None:
        order["note_attributes"] = [{"name": one["key"], "value": one["value"]} for one in given["customAttributes"]]
    write(shop, given["id"], given.get("metafields"), "metafields")
    if given.get("shippingAddress"):
        _readdress(order, given["shippingAddress"])
    life.tell("orders/updated")
    desk(shop).keep("update", life)
    return {"order": shop.node(given["id"])}


def _readdress(order: dict[str, Any], given: dict[str, Any]) -> None:
    empty = dict.fromkeys((*ADDRESS_MEMBERS.values(), "latitude", "longitude", "name"))
    address = {**empty, **(order["shipping_address"] or {})}
    address |= {member: given[name] for name, member in ADDRESS_MEMBERS.items() if name in given}
    address["name"] = " ".join(one for one in (address["first_name"], address["last_name"]) if one)
    order["shipping_address"] = address


def _joined(tags: list[str]) -> str:
    """Tags as REST writes them: sorted, each once, whatever its case."""
    kept = {tag.strip().casefold(): tag.strip() for tag in reversed(tags) if tag.strip()}
    return ", ".join(sorted(kept.values(), key=str.casefold))


def _tags(kind: str) -> Resolver:
    def run(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
        type_name, number = split_gid(arguments["id"])
        given = [tag for one in arguments["tags"] for tag in one.split(",")]
        if type_name == "Customer":
            add, remove = (given, []) if kind == "add" else ([], given)
            customer_books(shop).tag(int(number), [one.strip() for one in add], [one.strip() for one in remove])
        elif type_name == "Order":
            life = _opened(shop, arguments["id"], "id")
            gone = {one.strip().casefold() for one in given} if kind == "remove" else set()
            before = tag_list(life.order["tags"])
            kept = [one for one in before if one.casefold() not in gone]
            life.order["tags"] = _joined([*kept, *(given if kind == "add" else [])])
            if life.order["tags"] != _joined(before):
                life.tell("orders/updated")
                desk(shop).keep("tags", life)
        else:
            raise AdminError(f"Tags of {type_name} are not served by this twin", "BAD_REQUEST")
        return {"node": shop.node(arguments["id"])}

    return mutation(run, "node")


def _cancel(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """orderCancel answers a job; this twin has done it by then, and says so when the job is asked for."""
    try:
        if arguments.get("refund") is not None and arguments.get("refundMethod") is not None:
            text = "Only one of the arguments `refund` or `refund_method` is allowed."
            raise Refused(text, "refund", code="INVALID")
        life = _opened(shop, arguments["orderId"], "orderId", code="NOT_FOUND")
        method = arguments.get("refundMethod") or {}
        pay_back = bool(arguments.get("refund") or method.get("originalPaymentMethodsRefund"))
        cancelling.cancel(
            life,
            arguments["reason"].lower(),
            restock=arguments["restock"],
            pay_back=pay_back,
            note=arguments.get("staffNote"),
        )
        desk(shop).keep("cancel", life)
    except Refused as refusal:
        error = refused(refusal)
        return {"job": None, "orderCancelUserErrors": [error], "userErrors": [error]}
    number = f"order-cancel-{life.order['id']}"
    return {"job": _job(number, done=False), "orderCancelUserErrors": [], "userErrors": []}


def _job(number: str, *, done: bool) -> dict[str, Any]:
    return {"__typename": "Job", "id": gid("Job", number), "done": done}


def find_job(_: ShopContext, number: str) -> dict[str, Any] | None:
    return _job(number, done=True)


def _close(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    life = _opened(shop, arguments["input"]["id"], "id")
    life.order["closed_at"] = life.order["closed_at"] or life.at
    life.tell("orders/updated")
    desk(shop).keep("close", life)
    return {"order": shop.node(arguments["input"]["id"])}


def _open(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    life = _opened(shop, arguments["input"]["id"], "id")
    if life.order["cancelled_at"] is not None:
        raise Refused("A cancelled order can't be opened.", "id")
    life.order["closed_at"] = None
    life.tell("orders/updated")
    desk(shop).keep("open", life)
    return {"order": shop.node(arguments["input"]["id"])}


def _delete(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    order = shop.store.order(str(number_of(arguments["orderId"])))
    if order is None:
        raise Refused("Order does not exist", "orderId", code="NOT_FOUND")
    desk(shop).forget(order)
    return {"deletedId": arguments["orderId"]}


def _risk(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    given = arguments["orderRiskAssessmentInput"]
    order = shop.store.order(str(number_of(given["orderId"])))
    if order is None:
        text = "The record with the ID used as the input value couldn't be found."
        raise Refused(text, "orderRiskAssessmentInput", "orderId", code="NOT_FOUND")
    if order["fulfillment_status"] == "fulfilled":
        text = "The order is already fulfilled."
        raise Refused(text, "orderRiskAssessmentInput", "orderId", code="ORDER_ALREADY_FULFILLED")
    life = desk(shop).open(order)
    facts = [{"description": one["description"], "sentiment": one["sentiment"]} for one in given["facts"]]
    row = assess(life, given["riskLevel"], facts, "Risk app")
    desk(shop).keep("risk", life)
    return {"orderRiskAssessment": {"riskLevel": row["risk_level"], "facts": row["facts"], "provider": row["provider"]}}


def assess(life: Life, level: str, facts: list[dict[str, Any]], provider: str | None) -> dict[str, Any]:
    """Add a risk assessment; emits orders/risk_assessment_changed. `provider` None is Shopify itself."""
    known = None if provider is None else {"id": gid("App", 1), "title": provider, "handle": "risk", "apiKey": ""}
    row = {"risk_level": level, "facts": facts, "provider": known}
    life.book["risks"] = [one for one in life.book["risks"] if one["provider"] != known] + [row]
    body = {
        "provider_id": None if known is None else 1,
        "provider_title": provider,
        "risk_level": level.lower(),
        "created_at": life.at,
        "order_id": life.order["id"],
        "admin_graphql_api_order_id": rest_gid("Order", life.order["id"]),
    }
    life.tell(("orders/risk_assessment_changed", body))
    return row


RESOLVERS: dict[str, Resolver] = {
    "QueryRoot.job": lambda shop, _, arguments: shop.node(arguments["id"]),
    "Mutation.orderUpdate": mutation(_update, "order"),
    "Mutation.tagsAdd": _tags("add"),
    "Mutation.tagsRemove": _tags("remove"),
    "Mutation.orderCancel": _cancel,
    "Mutation.orderClose": mutation(_close, "order"),
    "Mutation.orderOpen": mutation(_open, "order"),
    "Mutation.orderDelete": mutation(_delete, "deletedId"),
    "Mutation.orderRiskAssessmentCreate": mutation(_risk, "orderRiskAssessment"),
}
NODES = {"Job": find_job}
