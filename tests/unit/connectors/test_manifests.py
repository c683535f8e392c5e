"""Manifests: every folder's is complete and sound, mistakes are named, and the README of a vendor says what it says."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest

from interlock.canonical import load_contracts
from interlock.clock import SystemClock
from interlock.connectors import registry
from interlock.connectors.contract import Buyer, Connection, Http
from interlock.connectors.manifest import QUALITY_RULES, read_manifest
from interlock.connectors.readme import config_table
from interlock.errors import SettingsError
from interlock.messaging.write import Once

each = pytest.mark.parametrize("name", registry.names())
SOUND = """
auth = "none"
[connector]
name = "acme"
title = "Acme"
docs = "https://acme.example/docs"
api_version = "1"
sunset = "none announced"
[objects.order]
can = ["write"]
[[operations]]
name = "order.create"
object = "order"
creates = true
once = "upsert"
[limits]
concurrency = 1
rate_per_second = 1.0
[quality]
""" + "".join(f'{rule} = {{ state = "todo" }}\n' for rule in QUALITY_RULES)


@each
def test_a_vendor_folder_has_its_six_things(name: str) -> None:
    """A connector is a folder that can be copied: the same names everywhere."""
    folder = files("interlock.connectors") / name
    for entry in ("connector.toml", "mapping.toml", "client.py", "README.md", "fixtures", "__init__.py"):
        assert (folder / entry).is_file() or (folder / entry).is_dir(), f"{name} has no {entry}"


@each
def test_the_manifest_is_sound(name: str) -> None:
    """Facts are data: each error has a next move, each limit and each way of once-only its source."""
    found = registry.manifest(name)
    assert all(row.next.strip() for row in found.errors)
    assert {row.reason for row in found.errors} >= {"authentication", "rate_limit"}
    assert found.limits.source
    assert re.fullmatch(r"20\d\d-\d\d-\d\d|rolling|none announced", found.connector.sunset)
    for operation in found.operations:
        assert operation.once is not None
        assert operation.once is not Once.HAND or operation.meaning


@each
def test_what_a_manifest_says_of_stock_is_what_its_client_opens(name: str) -> None:
    """The checks of a folder go by the manifest, the hub by the client: where one says more than the other, stock waits for ever."""
    client, stock = import_module(f"interlock.connectors.{name}.client"), registry.manifest(name).stock
    assert (hasattr(client, "stock_source"), hasattr(client, "stock_channel")) == (stock.counts, stock.shows)


@each
def test_the_readme_shows_the_settings_of_the_manifest(name: str) -> None:
    """Documentation cannot drift: the block between the marks is made from connector.toml and mapping.toml."""
    readme = registry.text_of(name, "README.md")
    assert config_table(name) in readme, f"run: python -m interlock.connectors.readme {name}"
    for heading in ("## Setup", "## Limits", "## Once only", "## Troubleshooting"):
        assert heading in readme


def test_the_facts_of_the_loader_are_those_of_the_manifests() -> None:
    """The strategy is checked against what the clients can do, in the strategy's own words."""
    facts = registry.facts()
    assert set(facts) == set(registry.names()) >= {"klaviyo", "netsuite", "shipbob", "shopify", "square"}
    ways = {write.operation: write.once_only for write in facts["shipbob"].writes}
    assert ways == {"order.create": "look-up", "order.cancel": "upsert"}
    assert facts["netsuite"].settings["guest_entity"].type == "any"
    assert facts["shipbob"].settings["channel_id"].required
    assert facts["shopify"].reads >= {"order"}
    assert "orders/create" in facts["shopify"].topics


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('once = "upsert"\n', "", "has no once-only way"),
        ('once = "upsert"', 'once = "key"', "memory_seconds"),
        ('once = "upsert"', 'once = "look_up"\nlongest_processing_seconds = 60', "quiet_period_seconds must exceed"),
        ('once = "upsert"', 'once = "upsert"\nlongest_processing_seconds = 60', "quiet_period_seconds must exceed"),
        ('can = ["write"]', 'can = ["read"]', "objects that can be written"),
        ("auth =", "aut =", "unknown field `aut`"),
        ('docs = "https://', 'docs = "ftp://', "docs"),
        ("once_only =", "once =", "lacks"),
        ("[limits]", "[limits", "wrong"),
    ],
)
def test_a_wrong_manifest_is_refused_and_says_why(old: str, new: str, says: str) -> None:
    """Invariant 3: a create without a way to become once-only does not load."""
    with pytest.raises(SettingsError, match="CON001") as refused:
        read_manifest(SOUND.replace(old, new, 1), "acme/connector.toml")
    assert says in str(refused.value)
    assert "acme/connector.toml" in str(refused.value)


def test_control_the_sound_manifest_loads() -> None:
    """Control: what the cases above break is right before."""
    assert read_manifest(SOUND, "acme/connector.toml").name == "acme"


def test_what_is_missing_is_said_at_once() -> None:
    """All mistakes are reported together, before anything connects."""
    connection = Connection(
        system="wms", url="", settings={}, credentials={}, builders={}, http=Http([]), clock=SystemClock()
    )
    with pytest.raises(SettingsError, match="CON004") as refused:
        registry.open_destination("shipbob", connection)
    assert "setting channel_id, credential token" in str(refused.value)
    with pytest.raises(SettingsError, match="CON003"):
        registry.open_source("shipbob", _with(connection, {"channel_id": 1}, {"token": "x"}))
    with pytest.raises(SettingsError, match="CON002"):
        registry.manifest("magento")


def _with(connection: Connection, settings: dict[str, object], credentials: dict[str, str]) -> Connection:
    return Connection(
        system=connection.system,
        url=connection.url,
        settings=settings,
        credentials=credentials,
        builders={},
        http=connection.http,
        clock=connection.clock,
    )


def test_a_buyer_has_the_fields_of_the_customer_contract() -> None:
    """A `customer` mapping reads either: a field that one lacks would fail at the first order only."""
    assert set(Buyer.__struct_fields__) >= set(load_contracts()["customer.v1"].struct.__struct_fields__)


def test_vendor_folders_import_only_the_contract() -> None:
    """A connector knows nothing of flows, and another vendor's folder least of all."""
    allowed = ("interlock.connectors.contract", "interlock.connectors.http")
    for name in registry.names():
        folder = Path(str(files("interlock.connectors") / name))
        for module in ("client.py", "webhooks.py", "tokens.py", "body.py"):
            if not (folder / module).is_file():
                continue
            imported = re.findall(
                r"^from (interlock\.\S+) import|^import (interlock\.\S+)", (folder / module).read_text(), re.MULTILINE
            )
            for used in (first or second for first, second in imported):
                assert used in allowed or used.startswith(f"interlock.connectors.{name}"), f"{name}/{module}: {used}"


def test_every_manifest_is_toml_without_surprises() -> None:
    """The file is read by people too: no key is repeated and no table is empty."""
    for name in registry.names():
        document = tomllib.loads(registry.text_of(name, "connector.toml"))
        assert all(value not in ({}, []) for value in document.values())
