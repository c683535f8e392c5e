"""Pause, drain and resume on a flow's page, and what a stop and a silence look like on the console."""

import apsw
import pytest

from console.browse import Browser
from console.conftest import Desk
from console.store import NOW_MS, strategy
from interlock.console.health import flow_state
from interlock.messaging.silences import Silence
from interlock.messaging.stops import Stop
from interlock.messaging.views import FlowTile

FLOW = "order-to-wms"


def stop(kind: str = "paused") -> Stop:
    return Stop(flow=FLOW, kind=kind, by="ann", why="month's end", at_ms=NOW_MS)  # type: ignore[arg-type]


@pytest.fixture
def ledger(desk: Desk) -> apsw.Connection:
    """The store's ledger, put back as it was."""
    connection = desk.store.ledger
    yield connection
    connection.execute("DELETE FROM flow_stop; DELETE FROM silence")


def test_each_button_asks_for_what_it_says(browser: Browser, desk: Desk) -> None:
    """Pause and drain are offered while it runs; the reason goes into the audit under the person's name."""
    page = browser.get(f"/flows/{FLOW}").page
    form = next(form for form in page.forms if form["action"].endswith("/stop"))
    for action, asked in (
        ("paused", ("stop", FLOW, "paused")),
        ("draining", ("stop", FLOW, "draining")),
        ("resume", ("resume", FLOW)),
    ):
        browser.post(form["action"], {**form["fields"], "action": action, "why": "month's end"})
        assert desk.actions.asked[-1][: len(asked)] == asked
        assert desk.actions.asked[-1][-1] == "month's end"


def test_without_a_reason_nothing_happens(browser: Browser, desk: Desk) -> None:
    """A stop that nobody explained is a riddle at night."""
    form = next(form for form in browser.get(f"/flows/{FLOW}").page.forms if form["action"].endswith("/stop"))
    answer = browser.post(form["action"], {**form["fields"], "action": "paused", "why": " "})
    assert (answer.status, desk.actions.asked) == (409, []) and "Say why" in answer.text


def test_a_stop_shows_on_the_page_and_on_the_tile(browser: Browser, ledger: apsw.Connection) -> None:
    """Who stopped it and why stands where people look first."""
    ledger.execute("INSERT INTO flow_stop VALUES (?, 'draining', 'ann', 'month''s end', ?)", (FLOW, NOW_MS))
    assert (
        "Draining" in browser.get(f"/flows/{FLOW}").text
        and "left of what was queued" in browser.get(f"/flows/{FLOW}").text
    )
    assert "by ann: month&#39;s end" in browser.get("/").text
    assert "Orders to the warehouse is draining" not in browser.get("/").text, "a dead letter is the worse news of the flow"
    ledger.execute("INSERT INTO flow_stop VALUES ('stock-to-shop', 'paused', 'ann', 'stock-taking', ?)", (NOW_MS,))
    assert "by ann: stock-taking" in browser.get("/").text
    metrics = browser.get("/metrics").text
    assert f'interlock_flow_stopped{{flow="{FLOW}",owner="warehouse"}} 1.0' in metrics
    assert 'interlock_flow_stopped{flow="order-to-erp",owner="finance-systems"} 0.0' in metrics


def test_a_silence_is_an_issue(browser: Browser, ledger: apsw.Connection) -> None:
    """C90: since when, what was expected, who was called; on home, under the issues, on the flow's page, and as a metric."""
    ledger.execute(
        "INSERT INTO silence (flow, owner, kind, destinations, since_ms, expected, found_ms, problem) VALUES "
        "(?, 'warehouse', 'sparse', 'shipbob', ?, 'about 300 a day are expected', ?, 'it answered 503')",
        (FLOW, NOW_MS - 3_600_000, NOW_MS),
    )
    for path in ("/", "/issues", f"/flows/{FLOW}"):
        text = browser.get(path).text
        assert "Orders to the warehouse is silent" in text, path
        assert "about 300 a day are expected" in text and "the page did not go out: it answered 503" in text
    assert f'interlock_flow_silent{{flow="{FLOW}",owner="warehouse"}} 1.0' in browser.get("/metrics").text
    assert "Orders to the warehouse is silent" not in browser.get("/issues?owner=growth").text


def test_what_needs_a_person_is_said_before_a_stop() -> None:
    """A pause must not hide a dead letter; it does hide that things wait, which is its purpose."""
    flow = strategy().flows[FLOW]
    tile = FlowTile(flow=FLOW, destination="shipbob", last_success_ms=NOW_MS, open={"waiting": 3})
    paused = flow_state(tile, flow, NOW_MS, stop=stop())
    assert (paused.state, paused.word, paused.why) == ("held", "paused, 3 wait", "by ann: month's end")
    dead = FlowTile(flow=FLOW, destination="shipbob", open={"dead": 1})
    both = flow_state(dead, flow, NOW_MS, stop=stop())
    assert (both.state, both.why) == ("dead", "paused; by ann: month's end")


def test_too_little_is_amber_though_something_came() -> None:
    """A tile with a success a minute ago looks well; the watch knows better."""
    silence = Silence(
        id=1,
        flow=FLOW,
        owner="warehouse",
        kind="sparse",
        destinations=("shipbob",),
        since_ms=0,
        expected="300 a day",
        found_ms=0,
    )
    tile = FlowTile(flow=FLOW, destination="shipbob", last_success_ms=NOW_MS)
    flow = strategy().flows[FLOW]
    assert flow_state(tile, flow, NOW_MS).healthy
    assert (
        flow_state(tile, flow, NOW_MS, silence=silence).word,
        flow_state(tile, flow, NOW_MS, silence=silence).state,
    ) == ("too little", "silent")
