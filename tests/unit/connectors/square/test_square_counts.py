"""Reading Square: items, all counts page by page, what changed since a cursor, and what the tills sold."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from square_seller import SECONDS, Seller

from interlock.connectors.contract import Refused, Retry, stock
from interlock.connectors.square import catalogue, counts
from interlock.connectors.square import sales as sales_module


async def pages(ask: Callable[[str], Any], rows: str) -> tuple[list[Any], Any]:
    """All rows, and the last page."""
    found: list[Any] = []
    after = ""
    while True:
        page = await ask(after)
        assert not isinstance(page, Retry | Refused), page
        found += getattr(page, rows)
        if not page.after:
            return found, page
        after = page.after


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of three rows, so that a few are many."""
    monkeypatch.setattr(counts, "PAGE", 3)
    monkeypatch.setattr(catalogue, "PAGE", 3)
    monkeypatch.setattr(sales_module, "PAGE", 3)


def test_items(sellers: Callable[..., Seller], small_pages: None) -> None:
    """Every variation once: SKU and barcode, whether it is counted, whether its stock is that of others (C60), and what one costs
    in which currency, so that a wrong number has a value; a yen has no smaller part, and no price is never zero (C33)."""
    items: list[Any] = [
        {"sku": "TEA", "upc": "012345678905", "price_money": {"amount": 1250, "currency": "EUR"}},
        {"sku": "AIR", "track_inventory": False, "price_money": None},
        {"sku": "HERE", "track_inventory": False, "overrides": {"L1": {"track_inventory": True}}},
        {"sku": "SET", "stockable": False, "price_money": {"amount": 1250, "currency": "JPY"}},
        {"sku": "LOCAL", "locations": ["L2"]},
    ]
    seller = sellers(items=items)
    for offer in ("stock_source", "stock_channel"):
        found, _ = seller.run(
            lambda one: pages(lambda after: one.items(after, timeout_seconds=SECONDS), "items"), offer
        )
        by_sku = {one.sku: one for one in found}
        assert len(found) == 5 and by_sku["TEA"].barcode == "012345678905"
        assert [by_sku[sku].tracked for sku in ("TEA", "AIR", "HERE")] == [True, False, True]
        assert [by_sku[sku].kit for sku in ("TEA", "SET")] == [False, True]
        assert by_sku["LOCAL"].locations == ("L2",) and by_sku["TEA"].locations == ()
        costs = [(by_sku[sku].price, by_sku[sku].currency) for sku in ("TEA", "SET", "AIR")]
        assert costs == [(Decimal("12.50"), "EUR"), (Decimal(1250), "JPY"), (None, "")]


def test_levels_and_what_changed(sellers: Callable[..., Seller], small_pages: None) -> None:
    """All counts once, with the time by which the next reading goes on; a change while pages are read is found by it."""
    seller = sellers(items=["only for levels"])
    items = [seller.item(counts={"L1": 5, "L2": 6}) for _ in range(4)]

    async def whole(source: Any) -> Any:
        first = await source.levels("", timeout_seconds=SECONDS)
        seller.sell(items[3])  # it was on the first page already
        rest, last = await pages(lambda after: source.levels(after or first.after, timeout_seconds=SECONDS), "levels")
        return [*first.levels, *rest], last.cursor

    levels, cursor = seller.run(whole, "stock_source")
    places = [(one.item, one.location) for one in levels]
    assert len(places) == len(set(places)) == 8
    assert {one.quantities["available"] for one in levels} == {Decimal(5), Decimal(6)}

    async def since(source: Any) -> Any:
        return await pages(lambda after: source.changed(cursor, after, timeout_seconds=SECONDS), "levels")

    changed, last = seller.run(since, "stock_source", changed_overlap_seconds=0)
    assert [(one.item, one.location, one.quantities) for one in changed] == [
        (items[3], "L1", {"available": Decimal(4)})
    ]
    assert int(last.cursor) == changed[0].as_of_us > int(cursor) and changed[0].version.endswith("Z")
    again, last_again = seller.run(
        lambda source: pages(lambda after: source.changed(last.cursor, after, timeout_seconds=SECONDS), "levels"),
        "stock_source", changed_overlap_seconds=0,
    )  # fmt: skip
    assert (again, last_again.cursor) == ([], last.cursor)


def test_some_items_and_some_locations(seller: Seller) -> None:
    """Read now; an item that is gone or was never counted is missing, never zero (C66); the folder's locations only."""
    one, never = seller.item(counts={"L1": 5, "L2": 6}), seller.item()

    async def read(source: Any) -> Any:
        return await source.read([one, never, "GONE"], timeout_seconds=SECONDS)

    assert {level.location for level in seller.run(read, "stock_source")} == {"L1", "L2"}
    assert [level.location for level in seller.run(read, "stock_source", locations=["L2"])] == ["L2"]

    async def listing(channel: Any) -> Any:
        return await pages(lambda after: channel.listing(after, timeout_seconds=SECONDS), "seen")

    seen, _ = seller.run(listing, locations=["L2"])
    assert {row.place.location for row in seen} == {"L2"} and stock.Place(one, "L2") in {row.place for row in seen}


