"""An end that comes sooner: no recorded order shows it, and whoever has not moved is refused."""

from datetime import date

import pytest
from two_folders import folder

from interlock.console.hiding import hiding
from interlock.release.end_difference import change_file_changes
from interlock.release.plan import plan
from interlock.release.two_files import TwoFiles

PATH = "changes/0007.toml"
TODAY = date(2026, 11, 23)
CHANGE = """\
title = "An order says what it is for"
kind = "compatible"
owner = "finance-systems"
replaces = "order.v1"
"""


def announced(sunset: str) -> str:
    return f"{CHANGE}sunset_on = {sunset}\n" if sunset else CHANGE


@pytest.mark.parametrize(
    ("before", "after", "breaking"),
    [
        ("2027-04-01", "2026-11-23", True),
        ("2027-04-01", "2027-03-01", True),
        ("2027-04-01", "2027-05-01", False),
        ("", "2026-11-23", True),
        ("", "2027-04-01", False),
        ("2026-11-23", "", False),
    ],
)
def test_an_end_that_comes_sooner_breaks(before: str, after: str, breaking: bool) -> None:
    """A later end, a first end in the future and no end at all give everybody more time: they break nobody."""
    files = TwoFiles("change", PATH, folder({PATH: announced(before)}), folder({PATH: announced(after)}))
    (change,) = change_file_changes(files, TODAY)
    assert change.breaking == (f"what still uses order.v1 is refused from {after} on" if breaking else "")


def test_a_new_change_file_whose_end_has_passed_breaks() -> None:
    """It refuses at once; one that announces an end (the control) is one line that breaks nobody."""
    for sunset, breaking in (("2026-11-23", True), ("2027-04-01", False)):
        (change,) = change_file_changes(TwoFiles("change", PATH, folder(), folder({PATH: announced(sunset)})), TODAY)
        assert bool(change.breaking) is breaking


def test_a_plan_does_not_call_it_harmless() -> None:
    """Nothing is translated otherwise, and yet every delivery may become a dead letter: that is told, with who knows more."""
    found = plan(folder({PATH: announced("2027-04-01")}), folder({PATH: announced("2026-11-01")}), iter(()), hiding)
    assert found.summary == "1 change, 1 breaking; not tried on recorded orders; risk high"
    assert "interlock consumers" in found.not_tried
    later = plan(folder({PATH: announced("2027-04-01")}), folder({PATH: announced("2027-05-01")}), iter(()), hiding)
    assert later.summary == "1 change, 0 breaking; no recorded order is treated otherwise; risk low"


def test_what_is_not_tried_is_not_said_to_treat_orders_alike() -> None:
    """The reason for a low risk names what is known: nothing was tried."""
    change = ("strategy.toml", 'title = "', 'title = "The ')
    assert plan(folder(), folder(change=change), None).risk.reasons == ("nothing that changed decides what is sent",)
