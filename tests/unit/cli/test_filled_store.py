"""The commands on a store that a real run has filled: what they say, what they change, with which exit code."""

import json
import re
from pathlib import Path
from typing import Any

import apsw
import pytest
from commandline import call, said

from interlock.data_folder import LOCK_FILE

DEAD_CODE = "MAP003"


@pytest.fixture
def troubled(filled: Path) -> Path:
    """The filled store, with the ERP's delivery of #1001 a dead letter and that of #1002 waiting for an item."""
    with apsw.Connection(str(filled / "data" / "ledger.db")) as ledger:
        erp = "object = 'order' AND destination = 'netsuite'"
        ledger.execute(
            f"UPDATE delivery SET state = 'dead', code = '{DEAD_CODE}', error = 'no currency CAD' WHERE name = '#1001' AND {erp}"
        )
        ledger.execute(
            "INSERT INTO dead_letter (delivery, at_ms, flow, destination, object, key, name, reason, code, error, fingerprint, owner, attempts,"
            " event, release) SELECT id, updated_ms, flow, destination, object, key, name, 'mapping', code, error, 'f00d', 'finance-systems', 3,"
            " wanted_event, release FROM delivery WHERE state = 'dead'"
        )
        ledger.execute(
            f"UPDATE delivery SET state = 'waiting', head = 1, waiting_for = 'item:7' WHERE name = '#1002' AND {erp}"
        )
    ledger.close()
    return filled


def states(folder: Path) -> dict[str, int]:
    """Deliveries to the ERP by state."""
    summary: dict[str, Any] = said(call("deliveries", "--destination", "netsuite", "--folder", folder, "--json"))[-1]
    return dict(summary["states"])


def last(*arguments: object) -> tuple[int, dict[str, Any]]:
    """Exit code and summary of a command."""
    result = call(*arguments, "--json")
    return result.exit_code, said(result)[-1]


def test_status_tells_each_flow_and_the_sum(filled: Path) -> None:
    """The first question of an operator: is it working? Counts, last success, and that no hub runs."""
    result = call("status", "--folder", filled)
    assert result.exit_code == 0
    assert re.search(r"order-to-erp to netsuite +[3-9] done, none open; last success .* ago", result.stdout)
    assert result.stdout.splitlines()[-1].startswith("no hub runs; ")
    assert f"next: interlock demo {filled}" in result.stderr


def test_status_draws_the_ways(filled: Path) -> None:
    """The map of the console, for a terminal."""
    rows = said(call("status", "--map", "--folder", filled, "--json"))
    assert {(row["source"], row["destination"]) for row in rows[:-1]} == {
        *(("shopify", one) for one in ("netsuite", "shipbob", "klaviyo")),
        ("shipbob", "shopify"),
    }


def test_strict_status_is_the_truth_as_an_exit_code(troubled: Path) -> None:
    """A monitor asks by exit code: no hub and a dead letter are not well, though the command itself went well."""
    assert call("status", "--folder", troubled).exit_code == 0
    code, summary = last("status", "--strict", "--folder", troubled)
    assert (code, summary["healthy"], summary["states"]["dead"]) == (1, False, 1)


@pytest.mark.parametrize("text", ["1001", "#1001"])
def test_find_and_show_by_the_business_name(text: str, filled: Path) -> None:
    """C43: with or without the hash; the story has the event, every call, and where each delivery stands."""
    assert call("find", text, "--folder", filled).exit_code == 0
    rows = said(call("show", text, "--folder", filled, "--json"))
    kinds = {row.get("kind") for row in rows}
    assert {"event", "attempt", "delivery", "link"} <= kinds
    assert rows[-1]["dead"] == 0
    assert all("body" not in row for row in rows)


def test_show_by_a_document_of_the_erp(filled: Path) -> None:
    """Finance knows the ERP's number only."""
    (link, *_) = (
        row
        for row in said(call("show", "1001", "--folder", filled, "--json"))
        if row.get("operation") == "salesOrder.upsert" and row["kind"] == "link"
    )
    result = call("show", link["external_id"], "--folder", filled)
    assert "order #1001 of shopify" in result.stdout
    assert f"salesOrder {link['external_id']}" in result.stdout


