"""The pages about reading everything: what would come is shown before it begins, and a person's word needs a reason."""

import pytest

from console.browse import Browser
from console.conftest import Desk
from console.store import NOW_MS
from interlock.messaging.backfill import Asked

DONE, FAILED, READING, CHECKED = 1, 2, 3, 4


def test_a_look_comes_first(browser: Browser, desk: Desk) -> None:
    """The form only asks what would come; the day is midnight where the shop is."""
    form = browser.get("/backfills").page.form("/backfills")
    filled = {**form["fields"], "what": "shopify/order", "since": "2026-11-01", "why": "new warehouse"}
    browser.post("/backfills", filled)
    (what, asked, by, why) = desk.actions.asked[-1]
    midnight = 1_793_487_600_000_000  # 1 November 2026, 00:00 in Stockholm
    wanted = Asked(system="shopify", object="order", since_us=midnight, until_us=NOW_MS * 1000, how="bulk", go="look")
    assert (what, asked, why) == ("backfill", wanted, "new warehouse") and by


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"why": " "}, "Say why"), ({"since": "yesterday"}, "Write the day as"), ({"what": "netsuite/order"}, "Say what")],
)
def test_what_is_wrong_is_said_and_nothing_is_asked(
    changed: dict[str, str], said: str, browser: Browser, desk: Desk
) -> None:
    """A riddle in the audit, a day that is none, a system that cannot be read so."""
    form = browser.get("/backfills").page.form("/backfills")
    answer = browser.post("/backfills", {**form["fields"], "what": "shopify/order", "why": "x", "since": "", **changed})
    assert (answer.status, desk.actions.asked) == (409, []) and said in answer.text


@pytest.mark.parametrize(
    ("number", "said", "buttons"),
    [
        (DONE, "All 800 products read; 12 were new.", set()),
        (FAILED, "denied access", set()),
        (READING, "41 200 of 100 000, about 13 min left", {"pause", "cancel"}),
        (CHECKED, "read_all_orders", {"begin", "cancel"}),
    ],
)
def test_each_state_says_what_is_and_what_may_be_done(
    number: int, said: str, buttons: set[str], browser: Browser
) -> None:
    """C76: what would be missing stands there with the next move, before anything begins."""
    answer = browser.get(f"/backfills/{number}")
    offered = {tag["value"] for name, tag in answer.page.tags if name == "button" and tag.get("name") == "action"}
    assert said in answer.page.said and offered == buttons


def test_a_word_over_one_is_given_with_a_reason(browser: Browser, desk: Desk) -> None:
    """Pause, go on, begin and give up reach the store under the person's name; without a reason nothing does."""
    form = browser.get(f"/backfills/{CHECKED}").page.form(f"/backfills/{CHECKED}/steer")
    browser.post(form["action"], {**form["fields"], "action": "begin", "why": "the rest is archived"})
    assert desk.actions.asked[-1][:3] == ("steer", CHECKED, "begin")
    asked = len(desk.actions.asked)
    assert "Say why" in browser.post(form["action"], {**form["fields"], "action": "begin", "why": ""}).text
    assert len(desk.actions.asked) == asked
    assert browser.post(form["action"], {**form["fields"], "action": "explode", "why": "x"}).status == 400
    late = browser.post(f"/backfills/{READING}/steer", {**form["fields"], "action": "pause", "why": "sale"})
    assert (late.status, "It has moved on" in late.text) == (409, True)


def test_the_list_leads_to_each_and_from_the_system(browser: Browser) -> None:
    """Every row has an address; the page of systems leads here."""
    links = browser.get("/backfills").page.links()
    assert {f"/backfills/{number}" for number in (DONE, FAILED, READING, CHECKED)} <= set(links)
    assert "/backfills" in browser.get("/systems").page.links()
    assert browser.get("/backfills/999").status == 404
