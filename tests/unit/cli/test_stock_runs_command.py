"""The commands about all stock on a store at rest: what a full sync would do, and what a hub is needed for."""

from pathlib import Path

import apsw
import click
import pytest
from commandline import call, said

from interlock.cli import reconcile, reconcile_inventory
from interlock.cli.output import Output
from interlock.cli.stock_runs import rules_of
from interlock.messaging.accuracy import Run
from interlock.messaging.sweeps import Sweep

ROW = """INSERT INTO stock_place (channel, place, sku, flow, item, wanted, seen, seen_us, trouble, said)
VALUES ('shopify', ?, ?, 'stock-to-shopify', ?, ?, ?, ?, ?, ?)"""


def test_a_full_sync_is_counted_before_it_is_made(filled: Path) -> None:
    """Places that are not known, that differ, and what is left out and why; nothing is asked of the hub."""
    with apsw.Connection(str(filled / "data" / "ledger.db")) as store:
        store.execute("DELETE FROM stock_place")
        place = next(iter(rules_of(filled).channels["shopify"][0].places))
        store.executemany(ROW, [
            (place, "A", "1", 5, None, 0, "", ""), (place, "B", "2", 5, 4, 9, "", ""), (place, "C", "3", 5, 5, 9, "", ""),
            (place, "D", "4", 5, 4, 0, "INVALID", "no"), (place, "E", "5", 5, 4, 9, "", "wms has said nothing"),
        ])  # fmt: skip
    row, summary = said(call("sync", "inventory", "--folder", filled, "--dry-run", "--json"))
    counted = [row[name] for name in ("places", "unknown", "different", "refused", "suspended")]
    assert counted == [5, 1, 1, 1, 1] and summary["channels"] == ["shopify"]
    assert "1 refused or not listed there" in call("sync", "inventory", "--folder", filled, "--dry-run").output


def test_a_hub_is_needed_and_a_channel_that_shows_stock(filled: Path) -> None:
    """Nothing is left behind that would begin by surprise, and a wrong name says what may be named."""
    for command in (("reconcile", "inventory"), ("sync", "inventory")):
        refused = call(*command, "--folder", filled)
        assert refused.exit_code == 1 and "SET032" in refused.output
        unknown = call(*command, "--channel", "klaviyo", "--folder", filled)
        assert unknown.exit_code == 1 and "STK030" in unknown.output and "shopify" in unknown.output
        nowhere = call(*command, "--location", "atlantis", "--folder", filled)
        assert nowhere.exit_code == 1 and "STK031" in nowhere.output
    with apsw.Connection(str(filled / "data" / "ledger.db")) as store:
        assert store.execute("SELECT count(*) FROM stock_run WHERE state = 'asked'").get == 0


def test_a_sync_says_what_only_a_comparison_knows(filled: Path) -> None:
    """ "0 different" beside a page that names one would be a riddle: which command puts it right is said."""
    with apsw.Connection(str(filled / "data" / "ledger.db")) as store:
        store.execute(
            "INSERT INTO stock_difference (channel, place, sku, item, location, group_name, cause, what, next_move, state, wanted, shown,"
            " known, variance, price, currency, since_ms, last_ms, run) VALUES ('shopify', '655441491', 'LAMP-07', '', 'cicero', '',"
            " 'foreign', 'it shows 3', '', 'found', 1000, 3, 1000, 997, '', '', 1, 9999999999999, 1)"
        )
    result = call("sync", "inventory", "--folder", filled, "--dry-run")
    assert "1 place more that the last comparison found" in result.output and "reconcile inventory" in result.output
    other = call("sync", "inventory", "--folder", filled, "--dry-run", "--sku", "TEE-*")
    assert "comparison found" not in other.output


STOPPED = """INSERT INTO stock_stopped (system, item, place, sku, code, reason, next_move, line, event, since_us, last_us)
VALUES ('shipbob', ?, '8', ?, 'STK001', ?, 'name it in inventory/items.toml', x'7b226974656d223a2231222c226c6f636174696f6e223a2238222c227175616e746974696573223a7b7d7d', 1, 1, 2)"""


