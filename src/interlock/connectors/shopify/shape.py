"""What all shapes share: how ids, money, words and addresses of GraphQL are written in the body of a webhook.

A webhook's body is the REST shape (F11): snake_case, numeric ids beside the gid, prices as text in the shop's currency
with a `*_set` in both, words in lower case. One mapping then reads what was told and what was read.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from interlock.canonical.money import quantum

Node = Mapping[str, Any]


def number(gid: str | None) -> int | None:
    """820982911946154508 of gid://shopify/Order/820982911946154508, exactly; what follows a question mark is no part."""
    return None if gid is None else int(gid.rpartition("/")[2].partition("?")[0])


def number_of(node: Node | None) -> int | None:
    """The number of an object that may be absent."""
    return None if node is None else number(node["id"])


def identity(node: Node) -> dict[str, Any]:
    """The two ids that each body begins with."""
    return {"id": number(node["id"]), "admin_graphql_api_id": node["id"]}


def word(value: str | None) -> str | None:
    """PARTIALLY_PAID as partially_paid."""
    return None if value is None else value.lower()


def amount(money: Node) -> str:
    """12.5 EUR as "12.50", 1250.0 JPY as "1250": the digits of the currency, and more only where they say something."""
    exact = Decimal(money["amount"])
    written = exact.quantize(quantum(money["currencyCode"]))
    return format(written if written == exact else exact, "f")


def ruby_number(value: Any) -> str:
    """5, 5.00 and 5.0 as "5.0": how a webhook writes the value of a discount."""
    whole, _, part = format(Decimal(value), "f").partition(".")
    return f"{whole}.{part.rstrip('0') or '0'}"


def money(one: Node) -> dict[str, str]:
    """MoneyV2."""
    return {"amount": amount(one), "currency_code": one["currencyCode"]}


def money_set(bag: Node) -> dict[str, Any]:
    """MoneyBag."""
    return {"shop_money": money(bag["shopMoney"]), "presentment_money": money(bag["presentmentMoney"])}


def optional_set(bag: Node | None) -> dict[str, Any] | None:
    """MoneyBag or null."""
    return None if bag is None else money_set(bag)


def price(bag: Node) -> str:
    """The shop's side of a MoneyBag."""
    return amount(bag["shopMoney"])


def tax_line(node: Node) -> dict[str, Any]:
    """TaxLine."""
    return {
        "title": node["title"],
        "rate": node["rate"],
        "price": price(node["priceSet"]),
        "price_set": money_set(node["priceSet"]),
        "channel_liable": node["channelLiable"],
    }


def allocation(node: Node) -> dict[str, Any]:
    """DiscountAllocation."""
    return {
        "amount": price(node["allocatedAmountSet"]),
        "amount_set": money_set(node["allocatedAmountSet"]),
        "discount_application_index": node["discountApplication"]["index"],
    }


def address(node: Node | None) -> dict[str, Any] | None:
    """MailingAddress."""
    if node is None:
        return None
    return {
        "id": number(node["id"]),
        "name": node["name"],
        "first_name": node["firstName"],
        "last_name": node["lastName"],
        "company": node["company"],
        "address1": node["address1"],
        "address2": node["address2"],
        "city": node["city"],
        "zip": node["zip"],
        "province": node["province"],
        "province_code": node["provinceCode"],
        "country": node["country"],
        "country_code": node["countryCodeV2"],
        "phone": node["phone"],
        "latitude": node["latitude"],
        "longitude": node["longitude"],
    }


def named_values(attributes: list[Node]) -> list[dict[str, Any]]:
    """Custom attributes: note_attributes of an order, properties of a line."""
    return [{"name": one["key"], "value": one["value"]} for one in attributes]
