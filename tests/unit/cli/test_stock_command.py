"""The command stock, on the store that a demo has left, with and without a difference; and its words for what is unknown."""

from pathlib import Path

import apsw
import pytest
from commandline import call, said

SKU, PLACE = "LAMP-07", "655441491"
FOUND = (
    "INSERT INTO stock_difference (channel, place, sku, item, location, group_name, cause, what, next_move, state, wanted, shown, known,"
    f" variance, price, currency, since_ms, last_ms, run) VALUES ('shopify', '{PLACE}', '{SKU}', '', 'cicero', '', 'foreign',"
    " 'it shows 3', '', 'found', 1000, 3, 1000, 997, '', '', 1, 9999999999999, 1)"
)
"""What a comparison has listed, some time from now."""


def changed(folder: Path, statement: str) -> None:
    """Change the ledger behind the hub's back."""
    connection = apsw.Connection(str(folder / "data" / "ledger.db"))
    connection.execute(statement)
    connection.close()


def test_a_sku_is_told_in_every_system_with_its_sum(filled: Path) -> None:
    """Without a running hub: what ShipBob counts, what Shopify shows at both places, and the terms between them add up."""
    result = call("stock", SKU, "--folder", filled)
    assert result.exit_code == 0, result.output
    assert f"{SKU}: every place shows what it should" in result.stdout
    rows = said(call("stock", SKU, "--folder", filled, "--json"))
    positions = [row for row in rows if row.get("kind") == "position"]
    assert {(row["system"], row["location"]) for row in positions} == {("shipbob", "cicero"), ("shipbob", "ottawa")}
    places = [row for row in rows if row.get("kind") == "place"]
    assert {row["place"] for row in places} == {"655441491", "655441492"}
    for row in places:
        assert sum(term["amount"] for term in row["terms"]) == row["should_show"] == row["shows"]
        assert row["state"] == "agrees" and row["terms"][0]["at_us"]
    assert any(row.get("kind") == "change" and row["change"] == "counted" for row in rows)


def test_a_difference_is_said_with_exit_code_1(filled: Path) -> None:
    """A script must see it; the words are those of the one who refused."""
    where = f"WHERE sku = '{SKU}' AND place = '{PLACE}'"
    changed(
        filled, f"UPDATE stock_place SET seen = seen + 5, trouble = 'STK012', said = 'somebody else wrote it' {where}"
    )
    result = call("stock", SKU, "--folder", filled)
    assert result.exit_code == 1
    assert "asked" in result.stdout and "somebody else wrote it" in result.stdout
    last = said(call("stock", SKU, "--folder", filled, "--json"))[-1]
    assert (last["agrees"], last["differing"]) == (False, 1)


def test_what_only_a_comparison_saw_counts_too(filled: Path) -> None:
    """The hub has not looked at the place since: what was listed is newer."""
    changed(filled, FOUND)
    row = next(
        row
        for row in said(call("stock", SKU, "--folder", filled, "--json"))
        if row.get("place") == PLACE and row["kind"] == "place"
    )
    assert (row["state"], row["shows"]) == ("compared", 3)
    told = call("stock", SKU, "--folder", filled)
    assert "differs, as a comparison found" in told.stdout and f"reconcile inventory --sku {SKU}" in told.stderr


@pytest.mark.parametrize("typed", ["lamp-07", "LAMP", "LAPM-07", "LMAP-07", "AMP-07"])
def test_an_unknown_sku_suggests_near_ones(typed: str, filled: Path) -> None:
    """Capitals count, and fingers slip."""
    result = call("stock", typed, "--folder", filled)
    assert result.exit_code == 1
    assert f"interlock stock {SKU}" in result.stderr
    assert said(call("stock", typed, "--folder", filled, "--json"))[-1]["near"][0] == SKU


def test_a_store_without_stock_has_nothing_to_tell(tmp_path: Path) -> None:
    """A folder in which no hub ran: said, with exit code 1 and no traceback."""
    assert call("init", tmp_path / "acme").exit_code == 0
    result = call("stock", "TEE-1", "--folder", tmp_path / "acme")
    assert result.exit_code == 1 and "Traceback" not in result.output


def test_without_a_sku_it_tells_how_true_all_is(filled: Path) -> None:
    """The page that calls somebody at night says `interlock stock`: it must lead to the number that is wrong."""
    right = call("stock", "--folder", filled)
    assert right.exit_code == 0 and "32 of 32 numbers right" in right.stdout, right.output
    where = f"WHERE sku = '{SKU}' AND place = '{PLACE}'"
    changed(filled, f"UPDATE stock_place SET seen = seen + 5, trouble = 'STK012', said = 'somebody wrote it' {where}")
    wrong = call("stock", "--folder", filled)
    assert wrong.exit_code == 1 and f"interlock stock {SKU}" in wrong.stderr
    assert f"{SKU} at shopify {PLACE}: shows 1005, should show 1000" in wrong.stdout and "somebody wrote it" in wrong.stdout
    rows = said(call("stock", "--folder", filled, "--json"))
    assert {row.get("kind") for row in rows[:-1]} == {"channel", "wrong"}
    assert (rows[-1]["positions"], rows[-1]["equal"], rows[-1]["wrong"]) == (32, 31, 1)
    assert rows[0]["positions"] == rows[0]["equal"] + rows[0]["late"] + rows[0]["refused"]


