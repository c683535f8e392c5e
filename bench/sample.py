"""The order that is measured: Shopify's published example of an order webhook, as it is, and cut to 9 KB."""

import json
import time
from pathlib import Path
from typing import Any

import msgspec

PUBLISHED = Path(__file__).parents[1] / "tests" / "fixtures" / "shopify" / "webhook.orders.create.json"
ORDER, CUSTOMER = 820982911946154508, 115310627314723954
"""The example's ids."""
LINES = 3
ORDER_BYTES = 9_000
MONEY = {"414.95": "134.97", "404.95": "124.97"}
"""Subtotal and total, before and after the last two lines are gone."""
TIMES = ("created_at", "updated_at", "processed_at")
LIVE = {"test": False, "cancelled_at": None, "cancel_reason": None, "financial_status": "paid"}
"""The example is a cancelled test order, which no flow wants."""


def published() -> bytes:
    """The example as Shopify sends it: compact. Five lines, 10.7 KB."""
    return msgspec.json.encode(json.loads(PUBLISHED.read_bytes()))


def order() -> bytes:
    """Three of its lines, placed now, neither a test nor cancelled; its note makes up what is missing to 9,000 bytes."""
    text = PUBLISHED.read_text(encoding="utf-8")
    for before, after in MONEY.items():
        text = text.replace(before, after)
    whole: dict[str, Any] = json.loads(text)
    now = time.strftime("%Y-%m-%dT%H:%M:%S-00:00", time.gmtime())
    cut = {**whole, **LIVE, **dict.fromkeys(TIMES, now), "line_items": whole["line_items"][:LINES], "note": ""}
    return msgspec.json.encode({**cut, "note": "." * (ORDER_BYTES - len(msgspec.json.encode(cut)))})
