"""Content cases in the mappings: what each order is in canonical form, and in the document of each destination."""

import json
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from content import SKU_RULE, Case, at, cases, order_of, plain, settings_of

from interlock.canonical import load_contracts
from interlock.errors import MappingError
from interlock.mapping import Context, compile_in, compile_out, connector_functions, connector_mapping, load_items

ORDER = load_contracts()["order.v1"]
MAPPINGS = {vendor: connector_mapping(vendor) for vendor in ("shopify", "netsuite", "shipbob", "klaviyo")}
READ = compile_in(MAPPINGS["shopify"].table_in("order"), ORDER, connector_functions("shopify"))
DOCUMENTS = {"netsuite": "salesOrder", "shipbob": "order", "klaviyo": "placed_order"}
WRITE = {
    vendor: compile_out(MAPPINGS[vendor].table_out("order", document), ORDER, connector_functions(vendor))
    for vendor, document in DOCUMENTS.items()
}


@pytest.mark.parametrize("case", cases())
def test_case(case: Case) -> None:
    """C22-C35, C38, C40: each case says in `about` what somebody suffered and what holds here."""
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
def test_sales_order_adds_up_to_the_current_total(case: Case, side: str) -> None:
    """C31: in both currencies, to the cent, whatever the case."""
    settings = {**case.get("settings", {}), "order_currency": side}
    document = outcome({**case, "settings": settings}, "netsuite")
    total = getattr(read(case).components.total, side)
    assert sum(row["amount"] for row in document["item"]["items"]) == total.amount
    assert document["currency"] == {"id": total.currency}


def read(case: Case) -> Any:
    zone = ZoneInfo(case.get("timezone", "America/New_York"))
    return READ(json.dumps(order_of(case)).encode(), Context(system="shopify", timezone=zone))


def outcome(case: Case, vendor: str) -> Any:
    order = read(case)
    if vendor == "shopify":
        return order
    context = Context(
        system=vendor,
        settings=MAPPINGS[vendor].settings_with(settings_of(case)),
        items=load_items(f"[{vendor}]\n{case.get('items', SKU_RULE)}")[vendor],
        timezone=ZoneInfo(case.get("timezone", "America/New_York")),
    )
    body = WRITE[vendor](order, context)
    return json.loads(body, parse_float=Decimal, parse_int=Decimal)
