"""A contract as JSON Schema 2020-12, for editors, documentation and other languages."""

from typing import Any

from interlock.canonical.contract import Contract, Field

DECIMAL = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}
MONEY = {
    "type": "object",
    "properties": {"amount": DECIMAL, "currency": {"type": "string", "minLength": 3, "maxLength": 3}},
    "required": ["amount", "currency"],
}
TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "id": {"type": "string"},
    "decimal": DECIMAL,
    "money": {
        "type": "object",
        "properties": {"shop": {"$ref": "#/$defs/amount"}, "presentment": {"$ref": "#/$defs/amount"}},
        "required": ["shop", "presentment"],
    },
    "quantity": {"type": "integer"},
    "date": {"type": "string", "format": "date"},
    "timestamp": {"type": "string", "format": "date-time"},
    "country": {"type": "string", "minLength": 2, "maxLength": 2},
    "currency": {"type": "string", "minLength": 3, "maxLength": 3},
    "boolean": {"type": "boolean"},
}


def json_schema(contract: Contract) -> dict[str, Any]:
    """The schema of the object's JSON form, in which decimals and ids are strings."""
    shapes = {name: _shape(contract, name) for name in contract.objects}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:interlock:{contract.key}",
        "title": contract.key,
        "description": contract.meaning,
        **_shape(contract, ""),
        "$defs": {"amount": MONEY, **shapes},
    }


def _shape(contract: Contract, shape: str) -> dict[str, Any]:
    fields = contract.fields_of(shape)
    return {
        "type": "object",
        "properties": {name: _property(field, contract) for name, field in fields.items()},
        "required": [name for name, field in fields.items() if field.required],
    }


def _property(field: Field, contract: Contract) -> dict[str, Any]:
    core = _core(field, contract)
    if field.may_be_none:
        core = {"anyOf": [core, {"type": "null"}]}
    noted = {**core, "description": field.meaning, "x-data-class": field.data_class}
    return noted if field.example is None else {**noted, "examples": [field.example]}


def _core(field: Field, contract: Contract) -> dict[str, Any]:
    if field.type == "enum":
        return {"enum": list(field.values)}
    if field.type in {"list", "object"}:
        inner = {"$ref": f"#/$defs/{field.of}"} if field.of in contract.objects else TYPES[field.of]
        return {"type": "array", "items": inner} if field.type == "list" else inner
    return TYPES[field.type]
