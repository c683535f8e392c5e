"""What a webhook's body has when it is the whole object: the members that our mapping reads and every published body has.

A subscription with includeFields leaves most of them out, and whether it does may have changed while a body was under way:
the body itself tells, since what is empty at the shop is there as null. A vendor that drops a member or two with a new version
is another matter: such a body stays whole, and the drift watch names what vanished. tests/unit/connectors/shopify derives
both lists from mapping.toml and the published samples.
"""

from typing import Final

LOST_SHARE_MAX: Final = 0.2
"""A body that lacks more than this share of them was cut by a subscription."""
ORDER: Final = (
    "billing_address", "buyer_accepts_marketing", "cancel_reason", "cancelled_at", "created_at", "currency",
    "current_subtotal_price_set", "current_total_additional_fees_set", "current_total_discounts_set",
    "current_total_duties_set", "current_total_price_set", "current_total_tax_set", "customer", "email", "estimated_taxes",
    "financial_status", "fulfillment_status", "line_items", "location_id", "merchant_business_entity_id",
    "merchant_of_record_app_id", "name", "note", "order_number", "payment_terms", "phone", "po_number",
    "presentment_currency", "processed_at", "shipping_address", "shipping_lines", "source_name", "tags", "tax_lines",
    "taxes_included", "test", "total_cash_rounding_payment_adjustment_set", "total_cash_rounding_refund_adjustment_set",
    "total_price_set", "total_tip_received", "updated_at",
)  # fmt: skip
CUSTOMER: Final = (
    "addresses", "created_at", "currency", "default_address", "email", "first_name", "last_name", "note", "phone", "state",
    "tax_exempt", "updated_at", "verified_email",
)  # fmt: skip