def test_show_tells_one_store_and_names_the_other(filled: Path) -> None:
    """C47: of two stores with one number the newest is told, alone, and the command for the other is suggested."""
    with apsw.Connection(str(filled / "data" / "ledger.db")) as ledger:
        ledger.execute(
            "INSERT INTO object (system, object, key, name, version, event, sha256, first_seen_ms, last_seen_ms) SELECT 'shop-us', object, key,"
            " name, version, event, sha256, first_seen_ms, last_seen_ms + 1 FROM object WHERE name = '#1001' AND object = 'order'"
        )
    ledger.close()
    result = call("show", "1001", "--folder", filled)
    assert "order #1001 of shop-us" in result.stdout
    assert "--system shopify" in result.stderr
    _, newest = last("show", "1001", "--folder", filled)
    _, chosen = last("show", "1001", "--system", "shopify", "--folder", filled)
    assert (newest["deliveries"], newest["also_in"]) == (0, ["shopify"])
    assert chosen["deliveries"] > 0
    assert call("show", "1001", "--system", "nobody", "--folder", filled).exit_code == 1


def test_payloads_are_shown_for_a_reason_that_is_written_down(filled: Path) -> None:
    """Personal data is not shown by default; who saw it, and why, stands in the audit."""
    assert call("show", "1001", "--payloads", "--folder", filled).exit_code == 2
    rows = said(call("show", "1001", "--payloads", "--why", "customer asked", "--folder", filled, "--json"))
    assert json.loads(next(row for row in rows if row["kind"] == "event")["body"])["name"] == "#1001"
    entry, *_ = said(call("audit", "--folder", filled, "--json"))
    assert (entry["action"], entry["why"], entry["who"].partition(":")[0]) == ("reveal", "customer asked", "cli")


def test_what_is_unknown_is_said_with_exit_code_1(filled: Path) -> None:
    """A script must see that nothing was found."""
    for command in (("find", "9999"), ("show", "9999"), ("retry", "9999"), ("issues", "nothing"), ("replays", "99")):
        result = call(*command, "--folder", filled)
        assert result.exit_code == 1, command
        assert "Traceback" not in result.output


def test_orders_stand_with_their_lanes(troubled: Path) -> None:
    """The list behind "which orders are not in the ERP?"."""
    (row, summary) = said(call("orders", "--state", "dead", "--folder", troubled, "--json"))
    assert (row["name"], summary["orders"]) == ("#1001", 1)
    assert "netsuite dead" in call("orders", "--state", "dead", "--folder", troubled).stdout


@pytest.mark.parametrize(
    "choice",
    [
        ("--state", "dead"),
        ("--where", "state=dead"),
        ("--fingerprint", "f00d"),
        ("--name", "#1001", "--destination", "netsuite"),
        ("--text", "currency CAD"),
        ("--state", "dead", "--since", "1h"),
        ("--state", "dead", "--from", "2020-01-01T00:00Z", "--until", "2999-01-01"),
    ],
)
def test_a_choice_means_the_same_in_a_list_and_in_an_action(choice: tuple[str, ...], troubled: Path) -> None:
    """What `deliveries` shows is what `discard` touches; a dry run changes nothing."""
    assert last("deliveries", *choice, "--folder", troubled)[1]["deliveries"] == 1
    code, summary = last("discard", *choice, "--why", "x", "--dry-run", "--folder", troubled)
    assert (code, summary["count"]) == (0, 1)
    assert states(troubled)["dead"] == 1


def test_issues_group_by_cause_and_list_one(troubled: Path) -> None:
    """An operator sees causes, then the orders of one."""
    group, summary = said(call("issues", "--folder", troubled, "--json"))
    assert (group["fingerprint"], group["count"], summary["causes"]) == ("f00d", 1, 1)
    rows = said(call("issues", "f00d", "--folder", troubled, "--json"))
    assert [row["name"] for row in rows if row.get("kind") == "dead_letter"] == ["#1001"]


def test_no_issues_are_said_in_words(filled: Path) -> None:
    """`0 dead letters of 0 causes` is a machine's way to say that all is well."""
    assert call("issues", "--folder", filled).stdout.strip() == "no dead letters"


def test_retry_makes_the_failed_deliveries_of_an_order_due(troubled: Path) -> None:
    """Only what had failed: the order's other deliveries are done and stay so."""
    code, summary = last("retry", "1001", "--folder", troubled)
    assert (code, summary["count"]) == (0, 1)
    assert states(troubled) == {"pending": 1, "waiting": 1, "done": 1}
    assert "interlock demo" in summary["next"][-1]
    assert [row["action"] for row in said(call("audit", "--folder", troubled, "--json"))[:-1]].count("replay") == 1


def test_replay_counts_first_and_then_opens(troubled: Path) -> None:
    """A dry run, then the replay, then its page; without a hub `--wait` cannot end, and says so."""
    choice = ("--destination", "netsuite", "--state", "dead", "--why", "currency added", "--folder", troubled)
    assert last("replay", *choice, "--dry-run")[1]["count"] == 1
    assert states(troubled)["dead"] == 1
    assert last("replay", *choice)[1]["count"] == 1
    assert states(troubled) == {"pending": 1, "waiting": 1, "done": 1}
    code, summary = last("replays", "1", "--folder", troubled)
    assert (code, summary["total"], summary["finished"]) == (0, 1, 0)
    waited = call("replays", "1", "--wait", "--folder", troubled)
    assert (waited.exit_code, "SET032" in waited.stderr) == (1, True)


