"""Stock that waits for a person stands where an operator works from: Issues, and Home; one issue per cause and system."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from console import test_pages
from console.conftest import Desk
from console.stocked import WAREHOUSE, show, stocked, stocked_strategy
from console.store import NOW_MS

STOPPED, WRONG, SILENT = "/issues/STK001:shipbob", "/issues/lost_event:shopify", "/issues/STK020:shipbob"


def desk_over(folder: Path, *, silent: bool = False) -> Iterator[Desk]:
    store = stocked(folder, silent=silent)
    made = Desk(store, runs=stocked_strategy())
    yield made
    made.views.close()
    store.close()


@pytest.fixture
def stock(tmp_path: Path) -> Iterator[Desk]:
    yield from desk_over(tmp_path)


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Desk]:
    yield from desk_over(tmp_path, silent=True)


def test_what_is_no_dead_letter_stands_among_the_issues(stock: Desk) -> None:
    """Without these rows the page would say that nothing needs a person while two items are not sold."""
    answer = stock.signed_in().get("/issues")
    said = answer.page.said
    assert "2 lines of stock stopped, not understood and so not taken; 1 number is wrong at a channel" in said
    for words in ("ShipBob: unknown SKU", "STK001", "Shopify shows another number: the source had not told us", "MUG-2: Shopify shows 3"):
        assert words in said, words
    assert {STOPPED, WRONG, f"{STOPPED}#lines"} <= set(answer.page.links())


def test_issues_of_stock_are_narrowed_like_the_others(stock: Desk) -> None:
    """By system and by owner, both in the address."""
    browser = stock.signed_in()
    assert "unknown SKU" not in browser.get("/issues?destination=shopify").page.said
    assert "another number" not in browser.get("/issues?owner=warehouse").page.said
    assert "unknown SKU" in browser.get("/issues?owner=warehouse").page.said


def test_an_issue_of_stopped_lines_says_what_to_do_and_what_ends_it(stock: Desk) -> None:
    """C27: each line with its file and its remedy; nothing to press, so no button that does nothing."""
    browser = stock.signed_in()
    test_pages.test_page_renders_in_the_houses_way(browser, STOPPED)
    answer = browser.get(STOPPED)
    for words in ("interlock issues STK001:shipbob", "add names = {", "tried again after each interlock apply", "TEE-OLD", "TEE-9", "12 times",
                  "1 other has the same cause"):  # fmt: skip
        assert words in answer.page.said, words
    assert "/inventory/sku/TEE-OLD" in answer.page.links()
    assert browser.get("/issues/STK002:shipbob").status == 404


def test_an_issue_of_differences_has_the_fix(stock: Desk) -> None:
    """What a comparison found and only looked at is compared again, with a reason, and corrected."""
    browser = stock.signed_in()
    test_pages.test_page_renders_in_the_houses_way(browser, WRONG)
    browser.submit(browser.get(WRONG), "/inventory/runs", why="counted again")
    assert stock.actions.asked[-1][:3] == ("stock_run", "compare", "shopify")


def test_what_was_put_right_since_is_no_issue(stock: Desk) -> None:
    """The last comparison is older than what the hub has seen since. The control: before, it is one."""
    browser = stock.signed_in()
    assert browser.get(WRONG).status == 200
    show(stock.store, "MUG-2", "shopify", WAREHOUSE, 7, seen_us=NOW_MS * 1_000)
    assert browser.get(WRONG).status == 404
    show(stock.store, "MUG-2", "shopify", WAREHOUSE, 7, seen=3, seen_us=NOW_MS * 1_000, trouble="8541", said="refused")
    assert browser.get(WRONG).status == 404, "a refusal is a dead letter, not two issues"


def test_a_silent_source_of_stock_is_an_issue_and_the_answer_of_home(silent: Desk) -> None:
    """C66: nothing is published of what it counts; that is said first, with who was called."""
    browser = silent.signed_in()
    test_pages.test_page_renders_in_the_houses_way(browser, SILENT)
    said = browser.get(SILENT).page.said
    assert "has said nothing of its stock for 120 min" in said and "the owner of its flow was paged" in said
    for path in ("/", "/issues"):
        assert "ShipBob is silent about its stock" in browser.get(path).page.said
    assert browser.get("/").page.said.count("ShipBob is silent about its stock") >= 2, "in the answer, and as a row"
    assert "28 numbers are suspended" in browser.get("/").page.said, "all that it shows and no refusal holds, marked already or not"


def test_home_leads_to_stock_that_waits_for_a_person(stock: Desk) -> None:
    """Stopped lines are no dead letters: without these rows home would say that nobody is needed."""
    answer = stock.signed_in().get("/")
    assert "Stock: 2 lines of stock stopped, not understood and so not taken; 1 number is wrong" in answer.page.said
    assert {STOPPED, WRONG} <= set(answer.page.links())
    assert "Nobody is needed." not in answer.page.said


def test_a_dead_number_leads_to_its_sum(stock: Desk) -> None:
    """STK012: before somebody presses Replay they look why the number should be another; the letter leads there."""
    delivery = stock.store.insert("delivery", flow="stock-to-channels", system="shipbob", destination="stock:shopify", object="inventory_level",
                                  key=f"TEE-1@{WAREHOUSE}", state="dead", release="r")  # fmt: skip
    stock.store.insert("dead_letter", delivery=delivery, at_ms=NOW_MS, flow="stock-to-channels", destination="stock:shopify", object="inventory_level",
                       key=f"TEE-1@{WAREHOUSE}", name="TEE-1", reason="foreign", code="STK012", error="shopify shows 44, 37 is right",
                       fingerprint="f0f0f0f0f0f0", owner="warehouse")  # fmt: skip
    browser = stock.signed_in()
    said = browser.get("/issues").page.said
    assert "1 delivery needs a person, with 1 cause." in said and "2 lines of stock stopped" in said and "STK012" in said
    answer = browser.get("/issues/f0f0f0f0f0f0")
    assert "Somebody else wrote the number" in answer.page.said
    assert f"/inventory/sku/TEE-1?place=shopify%3A{WAREHOUSE}" in answer.page.links()
