"""The command stock, on the store that a demo has left, with and without a difference; and its words for what is unknown."""

from pathlib import Path

import apsw
import pytest
from commandline import call, said

SKU, PLACE = "LAMP-07", "655441491"


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
    changed(
        filled,
        "INSERT INTO stock_difference (channel, place, sku, item, location, group_name, cause, what, next_move, state, wanted, shown, known,"
        f" variance, price, currency, since_ms, last_ms, run) VALUES ('shopify', '{PLACE}', '{SKU}', '', 'cicero', '', 'foreign',"
        " 'it shows 3', '', 'found', 1000, 3, 1000, 997, '', '', 1, 9999999999999, 1)",
    )
    row = next(
        row
        for row in said(call("stock", SKU, "--folder", filled, "--json"))
        if row.get("place") == PLACE and row["kind"] == "place"
    )
    assert (row["state"], row["shows"]) == ("compared", 3)
    told = call("stock", SKU, "--folder", filled)
    assert "differs, as a comparison found" in told.stdout and f"reconcile inventory --sku {SKU}" in told.stderr


@pytest.mark.parametrize("typed", ["lamp-07", "LAMP", "LAPM-07"])
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
