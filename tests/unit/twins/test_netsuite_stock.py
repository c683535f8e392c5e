"""The NetSuite twin balances stock by location, sees sales orders as they come, and answers SuiteQL about it as NetSuite does."""

from __future__ import annotations

from typing import Any

RECORDS = "/services/rest/record/v1"
SUITEQL = "/services/rest/query/v1/suiteql"
AUTHORIZED = {"authorization": "Bearer twin-token"}
CONFIG = {
    "entities": "any",
    "locations": [{"id": "1", "name": "Main"}, {"id": "2", "name": "East"}],
    "items": [
        {"id": "10", "externalId": "A", "upcCode": "0001", "stockUnit": "Each", "locations": {"1": 10, "2": 4}},
        {"id": "11", "externalId": "B", "locations": {"1": 2}},
    ],
}
BALANCES = (
    "SELECT a.item, i.itemid AS sku, a.location, a.quantityonhand, a.quantitycommitted, a.quantityavailable,"
    " a.quantitybackordered FROM aggregateItemLocation a INNER JOIN item i ON i.id = a.item ORDER BY a.item, a.location"
)


def query(twin: Any, text: str, page: str = "") -> Any:
    answer = twin.send("POST", SUITEQL + page, {"q": text}, {"Prefer": "transient"})
    assert answer.status == 200, answer.text
    return answer.json


def balances(twin: Any) -> dict[tuple[str, str], tuple[str, ...]]:
    """On hand, committed, available, backordered by SKU and location."""
    return {
        (row["sku"], row["location"]): tuple(
            row[f"quantity{name}"] for name in ("onhand", "committed", "available", "backordered")
        )
        for row in query(twin, BALANCES)["items"]
    }


def order(*lines: tuple[str, int], **changes: Any) -> dict[str, Any]:
    items = [{"item": {"externalId": sku}, "quantity": quantity, "rate": 1} for sku, quantity in lines]
    return {"entity": {"externalId": "C"}, "item": {"items": items}} | changes


def test_orders_commit_and_fulfilments_ship(start_twin: Any) -> None:
    """C61: a sales order lowers what is available at its location, more than there is is backordered, closing frees it,
    and a fulfilment takes it off the shelf; a restart remembers."""
    twin = start_twin("netsuite", CONFIG, AUTHORIZED)
    path = f"{RECORDS}/salesOrder/eid:SO1"
    twin.send("PUT", path, order(("A", 3), ("B", 5)))
    twin.send("PUT", f"{RECORDS}/salesOrder/eid:SO2", order(("A", 1), location={"id": "2"}))
    assert balances(twin) == {
        ("A", "1"): ("10", "3", "7", "0"), ("A", "2"): ("4", "1", "3", "0"), ("B", "1"): ("2", "2", "0", "3"),
    }  # fmt: skip
    part = {"item": {"items": [{"orderLine": 1, "quantity": 2}, {"orderLine": 2, "itemreceive": False}]}}
    assert twin.send("POST", f"{path}/!transform/itemFulfillment", part).status == 204
    assert balances(twin)["A", "1"] == ("8", "1", "7", "0")
    closed = {"item": {"items": [{"line": 1, "isClosed": True}, {"line": 2, "isClosed": True}]}}
    assert twin.send("PATCH", path, closed).status == 204
    twin.send("DELETE", f"{RECORDS}/salesOrder/eid:SO2")
    done = {("A", "1"): ("8", "0", "8", "0"), ("A", "2"): ("4", "0", "4", "0"), ("B", "1"): ("2", "0", "2", "0")}
    assert balances(twin) == done
    twin.stop()
    twin.start()
    assert balances(twin) == done


def test_a_charge_commits_nothing(start_twin: Any) -> None:
    """A charge may be an item by a name of its own, of which the account has no stock: the order is taken all the same."""
    twin = start_twin("netsuite", {"entities": "any", "items": "any"}, AUTHORIZED)
    rows = [
        {"item": {"id": "A"}, "quantity": 3, "rate": 1},
        {"item": {"id": "shipping item"}, "quantity": 1, "rate": 5},
    ]
    sent = twin.send("PUT", f"{RECORDS}/salesOrder/eid:SO1", {"entity": {"externalId": "C"}, "item": {"items": rows}})
    assert sent.status == 204, sent.text
    assert balances(twin) == {}


