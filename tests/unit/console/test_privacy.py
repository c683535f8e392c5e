"""The page about what people asked of their data: an answer, the proof of each erasure, a copy that is audited before it is given."""

import json

import pytest

from console.browse import Browser
from console.conftest import TOKEN, Desk
from console.store import NOW_MS, Store
from interlock.messaging.privacy import DAY_MS, PrivacyRequest


def test_it_says_who_waits_and_what_was_proven(browser: Browser) -> None:
    """C91: due days, what an erasure waits for, and the result of the look through everything; no value of a person."""
    answer = browser.get("/privacy")
    assert "1 person waits for a copy of their data, the first due in 21 days; 1 erasure is under way." in answer.page.said
    for words in ("0 traces left in 48210 rows and all files", "waits for 1 call whose outcome", "207119551", "4 events, 9 attempts"):
        assert words in answer.page.said, words
    assert "/privacy" in browser.get("/audit").page.links()


def test_a_copy_is_audited_before_it_is_given(browser: Browser, desk: Desk) -> None:
    """A reveal like any other: who and why stand in the audit first; nothing is cached."""
    form = browser.get("/privacy").page.form("/privacy/1/export")
    assert browser.post("/privacy/1/export", {**form["fields"], "why": " "}).status == 409
    answer = browser.post("/privacy/1/export", {**form["fields"], "why": "asked by mail"})
    assert answer.status == 200 and json.loads(answer.text)["person"] == "207119551"
    assert desk.actions.asked[-1][0] == "audit" and "asked by mail" in str(desk.actions.asked[-1])


def test_a_copy_is_said_to_be_handed_over(browser: Browser, desk: Desk) -> None:
    """By a person, with how; an erasure is ended by the hub alone."""
    form = browser.get("/privacy").page.form("/privacy/1/done")
    browser.post("/privacy/1/done", {**form["fields"], "why": "registered mail"})
    assert desk.actions.asked[-1][:2] == ("privacy-done", 1)
    assert browser.post("/privacy/2/done", {**form["fields"], "why": "x"}).status == 404


@pytest.mark.parametrize(
    ("changed", "said"), [({"why": " "}, "Say why"), ({"typed": "8"}, "twice"), ({"system": "nowhere"}, "no system")]
)
def test_what_is_wrong_is_said_and_nothing_is_erased(changed: dict[str, str], said: str, browser: Browser, desk: Desk) -> None:
    """What is erased does not come back."""
    form = browser.get("/privacy").page.form("/privacy/redact")
    sent = {**form["fields"], "system": "shopify", "customer": "7", "typed": "7", "why": "letter", **changed}
    answer = browser.post("/privacy/redact", sent)
    assert (answer.status, desk.actions.asked) == (409, []) and said in answer.text


def test_somebody_is_forgotten_by_hand(browser: Browser, desk: Desk) -> None:
    """With the person's own key, a reason, and thirty days."""
    form = browser.get("/privacy").page.form("/privacy/redact")
    browser.post("/privacy/redact", {**form["fields"], "system": "shopify", "customer": "7", "typed": "7", "why": "letter"})
    what, wanted = desk.actions.asked[-1]
    assert isinstance(wanted, PrivacyRequest)
    assert (what, wanted.kind, wanted.person, wanted.why) == ("privacy", "redact", "7", "letter")
    assert wanted.due_ms - wanted.received_ms == 30 * DAY_MS


def test_a_late_one_is_an_issue(empty_store: Store) -> None:
    """Fault case 28: from day 20 on it stands among what needs a person, with the team that owns the source."""
    empty_store.insert("privacy_request", id=5, uid="late", kind="export", system="shopify", person="9", state="asked", orders="[]", hashes="[]",
                       received_ms=NOW_MS - 21 * DAY_MS, due_ms=NOW_MS + 9 * DAY_MS, by="webhook")  # fmt: skip
    desk = Desk(empty_store)
    try:
        desk.browser.get(f"/?token={TOKEN}")
        answer = desk.browser.get("/issues")
        assert "1 person has waited more than 20 days for what they asked of their data." in answer.page.said
        assert "not done on day 21 of 30" in answer.page.said and "/privacy" in answer.page.links()
        assert "commerce@acme.example" in answer.text or "Commerce" in answer.page.said
    finally:
        desk.views.close()
        empty_store.ledger.execute("DELETE FROM privacy_request WHERE uid = 'late'")
