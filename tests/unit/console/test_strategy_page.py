"""/strategy: eight cards with evidence and its age; every gap leads to the file, every entry of the navigation to a page."""

from msgspec.structs import replace

from console.browse import Browser
from console.conftest import Desk
from console.store import Store, strategy
from interlock.console.app import show_strategy
from interlock.console.pages.strategy import page_of
from interlock.console.rendering import RAIL, STRATEGY_PAGES
from interlock.strategy.checklist import ITEMS
from interlock.strategy.decisions import Decision


def test_eight_cards_say_what_was_seen_and_what_is_missing(browser: Browser) -> None:
    """CONSOLE: eight cards, one per item; the store's figures are evidence, and a gap names its file."""
    answer = browser.get("/strategy")
    page = answer.page
    ids = [attributes.get("id") for tag, attributes in page.tags if tag == "article"]
    assert ids == [f"item-{item.number}" for item in ITEMS]
    assert all(item.title in page.said for item in ITEMS)
    assert "53 open dead letters, each with an owner" in page.said
    assert "no alert watches for a flow that receives nothing" in page.said and "slos.toml" in page.said
    assert "/runbooks/erp-refusals.md" in page.links() and "/flows/order-to-wms" in page.links()


def test_a_decision_that_is_open_is_shown_with_its_place(store: Store) -> None:
    """What a starter file leaves open stands on the card of its item, with file and line."""
    desk = Desk(store)
    open_ = Decision("security.toml", 9, "how long may bodies be kept?")
    show_strategy(desk.app, replace(strategy(), decisions=(open_,)))
    said = desk.signed_in().get("/strategy").page.said
    assert "to decide: how long may bodies be kept?" in said and "security.toml:9" in said
    desk.views.close()


def test_files_lead_to_their_pages() -> None:
    """A place is a link where the console has a page about it, else it is plain text."""
    assert page_of("flows/order-to-erp.toml:7") == "/flows/order-to-erp"
    assert page_of("runbooks/intake.md") == "/runbooks/intake.md"
    assert page_of("systems/netsuite.toml") == "/systems#netsuite"
    assert page_of("security.toml:3") == "" and page_of("secrets/") == ""


def test_every_entry_of_the_navigation_is_a_page(browser: Browser) -> None:
    """CONSOLE: at most eight entries, five on a phone; none of them, and no tab of the strategy, leads nowhere."""
    assert len(RAIL) <= 8 and sum(entry.phone for entry in RAIL) == 5
    links = browser.get("/strategy").page.links()
    for entry in (*RAIL, *STRATEGY_PAGES):
        assert entry.path in links
        if entry.path != "/changes":  # of a hub: this console has no releases to switch between
            assert browser.get(entry.path).status == 200, entry.path
    current = [
        attributes["href"]
        for tag, attributes in browser.get("/strategy/matrix").page.tags
        if "aria-current" in attributes
    ]
    assert current == ["/strategy", "/strategy/matrix"]
