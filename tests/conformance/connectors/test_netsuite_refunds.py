"""Refunds and edits of orders that NetSuite has invoiced: what is credited, what is left alone, what a person decides."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from netsuite_story import NETSUITE, PLACED, SETTINGS, Story, current, first_line, tell
from vendor_cases import CONTRACTS, Case, Twin, cases

from interlock.connectors import registry
from interlock.connectors.contract import Done, MappingError, Refused, Uncertain, UnmappedReference, Write
from interlock.connectors.netsuite import compensation, refund_plan
from interlock.mapping import Context, Items, compile_out, connector_functions
from interlock.twins.shopify import changes
from interlock.twins.shopify.catalogue import PRODUCTS
from interlock.twins.shopify.draft import DraftLine
from interlock.twins.shopify.orders import make_order


@pytest.fixture
def case() -> Case:
    """NetSuite."""
    return next(case for case in cases() if case.vendor == "netsuite")


def test_a_refund_of_an_invoiced_order_is_a_credit_memo_once(case: Case, twin: Twin, number: int) -> None:
    """C53, C57: its amounts are the refund's to the cent, sent twice it is one, and the order's own rows stand."""

    async def told(story: Story) -> None:
        await story.sync()
        before = story.sales_order
        story.bill()
        refund = story.refund(lines=first_line(story), shipping=True)
        first, second = await story.book(refund), await story.book(refund)
        assert isinstance(first, Done) and first.external_id == second.external_id
        (memo,) = story.credits
        paid = Decimal(refund["transactions"][0]["amount"])
        assert memo["total"] == sum(row["amount"] for row in memo["item"]) == paid
        assert memo["entity"]["id"] == before["entity"]["id"]
        assert memo["externalId"] == f"{story.reference}-refund-{refund['id']}"
        assert story.twin.effects("creditMemo.create", memo["externalId"]) == 1
        outcome = await story.sync()
        assert isinstance(outcome, Done) and f"credited with {paid}" in outcome.detail
        assert story.sales_order["item"][0]["amount"] == before["item"][0]["amount"]
        assert story.sales_order["total"] - memo["total"] == current(story.shop)

    tell(case, twin, number, told)


def test_the_order_waits_for_the_credit_memo_of_its_refund(case: Case, twin: Twin, number: int) -> None:
    """C41: what is invoiced is not changed; the order comes to rest when the credit memo explains it."""

    async def told(story: Story) -> None:
        await story.sync()
        story.bill()
        refund = story.refund(lines=first_line(story))
        waits = await story.sync()
        assert isinstance(waits, Refused)
        assert (waits.code, waits.waiting_for) == ("BOOKED_ORDER_DIFFERS", f"credit:{story.reference}")
        await story.book(refund)
        assert isinstance(await story.sync(), Done)

    tell(case, twin, number, told)


def test_after_a_day_of_waiting_a_person_is_asked(case: Case, twin: Twin, number: int) -> None:
    """C41: no flow moves refunds, or the credit memo was refused: the difference does not wait for ever."""

    async def told(story: Story) -> None:
        await story.sync()
        story.bill()
        story.refund(lines=first_line(story))
        refused = await story.sync()
        assert isinstance(refused, Refused) and refused.code == "BOOKED_ORDER_DIFFERS" and not refused.waiting_for

    tell(case, twin, number, told, placed=PLACED - timedelta(days=2))


def test_an_edit_after_the_invoice_is_a_task_for_a_person(case: Case, twin: Twin, number: int) -> None:
    """C41: a line added after invoicing changes the money: nothing is written, and the text has the amounts."""

    async def told(story: Story) -> None:
        await story.sync()
        story.bill()
        before, was = story.sales_order, current(story.shop)
        story.edit(add=[DraftLine(PRODUCTS[0], 1, Decimal("25.00"), taxable=False)])
        refused = await story.sync()
        assert isinstance(refused, Refused) and not refused.waiting_for
        assert f"booked {was} of this order and credited 0; the shop says {current(story.shop)}" in refused.message
        assert "25.00" in refused.message
        assert story.sales_order["item"] == before["item"]

    tell(case, twin, number, told)


def test_an_edit_that_lowers_an_invoiced_order_is_a_task_too(case: Case, twin: Twin, number: int) -> None:
    """C41: nobody paid anything back, so no credit memo will come by itself."""

    async def told(story: Story) -> None:
        await story.sync()
        story.bill()
        story.edit(remove=first_line(story))
        refused = await story.sync()
        assert isinstance(refused, Refused) and not refused.waiting_for
        assert "make the invoice or the credit memo of -" in refused.message

    tell(case, twin, number, told)


def test_what_is_no_money_is_still_written(case: Case, twin: Twin, number: int) -> None:
    """C41: a note changes the head of an invoiced order and leaves its lines and what they were billed."""

    async def told(story: Story) -> None:
        await story.sync()
        story.bill()
        story.shop["note"] = "ring twice"
        assert isinstance(await story.sync(), Done)
        assert story.sales_order["memo"] == "ring twice"
        assert all(line["quantityBilled"] for line in story.sales_order["item"])

    tell(case, twin, number, told)


def test_an_order_that_was_fulfilled_only_keeps_its_lines(case: Case, twin: Twin, number: int) -> None:
    """C41: what has left the warehouse cannot be taken off the order either."""

    async def told(story: Story) -> None:
        await story.sync()
        story.ship()
        story.edit(remove=first_line(story))
        refused = await story.sync()
        assert isinstance(refused, Refused) and refused.code == "BOOKED_ORDER_DIFFERS"
        assert all(line["quantityFulfilled"] for line in story.sales_order["item"])

    tell(case, twin, number, told)


def test_nothing_is_credited_that_was_never_invoiced(case: Case, twin: Twin, number: int) -> None:
    """C55: a refund before the first sync, before the invoice, and one that is told only after it: no credit memo."""

    async def told(story: Story) -> None:
        early = story.refund(lines=first_line(story))
        assert (await story.book(early)).detail == compensation.NO_ORDER
        await story.sync()
        assert (await story.book(early)).detail == compensation.NOT_INVOICED
        assert story.sales_order["total"] == current(story.shop)
        story.bill()
        assert (await story.book(early)).detail == compensation.INVOICED_WITHOUT
        assert story.credits == []
        late = story.refund()
        assert isinstance(await story.book(late), Done)
        assert sum(memo["total"] for memo in story.credits) == story.sales_order["total"]

    tell(case, twin, number, told)


def test_control_without_a_look_at_the_invoice_too_much_is_credited(
    case: Case, twin: Twin, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control for C55: a connector that takes every billed order for one billed before the refund credits it twice."""

    async def always(*_: Any) -> bool:
        return True

    monkeypatch.setattr(compensation.Compensation, "_invoiced_before", always)

    async def told(story: Story) -> None:
        early = story.refund(lines=first_line(story))
        await story.sync()
        story.bill()
        await story.book(early)
        (memo,) = story.credits
        assert story.sales_order["total"] - memo["total"] < current(story.shop)

    tell(case, twin, number, told)


