"""What the mappings write is what the vendors' published schemas accept, as the twins know them (no shared code)."""

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from interlock.canonical import load_contracts
from interlock.errors import MappingError
from interlock.mapping import Context, Items, compile_in, compile_out, connector_functions, connector_mapping
from interlock.twins import klaviyo_schema, netsuite_fields, shipbob_schema
from interlock.twins.shopify.orders import make_order
from interlock.twins.shopify.scenarios import SCENARIOS

ORDER = load_contracts()["order.v1"]
READ = compile_in(connector_mapping("shopify").table_in("order"), ORDER, connector_functions("shopify"))
CODES = ("USD", "EUR", "SEK", "ISK", "JPY", "KWD", "CAD")
BOOKED = ("shipping", "tax", "channel_tax", "tip", "duty", "fee", "rounding", "difference", "gift_card")


def written(vendor: str, document: str, scenario: str) -> Any:
    """The document of one scenario, or a skip when the destination refuses such orders by rule."""
    body = json.dumps(make_order(random.Random(1), 1, scenario)).encode()
    mapping = connector_mapping(vendor)
    given = {f"{name}_item": "5" for name in BOOKED} | {"guest_entity": "1", "currencies": dict.fromkeys(CODES, "1")}
    items = Items(rule="variant", generic_item="999", system=vendor)
    context = Context(system=vendor, settings=mapping.settings_with(given), items=items)
    write = compile_out(mapping.table_out("order", document), ORDER, connector_functions(vendor))
    try:
        return json.loads(write(READ(body, Context(system="shopify")), context), parse_float=Decimal)
    except MappingError as error:
        if error.code != "MAP005":  # no address, no person
            raise
        pytest.skip(error.what)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_shipbob_accepts_the_order(scenario: str) -> None:
    """A misspelt or missing field would be a 400 for every order."""
    assert shipbob_schema.problems_of(written("shipbob", "order", scenario)) == {}


@pytest.mark.parametrize("document", ["placed_order", "cancelled_order"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_klaviyo_accepts_the_event(document: str, scenario: str) -> None:
    """Klaviyo refuses unknown attributes and phone numbers that are not E.164."""
    klaviyo_schema.check_event(written("klaviyo", document, scenario)["data"])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_netsuite_knows_every_property(scenario: str) -> None:
    """By default NetSuite drops a misspelt property silently (X-NetSuite-PropertyNameValidation: Warning)."""
    assert list(unknown(written("netsuite", "salesOrder", scenario), "salesOrder")) == []


def test_a_misspelt_property_is_noticed() -> None:
    """Control: the check above sees a wrong name at the top and in a line."""
    document = {"tranDat": "2026-01-01", "item": {"items": [{"quantty": 1}]}}
    assert list(unknown(document, "salesOrder")) == ["tranDat", "quantty"]


def unknown(record: dict[str, Any], kind: str) -> Iterator[str]:
    known = {name.lower() for name in netsuite_fields.FIELDS[kind]}
    for name, value in record.items():
        if name.lower() not in known:
            yield name
        if name in netsuite_fields.SUBLISTS and "items" in value:
            for row in value["items"]:
                yield from unknown(row, netsuite_fields.SUBLISTS[name])
        elif name in netsuite_fields.CHILDREN and value:
            yield from unknown(value, netsuite_fields.CHILDREN[name])
