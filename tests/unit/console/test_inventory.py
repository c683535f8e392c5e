"""The pages of stock: how true it is in one sentence, why a number is shown, what is wrong and whose move it is, the fix."""

from collections.abc import Iterator
from csv import DictReader
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest

from console import test_pages
from console.browse import Browser
from console.conftest import Desk
from console.stocked import OUTLET, WAREHOUSE, show, stocked, stocked_strategy
from console.store import NOW_MS, Store

PATHS = (
    "/inventory", "/inventory?channel=amazon", "/inventory/sku/TEE-1", "/inventory/sku/MUG-1", "/inventory/sku/SET-1", "/inventory/sku/TEE-OLD",
    "/inventory/differences", "/inventory/sync?channel=shopify", "/inventory/runs/2",
)  # fmt: skip


def desk_over(store: Store) -> Iterator[Desk]:
    made = Desk(store, runs=stocked_strategy())
    yield made
    made.views.close()
    store.close()


@pytest.fixture
def stock(tmp_path: Path) -> Iterator[Desk]:
    yield from desk_over(stocked(tmp_path))


@pytest.fixture
def shop(stock: Desk) -> Browser:
    return stock.signed_in()


@pytest.mark.parametrize("path", PATHS)
def test_each_page_renders_in_the_houses_way(shop: Browser, path: str) -> None:
    """As every other page: status, one heading, an answer, nothing inline, links that exist."""
    test_pages.test_page_renders_in_the_houses_way(shop, path)


def test_the_answer_counts_and_names_the_worst(shop: Browser) -> None:
    """Three seconds at 9:02: how many are right, and the largest mistake in words. What was only listed counts as well."""
    said = shop.get("/inventory").page.said
    assert (
        "27 of 30 positions are right. Shopify shows 44 of TEE-1 at cicero, and 37 is right; 2 others differ." in said
    )
    assert "Also: 2 lines stopped." in said
    for words in (
        "somebody else wrote it",
        "the channel refuses our number",
        "the listing is suppressed",
        "the source had not told us",
        "80.00 EUR",
    ):
        assert words in said, words


def test_accuracy_heat_causes_and_freshness_stand_there(shop: Browser) -> None:
    """The last comparison by channel, location and group; every count leads to what it counts."""
    answer = shop.get("/inventory")
    for words in (
        "100 %",
        "accuracy",
        "kitchen",
        "50 % 1 of 2",
        "no group",
        "The source had not told us",
        "ShipBob levels",
        "fresh",
        "STK001",
        "Next:",
    ):
        assert words in answer.page.said, words
    links = answer.page.links()
    assert f"/inventory/sku/TEE-1?place=shopify%3A{WAREHOUSE}#place-shopify-{WAREHOUSE}" in links
    assert {
        "/inventory/differences",
        "/inventory/differences.csv",
        "/inventory/accuracy.csv",
        "/inventory/sku/TEE-OLD",
    } <= set(links)
    assert any("cause=lost_event" in link for link in links)


def test_a_silent_source_is_the_first_thing_said(tmp_path: Path) -> None:
    """C66: nothing is published, and no number is called right."""
    for made in desk_over(stocked(tmp_path, silent=True)):
        browser = made.signed_in()
        assert (
            "ShipBob is silent: nothing is published of what it counts, least of all zeros."
            in browser.get("/inventory").page.said
        )
        said = browser.get("/inventory/sku/PEN-1").page.said
        assert (
            "ShipBob has said nothing for" in said
            and "should show" not in said.split("What happened")[0].split("In every system")[1]
        )


def test_without_a_comparison_the_page_says_so(tmp_path: Path) -> None:
    """Silence is not health: what was never compared is not called accurate."""
    for made in desk_over(stocked(tmp_path, compared=False)):
        said = made.signed_in().get("/inventory").page.said
        assert "not compared" in said and "Nothing has been compared yet" in said


def test_without_a_flow_of_stock_it_says_what_to_do(browser: Browser) -> None:
    """A shop that moves no stock yet opens the page too."""
    assert "No flow shows stock anywhere." in browser.get("/inventory").page.said


def test_the_sum_is_told_term_by_term(shop: Browser) -> None:
    """Why does Shopify say so? What the source counts, less an unseen sale, less safety stock: each with its time."""
    said = shop.get("/inventory/sku/TEE-1").page.said
    assert "Shopify at cicero shows 44, and should show 37: somebody else wrote it." in said
    for words in (
        "40 available by ShipBob at 8",
        "\u22122 sold at Shopify as #1207 from 24826418, not yet seen by ShipBob",
        "\u22121 safety stock 1",
        "37 should be shown",
    ):
        assert words in said, words
    assert "safety stock 1 and buffer 2" in said, "Amazon keeps more back"
    assert "31 a signal: ShipBob's 40 is the truth" in said, "NetSuite counts elsewhere"
    for words in ("Written by somebody else", "available 37 → 44", "Sold 2 pieces", "Counted", "available 52 → 40"):
        assert words in said, words


