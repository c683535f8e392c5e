"""The page about what webhooks did not tell of: an answer, each object by name, a comparison on demand with a reason."""

import asyncio

import pytest

from console.browse import Browser
from console.conftest import Desk
from console.store import Store
from interlock.messaging.sweeps import Sweep


def test_it_says_what_was_missing_and_why(browser: Browser) -> None:
    """Fault case 15: the report names each, and the cause of each."""
    answer = browser.get("/reconciliation")
    assert "3 changes of the last 7 days were found that no webhook had told of; all were fetched." in answer.page.said
    assert "1 deleted at the source in the last 7 days: nothing was written" in answer.page.said
    for words in ("#1004", "its webhook never came", "its webhook came later", "deleted at the source", "every 15 min"):
        assert words in answer.page.said
    assert "the app's bucket is empty" in answer.page.said, "a comparison that failed says why"
    assert "/objects/order/1004" in answer.page.links()


async def held_at(store: Store) -> dict[str, tuple[str, ...]]:
    views = store.views()
    try:
        return {row.kind: row.held_at for row in await views.missed()}
    finally:
        views.close()


def test_what_is_gone_names_where_it_still_is(browser: Browser, store: Store) -> None:
    """Nothing is written for a deletion, so a person must see where to look; what was fetched is not said to be still there."""
    assert "still at Klaviyo, NetSuite" in browser.get("/reconciliation").page.said
    found = asyncio.run(held_at(store))
    assert found.pop("deleted") == ("klaviyo", "netsuite") and set(found.values()) == {()}


def test_a_comparison_is_asked_for_with_a_reason(browser: Browser, desk: Desk) -> None:
    """The hub makes it; the person's name and words go to the audit."""
    form = browser.get("/reconciliation").page.form("/reconciliation")
    browser.post("/reconciliation", {**form["fields"], "what": "shopify/order", "dry": "1", "why": "off this morning"})
    what, wanted, by = desk.actions.asked[-1]
    assert (what, wanted.object, wanted.dry, wanted.why) == ("compare", "order", True, "off this morning") and by
    assert isinstance(wanted, Sweep)


@pytest.mark.parametrize(("changed", "said"), [({"why": " "}, "Say why"), ({"what": "netsuite/order"}, "Say what")])
def test_what_is_wrong_is_said(changed: dict[str, str], said: str, browser: Browser, desk: Desk) -> None:
    """Nothing is asked of the hub then."""
    form = browser.get("/reconciliation").page.form("/reconciliation")
    answer = browser.post("/reconciliation", {**form["fields"], "what": "shopify/order", "why": "x", **changed})
    assert (answer.status, desk.actions.asked) == (409, []) and said in answer.text


def test_systems_lead_to_it(browser: Browser) -> None:
    """A person who looks at the systems finds it."""
    assert "/reconciliation" in browser.get("/systems").page.links()
