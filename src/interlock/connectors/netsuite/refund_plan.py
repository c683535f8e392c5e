"""What becomes of a refund: one credit memo, and what each payment paid out of it (C34, C54, C57)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from interlock.connectors.contract import Plan, UnmappedReference, Write, warnings_of, with_members
from interlock.connectors.netsuite import booked
from interlock.connectors.netsuite.compensation import MOMENT, credit_of
from interlock.connectors.netsuite.drafting import Drafting, reference_of
from interlock.connectors.netsuite.payouts import PAYMENT, PAYS_BACK

CREDIT_UPSERT: Final = "creditMemo.upsert"
PAYOUT_UPSERT: Final = "customerRefund.upsert"
REFUND_ACCOUNTS: Final = "refund_accounts"
"""The setting without which no customer refunds are written: finance may make them by hand, and twice would be wrong."""
CREDIT_GATEWAYS: Final = {"gift_card": "a gift card", "shopify_store_credit": "store credit"}
"""Shopify's names of what pays back no money: gateway of OrderTransaction, Admin API 2026-07."""
OWED_STILL: Final = (
    "{paid.amount} {paid.currency} went back as {gateway}: close that part of the credit memo against its liability"
)
NOT_PAID_OUT: Final = (
    "{paid.amount} {paid.currency} of the credit memo was paid out over {gateway}: no customer refund is written, "
    "because refund_accounts is not set"
)
STAYS_OPEN: Final = (
    "{rest.amount} {rest.currency} of the credit memo was not paid out: it stays open there, and is the customer's"
)


def plan_refund(draft: Drafting, refund: Any) -> Plan:
    """One credit memo for one refund (C57), and what each payment paid out of it (C34). It waits while a payment may
    still fail (C54).
    """
    for payment in refund.transactions:
        if payment.status != "success":
            raise PaymentNotThere(payment.id, payment.status)
    order = reference_of(refund.origin, refund.order_id)
    if not refund.total:
        return Plan(because="it pays nothing back", wakes=credit_of(order))
    build = draft.builder("creditMemo")
    built, told = draft.body(build, refund)
    body = with_members(built, {MOMENT: refund.created_at})
    credit = draft.write(CREDIT_UPSERT, f"{order}{booked.REFUND}{refund.id}", body)
    pays_out = bool(draft.setting(REFUND_ACCOUNTS))
    payouts = _payouts(draft, refund, credit.reference) if pays_out else ()
    warnings = (*warnings_of(build, refund), *told, *(_stays_open(refund) if pays_out else _not_paid_out(refund)))
    return Plan(writes=(credit, *payouts), warnings=warnings, wakes=credit_of(order))


def _payouts(draft: Drafting, refund: Any, credit: str) -> tuple[Write, ...]:
    """A payment has its crosswalk and version fence to itself: several of one refund are written each on its own.
    MappingError when a gateway has no account.
    """
    build = draft.builder("customerRefund")
    return tuple(
        msgspec.structs.replace(
            draft.write(
                PAYOUT_UPSERT,
                f"{credit}{PAYMENT}{one.id}",
                build(msgspec.structs.replace(refund, transactions=[one])),
            ),
            object="payment",
            key=one.id,
        )
        for one in _paid_back(refund)
    )


def _paid_back(refund: Any) -> list[Any]:
    """The payments that gave something to the customer."""
    return [one for one in refund.transactions if one.kind in PAYS_BACK and one.amount]


def _not_paid_out(refund: Any) -> tuple[str, ...]:
    """What finance closes by hand: money against its clearing account, what did not leave the house against what is owed."""
    return tuple(
        OWED_STILL.format(paid=one.amount.presentment, gateway=CREDIT_GATEWAYS[one.gateway])
        if one.gateway in CREDIT_GATEWAYS
        else NOT_PAID_OUT.format(paid=one.amount.presentment, gateway=one.gateway)
        for one in _paid_back(refund)
    )


def _stays_open(refund: Any) -> tuple[str, ...]:
    """What was credited and went out over no payment: goods that pay for others, or for what was still owed."""
    rest = refund.total
    for one in _paid_back(refund):
        rest = rest - one.amount
    return (STAYS_OPEN.format(rest=rest.presentment),) if rest.presentment.amount > 0 else ()


class PaymentNotThere(UnmappedReference):
    """A refund whose money has not gone back: it waits, and is looked at again every quarter of an hour."""

    def __init__(self, payment: str, status: str) -> None:
        super().__init__("payment", payment, system="netsuite", path="$.transactions")
        self.code = "MAP013"
        self.what = f"the payment {payment} of this refund is {status}: it is booked when the money has gone back"
        self.why = "a payment that is pending may still fail, and one that failed paid nothing back"
        self.next_move = "nothing while it is pending; pay it again in the shop when it failed"