def test_pending_approval_may_commit_nothing(start_twin: Any) -> None:
    """What an order commits before it is approved is a preference of the account: both are met."""
    twin = start_twin("netsuite", CONFIG | {"pending_approval_commits": False}, AUTHORIZED)
    twin.send("PUT", f"{RECORDS}/salesOrder/eid:SO1", order(("A", 3)))
    assert balances(twin)["A", "1"][1] == "0"
    twin.send("PATCH", f"{RECORDS}/salesOrder/eid:SO1", {"orderStatus": {"id": "B"}})
    assert balances(twin)["A", "1"][1] == "3"


def test_suiteql_of_balances(start_twin: Any) -> None:
    """Names of units and locations, times by the account's own clock, keyset pages, and only reading."""
    twin = start_twin("netsuite", CONFIG, AUTHORIZED)
    row = query(twin, "SELECT BUILTIN.DF(i.stockunit) AS unit, BUILTIN.DF(a.location) AS place, a.lastquantityavailablechange"
        " FROM inventoryItemLocations a JOIN item i ON i.id = a.item WHERE a.item = 10 AND a.location = 2")["items"][0]  # fmt: skip
    assert (row["unit"], row["place"], row["lastquantityavailablechange"].count("/")) == ("Each", "East", 2)
    now = query(twin, "SELECT TO_CHAR(SYSDATE, 'YYYY-MM-DD HH24:MI:SS') AS now FROM dual")["items"][0]["now"]
    moved = twin.send("POST", "/_twin/stock:clock", {"utc_offset_minutes": -540}).json["now"]
    assert moved < now
    page = "SELECT item, location FROM aggregateItemLocation WHERE item > 10 OR (item = 10 AND location > 1) ORDER BY item, location FETCH NEXT 1 ROWS ONLY"
    assert query(twin, page)["items"] == [{"links": [], "item": "10", "location": "2"}]
    for wrong in ("SELECT nothing FROM item", "SELECT load_extension('x') FROM item", "DELETE FROM item"):
        assert twin.send("POST", SUITEQL, {"q": wrong}, {"Prefer": "transient"}).status == 400
    assert "upccode" not in query(twin, "SELECT id, upccode FROM item WHERE id = 11")["items"][0]


def test_people_change_stock_and_it_can_be_stale_or_missing(start_twin: Any) -> None:
    """C66 and its control: the numbers stand still while they are held, an item can be gone, and each change has its time."""
    twin = start_twin("netsuite", CONFIG, AUTHORIZED)
    old = {
        "sku": "OLD",
        "barcode": "9",
        "unit": "Case of 12",
        "locations": {"2": 2.5},
        "changed": "2020-01-01 00:00:00",
    }
    assert twin.send("POST", "/_twin/stock", {"items": [old, old | {"sku": "A"}]}).json == {"items": 1}
    changed = (
        "SELECT i.itemid AS sku FROM aggregateItemLocation a JOIN item i ON i.id = a.item WHERE"
        " a.lastquantityavailablechange < TO_TIMESTAMP('2021-01-01 00:00:00', 'YYYY-MM-DD HH24:MI:SS')"
    )
    assert [row["sku"] for row in query(twin, changed)["items"]] == ["OLD"]
    twin.send("POST", "/_twin/stock:stale", {"stale": True})
    twin.send("POST", "/_twin/stock/OLD", {"location": "2", "adjust": 1})
    assert balances(twin)["OLD", "2"][0] == "2.5"
    twin.send("POST", "/_twin/stock:stale", {"stale": False})
    assert balances(twin)["OLD", "2"][0] == "3.5"
    assert query(twin, changed)["items"] == []
    twin.send("POST", "/_twin/stock/B", {"missing": True})
    assert ("B", "1") not in balances(twin)
    assert twin.send("POST", "/_twin/stock/Z", {"on_hand": 1}).status == 404
