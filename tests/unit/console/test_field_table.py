"""Field by field: the way of each value from the source through the canonical object to what was sent, with the shipped mappings."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interlock.canonical import load_contracts
from interlock.console.field_table import FieldTable, field_table
from interlock.console.payload import MASK, mask
from interlock.console.translation import _personal, _with_money
from interlock.mapping import Context, Items, compile_in, compile_out, connector_functions, connector_mapping
from interlock.mapping.compile import FieldRow

FIXTURE = Path(__file__).parents[2] / "fixtures" / "shopify" / "webhook.orders.create.json"
SETTINGS = {
    "order_currency": "shop",
    "currencies": {"USD": "1"},
    "guest_entity": "7",
    "shipping_item": "8",
    "tax_item": "9",
    "difference_item": "10",
}


def rows(vendor: str) -> dict[tuple[str, str], tuple[FieldRow, ...]]:
    mapping, functions, contracts = connector_mapping(vendor), connector_functions(vendor), load_contracts()
    return {
        (name, document): compile_out(mapping.table_out(name, document), contracts[f"{name}.v1"], functions).fields
        for name in ("order", "customer")
        for document in mapping.documents(name)
    }


@pytest.fixture(scope="module")
def reader() -> Any:
    return compile_in(
        connector_mapping("shopify").table_in("order"), load_contracts()["order.v1"], connector_functions("shopify")
    )


@pytest.fixture(scope="module")
def order(reader: Any) -> Any:
    return reader(FIXTURE.read_bytes(), Context(system="shopify"))


def sent_to(vendor: str, document: str, order: Any) -> Any:
    mapping = connector_mapping(vendor)
    write = compile_out(mapping.table_out("order", document), load_contracts()["order.v1"], connector_functions(vendor))
    given = {name: value for name, value in SETTINGS.items() if name in mapping.settings}
    return json.loads(
        write(
            order, Context(system=vendor, settings=mapping.settings_with(given), items=Items(system=vendor, rule="sku"))
        )
    )


def table(vendor: str, sent: Any, reader: Any, order: Any, *, personal: frozenset[str] = frozenset()) -> FieldTable:
    canonical = _with_money(msgspec.to_builtins(order))
    found = field_table(
        sent, mask(sent, personal), canonical, of="order", rows_in=reader.fields, documents=rows(vendor)
    )
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("vendor", "document"), [("netsuite", "salesOrder"), ("shipbob", "order"), ("klaviyo", "placed_order")]
)
def test_every_field_of_a_shipped_mapping_is_explained(vendor: str, document: str, reader: Any, order: Any) -> None:
    """EXPERIENCE 3.5, "18 of 18 fields mapped": the page can name a row of the mapping for each field that left."""
    found = table(vendor, sent_to(vendor, document, order), reader, order)
    assert (found.document, found.explained, found.added) == (document, found.total, ())
    assert found.total >= 12


def test_a_line_names_all_three_sides(reader: Any, order: Any) -> None:
    """The person at 3:00 asks where a value comes from: source path, canonical path, destination path and the value stand on one line."""
    found = table("netsuite", sent_to("netsuite", "salesOrder", order), reader, order)
    line = next(line for line in found.lines if line.sent == "otherRefNum")
    assert (line.source, line.canonical, line.value, line.kind) == ("po_number, name", "po_number, name", "#9999", "derived")
    day = next(line for line in found.lines if line.sent == "tranDate")
    assert (day.source, day.kind) == ("processed_at, created_at", "derived")


def test_what_the_mapping_did_not_make_is_told(reader: Any, order: Any) -> None:
    """The control: a field that no row makes is not counted as mapped."""
    found = table("netsuite", sent_to("netsuite", "salesOrder", order) | {"custbody_7": "x"}, reader, order)
    assert found.added == ("custbody_7",) and found.explained == found.total - 1


def test_blocks_that_had_nothing_to_say_are_left_out(reader: Any, order: Any) -> None:
    """An order without a tip has no tip line; a table that lists its row would tell of something that was not sent."""
    found = table("netsuite", sent_to("netsuite", "salesOrder", order), reader, order)
    assert "components.tips" not in {line.canonical for line in found.lines}
    assert "financial_status" in found.unused


def test_personal_values_follow_the_contract_through_a_mapping(reader: Any, order: Any) -> None:
    """`addressee` is no telling name: it is personal because the contract's fields are that it is made of."""
    made_of = {
        line.sent: line.canonical
        for line in table("netsuite", sent_to("netsuite", "salesOrder", order), reader, order).lines
    }
    assert set(made_of["shippingAddress.addressee"].split(", ")) <= _personal(load_contracts()["order.v1"])
    sent = {"x1": "Steve Shipper", "otherRefNum": "#9999"}
    assert mask(sent, frozenset({"x1"}))["x1"] is not sent["x1"]
    shown = field_table(
        sent,
        mask(sent, frozenset({"x1"})),
        None,
        of="order",
        rows_in=(),
        documents={("order", "d"): [FieldRow("shipping_address.name", "x1", "mapped")]},
    )
    assert shown is not None and [line.value for line in shown.lines] == [MASK]


def test_a_call_that_no_mapping_made_has_no_table(reader: Any, order: Any) -> None:
    """Closing an order sends a constant of the connector; nothing is claimed about it."""
    canonical = msgspec.to_builtins(order)
    assert (
        field_table({"isClosed": True}, {}, canonical, of="order", rows_in=reader.fields, documents=rows("netsuite"))
        is None
    )
