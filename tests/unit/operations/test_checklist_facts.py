"""What lies beside a folder is evidence by its age alone; what the flows need of a vendor is worked out, and compared in the vendor's words."""

import os
from pathlib import Path

import pytest

from interlock.connectors import registry
from interlock.operations.checklist import around, contract_facts
from interlock.strategy import Strategy, load, read_folder
from interlock.strategy.scopes import needed_scopes
from interlock.strategy.starter import write_starter

OCTOBER_S = 1_790_812_800


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_starter(tmp_path / "shop")
    return tmp_path / "shop"


def loaded(folder: Path) -> Strategy:
    return load(read_folder(folder), connectors=registry.facts())


def put(file: Path, at_s: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("x")
    os.utime(file, (at_s, at_s))


def test_a_secret_is_as_old_as_its_file(folder: Path) -> None:
    """Only what is there has an age; nothing is opened."""
    put(folder / "secrets" / "shipbob-token", OCTOBER_S)
    (folder / "secrets" / "shipbob-token").chmod(0)
    assert around(loaded(folder), folder).secrets_ms == {"shipbob.token": OCTOBER_S * 1000}


def test_the_newest_file_of_the_backup_folder_counts(folder: Path, tmp_path: Path) -> None:
    """Copies are made by others; their age is what can be seen. A folder that is not there has none."""
    security = folder / "security.toml"
    text = security.read_text()
    security.write_text(
        text.replace("# folder = ", "folder = ").replace("/var/backups/interlock", str(tmp_path / "copies"))
    )
    assert around(loaded(folder), folder).backup_ms == 0
    for name, at_s in (("monday.db", OCTOBER_S), ("tuesday.db", OCTOBER_S + 86_400)):
        put(tmp_path / "copies" / name, at_s)
    assert around(loaded(folder), folder).backup_ms == (OCTOBER_S + 86_400) * 1000


def test_scopes_follow_the_flows(folder: Path) -> None:
    """The starter's flows need what Shopify, NetSuite and Klaviyo call it; ShipBob's token cannot be narrowed."""
    needed = needed_scopes(loaded(folder), registry.facts())
    assert {"read_orders", "read_customers", "read_fulfillments"} <= needed["shopify"]
    assert {"events:write", "profiles:write"} <= needed["klaviyo"] and "Sales Order" in needed["netsuite"]
    assert "shipbob" not in needed
    (folder / "flows" / "order-to-marketing.toml").unlink()
    less = needed_scopes(loaded(folder), registry.facts())
    assert "klaviyo" not in less and "read_fulfillments" not in less["shopify"]


@pytest.mark.parametrize("name", registry.names())
def test_scopes_of_a_manifest_name_what_it_can_do(name: str) -> None:
    """A misspelt object or topic would never be asked for."""
    found = registry.manifest(name)
    for way, things in found.scopes.items():
        known = (
            set(found.topics)
            if way == "topic"
            else {thing for thing, one in found.objects.items() if {way, "webhook", "read"} & set(one.can)}
        )
        assert set(things) <= known, (way, set(things) - known)


def test_own_contracts_are_published_by_the_lock_file(folder: Path) -> None:
    """What ships does not change; what the folder adds is loose until somebody publishes it."""
    assert all(fact.published for fact in contract_facts(loaded(folder)).values())
    (folder / "objects").mkdir()
    (folder / "objects" / "order.v1.toml").write_text(
        'extends = "order.v1"\n[fields]\ntier = { type = "string", required = false, class = "internal", meaning = "Loyalty" }\n'
    )
    assert not contract_facts(loaded(folder))["order.v1"].published
