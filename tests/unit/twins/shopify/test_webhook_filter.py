"""The filter of a subscription, by the published examples, and what `includeFields` leaves of a body."""

from __future__ import annotations

import pytest

from interlock.twins.shopify.webhook_body import narrowed
from interlock.twins.shopify.webhook_filter import parsed

PRODUCT = {
    "id": 9_554_194_432_293,
    "title": "T-Shirt",
    "status": "active",
    "product_type": "Music",
    "updated_at": "2026-07-01T10:00:00-04:00",
    "template_suffix": None,
    "variants": [
        {"title": "Album Deluxe", "price": "129.99", "taxable": True, "weight": 0.2},
        {"title": "Single", "price": "9.99", "taxable": False, "weight": 7},
    ],
    "tags": "cotton",
}
PUBLISHED = (
    "id:* AND status:active AND (product_type:Music OR product_type:Movies) AND variants.taxable:true "
    "AND variants.weight:<5 AND variants.price:>=100 AND variants.title:Album*"
)
"""The example of shopify.dev docs/apps/build/webhooks/delivery-filtering."""


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        (PUBLISHED, True),
        ("variants.price:>=10.00", True),
        ("variants.price:>=1000", False),
        ("variants.price:<10", True),
        ("status:ACTIVE", True),
        ("NOT status:active", False),
        ("-status:draft", True),
        ("template_suffix:*", False),
        ("vendor:*", False),
        ("updated_at:>'2026-07-01T13:59:59Z'", True),
        ("updated_at:>'2026-07-01T14:00:00Z'", False),
        ("variants.taxable:false AND variants.price:>100", True),
        ("title:T-Shirt", True),
        ("id:9554194432293", True),
        ("id:9554194432292", False),
        ("", True),
    ],
)
def test_filters_gate_by_the_body(text: str, passes: bool) -> None:
    """A hub that declares a filter is woken for exactly what Shopify would wake it for; ids above 2^53 stay exact."""
    assert parsed(text)(PRODUCT) is passes


def test_included_fields_keep_their_place_in_the_body() -> None:
    """F08: nested fields by a period, in every element of a list; what is not named is gone."""
    shown = narrowed(PRODUCT, [["id"], ["variants", "price"], ["variants", "title"], ["nothing"]])
    assert shown == {
        "id": 9_554_194_432_293,
        "variants": [{"title": "Album Deluxe", "price": "129.99"}, {"title": "Single", "price": "9.99"}],
    }
