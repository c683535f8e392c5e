"""Stock of the Shopify twin: compare-and-swap, all lines or none, and every refusal that the schema names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from admin_bench import BUNDLE, MAIN, RETURNS, STORE, SUNGLASSES, TOTE, Bench, codes

SET = """mutation($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { reason referenceDocumentUri changes { name delta quantityAfterChange item { id } } }
    userErrors { field message code }
  }
}"""
ADJUST = SET.replace("InventorySet", "InventoryAdjust").replace("inventorySet", "inventoryAdjust")
MOVE = SET.replace("InventorySet", "InventoryMove").replace("inventorySet", "inventoryMove")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


def line(item: str = SUNGLASSES, location: str = MAIN, quantity: int = 7, **more: Any) -> dict[str, Any]:
    return {
        "inventoryItemId": item, "locationId": location, "quantity": quantity, "changeFromQuantity": None, **more
    }  # fmt: skip


def put(bench: Bench, *lines: dict[str, Any], name: str = "available", **more: Any) -> dict[str, Any]:
    asked = {"name": name, "reason": "correction", "quantities": list(lines), **more}
    return dict(bench.data(SET, input=asked)["inventorySetQuantities"])


def test_a_quantity_is_set_when_it_is_what_was_expected(bench: Bench) -> None:
    """F43: the write that knows the quantity wins, and the merchant's history says why and by which document."""
    done = put(bench, line(changeFromQuantity=1000), referenceDocumentUri="gid://interlock/Flow/1")
    (change,) = done["inventoryAdjustmentGroup"]["changes"]
    assert change == {"name": "available", "delta": -993, "quantityAfterChange": 7, "item": {"id": SUNGLASSES}}
    assert done["inventoryAdjustmentGroup"]["referenceDocumentUri"] == "gid://interlock/Flow/1"
    assert bench.units(SUNGLASSES)["available"] == 7
    ((topic, body),) = bench.events
    assert (topic, body["available"], body["location_id"]) == ("inventory_levels/update", 7, 655_441_491)


def test_a_sale_in_between_makes_the_expectation_stale(bench: Bench) -> None:
    """F43: two writers read 1000; the second must lose. Control: with null it overwrites what it never saw."""
    assert codes(put(bench, line(quantity=900, changeFromQuantity=1000))) == []
    assert codes(put(bench, line(quantity=500, changeFromQuantity=1000))) == ["CHANGE_FROM_QUANTITY_STALE"]
    assert bench.units(SUNGLASSES)["available"] == 900
    assert codes(put(bench, line(quantity=500, changeFromQuantity=None))) == []
    assert bench.units(SUNGLASSES)["available"] == 500


def test_change_from_quantity_must_be_said(bench: Bench) -> None:
    """F93: leaving it out is an error of the whole mutation, though the schema's type is nullable."""
    silent = line()
    del silent["changeFromQuantity"]
    asked = {"name": "available", "reason": "correction", "quantities": [silent]}
    (error,) = bench.ask(SET, input=asked)["errors"]
    assert error["message"] == "InventoryQuantityInput must include the following argument: changeFromQuantity."
    assert error["extensions"]["code"] == "INVALID_FIELD_ARGUMENTS"


def test_one_wrong_line_stops_all(bench: Bench) -> None:
    """All lines or none: a batch that half applied would be applied twice by its retry."""
    done = put(bench, line(), line(TOTE, changeFromQuantity=1))
    assert codes(done) == ["CHANGE_FROM_QUANTITY_STALE"]
    assert done["userErrors"][0]["field"] == ["input", "quantities", "1", "changeFromQuantity"]
    assert bench.units(SUNGLASSES)["available"] == 1000
    assert bench.events == []


