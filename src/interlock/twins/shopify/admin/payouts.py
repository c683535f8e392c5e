"""Shopify Payments in the Admin API: the account with its payouts, balance transactions and disputes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.twins.shopify.admin.connections import connection
from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid
from interlock.twins.shopify.admin.search import Searched, search
from interlock.twins.shopify.indexes import seconds
from interlock.twins.shopify.payouts import DISPUTE, OUTCOMES, PAYMENT, PAYOUT, STATUSES, PayoutBook
from interlock.twins.vendor import answer, read_json
from interlock.twins.world import World

Row = Mapping[str, Any]
PAYOUT_SEARCH = {
    "id": Searched(lambda row: row["id"], "id"),
    "issued_at": Searched(lambda row: row["issued_at"], "time"),
    "status": Searched(lambda row: row["status"]),
    "amount": Searched(lambda row: row["net"], "number"),
}
TRANSACTION_SEARCH = {
    "id": Searched(lambda row: row["id"], "id"),
    "payments_transfer_id": Searched(lambda row: row["payout"] or 0, "id"),
    "processed_at": Searched(lambda row: row["at"], "time"),
    "transaction_type": Searched(lambda row: row["type"]),
}
DISPUTE_SEARCH = {
    "id": Searched(lambda row: row["id"], "id"),
    "initiated_at": Searched(lambda row: row["initiated_at"], "time"),
    "status": Searched(lambda row: row["status"]),
}


def account(shop: ShopContext, _: Any, __: dict[str, Any]) -> dict[str, Any]:
    """shopifyPaymentsAccount: there is always one."""
    return {
        "id": gid("ShopifyPaymentsAccount", shop.shop.shop_id),
        "activated": True,
        "onboardable": False,
        "country": "US",
        "accountOpenerName": shop.shop.name,
        "payoutStatementDescriptor": None,
        "defaultCurrency": currency(shop),
    }


def currency(shop: ShopContext) -> str:
    """What payouts are paid in."""
    return str(shop.config.get("payout_currency", shop.shop.currency))


def balance(shop: ShopContext, _: Any, __: dict[str, Any]) -> Any:
    pending = (row for _, row in shop.world.rows(PAYMENT) if row["payout"] is None)
    return [_money(shop, sum((Decimal(row["amount"]) - Decimal(row["fee"]) for row in pending), Decimal(0)))]


def payouts(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    found = search(arguments.get("query"), PAYOUT_SEARCH, shop=shop, path="payouts")
    direction = arguments.get("transactionType")
    newest_first = {**arguments, "reverse": not arguments.get("reverse")}
    return connection(
        sorted((row for _, row in shop.world.rows(PAYOUT)), key=_issued),
        newest_first,
        key=_issued,
        wanted=lambda row: direction in (None, row["direction"]) and found.wanted(row),
        show=lambda row: payout_view(shop, row),
    )


def transactions(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    found = search(arguments.get("query"), TRANSACTION_SEARCH, shop=shop, path="balanceTransactions")
    rows = sorted((row for _, row in shop.world.rows(PAYMENT)), key=_processed)
    newest_first = {**arguments, "reverse": not arguments.get("reverse")}
    return connection(
        rows, newest_first, key=_processed, wanted=found.wanted, show=lambda row: transaction_view(shop, row)
    )


def disputes(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    found = search(arguments.get("query"), DISPUTE_SEARCH, shop=shop, path="disputes")
    rows = sorted((row for _, row in shop.world.rows(DISPUTE)), key=lambda row: int(row["id"]))
    return connection(
        rows, arguments, key=lambda row: int(row["id"]), wanted=found.wanted, show=lambda row: dispute_view(shop, row)
    )


def payout_view(shop: ShopContext, row: Row) -> dict[str, Any]:
    """A record as the schema's ShopifyPaymentsPayout."""
    summary = row["summary"]
    nothing = _money(shop, Decimal(0))
    return {
        "__typename": "ShopifyPaymentsPayout",
        "id": gid("ShopifyPaymentsPayout", row["id"]),
        "legacyResourceId": row["id"],
        "issuedAt": row["issued_at"],
        "status": row["status"],
        "transactionType": row["direction"],
        "externalTraceId": None,
        "net": _money(shop, row["net"]),
        "summary": {
            "chargesGross": _money(shop, summary["charges"]["gross"]),
            "chargesFee": _money(shop, summary["charges"]["fee"]),
            "refundsFeeGross": _money(shop, summary["refunds"]["gross"]),
            "refundsFee": _money(shop, summary["refunds"]["fee"]),
            "adjustmentsGross": _money(shop, summary["adjustments"]["gross"]),
            "adjustmentsFee": _money(shop, summary["adjustments"]["fee"]),
            **dict.fromkeys(NOTHING_OF, nothing),
        },
    }


NOTHING_OF = (
    "advanceFees",
    "advanceGross",
    "reservedFundsFee",
    "reservedFundsGross",
    "retriedPayoutsFee",
    "retriedPayoutsGross",
    "usdcRebateCreditAmount",
)


def transaction_view(shop: ShopContext, row: Row) -> dict[str, Any]:
    """A record as the schema's ShopifyPaymentsBalanceTransaction."""
    payout = shop.world.get(PAYOUT, row["payout"]) if row["payout"] else None
    named = {"id": gid("Order", row["order_id"]), "name": row["order_name"]} if row["order_id"] else None
    return {
        "__typename": "ShopifyPaymentsBalanceTransaction",
        "id": gid("ShopifyPaymentsBalanceTransaction", row["id"]),
        "type": row["type"],
        "amount": _money(shop, row["amount"]),
        "fee": _money(shop, row["fee"]),
        "net": _money(shop, Decimal(row["amount"]) - Decimal(row["fee"])),
        "test": row["test"],
        "transactionDate": row["at"],
        "sourceType": row["source_type"],
        "sourceId": row["source_id"] or row["source"],
        "sourceOrderTransactionId": row["source"],
        "associatedOrder": named,
        "associatedPayout": {
            "id": gid("ShopifyPaymentsPayout", row["payout"]) if row["payout"] else None,
            "status": payout["status"] if payout else "PENDING",
        },
        "adjustmentReason": row["reason"],
        "adjustmentsOrders": [],
    }


