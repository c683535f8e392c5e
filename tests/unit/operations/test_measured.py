"""Figures of a flow from the traffic of a store: only where there is enough of it."""

from interlock.messaging.traffic import Arrival, Ended, Traffic
from interlock.operations.measured import DAY_MS, measure
from interlock.strategy import Flow

NOW = 1_795_000_000_000
FLOW = Flow(
    name="order-to-erp", title="Orders", source="shop", trigger=["orders/create"], object="order.v1", destinations=["erp"],
    pattern="event-driven", rationale="News.", impact="high", complexity="low", owner="ops", runbook="x.md",
)  # fmt: skip


def arrivals(count: int, objects: int, days: float, facts: str = "orders/create#1 orders/paid") -> tuple[Arrival, ...]:
    """So many events of so many objects, evenly over the last days."""
    step = days * DAY_MS / count
    return tuple(
        Arrival(
            system="shop", object="order", key=str(place % objects), facts=facts, at_ms=NOW - round(step * (place + 1))
        )
        for place in range(count)
    )


def test_volume_and_changes_are_counted() -> None:
    """200 events of 100 orders in 2 days are 100 a day and 2 changes each."""
    found = measure(FLOW, Traffic(since_ms=0, arrivals=arrivals(200, 100, 2)), NOW)
    assert (round(found.events_per_day or 0), found.changes_per_object) == (100, 2.0)


def test_less_than_a_day_says_nothing_about_a_day() -> None:
    """Five orders in the first two minutes of a demo are not 3,600 a day."""
    found = measure(FLOW, Traffic(since_ms=0, arrivals=arrivals(5, 5, 0.01)), NOW)
    assert (found.events_per_day, found.changes_per_object) == (None, None)


def test_events_of_other_topics_are_not_its_own() -> None:
    """A flow is judged by what starts it."""
    found = measure(FLOW, Traffic(since_ms=0, arrivals=arrivals(200, 100, 2, facts="orders/updated")), NOW)
    assert found.events_per_day == 0.0


def test_what_had_nothing_to_write_only_read() -> None:
    """The read share and the fan-out come from what ended at a system; what steers a process counts for neither."""
    ended = (
        Ended(flow="order-to-erp", destination="erp", done=80, unchanged=60),
        Ended(flow="order-to-erp", destination="bi", done=20, unchanged=20),
        Ended(flow="other", destination="erp", done=99, unchanged=0),
        Ended(flow="order-to-erp", destination="process:order-to-erp", done=500, unchanged=0),
    )
    found = measure(FLOW, Traffic(since_ms=0, ended=ended), NOW)
    assert (found.read_share, found.fan_out) == (0.8, 2)
