"""Money cases as data: `cases/money/*.toml` says in a few words what an order or a refund is, and every amount it must become.

All amounts are literal. `sum` is the working by hand, `checked` the day it was done (tests/house/test_hand_sums.py has its form and
proves its arithmetic). `a / b` is an amount in the shop's currency and in the customer's; one amount stands for both.

An order: `lines` have price (of a piece), quantity, left (pieces after edits and refunds), discount (one or several), tax and duty
(of the ordered quantity), gift, tip or custom (of no product); a tax that the channel owes is `{ amount, channel = true }`.
`shipping` has price, discount, tax, left (of the price after discounts); `says` is what Shopify states in its current_* fields;
`members` are other fields of the order as Shopify writes them. `is` has the canonical components, those not named are zero; `tells`
other canonical fields by their path; `nets` those of the lines; `rows` the lines of the NetSuite sales order, item and amount (what
is nothing in one currency only has no row there); `value` is Klaviyo's, `parcel` ShipBob's (it takes US dollars only).

A refund: `refund.lines` have subtotal, tax, quantity, restock; `gives` has its canonical parts, `rows` the lines of the credit memo.
"""

import copy
import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

CASES = Path(__file__).parent / "cases"
BASE = json.loads((CASES / "base.order.json").read_text("utf-8"))
PARTS = (
    "items", "discounts", "shipping", "tax", "tips", "gift_cards", "duties", "additional_fees", "cash_rounding", "difference",
    "channel_tax",
)  # fmt: skip

Case = dict[str, Any]
Pair = tuple[Decimal, Decimal]


def money_cases() -> list[tuple[str, Case]]:
    """Every case with the stem of its file, in order."""
    return [
        (file.stem, case)
        for file in sorted((CASES / "money").glob("*.toml"))
        for case in tomllib.loads(file.read_text("utf-8"))["case"]
    ]


def parameters(kind: str) -> list[Any]:
    """The cases that have `kind` (lines or refund), named by id and theme."""
    return [pytest.param(case, id=f"{case['id']} {theme}") for theme, case in money_cases() if kind in case]


def pair(text: str) -> Pair:
    """`a / b`, or one amount for both."""
    shop, _, presentment = text.partition(" / ")
    return Decimal(shop), Decimal(presentment or shop)


def codes(case: Case) -> tuple[str, str]:
    currency = case.get("currency", "USD")
    return currency, case.get("presentment", currency)


