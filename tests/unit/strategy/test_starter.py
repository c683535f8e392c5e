"""The starter folder: sound, valid against the exported schemas, and in step with the connectors that ship."""

import asyncio
import json
import time
import tomllib
from importlib.resources import files
from pathlib import Path

import jsonschema_rs
import pytest

from interlock.connectors import registry
from interlock.errors import SettingsError
from interlock.operations.checklist import judged
from interlock.strategy import ConnectorFact, SettingFact, Strategy, load, read_folder
from interlock.strategy.json_schema import export
from interlock.strategy.starter import DEFAULTS, SECRET_FILES, starter_files, write_starter

OURS = Path(str(files("interlock.canonical"))) / "objects"
GLOBS = {
    "strategy": "strategy.toml",
    "system": "systems/*.toml",
    "flow": "flows/*.toml",
    "security": "security.toml",
    "slos": "slos.toml",
    "object": "objects/*.toml",
    "change": "changes/*.toml",
    "items": "mappings/items.toml",
    "locations": "inventory/locations.toml",
    "stock-items": "inventory/items.toml",
}
"""Which files each schema is for, relative to the folder; that of stock-items also for inventory/items/*.toml."""


def shipped() -> dict[str, ConnectorFact]:
    """The facts of the connectors, with the settings that their mappings declare."""
    facts = registry.facts()
    for name, fact in facts.items():
        mapping = tomllib.loads((files("interlock.connectors") / name / "mapping.toml").read_text(encoding="utf-8"))
        fact.settings.update(
            {key: SettingFact("any") for key in mapping.get("settings", {}) if key not in fact.settings}
        )
    return facts


def loaded(folder: Path) -> Strategy:
    return load(read_folder(folder), connectors=shipped())


def test_it_loads_without_a_warning(tmp_path: Path) -> None:
    """What `interlock init` writes is the first thing a person checks."""
    write_starter(tmp_path / "acme")
    strategy = loaded(tmp_path / "acme")
    assert strategy.warnings == (), "\n".join(map(str, strategy.warnings))
    assert set(strategy.systems) == {"shopify", "netsuite", "shipbob", "klaviyo"}
    assert set(strategy.flows) == {"order-to-erp", "order-to-wms", "order-to-marketing", "stock-to-shopify"}
    assert strategy.flows["order-to-marketing"].every
    assert set(strategy.teams) == {"storefront", "finance-systems", "warehouse", "growth"}
    books = {"erp-refusals.md", "wms-refusals.md", "marketing-refusals.md", "stock-differs.md", "intake.md", "postmortem.md"}
    assert set(strategy.runbooks) == books
    assert set(strategy.inventory.locations) == {"warehouse"}


def test_values_are_filled_in(tmp_path: Path) -> None:
    """The demo points the systems at its twins, on ports it was given."""
    urls = {
        f"{name}_url": f"http://127.0.0.1:{port}"
        for port, name in enumerate(("shopify", "netsuite", "shipbob", "klaviyo"), 9001)
    }
    write_starter(tmp_path / "demo", {**urls, "name": "demo", "title": 'The "Demo" \\ shop', "environment": "demo"})
    strategy = loaded(tmp_path / "demo")
    assert strategy.title == 'The "Demo" \\ shop'
    assert strategy.declared_hosts() == {f"127.0.0.1:{port}" for port in range(9001, 9005)}
    assert not any("{{" in text for text in starter_files().values())
    with pytest.raises(SettingsError, match="shopify_ulr"):
        write_starter(tmp_path / "other", {"shopify_ulr": "x"})


def test_every_default_has_its_place() -> None:
    """A value that no file asks for would be filled in nowhere."""
    plain = starter_files()
    for key in DEFAULTS:
        assert starter_files({key: "0815"}) != plain, key


def test_secrets_are_those_that_are_referred_to(tmp_path: Path) -> None:
    """The demo writes the listed files; a reference to another would fail at the first request."""
    write_starter(tmp_path)
    references = {
        reference
        for system in loaded(tmp_path).systems.values()
        for value in system.credentials.values()
        for reference in ([value] if isinstance(value, str) else value)
    }
    assert references == {f"file:{name}" for name in SECRET_FILES}
    assert "secrets/" in (tmp_path / ".gitignore").read_text()


def test_a_fresh_folder_is_honest(tmp_path: Path) -> None:
    """The eight items of a folder that nobody has thought about: none is green, none is red, and each says what somebody has to decide or do."""
    write_starter(tmp_path)
    results = asyncio.run(judged(loaded(tmp_path), tmp_path, None, time.time_ns() // 1_000_000))
    assert [one.colour for one in results] == ["amber"] * 8, [
        gap.text for one in results for gap in one.gaps if gap.colour == "red"
    ]
    assert {"security.toml", "slos.toml", "changes/0001.toml", "runbooks/erp-refusals.md"} <= {
        gap.file.partition(":")[0] for one in results for gap in one.gaps if gap.code == "CHK001"
    }
    assert all(one.told[0].file or one.told[0].put for one in results)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A second `interlock init` in the same folder must not undo a week's work."""
    write_starter(tmp_path)
    (tmp_path / "strategy.toml").write_text("mine")
    with pytest.raises(SettingsError, match="already"):
        write_starter(tmp_path)
    assert (tmp_path / "strategy.toml").read_text() == "mine"


def test_the_schemas_accept_it(tmp_path: Path) -> None:
    """An editor that uses the schemas must not mark what the loader accepts."""
    write_starter(tmp_path)
    schemas = {
        file.name.removesuffix(".schema.json"): json.loads(file.read_text()) for file in export(tmp_path / "schemas")
    }
    assert set(schemas) == set(GLOBS)
    for kind, glob in GLOBS.items():
        validator = jsonschema_rs.Draft202012Validator(schemas[kind])
        found = sorted(OURS.glob("*.toml") if kind == "object" else tmp_path.glob(glob))
        assert found or kind in {"change", "locations", "stock-items"}, glob  # a folder begins without these
        for file in found:
            errors = [
                f"{file.name}: {error.message}" for error in validator.iter_errors(tomllib.loads(file.read_text()))
            ]
            assert errors == []


def test_the_schemas_refuse_what_the_loader_refuses(tmp_path: Path) -> None:
    """The control: a schema that accepts everything would pass the test above."""
    export(tmp_path)
    validator = jsonschema_rs.Draft202012Validator(json.loads((tmp_path / "flow.schema.json").read_text()))
    flow = tomllib.loads(starter_files()["flows/order-to-erp.toml"])
    assert validator.is_valid(flow)
    for wrong in (
        {"impact": "hihg"},
        {"colour": 1},
        {"trigger": []},
        {"object": "order"},
        {"name": "x"},
        {"max_age_hours": 0},
    ):
        assert not validator.is_valid(flow | wrong), wrong
    assert not validator.is_valid({key: value for key, value in flow.items() if key != "owner"})
