"""What is exported is valid by the standards' own schemas, and says what the folder says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from interlock.connectors.registry import facts
from interlock.export.asyncapi import asyncapi
from interlock.export.odcs import odcs
from interlock.strategy import Strategy, load, snapshot_of
from interlock.strategy.starter import starter_files

STANDARDS = Path(__file__).parents[2] / "fixtures/standards"


def validator(name: str) -> Any:
    return jsonschema_rs.validator_for(json.loads((STANDARDS / f"{name}.json").read_text("utf-8")))


@pytest.fixture(name="acme", scope="module")
def _acme() -> Strategy:
    return load(snapshot_of({path: text.encode() for path, text in starter_files().items()}), connectors=facts())


def test_asyncapi_is_valid_by_its_own_schema(acme: Strategy) -> None:
    """AsyncAPI 3.1.0 as published. Control: without its version, or with a word of our own, it is refused."""
    document = json.loads(json.dumps(asyncapi(acme)))
    check = validator("asyncapi-3.1.0")
    assert [str(error) for error in check.iter_errors(document)] == []
    assert not check.is_valid({**document, "info": {"title": "x"}})
    assert not check.is_valid({**document, "flows": {}})


def test_asyncapi_tells_every_flow_and_destination(acme: Strategy) -> None:
    """A channel each, and operations in both directions, whose references lead somewhere."""
    document = asyncapi(acme)
    assert set(document["channels"]) == set(acme.flows)
    sends = {name for name, operation in document["operations"].items() if operation["action"] == "send"}
    assert sends == {f"{flow.name}.send.{name}" for flow in acme.flows.values() for name in flow.destinations}
    for reference in references(document):
        assert resolved(document, reference) is not None, reference


def test_odcs_is_valid_by_its_own_schema(acme: Strategy) -> None:
    """ODCS 3.1.0 as published. Control: an unknown property is refused."""
    check = validator("odcs-3.1.0")
    documents = json.loads(json.dumps(odcs(acme)))
    assert documents
    for document in documents.values():
        assert [str(error) for error in check.iter_errors(document)] == []
        assert not check.is_valid({**document, "owner": "me"})


def test_odcs_tells_who_answers_and_what_is_personal(acme: Strategy) -> None:
    """The team of the system that is record of the object; the data class of each field."""
    order = odcs(acme)["order.v1"]
    assert order["team"]["name"] == "storefront"
    fields = {row["name"]: row for row in order["schema"][0]["properties"]}
    assert fields["email"]["classification"] == "personal"
    assert fields["id"]["primaryKey"] is True
    assert fields["lines"]["items"]["properties"], "nested objects are told too"


def references(node: Any) -> list[str]:
    """Every `$ref` outside payloads, whose own references are the JSON Schema's."""
    if isinstance(node, list):
        return [found for item in node for found in references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if "$ref" in node else []
    return own + [found for key, value in node.items() if key != "payload" for found in references(value)]


def resolved(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document.get(part) if isinstance(document, dict) else None
    return document
