"""Listing what changed in a store: page by page, past the most that a connection pages through, in the words of webhooks."""

import asyncio
import datetime as dt
import re
from typing import Any

import pytest

from interlock.connectors.contract import Page, Refused
from interlock.connectors.shopify import listing as module
from interlock.connectors.shopify.listing import ShopifyListing

NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
SINCE = round(NOON.timestamp()) * 1_000_000
WINDOW = re.compile(r"updated_at:>='([^']+)' AND updated_at:<'([^']+)'")


def node(number: int, second: int, **more: Any) -> dict[str, Any]:
    at = (NOON + dt.timedelta(seconds=second)).isoformat().replace("+00:00", "Z")
    return {
        "id": f"gid://shopify/Order/{number}", "name": f"#{number}", "updatedAt": at, "cancelledAt": None, "test": False,
        "displayFinancialStatus": "PAID", "displayFulfillmentStatus": "UNFULFILLED", "currencyCode": "EUR",
        "currentTotalPriceSet": {"shopMoney": {"amount": "10.0"}}, "refunds": [], "fulfillments": [], **more,
    }  # fmt: skip


class Admin:
    """A store's orders by time; a cursor is good for `most` objects, as a connection is for 25,000."""

    def __init__(self, nodes: list[dict[str, Any]], page: int = 2, most: int = 1_000_000) -> None:
        self.nodes = sorted(nodes, key=lambda one: one["updatedAt"])
        self.page, self.most = page, most
        self.deepest = 0

    async def run(self, name: str, variables: dict[str, Any], *, timeout_seconds: float, lane: Any) -> dict[str, Any]:
        since, until = WINDOW.match(variables["query"]).groups()  # type: ignore[union-attr]
        found = [one for one in self.nodes if since <= one["updatedAt"] < until]
        begin = int(variables["after"] or 0)
        self.deepest = max(self.deepest, begin + self.page)
        assert begin + self.page <= self.most, "paged past the most that a connection pages through"
        end = begin + self.page
        return {"orders": {"nodes": found[begin:end], "pageInfo": {"hasNextPage": end < len(found), "endCursor": str(end)}}}


def listed(admin: Admin, monkeypatch: pytest.MonkeyPatch, per_cursor: int = 20_000) -> list[str] | Refused:
    """The keys of all pages, in order."""
    monkeypatch.setattr(module, "OBJECTS_PER_CURSOR", per_cursor)
    shop = ShopifyListing.__new__(ShopifyListing)
    shop._admin = admin  # type: ignore[assignment]

    async def pages() -> list[str] | Refused:
        keys: list[str] = []
        after = ""
        while True:
            page = await shop.changed("order", since=SINCE, until=SINCE + 3_600_000_000, after=after, timeout_seconds=5)
            if isinstance(page, Refused):
                return page
            assert isinstance(page, Page)
            keys += [item.subject.key for item in page.items]
            if not page.after:
                return keys
            after = page.after

    return asyncio.run(pages())


def test_every_page_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven orders in pages of two."""
    assert listed(Admin([node(number, number) for number in range(1, 8)]), monkeypatch) == [str(number) for number in range(1, 8)]


def test_listing_goes_past_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """C75: before a connection's end it begins anew at the time that it has come to; what shares that second comes again."""
    admin = Admin([node(number, number // 2) for number in range(1, 41)], most=8)
    keys = listed(admin, monkeypatch, per_cursor=6)
    assert isinstance(keys, list)
    assert list(dict.fromkeys(keys)) == [str(number) for number in range(1, 41)]
    assert admin.deepest <= 8


def test_listing_goes_past_the_cap_control(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: one cursor for everything meets the end of the connection."""
    with pytest.raises(AssertionError, match="paged past"):
        listed(Admin([node(number, number) for number in range(1, 41)], most=8), monkeypatch)


def test_a_second_that_is_too_full_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """C75: more than a connection holds within one second: nothing is left out in silence."""
    found = listed(Admin([node(number, 1) for number in range(1, 41)], most=8), monkeypatch, per_cursor=6)
    assert isinstance(found, Refused)
    assert found.code == "WINDOW-TOO-LARGE"


def test_what_is_listed_proves_what_must_have_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancelled, paid order with a refund: the facts that its webhooks would have proven, and never a whole order."""
    one = node(
        820982911946154508, 5, cancelledAt="2026-11-23T12:00:04Z", displayFulfillmentStatus="FULFILLED",
        refunds=[{"id": "gid://shopify/Refund/890088186047892319"}], fulfillments=[{"id": "gid://shopify/Fulfillment/123456"}],
    )  # fmt: skip
    shop = ShopifyListing.__new__(ShopifyListing)
    shop._admin = Admin([one])  # type: ignore[assignment]
    page = asyncio.run(shop.changed("order", since=SINCE, until=SINCE + 60_000_000, after="", timeout_seconds=5))
    assert isinstance(page, Page)
    subject = page.items[0].subject
    assert (subject.key, subject.name, subject.complete) == ("820982911946154508", "#820982911946154508", False)
    assert set(subject.facts) == {
        "orders/create", f"orders/updated#{subject.version}", "orders/cancelled", "orders/paid", "orders/fulfilled",
        "refunds/create#890088186047892319", "fulfillments/create#123456",
    }  # fmt: skip
    assert b'"cancelled":true' in subject.summary.encode()


class Known:
    """A store that has one of two orders left; `scopes` are those of the app."""

    def __init__(self, *scopes: str) -> None:
        self.scopes = scopes

    async def run(self, name: str, variables: dict[str, Any], *, timeout_seconds: float, lane: Any) -> dict[str, Any]:
        if name == "access_scopes":
            return {"currentAppInstallation": {"accessScopes": [{"handle": scope} for scope in self.scopes]}}
        return {"nodes": [{"id": "gid://shopify/Order/1", "updatedAt": "2026-11-23T12:00:00Z"}, None]}


@pytest.mark.parametrize(("scopes", "there"), [(("read_orders", "read_all_orders"), {"1"}), (("read_orders",), {"1", "2"})])
def test_an_old_order_is_not_taken_for_deleted(scopes: tuple[str, ...], there: set[str]) -> None:
    """F28: without read_all_orders an order of 60 days ago is null, as a deleted one is: then nobody can tell."""
    shop = ShopifyListing.__new__(ShopifyListing)
    shop._admin = Known(*scopes)  # type: ignore[assignment]
    found = asyncio.run(shop.present("order", ["1", "2"], timeout_seconds=5))
    assert isinstance(found, dict)
    assert set(found) == there
