"""Commands beside a running demo: they find its hub, break and mend its vendors, and what they change is seen at once."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from commandline import INTERLOCK, START_SECONDS, Living, call, said


def last(living: Living, *arguments: object) -> dict[str, Any]:
    """The summary of a command that must go well."""
    result = call(*arguments, "--folder", living.folder, "--json")
    assert result.exit_code == 0, result.output
    return said(result)[-1]


def until(condition: Callable[[], bool]) -> None:
    """Ask again until it holds; the asking itself takes the time."""
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come in time"


@contextmanager
def following(command: list[str]) -> Iterator["subprocess.Popen[str]"]:
    """A program that ends by Ctrl-C only: however the test fails, it does not wait for it."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def erp(living: Living) -> dict[str, int]:
    """Deliveries to the ERP by state."""
    states: dict[str, int] = last(living, "deliveries", "--destination", "netsuite")["states"]
    return states


def test_status_names_the_hub(living: Living) -> None:
    """The hub's address and process, read from its data folder."""
    summary = last(living, "status")
    assert summary["hub"] == living.at("arrived")["url"]
    assert summary["process"] == str(living.process.pid)


def test_trigger_reaches_the_hub_and_the_order_is_found(living: Living) -> None:
    """A webhook signed with the folder's secret is accepted by the hub that runs on it, without its address being given."""
    row, summary = said(
        call("trigger", "orders/create", "--override", "name=#T77", "--folder", living.folder, "--json")
    )
    assert summary["status"] == 200
    until(lambda: call("find", "#T77", "--folder", living.folder).exit_code == 0)
    shop = next(line["urls"] for line in living.lines if "urls" in line)["shopify"]
    with urlopen(f"{shop}/_twin/orders") as answer:
        assert str(row["id"]) in {str(order["id"]) for order in json.load(answer)["orders"]}


def test_a_refused_webhook_is_told(living: Living, tmp_path: Path) -> None:
    """A body that names no order is a 400, and exit code 1."""
    (tmp_path / "body.json").write_text("{}")
    result = call("trigger", "orders/create", "--body", tmp_path / "body.json", "--folder", living.folder)
    assert result.exit_code == 1
    assert "was refused" in result.stdout


def test_a_webhook_that_proves_nothing_says_so_in_its_story(living: Living, tmp_path: Path) -> None:
    """Its sender is told 200, and no flow starts on it: whoever looks for its deliveries must read why there are none."""
    (tmp_path / "body.json").write_text('{"id": 77, "first_name": "Ann", "updated_at": "2026-11-20T10:00:00Z"}')
    call("trigger", "customers/create", "--body", tmp_path / "body.json", "--folder", living.folder)
    until(lambda: call("show", "77", "--folder", living.folder).exit_code == 0)
    assert "so no flow starts on it" in call("show", "77", "--folder", living.folder).stdout
    assert "so no flow" not in call("show", "1001", "--folder", living.folder).stdout


def test_load_is_followed_to_its_end(living: Living) -> None:
    """The command ends when the orders are placed, so that a script can go on."""
    summary = last(living, "twin", "load", "--rate", 20, "--seconds", 0.2)
    assert summary["orders"] == 4
    assert "interlock status" in summary["next"][0]


def test_break_wait_repair_retry(living: Living) -> None:
    """Minute one and two of the demo: the ERP fails, the others keep flowing, and after the repair a retry brings all, none twice.

    The retry is written to the store by another process: the hub must see it and probe at once, not at its next nap's end.
    """
    assert last(living, "twin", "fault", "netsuite", "503")["rule"]["status"] == 503
    assert last(living, "twin", "fault", "netsuite")["faults"] == 1
    before = last(living, "deliveries", "--destination", "shipbob", "--state", "done")["deliveries"]
    last(living, "twin", "load", "--rate", 50, "--seconds", 0.2)
    until(lambda: last(living, "deliveries", "--destination", "shipbob", "--state", "done")["deliveries"] > before)
    until(lambda: bool(erp(living).get("uncertain") or erp(living).get("retrying")))
    assert last(living, "twin", "fault", "netsuite", "repair")["removed"] == 1
    call("retry", "--destination", "netsuite", "--folder", living.folder)
    until(lambda: not {"retrying", "uncertain", "pending", "running"} & erp(living).keys())


def test_a_replay_is_followed_and_proves_that_nothing_changed(living: Living) -> None:
    """What had succeeded is not written again: all unchanged, no duplicates, exit code 0."""
    summary = last(living, "replay", "--name", "#1001", "--destination", "shipbob", "--why", "to be sure", "--wait")
    assert (summary["finished"], summary["total"], summary["dead"], summary["duplicates"]) == (1, 1, 0, 0)
    (result, *_) = (row for row in said(call("replays", summary["replay"], "--folder", living.folder, "--json")))
    assert (result["unchanged"], result["delivered"]) == (1, 0)


def test_a_real_vendor_is_no_twin(living: Living) -> None:
    """`twin fault netsuite 503` in a production folder must not post anything to NetSuite."""
    folder = living.folder.parent / "production"
    assert call("init", folder).exit_code == 0
    for command in (("fault", "netsuite", "503"), ("load",)):
        result = call("twin", *command, "--folder", folder)
        assert (result.exit_code, "SET029" in result.stderr) == (1, True)
    assert "SET029" in call("twin", "fault", "nobody", "503", "--folder", living.folder).stderr
    assert "unknown fault kind" in call("twin", "fault", "netsuite", "tired", "--folder", living.folder).stderr


def test_tail_follows_until_it_is_interrupted(living: Living) -> None:
    """What changes while it runs is told; Ctrl-C is the way to end it and no failure."""
    command = [*INTERLOCK, "tail", "--lines", "0", "--folder", str(living.folder)]
    with following(command) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stderr.readline()
        last(living, "trigger", "orders/create", "--override", "name=#T88")
        while "#T88" not in (line := process.stdout.readline()):
            assert line, "the tail ended"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=START_SECONDS)
    assert process.returncode == 0


def test_tail_waits_on_an_empty_store(tmp_path_factory: Any) -> None:
    """Before the first webhook it says that nothing has arrived, and goes on to watch."""
    from interlock.messaging.sqlite.inbox import SqliteInbox
    from interlock.messaging.sqlite.ledger import SqliteLedger

    data = tmp_path_factory.mktemp("empty") / "data"
    data.mkdir()
    stores = (SqliteInbox(data / "inbox.db", 0), SqliteLedger(data / "ledger.db", 0))
    for store in stores:
        store.group.connection.close()
    assert call("tail", "--once", "--folder", data.parent).stdout.startswith("the store is empty")
    command = [*INTERLOCK, "tail", "--folder", str(data.parent)]
    with following(command) as process:
        assert process.stderr is not None
        assert "no event has arrived yet; no hub runs here" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=START_SECONDS)
    assert process.returncode == 0


def test_a_check_beside_a_hub_does_not_say_to_start_one(living: Living) -> None:
    """What comes after a sound folder is its plan, when a hub runs on it already."""
    result = call("check", living.folder)
    assert f"next: interlock plan {living.folder}\n" in result.stderr
    assert "next: interlock run" not in result.stderr
