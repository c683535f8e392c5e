"""From the books to GraphQL: tables that say which member of a REST object a field shows, and how money looks.

Recorded at Shopify (2026-04): a Decimal has no trailing zeros but one digit behind the point: "110.0", "12.5".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from interlock.twins.shopify.admin.context import Resolver, ShopContext
from interlock.twins.shopify.customers import Customers
from interlock.twins.shopify.desk import Desk
from interlock.twins.shopify.money import Bag, Currencies
from interlock.twins.shopify.order_writing import ChangeRefused

Table = Mapping[str, "str | Resolver"]


def amount_text(amount: str | Decimal) -> str:
    """110.00 as Shopify's GraphQL writes it: 110.0."""
    text = format(amount, "f") if isinstance(amount, Decimal) else amount
    whole, _, part = text.partition(".")
    return f"{whole}.{part.rstrip('0') or '0'}"


def money_v2(amount: str | Decimal, currency: str) -> dict[str, Any]:
    return {"__typename": "MoneyV2", "amount": amount_text(amount), "currencyCode": currency}


def bag(money_set: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A MoneyBag from a REST money set."""
    if money_set is None:
        return None
    return {
        "shopMoney": money_v2(money_set["shop_money"]["amount"], money_set["shop_money"]["currency_code"]),
        "presentmentMoney": money_v2(
            money_set["presentment_money"]["amount"], money_set["presentment_money"]["currency_code"]
        ),
    }


def bag_of(amount: Bag, money: Currencies) -> dict[str, Any]:
    """A MoneyBag from an amount that was worked out."""
    return {
        "shopMoney": money_v2(amount.shop, money.shop),
        "presentmentMoney": money_v2(amount.presentment, money.presentment),
    }


def shows(type_name: str, table: Table, convert: Callable[[Any], Any] | None = None) -> dict[str, Resolver]:
    """Resolvers of a type whose parents are {"rest": object, ...}: field -> REST member, or a resolver of its own."""
    return {f"{type_name}.{name}": _member(one, convert) for name, one in table.items()}


def _member(one: str | Resolver, convert: Callable[[Any], Any] | None) -> Resolver:
    if not isinstance(one, str):
        return one
    if convert is None:
        return lambda _shop, parent, _arguments: parent["rest"].get(one)
    return lambda _shop, parent, _arguments: convert(parent["rest"].get(one))


def constant(value: Any) -> Resolver:
    """A field that this twin always answers the same."""
    return lambda *_: value


def upper(value: Any) -> Any:
    """An enum's value from REST's small letters."""
    return None if value is None else str(value).upper()


def tag_list(text: str | None) -> list[str]:
    return [one for one in (text or "").split(", ") if one]


def attributes(rows: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Attributes from note_attributes or properties."""
    return [{"key": row["name"], "value": None if row["value"] is None else str(row["value"])} for row in rows or []]


def number_of(gid: str | None) -> int:
    """The number of a gid or of a bare id; 0 for what has none, which nothing is known by."""
    tail = str(gid or "").rpartition("/")[2].partition("?")[0]
    return int(tail) if tail.isdigit() else 0


def desk(shop: ShopContext) -> Desk:
    """The request's desk."""
    if "desk" not in shop.memory:
        shop.memory["desk"] = Desk(shop.world, shop.store, shop.emit)
    return shop.memory["desk"]  # type: ignore[no-any-return]


def customer_books(shop: ShopContext) -> Customers:
    """The request's view of the customers."""
    if "customers" not in shop.memory:
        shop.memory["customers"] = Customers(shop.world, shop.store, shop.emit)
    return shop.memory["customers"]  # type: ignore[no-any-return]


def refused(refusal: Exception) -> dict[str, Any]:
    """A user error from what the books refused."""
    path, code = getattr(refusal, "path", ()), getattr(refusal, "code", None)
    return {"field": list(path) or None, "message": str(refusal), "code": code}


def mutation(work: Callable[[ShopContext, dict[str, Any]], dict[str, Any]], *empty: str) -> Resolver:
    """A mutation's resolver: `work`'s payload with no userErrors, or the refusal as its one; `empty` are null then."""

    def resolve(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"userErrors": [], **work(shop, arguments)}
        except (ChangeRefused, ValueError) as refusal:
            if not (isinstance(refusal, ChangeRefused) or hasattr(refusal, "path")):
                raise
            return {**dict.fromkeys(empty), "userErrors": [refused(refusal)]}

    return resolve
