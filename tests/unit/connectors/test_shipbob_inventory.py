"""What ShipBob says of stock becomes levels: no more than it says, from no other address, and never a zero of its own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from stock_vendor import Vendor, counted

from interlock.clock import VirtualClock
from interlock.connectors import registry
from interlock.connectors.contract import Connection, Retry
from interlock.messaging import stock
from interlock.messaging.stock import read_rest_seconds

HOUR_US = 3_600_000_000


def place(location: int, fulfillable: int = 5, **changed: Any) -> dict[str, Any]:
    row = {
        "location_id": location, "on_hand_quantity": 7, "committed_quantity": 2, "fulfillable_quantity": fulfillable,
        "awaiting_quantity": 3, "internal_transfer_quantity": 1, "name": "Cicero (IL)",
    }  # fmt: skip
    return row | changed


def levels(*rows: tuple[int, list[Any]], following: str | None = None) -> dict[str, Any]:
    return {
        "items": [{"inventory_id": one, "sku": f"S{one}", "locations": places} for one, places in rows],
        "next": following,
    }


def totals(**exceptions: int) -> dict[str, Any]:
    rows = [{"inventory_id": int(one[1:]), "total_exception_quantity": count} for one, count in exceptions.items()]
    return {"items": rows, "next": None}


def read(vendor: Vendor, use: Any, clock: VirtualClock | None = None, **settings: Any) -> Any:
    given = {"channel_id": 1} | settings
    return counted(vendor, "shipbob", use, {"token": "t"}, clock or VirtualClock(1_800_000_000_000), **given)


def whole(after: str = "") -> Any:
    return lambda source: source.levels(after, timeout_seconds=5)


def test_a_level_in_the_names_of_the_hub() -> None:
    """F40: fulfillable is available, awaited is incoming, sellable is not used; the numbers are as old as ShipBob's lag."""
    vendor = Vendor(levels((1, [place(8)])), totals(_1=0))
    page = read(vendor, whole())
    assert page.levels == (
        stock.Level(
            item="1", location="8", sku="S1", as_of_us=(1_800_000_000_000 - 60_000) * 1000,
            quantities={
                "available": Decimal(5), "on_hand": Decimal(7), "committed": Decimal(2), "incoming": Decimal(3),
            },
        ),
    )  # fmt: skip
    assert [asked for asked, _ in vendor.asked] == [
        "GET /2026-01/inventory-level/locations?PageSize=150",
        "GET /2026-01/inventory-level?InventoryIds=1&PageSize=150",
    ]


def test_what_is_set_aside_is_not_available_anywhere() -> None:
    """It may lie at any centre of the item: it is taken off at each, and called damaged where there is but one."""
    rows = levels((1, [place(8), place(211, 4)]), (2, [place(8)]))
    page = read(Vendor(rows, totals(_1=2, _2=1)), whole())
    assert [(one.item, one.quantities["available"]) for one in page.levels] == [("1", 3), ("1", 2), ("2", 4)]
    assert ["damaged" in one.quantities for one in page.levels] == [False, False, True]
    left_in = read(Vendor(rows), whole(), exceptions="ignore")
    assert [one.quantities["available"] for one in left_in.levels] == [5, 4, 5]


@pytest.mark.parametrize(
    "answers",
    [
        [levels((1, [{"location_id": 8, "on_hand_quantity": 1}]))],
        [levels((1, [place(8, None)]))],  # type: ignore[arg-type]
        [levels((1, [place(8)])), totals(_2=0)],
        [{"items": None, "next": None}],
        [[]],
        [
            levels((1, [place(8)]), following="https://api.test/2026-01/inventory-level/locations?PageSize=150"),
            totals(_1=0),
        ],
        [levels((1, [place(8)]), following="opaque"), totals(_1=0)],
    ],
    ids=["missing", "null", "no total", "no rows", "another shape", "the same page again", "no address"],
)
def test_what_is_not_told_is_never_zero(answers: list[Any]) -> None:
    """C66, fault case 26: a number that is missing, null or not to be reached makes the page one that was not read."""
    found = read(Vendor(*answers), whole())
    assert isinstance(found, Retry)
    assert found.code == "ANSWER_NOT_UNDERSTOOD"


def test_the_next_page_is_asked_of_shipbob_whatever_its_address_says() -> None:
    """Only the query of `next` is used: an answer cannot lead the token to another host or path."""
    vendor = Vendor(levels((1, [place(8)]), following="https://evil.test/steal?cursor=abc"), totals(_1=0))
    page = read(vendor, whole())
    vendor.answers = [levels((2, [])), totals(_2=0)]
    last = read(vendor, whole(page.after))
    assert vendor.asked[-2][0] == "GET /2026-01/inventory-level/locations?cursor=abc"
    assert (last.after, bool(last.cursor), last.rest_seconds > 2) == ("", True, True)


def test_what_was_ordered_in_the_last_minute_is_in_no_reading() -> None:
    """Levels are a minute old when they are read, those of a whole reading too: it counted as if it had the orders of that minute,
    which were then subtracted no more and sold twice (C61)."""
    page = read(Vendor(levels((1, [place(8)])), totals(_1=0)), whole())
    assert page.complete_us == page.levels[0].as_of_us == (1_800_000_000_000 - 60_000) * 1000
    moved = read(Vendor([{"id": 8}], history()), lambda source: rounds(source, cursor(0.2)))
    assert moved[-1].complete_us == msgspec.json.decode(cursor(0.2))["whole_us"] - 60_000_000


