"""Content cases: each TOML file under cases/ patches the base order and says what must come out.

The base order has a mug (100.00) and two cups (20.00 each) in USD, shipping 10.00, no tax: 150.00.
In a patch a text for a price set is its amount in both currencies, `{ shop, presentment }` sets both; "@null" is null.
In an expectation an amount of the canonical order is its shop amount; `a / b` is shop and presentment.
"""

import json
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from interlock.canonical import MoneyPair, load_contracts
from interlock.errors import MappingError
from interlock.mapping import Context, compile_in, compile_out, connector_functions, connector_mapping, load_items

CASES = Path(__file__).parent / "cases"
BASE = json.loads((CASES / "base.order.json").read_text("utf-8"))
ORDER = load_contracts()["order.v1"]
MAPPINGS = {vendor: connector_mapping(vendor) for vendor in ("shopify", "netsuite", "shipbob", "klaviyo")}
READ = compile_in(MAPPINGS["shopify"].table_in("order"), ORDER, connector_functions("shopify"))
DOCUMENTS = {"netsuite": "salesOrder", "shipbob": "order", "klaviyo": "placed_order"}
WRITE = {
    vendor: compile_out(MAPPINGS[vendor].table_out("order", document), ORDER, connector_functions(vendor))
    for vendor, document in DOCUMENTS.items()
}
ITEMS = 'rule = "sku"'


def cases() -> list[Any]:
    files = sorted(CASES.glob("*.toml"))
    found = [(file.stem, case) for file in files for case in tomllib.loads(file.read_text("utf-8"))["case"]]
    return [pytest.param(case, id=f"{stem}: {case['about']}") for stem, case in found]


@pytest.mark.parametrize("case", cases())
def test_case(case: dict[str, Any]) -> None:
    """C22, C24-C35, C38, C40: each case says in `about` what somebody suffered and what holds here."""
    if "error" in case:
        with pytest.raises(MappingError) as raised:
            outcome(case, case["error"]["at"])
        assert raised.value.code == case["error"]["code"]
        assert raised.value.path == case["error"]["path"]
        assert raised.value.next_move
        return
    order = read(case)
    for path, expected in case.get("canonical", {}).items():
        assert plain(at(order, path)) == expected, path
    for vendor in sorted(DOCUMENTS.keys() & case.keys()):
        document = outcome(case, vendor)
        for path, expected in case[vendor].items():
            assert plain(at(document, path)) == expected, f"{vendor} {path}"


@pytest.mark.parametrize("case", [case for case in cases() if "error" not in case.values[0]])
@pytest.mark.parametrize("side", ["shop", "presentment"])
def test_sales_order_adds_up_to_the_current_total(case: dict[str, Any], side: str) -> None:
    """C31: in both currencies, to the cent, whatever the case."""
    settings = {**case.get("settings", {}), "order_currency": side}
    document = outcome({**case, "settings": settings}, "netsuite")
    total = getattr(read(case).components.total, side)
    assert sum(row["amount"] for row in document["item"]["items"]) == total.amount
    assert document["currency"] == {"id": total.currency}


def read(case: dict[str, Any]) -> Any:
    order = json.loads(json.dumps(BASE))
    for path, value in case.get("patch", {}).items():
        patch(order, path, value)
    zone = ZoneInfo(case.get("timezone", "America/New_York"))
    return READ(json.dumps(order).encode(), Context(system="shopify", timezone=zone))


def outcome(case: dict[str, Any], vendor: str) -> Any:
    order = read(case)
    if vendor == "shopify":
        return order
    named = ("shipping", "tax", "tip", "duty", "fee", "rounding", "difference", "gift_card")
    settings = {f"{name}_item": f"{name} item" for name in named}
    settings |= {"currencies": {code: code for code in ("USD", "GBP", "ISK", "JPY", "KWD", "EUR", "CAD")}}
    settings |= {"guest_entity": "77", **case.get("settings", {})}
    context = Context(
        system=vendor,
        settings=MAPPINGS[vendor].settings_with({name: value for name, value in settings.items() if value != "@null"}),
        items=load_items(f"[{vendor}]\n{case.get('items', ITEMS)}")[vendor],
        timezone=ZoneInfo(case.get("timezone", "America/New_York")),
    )
    body = WRITE[vendor](order, context)
    return json.loads(body, parse_float=Decimal, parse_int=Decimal)


def patch(document: Any, path: str, value: Any) -> None:
    *above, last = steps(path)
    for step in above:
        document = document[step]
    if isinstance(last, int) and last == len(document):
        document.append(json.loads(json.dumps(document[-1])))
    before = document[last] if isinstance(last, int) else document.get(last)
    document[last] = patched(before, value, last)


def patched(before: Any, value: Any, name: str | int) -> Any:
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
    sides = [dict(zip(("amount", "currency_code"), text.split(), strict=True)) for text in (shop, presentment)]
    return {"shop_money": sides[0], "presentment_money": sides[1]}


def steps(path: str) -> list[str | int]:
    return [int(index) if index else name for name, index in re.findall(r"([^.\[\]]+(?![^\[]*\]))|\[(\d+)\]", path)]


def at(value: Any, path: str) -> Any:
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
