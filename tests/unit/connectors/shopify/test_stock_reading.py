"""What the store sells and what each place shows, read against the twin: some places, all of them, all items."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import AsyncGenerator
from decimal import Decimal
from typing import Any

import pytest
from scripted_store import Store, connection, run
from stock_shop import BUNDLE, MAIN, RETURNS, STORE, Shop

from interlock.clock import VirtualClock
from interlock.connectors.contract import Answer, Refused, Retry, stock
from interlock.connectors.shopify.cost import points
from interlock.connectors.shopify.stock import ShopifyStock
from interlock.connectors.shopify.stock_listing import OPERATIONS_MAX, PLACES_PER_PAGE

VERSION = "2026-07"


def listed(shop: Shop, way: str, *, forget: bool = False) -> list[stock.Seen]:
    """The whole listing; `forget`: by another process for each page."""

    async def go(channel: ShopifyStock) -> list[stock.Seen]:
        seen: list[stock.Seen] = []
        after = ""
        while True:
            page = await channel.listing(after, timeout_seconds=10)
            if isinstance(page, Retry):
                assert page.code == stock.IN_WORK
                continue
            assert isinstance(page, stock.SeenPage) and len(page.seen) <= PLACES_PER_PAGE
            seen += page.seen
            after = page.after
            if forget:
                channel._listing._stream = None  # noqa: SLF001 - what a restart forgets
            if not after:
                return seen

    return shop.use(go, stock_listing=way)


def truth(shop: Shop) -> Counter[tuple[str, str, int]]:
    rows = shop.call("GET", "/_twin/stock")["levels"]
    return Counter((str(row["item"]), str(row["location"]), row["available"]) for row in rows if row["active"])


def told(seen: list[stock.Seen]) -> Counter[tuple[str, str, int]]:
    return Counter((one.place.item, one.place.location, one.quantity) for one in seen)


@pytest.mark.parametrize("way", ["bulk", "pages"])
def test_all_places_are_listed_each_once(shop: Shop, way: str) -> None:
    """C62: both ways tell what the twin's own books say, in pages of a few hundred."""
    seen = listed(shop, way)
    assert told(seen) == truth(shop) and len(seen) > PLACES_PER_PAGE
    assert all(one.stocked and one.at_us > 0 for one in seen)


def test_a_bulk_listing_goes_on_after_a_restart(shop: Shop) -> None:
    """The cursor alone says where it was: a process that knows nothing reads the same operation's result on, nothing twice."""
    assert told(listed(shop, "bulk", forget=True)) == truth(shop)


def test_some_places_are_read_by_their_ids(shop: Shop) -> None:
    """One call for each location. What does not exist, is not stocked there, or is no id is answered as not carried."""
    one, other = shop.items(2)
    shop.call("POST", "/_twin/stock", {"item": one, "set": 3})
    places = [
        stock.Place(one, MAIN), stock.Place(other, STORE), stock.Place(one, RETURNS), stock.Place("1", MAIN),
        stock.Place(one, "1"), stock.Place("sku", MAIN), stock.Place(other, MAIN),
    ]  # fmt: skip
    before = shop.calls()
    seen = shop.use(lambda channel: channel.read(places, timeout_seconds=10))
    assert isinstance(seen, tuple) and shop.calls() - before == 4
    assert [row.place for row in seen] == places
    assert [(row.quantity, row.stocked) for row in seen] == [
        (3, True), (2_000, True), (0, False), (0, False), (0, False), (0, False), (50_000, True),
    ]  # fmt: skip
    now = dt.datetime.now(dt.UTC).timestamp() * 1_000_000
    assert abs(seen[0].at_us - now) < 60_000_000, "when it changed, in microseconds"


def test_reading_is_cheap() -> None:
    """C73: 250 places cost a handful of points, a page of 250 levels or variants less than a tenth of what a query may."""
    assert points("stock_levels_read", {"items": ["gid"] * 250, "location": "gid"}, VERSION) <= 5
    assert points("stock_levels_page", {"location": "gid", "first": 250}, VERSION) < 50
    assert points("stock_items_page", {"query": "", "first": 250}, VERSION) < 50


def test_all_items_with_what_stock_must_know_of_them(shop: Shop) -> None:
    """Page by page behind the last id: every variant once, with its SKU, its inventory item, whether it is counted, and
    whether it is a bundle."""

    async def go(channel: ShopifyStock) -> tuple[list[stock.Item], int]:
        items: list[stock.Item] = []
        after, pages = "", 0
        while after or not pages:
            page = await channel.items(after, timeout_seconds=10)
            assert isinstance(page, stock.ItemPage)
            items, after, pages = [*items, *page.items], page.after, pages + 1
        return items, pages

    items, pages = shop.use(go)
    variants = {str(row["_id"]): row for row in shop.call("GET", "/_twin/records?kind=variant")}
    assert pages > 1 and Counter(one.variant for one in items) == Counter(list(variants))
    assert {one.variant: one.sku for one in items} == {key: row["sku"] or "" for key, row in variants.items()}
    assert {one.variant: one.price for one in items} == {key: Decimal(str(row["price"])) for key, row in variants.items()}
    assert {one.currency for one in items} == {"USD"}
    kits = [one for one in items if one.kit]
    assert [(one.item, one.tracked) for one in kits] == [(BUNDLE, False)]


