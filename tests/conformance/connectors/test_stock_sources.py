"""The suite of systems that count: everything that the hub asks of a StockSource, against each vendor's twin over HTTP."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from published import Wire, hold
from vendor_cases import PEOPLES_TOKEN, Case, Twin, cases, host_of

from interlock.clock import SystemClock
from interlock.connectors import registry
from interlock.connectors.contract import Connection, Refused, Retry
from interlock.messaging import stock

ITEMS = 700
"""More than a page of ShipBob; NetSuite gives a thousand rows a page, and each has two locations."""
Use = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True)
class Source:
    """What differs between the vendors for this suite."""

    vendor: str
    here: str
    there: str
    case: Case
    config: dict[str, Any]
    settings: dict[str, Any]
    committed: Callable[[Twin, str, int, int], None]
    """Let the system take an order of so many pieces of a SKU; the last is a number that no other order has."""
    page: int
    extra: dict[str, str] = field(default_factory=dict)


def ask(twin: Twin, method: str, path: str, body: Any, headers: dict[str, str]) -> None:
    """One call of a person or another application."""
    headers = {"content-type": "application/json", **headers}
    request = urllib.request.Request(twin.url + path, json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status < 300


def shipbob_order(twin: Twin, sku: str, quantity: int, number: int) -> None:
    address = {"address1": "1 Way", "city": "Gotham", "country": "US"}
    body = {
        "reference_id": f"stock-{number}", "shipping_method": "Standard", "type": "DTC",
        "recipient": {"name": "Ann Lee", "address": address}, "products": [{"reference_id": sku, "quantity": quantity}],
    }  # fmt: skip
    ask(twin, "POST", "/2026-01/order", body, {"authorization": "Bearer twin-token", "shipbob_channel_id": "100"})


def netsuite_order(twin: Twin, sku: str, quantity: int, number: int) -> None:
    line = {"item": {"externalId": sku}, "quantity": quantity, "rate": 1}
    body = {"entity": {"externalId": "C"}, "item": {"items": [line]}}
    path = f"/services/rest/record/v1/salesOrder/eid:stock-{number}"
    ask(twin, "PUT", path, body, {"authorization": f"Bearer {PEOPLES_TOKEN}"})


def sources() -> tuple[Source, ...]:
    known = {case.vendor: case for case in cases()}
    shipbob, netsuite = known["shipbob"], known["netsuite"]
    places = [{"id": 8, "name": "Cicero (IL)"}, {"id": 211, "name": "Fairburn (GA)"}]
    return (
        Source(
            "shipbob", "8", "211", shipbob, shipbob.config | {"locations": places, "products": []},
            shipbob.settings | {"levels_lag_seconds": 0}, shipbob_order, 250,
        ),
        Source(
            "netsuite", "1", "2", netsuite,
            netsuite.config | {"items": [], "locations": [{"id": "1", "name": "Main"}, {"id": "2", "name": "East"}]},
            {}, netsuite_order, 1000,
        ),
    )  # fmt: skip


@pytest.fixture(params=sources(), ids=lambda one: one.vendor)
def source(request: pytest.FixtureRequest) -> Source:
    found: Source = request.param
    return found


@pytest.fixture
def twin(source: Source, twins: Any) -> Iterator[Twin]:
    """The vendor's twin with a catalogue; healed after each test."""
    found = twins.started(source.vendor, source.config, "stock")
    items = [
        {"sku": f"S{n}", "barcode": f"00{n}", "locations": {source.here: n, source.there: 1}, "changed": "2020-01-01 00:00:00"}
        for n in range(ITEMS)
    ]  # fmt: skip
    found.call("POST", "/_twin/stock", {"items": items})
    yield found
    found.call("DELETE", "/_twin/faults")
    found.call("POST", "/_twin/stock:stale", {"stale": False})


def run(source: Source, twin: Twin, use: Use, **credentials: str) -> Any:
    """Use a connector's stock source; what is said and answered is as the vendor publishes it."""

    async def go() -> Any:
        http = Wire([host_of(twin.url)])
        connection = Connection(
            system="wms", url=twin.url, settings=source.settings, credentials=source.case.credentials | credentials,
            builders={}, http=http, clock=SystemClock(),
        )  # fmt: skip
        try:
            found = await use(registry.open_offer(source.vendor, "stock_source", connection))
        finally:
            await http.close()
        hold(source.vendor, http)
        return found

    return asyncio.run(go())


async def all_levels(ask: Callable[[str], Awaitable[Any]]) -> tuple[list[stock.Level], str, int]:
    """Every page: the levels, the cursor to save, and how many pages they were."""
    levels: list[stock.Level] = []
    after, pages = "", 0
    while True:
        page = await ask(after)
        assert isinstance(page, stock.LevelPage), page
        levels += page.levels
        pages += 1
        if not page.after:
            return levels, page.cursor, pages
        assert not page.cursor
        after = page.after


def by_place(levels: list[stock.Level]) -> dict[tuple[str, str], stock.Level]:
    return {(level.sku, level.location): level for level in levels}


def item_of(twin: Twin, source: Source, sku: str) -> str:
    """The system's own id of a SKU, as the connector lists it."""

    async def use(connector: Any) -> str:
        after = ""
        while True:
            page = await connector.items(after, timeout_seconds=5)
            for one in page.items:
                if one.sku == sku:
                    return str(one.item)
            after = page.after

    found: str = run(source, twin, use)
    return found


