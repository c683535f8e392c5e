"""Cancelled orders of which the shop keeps money: what is kept stays as the lines of the sales order, to be invoiced (C43)."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import netsuite_story
import pytest
from netsuite_story import Story, current
from vendor_cases import Case, Twin, cases

from interlock.connectors.contract import Done
from interlock.connectors.netsuite import client as netsuite_client
from interlock.twins.shopify import changes

tell = partial(netsuite_story.tell, settings={"refund_accounts": netsuite_story.ACCOUNTS})


@pytest.fixture
def case() -> Case:
    """NetSuite."""
    return next(case for case in cases() if case.vendor == "netsuite")


def priced(amount: Decimal) -> dict[str, Any]:
    one = {"amount": str(amount), "currency_code": "USD"}
    return {"shop_money": one, "presentment_money": one}


def cancel(story: Story, *, shipping: str = "0.00", tip: str = "0.00", status: str = "partially_refunded") -> None:
    """The shop cancels and pays back all but shipping or a tip, as cases M130 and M131 tell it."""
    story.shop = changes.cancel(story.shop, story.later()).order
    kept = Decimal(shipping) + Decimal(tip)
    line = story.shop["shipping_lines"][0]
    line |= {"price_set": priced(Decimal(shipping)), "discounted_price_set": priced(Decimal(shipping))}
    line |= {"current_discounted_price_set": priced(Decimal(shipping)), "tax_lines": [], "is_removed": False}
    story.shop |= {"total_tip_received": tip, "financial_status": status, "current_total_price": str(kept)}
    story.shop["current_total_price_set"] = priced(kept)


@pytest.mark.parametrize(("kept", "rows"), [
    ({"shipping": "5.00"}, [("5.00", "Standard Shipping")]),
    ({"tip": "3.00"}, [("3.00", "Tip")]),
    ({"shipping": "5.00", "tip": "3.00"}, [("5.00", "Standard Shipping"), ("3.00", "Tip")]),
])  # fmt: skip
def test_what_is_kept_stays_as_the_lines_of_the_order(
    case: Case, twin: Twin, number: int, kept: dict[str, str], rows: list[tuple[str, str]]
) -> None:
    """C43 (M130, M131): the goods are gone, the shipping or the tip is a line to be invoiced, and the sum is the shop's."""

    async def told(story: Story) -> None:
        await story.sync()
        cancel(story, **kept)
        assert isinstance(await story.sync(), Done)
        found = story.sales_order
        assert [row["amount"] for row in found["item"]] == [Decimal(amount) for amount, _ in rows]
        assert found["total"] == current(story.shop)
        assert not any(row.get("isClosed") for row in found["item"])

    tell(case, twin, number, told)


def test_it_is_written_once_and_closed_when_the_rest_goes_back(case: Case, twin: Twin, number: int) -> None:
    """C43, C57: told again nothing changes; when the shop pays the rest back too, the order is closed."""

    async def told(story: Story) -> None:
        await story.sync()
        cancel(story, shipping="5.00")
        await story.sync()
        before = story.sales_order
        await story.sync()
        after = story.sales_order
        assert (before["id"], before["total"]) == (after["id"], after["total"])
        cancel_rest(story)
        assert isinstance(await story.sync(), Done)
        assert story.sales_order["status"]["refName"] == "Closed"

    tell(case, twin, number, told)


def cancel_rest(story: Story) -> None:
    story.shop["shipping_lines"][0]["current_discounted_price_set"] = priced(Decimal(0))
    story.shop |= {"financial_status": "refunded", "current_total_price": "0.00"}
    story.shop["current_total_price_set"] = priced(Decimal(0))


def test_invoiced_before_the_credit_leaves_what_is_kept(case: Case, twin: Twin, number: int) -> None:
    """C41, C43: billed whole, credited with all but 5.00 of shipping: the order comes to rest, invoice less credit is 5.00."""

    async def told(story: Story) -> None:
        await story.sync()
        story.bill()
        whole = story.sales_order["total"]
        everything = {line["id"]: line["quantity"] for line in story.shop["line_items"]}
        refund = story.refund(lines=everything, shipping=False)
        await story.pay_out(refund)
        credited = sum(memo["total"] for memo in story.credits)
        story.shop["cancelled_at"] = story.later().isoformat()
        story.shop["financial_status"] = "partially_refunded"
        kept = whole - credited
        assert kept == current(story.shop) > 0
        assert isinstance(await story.sync(), Done)
        assert story.sales_order["total"] - credited == kept

    tell(case, twin, number, told)


def test_what_was_never_paid_is_not_kept(case: Case, twin: Twin, number: int) -> None:
    """C43: an order that was cancelled unpaid owes its shipping to nobody: it is closed."""

    async def told(story: Story) -> None:
        await story.sync()
        cancel(story, shipping="5.00", status="voided")
        await story.sync()
        assert story.sales_order["status"]["refName"] == "Closed"

    tell(case, twin, number, told)


def test_goods_that_nobody_took_off_are_not_sold(case: Case, twin: Twin, number: int) -> None:
    """C43: cancelled and paid, with its goods still on it: closed, and the delivery says what the shop still counts."""

    async def told(story: Story) -> None:
        await story.sync()
        story.shop["cancelled_at"] = story.later().isoformat()
        plan = story.plan()
        assert [write.operation for write in plan.writes] == ["salesOrder.close"]
        (words,) = plan.warnings
        assert f"still counts {current(story.shop)} USD for goods" in words

    tell(case, twin, number, told)


def test_control_every_cancelled_order_closed_loses_what_is_kept(
    case: Case, twin: Twin, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control for C43: as it was before: the sales order is closed with its goods, and 5.00 are nowhere to be invoiced."""
    monkeypatch.setattr(netsuite_client, "_keeps_money", lambda _: False)

    async def told(story: Story) -> None:
        await story.sync()
        cancel(story, shipping="5.00")
        await story.sync()
        assert story.sales_order["status"]["refName"] == "Closed"
        assert story.sales_order["total"] != current(story.shop)

    tell(case, twin, number, told)