def test_a_kit_is_told_by_its_parts(shop: Browser) -> None:
    """C65: nobody counts it; the scarcest part decides."""
    said = shop.get("/inventory/sku/SET-1").page.said
    assert "A kit of 2 TEE-1 , 1 CAP-1" in said and "whole kits of 2 TEE-1, 1 CAP-1" in said


def test_an_unknown_item_suggests_near_ones(shop: Browser) -> None:
    """A typing mistake leads to the item, and the status says that it is not there."""
    answer = shop.get("/inventory/sku/tee")
    assert (answer.status, "No system counts, shows or lists “tee”." in answer.page.said) == (404, True)
    assert "/inventory/sku/TEE-1" in answer.page.links()


def test_a_stopped_item_says_what_to_write(shop: Browser) -> None:
    """C27: a line that nobody understands is named with its file and its remedy."""
    said = shop.get("/inventory/sku/TEE-OLD").page.said
    assert "A line of it stopped" in said and "inventory/items.toml" in said


def fixed(shop: Browser, sku: str, channel: str, place: str, **fields: str) -> int:
    form = shop.get(f"/inventory/sku/{sku}").page.form(f"/inventory/sku/{sku}/fix")
    values = {**form["fields"], "channel": channel, "place": place, "why": "counted again", **fields}
    return shop.post(f"/inventory/sku/{sku}/fix", values).status


def test_the_fix_replays_what_waits_for_a_person(stock: Desk, shop: Browser) -> None:
    """The dead delivery of exactly this place goes out again, with the person's words in the audit."""
    stock.store.insert("delivery", flow="stock-to-channels", system="shipbob", destination="stock:shopify", object="inventory_level",
                       key=f"TEE-1@{WAREHOUSE}", state="dead", release="r")  # fmt: skip
    assert fixed(shop, "TEE-1", "shopify", WAREHOUSE) == 200
    what, chosen, by, why, version = stock.actions.asked[-1]
    assert (what, chosen.destination, chosen.key, chosen.states, version) == (
        "replay",
        "stock:shopify",
        f"TEE-1@{WAREHOUSE}",
        ("dead",),
        "current",
    )
    assert (by, why) == ("operator", "counted again")


def test_what_only_a_comparison_saw_is_compared_again(stock: Desk, shop: Browser) -> None:
    """The book holds it for right, so a sync would pass it over: the comparison corrects it."""
    said = shop.get("/inventory/sku/MUG-2").page.said
    assert "Shopify at cicero shows 3, and should show 7: the source had not told us." in said
    assert fixed(shop, "MUG-2", "shopify", WAREHOUSE) == 200
    what, kind, channel, sku = stock.actions.asked[-1][:4]
    assert (what, kind, channel, sku) == ("stock_run", "compare", "shopify", "MUG-2")
    show(stock.store, "MUG-2", "shopify", WAREHOUSE, 7, seen_us=(stock.clock.now_ms() - 1_000) * 1_000)
    assert "Shopify at cicero shows 3" not in shop.get("/inventory/sku/MUG-2").page.said, "what was looked at since is newer"


def test_a_fix_needs_a_reason_and_a_place(stock: Desk, shop: Browser) -> None:
    """Nothing is asked of the hub without both."""
    assert fixed(shop, "TEE-1", "shopify", WAREHOUSE, why=" ") == 409
    assert fixed(shop, "TEE-1", "shopify", "nowhere") == 404
    assert stock.actions.asked == []


def test_comparisons_and_syncs_are_asked_for(stock: Desk, shop: Browser) -> None:
    """With a preview for the sync, a reason for both, and an unknown channel refused."""
    form = shop.get("/inventory").page.form("/inventory/runs")
    shop.post("/inventory/runs", {**form["fields"], "channel": "shopify", "dry": "1", "why": "before the sale"})
    assert stock.actions.asked[-1] == ("stock_run", "compare", "shopify", "", True, "operator", "before the sale")
    preview = shop.get("/inventory/sync?channel=amazon")
    assert "There is nothing to sync: Amazon shows what it should, as far as the hub knows." in preview.page.said
    assert "1 more that the last comparison found" in shop.get("/inventory/sync?channel=shopify").page.said
    shop.submit(preview, "/inventory/runs", why="restored")
    assert stock.actions.asked[-1][:3] == ("stock_run", "sync", "amazon")
    count = len(stock.actions.asked)
    for wrong in ({"channel": "klaviyo", "why": "x"}, {"channel": "shopify", "why": ""}):
        assert shop.post("/inventory/runs", {**form["fields"], **wrong}).status == 409
    assert shop.get("/inventory/sync?channel=klaviyo").status == 404
    assert len(stock.actions.asked) == count