@pytest.mark.parametrize(
    ("lines", "more", "code"),
    [
        ([line("gid://shopify/InventoryItem/1")], {}, "INVALID_INVENTORY_ITEM"),
        ([line(location="gid://shopify/Location/1")], {}, "INVALID_LOCATION"),
        ([line(location=RETURNS)], {}, "ITEM_NOT_STOCKED_AT_LOCATION"),
        ([line(BUNDLE)], {}, "NON_MUTABLE_INVENTORY_ITEM"),
        ([line(), line()], {}, "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"),
        ([line(quantity=1_000_000_001)], {}, "INVALID_QUANTITY_TOO_HIGH"),
        ([line(quantity=-1_000_000_001)], {}, "INVALID_QUANTITY_TOO_LOW"),
        ([line()], {"reason": "because"}, "INVALID_REASON"),
        ([line()], {"referenceDocumentUri": "order 5"}, "INVALID_REFERENCE_DOCUMENT"),
        ([line()], {"name": "committed"}, "INVALID_NAME"),
    ],
)
def test_refusals_of_setting(bench: Bench, lines: list[Any], more: dict[str, Any], code: str) -> None:
    """F44: errors that need a branch of their own come with the code of the schema, and nothing is changed."""
    assert codes(put(bench, *lines, **more)) == [code]
    assert bench.units(SUNGLASSES)["available"] == 1000


