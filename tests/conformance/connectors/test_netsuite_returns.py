"""Return authorizations at NetSuite: what waits, what is not written over, and what a person decides (C56)."""

from __future__ import annotations

from typing import Any

import pytest
from netsuite_story import Story, tell
from vendor_cases import Case, Twin, cases

from interlock.connectors.contract import Done, Refused


@pytest.fixture
def case() -> Case:
    """NetSuite."""
    return next(case for case in cases() if case.vendor == "netsuite")


def coming_back(story: Story, quantity: int = 1, status: str = "open") -> dict[str, Any]:
    """A return of the order's first line, as it is read."""
    line = story.shop["line_items"][0]
    price = {"amount": "10.00", "currency_code": "USD"}
    row = {
        "id": 51, "line_item_id": line["id"], "sku": line["sku"], "title": line["title"], "quantity": quantity,
        "refunded_quantity": 0, "return_reason": "defective", "return_reason_note": None, "customer_note": None,
        "net_set": {"shop_money": price, "presentment_money": price}, "restocking_fee_set": None,
    }  # fmt: skip
    when = story.later().isoformat()
    return {
        "id": 50, "name": "#1-R1", "status": status, "order_id": story.shop["id"], "order_name": story.shop["name"],
        "created_at": when, "updated_at": when, "closed_at": None, "decline": None, "return_line_items": [row],
        "exchange_line_items": [],
    }  # fmt: skip


async def announce(story: Story, told: dict[str, Any]) -> Any:
    """Write a return as the shop has it; the outcome of the last write."""
    outcome: Any = None
    for write in story.planned_return(told).writes:
        outcome = await story.send(write)
        if isinstance(outcome, Done):
            story.remember(write, outcome)
    return outcome


def receive(story: Story) -> None:
    """The warehouse takes in what was announced."""
    story.person("POST", f"/returnAuthorization/eid:{story.reference}-return-50/!transform/itemReceipt", {})


def test_a_return_waits_for_its_sales_order(case: Case, twin: Twin, number: int) -> None:
    """C56: goods of an order that NetSuite has not heard of: nothing is announced of nobody's order."""

    async def told(story: Story) -> None:
        waits = await announce(story, coming_back(story))
        assert isinstance(waits, Refused)
        assert (waits.code, waits.waiting_for) == ("NO_SALES_ORDER", f"order:{story.reference}")
        await story.sync()
        assert isinstance(await announce(story, coming_back(story)), Done)
        (found,) = story.returns
        assert found["createdFrom"]["id"] == story.sales_order["id"]

    tell(case, twin, number, told)


def test_what_the_warehouse_received_is_not_written_over(case: Case, twin: Twin, number: int) -> None:
    """C56: as announced: done; with another number of pieces: a person decides, and NetSuite's record stands."""

    async def told(story: Story) -> None:
        await story.sync()
        await announce(story, coming_back(story))
        receive(story)
        before = story.returns
        story.links.clear()  # the crosswalk would not even ask
        same = await announce(story, coming_back(story))
        assert isinstance(same, Done) and "a part of it was received" in same.detail
        changed = await announce(story, coming_back(story, quantity=2))
        assert isinstance(changed, Refused) and changed.code == "RETURN_RECEIVED"
        assert story.returns == before

    tell(case, twin, number, told)


def test_a_return_that_is_closed_after_the_goods_came_is_closed(case: Case, twin: Twin, number: int) -> None:
    """C56: closing says that nothing more is expected, which holds for what was received too."""

    async def told(story: Story) -> None:
        await story.sync()
        await announce(story, coming_back(story))
        receive(story)
        assert isinstance(await announce(story, coming_back(story, status="closed")), Done)
        (found,) = story.returns
        assert found["status"]["refName"] == "Closed" and found["item"][0]["quantityReceived"] == 1

    tell(case, twin, number, told)


def test_what_was_given_up_before_it_was_written_is_nothing(case: Case, twin: Twin, number: int) -> None:
    """C56: declined at once: no call, and the words say why."""

    async def told(story: Story) -> None:
        await story.sync()
        plan = story.planned_return(coming_back(story, status="declined"))
        assert plan.writes == () and "declined before it was written" in plan.because
        assert story.returns == []

    tell(case, twin, number, told)
