"""Contracts: the schema language, its errors, and what can be asked of a contract."""

import json

import jsonschema_rs
import msgspec
import pytest

from interlock.canonical import load_contracts, parse_contract
from interlock.canonical.contract import ContractError
from interlock.canonical.json_schema import json_schema

SMALL = """
name = "thing"
version = 2
meaning = "A thing"
[fields]
id = { type = "id", meaning = "its id" }
colour = { type = "enum", values = ["red", "blue"], required = false, meaning = "its colour" }
owner = { type = "object", of = "person", nullable = true, meaning = "whose" }
[objects.person.fields]
name = { type = "string", class = "personal", meaning = "full name" }
"""


def test_a_contract_compiles_to_frozen_structs() -> None:
    """Canonical objects are read by attribute and cannot be changed under way."""
    contract = parse_contract(SMALL)
    person = contract.structs["person"](name="Ada")
    thing = contract.struct(id="1", owner=person)
    assert contract.key == "thing.v2"
    assert (thing.owner.name, thing.colour) == ("Ada", None)
    with pytest.raises(AttributeError):
        thing.id = "2"
    assert msgspec.json.decode(msgspec.json.encode(thing), type=contract.struct) == thing


def test_personal_paths_are_listable() -> None:
    """C91: redaction goes by the contract, so every personal field must be found, in lists too."""
    assert parse_contract(SMALL).personal_paths() == ("owner.name",)
    personal = load_contracts()["order.v1"].personal_paths()
    assert {"email", "customer.email", "shipping_address.zip", "lines[].properties[].value", "note"} <= set(personal)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ('id = { type = "idd", meaning = "" }', "Invalid enum value 'idd'"),
        ('id = { type = "id" }', "missing required field `meaning`"),
        ('id = { type = "id", meaning = "", klass = "personal" }', "unknown field `klass`"),
        ('id = { type = "object", of = "persn", meaning = "" }', 'did you mean "person"?'),
        ('id = { type = "enum", meaning = "" }', "id is an enum without values"),
    ],
)
def test_errors_say_what_and_where(broken: str, message: str) -> None:
    """A wrong contract file is told with its place before anything runs."""
    with pytest.raises(ContractError) as raised:
        parse_contract(SMALL.replace('id = { type = "id", meaning = "its id" }', broken), "objects/thing.toml")
    assert message in str(raised.value)
    assert "objects/thing.toml" in raised.value.where


def test_an_object_cannot_contain_itself() -> None:
    """Canonical objects are trees; a loop would never end."""
    with pytest.raises(ContractError, match="contains itself"):
        parse_contract(SMALL + 'parent = { type = "object", of = "person", meaning = "" }\n')


def test_a_wrong_path_gets_a_suggestion() -> None:
    """Most wrong paths are a letter off."""
    with pytest.raises(ContractError) as raised:
        load_contracts()["order.v1"].field("lines[].skuu")
    assert raised.value.next_move == "did you mean 'lines[].sku'?"


def test_json_schema_accepts_what_the_contract_accepts() -> None:
    """Other languages validate with the export: it must agree with the structs, and refuse a number as an amount."""
    contract = parse_contract(SMALL + 'price = { type = "money", meaning = "" }\n')
    schema = json_schema(contract)
    validator = jsonschema_rs.validator_for(schema)
    amount = {"amount": "1.10", "currency": "EUR"}
    person = {"name": "Ada", "price": {"shop": amount, "presentment": amount}}
    assert validator.is_valid({"id": "1", "owner": person})
    assert validator.is_valid({"id": "1", "owner": None, "colour": "red"})
    assert not validator.is_valid({"id": 1, "owner": None})
    assert not validator.is_valid(
        {"id": "1", "owner": {**person, "price": {"shop": {**amount, "amount": 1.1}, "presentment": amount}}}
    )


def test_the_shipped_contracts_export() -> None:
    """Every contract that ships is a valid JSON Schema 2020-12."""
    for contract in load_contracts().values():
        jsonschema_rs.meta.validate(json.loads(json.dumps(json_schema(contract))))