class Writer:
    """Writes a case in Shopify's form."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.codes = codes(case)

    def price_set(self, text: str) -> dict[str, Any]:
        sides = zip(("shop_money", "presentment_money"), pair(text), self.codes, strict=True)
        return {name: {"amount": str(amount), "currency_code": code} for name, amount, code in sides}

    def order(self) -> bytes:
        """The body of orders/updated."""
        case, says = self.case, self.case["says"]
        order = copy.deepcopy(BASE)
        order |= {"currency": self.codes[0], "presentment_currency": self.codes[1]}
        order["taxes_included"] = case.get("included", False)
        order["line_items"] = [self.line(number, line) for number, line in enumerate(case["lines"], 1)]
        order["shipping_lines"] = [self.freight(line) for line in case.get("shipping", [])]
        order["total_tip_received"] = case.get("tip", "0.00")
        order["current_subtotal_price_set"] = self.price_set(says.get("subtotal", "0"))
        order["current_total_discounts_set"] = self.price_set(says.get("discounts", "0"))
        order["current_total_tax_set"] = self.price_set(says.get("tax", "0"))
        order["current_total_price_set"] = order["total_price_set"] = self.price_set(says["total"])
        order["current_total_duties_set"] = self.price_set(case["duties"]) if "duties" in case else None
        order["current_total_additional_fees_set"] = self.price_set(case["fee"]) if "fee" in case else None
        order["total_cash_rounding_payment_adjustment_set"] = self.price_set(case.get("rounding", "0"))
        order["total_cash_rounding_refund_adjustment_set"] = self.price_set("0")
        order["tax_lines"] = [
            row for part in (*order["line_items"], *order["shipping_lines"]) for row in part["tax_lines"]
        ]
        order |= {name: case[name] for name in ("cancelled_at", "financial_status") if name in case}
        order |= case.get("members", {})
        return json.dumps(order).encode()

    def line(self, number: int, line: Case) -> dict[str, Any]:
        quantity = line.get("quantity", 1)
        no_product = {"product_id": None, "variant_id": None, "product_exists": False} if line.get("custom") else {}
        return (
            copy.deepcopy(BASE["line_items"][0])
            | no_product
            | {
                "id": 9_007_199_254_741_000 + number,
                "sku": f"L{number}",
                "title": f"Line {number}",
                "price_set": self.price_set(line["price"]),
                "quantity": quantity,
                "current_quantity": line.get("left", quantity),
                "gift_card": line.get("gift", False),
                "tip": {"payment_gateway": "cash"} if line.get("tip") else None,
                "discount_allocations": self.discounts(line),
                "tax_lines": [self.tax(each) for each in line.get("tax", [])],
                "duties": [self.price_set(line["duty"])] if "duty" in line else [],
            }
        )

    def discounts(self, line: Case) -> list[dict[str, Any]]:
        told = line.get("discount", [])
        return [{"amount_set": self.price_set(amount)} for amount in ([told] if isinstance(told, str) else told)]

    def tax(self, told: str | Case) -> dict[str, Any]:
        row = {"amount": told, "channel": False} if isinstance(told, str) else told
        return {
            "title": "Tax",
            "rate": None,
            "price_set": self.price_set(row["amount"]),
            "channel_liable": row["channel"],
        }

    def freight(self, line: Case) -> dict[str, Any]:
        price, discount = pair(line["price"]), pair(line.get("discount", "0"))
        kept = f"{price[0] - discount[0]} / {price[1] - discount[1]}"
        return copy.deepcopy(BASE["shipping_lines"][0]) | {
            "price_set": self.price_set(line["price"]),
            "discounted_price_set": self.price_set(kept),
            "current_discounted_price_set": self.price_set(line.get("left", kept)),
            "is_removed": line.get("removed", False),
            "discount_allocations": self.discounts(line),
            "tax_lines": [self.tax(each) for each in line.get("tax", [])],
        }

    def refund(self) -> bytes:
        """A refund as it is read: refunds/create, and what the webhook leaves out."""
        told = self.case["refund"]
        rows = enumerate(told.get("lines", []), 1)
        document = {
            "id": 9_007_199_254_742_001,
            "order_id": BASE["id"],
            "order_name": "#1001",
            "note": None,
            "return": None,
            "created_at": "2026-03-04T10:00:00-05:00",
            "processed_at": "2026-03-04T10:00:00-05:00",
            "refund_line_items": [self.refunded(number, row) for number, row in rows],
            "refund_shipping_lines": [
                self.refunded_shipping(number, row) for number, row in enumerate(told.get("shipping", []), 1)
            ],
            "order_adjustments": [self.adjustment(row) for row in told.get("adjustments", [])],
            "total_duties_set": self.price_set(told.get("duties", "0")),
            "duties": [],
            "transactions": [self.payment(number, row) for number, row in enumerate(told.get("payments", []), 1)],
        }
        if "included" in told:
            document["taxes_included"] = told["included"]
        return json.dumps(document).encode()

    def refunded(self, number: int, row: Case) -> dict[str, Any]:
        return {
            "id": 9_007_199_254_743_000 + number,
            "line_item_id": 9_007_199_254_741_000 + number,
            "quantity": row.get("quantity", 1),
            "restock_type": row.get("restock", "return"),
            "location_id": None,
            "subtotal_set": self.price_set(row["subtotal"]),
            "total_tax_set": self.price_set(row.get("tax", "0")),
            "line_item": {"sku": f"L{number}"},
        }

    def refunded_shipping(self, number: int, row: Case) -> dict[str, Any]:
        amounts = {"subtotal_amount_set": row["subtotal"], "tax_amount_set": row.get("tax", "0")}
        return {"id": 9_007_199_254_744_000 + number} | {name: self.price_set(text) for name, text in amounts.items()}

    def adjustment(self, row: Case) -> dict[str, Any]:
        """In Shopify's sign: negative is paid back on top."""
        amounts = {"amount_set": row["amount"], "tax_amount_set": row.get("tax", "0")}
        told = {"id": 9_007_199_254_745_001, "kind": row.get("kind", "refund_discrepancy"), "reason": row.get("reason")}
        return told | {name: self.price_set(text) for name, text in amounts.items()}

    def payment(self, number: int, row: Any) -> dict[str, Any]:
        given = row if isinstance(row, dict) else {"amount": row}
        return {
            "id": 9_007_199_254_746_000 + number,
            "parent_id": None,
            "gateway": given.get("gateway", "shopify_payments"),
            "kind": "refund",
            "status": given.get("status", "success"),
            "amount": str(pair(given["amount"])[1]),
            "amount_set": self.price_set(given["amount"]),
            "processed_at": None,
        }