def test_issues_tell_of_stock_that_stopped(filled: Path) -> None:
    """An operator works from issues: one row per cause and system, its lines by its name, and the owner; a folder with a mistake
    hides none of it."""
    with apsw.Connection(str(filled / "data" / "ledger.db")) as store:
        store.executemany(STOPPED, [(str(number), f"OLD-{number}", f"unknown OLD-{number}") for number in (1, 2)])
    rows = said(call("issues", "--folder", filled, "--json"))
    row = next(row for row in rows if row.get("id") == "STK001:shipbob")
    assert (row["kind"], row["trouble"], row["count"], row["owner"]) == ("stock", "stopped", 2, "warehouse")
    assert rows[-1]["stock"] >= 1 and any("issues STK001:shipbob" in move for move in rows[-1]["next"])
    lines = call("issues", "STK001:shipbob", "--folder", filled)
    assert (
        lines.exit_code == 0
        and "OLD-1" in lines.stdout
        and "OLD-2" in lines.stdout
        and "goes away by itself" in lines.stdout
    )
    assert call("issues", "STK002:shipbob", "--folder", filled).exit_code == 1
    (filled / "inventory" / "items.toml").write_text("broken", encoding="utf-8")
    assert "STK001:shipbob" in call("issues", "--folder", filled).stdout


def test_status_tells_of_stock_that_stopped(filled: Path) -> None:
    """A monitor asks status alone: a line that stopped is told there with the command that goes on, and --strict does not pass over
    it. Control: without the line nothing of it is told."""
    assert "STK001:shipbob" not in call("status", "--folder", filled).stdout
    with apsw.Connection(str(filled / "data" / "ledger.db")) as store:
        store.execute(STOPPED, ("1", "OLD-1", "unknown OLD-1"))
    asked = call("status", "--folder", filled, "--strict")
    assert asked.exit_code == 1 and "interlock issues STK001:shipbob" in asked.stdout
    rows = said(call("status", "--folder", filled, "--json"))
    (row,) = [row for row in rows if row.get("kind") == "stock"]
    assert (row["id"], row["trouble"], row["count"]) == ("STK001:shipbob", "stopped", 1)


@pytest.mark.parametrize("dry", [True, False])
@pytest.mark.parametrize("off", [0, 3])
def test_a_dry_run_ends_like_diff(*, dry: bool, off: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts ask both comparisons in one way: exit code 1 when a dry run found something; what was found and corrected is no failure."""
    run = Run(
        id=1,
        kind="compare",
        channel="shopify",
        why="",
        dry=dry,
        state="done",
        compared=10,
        equal=10 - off,
        opened=0 if dry else off,
    )
    sweep = Sweep(
        id=1, system="shopify", object="order", why="", dry=dry, since=0, until=0, state="done", listed=10, found=off
    )
    out = Output(as_json=True)
    for end in (lambda: reconcile_inventory._tell_end(out, [run], 0), lambda: reconcile._tell_end(out, sweep, "order")):
        try:
            end()
            code = 0
        except click.exceptions.Exit as exit_:
            code = exit_.exit_code
        assert code == (1 if dry and off else 0)
    assert capsys.readouterr().out.count("summary") == 2


def test_a_comparison_says_what_it_waits_for_and_what_to_do_when_that_was_in_vain(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Three minutes of "its sources of truth are read" told nobody that the till does not answer."""
    waiting = Run(
        id=1,
        kind="compare",
        channel="square",
        why="",
        state="running",
        error="waits for an answer of square since 12:28:21Z",
    )
    assert reconcile_inventory._progress(waiting) == "square: waits for an answer of square since 12:28:21Z"
    failed = Run(
        id=1,
        kind="compare",
        channel="square",
        why="",
        state="failed",
        error="503: not now",
        began_ms=1_000,
        ended_ms=32_000,
    )
    assert reconcile_inventory._sentence(failed) == "square could not be compared, tried for 31.0 s: 503: not now"
    with pytest.raises(click.exceptions.Exit):
        reconcile_inventory._tell_end(Output(as_json=True), [failed], 0)
    assert '"interlock reconcile inventory --channel square"' in capsys.readouterr().out


def test_a_comparison_that_failed_found_nothing_out(capsys: pytest.CaptureFixture[str]) -> None:
    """\"0 differences at square\" was the last line of a comparison that Square had not let happen."""
    failed = Run(id=1, kind="compare", channel="square", why="", state="failed", error="SERVICE_UNAVAILABLE: not now")
    made = Run(id=2, kind="compare", channel="shopify", why="", state="done", compared=10, equal=10)
    for runs, said_last in (
        ([failed], "square could not be compared"),
        ([made, failed], "0 differences at shopify; square could not be compared"),
        ([made], "0 differences at shopify"),
    ):
        ends = 0
        try:
            reconcile_inventory._tell_end(Output(as_json=True), runs, 0)
        except click.exceptions.Exit as end:
            ends = end.exit_code
        assert (f'"summary": "{said_last}"' in capsys.readouterr().out, ends) == (True, int(failed in runs)), said_last
