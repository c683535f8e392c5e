"""What calls have noticed though nothing failed: another API version that answers (C15), parts that the app may not read."""

from console.browse import Browser
from console.conftest import TOKEN
from console.store import NOW_MS, RecordedActions, Store, strategy
from interlock.clock import VirtualClock
from interlock.connectors.observations import Observations
from interlock.console import create_console

OTHER = 'interlock_other_version_answers_total{answered="2026-10",asked="2026-07",system="shopify"}'


def pages(store: Store, observations: Observations) -> tuple[str, str]:
    """The systems page and the metrics of a hub that has noticed this."""
    views = store.views()
    app = create_console(
        views=views, actions=RecordedActions(views), strategy=strategy(), token=TOKEN, clock=VirtualClock(NOW_MS),
        observations=observations,
    )  # fmt: skip
    browser = Browser(app)
    browser.get(f"/?token={TOKEN}")
    found = browser.get("/systems").text, browser.get("/metrics").text
    views.close()
    return found


def test_what_was_noticed_is_seen(store: Store) -> None:
    """An operator reads it where they look anyway, and an alert can be set on it; the control has noticed nothing."""
    observations = Observations(VirtualClock(NOW_MS))
    page, metrics = pages(store, observations)
    assert "answered by" not in page and "for want of" not in page and OTHER not in metrics
    assert 'interlock_unread_parts{system="shopify"} 0.0' in metrics
    for _ in range(3):
        observations.answered_by("shopify", "2026-07", "2026-10")
    observations.left_out("shopify", "order", {"paymentTerms": "read_payment_terms"})
    observations.left_out("shopify", "refund", {"locations": "read_locations"})
    page, metrics = pages(store, observations)
    assert "asked for 2026-07, answered by 2026-10" in page and "3 times" in page
    assert "paymentTerms" in page and "for want of read_payment_terms" in page
    assert f"{OTHER} 3.0" in metrics and 'interlock_unread_parts{system="shopify"} 2.0' in metrics


def test_what_is_read_again_is_not_called_unread() -> None:
    """A scope that was granted later: the document tells that it is whole, and the others stay as they are."""
    observations = Observations(VirtualClock(NOW_MS))
    observations.left_out("shopify", "order", {"paymentTerms": "read_payment_terms", "locations": "read_locations"})
    observations.left_out("shopify", "refund", {"locations": "read_locations"})
    observations.left_out("shopify", "order", {})
    assert observations.unread("shopify") == {"locations": "read_locations"}
    assert observations.unread("another") == {}