def test_a_run_tells_what_came_of_it(shop: Browser) -> None:
    """Its numbers, and a way to exactly what differed."""
    answer = shop.get("/inventory/runs/2")
    assert "20 positions at Shopify compared: 2 differ." in answer.page.said
    assert "/inventory/differences?channel=shopify" in answer.page.links()
    assert shop.get("/inventory/runs/999").status == 404


def test_a_run_says_whom_it_waits_for(stock: Desk, shop: Browser) -> None:
    """While a channel does not answer, the page says so with the times, and does not call it failed."""
    waiting = "waits for an answer of shopify since 12:28:21Z, until 12:29:51Z at the latest (503: not now)"
    stock.store.ledger.execute("UPDATE stock_run SET state = 'running', ended_ms = 0, error = ? WHERE id = 2", (waiting,))
    answer = shop.get("/inventory/runs/2").page
    assert f"Comparing Shopify: 20 places listed; it {waiting}." in answer.said and "Failed" not in answer.said


def test_differences_are_narrowed_and_downloaded(shop: Browser) -> None:
    """Every filter is in the address; the CSV has the same rows."""
    assert "MUG-2" in shop.get("/inventory/differences?cause=lost_event").page.said
    assert "No difference" in shop.get("/inventory/differences?cause=foreign").page.said
    csv = shop.get("/inventory/differences.csv?channel=shopify")
    assert csv.headers["content-type"].startswith("text/csv") and csv.text.splitlines()[1].startswith(
        "shopify,24826418,cicero,MUG-2,"
    )


def table(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff"), "by which a spreadsheet knows UTF-8"
    return list(DictReader(StringIO(text.removeprefix("\ufeff"))))


def test_a_spreadsheet_opens_both_files_right(stock: Desk, shop: Browser) -> None:
    """Headers with units, times in ISO 8601, numbers as numbers; and a name from outside never becomes a formula."""
    name = '=HYPERLINK("https://evil.example")'
    stock.store.insert("stock_difference", channel="shopify", place=WAREHOUSE, sku=name, location="cicero", cause="unknown", what="@what",
                       next_move="", state="left", wanted=7, shown=3, known=7, item="-1", group_name="", price="20.00", currency="EUR",
                       variance=4, since_ms=NOW_MS, last_ms=NOW_MS, run=1)  # fmt: skip
    rows = {row["item"]: row for row in table(shop.get("/inventory/differences.csv").text)}
    assert (rows["'-1"]["sku"], rows["'-1"]["what"]) == (f"'{name}", "'@what")
    assert [rows["'-1"][column] for column in ("should_show_units", "shows_units", "off_by_units", "price")] == ["7", "3", "4", "20.00"]
    whole = next(row for row in table(shop.get("/inventory/accuracy.csv").text) if not row["place"])
    assert [whole[column] for column in ("positions_compared", "positions_equal", "accuracy_percent", "off_by_units", "off_by_value")] == [
        "20", "19", "95.0000", "4", "80.00",
    ]  # fmt: skip
    assert datetime.fromisoformat(whole["compared_utc"]).utcoffset() == timedelta(0)


def test_the_search_finds_items(shop: Browser) -> None:
    """By the name that the business uses, in whatever capitals; a part of it lists what may be meant."""
    assert shop.get("/search?q=tee-1").url.endswith("/inventory/sku/TEE-1")
    assert {"/inventory/sku/TEE-1", "/inventory/sku/TEE-2"} <= set(shop.get("/search?q=TEE").page.links())


def test_a_channel_has_a_lane_of_its_own_on_every_page(stock: Desk, shop: Browser) -> None:
    """Destinations named stock:shopify are Shopify to a person, and lead to the system."""
    stock.store.insert("delivery", flow="stock-to-channels", system="shipbob", destination="stock:shopify", object="inventory_level",
                       key=f"CAP-1@{OUTLET}", name="CAP-1", state="retrying", release="r", received_ms=stock.clock.now_ms())  # fmt: skip
    stock.store.insert(
        "breaker", destination="stock:shopify", state="open", changed_ms=stock.clock.now_ms() - 60_000, failures=9
    )
    assert f"CAP-1 at {OUTLET}" in shop.get("/deliveries").page.said, "two places of one SKU are two lines that differ"
    for path in (
        "/",
        "/map",
        "/deliveries?destination=stock:shopify",
        "/issues",
        "/outages/stock:shopify",
        "/systems",
        "/flows/stock-to-channels",
    ):
        answer = shop.get(path)
        assert answer.status == 200, path
        said = answer.page.said.replace(
            "--destination stock:shopify", ""
        )  # the command, which takes the technical name
        assert "stock:shopify" not in said, path
    assert "Shopify (stock) has not answered since" in shop.get("/").page.said
    assert "1 stock number waits" in shop.get("/outages/stock:shopify").page.said
