"""The contracts as documents of the Open Data Contract Standard 3.1: one for each version of an object.

Source of the form: github.com/bitol-io/open-data-contract-standard, schema/odcs-json-schema-v3.1.0.json (2026-06-02).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from interlock.canonical.contract import Contract, Field
from interlock.canonical.example import as_json
from interlock.strategy import Flow, Strategy
from interlock.strategy.contracts import contracts_of, use_of
from interlock.strategy.ownership import ownership_of

API_VERSION = "v3.1.0"
LOGICAL_TYPES = {
    "string": "string", "id": "string", "decimal": "number", "quantity": "integer", "date": "date",
    "timestamp": "timestamp", "country": "string", "currency": "string", "enum": "string", "boolean": "boolean",
    "list": "array", "object": "object", "money": "object", "amount": "object",
}  # fmt: skip
PHYSICAL_TYPES = {"decimal": "decimal in a string", "id": "id in a string", "timestamp": "RFC 3339 with zone"}
AMOUNT = (
    {"name": "amount", "logicalType": "number", "physicalType": PHYSICAL_TYPES["decimal"], "required": True},
    {"name": "currency", "logicalType": "string", "description": "ISO 4217", "required": True},
)


def odcs(strategy: Strategy) -> dict[str, dict[str, Any]]:
    """A document for each contract that a flow moves, by key such as `order.v1`."""
    contracts = contracts_of(strategy)
    moved = sorted({flow.object for flow in strategy.flows.values() if flow.object in contracts})
    return {key: _document(strategy, contracts[key], use_of(strategy, key).flows) for key in moved}


def _document(strategy: Strategy, contract: Contract, flows: tuple[Flow, ...]) -> dict[str, Any]:
    record = strategy.systems.get(ownership_of(strategy.systems, [contract]).record_of(contract.name) or "")
    owner = strategy.teams[record.owner] if record else None
    document: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": f"urn:interlock:{strategy.name}:{contract.key}",
        "name": contract.key,
        "version": f"{contract.version}.0.0",
        "status": "active",
        "domain": strategy.name,
        "description": {"purpose": contract.meaning, "usage": "; ".join(flow.title for flow in flows)},
        "schema": [_schema(contract)],
        "slaProperties": [row for flow in flows for row in _promises(flow)],
        "roles": list(_roles(flows)),
        "customProperties": [{"property": "release", "value": strategy.release}],
    }
    if record:
        document["customProperties"] += [{"property": "record", "value": record.name}]
    if owner:
        document["team"] = {"name": owner.name, "description": f"{owner.contact}; then {owner.escalation}"}
        document["support"] = [{"channel": owner.contact, "description": f"then {owner.escalation}", "scope": "issues"}]
    return document


def _schema(contract: Contract) -> dict[str, Any]:
    return {
        "name": contract.name,
        "logicalType": "object",
        "physicalType": "document",
        "description": contract.meaning,
        "properties": list(_properties(contract, contract.fields)),
    }


def _properties(contract: Contract, fields: Mapping[str, Field]) -> Iterable[dict[str, Any]]:
    for name, field in fields.items():
        row = {
            "name": name,
            **_typed(contract, field.type, field.of),
            "description": field.meaning,
            "required": not field.may_be_none,
            "classification": field.data_class,
        }
        if fields is contract.fields and name == "id":
            row |= {"primaryKey": True, "primaryKeyPosition": 1, "unique": True}
        example = as_json(field)
        if example is not None:
            row["examples"] = [example]
        if notes := list(_notes(field)):
            row["customProperties"] = notes
        yield row


def _typed(contract: Contract, kind: str, of: str) -> dict[str, Any]:
    typed: dict[str, Any] = {"logicalType": LOGICAL_TYPES[kind]}
    if kind in PHYSICAL_TYPES:
        typed["physicalType"] = PHYSICAL_TYPES[kind]
    if kind == "list":
        typed["items"] = {"name": of, **_typed(contract, "object" if of in contract.objects else of, of)}
    elif kind == "object":
        typed["properties"] = list(_properties(contract, contract.objects[of].fields))
    elif kind == "amount":
        typed["properties"] = list(AMOUNT)
    elif kind == "money":
        typed["properties"] = [
            {"name": name, "logicalType": "object", "properties": list(AMOUNT), "required": True}
            for name in ("shop", "presentment")
        ]
    return typed


def _notes(field: Field) -> Iterable[dict[str, Any]]:
    """What the standard has no word for."""
    said = {
        "unit": field.unit,
        "values": list(field.values),
        "since": field.since,
        "deprecatedSince": field.deprecated.since if field.deprecated else "",
        "useInstead": field.deprecated.use if field.deprecated else "",
    }
    return ({"property": name, "value": value} for name, value in said.items() if value)


def _promises(flow: Flow) -> Iterable[dict[str, Any]]:
    """What a flow promises, in ODCS's words for it: latency in seconds, and the share that ends well."""
    where = f"{flow.name}: to {', '.join(flow.destinations)}"
    yield {
        "property": "latency", "value": flow.slo.latency_seconds_p95, "unit": "s", "driver": "operational",
        "description": f"{where}; 95 of 100 within this",
    }  # fmt: skip
    yield {
        "property": "completeness", "value": flow.slo.success_percent, "unit": "percent", "driver": "operational",
        "description": f"{where}; the share that ends well over 30 days",
    }  # fmt: skip


def _roles(flows: Iterable[Flow]) -> Iterable[dict[str, Any]]:
    for name in sorted({flow.source for flow in flows}):
        yield {"role": name, "access": "write", "description": "it comes from here"}
    for name in sorted({name for flow in flows for name in flow.destinations}):
        yield {"role": name, "access": "read", "description": "it is brought here"}
