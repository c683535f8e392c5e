"""The commands about mappings on a store that a real run has filled: tables, coverage, a tried mapping, and drift."""

import csv
import io
import json
from pathlib import Path

import apsw
import pytest
from commandline import call, said

from interlock.data_folder import LOCK_FILE

OVERRIDE = """
[order.out.salesOrder]
memo = "name"
otherRefNum = { value = "web" }
"""
BROKEN = """
[order.out.salesOrder]
"item.items[line].quantity" = { from = "origin", with = "whole_number" }
"""


def test_the_table_is_the_same_in_every_form(filled: Path) -> None:
    """A person, a wiki, a spreadsheet and a program read one table."""
    text = call("map", "table", "order", "--folder", filled)
    assert text.exit_code == 0
    assert "note " in text.stdout and "netsuite: memo" in text.stdout
    rows = said(call("map", "table", "order", "--folder", filled, "--json"))
    assert {row["canonical"]: row for row in rows if "cells" in row}["note"]["cells"]["shopify"][0]["path"] == "note"
    assert rows[-1]["systems"] == ["shopify", "netsuite", "klaviyo", "shipbob"]
    markdown = call("map", "table", "order", "--markdown", "--folder", filled).stdout
    assert "| Note | `note` | `memo` |" in markdown
    sheet = call("map", "table", "order", "--csv", "--folder", filled).stdout
    assert {row["canonical"] for row in csv.DictReader(io.StringIO(sheet))} >= {
        row["canonical"] for row in rows if "cells" in row
    }


def test_the_table_is_of_what_runs_unless_the_draft_is_asked_for(filled: Path) -> None:
    """A table of a folder that nobody has applied would be a claim; --draft says that it is one."""
    (filled / "mappings" / "netsuite.toml").write_text(OVERRIDE)
    assert "netsuite: memo" in call("map", "table", "order", "--folder", filled).stdout
    draft = call("map", "table", "order", "--draft", "--folder", filled).stdout
    assert next(line for line in draft.splitlines() if line.startswith("note ")).count("memo") == 0
    assert next(line for line in draft.splitlines() if line.startswith("name ")).count("memo") == 1


def test_an_object_that_nothing_moves_is_refused_with_the_ones_there_are(filled: Path) -> None:
    """A typing mistake must not look like an empty table."""
    result = call("map", "table", "payout", "--folder", filled)
    assert (result.exit_code, "order, customer" in result.stderr) == (1, True)
    assert call("map", "table", "order", "--csv", "--markdown", "--folder", filled).exit_code == 2


def test_coverage_names_what_nobody_maps(filled: Path) -> None:
    """A share alone hides which field is missing."""
    rows = said(call("map", "coverage", "--folder", filled, "--json"))
    shares = {(row["system"], row["object"], row["direction"]): row["percent"] for row in rows if "percent" in row}
    assert shares["shopify", "order", "in"] == 100.0
    assert shares["netsuite", "order", "out"] < 100.0
    unsent = next(row for row in rows if row.get("what") == "sent to no system" and row["object"] == "order")
    assert "estimated_taxes" in unsent["paths"]


def test_a_changed_mapping_is_tried_on_recorded_orders(filled: Path) -> None:
    """Whoever changes one row sees what it does to the orders of yesterday, field by field, before it runs."""
    (filled / "mappings" / "netsuite.toml").write_text(OVERRIDE)
    result = call("map", "test", "order-to-erp", "--folder", filled, "--json")
    rows = said(result)
    changed = {row["subject"]: row for row in rows if row.get("row") == "difference" and row["what"] == "field"}
    assert changed.keys() == {"salesOrder.upsert memo", "salesOrder.upsert otherRefNum"}
    assert changed["salesOrder.upsert otherRefNum"]["sample"]["new"] == '"web"'
    assert (result.exit_code, rows[-1]["differ"], rows[-1]["failing"]) == (0, rows[-1]["objects"], 0)


def test_a_mapping_given_by_name_is_tried_without_touching_the_folder(filled: Path, tmp_path: Path) -> None:
    """A draft can be tried from anywhere; the folder and the store stay as they are."""
    before = (filled / "data" / "ledger.db").read_bytes()
    draft = tmp_path / "netsuite.toml"
    draft.write_text(OVERRIDE)
    rows = said(call("map", "test", "order-to-erp", "--mapping", draft, "--folder", filled, "--json"))
    assert rows[-1]["differ"] > 0
    assert not (filled / "mappings" / "netsuite.toml").exists()
    assert (filled / "data" / "ledger.db").read_bytes() == before
    same = said(call("map", "test", "order-to-erp", "--folder", filled, "--json"))
    assert (same[-1]["untouched"], same[-1]["differ"]) == (True, 0)