def test_hold_then_release(troubled: Path) -> None:
    """What waits is held and goes on; what is done or dead is not touched."""
    assert last("hold", "--destination", "netsuite", "--why", "month's end", "--folder", troubled)[1]["count"] == 1
    assert states(troubled) == {"held": 1, "dead": 1, "done": 1}
    assert last("release", "--state", "held", "--why", "books are open", "--folder", troubled)[1]["count"] == 1
    assert states(troubled) == {"pending": 1, "dead": 1, "done": 1}


def test_discard_closes_the_dead_letter(troubled: Path) -> None:
    """Given up for good, with the reason; the list of issues is empty afterwards, and a second time finds nothing."""
    choice = ("discard", "--fingerprint", "f00d", "--why", "test order", "--folder", troubled)
    assert last(*choice)[1]["count"] == 1
    assert states(troubled)["cancelled"] == 1
    assert last("issues", "--folder", troubled)[1]["dead"] == 0
    assert last(*choice)[0] == 1
    assert "test order" in [row["why"] for row in said(call("audit", "--folder", troubled, "--json"))[:-1]]


@pytest.mark.parametrize("command", ["retry", "replay", "discard", "hold", "release"])
def test_nobody_means_everything(command: str, filled: Path) -> None:
    """Without a choice these would touch every delivery there is."""
    why = () if command == "retry" else ("--why", "x")
    assert call(command, *why, "--folder", filled).exit_code == 2


def test_tail_once_shows_the_newest_in_their_order(filled: Path) -> None:
    """Oldest first, like a log."""
    rows = said(call("tail", "--once", "--lines", 4, "--folder", filled, "--json"))
    assert len(rows) == 4
    assert [row["updated_ms"] for row in rows] == sorted(row["updated_ms"] for row in rows)


def test_the_catalogue_is_the_folder_with_what_went_along(filled: Path) -> None:
    """Who owns the ERP, what runs into it, what to do when it fails: from the folder, not from a wiki."""
    systems = {row["name"]: row for row in said(call("systems", "--folder", filled, "--json"))[:-1]}
    assert (systems["netsuite"]["owner"], systems["shopify"]["record_of"][0]) == ("finance-systems", "order")
    flows = {row["name"]: row for row in said(call("flows", "--folder", filled, "--json"))[:-1]}
    # A slow run may see an update of an order on its own, and do it again.
    assert 3 <= flows["order-to-erp"]["done"]["netsuite"] <= 9
    assert "95 of 100 within 300 s" in call("flows", "order-to-erp", "--folder", filled).stdout
    assert "# " in call("runbook", "erp-refusals", "--folder", filled).stdout
    for unknown in (("flows", "nothing"), ("runbook", "nothing")):
        assert "SET028" in call(*unknown, "--folder", filled).stderr


def test_the_suggested_command_names_the_folder_that_was_given(filled: Path) -> None:
    """A suggestion is copied and pasted: without its --folder it would ask another store."""
    moves = last("find", "1001", "--folder", filled)[1]["next"]
    assert moves == [f"interlock show '#1001' --folder {filled}"]


def test_beside_its_folder_the_demo_is_meant(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `interlock demo` the next command is typed in the same place, without --folder; it says which folder it took."""
    filled.rename(filled.with_name("interlock-demo"))
    monkeypatch.chdir(filled.parent)
    monkeypatch.delenv("INTERLOCK_FOLDER", raising=False)
    result = call("find", "1001")
    assert result.exit_code == 0
    assert "in ./interlock-demo" in result.stderr
    nested = call("reconcile", "inventory", "--dry-run")
    assert nested.stderr.count("in ./interlock-demo") == 1, "the group has a folder too, and is asked for it first"


def test_a_store_that_sqlite_cannot_read_is_a_store_failure(filled: Path) -> None:
    """Exit code 74 and a code, no traceback: a supervisor must not go on as if the store were empty."""
    (filled / "data" / "ledger.db").write_bytes(b"this is no database" * 1000)
    (filled / "data" / "ledger.db-wal").unlink(missing_ok=True)
    result = call("status", "--folder", filled)
    assert (result.exit_code, "STO004" in result.stderr) == (74, True)


def test_no_hub_holds_the_store_that_was_left(filled: Path) -> None:
    """The lock is asked, not the file: a process id in it may be anybody's by now."""
    (filled / "data" / LOCK_FILE).write_text("1")
    assert last("status", "--folder", filled)[1]["process"] == ""
