"""The command contracts: a list and a page for people, data for programs, with and without a folder."""

import json
import tomllib
from pathlib import Path

import jsonschema_rs
import pytest
from commandline import call, said

from interlock.strategy.starter import write_starter

TIER = 'extends = "order.v1"\n[fields]\nloyalty_tier = { type = "string", required = false, meaning = "Tier" }\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The starter folder with a field of its own."""
    write_starter(tmp_path / "acme")
    (tmp_path / "acme" / "objects").mkdir(exist_ok=True)
    (tmp_path / "acme" / "objects" / "order.v1.toml").write_text(TIER)
    return tmp_path / "acme"


def test_the_list_says_who_writes_and_reads(folder: Path) -> None:
    """An object that no flow moves is on the list too, without a way."""
    *rows, last = said(call("contracts", "--folder", folder, "--json"))
    order, payout = (next(row for row in rows if row["key"] == key) for key in ("order.v1", "payout.v1"))
    assert order["written_by"] == ["shopify"] and set(order["read_by"]) == {"netsuite", "shipbob", "klaviyo"}
    assert (payout["written_by"], payout["read_by"], payout["personal"]) == ([], [], 0)
    assert last["contracts"] == len(rows) >= 10
    text = call("contracts", "--folder", folder).stdout
    assert "shopify to klaviyo, netsuite, shipbob" in text


def test_one_is_printed_with_what_the_folder_adds(folder: Path) -> None:
    """KEY may be the object alone: then it is the version that the flows move."""
    *rows, last = said(call("contracts", "order", "--folder", folder, "--json"))
    assert [row["field"] for row in rows if row["added"]] == ["loyalty_tier"]
    assert last["extends"] == "order.v1" and "email" in last["personal"]
    assert "+ loyalty_tier" in call("contracts", "order.v1", "--folder", folder).stdout


def test_a_page_and_a_schema(folder: Path) -> None:
    """Both go to a file as they are: nothing else is on stdout."""
    page = call("contracts", "order.v1", "--folder", folder, "--markdown").stdout
    assert page.startswith("# order.v1\n") and "| `loyalty_tier` | string | optional |" in page
    schema = json.loads(call("contracts", "order.v1", "--folder", folder, "--schema").stdout)
    jsonschema_rs.meta.validate(schema)
    assert "loyalty_tier" in schema["properties"]
    assert call("contracts", "--folder", folder, "--markdown").stdout.startswith("| Contract |")
    assert call("contracts", "--schema").exit_code == call("contracts", "--toml").exit_code == 2
    whole = tomllib.loads(call("contracts", "order.v1", "--folder", folder, "--toml").stdout)
    assert {"id", "loyalty_tier"} <= whole["fields"].keys() and "extends" not in whole


def test_without_a_folder_it_tells_what_ships(tmp_path: Path) -> None:
    """A person reads before they write."""
    shown = call("contracts", "price", "--folder", tmp_path)
    assert shown.exit_code == 0 and "minimum_quantity" in shown.stdout


def test_an_unknown_key_is_told(folder: Path) -> None:
    """With all the keys that there are, and an honest exit code."""
    refused = call("contracts", "ordre.v1", "--folder", folder, "--json")
    assert refused.exit_code == 1
    assert said(refused)[0]["error"]["code"] == "CMP101"
