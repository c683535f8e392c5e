"""The commands about all stock on a store at rest: what a full sync would do, and what a hub is needed for."""

from pathlib import Path

import apsw
from commandline import call, said

from interlock.cli.stock_runs import rules_of

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
