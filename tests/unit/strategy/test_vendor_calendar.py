"""Versions of vendors' APIs end by the calendar: who looks ahead is told, and a hub that runs is not stopped."""

from datetime import date, timedelta

import pytest

from interlock.strategy import StrategyErrors, load

from .example_folder import FACTS, SOUND, snapshot

ENDS = FACTS["shopify"].versions["2026-07"].ends


def codes(days_before: int | None) -> list[str]:
    """What is told so many days before the end; None: nobody looks at the calendar."""
    today = None if days_before is None else ENDS - timedelta(days=days_before)
    try:
        return [one.code for one in load(snapshot(SOUND), connectors=FACTS, today=today).warnings]
    except StrategyErrors as errors:
        return [one.code for one in errors.findings]


@pytest.mark.parametrize(
    ("days_before", "told"), [(91, []), (90, ["STR303"]), (1, ["STR303"]), (0, ["STR304"]), (-30, ["STR304"])]
)
def test_the_end_of_a_version_is_told_ninety_days_ahead(days_before: int, told: list[str]) -> None:
    """A quarter is what trying the next version takes (C78)."""
    assert codes(days_before) == told


def test_the_calendar_stops_no_hub_that_runs() -> None:
    """A restart at night must not find the folder refused: the store answers still, with a later version."""
    assert codes(None) == []


def test_the_days_are_said() -> None:
    """Soon is no plan; the number of days and the day are."""
    (warning,) = load(snapshot(SOUND), connectors=FACTS, today=date(2027, 5, 1)).warnings
    assert "61 days, on 2027-07-01" in warning.what


def test_a_granted_scope_is_compared_with_the_flows() -> None:
    """What widens the reach of a flow is not idle, what no flow can use is."""
    scopes = '[scopes]\nshop = ["read_orders", "read_returns", "write_themes"]\n'
    files = dict(SOUND) | {"security.toml": SOUND["security.toml"] + scopes}
    (warning,) = load(snapshot(files), connectors=FACTS).warnings
    assert (warning.code, "write_themes" in warning.what) == ("STR301", True)
