"""The ShipBob twin counts by location, sees orders as they come, and can be late, wrong or without an item."""

from __future__ import annotations

from typing import Any

from interlock.twins.shipbob_stock import Stock
from interlock.twins.world import World

V = "/2026-01"
HEADERS = {"authorization": "Bearer twin-token", "shipbob_channel_id": "100"}
CONFIG = {
    "rate_per_minute": 0,
    "locations": [{"id": 8, "name": "Cicero (IL)"}, {"id": 211, "name": "Fairburn (GA)"}],
    "products": [
        {"reference_id": "A", "barcode": "0001", "locations": {"8": 1, "211": 5}},
        {"reference_id": "B", "locations": {"8": 3}},
        {"reference_id": "C", "locations": {"8": 0}},
    ],
}


def order(reference: str, *lines: tuple[str, int], **changes: Any) -> dict[str, Any]:
    return {
        "reference_id": reference,
        "shipping_method": "Standard",
        "type": "DTC",
        "recipient": {"name": "Ann Lee", "address": {"address1": "1 Way", "city": "Gotham", "country": "US"}},
        "products": [{"reference_id": sku, "quantity": quantity} for sku, quantity in lines],
    } | changes


def rows(twin: Any, sku: str = "A") -> dict[int, tuple[int, int, int]]:
    """On hand, committed and fulfillable by location."""
    items = twin.send("GET", f"{V}/inventory-level/locations?PageSize=250").json["items"]
    return {
        place["location_id"]: (place["on_hand_quantity"], place["committed_quantity"], place["fulfillable_quantity"])
        for row in items
        if row["sku"] == sku
        for place in row["locations"]
    }


def test_an_order_commits_where_it_will_be_shipped_from(start_twin: Any) -> None:
    """C61: "seen by the source" is true of the twin; an order lowers what is fulfillable where it is taken from, and
    shipping takes it off the shelf and leaves a movement in the history."""
    twin = start_twin("shipbob", CONFIG, HEADERS)
    twin.send("POST", f"{V}/order", order("R1", ("A", 2), ("A", 1)))
    assert rows(twin) == {8: (1, 0, 1), 211: (5, 3, 2)}
    twin.send("POST", f"{V}/order", order("R2", ("A", 1), location_id=8))
    assert rows(twin)[8] == (1, 1, 0)
    twin.send("POST", "/_twin/orders/R1/fulfill")
    assert rows(twin)[211] == (2, 0, 2)
    events = twin.send("POST", f"{V}/inventory/history:query", {"facility_id": 211}).json["data"]
    assert [(one["event_category"], one["decrement"]["quantity_change"]) for one in events] == [("OrderPicked", -3)]
    assert twin.send("POST", f"{V}/inventory/history:query", {"facility_id": 8}).json["data"] == []
    twin.stop()
    twin.start()
    assert rows(twin) == {8: (1, 1, 0), 211: (2, 0, 2)}


def test_more_ordered_than_there_is(start_twin: Any) -> None:
    """Nothing fulfillable goes below zero; what is owed shows as backordered."""
    twin = start_twin("shipbob", CONFIG, HEADERS)
    twin.send("POST", f"{V}/order", order("R1", ("B", 5)))
    totals = twin.send("GET", f"{V}/inventory-level").json["items"][1]
    assert (totals["total_fulfillable_quantity"], totals["total_backordered_quantity"]) == (0, 2)


def test_pages_follow_next_and_filters_hold(start_twin: Any) -> None:
    """`next` leads through all items once; InventoryIds and LocationId narrow every page."""
    twin = start_twin("shipbob", CONFIG, HEADERS)
    seen, path = [], f"{V}/inventory?PageSize=2"
    while path:
        page = twin.send("GET", path).json
        seen += [(row["sku"], row["barcode"]) for row in page["items"]]
        path = page["next"] and V + page["next"]
    assert seen == [("A", "0001"), ("B", None), ("C", None)]
    first = twin.send("GET", f"{V}/inventory").json["items"][0]["inventory_id"]
    found = twin.send("GET", f"{V}/inventory-level/locations?InventoryIds={first}&LocationId=211").json["items"]
    assert [[place["location_id"] for place in row["locations"]] for row in found] == [[211]]
    assert twin.send("GET", f"{V}/inventory?PageSize=251").status == 400
    assert twin.send("GET", f"{V}/inventory?InventoryIds={','.join(map(str, range(151)))}").status == 400
    assert [row["id"] for row in twin.send("GET", f"{V}/location").json] == [8, 211]