def test_a_mapping_that_would_fail_ends_with_exit_code_1_and_the_path(filled: Path) -> None:
    """A pipeline must stop there; the person is told which value of which order cannot be translated."""
    (filled / "mappings" / "netsuite.toml").write_text(BROKEN)
    result = call("map", "test", "order-to-erp", "--folder", filled, "--json")
    rows = said(result)
    assert result.exit_code == 1
    failure = next(row for row in rows if row.get("row") == "failure")
    assert (failure["system"], failure["count"]) == ("netsuite", rows[-1]["failing"])
    assert failure["path"] and failure["sample"].startswith("#")


def test_a_flow_or_a_system_that_is_not_there_is_refused(filled: Path, tmp_path: Path) -> None:
    """An unknown name must not read as "nothing differs"; the message says where it was looked for."""
    unknown = call("map", "test", "order-to-crm", "--folder", filled)
    assert unknown.exit_code == 1 and "the release that runs" in unknown.stderr
    stray = tmp_path / "sap.toml"
    stray.write_text("")
    assert (
        "there is no system 'sap'" in call("map", "test", "order-to-erp", "--mapping", stray, "--folder", filled).stderr
    )
    assert call("init", tmp_path / "new").exit_code == 0
    assert "SET030" in call("map", "test", "order-to-erp", "--folder", tmp_path / "new").stderr


def test_personal_values_are_masked_in_samples(filled: Path) -> None:
    """A sample in a pull request must not be somebody's address."""
    (filled / "mappings" / "netsuite.toml").write_text('[order.out.salesOrder]\n"shippingAddress.addr2" = "address1"\n')
    text = call("map", "test", "order-to-erp", "--folder", filled).stdout
    assert "shippingAddress.addr2" in text and "•" in text


@pytest.fixture
def drifting(filled: Path) -> Path:
    """The filled store with two records, one of which a mapping reads."""
    inbox = apsw.Connection(str(filled / "data" / "inbox.db"))
    order = inbox.execute("SELECT max(position) FROM event WHERE object = 'order'").get
    inbox.close()
    ledger = apsw.Connection(str(filled / "data" / "ledger.db"))
    for path, severity, reads in (("note", "high", ["note"]), ("colour", "low", [])):
        ledger.execute(
            "INSERT INTO contract_drift (system, object, document, api_version, path, change, severity, documents, first_event, last_event,"
            " first_seen_ms, last_seen_ms, was, becomes, perhaps, reads, uses)"
            " VALUES ('shopify', 'order', 'order', '2026-07', ?, 'vanished', ?, 14, ?, ?, 1, 2, 'text', '', '', ?, '[]')",
            (path, severity, order, order, json.dumps(reads)),
        )
    ledger.close()
    return filled


def test_drift_is_listed_and_accepted_with_a_reason(drifting: Path) -> None:
    """Exit code 1 while a mapping reads something that changed; what a person accepts is audited and listed no more."""
    result = call("drift", "--folder", drifting, "--json")
    rows = said(result)
    assert (result.exit_code, [row.get("path") for row in rows[:-1]], rows[-1]["high"]) == (1, ["note", "colour"], 1)
    assert rows[0]["name"].startswith("#")
    assert call("drift", "accept", rows[0]["id"], "--folder", drifting).exit_code == 2
    done = call("drift", "accept", rows[0]["id"], "--why", "they agreed", "--folder", drifting)
    assert done.exit_code == 0 and "accepted drift" in done.stdout
    after = call("drift", "--folder", drifting, "--json")
    assert (after.exit_code, [row.get("path") for row in said(after)[:-1]]) == (0, ["colour"])
    assert len(said(call("drift", "--all", "--folder", drifting, "--json"))) == 3
    assert "they agreed" in call("audit", "--folder", drifting).stdout
    assert call("drift", "accept", rows[0]["id"], "--why", "again", "--folder", drifting).exit_code == 1


def test_without_a_store_drift_has_nothing_to_tell(tmp_path: Path) -> None:
    """Before the first start there is no drift, and that is said, not shown as an empty list."""
    assert call("init", tmp_path / "new").exit_code == 0
    result = call("drift", "--folder", tmp_path / "new")
    assert result.exit_code == 0 and "no hub has run" in result.stdout
    assert not (tmp_path / "new" / "data" / LOCK_FILE).exists()
