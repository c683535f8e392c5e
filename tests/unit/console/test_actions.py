"""Danger is deliberate, and everything works with forms alone: preview, confirmation, audit, progress."""

import pytest

from console.browse import Browser
from console.conftest import Desk
from console.store import key_of
from console.test_pages import GROUP


def test_replay_of_a_group_by_forms_alone(browser: Browser, desk: Desk) -> None:
    """EXPERIENCE 6: from Issues to the running replay without a line of JavaScript; the preview counts, prices in seconds, and asks why."""
    sheet = browser.get(f"/bulk?action=replay&fingerprint={GROUP}")
    assert (
        "Replay 50 deliveries to NetSuite" in sheet.page.said and "5 s at its limit of 10 a second" in sheet.page.said
    )
    assert desk.actions.asked == []
    done = browser.submit(sheet, "/bulk/replay", why="customer reactivated", version="same")
    verb, chosen, by, why, version = desk.actions.asked[0]
    assert (verb, chosen.fingerprint, by, why, version) == ("replay", GROUP, "operator", "customer reactivated", "same")
    assert done.url.endswith("/replays/1")


def test_no_reason_no_action(browser: Browser, desk: Desk) -> None:
    """An audit without a why is no audit."""
    sheet = browser.get(f"/bulk?action=replay&fingerprint={GROUP}")
    assert browser.submit(sheet, "/bulk/replay", why="  ").status == 409
    assert desk.actions.asked == []


def test_discard_needs_the_typed_count(browser: Browser, desk: Desk) -> None:
    """CONSOLE principle 6: typed confirmation for the severe."""
    sheet = browser.get(f"/bulk?action=discard&fingerprint={GROUP}")
    assert browser.submit(sheet, "/bulk/discard", why="agreed", typed="5").status == 409
    assert desk.actions.asked == []
    browser.submit(sheet, "/bulk/discard", why="agreed with finance", typed="50")
    assert desk.actions.asked[0][0] == "discard"


def test_what_has_grown_since_the_preview_is_shown_again(browser: Browser, desk: Desk) -> None:
    """The person confirmed a number; touching more than that number is not what was confirmed."""
    sheet = browser.get(f"/bulk?action=replay&fingerprint={GROUP}")
    answer = browser.submit(sheet, "/bulk/replay", why="x", expected="49")
    assert answer.status == 409 and "It has grown to 50" in answer.page.said and desk.actions.asked == []


def test_an_action_on_everything_is_refused(browser: Browser, desk: Desk) -> None:
    """An empty filter is a slip of the hand, not a wish."""
    assert "This chooses every delivery" in browser.get("/bulk?action=discard").page.said


def test_a_period_becomes_a_fixed_time_in_the_form(browser: Browser) -> None:
    """`last 24 hours` must mean the same when the form is sent a minute later."""
    fields = browser.get("/bulk?action=replay&state=dead&since=24h").page.form("/bulk/replay")["fields"]
    assert "since" not in fields and fields["from"].isdecimal() and fields["state"] == "dead"


def test_a_text_search_is_acted_on_by_id(browser: Browser, desk: Desk) -> None:
    """The ledger's filter has no text; acting on more than was found would be the bug."""
    sheet = browser.get("/bulk?action=hold&q=TSHIRT-OLD")
    browser.submit(sheet, "/bulk/hold", why="waiting for the catalogue team")
    assert len(desk.actions.asked[0][1].ids) == 1


def test_reveal_is_audited_before_it_shows(browser: Browser, desk: Desk) -> None:
    """CONSOLE: masked by the contract's class, shown on request with a reason, for this object, this session and a few minutes only."""
    path = f"/objects/order/{key_of(1001)}"
    page = browser.get(path)
    assert "jon@example.com" not in page.text and "GOLD-77" not in page.text and "Ring twice" not in page.text
    shown = browser.submit(page, "/reveal", why="customer called, ticket 4711")
    assert desk.actions.asked == [
        ("audit", "operator", "reveal", f"order/{key_of(1001)}", "customer called, ticket 4711")
    ]
    assert "jon@example.com" in shown.text and "GOLD-77" in shown.text
    assert "jon@example.com" not in browser.get(f"/objects/order/{key_of(1002)}").text
    import asyncio

    asyncio.run(desk.clock.advance(301))
    assert "jon@example.com" not in browser.get(path).text


@pytest.mark.parametrize(
    ("action", "values", "asked"),
    [
        ("/demo/orders", {"count": "50"}, ("orders", 50)),
        ("/demo/break", {"system": "netsuite", "kind": "503"}, ("break", "netsuite", "503")),
        ("/demo/repair", {}, ("repair", "klaviyo")),
    ],
)
def test_levers_of_the_demo(
    browser: Browser, desk: Desk, action: str, values: dict[str, str], asked: tuple[object, ...]
) -> None:
    """EXPERIENCE 3.5: Break, Place and Repair are buttons on Home in the demo."""
    browser.submit(browser.get("/"), action, **values)
    assert desk.demo.asked == [asked]


def test_no_levers_outside_the_demo(store: object) -> None:
    """A production console has no button that breaks a system, and no route behind it."""
    desk = Desk(store, demo=False)  # type: ignore[arg-type]
    browser = desk.signed_in()
    home = browser.get("/")
    assert "/demo/" not in home.text
    token = home.page.form("/logout")["fields"]["form_token"]
    assert browser.post("/demo/break", {"form_token": token, "system": "netsuite"}).status == 404
    desk.views.close()