def test_control_without_the_look_at_what_is_booked_lines_are_lost(
    case: Case, twin: Twin, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control for C41: a blind upsert of an invoiced order is refused by NetSuite, with words nobody can act on."""

    async def blind(*_: Any) -> None:
        return None

    monkeypatch.setattr(compensation.Compensation, "order", blind)

    async def told(story: Story) -> None:
        await story.sync()
        story.bill()
        story.edit(remove=first_line(story))
        refused = await story.sync()
        assert isinstance(refused, Refused) and refused.code == "USER_ERROR"

    tell(case, twin, number, told)


def test_a_part_that_is_invoiced_is_for_a_person(case: Case, twin: Twin, number: int) -> None:
    """C53: with one line billed of several nobody can tell by machine what the credit memo should hold."""

    async def told(story: Story) -> None:
        story.shop = make_order(random.Random(number), number, "discount_order", placed_at=PLACED)
        await story.sync()
        others = [line["line"] for line in story.sales_order["item"][1:]]
        story.bill(lines=[{"orderLine": int(line), "itemReceive": False} for line in others])
        outcome = await story.book(story.refund(lines=first_line(story)))
        assert isinstance(outcome, Refused) and outcome.code == "PARTLY_INVOICED"
        assert story.credits == []

    tell(case, twin, number, told)


@pytest.mark.parametrize("status", ["pending", "failure"])
def test_a_payment_that_has_not_gone_back_is_waited_for(case: Case, twin: Twin, number: int, status: str) -> None:
    """C54: nothing is booked while the money may still stay, and the delivery says which payment it waits for."""

    async def told(story: Story) -> None:
        await story.sync()
        story.bill()
        refund = story.refund(lines=first_line(story))
        refund["transactions"][0]["status"] = status
        with pytest.raises(UnmappedReference) as raised:
            story.planned(refund)
        assert (raised.value.kind, raised.value.reference) == ("payment", str(refund["transactions"][0]["id"]))
        assert status in raised.value.what
        assert story.credits == []

    tell(case, twin, number, told)


def test_shipping_alone_is_credited_with_its_tax_apart(case: Case, twin: Twin, number: int) -> None:
    """C53, C30: a refund of shipping only: its net at the shipping item, its tax at the tax item."""

    async def told(story: Story) -> None:
        await story.sync()
        story.bill()
        refund = story.refund(lines={}, shipping=True)
        shipping = refund["refund_shipping_lines"][0]
        net = Decimal(shipping["subtotal_amount_set"]["shop_money"]["amount"])
        tax = Decimal(shipping["tax_amount_set"]["shop_money"]["amount"])
        assert tax
        await story.book(refund)
        (memo,) = story.credits
        assert [(row["description"], row["amount"]) for row in memo["item"]] == [("Shipping", net), ("Tax", tax)]

    tell(case, twin, number, told)


def test_a_dearer_replacement_leaves_the_customer_owing_the_difference(case: Case, twin: Twin, number: int) -> None:
    """C42: the returned piece is a credit memo of its own worth though no money moved, the new one asks for an invoice of
    its own worth, and no line is made up to bring them together."""

    async def told(story: Story) -> None:
        await story.sync()
        story.bill()
        invoiced = story.sales_order["total"]
        refund = story.refund(lines=first_line(story))
        refund["transactions"] = []
        worth = Decimal(refund["refund_line_items"][0]["subtotal_set"]["shop_money"]["amount"])
        worth += Decimal(refund["refund_line_items"][0]["total_tax_set"]["shop_money"]["amount"])
        await story.book(refund)
        (memo,) = story.credits
        assert memo["total"] == worth
        assert {row["description"] for row in memo["item"] if "description" in row} <= {"Tax"}
        dearer = worth + 10
        story.edit(add=[DraftLine(PRODUCTS[1], 1, dearer, taxable=False)])
        refused = await story.sync()
        assert isinstance(refused, Refused) and not refused.waiting_for
        assert f"booked {invoiced} of this order and credited {worth}" in refused.message
        assert f"of {dearer} in NetSuite" in refused.message

    tell(case, twin, number, told)


def test_an_exchange_of_this_minute_waits_for_its_credit_memo(case: Case, twin: Twin, number: int) -> None:
    """C42: the order comes before the credit memo of its exchange: a person who is asked then would be told an amount that
    is wrong by what is credited a moment later. Control: an hour later it is for a person at once."""

    async def told(story: Story) -> None:
        await story.sync()
        story.bill()
        refund = story.refund(lines=first_line(story))
        refund["transactions"] = []
        story.edit(add=[DraftLine(PRODUCTS[1], 1, Decimal("300.00"), taxable=False)])
        waits = await story.sync()
        assert isinstance(waits, Refused) and waits.waiting_for == f"credit:{story.reference}"
        await story.book(refund)
        told_now = await story.sync()
        assert isinstance(told_now, Refused) and "of 300.00 in NetSuite" in told_now.message
        story.shop["updated_at"] = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        asked = await story.sync()
        assert isinstance(asked, Refused) and not asked.waiting_for and "of 300.00 in NetSuite" in asked.message

    tell(case, twin, number, told, placed=datetime.now(UTC) - timedelta(hours=2))


def test_cancelled_after_the_invoice_ends_when_all_is_credited(case: Case, twin: Twin, number: int) -> None:
    """C43: an invoiced order that is cancelled is refused until its credit memo is there, and is done then."""

    async def told(story: Story) -> None:
        await story.sync()
        story.bill()
        change = changes.cancel(story.shop, story.later())
        story.shop = change.order
        refused = await story.sync()
        assert isinstance(refused, Refused) and refused.code == "ALREADY_BILLED"
        await story.book(change.events[-1][1])
        done = await story.sync()
        assert isinstance(done, Done) and "credited with" in done.detail

    tell(case, twin, number, told)


def test_a_refund_of_nothing_makes_no_document(case: Case, twin: Twin, number: int) -> None:
    """C53: a return without a refund moves stock and no money."""

    async def told(story: Story) -> None:
        refund = story.refund(lines=first_line(story))
        refund |= {"refund_line_items": [], "transactions": []}
        plan = story.planned(refund)
        assert plan.writes == () and plan.because == "it pays nothing back"

    tell(case, twin, number, told)


def test_the_twin_takes_no_credit_of_less_than_nothing(case: Case, twin: Twin, number: int) -> None:
    """A credit memo that charges would be booked on the wrong side; the twin is as strict as the ledger."""

    async def told(story: Story) -> None:
        await story.sync()
        story.bill()
        refund = story.refund(lines=first_line(story))
        write = story.planned(refund).writes[0]
        body = json.loads(write.body)
        body["item"]["items"] = [body["item"]["items"][0] | {"amount": -5}]
        refused = await story.send(
            Write(operation=write.operation, once=write.once, reference=write.reference, body=json.dumps(body).encode())
        )
        assert isinstance(refused, Refused) and "may not be negative" in refused.message

    tell(case, twin, number, told)


def test_a_refund_that_does_not_say_how_its_prices_are_is_not_guessed() -> None:
    """C28: net and tax of a refund of which the payments fit neither way stop with the next move."""
    order = make_order(random.Random(5), 5, "tax_included", placed_at=PLACED)
    record = changes.refund(order, PLACED + timedelta(hours=1)).events[0][1]
    assert Story.canonical("refund", record).total.shop.amount == Decimal(record["transactions"][0]["amount"])
    record["transactions"][0]["amount"] = "1.00"
    with pytest.raises(MappingError) as raised:
        Story.canonical("refund", record)
    assert raised.value.path == "$.taxes_included" and "read again" in raised.value.next_move


def test_an_answer_that_was_lost_pays_once(case: Case, twin: Twin, number: int) -> None:
    """C57: the credit memo was made and its answer lost: uncertain, sent again, and there is one."""

    async def told(story: Story) -> None:
        await story.sync()
        story.bill()
        refund = story.refund(lines=first_line(story))
        story.twin.fail(kind="reset_after", count=1, match={"path": "/record/v1/creditMemo", "method": "PUT"})
        assert isinstance(await story.book(refund), Uncertain)
        assert len(story.credits) == 1
        assert isinstance(await story.book(refund), Done)
        (memo,) = story.credits
        assert story.twin.effects("creditMemo.create", memo["externalId"]) == 1

    tell(case, twin, number, told)


def test_control_without_a_name_of_its_own_a_refund_pays_twice(case: Case, twin: Twin, number: int) -> None:
    """Control for C57: the same body sent by POST without our external id makes two."""

    async def told(story: Story) -> None:
        await story.sync()
        story.bill()
        body = json.loads(story.planned(story.refund(lines=first_line(story))).writes[0].body)
        del body["externalId"], body[compensation.MOMENT]
        before = len(story.records("creditMemo", ""))
        for _ in range(2):
            story.person("POST", "/creditMemo", body | {"entity": {"id": story.sales_order["entity"]["id"]}})
        assert len(story.records("creditMemo", "")) == before + 2

    tell(case, twin, number, told)


def test_goods_without_an_item_of_their_sku_go_to_the_stand_in(case: Case) -> None:
    """C26: a refund tells no variant; without the stand-in it waits for the item, it is never booked anywhere else."""
    order = make_order(random.Random(6), 6, "tax_excluded", placed_at=PLACED)
    refund = Story.canonical(
        "refund", changes.refund(order, PLACED + timedelta(hours=1)).events[0][1] | {"taxes_included": False}
    )
    assert case.vendor == "netsuite"
    items = Items(rule="variant", system="netsuite")
    table = NETSUITE.table_out("refund", "creditMemo")
    writer = compile_out(table, CONTRACTS["refund.v1"], connector_functions("netsuite"))
    with pytest.raises(UnmappedReference):
        writer(refund, Context(system="netsuite", settings=SETTINGS, items=items))
    body = writer(refund, Context(system="netsuite", settings={**SETTINGS, "refund_item": "88"}, items=items))
    assert json.loads(body)["item"]["items"][0]["item"] == {"id": "88"}


def test_the_operation_is_declared() -> None:
    """Invariant 3: the credit memo is an upsert under a reference of its own."""
    declared = registry.manifest("netsuite").operation(refund_plan.CREDIT_UPSERT)
    assert declared.object == "refund" and declared.once is not None and declared.once.value == "upsert"
