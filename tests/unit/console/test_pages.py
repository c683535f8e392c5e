"""Every page renders over a full and an empty store, answers first, links what it counts and holds nothing inline."""

import re
from pathlib import Path

import pytest

from console.browse import Browser
from console.changing import BEFORE, RELEASE
from console.conftest import Desk
from console.store import NOW_MS, REFUSAL, Store, deliver, key_of, place
from interlock.messaging.dead_letter import fingerprint

GROUP = fingerprint("order-to-erp", "netsuite", "validation", "INVALID_CUSTOMER", REFUSAL)
PATHS = (
    "/", "/map", "/search", "/search?q=1001&all=1", "/search?q=nothing", "/orders", "/orders?state=dead", f"/objects/order/{key_of(1001)}",
    f"/objects/order/{key_of(1210)}", f"/objects/order/{key_of(1301)}", "/issues", f"/issues/{GROUP}", "/outages/klaviyo", "/outages/netsuite", "/deliveries",
    "/deliveries?state=dead&since=24h", "/systems", "/strategy", "/strategy/records", "/changes/calendar", "/changes", "/changes?events=1000",
    f"/changes/releases/{RELEASE}", f"/changes/releases/{BEFORE}/rollback", "/flows/order-to-erp", "/runbooks/erp-refusals.md", "/audit", "/inventory", "/replays/1", "/replays/2",
    f"/bulk?action=replay&fingerprint={GROUP}", f"/bulk?action=discard&fingerprint={GROUP}", "/bulk?action=hold&state=retrying",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_page_renders_in_the_houses_way(browser: Browser, path: str) -> None:
    """A page that cannot be trusted at 3:00 is worse than none: status, one heading, an answer, no inline script or style, own links that exist."""
    answer = browser.get(path)
    assert answer.status == 200, answer.page.said
    names = [tag for tag, _ in answer.page.tags]
    assert names.count("h1") == 1
    assert 'class="answer"' in answer.text or "/runbooks/" in path
    for tag, attributes in answer.page.tags:
        assert "style" not in attributes and tag != "style"
        assert not any(name.startswith("on") for name in attributes)
        if tag == "script":
            assert attributes["src"].startswith("/static/")
    ids = [attributes["id"] for _, attributes in answer.page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert "none" not in re.findall(r"\bNone\b|\bundefined\b", answer.page.said)


@pytest.mark.parametrize(
    "path", ["/", "/map", "/orders", "/issues", "/deliveries", "/systems", "/audit", "/search?q=1001"]
)
def test_empty_states_say_why(empty_store: Store, path: str) -> None:
    """A first start has no data anywhere; a page must say so in words and not break or claim health."""
    desk = Desk(empty_store)
    answer = desk.signed_in().get(path)
    assert answer.status == 200
    assert "All 4 flows are healthy" not in answer.page.said
    desk.views.close()


def test_home_answers_in_plain_words(browser: Browser) -> None:
    """EXPERIENCE 4, CONSOLE principle 1 and 3: worst news first, silence is amber, everything that is counted is linked."""
    page = browser.get("/").page
    assert "Klaviyo has not answered since 10:19" in page.said
    assert "NetSuite: Customer 'ACME-4471' is inactive" in page.said
    assert "silent" in page.said and "something is expected at least every 60 min" in page.said
    assert "/issues" in page.links()


def test_every_count_is_a_link_to_exactly_its_rows(browser: Browser) -> None:
    """CONSOLE principle 4: the 50 of the group, followed, is a list of 50."""
    page = browser.get("/issues").page
    link = next(link for link in page.links() if link == f"/deliveries?fingerprint={GROUP}")
    listed = browser.get(link)
    assert listed.page.said.count("INVALID_CUSTOMER") == 50
    assert "50 deliveries, 50 of them" not in listed.page.said and "50 deliveries." in listed.page.said


def test_chips_of_states_link_to_their_rows(browser: Browser) -> None:
    """Each state's count in the list of deliveries is a link that narrows to that many rows."""
    links = [link for link in browser.get("/deliveries").page.links() if link.startswith("/deliveries?state=")]
    assert {"/deliveries?state=dead", "/deliveries?state=retrying", "/deliveries?state=uncertain"} <= set(links)
    assert browser.get("/deliveries?state=retrying").text.count("<tr data-row>") == 11


@pytest.mark.parametrize(
    "text",
    ["1001", "#1001", str(key_of(1001)), "89001", f"shopify-order-{key_of(1001)}", "9f3a000003e9", "ik-1001-netsuite"],
)
def test_search_finds_an_order_by_any_of_its_names(browser: Browser, text: str) -> None:
    """EXPERIENCE 2: one box takes the order number, the key, an external id, our reference, the event id."""
    answer = browser.get(f"/search?q={text.replace('#', '%23')}")
    assert f"/objects/order/{key_of(1001)}" in answer.url and "#1001" in answer.page.said


def test_search_finds_what_waits_for_a_sku(browser: Browser) -> None:
    """A SKU that nobody mapped leads to the orders that wait for it (C26)."""
    assert "#1301" in browser.get("/search?q=TSHIRT-OLD").page.said


def test_story_tells_the_refusal_with_its_next_move(browser: Browser) -> None:
    """EXPERIENCE 3 and 5: reason, owner, runbook and the way out stand on the order's page."""
    said = browser.get(f"/objects/order/{key_of(1210)}").page.said
    assert "In sync in 2 of 3 systems. NetSuite refused it: Customer 'ACME-4471' is inactive." in said
    assert (
        "Finance Systems" in said
        and "erp-refusals.md" in said
        and "correct the data or the mapping, then replay" in said
    )
    assert "interlock show 1210" in said


def test_a_long_story_shows_its_newest_payloads(tmp_path: Path) -> None:
    """After a day of retries a page with every payload is too heavy to open at 3:00; none of them is out of reach."""
    store = Store(tmp_path)
    position = place(store, 1, NOW_MS)
    delivery = deliver(store, 1, position, "order-to-erp", NOW_MS, "retrying")
    for number in range(2, 31):
        store.insert("attempt", delivery=delivery, number=number, operation="salesOrder", event=position, release="r", body=b"{}",
                     begun_ms=NOW_MS + number * 1_000, ended_ms=NOW_MS + number * 1_000 + 40, verdict="retry")  # fmt: skip
    desk = Desk(store)
    browser = desk.signed_in()
    page = browser.get(f"/objects/order/{key_of(1)}").page
    assert "18 older attempts" in page.said and page.said.count("Once only by") == 12
    assert browser.get(f"/objects/order/{key_of(1)}?attempts=all").page.said.count("Once only by") == 30
    beat = browser.get(
        f"/objects/order/{key_of(1)}?now=1"
    ).page  # what a live page asks for: where it stands, no payloads
    assert "is being tried again" in beat.said and "Once only by" not in beat.said
    desk.views.close()
    store.close()


def test_finished_replay_shows_its_proof(browser: Browser) -> None:
    """Invariant 8: the end of a replay is a line that counts orders and duplicates, from the ledger and not from hope."""
    assert "NetSuite: 50 orders, 0 duplicates" in browser.get("/replays/1").page.said
    assert "Under way: 23 of 40." in browser.get("/replays/2").page.said


def test_a_replay_is_proven_by_the_vendors_own_books(browser: Browser, desk: Desk) -> None:
    """EXPERIENCE 3.5: the end of a replay says what the vendor itself has, not what the hub believes. The control: a duplicate there is red."""
    page = browser.get("/replays/1").page
    assert "NetSuite has 250 orders, 0 duplicates, by its own books" in page.said and "Klaviyo has" not in page.said
    assert not any("proof bad" in attributes.get("class", "") for _, attributes in page.tags)
    desk.demo.duplicates = 2
    page = browser.get("/replays/1").page
    assert "NetSuite has 250 orders, 2 duplicates" in page.said
    assert any("proof bad" in attributes.get("class", "") for _, attributes in page.tags)


def test_an_outage_is_one_issue(browser: Browser) -> None:
    """EXPERIENCE 5: what waits for a destination that is down is one row with its owner, in amber, with the way to replay it."""
    for path in ("/", "/issues"):
        page = browser.get(path).page
        assert "Klaviyo does not answer: 11 orders wait" in page.said
        assert "/outages/klaviyo" in page.links()
    page = browser.get("/outages/klaviyo").page
    assert "Klaviyo has not answered since 10:19: 11 orders wait." in page.said and "growth@acme.example" in page.said
    listed = next(link for link in page.links() if link.startswith("/deliveries?"))
    assert browser.get(listed).text.count("<tr data-row") == 11
    assert "NetSuite answers." in browser.get("/outages/netsuite").page.said
    assert browser.get("/outages/nowhere").status == 404


def test_csv_quotes_formulas_and_has_all_rows(browser: Browser) -> None:
    """A spreadsheet must not run what a customer typed; the file has the rows of the filter, not of the page."""
    answer = browser.get(f"/deliveries.csv?fingerprint={GROUP}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert len(answer.text.strip().splitlines()) == 51


def test_unknown_page_speaks_the_same_language(browser: Browser) -> None:
    """An error page says what, where, why, next and a code."""
    answer = browser.get("/objects/order/404404")
    assert answer.status == 404
    assert "There is no such page" in answer.page.said and "CON404" in answer.page.said and "Next" in answer.page.said
