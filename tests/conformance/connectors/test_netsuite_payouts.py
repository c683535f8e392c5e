"""Money that went back: a customer refund for each payment, on its gateway's account, applied to the credit memo (C34, C57)."""

from __future__ import annotations

import random
from decimal import Decimal
from functools import partial
from typing import Any

import netsuite_story
import pytest
from netsuite_story import ACCOUNTS, PLACED, Story, current, first_line
from vendor_cases import Case, Twin, cases

from interlock.connectors.contract import Absent, Done, Found, MappingError, Refused
from interlock.connectors.netsuite import payouts
from interlock.twins.shopify.orders import make_order

tell = partial(netsuite_story.tell, settings={"refund_accounts": ACCOUNTS})


@pytest.fixture
def case() -> Case:
    """NetSuite."""
    return next(case for case in cases() if case.vendor == "netsuite")


def paid_over(refund: dict[str, Any], *payments: tuple[str, str]) -> dict[str, Any]:
    """The same refund, its money split over gateways: (gateway, amount)."""
    (one,) = refund["transactions"]
    rows = [
        one | {"id": one["id"] + at, "gateway": gateway, "amount": amount, "amount_set": None}
        for at, (gateway, amount) in enumerate(payments)
    ]
    return refund | {"transactions": rows}


def split(refund: dict[str, Any]) -> tuple[Decimal, list[tuple[str, str]]]:
    """Three parts of what was paid: 12.34 as a gift card, 5.00 as store credit, the rest over the card."""
    whole = Decimal(refund["transactions"][0]["amount"])
    rest = str(whole - Decimal("17.34"))
    return whole, [("gift_card", "12.34"), ("shopify_store_credit", "5.00"), ("shopify_payments", rest)]


async def invoiced(story: Story) -> None:
    await story.sync()
    story.bill()


def test_each_payment_is_a_customer_refund_on_the_account_of_its_gateway(case: Case, twin: Twin, number: int) -> None:
    """C34: three gateways, three customer refunds, liabilities apart; together they are the credit memo to the cent, which
    is then closed, and NetSuite's invoice less its credit is what the shop says."""

    async def told(story: Story) -> None:
        await invoiced(story)
        refund = story.refund(lines=first_line(story))
        whole, parts = split(refund)
        outcomes = await story.pay_out(paid_over(refund, *parts))
        assert [type(one) for one in outcomes] == [Done] * 4
        (memo,) = story.credits
        assert [(row["account"]["id"], row["total"]) for row in story.payouts] == [
            (ACCOUNTS[gateway], Decimal(amount)) for gateway, amount in parts
        ]
        assert {row["customer"]["id"] for row in story.payouts} == {memo["entity"]["id"]}
        assert {row["currency"]["id"] for row in story.payouts} == {memo["currency"]["id"]}
        assert {row["apply"][0]["doc"]["id"] for row in story.payouts} == {memo["id"]}
        assert sum(row["total"] for row in story.payouts) == memo["total"] == memo["applied"] == whole
        assert (memo["amountRemaining"], memo["status"]["refName"]) == (0, "Fully Applied")
        assert story.sales_order["total"] - memo["total"] == current(story.shop)

    tell(case, twin, number, told)


def test_sent_again_nothing_is_paid_twice(case: Case, twin: Twin, number: int) -> None:
    """C57: the external id is the payment's: a replay finds the same records, and the credit memo stays closed."""

    async def told(story: Story) -> None:
        await invoiced(story)
        refund = story.refund(lines=first_line(story))
        whole, parts = split(refund)
        both = paid_over(refund, *parts)
        first, second = await story.pay_out(both), await story.pay_out(both)
        assert [one.external_id for one in first] == [one.external_id for one in second]
        assert sum(row["total"] for row in story.payouts) == whole and len(story.payouts) == 3
        assert all(story.twin.effects("customerRefund.create", row["externalId"]) == 1 for row in story.payouts)
        assert [memo["amountRemaining"] for memo in story.credits] == [0]
        (last,) = story.planned(refund).writes[1:]
        assert await story.destination.look_up(last, timeout_seconds=10) == Found(external_id=first[1].external_id)

    tell(case, twin, number, told)