def test_more_than_250_lines_are_an_error_of_the_request(bench: Bench) -> None:
    """F24: arrays end at 250."""
    asked = {"name": "available", "reason": "correction", "quantities": [line()] * 251}
    (error,) = bench.ask(SET, input=asked)["errors"]
    assert error["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"


def test_on_hand_is_the_sum_of_what_is_held(bench: Bench) -> None:
    """F40: setting on_hand moves `available`, for the other parts belong to orders and to the merchant."""
    move = {"name": "available", "locationId": MAIN, "changeFromQuantity": 1000}
    aside = {"name": "damaged", "locationId": MAIN, "changeFromQuantity": 0, "ledgerDocumentUri": "wms://count/1"}
    lines = [{"inventoryItemId": SUNGLASSES, "quantity": 30, "from": move, "to": aside}]
    asked = {"reason": "damaged", "referenceDocumentUri": "wms://count/1", "changes": lines}
    assert codes(bench.data(MOVE, input=asked)["inventoryMoveQuantities"]) == []
    assert bench.units(SUNGLASSES) | {} == {
        "available": 970, "committed": 0, "reserved": 0, "damaged": 30, "safety_stock": 0, "quality_control": 0,
        "incoming": 0, "on_hand": 1000,
    }  # fmt: skip
    assert codes(put(bench, line(quantity=500, changeFromQuantity=1000), name="on_hand")) == []
    assert (bench.units(SUNGLASSES)["available"], bench.units(SUNGLASSES)["on_hand"]) == (470, 500)


def adjust(bench: Bench, name: str, **more: Any) -> dict[str, Any]:
    change = {"inventoryItemId": SUNGLASSES, "locationId": MAIN, "delta": -3, "changeFromQuantity": None, **more}
    asked = {"name": name, "reason": "shrinkage", "changes": [change]}
    return dict(bench.data(ADJUST, input=asked)["inventoryAdjustQuantities"])


def test_adjusting_adds_up(bench: Bench) -> None:
    """F45: who is not the source of truth adjusts; two adjustments are both kept."""
    assert codes(adjust(bench, "available")) == codes(adjust(bench, "available", changeFromQuantity=997)) == []
    assert bench.units(SUNGLASSES)["available"] == 994


@pytest.mark.parametrize(
    ("name", "more", "code"),
    [
        ("on_hand", {}, "INVALID_QUANTITY_NAME"),
        ("damaged", {}, "INVALID_QUANTITY_DOCUMENT"),
        ("damaged", {"ledgerDocumentUri": "gid://shopify/Order/1"}, "INTERNAL_LEDGER_DOCUMENT"),
        ("damaged", {"ledgerDocumentUri": "a note"}, "INVALID_LEDGER_DOCUMENT"),
        ("available", {"ledgerDocumentUri": "wms://count/1"}, "INVALID_AVAILABLE_DOCUMENT"),
        ("available", {"delta": 2_000_000_001}, "INVALID_QUANTITY_TOO_HIGH"),
        ("available", {"changeFromQuantity": 5}, "CHANGE_FROM_QUANTITY_STALE"),
    ],
)
def test_refusals_of_adjusting(bench: Bench, name: str, more: dict[str, Any], code: str) -> None:
    """The ledger's rules and limits, by the codes of the schema."""
    assert code in codes(adjust(bench, name, **more))
    assert bench.units(SUNGLASSES)["available"] == 1000


def test_moves_stay_at_one_location(bench: Bench) -> None:
    """A move between locations is a transfer, and one between equal names is nothing."""
    source = {"name": "available", "locationId": MAIN, "changeFromQuantity": None}
    lines = [{"inventoryItemId": SUNGLASSES, "quantity": 1, "from": source, "to": {**source, "locationId": STORE}}]
    asked = {"reason": "other", "referenceDocumentUri": "wms://1", "changes": lines}
    assert codes(bench.data(MOVE, input=asked)["inventoryMoveQuantities"]) == [
        "DIFFERENT_LOCATIONS", "SAME_QUANTITY_NAME"
    ]  # fmt: skip


def test_stocking_at_a_location_and_taking_it_away(bench: Bench) -> None:
    """An item must be stocked before it has a quantity there; what is committed there keeps it there."""
    activate = """mutation($item: ID!, $place: ID!, $n: Int, $key: String!) { inventoryActivate(inventoryItemId: $item, locationId: $place,
      available: $n) @idempotent(key: $key) { inventoryLevel { id } userErrors { message } } }"""
    done = bench.data(activate, item=SUNGLASSES, place=RETURNS, n=4)["inventoryActivate"]
    assert done["inventoryLevel"]["id"].endswith("?inventory_item_id=46870000000000")
    assert bench.units(SUNGLASSES, RETURNS)["available"] == 4
    assert bench.topics == ["inventory_levels/connect", "inventory_levels/update"]
    again = bench.data(activate, item=SUNGLASSES, place=RETURNS, n=4)["inventoryActivate"]
    assert "already active" in again["userErrors"][0]["message"]
    off = "mutation($id: ID!) { inventoryDeactivate(inventoryLevelId: $id) { userErrors { message } } }"
    assert bench.data(off, id=done["inventoryLevel"]["id"])["inventoryDeactivate"]["userErrors"] == []
    assert bench.topics[-1] == "inventory_levels/disconnect"
    assert codes(put(bench, line(location=RETURNS))) == ["ITEM_NOT_STOCKED_AT_LOCATION"]


def test_a_closed_location_holds_nothing(bench: Bench) -> None:
    """A location with stock closes only when its stock has somewhere to go; afterwards it takes no quantities."""
    close = """mutation($id: ID!, $to: ID, $key: String!) { locationDeactivate(locationId: $id, destinationLocationId: $to)
      @idempotent(key: $key) { location { isActive } locationDeactivateUserErrors { code } } }"""
    refused = bench.data(close, id=STORE, to=None)["locationDeactivate"]
    assert refused["locationDeactivateUserErrors"] == [{"code": "HAS_ACTIVE_INVENTORY_ERROR"}]
    done = bench.data(close, id=STORE, to=MAIN)["locationDeactivate"]
    assert done == {"location": {"isActive": False}, "locationDeactivateUserErrors": []}
    assert bench.units(SUNGLASSES)["available"] == 1100
    assert bench.topics[-2:] == ["locations/deactivate", "locations/update"]
    assert codes(put(bench, line(location=STORE))) == ["INVALID_LOCATION"]
    named = bench.data("{ locations(first: 5) { nodes { name } } }")["locations"]["nodes"]
    assert [one["name"] for one in named] == ["Main warehouse", "Returns centre"]
    primary = bench.data(close, id=MAIN, to=RETURNS)["locationDeactivate"]["locationDeactivateUserErrors"]
    assert primary == [{"code": "PERMANENTLY_BLOCKED_FROM_DEACTIVATION_ERROR"}]
