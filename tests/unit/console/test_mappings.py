"""The page of mappings: tables, coverage, drift, and the one decision that a person makes there."""

import csv
import io
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from console.browse import Browser
from console.conftest import TOKEN, Desk
from console.drifting import DRIFT, SampleMappings, starter_tables


def test_the_page_says_first_what_is_wrong(desk: Desk) -> None:
    """A renamed field is the answer line, in red; then where it ends up, since when, and the first order that had it."""
    page = desk.signed_in().get("/strategy/mappings")
    assert page.status == 200
    assert (
        "Shopify&#39;s order field note is gone; it may be order_note now. 1 more field has changed too." in page.text
    )
    assert "order-to-erp: netsuite salesOrder memo" in page.text
    assert '<a href="/objects/order/5300000001190">#1190</a>' in page.text
    assert "buyer_locale" not in page.text
    assert "retired in 2026-07" in desk.browser.get("/strategy/mappings?closed=1").text


def test_every_field_of_the_chosen_object_is_on_the_page(desk: Desk) -> None:
    """The table is the one of the release; the object is chosen in the address."""
    browser = desk.signed_in()
    for table in starter_tables():
        text = browser.get(f"/strategy/mappings?object={table.object}").text
        for line in table.lines:
            assert f">{line.canonical}<" in text
        assert [title for _, title in table.columns] == re.findall(
            r'<th scope="col">([^<]+)</th>', text.partition('id="table"')[2]
        )[1 : len(table.columns) + 1]


def test_a_healthy_world_is_calm(desk: Desk) -> None:
    """Without drift the answer says what is covered, and the empty state says what would show."""
    desk.mappings.rows.clear()
    text = desk.signed_in().get("/strategy/mappings").text
    assert "drawn from the release that runs" in text
    assert "No source has changed its documents." in text
    assert "No document has been looked at yet" in text


def test_a_table_can_be_taken_away(desk: Desk) -> None:
    """CSV for a spreadsheet, Markdown for a wiki; no other form, and no object that nothing moves."""
    browser = desk.signed_in()
    rows = list(csv.DictReader(io.StringIO(browser.get("/strategy/mappings/order.csv").text)))
    assert {row["canonical"]: row["netsuite"] for row in rows}["note"] == "memo"
    assert (
        "| Field | Shopify | NetSuite | Klaviyo | ShipBob | Canonical |"
        in browser.get("/strategy/mappings/order.md").text
    )
    assert browser.get("/strategy/mappings/order.exe").status == 404
    assert browser.get("/strategy/mappings/payout.csv").status == 404


def test_a_change_is_accepted_with_a_reason_and_only_once(desk: Desk) -> None:
    """The decision silences an alarm, so it has a name and a reason, and a second click finds nothing open."""
    browser = desk.signed_in()
    shown = browser.get("/strategy/mappings")
    refused = browser.submit(shown, "/strategy/mappings/drift/1/accept", why=" ")
    assert (refused.status, desk.mappings.accepted) == (409, [])
    assert "Say why" in refused.text
    settled = browser.submit(shown, "/strategy/mappings/drift/1/accept", why="agreed with the shop")
    assert settled.status == 200 and "is gone" not in settled.text
    assert [(id_, why) for id_, _, why in desk.mappings.accepted] == [(1, "agreed with the shop")]
    again = browser.submit(shown, "/strategy/mappings/drift/1/accept", why="agreed")
    assert again.status == 409 and "not open any more" in again.text


def test_home_and_the_flow_say_it_too_while_a_mapping_reads_it(desk: Desk) -> None:
    """Nobody opens the page of mappings by chance: the notice is where people look, and goes when it is settled."""
    browser = desk.signed_in()
    words = "order field note is gone"
    assert words in browser.get("/").text
    assert words in browser.get("/flows/order-to-erp").text
    assert words not in browser.get("/flows/stock-to-shop").text
    desk.mappings.rows = [row for row in DRIFT if row.severity == "low"]
    assert words not in browser.get("/").text
    assert words not in browser.get("/flows/order-to-erp").text


def test_a_scraper_gets_the_open_ones_by_severity(desk: Desk) -> None:
    """An alert on severity high wakes somebody; new fields do not."""
    text = desk.browser.get("/metrics", authorization=f"Bearer {TOKEN}").text
    found = {
        sample.labels["severity"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "interlock_contract_drift"
    }
    assert found == {"high": 2, "low": 1}


def test_without_a_session_nothing_is_shown(desk: Desk) -> None:
    """Field names tell what a business buys and sells through."""
    for path in ("/strategy/mappings", "/strategy/mappings/order.csv"):
        answer = Browser(desk.app).get(path)
        assert answer.status == 401 and "netsuite" not in answer.text


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_a_field_name_is_never_markup(desk: Desk, text: str) -> None:
    """Whoever can send a signed body chooses the names of its fields."""
    sample = SampleMappings()
    sample.rows = [
        type(row)(**{**{name: getattr(row, name) for name in row.__struct_fields__}, "path": text, "perhaps": text})
        for row in DRIFT
    ]
    desk.mappings.rows = sample.rows
    browser = desk.signed_in()
    for path in ("/strategy/mappings?closed=1", "/", "/flows/order-to-erp"):
        assert text not in browser.get(path).text
