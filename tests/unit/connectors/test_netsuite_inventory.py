"""What NetSuite says of stock becomes levels, read in pages by key and by the account's own clock."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from stock_vendor import Vendor, counted

from interlock.clock import VirtualClock
from interlock.connectors.contract import Answer, Retry, SettingsError
from interlock.connectors.netsuite import inventory
from interlock.connectors.netsuite.inventory import NetSuiteStock
from interlock.messaging import stock

NOW = {"items": [{"moment": "2026-11-01 01:30:00"}]}


class Client:
    """The NetSuite client with its token, over the prepared vendor."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor

    async def call(self, method: str, path: str, body: bytes | None, timeout_seconds: float) -> Answer:
        return await self.vendor.send(method, f"https://api.test{path}", {}, body, timeout_seconds)

    def not_read(self, answer: Answer) -> Retry:
        return Retry(code="NOT_READ", message="", status=answer.status)


@pytest.fixture(autouse=True)
def no_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tokens are tested elsewhere."""
    monkeypatch.setattr(
        "interlock.connectors.netsuite.client.stock_source",
        lambda connection: NetSuiteStock(Client(connection.http), connection),
    )
    monkeypatch.setattr(inventory, "PAGE", 2)


def read(vendor: Vendor, use: Any, **settings: Any) -> Any:
    credentials = {"client_id": "c", "certificate_id": "k", "private_key": "p"}
    return counted(vendor, "netsuite", use, credentials, VirtualClock(1_800_000_000_000), **settings)


def row(item: int, location: int, **changed: Any) -> dict[str, Any]:
    return {"links": [], "item": str(item), "location": str(location), "sku": f"S{item}", "onhand": "7"} | changed


def rows(*found: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"items": list(found), "hasMore": more, "count": len(found)}


def queries(vendor: Vendor) -> list[str]:
    return [body["q"] for _, body in vendor.asked]


def test_a_balance_in_the_names_of_the_hub() -> None:
    """F40, C65: texts become exact numbers, on order is incoming, the unit is the one that the account shows."""
    told = row(
        1,
        2,
        available="2.5",
        committed="4.5",
        onorder="12",
        unit="Case of 12",
        barcode="00",
        changed="2026-11-01 01:29:59",
    )
    page = read(Vendor(NOW, rows(told)), lambda source: source.levels("", timeout_seconds=5))
    amounts = {"on_hand": "7", "available": "2.5", "committed": "4.5", "incoming": "12"}
    assert page.levels == (
        stock.Level(
            item="1", location="2", sku="S1", barcode="00", unit="Case of 12", as_of_us=1_800_000_000_000_000,
            quantities={name: Decimal(amount) for name, amount in amounts.items()}, version="2026-11-01 01:29:59",
        ),
    )  # fmt: skip
    assert page.cursor == "2026-11-01 01:30:00"


def test_what_is_empty_is_left_out() -> None:
    """C66: NetSuite leaves out what is null; a place of which nothing is known is no level, and nothing becomes zero."""
    empty = {name: value for name, value in row(1, 3).items() if name != "onhand"}
    page = read(Vendor(NOW, rows(row(1, 2), empty)), lambda source: source.levels("", timeout_seconds=5))
    assert page.after, "a whole page: there may be more"
    assert [(level.location, level.quantities) for level in page.levels] == [("2", {"on_hand": Decimal(7)})]


@pytest.mark.parametrize("wrong", [row(1, 2, onhand="many"), row(1, 2, onhand=None) | {"item": None}, {"item": "1"}])
def test_a_row_that_cannot_be_read_is_read_again(wrong: dict[str, Any]) -> None:
    """Fault case 26: never a zero, never a page without the row."""
    found = read(Vendor(NOW, rows(row(1, 1), wrong)), lambda source: source.levels("", timeout_seconds=5))
    assert isinstance(found, Retry)


def test_pages_begin_behind_the_last_key() -> None:
    """Rows that come and go between pages shift no offset; a page that has fewer rows but more to come goes on as well."""
    vendor = Vendor(NOW, rows(row(1, 1), row(1, 2)), rows(row(2, 1), more=True), rows())

    async def use(source: NetSuiteStock) -> list[Any]:
        pages, after = [], ""
        while True:
            pages.append(await source.levels(after, timeout_seconds=5))
            assert isinstance(pages[-1], stock.LevelPage)
            if not pages[-1].after:
                return pages
            after = pages[-1].after

    pages = read(vendor, use)
    assert [len(page.levels) for page in pages] == [2, 1, 0]
    assert [query.split("WHERE ")[1].split(" ORDER")[0] for query in queries(vendor)[1:]] == [
        "(a.item > 0 OR (a.item = 0 AND a.location > 0))",
        "(a.item > 1 OR (a.item = 1 AND a.location > 2))",
        "(a.item > 2 OR (a.item = 2 AND a.location > 1))",
    ]
    assert [page.cursor for page in pages] == ["", "", "2026-11-01 01:30:00"]


@pytest.mark.parametrize(
    ("saved", "since"),
    [("2026-11-01 01:20:00", "2026-11-01 01:19:00"), ("2026-11-01 01:59:50", "2026-11-01 01:29:00")],
    ids=["a minute before the cursor", "the clock was put back"],
)
def test_what_changed_by_the_account_s_own_clock(saved: str, since: str) -> None:
    """C20: with an overlap, since what has an earlier time may be saved later; and when the clock was put back in autumn
    (the cursor is ahead of it) nothing of the hour that comes twice is missed."""
    vendor = Vendor(NOW, rows(row(1, 1)))
    page = read(vendor, lambda source: source.changed(saved, "", timeout_seconds=5))
    assert page.cursor == "2026-11-01 01:30:00"
    assert f">= TO_TIMESTAMP('{since}', 'YYYY-MM-DD HH24:MI:SS') AND (a.item > 0" in queries(vendor)[1]


def test_some_items_at_many_places() -> None:
    """All places of the items, over as many pages as they take; what is no id of NetSuite's is not asked for."""
    vendor = Vendor(rows(row(1, 1), row(1, 2)), rows(row(9, 1)))
    levels = read(vendor, lambda source: source.read(["1", "9", "x' OR 1=1", "\u0661"], timeout_seconds=5))
    assert [(level.item, level.location) for level in levels] == [("1", "1"), ("1", "2"), ("9", "1")]
    assert all("a.item IN (1, 9) AND " in query for query in queries(vendor))
    assert read(Vendor(), lambda source: source.read(["x"], timeout_seconds=5)) == ()


def test_items_and_the_field_of_the_sku() -> None:
    """Kits are told as such; the SKU may stand in another field, whose name cannot smuggle anything into the query."""
    found = rows({"item": "1", "sku": "A", "itemtype": "InvtPart", "barcode": "00"}, {"item": "4", "itemtype": "Kit"})
    vendor = Vendor(found)
    page = read(vendor, lambda source: source.items("", timeout_seconds=5), sku_field="custitem_sku")
    assert [(one.item, one.sku, one.barcode, one.kit) for one in page.items] == [
        ("1", "A", "00", False),
        ("4", "", "", True),
    ]
    assert page.after == "4"
    assert "i.custitem_sku AS sku" in queries(vendor)[0]
    with pytest.raises(SettingsError, match="no field"):
        read(Vendor(), lambda source: source.items("", timeout_seconds=5), sku_field="itemid, (SELECT 1)")


def test_an_account_that_does_not_tell_its_time() -> None:
    """Without it there is no cursor to save, and a wrong one would lose changes."""
    found = read(Vendor({"items": []}), lambda source: source.levels("", timeout_seconds=5))
    assert isinstance(found, Retry)