class Result(Store):
    """A store whose bulk operations end as they are told to, with one file."""

    def __init__(self, *states: dict[str, Any], file: list[bytes | Answer] | None = None) -> None:
        super().__init__(self._answer)
        self.states, self.file, self.begun, self.fetched = list(states), file or [], 0, 0

    def _answer(self, operation: str, variables: dict[str, Any]) -> Any:
        if operation == "bulk_begin":
            self.begun += 1
            started = {"id": f"gid://shopify/BulkOperation/{self.begun}", "status": "CREATED"}
            return {"data": {"bulkOperationRunQuery": {"bulkOperation": started, "userErrors": []}}}
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"data": {"bulkOperation": {"id": variables["id"], "rootObjectCount": "1", **state}}}

    async def lines(self, _url: str, *, silence_seconds: float) -> AsyncGenerator[bytes | Answer, None]:
        self.fetched += 1
        for line in self.file:
            yield line


DONE = {"status": "COMPLETED", "url": "https://storage.googleapis.com/x"}
FAILED = {"status": "FAILED", "errorCode": "TIMEOUT", "url": None}


def level(number: int) -> bytes:
    place = {
        "id": "gid://shopify/InventoryLevel/1?inventory_item_id=7", "updatedAt": "2026-07-01T00:00:00Z",
        "location": {"id": f"gid://shopify/Location/{number}"}, "quantities": [{"quantity": number}],
        "__parentId": "gid://shopify/InventoryItem/7",
    }  # fmt: skip
    return json.dumps(place).encode()


def pages_of(store: Result, count: int) -> list[Any]:
    async def go() -> list[Any]:
        channel = ShopifyStock(connection(store, VirtualClock(), stock_listing="bulk"))
        pages: list[Any] = []
        after = ""
        for _ in range(count):
            pages.append(await channel.listing(after, timeout_seconds=5))
            after = getattr(pages[-1], "after", after)
            if not after:
                break
        return pages

    found: list[Any] = run(go())
    return found


def test_an_operation_that_failed_is_begun_anew_and_not_for_ever() -> None:
    """C74: it failed, or its result died after seven days: the next one lists all places again; what always fails is said."""
    store = Result(FAILED, DONE, file=[b'{"id": "gid://shopify/InventoryItem/7"}', level(1), level(2)])
    *_, last = pages_of(store, 9)
    assert [one.place.location for one in last.seen] == ["1", "2"] and store.begun == 2
    hopeless = Result(FAILED)
    *_, said = pages_of(hopeless, 9)
    assert isinstance(said, Refused) and said.code == "BULK-FAILED" and hopeless.begun == OPERATIONS_MAX


@pytest.mark.parametrize("line", [b'{"id": "gid://sho', b"[1]", b'{"__parentId": 5}', b"\xff\xfe"])
def test_a_line_that_cannot_be_read_ends_the_page(line: bytes) -> None:
    """What was cut on the way is fetched again; it is never passed over. The control: the same file without it is all."""
    read = [b'{"id": "gid://shopify/InventoryItem/7"}', level(1), level(2)]
    *_, said = pages_of(Result(DONE, file=[*read[:2], line, read[2]]), 3)
    assert isinstance(said, Retry) and said.code == "RESULT_NOT_READ"
    *_, whole = pages_of(Result(DONE, file=list(read)), 3)
    assert len(whole.seen) == 2


def test_a_result_that_breaks_off_is_read_on_where_it_was() -> None:
    """The connection was cut in the middle of the second page: the same cursor fetches the file again and passes over what
    was told."""
    many = PLACES_PER_PAGE + 3
    whole: list[bytes | Answer] = [
        b'{"id": "gid://shopify/InventoryItem/7"}',
        *(level(number + 1) for number in range(many)),
    ]
    store = Result(DONE, file=[*whole[:-2], Answer(0, {}, b"", error="cut", code="NET003")])
    begun, first, cut = pages_of(store, 3)
    assert (begun.seen, len(first.seen)) == ((), PLACES_PER_PAGE) and isinstance(cut, Retry)
    store.file = whole

    async def on() -> Any:
        channel = ShopifyStock(connection(store, VirtualClock(), stock_listing="bulk"))
        return await channel.listing(first.after, timeout_seconds=5)

    rest = run(on())
    assert [one.place.location for one in rest.seen] == [str(many - 2), str(many - 1), str(many)] and rest.after == ""
