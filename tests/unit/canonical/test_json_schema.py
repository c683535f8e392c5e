"""JSON Schema of contracts: valid by the meta-schema, and in agreement with what msgspec writes."""

import json
import random
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from interlock.canonical import load_contracts, parse_contract
from interlock.canonical.json_schema import json_schema

from .instances import instance

INSTANCES = 60

ALL_TYPES = """
name = "thing"
version = 2
meaning = "A thing"
[fields]
id = { type = "id", class = "internal", meaning = "Its id", example = "7" }
weight = { type = "decimal", unit = "kg", meaning = "Its weight", example = "0.25" }
price = { type = "amount", meaning = "Its price", example = "129.00 EUR" }
paid = { type = "money", meaning = "Paid for it", example = "129.00 EUR / 1490.00 SEK" }
made = { type = "date", meaning = "When it was made", example = "2026-11-23" }
colour = { type = "enum", values = ["red", "blue"], meaning = "Its colour", example = "red" }
words = { type = "list", of = "string", meaning = "Words", example = "small" }
parts = { type = "list", of = "amount", required = false, meaning = "Parts" }
inner = { type = "object", of = "part", nullable = true, meaning = "Another object" }
old = { type = "string", required = false, since = "2", deprecated = { since = "2026-11-23", use = "words[]" }, meaning = "Old" }
[objects.part.fields]
pieces = { type = "quantity", unit = "piece", meaning = "How many", example = 3 }
"""
CONTRACTS = {**load_contracts(), "thing.v2": parse_contract(ALL_TYPES, "thing.v2.toml")}
each_contract = pytest.mark.parametrize("key", sorted(CONTRACTS))


def validator(schema: dict[str, Any]) -> Any:
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


@each_contract
def test_it_is_a_schema(key: str) -> None:
    """2020-12 by its own meta-schema, and plain JSON."""
    schema = json_schema(CONTRACTS[key])
    jsonschema_rs.meta.validate(json.loads(json.dumps(schema)))
    assert schema["$id"] == f"urn:interlock:{key}"


@each_contract
def test_it_accepts_what_is_written(key: str) -> None:
    """Other languages validate what the hub sends: each object that a struct can hold must pass, and come back whole."""
    contract, chance = CONTRACTS[key], random.Random(48)
    check = validator(json_schema(contract))
    for _ in range(INSTANCES):
        value = instance(contract, chance)
        written = msgspec.json.encode(value)
        errors = [f"{error.instance_path}: {error.message}" for error in check.iter_errors(json.loads(written))]
        assert errors == []
        assert msgspec.json.decode(written, type=contract.struct) == value


@each_contract
def test_it_refuses_what_a_struct_refuses(key: str) -> None:
    """The control: a schema that accepts everything would pass the test above."""
    contract = CONTRACTS[key]
    check = validator(json_schema(contract))
    sound = msgspec.to_builtins(instance(contract, random.Random(1)))
    for name, field in contract.fields.items():
        for broken in ({**sound, name: {"no": "such"}}, {k: v for k, v in sound.items() if k != name}):
            refused = not check.is_valid(json.loads(msgspec.json.encode(broken)))
            assert refused == _refused(contract.struct, broken), (name, field)


def _refused(kind: type, value: dict[str, Any]) -> bool:
    try:
        msgspec.json.decode(msgspec.json.encode(value), type=kind)
    except msgspec.ValidationError:
        return True
    return False


@each_contract
def test_examples_are_values(key: str) -> None:
    """An example that the field would refuse teaches something wrong."""
    schema = json_schema(CONTRACTS[key])
    bodies = [schema, *(body for body in schema["$defs"].values() if "x-data-class" in str(body))]
    for body in bodies:
        for name, property_ in body["properties"].items():
            check = validator({**property_, "$defs": schema["$defs"]})
            assert all(check.is_valid(example) for example in property_.get("examples", [])), name


def test_what_schemas_have_no_word_for_is_noted() -> None:
    """Data class, unit and lifetime travel with the schema, deprecated under its own name."""
    properties = json_schema(CONTRACTS["thing.v2"])["properties"]
    assert properties["weight"]["x-unit"] == "kg"
    assert properties["id"]["x-data-class"] == "internal"
    assert properties["old"]["deprecated"] is True
    assert (properties["old"]["x-since"], properties["old"]["x-use-instead"]) == ("2", "words[]")
    assert properties["paid"]["examples"][0]["presentment"] == {"amount": "1490.00", "currency": "SEK"}
    assert properties["words"]["examples"] == [["small"]]
