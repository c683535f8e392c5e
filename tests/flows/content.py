"""Content cases as data: each TOML file under cases/ patches the base order and says what must come out.

The base order has a mug (100.00) and two cups (20.00 each) in USD, shipping 10.00, no tax: 150.00.
In a patch a text for a price set is its amount in both currencies, `{ shop, presentment }` sets both; "@null" is null.
In an expectation an amount of the canonical order is its shop amount; `a / b` is shop and presentment.

`netsuite`, `shipbob`, `klaviyo` are members of the document there, `netsuite_customer` and `klaviyo_profile` of the person
there; `warns` is what a person is told although it was written. `error` is where it stops instead, `state` in it how the
delivery ends. `edited = true`: the base order is there already when the patched one comes.
"""

import copy
import json
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interlock.canonical import MoneyPair

CASES = Path(__file__).parent / "cases"
BASE = json.loads((CASES / "base.order.json").read_text("utf-8"))
SKU_RULE = 'rule = "sku"'
CODES = ("USD", "GBP", "ISK", "JPY", "KWD", "EUR", "CAD")
CHARGES = ("shipping", "tax", "channel_tax", "tip", "duty", "fee", "rounding", "difference", "gift_card")

Case = dict[str, Any]


def cases() -> list[Any]:
    """Every case as a pytest parameter named after its file and `about`."""
    found = [
        (file.stem, case)
        for file in sorted(CASES.glob("*.toml"))
        for case in tomllib.loads(file.read_text("utf-8"))["case"]
    ]
    return [pytest.param(case, id=f"{stem}: {case['about']}") for stem, case in found]


def order_of(case: Case) -> dict[str, Any]:
    """The base order with the case's patch."""
    order: dict[str, Any] = copy.deepcopy(BASE)
    for path, value in case.get("patch", {}).items():
        patch(order, path, value)
    return order


def settings_of(case: Case) -> dict[str, Any]:
    """The destination's settings: an item for each kind of charge, every currency, a guest account, unless the case differs."""
    settings: dict[str, Any] = {f"{name}_item": f"{name} item" for name in CHARGES}
    settings |= {"currencies": {code: code for code in CODES}, "guest_entity": "77"} | case.get("settings", {})
    return {name: value for name, value in settings.items() if value != "@null"}


def patch(document: Any, path: str, value: Any) -> None:
    """Set one member; an index one past the end appends a copy of the last element first."""
    *above, last = steps(path)
    for step in above:
        document = document[step]
    if isinstance(last, int) and last == len(document):
        document.append(copy.deepcopy(document[-1]))
    before = document[last] if isinstance(last, int) else document.get(last)
    document[last] = patched(before, value, last)


def patched(before: Any, value: Any, name: str | int) -> Any:
    """The new value of a member, in Shopify's form."""
    if value == "@null":
        return None
    if isinstance(value, dict) and value.keys() == {"shop", "presentment"}:
        return price_set(value["shop"], value["presentment"])
    if str(name).endswith("_set") and isinstance(value, str):
        return price_set(f"{value} USD", f"{value} USD")
    if isinstance(value, dict):
        merged = dict(before or {})
        return merged | {key: patched(merged.get(key), inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [patched(None, inner, name) if isinstance(inner, dict) else inner for inner in value]
    return value


def price_set(shop: str, presentment: str) -> dict[str, Any]:
    """`"1.00 USD"` twice as Shopify's pair of amounts."""
    sides = [dict(zip(("amount", "currency_code"), text.split(), strict=True)) for text in (shop, presentment)]
    return {"shop_money": sides[0], "presentment_money": sides[1]}


def steps(path: str) -> list[str | int]:
    """`a.b[0].c` as its steps."""
    return [int(index) if index else name for name, index in re.findall(r"([^.\[\]]+(?![^\[]*\]))|\[(\d+)\]", path)]


def at(value: Any, path: str) -> Any:
    """What stands at a path; `.count` is how many."""
    if path.endswith(".count"):
        return len(at(value, path.removesuffix(".count")))
    for step in steps(path):
        if isinstance(value, msgspec.Struct):
            value = getattr(value, str(step))
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            value = value[step]
    return value


def plain(value: Any) -> Any:
    """A value as TOML would write it: amounts as text, null as "@null"."""
    if isinstance(value, MoneyPair):
        shop, presentment = value.shop, value.presentment
        return str(shop.amount) if shop == presentment else f"{shop.amount} / {presentment.amount}"
    if isinstance(value, Decimal):
        return str(value)
    return "@null" if value is None else value