def test_all_items_and_all_levels_page_by_page(source: Source, twin: Twin) -> None:
    """Every item and every level once, in pages of bounded size, with F40's names, and a cursor at the end."""

    async def use(connector: Any) -> Any:
        items: list[stock.Item] = []
        page = await connector.items("", timeout_seconds=5)
        while True:
            items += page.items
            if not page.after:
                break
            page = await connector.items(page.after, timeout_seconds=5)
        return items, *await all_levels(lambda after: connector.levels(after, timeout_seconds=5))

    items, levels, cursor, pages = run(source, twin, use)
    skus = [one.sku for one in items if one.sku.startswith("S")]
    assert (len(skus), len(set(skus))) == (ITEMS, ITEMS)
    assert next(one for one in items if one.sku == "S7").barcode == "007"
    assert cursor
    found = by_place(levels)
    assert len(found) == len(levels) >= 2 * ITEMS
    assert pages > 1
    level = found["S500", source.here]
    assert level.quantities.keys() <= set(stock.QUANTITIES)
    assert (level.quantities["on_hand"], level.quantities["available"]) == (Decimal(500), Decimal(500))
    assert abs(level.as_of_us / 1_000_000 - time.time()) < 60


def test_what_changed_since_a_cursor(source: Source, twin: Twin) -> None:
    """A count after the cursor comes with the next reading, all places of the item as they are, and the rest does not;
    reading the same cursor again finds it again, so that a crash before the cursor was saved loses nothing."""

    async def before(connector: Any) -> Any:
        return await all_levels(lambda after: connector.levels(after, timeout_seconds=5))

    _, cursor, _ = run(source, twin, before)
    twin.call("POST", "/_twin/stock/S42", {"location": source.there, "on_hand": 77})

    async def since(connector: Any) -> Any:
        return await all_levels(lambda after: connector.changed(cursor, after, timeout_seconds=5))

    for _ in range(2):
        levels, following, _ = run(source, twin, since)
        assert by_place(levels)["S42", source.there].quantities["on_hand"] == 77
        assert len({level.sku for level in levels}) < 20
        assert following


def test_without_a_cursor_all_levels_are_given(source: Source, twin: Twin) -> None:
    """Control: the cursor is what makes a reading of changes short."""

    async def use(connector: Any) -> Any:
        return await all_levels(lambda after: connector.changed("", after, timeout_seconds=5))

    assert len(run(source, twin, use)[0]) >= 2 * ITEMS


def test_some_items_now_and_one_that_is_not_there(source: Source, twin: Twin) -> None:
    """C66: an item that the system does not have is not among the answers; it does not become zero."""
    item, gone = item_of(twin, source, "S9"), item_of(twin, source, "S10")
    twin.call("POST", "/_twin/stock/S10", {"missing": True})
    try:
        asked = [item, gone, "999999999", "no-id"]
        levels = run(source, twin, lambda connector: connector.read(asked, timeout_seconds=5))
    finally:
        twin.call("POST", "/_twin/stock/S10", {"missing": False})
    assert {(level.item, level.location, level.quantities["on_hand"]) for level in levels} == {
        (item, source.here, 9), (item, source.there, 1),
    }  # fmt: skip


def test_orders_of_the_system_commit_stock(source: Source, twin: Twin, number: int) -> None:
    """C61: what the system has taken is committed, no longer available, and still on hand."""
    item = item_of(twin, source, "S300")
    source.committed(twin, "S300", 4, number)
    levels = run(source, twin, lambda connector: connector.read([item], timeout_seconds=5))
    level = next(one for one in levels if one.location == source.here)
    assert [level.quantities[name] for name in ("on_hand", "committed", "available")] == [300, 4, 296]


def test_a_source_that_stands_still_says_old_numbers(source: Source, twin: Twin) -> None:
    """C66: what is stale looks like any other answer, which is why the hub watches for silence."""
    item = item_of(twin, source, "S20")
    twin.call("POST", "/_twin/stock:stale", {"stale": True})
    twin.call("POST", "/_twin/stock/S20", {"location": source.here, "on_hand": 5_000})
    levels = run(source, twin, lambda connector: connector.read([item], timeout_seconds=5))
    assert {level.quantities["on_hand"] for level in levels} == {20, 1}


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ({"kind": "status", "status": 503}, Retry),
        ({"kind": "status", "status": 429}, Retry),
        ({"kind": "garbage"}, Retry),
        ({"kind": "reset_before"}, Retry),
        ({"kind": "reset_after"}, Retry),
        ({"kind": "status", "status": 403}, Refused),
    ],
    ids=lambda one: one.get("status", one["kind"]) if isinstance(one, dict) else "",
)
def test_a_failed_reading_is_no_level(source: Source, twin: Twin, fault: dict[str, Any], wanted: type) -> None:
    """C66, fault case 26: no failure of any call is an empty page or a zero; it is later, or never."""
    paths = {"shipbob": "/inventory", "netsuite": "/suiteql"}
    twin.fail(**fault, match={"path": paths[source.vendor]})
    assert isinstance(run(source, twin, lambda connector: connector.levels("", timeout_seconds=5)), wanted)
    assert isinstance(run(source, twin, lambda connector: connector.items("", timeout_seconds=5)), wanted)
    asked = run(source, twin, lambda connector: connector.read(["1"], timeout_seconds=5))
    assert isinstance(asked, wanted)


def test_wrong_credentials_are_refused(source: Source, twin: Twin) -> None:
    """A person has to act, and nothing is retried for ever."""
    found = run(source, twin, lambda one: one.levels("", timeout_seconds=5), **source.case.wrong)
    assert isinstance(found, Refused)
    assert found.reason == "authentication"


def test_a_source_that_tells_nothing_by_itself(source: Source, twin: Twin) -> None:
    """Neither vendor has webhooks of stock: an event of theirs says nothing of it."""
    assert run(source, twin, _told) == stock.Told()


async def _told(connector: Any) -> stock.Told:
    found: stock.Told = connector.told("order.shipped", b"{}")
    return found