def test_a_shape_that_is_not_documented_is_asked_again(seller: Seller) -> None:
    """Numbers that are none, times without a zone: never a count."""
    for count in ({"quantity": "NaN"}, {"calculated_at": "2026-01-01T00:00:00"}, {"quantity": None}):
        row = {"catalog_object_id": "A", "location_id": "L1", "state": "IN_STOCK", **count}
        seller.fault(
            kind="status", status=200, count=1, body={"counts": [row]}, match={"path": "counts/batch-retrieve"}
        )
        found = seller.run(lambda source: source.read(["A"], timeout_seconds=SECONDS), "stock_source")
        assert isinstance(found, Retry) and found.code == "ANSWER_NOT_UNDERSTOOD"


def test_sales_by_their_change(sellers: Callable[..., Seller], small_pages: None) -> None:
    """What tills sold, over more locations than a call takes and more orders than a page has; the cursor is the newest
    change that was met, so the next reading has what came after, and an order that was completed later comes again."""
    places = [f"P{n}" for n in range(12)]
    seller = sellers(locations=places)
    item = seller.item(counts={"P0": 9, "P11": 9})
    sold = [seller.sell(item, 2, location=place)["id"] for place in ("P0", "P0", "P0", "P0", "P11")]
    opened = seller.sell(item, 1, location="P11", source="api", state="OPEN")["id"]

    async def read(channel: Any, cursor: str = "") -> Any:
        return await pages(lambda after: channel.sales(cursor, after, timeout_seconds=SECONDS), "sales")

    found, last = seller.run(read)
    by_key = {one.key: one for one in found}
    assert set(by_key) == {*sold, opened} and len(found) == 6
    assert by_key[sold[4]].lines == (stock.SaleLine(item=item, quantity=2, location="P11"),)
    assert by_key[opened].lines == () and int(last.cursor) == by_key[opened].version
    seller.call(f"orders/{opened}/complete")
    (done,), newer = (
        seller.run(lambda channel: read(channel, last.cursor), changed_overlap_seconds=0.000001)[0][-1:],
        None,
    )
    assert (done.key, done.lines[0].quantity, newer) == (opened, 1, None)
    assert done.version > by_key[opened].version


def test_an_order_takes_what_it_was_paid_for(seller: Seller) -> None:
    """Open and unpaid takes nothing, paid does; cancelled takes nothing; a part of a piece takes the piece."""
    item = seller.item(counts={"L1": 9})
    keys = {
        "open": seller.sell(item, state="OPEN")["id"],
        "paid": seller.sell(item, state="OPEN", paid=True)["id"],
        "gone": seller.sell(item, state="OPEN", paid=True)["id"],
        "part": seller.call("sell", {"lines": [{"item": item, "quantity": "1.5"}], "location": "L1"})["id"],
    }
    seller.call(f"orders/{keys['gone']}/cancel")

    async def read(channel: Any) -> Any:
        return await pages(lambda after: channel.sales("", after, timeout_seconds=SECONDS), "sales")

    found = {one.key: one for one in seller.run(read, locations=["L1"])[0]}
    assert {name: sum(one.quantity for one in found[key].lines) for name, key in keys.items()} == {
        "open": 0, "paid": 1, "gone": 0, "part": 2,
    }  # fmt: skip


def test_an_offline_till_is_heard_of_when_it_tells(sellers: Callable[..., Seller]) -> None:
    """It sold before the cursor and told after it: the listing goes by the time of the change at Square, not of the sale."""
    seller = sellers(items=["only for offline tills"])
    item = seller.item(counts={"L1": 9})
    seller.sell(item)

    async def read(channel: Any, cursor: str = "") -> Any:
        return await pages(lambda after: channel.sales(cursor, after, timeout_seconds=SECONDS), "sales")

    _, last = seller.run(read)
    late = seller.sell(item, 3, seconds_ago=7200)["id"]
    found, _ = seller.run(lambda channel: read(channel, last.cursor), changed_overlap_seconds=0)
    assert late in {one.key for one in found}
    (sale,) = [one for one in found if one.key == late]
    assert sale.accepted_us < int(last.cursor) < sale.version


def test_an_order_that_was_told_of_is_read(seller: Seller) -> None:
    """Its event says only that it changed: what is read of it is the same sale as the listing's. Gone is gone, not nothing."""
    item = seller.item(counts={"L1": 9})
    key = seller.sell(item, 2, source="api")["id"]

    async def read(source: Any) -> Any:
        return [await source.read("order", one, timeout_seconds=SECONDS) for one in (key, "CAISEnone")]

    body, gone = seller.run(read, "source")
    assert isinstance(gone, Refused) and gone.reason == "gone"

    async def told(channel: Any) -> Any:
        listed, _ = await pages(lambda after: channel.sales("", after, timeout_seconds=SECONDS), "sales")
        return channel.told("orders/updated", body).sales, [one for one in listed if one.key == key]

    said, listed = seller.run(told, locations=["L1"])
    assert list(said) == listed and said[0].lines[0].quantity == 2