def test_people_count_receive_and_lose(start_twin: Any) -> None:
    """The controls are what a warehouse does: set, adjust, await and receive, set aside, and lose an item."""
    twin = start_twin("shipbob", CONFIG, HEADERS)
    twin.send("POST", "/_twin/stock/A", {"location": 211, "on_hand": 9})
    twin.send("POST", "/_twin/stock/A", {"adjust": -1})
    twin.send("POST", "/_twin/stock/A", {"awaiting": 4})
    row = twin.send("POST", "/_twin/stock/A", {"receive": 3}).json["locations"][0]
    assert (row["on_hand_quantity"], row["awaiting_quantity"]) == (3, 1)
    twin.send("POST", "/_twin/stock/A", {"exception": 2})
    totals = twin.send("GET", f"{V}/inventory-level").json["items"][0]
    assert (totals["total_exception_quantity"], totals["total_on_hand_quantity"]) == (2, 12)
    history = twin.send("POST", f"{V}/inventory/history:query", {"facility_id": 8}).json["data"]
    assert [one["event_category"] for one in history] == ["InventoryAdjusted", "ReceivingStow"]
    after = twin.send(
        "POST", f"{V}/inventory/history:query", {"facility_id": 8, "cursor": history[0]["inventory_audit_event_id"]}
    )
    assert len(after.json["data"]) == 1
    twin.send("POST", "/_twin/stock/A", {"missing": True})
    assert [row["sku"] for row in twin.send("GET", f"{V}/inventory").json["items"]] == ["B", "C"]
    assert twin.send("GET", f"{V}/inventory-level/{totals['inventory_id']}").status == 404
    assert twin.send("POST", "/_twin/stock/Z", {"on_hand": 1}).status == 404


def test_a_stale_source_shows_old_numbers(start_twin: Any) -> None:
    """C66, control: without it, a source that stands still could not be told from one where nothing happens."""
    twin = start_twin("shipbob", CONFIG, HEADERS)
    twin.send("POST", "/_twin/stock:stale", {"stale": True})
    twin.send("POST", "/_twin/stock/B", {"on_hand": 100})
    assert rows(twin, "B")[8][0] == 3
    twin.send("POST", "/_twin/stock:stale", {"stale": False})
    assert rows(twin, "B")[8][0] == 100


def test_levels_lag_behind_orders(tmp_path: Any) -> None:
    """ShipBob's levels follow an order after about a minute: for so long the order is accepted and not seen (C61)."""
    now, world = [0.0], World(tmp_path, 7)
    stock = Stock(world, {"levels_lag_seconds": 60}, lambda: now[0])
    item = stock.add({"reference_id": "A", "on_hand": 5})
    stock.show_all()
    stock.commit(item, 8, 2)
    assert stock.shown(item)[8].fulfillable == 5
    now[0] = 59.0
    assert stock.shown(item)[8].fulfillable == 5
    now[0] = 60.0
    assert stock.shown(item)[8].fulfillable == 3
    world.close()


def test_a_catalogue_is_seeded_at_once(start_twin: Any) -> None:
    """A measurement of many SKUs has them in one call."""
    twin = start_twin("shipbob", {"rate_per_minute": 0}, HEADERS)
    items = [{"sku": f"S{n}", "locations": {"8": n, "9": 1}} for n in range(500)]
    assert twin.send("POST", "/_twin/stock", {"items": items}).json == {"items": 500}
    assert len(rows(twin, "S499")) == 0
    assert rows(twin, "S7") == {8: (7, 0, 7), 9: (1, 0, 1)}
