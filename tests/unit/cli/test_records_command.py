"""interlock records: whose word counts, who writes what, and the deliveries that left a field out."""

from pathlib import Path

import apsw
import pytest
from commandline import call, said


@pytest.fixture
def refused(filled: Path) -> Path:
    """The filled store, of whose deliveries to Klaviyo one left a field out."""
    with apsw.Connection(str(filled / "data" / "ledger.db")) as ledger:
        ledger.execute(
            "INSERT INTO refused_field (delivery, field, record, team, first_ms, last_ms)"
            " SELECT id, 'customer.tags', 'klaviyo', 'growth', updated_ms, updated_ms FROM delivery"
            " WHERE destination = 'klaviyo' ORDER BY id LIMIT 1"
        )
    ledger.close()
    return filled


def test_the_map_and_its_sum(filled: Path) -> None:
    """The first question about a wrong value: whose is it, and who writes it there?"""
    rows = said(call("records", "--folder", filled, "--json"))
    things = {row["thing"]: row for row in rows if "thing" in row}
    assert things["order"]["records"] == [{"system": "shopify", "where": "", "owner": "storefront"}]
    assert things["order"]["writes"]["netsuite"] == ["order-to-erp"]
    (erp,) = [row for row in rows if row.get("flow") == "order-to-erp"]
    assert "order.lines.net" in erp["fields"]
    assert erp["left_out"] == []
    assert call("records", "--folder", filled).stdout.splitlines()[-1].endswith("nothing was left out in 7 days")


def test_what_was_left_out_leads_to_its_deliveries(refused: Path) -> None:
    """The count names a command, and the command lists as many."""
    result = call("records", "--folder", refused)
    assert "1 x  order-to-marketing to klaviyo: left out customer.tags, which is Klaviyo's (growth)" in result.stdout
    assert "interlock deliveries --refused customer.tags --since 7d" in result.stderr
    assert said(call("deliveries", "--refused", "customer.tags", "--folder", refused, "--json"))[-1]["deliveries"] == 1


def test_markdown_is_a_page(filled: Path) -> None:
    """For the wiki that nobody keeps by hand."""
    page = call("records", "--markdown", "--folder", filled).stdout
    assert page.startswith("# Systems of record of ")
    assert "| **order** | all | Shopify | storefront |" in page
