"""Without read_all_orders an app sees the orders of the last 60 days only (F28)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.twins.shopify.admin.context import ShopContext
from interlock.twins.shopify.admin.scopes import READ_ALL_ORDERS

ORDER_WINDOW_DAYS = 60


def oldest_order(shop: ShopContext) -> datetime | None:
    """The time before which no order is shown; None when all are."""
    if READ_ALL_ORDERS in shop.app.scopes:
        return None
    return datetime.fromtimestamp(shop.clock(), UTC) - timedelta(days=ORDER_WINDOW_DAYS)


def sees_order(shop: ShopContext, created_at: Any) -> bool:
    """Whether the app may see an order of this creation time (text with an offset, or a datetime)."""
    oldest = shop.memory.setdefault("oldest_order", oldest_order(shop))
    if oldest is None:
        return True
    at = created_at if isinstance(created_at, datetime) else datetime.fromisoformat(str(created_at))
    return bool(at >= oldest)
