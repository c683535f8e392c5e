"""An attack is seen in the log, and does not fill it."""

import logging

import pytest

from interlock.clock import VirtualClock
from interlock.errors import IntakeError
from interlock.intake.refusals import Refusals


def test_a_thousand_refusals_are_a_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """Case 9: who replays and forges is told to the operator: the first at once, then how many more there were."""
    clock = VirtualClock()
    refusals = Refusals(clock)
    error = IntakeError("the signature does not fit", status=401, code="INT004")
    with caplog.at_level(logging.WARNING, "interlock.intake"):
        for second in range(100):
            clock._elapsed = float(second)
            for _ in range(10):
                refusals.count("shopify", error)
        refusals.count("", IntakeError("no such endpoint", status=404, code="INT002"))
    assert refusals.total == {"INT004": 1_000, "INT002": 1}
    assert [record.getMessage() for record in caplog.records] == [
        "INT004 refused at shopify: the signature does not fit",
        "INT004 refused at shopify: the signature does not fit; 599 more since this was last told",
        "INT002 refused at the door: no such endpoint",
    ]
