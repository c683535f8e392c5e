"""The flows as an AsyncAPI 3.1 document: each flow a channel, each contract a message, each destination an operation.

Source of the form: github.com/asyncapi/spec-json-schemas, schemas/3.1.0 (2026-07-21).
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from interlock.canonical.contract import Contract
from interlock.canonical.json_schema import json_schema
from interlock.strategy import Flow, Strategy, System
from interlock.strategy.contracts import contracts_of

SPECIFICATION = "3.1.0"
SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"


def asyncapi(strategy: Strategy) -> dict[str, Any]:
    """The document; what the standard has no word for stands under `x-interlock-`."""
    contracts = contracts_of(strategy)
    moved = sorted({flow.object for flow in strategy.flows.values() if flow.object in contracts})
    return {
        "asyncapi": SPECIFICATION,
        "info": {
            "title": strategy.title,
            "version": strategy.release[:12],
            "description": f"The flows of {strategy.title}, as its strategy folder declares them.",
            "x-interlock-environment": strategy.environment,
        },
        "defaultContentType": "application/json",
        "servers": {name: _server(system) for name, system in strategy.systems.items()},
        "channels": {flow.name: _channel(flow) for flow in strategy.flows.values()},
        "operations": dict(_operations(strategy.flows.values(), contracts)),
        "components": {"messages": {key: _message(contracts[key]) for key in moved}},
    }


def _server(system: System) -> dict[str, Any]:
    parts = urlsplit(system.url)
    server = {
        "host": parts.netloc or system.name,
        "protocol": parts.scheme or "https",
        "title": system.title,
        "x-interlock-owner": system.owner,
        "x-interlock-connector": system.connector,
    }
    return {**server, "pathname": parts.path} if parts.path.strip("/") else server


def _channel(flow: Flow) -> dict[str, Any]:
    """Its address at the hub is where the source's webhooks come in."""
    channel: dict[str, Any] = {
        "address": f"/intake/{flow.source}",
        "title": flow.title,
        "description": flow.rationale,
        "servers": [{"$ref": f"#/servers/{name}"} for name in dict.fromkeys((flow.source, *flow.destinations))],
        "tags": [{"name": flow.pattern}, {"name": f"impact-{flow.impact}"}, {"name": f"complexity-{flow.complexity}"}],
        "x-interlock-owner": flow.owner,
        "x-interlock-trigger": list(flow.trigger),
    }
    if flow.object:
        channel["messages"] = {flow.object: {"$ref": f"#/components/messages/{flow.object}"}}
    return channel


def _operations(flows: Iterable[Flow], contracts: Mapping[str, Contract]) -> Iterable[tuple[str, dict[str, Any]]]:
    for flow in flows:
        about = {"channel": {"$ref": f"#/channels/{flow.name}"}}
        if flow.object in contracts:
            about["messages"] = [{"$ref": f"#/channels/{flow.name}/messages/{flow.object}"}]  # type: ignore[assignment]
        yield (
            f"{flow.name}.receive",
            {"action": "receive", "summary": f"{flow.source} says: {', '.join(flow.trigger)}", **about},
        )
        for name in flow.destinations:
            summary = f"{flow.title}: brought to {name}" + (f", when {flow.when}" if flow.when else "")
            yield f"{flow.name}.send.{name}", {"action": "send", "summary": summary, **about}


def _message(contract: Contract) -> dict[str, Any]:
    return {
        "name": contract.key,
        "title": contract.name.replace("_", " ").capitalize(),
        "summary": contract.meaning,
        "contentType": "application/json",
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": json_schema(contract)},
    }
