"""The map of records as Backstage entities, against the schemas that Backstage itself publishes."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parents[1]))
from strategy.example_folder import SOUND, load_files

from interlock.connectors import registry
from interlock.export.backstage import backstage_entities, entity_name
from interlock.strategy import Strategy, load, read_folder
from interlock.strategy.model import RecordException

SCHEMAS = Path(__file__).parents[2] / "fixtures" / "standards" / "backstage"
KINDS = ("API", "Component", "Group", "Resource", "System")
NAME = re.compile(r"^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$")
TAG = re.compile(r"^[a-z0-9:+#]+(\-[a-z0-9:+#]+)*$")
"""isValidObjectName and isValidTag of @backstage/catalog-model, which its JSON schemas leave to code."""


def schema(file: str) -> dict[str, Any]:
    return json.loads((SCHEMAS / f"{file}.schema.json").read_text(encoding="utf-8"))


def validator(kind: str) -> Any:
    """Of one kind; the schemas refer to each other by names without a base."""
    others = [(one, schema(one)) for one in ("Entity", "EntityEnvelope", "EntityMeta", "common")]
    registered = jsonschema_rs.Registry([(f"json-schema:///{name}", found) for name, found in others])
    return jsonschema_rs.Draft7Validator(schema(f"{kind}.v1alpha1"), registry=registered)


@pytest.fixture
def starter(tmp_path: Path) -> Strategy:
    """What `interlock init` writes, with an exception."""
    from interlock.strategy.starter import write_starter

    write_starter(tmp_path)
    strategy = load(read_folder(tmp_path), connectors=registry.facts())
    till = RecordException(of=["order.note"], channels=["pos"])
    systems = strategy.systems | {"shipbob": replace(strategy.systems["shipbob"], record_of_where=[till])}
    return replace(strategy, systems=systems)


def test_each_entity_is_one_to_backstage(starter: Strategy) -> None:
    """A catalog refuses a whole file for one wrong entity; every kind that the map uses is among them."""
    entities = backstage_entities(starter)
    assert {entity["kind"] for entity in entities} == set(KINDS)
    for kind in KINDS:
        judge = validator(kind)
        for entity in (one for one in entities if one["kind"] == kind):
            assert [f"{one.instance_path} {one.message}" for one in judge.iter_errors(entity)] == []


def test_the_schemas_can_refuse(starter: Strategy) -> None:
    """The control: an entity without its owner is refused."""
    entity = next(one for one in backstage_entities(starter) if one["kind"] == "Component")
    del entity["spec"]["owner"]
    assert not validator("Component").is_valid(entity)


def test_names_are_unique_and_references_lead_somewhere(starter: Strategy) -> None:
    """A dangling reference is an orphan in the catalog, which shows as an error on the page of the one that refers."""
    entities = backstage_entities(starter)
    refs = [f"{one['kind'].lower()}:default/{one['metadata']['name']}" for one in entities]
    assert len(refs) == len(set(refs))
    for entity in entities:
        assert NAME.match(entity["metadata"]["name"]), entity
        assert all(TAG.match(tag) for tag in entity["metadata"].get("tags", ()))
        spec = entity["spec"]
        asked = [spec.get("owner"), *spec.get("dependsOn", ())]
        asked += [f"api:default/{name}" for key in ("providesApis", "consumesApis") for name in spec.get(key, ())]
        asked += [f"system:default/{spec['system']}"] if "system" in spec else []
        assert [ref for ref in asked if ref and ref not in refs] == []


def test_an_exception_is_told(starter: Strategy) -> None:
    """Who looks at the catalog must not take the rule for the whole truth."""
    (found,) = [one for one in backstage_entities(starter) if one["metadata"]["name"] == "record-order.note"]
    assert found["metadata"]["description"] == "shipbob: order.note at channel pos"
    assert found["spec"]["dependsOn"] == ["component:default/shipbob"]


def test_a_folder_without_ours() -> None:
    """Connectors that nobody ships do as well; a name that is too long is cut to one that is taken."""
    assert backstage_entities(load_files(SOUND))
    assert NAME.match(entity_name("record", "a." * 60))