def test_it_is_asked_as_often_as_the_folder_lets_it_be_called() -> None:
    """A tenth of the calls may go into items that were sold, of which each reading takes two; more where the folder says so."""

    def rests(calls_per_second: float) -> float:
        connection = Connection(
            system="wms", url="https://api.test", settings={"channel_id": 1}, credentials={"token": "t"}, builders={},
            http=Vendor(), clock=VirtualClock(), calls_per_second=calls_per_second,  # type: ignore[arg-type]
        )  # fmt: skip
        return read_rest_seconds(registry.open_offer("shipbob", "stock_source", connection))

    assert (round(rests(0), 3), rests(200)) == (8.0, 0.1)


def cursor(hours_ago: float, whole_hours_ago: float = 0.1) -> str:
    now = 1_800_000_000_000_000
    text = {"since_us": now - int(hours_ago * HOUR_US), "whole_us": now - int(whole_hours_ago * HOUR_US)}
    return msgspec.json.encode(text).decode()


def history(*events: tuple[int, int], following: str | None = None) -> dict[str, Any]:
    rows = [{"inventory_audit_event_id": event, "inventory_id": item} for event, item in events]
    return {"data": rows, "next": following}


async def rounds(source: Any, saved: str) -> list[Any]:
    """All pages of what changed."""
    pages, after = [], ""
    while True:
        pages.append(await source.changed(saved, after, timeout_seconds=5))
        if not isinstance(pages[-1], stock.LevelPage) or not pages[-1].after:
            return pages
        after = pages[-1].after


def test_what_changed_is_found_in_the_history_of_each_centre() -> None:
    """Each facility's movements page by page, from a little before the cursor, and the levels of what they name."""
    vendor = Vendor(
        [{"id": 8}, {"id": 211}],
        history((5, 1), (6, 1), following="?cursor=6"), levels((1, [place(8)])), totals(_1=0),
        history((9, 2)), levels((2, [place(8)])), totals(_2=0),
        history(),
    )  # fmt: skip
    pages = read(vendor, lambda source: rounds(source, cursor(0.2)))
    assert [[one.item for one in page.levels] for page in pages] == [["1"], ["2"], []]
    asked = [body for path, body in vendor.asked if "history" in path]
    assert [(one["facility_id"], one.get("cursor")) for one in asked] == [(8, None), (8, 6), (211, None)]
    assert {one["start_date"] for one in asked} == {"2027-01-15T07:43:00+00:00"}, (
        "12 minutes and 5 of overlap before 8:00"
    )
    saved = msgspec.json.decode(pages[-1].cursor)
    assert saved == {"since_us": 1_800_000_000_000_000, "whole_us": msgspec.json.decode(cursor(0.2))["whole_us"]}
    assert pages[-1].rest_seconds >= 5


def test_a_level_says_what_moved_it() -> None:
    """ShipBob's word for the last movement of an item at the centre that it was asked of, for the history of stock. Control: the item's
    level at another centre is only read along, and a movement without a word says nothing."""
    rows = history((5, 1), (6, 1), (7, 2))
    rows["data"][1] |= {"event_category": "OrderPicked", "shipbob_order_id": 100123}
    read_along = levels((1, [place(8), place(211)]), (2, [place(8)]))
    (page,) = read(
        Vendor([{"id": 8}], rows, read_along, totals(_1=0, _2=0)), lambda source: rounds(source, cursor(0.2))
    )
    assert [one.why for one in page.levels] == ["order picked, ShipBob's order 100123", "", ""]


def test_a_history_that_does_not_go_on_ends() -> None:
    """Control of the paging: the same page for ever would be asked for ever."""
    page = history((5, 1), following="?cursor=5")
    vendor = Vendor([{"id": 8}], page, levels((1, [])), totals(_1=0), page, levels((1, [])), totals(_1=0))
    assert isinstance(read(vendor, lambda source: rounds(source, cursor(0.2)))[-1], Retry)


@pytest.mark.parametrize("saved", [cursor(24 * 90), cursor(0.2, 0.26), ""], ids=["too old", "whole is due", "none"])
def test_all_levels_when_the_history_is_not_enough(saved: str) -> None:
    """What orders commit is in no history, and history ends: then all is read, and the cursor says so."""
    pages = read(Vendor(levels((1, [place(8)])), totals(_1=0)), lambda source: rounds(source, saved))
    assert [one.item for one in pages[0].levels] == ["1"]
    assert msgspec.json.decode(pages[0].cursor)["whole_us"] == 1_800_000_000_000_000


def test_a_long_round_stays_what_it_is() -> None:
    """Half of all levels and half of a history would be neither: a round that has begun goes on, however long it takes."""
    clock = VirtualClock(1_800_000_000_000)
    vendor = Vendor([{"id": 8}, {"id": 211}], history((5, 1)), levels((1, [place(8)])), totals(_1=0), history())

    async def use(source: Any) -> Any:
        page = await source.changed(cursor(0.2), "", timeout_seconds=5)
        await clock.advance(3_600)
        return await source.changed(cursor(0.2), page.after, timeout_seconds=5)

    assert msgspec.json.decode(read(vendor, use, clock).cursor)["since_us"] == 1_800_000_000_000_000


def test_many_items_are_asked_for_in_parts() -> None:
    """ShipBob limits how many ids a call may name: all are read, in calls of at most 150, and none is left behind."""
    items = list(range(1, 302))
    parts = [items[begin : begin + 150] for begin in (0, 150, 300)]
    answers = [
        one for part in parts
        for one in (levels(*((n, [place(8)]) for n in part)), totals(**{f"_{n}": 0 for n in part}))
    ]  # fmt: skip
    vendor = Vendor(*answers)
    found = read(vendor, lambda source: source.read([str(n) for n in items], timeout_seconds=5))
    assert [level.item for level in found] == [str(n) for n in items]
    assert max(asked.partition("InventoryIds=")[2].partition("&")[0].count(",") + 1 for asked, _ in vendor.asked) == 150
