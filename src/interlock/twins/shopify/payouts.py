"""Shopify Payments: balance transactions with fees, payouts that gather them, disputes that take money back.

Facts F59 and C92: a transaction exists before its payout does (PENDING) and learns it later; a payout is SCHEDULED,
IN_TRANSIT, PAID, FAILED or CANCELED; fees and payouts are in the payout currency. The fee (2.9 % and 0.30) and that of a
dispute (15.00) are made up. Only what was paid through `shopify_payments` comes here (F60).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from interlock.twins.shopify import payments
from interlock.twins.shopify.books import BOOK, follow
from interlock.twins.shopify.orders import timestamp
from interlock.twins.shopify.store import Store
from interlock.twins.world import World

GATEWAY = "shopify_payments"
PAYMENT, PAYOUT, DISPUTE = "balance_transaction", "payout", "dispute"
FEE_SHARE, FEE_FIXED, DISPUTE_FEE = Decimal("0.029"), Decimal("0.30"), Decimal("15.00")
CENT = Decimal("0.01")
STATUSES = {"schedule": "SCHEDULED", "transit": "IN_TRANSIT", "pay": "PAID", "fail": "FAILED", "cancel": "CANCELED"}
OPEN_DISPUTES = frozenset({"NEEDS_RESPONSE", "UNDER_REVIEW"})
OUTCOMES = {"review": "UNDER_REVIEW", "win": "WON", "lose": "LOST", "accept": "ACCEPTED"}
CHARGES = {"sale": "CHARGE", "capture": "CHARGE", "refund": "REFUND"}

Row = dict[str, Any]
Emit = Callable[[str, dict[str, Any]], Any]


@dataclass
class PayoutBook:
    """The account at Shopify Payments. `rate` turns the shop's currency into that of the payouts."""

    world: World
    store: Store
    emit: Emit
    currency: str
    rate: Decimal = Decimal(1)

    def settle(self, day: str | None = None) -> list[Row]:
        """Balance transactions for payments and refunds of orders up to the end of a day that have none yet."""
        known = {row["source"] for _, row in self.world.rows(PAYMENT)}
        made = []
        for row in list(self.store.orders()):
            order = self.store.order(str(row["id"]))
            for one in self._payments(order) if order else ():
                late = day is not None and self._day(one["processed_at"]) > day
                if one["id"] not in known and not late:
                    made.append(self._transaction(order or {}, one))
        self._keep(PAYMENT, made)
        return made

    def pay_out(self) -> Row | None:
        """A payout of all that is pending; None when nothing is."""
        pending = [row for _, row in self.world.rows(PAYMENT) if row["payout"] is None]
        if not pending:
            return None
        number = self.world.next_id(PAYOUT)
        net = sum((Decimal(row["amount"]) - Decimal(row["fee"]) for row in pending), Decimal(0))
        payout = {
            "id": number,
            "status": "SCHEDULED",
            "issued_at": self._now(),
            "net": str(net),
            "direction": "DEPOSIT" if net >= 0 else "WITHDRAWAL",
            "summary": _summary(pending),
        }
        self.world.apply(
            "payout.create",
            number,
            (PAYOUT, number, payout),
            *((PAYMENT, row["id"], {**row, "payout": number}) for row in pending),
        )
        return payout

    def turn(self, number: str, step: str) -> Row | None:
        """Let a payout go on: schedule, transit, pay, fail or cancel. A canceled one gives its transactions back."""
        payout = self.world.get(PAYOUT, number)
        if payout is None or step not in STATUSES:
            return None
        payout = {**payout, "status": STATUSES[step]}
        mine = [row for _, row in self.world.rows(PAYMENT) if row["payout"] == number]
        freed = [(PAYMENT, row["id"], {**row, "payout": None}) for row in mine if step == "cancel"]
        self.world.apply(f"payout.{step}", number, (PAYOUT, number, payout), *freed)
        return payout

    def adjust(self, amount: Decimal, reason: str) -> Row:
        """An adjustment that belongs to no order."""
        row = self._row("ADJUSTMENT", amount, Decimal(0), source_type="ADJUSTMENT", reason=reason)
        self._keep(PAYMENT, [row])
        return row

    def dispute(self, order: Mapping[str, Any], amount: Decimal | None, reason: str, kind: str) -> Row:
        """A customer's bank takes money back: a dispute, its withdrawal and its fee; sends disputes/create."""
        number = self.world.next_id(DISPUTE)
        taken = self._converted(Decimal(order["total_price"]) if amount is None else amount)
        dispute = {
            "id": int(number),
            "order_id": order["id"],
            "type": kind.lower(),
            "amount": str(taken),
            "currency": self.currency,
            "reason": reason.lower(),
            "network_reason_code": "4837",
            "status": "NEEDS_RESPONSE",
            "evidence_due_by": self._now(),
            "evidence_sent_on": None,
            "finalized_on": None,
            "initiated_at": self._now(),
        }
        held = self._row("DISPUTE_WITHDRAWAL", -taken, DISPUTE_FEE, order, source_type="DISPUTE", source_id=number)
        self.world.apply("dispute.create", number, (DISPUTE, number, dispute), (PAYMENT, held["id"], held))
        self.emit("disputes/create", dispute_body(dispute))
        return dispute

    def decide(self, number: str, outcome: str) -> Row | None:
        """review, win (the money and the fee come back), lose or accept; sends disputes/update."""
        dispute = self.world.get(DISPUTE, number)
        if dispute is None or outcome not in OUTCOMES or dispute["status"] not in OPEN_DISPUTES:
            return None
        status = OUTCOMES[outcome]
        ended = None if status in OPEN_DISPUTES else self._now()
        dispute = {**dispute, "status": status, "finalized_on": ended}
        back = []
        if status == "WON":
            order = self.store.order(str(dispute["order_id"])) or {}
            amount = Decimal(dispute["amount"])
            row = self._row("DISPUTE_REVERSAL", amount, -DISPUTE_FEE, order, source_type="DISPUTE", source_id=number)
            back = [(PAYMENT, row["id"], row)]
        self.world.apply(f"dispute.{outcome}", number, (DISPUTE, number, dispute), *back)
        self.emit("disputes/update", dispute_body(dispute))
        return dispute

    def balance(self) -> Decimal:
        """What is neither paid out nor on its way."""
        return sum(
            (
                Decimal(row["amount"]) - Decimal(row["fee"])
                for _, row in self.world.rows(PAYMENT)
                if row["payout"] is None
            ),
            Decimal(0),
        )

    def _payments(self, order: Row) -> Iterable[Row]:
        """The order's successful payments and refunds through this account."""
        book = self.world.get(BOOK, str(order["id"])) or follow(order, None, self.store.shop.location_id)
        for one in payments.all_transactions(order, book):
            if one["kind"] in CHARGES and one["status"] == "success" and one["gateway"] == GATEWAY:
                yield {**one, "shop_amount": payments.amount_of(book, one).shop}

    def _transaction(self, order: Row, payment: Row) -> Row:
        kind = CHARGES[payment["kind"]]
        amount = self._converted(Decimal(payment["shop_amount"]))
        fee = (amount * FEE_SHARE + self._converted(FEE_FIXED)).quantize(CENT) if kind == "CHARGE" else Decimal(0)
        signed = amount if kind == "CHARGE" else -amount
        at = payment["processed_at"]
        return self._row(kind, signed, fee, order, source=payment["id"], source_type=kind, at=at)

    def _row(
        self,
        kind: str,
        amount: Decimal,
        fee: Decimal,
        order: Mapping[str, Any] | None = None,
        *,
        source: int | None = None,
        source_type: str,
        source_id: str | None = None,
        reason: str | None = None,
        at: str | None = None,
    ) -> Row:
        number = self.world.next_id(PAYMENT)
        return {
            "id": number,
            "type": kind,
            "amount": str(amount),
            "fee": str(fee),
            "order_id": order["id"] if order else None,
            "order_name": order["name"] if order else None,
            "source": source,
            "source_type": source_type,
            "source_id": source_id,
            "reason": reason,
            "at": at or self._now(),
            "test": bool(order and order["test"]),
            "payout": None,
        }

    def _keep(self, kind: str, rows: list[Row]) -> None:
        if rows:
            self.world.remember(*((kind, row["id"], row) for row in rows))

    def _converted(self, amount: Decimal) -> Decimal:
        return (amount * self.rate).quantize(CENT)

    def _day(self, at: str) -> str:
        zone = ZoneInfo(self.store.shop.iana_timezone)
        return datetime.fromisoformat(at).astimezone(zone).date().isoformat()

    def _now(self) -> str:
        return timestamp(self.store.now())


def _summary(rows: list[Row]) -> dict[str, dict[str, str]]:
    """Gross and fees by what the transactions are."""
    parts = {"charges": ("CHARGE",), "refunds": ("REFUND",)}
    found = {}
    for name, types in parts.items():
        found[name] = _sums([row for row in rows if row["type"] in types])
    found["adjustments"] = _sums([row for row in rows if row["type"] not in {"CHARGE", "REFUND"}])
    return found


def _sums(rows: list[Row]) -> dict[str, str]:
    gross = sum((Decimal(row["amount"]) for row in rows), Decimal(0))
    return {"gross": str(gross), "fee": str(sum((Decimal(row["fee"]) for row in rows), Decimal(0)))}


def dispute_body(dispute: Row) -> dict[str, Any]:
    """The body of disputes/create and disputes/update (published sample, 2026-07)."""
    return {**dispute, "status": dispute["status"].lower()}
