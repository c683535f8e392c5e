"""Metrics for a scraper: the same figures as the pages, behind the same door."""

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from console.browse import Browser
from console.conftest import TOKEN, Desk
from console.store import Store, strategy
from interlock.console.app import show_strategy
from interlock.strategy.slos import Alert, Slos


def scraped(desk: Desk) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = desk.browser.get("/metrics", authorization=f"Bearer {TOKEN}")
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def labels(**given: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(given.items()))


def test_what_the_pages_count_is_what_a_scraper_gets(desk: Desk) -> None:
    """An alert and a page that disagree cost the night: 50 refusals, a destination that is down, the events of the store."""
    found = scraped(desk)
    erp = {"flow": "order-to-erp", "destination": "netsuite"}
    assert found["interlock_dead_letters", labels(**erp, owner="finance-systems")] == 50
    assert found["interlock_money_differences", labels(**erp)] == 0  # C31: there from the start, so that a rise is one
    assert found["interlock_destination_down", labels(destination="klaviyo")] == 1
    assert found["interlock_destination_down", labels(destination="netsuite")] == 0
    assert found["interlock_open_deliveries", labels(destination="klaviyo", state="retrying")] == 11
    assert found["interlock_events_total", ()] >= 250
    assert found["interlock_ended_deliveries_24h", labels(**erp, result="dead")] > 0


def test_alerts_of_the_folder_are_metrics(store: Store) -> None:
    """What slos.toml calls an alert is on where its signal is: a key that nothing heeds would be a false comfort."""
    desk = Desk(store)
    alerts = {
        "dead": Alert("dead-letters", "page"),
        "many": Alert("dead-letters", above=10_000),
        "down": Alert("destination-down"),
    }
    show_strategy(desk.app, replace(strategy(), slos=Slos(alerts=alerts)))
    found = scraped(desk)
    on = {
        one["alert"]: (one["severity"], value)
        for (name, pairs), value in found.items()
        if name == "interlock_alert"
        for one in [dict(pairs)]
    }
    assert on == {"dead": ("page", 1), "many": ("ticket", 0), "down": ("ticket", 1)}
    desk.views.close()


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN}"}, {"authorization": "Bearer "}],
)
def test_without_the_token_nothing_is_told(desk: Desk, headers: dict[str, str]) -> None:
    """Names of systems and amounts of business are nobody's business; the address of the caller proves nothing behind a proxy."""
    answer = desk.browser.get("/metrics", **headers)
    assert answer.status == 401 and "interlock_" not in answer.text
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_signed_in_person_may_look(browser: Browser) -> None:
    """Whoever sees the pages may see the figures."""
    assert "interlock_events_total" in browser.get("/metrics").text


def test_a_wrong_token_is_not_helped_by_a_session(browser: Browser) -> None:
    """A scraper with an old token must hear of it, not be let in by somebody's cookie."""
    assert browser.get("/metrics", authorization="Bearer old").status == 401


def test_sources_have_theirs(desk: Desk) -> None:
    """Missing webhooks, the age of the last comparison and what nobody told of can page somebody."""
    found = scraped(desk)
    assert found["interlock_subscriptions", labels(system="shopify", state="missing")] == 1
    assert found["interlock_missed_changes_7d", labels(kind="missing", cause="lost")] == 1
    assert found["interlock_last_comparison_timestamp_seconds", labels(system="shopify", object="order")] > 0