def test_control_under_an_id_of_the_attempt_the_money_goes_out_twice(
    case: Case, twin: Twin, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control for C57: a reference that changes with each try, and no look at what is open, pays one payment twice."""
    monkeypatch.setattr(payouts, "_amount", lambda _: Decimal(0))
    monkeypatch.setattr(payouts, "_applied", lambda memo, _: _half(memo, Decimal(1)))

    async def told(story: Story) -> None:
        await invoiced(story)
        refund = story.refund(lines=first_line(story))
        one = paid_over(refund, ("shopify_payments", refund["transactions"][0]["amount"]))
        await story.pay_out(one)
        one["transactions"][0]["id"] += 1
        await story.pay_out(one)
        assert len(story.payouts) == 2

    tell(case, twin, number, told)


def _half(memo: Any, amount: Decimal) -> dict[str, object]:
    return {"items": [{"doc": {"id": str(memo.id)}, "apply": True, "amount": float(amount / 2)}]}


def test_a_gateway_without_an_account_stops_before_anything_is_written(case: Case, twin: Twin, number: int) -> None:
    """C34: never a default: the words name the gateway and the line to add, and not even the credit memo is there."""

    async def told(story: Story) -> None:
        await invoiced(story)
        refund = story.refund(lines=first_line(story))
        amount = refund["transactions"][0]["amount"]
        with pytest.raises(MappingError) as raised:
            story.planned(paid_over(refund, ("klarna", amount)))
        assert raised.value.code == "MAP003" and "'klarna'" in raised.value.what
        assert "[settings.refund_accounts]" in raised.value.next_move
        assert story.credits == story.payouts == []

    tell(case, twin, number, told)


def test_without_the_table_the_payments_are_named_and_left_to_finance(case: Case, twin: Twin, number: int) -> None:
    """C34: a folder of before this setting writes credit memos as it did, and each payment is told on its delivery."""

    async def told(story: Story) -> None:
        await invoiced(story)
        refund = story.refund(lines=first_line(story))
        _, parts = split(refund)
        plan = story.planned(paid_over(refund, *parts))
        assert [write.operation for write in plan.writes] == ["creditMemo.upsert"]
        assert [word for word in plan.warnings if "12.34 USD went back as a gift card" in word]
        assert [word for word in plan.warnings if "over shopify_payments: no customer refund is written" in word]

    netsuite_story.tell(case, twin, number, told)


def test_what_no_payment_paid_back_stays_open_on_the_credit_memo(case: Case, twin: Twin, number: int) -> None:
    """C42: goods pay for others: the rest of the credit is an open amount that finance sees, and is named; no plug."""

    async def told(story: Story) -> None:
        await invoiced(story)
        refund = story.refund(lines=first_line(story))
        whole = Decimal(refund["transactions"][0]["amount"])
        part = paid_over(refund, ("shopify_payments", "8.00"))
        assert f"{whole - 8} USD of the credit memo was not paid out" in "".join(story.planned(part).warnings)
        await story.pay_out(part)
        (memo,) = story.credits
        assert (memo["total"], memo["amountRemaining"], memo["status"]["refName"]) == (whole, whole - 8, "Open")
        none = story.planned(refund | {"transactions": []})
        assert [write.operation for write in none.writes] == ["creditMemo.upsert"]

    tell(case, twin, number, told)


def test_an_authorization_that_is_dropped_is_no_money(case: Case, twin: Twin, number: int) -> None:
    """C34: a void moves nothing: no customer refund."""

    async def told(story: Story) -> None:
        await invoiced(story)
        refund = story.refund(lines=first_line(story))
        refund["transactions"][0]["kind"] = "void"
        assert [write.operation for write in story.planned(refund).writes] == ["creditMemo.upsert"]

    tell(case, twin, number, told)


def test_nothing_is_paid_out_that_was_never_credited(case: Case, twin: Twin, number: int) -> None:
    """C55: before the invoice there is no credit memo, so there is nothing to pay: done, and the words say so."""

    async def told(story: Story) -> None:
        await story.sync()
        credit, payout = await story.pay_out(story.refund(lines=first_line(story)))
        assert isinstance(credit, Done) and not credit.external_id
        assert payout == Done(detail=payouts.NOT_CREDITED)
        assert story.payouts == []
        (last,) = story.planned(story.refund()).writes[1:]
        assert isinstance(await story.destination.look_up(last, timeout_seconds=10), Absent)

    tell(case, twin, number, told)


def test_a_credit_memo_that_finance_has_applied_is_not_paid_out_again(case: Case, twin: Twin, number: int) -> None:
    """C34: finance made the customer refund by hand: ours would pay the customer twice in the books; a person is asked."""

    async def told(story: Story) -> None:
        await invoiced(story)
        refund = story.refund(lines=first_line(story))
        amount = refund["transactions"][0]["amount"]
        credit, payout = story.planned(refund).writes
        await story.send(credit)
        (memo,) = story.credits
        by_hand = {
            "customer": {"id": memo["entity"]["id"]},
            "account": {"id": "9"},
            "apply": {"items": [{"doc": {"id": memo["id"]}, "apply": True, "amount": float(amount)}]},
        }
        story.person("POST", "/customerRefund", by_hand)
        refused = await story.send(payout)
        assert isinstance(refused, Refused) and refused.code == "PAID_MORE_THAN_CREDITED"
        assert f"payment is {amount}, and 0" in refused.message
        assert story.payouts == []

    tell(case, twin, number, told)


def test_control_without_the_look_netsuite_refuses_in_words_nobody_can_act_on(
    case: Case, twin: Twin, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: the same without the look at what is open is refused by the twin too, which never pays out too much."""
    monkeypatch.setattr(payouts, "_amount", lambda _: Decimal(0))
    monkeypatch.setattr(payouts, "_applied", lambda memo, _: _half(memo, Decimal(10**6)))

    async def told(story: Story) -> None:
        await invoiced(story)
        outcomes = await story.pay_out(story.refund(lines=first_line(story)))
        assert isinstance(outcomes[-1], Refused) and outcomes[-1].code == "USER_ERROR"
        assert story.payouts == []

    tell(case, twin, number, told)


def test_a_credit_memo_made_by_hand_of_a_part_is_paid_out(case: Case, twin: Twin, number: int) -> None:
    """C53: where a part is invoiced, a person makes the credit memo under our external id; a replay pays out of it."""

    async def told(story: Story) -> None:
        story.shop = make_order(random.Random(number), number, "discount_order", placed_at=PLACED)
        await story.sync()
        others = [line["line"] for line in story.sales_order["item"][1:]]
        story.bill(lines=[{"orderLine": int(line), "itemReceive": False} for line in others])
        refund = story.refund(lines=first_line(story))
        (stopped,) = await story.pay_out(refund)
        assert isinstance(stopped, Refused) and stopped.code == "PARTLY_INVOICED"
        (credit, _), entity = story.planned(refund).writes, story.sales_order["entity"]["id"]
        amount = refund["transactions"][0]["amount"]
        line = {"item": {"id": "5"}, "quantity": 1, "amount": float(amount)}
        made = {"entity": {"id": entity}, "currency": {"id": "1"}, "item": {"items": [line]}}
        story.person("PUT", f"/creditMemo/eid:{credit.reference}", made)
        assert [type(one) for one in await story.pay_out(refund)] == [Done, Done]
        assert [row["total"] for row in story.payouts] == [Decimal(amount)]
        assert [memo["amountRemaining"] for memo in story.credits] == [0]

    tell(case, twin, number, told)