def dispute_view(shop: ShopContext, row: Row) -> dict[str, Any]:
    """A record as the schema's ShopifyPaymentsDispute."""
    return {
        "__typename": "ShopifyPaymentsDispute",
        "_row": row,
        "id": gid("ShopifyPaymentsDispute", row["id"]),
        "legacyResourceId": row["id"],
        "status": row["status"],
        "type": row["type"].upper(),
        "amount": _money(shop, row["amount"]),
        "initiatedAt": row["initiated_at"],
        "evidenceDueBy": row["evidence_due_by"],
        "evidenceSentOn": row["evidence_sent_on"],
        "finalizedOn": row["finalized_on"],
        "reasonDetails": {"reason": row["reason"].upper(), "networkReasonCode": row["network_reason_code"]},
    }


def _money(shop: ShopContext, amount: Any) -> dict[str, Any]:
    return {"amount": amount, "currencyCode": currency(shop)}


def _issued(row: Any) -> Any:
    return (seconds(row["issued_at"]), int(row["id"]))


def _processed(row: Any) -> Any:
    return (seconds(row["at"]), int(row["id"]))


RESOLVERS: dict[str, Resolver] = {
    "QueryRoot.shopifyPaymentsAccount": account,
    "ShopifyPaymentsAccount.balance": balance,
    "ShopifyPaymentsAccount.payouts": payouts,
    "ShopifyPaymentsAccount.balanceTransactions": transactions,
    "ShopifyPaymentsAccount.disputes": disputes,
    "ShopifyPaymentsDispute.order": lambda shop, parent, _: shop.node(gid("Order", parent["_row"]["order_id"])),
}


def _load_payout(shop: ShopContext, number: str) -> dict[str, Any] | None:
    row = shop.world.get(PAYOUT, number)
    return None if row is None else payout_view(shop, row)


def _load_dispute(shop: ShopContext, number: str) -> dict[str, Any] | None:
    row = shop.world.get(DISPUTE, number)
    return None if row is None else dispute_view(shop, row)


NODES = {"ShopifyPaymentsPayout": _load_payout, "ShopifyPaymentsDispute": _load_dispute}


class PayoutRoutes:
    """The commands that let money move: settle a day, pay out, end a payout, open and decide disputes."""

    def __init__(self, book: PayoutBook, world: World) -> None:
        self._book, self._world = book, world

    def control_routes(self) -> list[BaseRoute]:
        return [
            Route("/payouts", self.list_all, methods=["GET"]),
            Route("/payouts", self.settle, methods=["POST"]),
            Route("/payouts/{number}/{step}", self.turn, methods=["POST"]),
            Route("/adjustments", self.adjust, methods=["POST"]),
            Route("/disputes", self.open_dispute, methods=["POST"]),
            Route("/disputes/{number}/{outcome}", self.decide, methods=["POST"]),
        ]

    async def list_all(self, _: Request) -> Response:
        """GET /_twin/payouts: payouts and balance transactions."""
        kinds = {"payouts": PAYOUT, "balance_transactions": PAYMENT, "disputes": DISPUTE}
        found = {name: [row for _, row in self._world.rows(kind)] for name, kind in kinds.items()}
        return answer({**found, "balance": str(self._book.balance())})

    async def settle(self, request: Request) -> Response:
        """POST /_twin/payouts {"day": "2026-07-01", "pay": true}: settle up to a day (all), then pay out unless false."""
        raw = await request.body()
        asked = await read_json(request) if raw else {}
        made = self._book.settle(asked.get("day"))
        payout = self._book.pay_out() if asked.get("pay", True) else None
        return answer({"balance_transactions": made, "payout": payout}, 201)

    async def turn(self, request: Request) -> Response:
        """POST /_twin/payouts/{id}/{schedule|transit|pay|fail|cancel}."""
        payout = self._book.turn(request.path_params["number"], request.path_params["step"])
        return answer({"payout": payout} if payout else {"steps": sorted(STATUSES)}, 200 if payout else 404)

    async def adjust(self, request: Request) -> Response:
        """POST /_twin/adjustments {"amount": "-12.00", "reason": "..."}."""
        asked = await read_json(request)
        row = self._book.adjust(Decimal(str(asked["amount"])), str(asked.get("reason", "adjustment")))
        return answer({"balance_transaction": row}, 201)

    async def open_dispute(self, request: Request) -> Response:
        """POST /_twin/disputes {"order": "1001", "amount": null, "reason": "FRAUDULENT", "type": "CHARGEBACK"}."""
        asked = await read_json(request)
        order = self._book.store.order(str(asked.get("order", "")))
        if order is None:
            return answer({"error": "no such order"}, 404)
        amount = None if asked.get("amount") is None else Decimal(str(asked["amount"]))
        reason, kind = str(asked.get("reason", "FRAUDULENT")), str(asked.get("type", "CHARGEBACK"))
        return answer({"dispute": self._book.dispute(order, amount, reason, kind)}, 201)

    async def decide(self, request: Request) -> Response:
        """POST /_twin/disputes/{id}/{review|win|lose|accept}."""
        dispute = self._book.decide(request.path_params["number"], request.path_params["outcome"])
        return answer({"dispute": dispute} if dispute else {"outcomes": sorted(OUTCOMES)}, 200 if dispute else 404)
