"""What an alert that is on says of its flows."""

from msgspec.structs import replace

from interlock.strategy.alerts import alerts_now
from interlock.strategy.evidence import FlowRan, Letters

from .sound_hub import NOW_MS, seen

FLOW = "order-to-erp"


def said(count: int) -> dict[str, str]:
    """What each alert says when so many orders are dead of which half went well."""
    found = seen()
    assert found.running is not None
    letters = (Letters(flow=FLOW, owner="finance-systems", count=count, oldest_ms=NOW_MS),)
    ran = {FLOW: FlowRan(ended_well=count, dead=count)}
    running = replace(found.running, letters=letters, flows=ran)
    return {alert.name: alert.what for alert in alerts_now(found.strategy, running, NOW_MS)}


def test_one_is_one_and_what_is_kept_is_not_a_share_of_the_promise() -> None:
    """Who reads "1 open dead letters" reads it twice, and takes "kept 50 % of 99.5 %" for half of the promise."""
    one, two = said(1), said(2)
    assert (one["dead-letters"], two["dead-letters"]) == (
        f"{FLOW} has 1 open dead letter",
        f"{FLOW} has 2 open dead letters",
    )
    assert one["promise"] == f"{FLOW} kept 50 % over 30 days, and promises 99.5 %"
    assert said(0)["dead-letters"] == "", "the control"
