"""The contracts that ship say everything that a reader needs: each field what it means, who may see it, an example."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from interlock.canonical import load_contracts
from interlock.canonical.contract import starter_texts
from interlock.canonical.extension import VERSIONED_BY
from interlock.canonical.field import HOLDERS, FieldType

STARTERS = starter_texts()
HELD = {
    "order",
    "customer",
    "inventory_level",
    "product",
    "price",
    "fulfillment",
    "return",
    "refund",
    "payout",
    "company",
}
each_file = pytest.mark.parametrize("name", sorted(STARTERS))


def fields(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each field as it is written, with its place."""
    body = tomllib.loads(STARTERS[name])
    yield from body["fields"].items()
    for shape, said in body.get("objects", {}).items():
        yield from ((f"{shape}.{field}", row) for field, row in said["fields"].items())


def test_all_objects_ship() -> None:
    """The words of the design: ten objects, each in its first version."""
    assert set(load_contracts()) == {f"{name}.v1" for name in HELD}
    assert set(STARTERS) == {f"{key}.toml" for key in load_contracts()}


@each_file
def test_every_field_is_documented(name: str) -> None:
    """Meaning and class are written, never left to a default; a scalar has an example, a quantity says what it counts."""
    for place, row in fields(name):
        assert len(row["meaning"]) > 2 and not row["meaning"].endswith("."), place
        assert "class" in row, place
        assert row["type"] != "quantity" or row.get("unit"), place
        scalar = row["type"] not in HOLDERS or row["of"] in {"string", "id"}
        assert ("example" in row) == scalar, place


@each_file
def test_every_nested_object_says_what_it_is(name: str) -> None:
    """A table without a sentence above it makes people guess."""
    body = tomllib.loads(STARTERS[name])
    assert body["meaning"] and all(said.get("meaning") for said in body.get("objects", {}).values())


@each_file
def test_every_object_has_a_key_and_a_version(name: str) -> None:
    """Deliveries are ordered by object key, and an older state never overwrites a newer one."""
    contract = load_contracts()[name.removesuffix(".toml")]
    assert contract.fields["id"].type == "id"
    assert contract.fields["origin"].type == "string"
    assert contract.fields[VERSIONED_BY].type == "timestamp"


def test_the_reference_names_every_contract_and_type() -> None:
    """A person who writes an object file looks there."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "contracts.md").read_text(encoding="utf-8")
    assert [key for key in load_contracts() if f"`{key}`" not in page] == []
    assert [kind for kind in get_args(FieldType) if f"`{kind}`" not in page] == []


def test_people_are_personal() -> None:
    """C91: what names or reaches a person is personal in every object, or redaction would pass it over."""
    telling = {
        "email",
        "phone",
        "first_name",
        "last_name",
        "address1",
        "address2",
        "city",
        "zip",
        "note",
        "customer_note",
    }
    for name in STARTERS:
        for place, row in fields(name):
            assert row["class"] == "personal" or place.rpartition(".")[2] not in telling, f"{name} {place}"


def test_stock_has_the_names_of_its_states() -> None:
    """Shopify's eight quantity names, in whole pieces; no others, so that on_hand can be checked against its parts."""
    stock = load_contracts()["inventory_level.v1"].fields
    counted = {name for name, field in stock.items() if field.type == "quantity"}
    assert counted == {
        "available", "on_hand", "committed", "reserved", "incoming", "damaged", "safety_stock", "quality_control",
    }  # fmt: skip
    assert {stock[name].unit for name in counted} == {"piece"}
