"""What an order must be at three systems, worked out with Decimal from the shop's own figures and without code of the product."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import books

from interlock.cli.twin_world import TwinWorld

CHARGES = ("shipping", "tax", "channel_tax", "tip", "gift_card", "duty", "fee", "rounding", "difference")
"""The items of NetSuite that charges are booked to in these tests, named after what they are."""

THREE_DIGITS = frozenset({"KWD"})
"""Currencies of these tests whose amounts NetSuite cannot hold: it keeps two digits."""

Order = dict[str, Any]


def in_cents(amount: Decimal) -> Decimal:
    """What NetSuite keeps of an amount."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


class Judge:
    """What an order must be at three systems that count in one of its two currencies, `shop` or `presentment`."""

    def __init__(self, world: TwinWorld, side: str) -> None:
        self.world, self.side = world, side

    def amount(self, price_set: Order | None) -> Decimal:
        """The amount of a price set in this currency."""
        return Decimal(price_set[f"{self.side}_money"]["amount"]) if price_set else Decimal(0)

    def currency(self, order: Order) -> str:
        """The code of this currency."""
        return str(order["currency" if self.side == "shop" else "presentment_currency"])

    def expected_charges(self, order: Order) -> dict[str, Decimal]:
        """What each kind of charge comes to in the order's present state."""
        shipping = [row for row in order["shipping_lines"] if not row["is_removed"]]
        tax_of_shipping = sum((self.still(row, row["tax_lines"], "price_set") for row in shipping), Decimal(0))
        gift_cards = [line for line in order["line_items"] if line["gift_card"]]
        return {
            "shipping": sum((self.amount(row["current_discounted_price_set"]) for row in shipping), Decimal(0))
            - (tax_of_shipping if order["taxes_included"] else 0),
            **dict.fromkeys(("tax", "channel_tax"), Decimal(0)),
            "channel_tax" if order["merchant_of_record_app_id"] else "tax": self.amount(order["current_total_tax_set"]),
            "tip": Decimal(order["total_tip_received"]),
            "gift_card": sum(
                (self.amount(line["price_set"]) * line["current_quantity"] for line in gift_cards), Decimal(0)
            ),
            "duty": self.amount(order["current_total_duties_set"]),
            "fee": self.amount(order["current_total_additional_fees_set"]),
        }

    def still(self, row: Order, parts: list[Order], name: str) -> Decimal:
        """The share of a shipping line's parts that is left with its price."""
        whole, left = self.amount(row["discounted_price_set"]), self.amount(row["current_discounted_price_set"])
        amount = sum((self.amount(part[name]) for part in parts), Decimal(0))
        return amount if whole == left else (amount * left / whole).quantize(Decimal("0.01"), "ROUND_HALF_UP")

    def erp(self, key: str, order: Order) -> None:
        """C28-C35: the rows make the total, each charge is at its own item, and nothing is left unexplained but what rows of
        two digits lack of dinars."""
        found = books.sales_order(self.world, f"shopify-{key}")
        assert found is not None
        booked = dict.fromkeys(CHARGES, Decimal(0))
        goods = []
        for row in found["item"]:
            if row["item"]["id"] in booked:
                booked[row["item"]["id"]] += row["amount"]
            else:
                goods.append((row["quantity"], row["amount"]))
        assert sum(row["amount"] for row in found["item"]) == in_cents(self.amount(order["current_total_price_set"]))
        assert found["currency"] == {"id": self.currency(order)}
        wanted = self.expected_charges(order)
        assert {name: booked[name] for name in wanted} == {name: in_cents(amount) for name, amount in wanted.items()}
        assert booked["difference"] == 0 or self.currency(order) in THREE_DIGITS
        lines = [line for line in order["line_items"] if line["current_quantity"] and not line["gift_card"]]
        assert [quantity for quantity, _ in goods] == [line["current_quantity"] for line in lines]
        for (_, amount), line in zip(goods, lines, strict=True):
            exact = self.net_of(order, line)
            assert exact is None or amount == in_cents(exact)

    def net_of(self, order: Order, line: Order) -> Decimal | None:
        """A line's amount without tax after its discounts; None where the shop says only what the whole order comes to."""
        if line["current_quantity"] != line["quantity"] or self.unallocated(order):
            return None
        discounts = sum((self.amount(part["amount_set"]) for part in line["discount_allocations"]), Decimal(0))
        taxes = sum((self.amount(part["price_set"]) for part in line["tax_lines"]), Decimal(0))
        gross = self.amount(line["price_set"]) * line["quantity"] - discounts
        return gross - taxes if order["taxes_included"] else gross

    def unallocated(self, order: Order) -> bool:
        """Whether the order has a discount that none of its lines carries."""
        rows = [*order["line_items"], *order["shipping_lines"]]
        known = sum(
            (self.amount(part["amount_set"]) for row in rows for part in row["discount_allocations"]), Decimal(0)
        )
        return known != self.amount(order["total_discounts_set"])

    def wms(self, key: str, order: Order) -> None:
        """The live parcel has what is sent by post, and the total when it is in the warehouse's currency."""
        *older, parcel = books.parcels(self.world, f"shopify-{key}")
        assert {one["status"] for one in older} <= {"Cancelled"}
        wanted = [line["current_quantity"] for line in order["line_items"] if line["requires_shipping"]]
        assert [row["quantity"] for row in parcel["products"]] == [quantity for quantity in wanted if quantity]
        total = Decimal(order["current_total_price"])
        assert parcel.get("financials") == ({"total_price": total} if order["currency"] == "USD" else None)

    def marketing(self, key: str, order: Order) -> None:
        """Placed Order has the value of the order as it was placed, in its currency, and its items."""
        told = books.events(self.world, key)
        if order["customer"] is None and not order["email"]:
            assert told == {}
            return
        placed = told["Placed Order"]
        assert (placed["$value"], placed["$currency_code"]) == (
            self.amount(order["total_price_set"]),
            self.currency(order),
        )
        assert [row["Quantity"] for row in placed["Items"]] == [line["quantity"] for line in order["line_items"]]
        assert [row["ItemPrice"] for row in placed["Items"]] == [
            self.amount(line["price_set"]) for line in order["line_items"]
        ]
