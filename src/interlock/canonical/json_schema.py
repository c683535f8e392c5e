"""A contract as JSON Schema 2020-12, for editors, documentation and other languages."""

from typing import Any

from interlock.canonical.contract import Contract, Field
from interlock.canonical.example import as_json

DIALECT = "https://json-schema.org/draft/2020-12/schema"

DECIMAL = {"type": "string", "pattern": r"^-?\d+(\.\d+)?([Ee][+-]?\d+)?$"}
AMOUNT = {
    "type": "object",
    "properties": {"amount": DECIMAL, "currency": {"type": "string", "minLength": 3, "maxLength": 3}},
    "required": ["amount", "currency"],
}
MONEY = {
    "type": "object",
    "properties": {"shop": {"$ref": "#/$defs/amount"}, "presentment": {"$ref": "#/$defs/amount"}},
    "required": ["shop", "presentment"],
}
TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "id": {"type": "string"},
    "decimal": DECIMAL,
    "money": {"$ref": "#/$defs/money"},
    "amount": {"$ref": "#/$defs/amount"},
    "quantity": {"type": "integer"},
    "date": {"type": "string", "format": "date"},
    "timestamp": {"type": "string", "format": "date-time"},
    "country": {"type": "string", "minLength": 2, "maxLength": 2},
    "currency": {"type": "string", "minLength": 3, "maxLength": 3},
    "boolean": {"type": "boolean"},
}


def json_schema(contract: Contract) -> dict[str, Any]:
    """The schema of the object's JSON form, in which decimals and ids are strings.

    What JSON Schema has no word for stands under `x-`: data class, unit, since when, and what to use instead.
    """
    shapes = {name: _shape(contract, name) for name in contract.objects}
    return {
        "$schema": DIALECT,
        "$id": f"urn:interlock:{contract.key}",
        "title": contract.key,
        "description": contract.meaning,
        **_shape(contract, ""),
        "$defs": {"amount": AMOUNT, "money": MONEY, **shapes},
    }


def _shape(contract: Contract, shape: str) -> dict[str, Any]:
    fields = contract.fields_of(shape)
    said = contract.objects[shape].meaning if shape else ""
    return {
        "type": "object",
        **({"description": said} if said else {}),
        "properties": {name: _property(field, contract) for name, field in fields.items()},
        "required": [name for name, field in fields.items() if field.required],
    }


def _property(field: Field, contract: Contract) -> dict[str, Any]:
    core = _core(field, contract)
    if field.may_be_none:
        core = {"anyOf": [core, {"type": "null"}]}
    noted = {**core, "description": field.meaning, "x-data-class": field.data_class, **_notes(field)}
    example = as_json(field)
    return noted if example is None else {**noted, "examples": [example]}


def _notes(field: Field) -> dict[str, Any]:
    ended = field.deprecated
    notes = {
        "x-unit": field.unit,
        "x-since": field.since,
        "x-renamed-from": field.renamed_from,
        "deprecated": ended is not None,
        "x-deprecated-since": ended.since if ended else "",
        "x-use-instead": ended.use if ended else "",
    }
    return {key: value for key, value in notes.items() if value}


def _core(field: Field, contract: Contract) -> dict[str, Any]:
    if field.type == "enum":
        return {"enum": list(field.values)}
    if field.type in {"list", "object"}:
        inner = {"$ref": f"#/$defs/{field.of}"} if field.of in contract.objects else TYPES[field.of]
        return {"type": "array", "items": inner} if field.type == "list" else inner
    return TYPES[field.type]