def test_all_stock_is_as_true_as_the_page_says(filled: Path) -> None:
    """A comparison that only looked has found one of 32 wrong: the page says 31 are right, and so must the command. Control: once the
    hub has looked at the place itself after that, what it knows is newer."""
    changed(filled, FOUND)
    told = call("stock", "--folder", filled)
    assert told.exit_code == 1 and "31 of 32 numbers right, 1 wrong as a comparison found" in told.stdout, told.output
    changed(filled, f"UPDATE stock_place SET seen_us = 99999999999999000 WHERE sku = '{SKU}'")
    again = call("stock", "--folder", filled)
    assert again.exit_code == 0 and "32 of 32 numbers right" in again.stdout, again.output


def test_what_a_channel_does_not_list_is_not_wrong(filled: Path) -> None:
    """A marketplace that sells a few of the items made all stock look false for good, with buttons that could do nothing. Control: what
    the folder says that it lists is wrong."""
    row = f"UPDATE stock_place SET trouble = '{{}}', said = 'shopify lists no item that is {SKU}' WHERE sku = '{SKU}'"
    changed(filled, row.format("STK013"))
    told = call("stock", "--folder", filled)
    assert told.exit_code == 0 and "30 of 30 numbers right, 2 not sold there" in told.stdout, told.output
    assert call("stock", SKU, "--folder", filled).exit_code == 0
    changed(filled, row.format("STK001"))
    assert call("stock", "--folder", filled).exit_code == call("stock", SKU, "--folder", filled).exit_code == 1


def test_the_output_fits_a_terminal(filled: Path) -> None:
    """Eighty columns, whatever the number of quantities: what was counted at once stands on one line of changes."""
    told = call("stock", SKU, "--folder", filled).stdout.splitlines()
    assert max(map(len, told)) <= 80 and sum("counted  shipbob" in line for line in told) == 2
    assert not any(" 0" in line for line in told if "counts 1" in line), "what is nothing is left out"


def test_what_another_says_stands_beside_the_truth(filled: Path) -> None:
    """Why does NetSuite say 940? Its number of a place that the warehouse counts is told as a signal, with the truth beside it, and in no
    sum: all agrees as before (C89). Where the owner has not counted, that is said, and no zero."""
    columns = "(system, item, place, sku, location, available, as_of_us, told_us, event)"
    for sku, item in ((SKU, "77"), ("BOOKS-ONLY", "78")):
        values = f"('netsuite', '{item}', '4', '{sku}', 'cicero', 940, 1, 1, 1)"
        changed(filled, f"INSERT INTO stock_signal {columns} VALUES {values}")
    result = call("stock", SKU, "--folder", filled)
    assert result.exit_code == 0, result.output
    assert "netsuite says 940 at cicero (4)" in result.stdout
    assert "a signal: shipbob's 1000 is the truth" in result.stdout and max(map(len, result.stdout.splitlines())) <= 80
    rows = said(call("stock", SKU, "--folder", filled, "--json"))
    assert "netsuite" not in {row["system"] for row in rows if row.get("kind") == "position"}
    (signal,) = [row for row in rows if row.get("kind") == "signal"]
    told = {"system": "netsuite", "available": 940, "owner": "shipbob", "truth": 1000}
    assert {name: signal[name] for name in told} == told
    books = said(call("stock", "BOOKS-ONLY", "--folder", filled, "--json"))
    assert [row["truth"] for row in books if row.get("kind") == "signal"] == [None]
    assert "shipbob has not counted it yet" in call("stock", "BOOKS-ONLY", "--folder", filled).stdout


def test_as_many_changes_are_told_as_are_said(filled: Path) -> None:
    """A count changes several quantities at once and is one change: "the newest 8 changes" stood above two lines, cut in the middle of one."""
    told = call("stock", SKU, "--changes", "1", "--folder", filled).stdout
    lines = told.partition("the newest 1 change, the last at the end:\n")[2].splitlines()
    assert len([line for line in lines if line.startswith("  2")]) == 1 and "available" in lines[0]
    assert "the newest" not in call("stock", SKU, "--changes", "0", "--folder", filled).stdout


def test_what_is_listed_and_not_counted_says_so(filled: Path) -> None:
    """A comparison finds what a shop sells and nobody counts, and leads here: "no channel shows it" was no answer."""
    changed(
        filled,
        "INSERT INTO stock_item (system, item, sku, barcode, variant, tracked, kit, seen_us) VALUES ('shopify', '46870', 'SCARF-1', '', '', 1, 0, 1)",
    )
    said_last = call("stock", "SCARF-1", "--folder", filled).stdout.splitlines()[-1]
    assert said_last.endswith("no source of truth counts it, it is listed by shopify")


def test_a_number_is_listed_with_its_place(filled: Path) -> None:
    """Two dead letters of one SKU at two places of the shop were two lines that could not be told apart."""
    listed = call("deliveries", "--destination", "stock:shopify", "--text", SKU, "--folder", filled).stdout
    assert f"{SKU} at {PLACE} to stock:shopify" in listed and f"{SKU} at 655441492 to" in listed
