"""A source renames a field: with the watch it is said at once and with the right count; without it the field is silently null."""

import asyncio
import json
import random
from http.cookiejar import CookieJar
from typing import Any
from urllib.request import HTTPCookieProcessor, build_opener

import books
import pytest
from shop import Stage, knock, still
from stack import until

from interlock.hub import Hub
from interlock.messaging.contract_drift import DriftRow
from interlock.messaging.ledger import Filter
from interlock.messaging.sqlite.contract_drift import SqliteDriftBook, SqliteDriftViews
from interlock.twins.shopify.orders import make_order

KNOWN = 305
RENAMED = 14
AT_ONCE = 25


def order(number: int, *, note: str = "", renamed: bool = False) -> dict[str, Any]:
    """Number 1 to KNOWN are test orders, which no flow takes: they teach the watch and write nothing anywhere."""
    made = make_order(random.Random(number), number, "plain") | {"note": note or None, "test": number <= KNOWN}
    if renamed:
        made["order_note"] = made.pop("note")
    return made


async def arrive(hub: Hub, orders: list[dict[str, Any]]) -> None:
    """Each as a signed webhook at the hub's door."""
    for first in range(0, len(orders), AT_ONCE):
        block = [json.dumps(one).encode() for one in orders[first : first + AT_ONCE]]
        assert set(await asyncio.gather(*(knock(hub, body, "orders/create") for body in block))) <= {200, 202}


async def look_at_all(hub: Hub) -> None:
    """Passes of the watch until nothing waits, without the second between them."""
    while await hub.contract_watch.step():
        pass


async def records(hub: Hub, **which: bool) -> list[DriftRow]:
    views = SqliteDriftViews(hub.data / "ledger.db", hub.data / "inbox.db")
    try:
        return await views.drift(**which)
    finally:
        views.close()


async def page(hub: Hub, path: str) -> str:
    """A page of the hub's own console, signed in."""

    def get() -> str:
        browser = build_opener(HTTPCookieProcessor(CookieJar()))
        with (
            browser.open(f"{hub.url}/?token={hub.token}", timeout=30),
            browser.open(hub.url + path, timeout=30) as answer,
        ):
            return str(answer.read().decode())

    return await asyncio.to_thread(get)


def memos(world: Any, orders: list[dict[str, Any]]) -> list[Any]:
    """What the ERP has as the note of each order."""
    found = [books.sales_order(world, f"shopify-{one['id']}") for one in orders]
    return [one and one.get("memo") for one in found]


async def delivered(hub: Hub, orders: list[dict[str, Any]]) -> None:
    async def done() -> bool:
        rows = await hub.views.deliveries(Filter(destination="netsuite", states=("done",)))
        return {row.key for row in rows} >= {str(one["id"]) for one in orders}

    await until(done)


async def warnings(hub: Hub, destination: str, key: int) -> str:
    rows = await hub.views.deliveries(Filter(destination=destination, object="order", key=str(key)))
    return rows[0].warnings


def test_a_renamed_field_is_told_with_its_count(stage: Stage) -> None:
    """A renamed field must not become silent nulls: raised within ten documents, counted exactly, named where it ends up,
    carried as a warning by the deliveries that lack it and by no other, accepted by a person with a reason, and ended when
    the source is as it was."""

    async def story() -> None:
        async with stage.play() as (world, hub, _):
            await arrive(hub, [order(number) for number in range(1, KNOWN + 1)])
            await look_at_all(hub)
            assert await records(hub) == []
            late = [order(KNOWN + number, note="ring twice", renamed=True) for number in range(1, RENAMED + 1)]
            await arrive(hub, late[:9])
            await look_at_all(hub)
            assert [row.change for row in await records(hub)] == ["new"]
            await arrive(hub, late[9:])
            await look_at_all(hub)
            gone, new = await records(hub)
            assert (gone.path, gone.change, gone.severity, gone.documents) == ("note", "vanished", "high", RENAMED)
            assert (gone.perhaps, gone.reads) == ("order_note", ("note",))
            assert gone.uses == ("order-to-erp: netsuite salesOrder memo",)
            assert (gone.first_event, gone.last_event) == (KNOWN + 1, KNOWN + RENAMED)
            assert (new.path, new.change, new.severity, new.documents) == ("order_note", "new", "low", RENAMED)

            shown = await page(hub, "/strategy/mappings")
            assert "Shopify&#39;s order field note is gone; it may be order_note now." in shown
            assert f"Learned from {KNOWN + RENAMED} documents of order by Shopify" in shown
            assert 'interlock_contract_drift{object="order",severity="high",system="shopify"} 1.0' in await page(
                hub, "/metrics"
            )

            warned = order(KNOWN + 20, renamed=True)
            await arrive(hub, [warned])
            await delivered(hub, [*late, warned])
            await still(hub, world)
            assert "note is gone" in await warnings(hub, "netsuite", warned["id"])
            assert "note" not in await warnings(hub, "shipbob", warned["id"])

            book = SqliteDriftBook(hub.ledger.group)
            assert await book.accept(new.id, by="anna", why="their release of June", now_ms=1)
            await arrive(hub, [order(KNOWN + number) for number in range(30, 41)])
            await look_at_all(hub)
            assert await records(hub) == []
            states = {row.path: row.state for row in await records(hub, closed_too=True)}
            assert states == {"note": "ended", "order_note": "accepted"}
            assert any(entry.action == "accept drift" for entry in await hub.views.audit(limit=5))
            well = order(KNOWN + 50)
            await arrive(hub, [well])
            await delivered(hub, [well])
            assert await warnings(hub, "netsuite", well["id"]) == ""

    asyncio.run(story())


def test_without_the_watch_the_field_is_silently_null(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the same orders, and nobody is told that their notes are lost."""

    async def blind(_: object) -> int:
        return 0

    monkeypatch.setattr("interlock.operations.contract_drift.ContractWatch.step", blind)

    async def story() -> None:
        async with stage.play() as (world, hub, _):
            late = [order(KNOWN + 100 + number, note="ring twice", renamed=number > 1) for number in (1, 2, 3)]
            await arrive(hub, late)
            await delivered(hub, late)
            assert memos(world, late) == ["ring twice", None, None]
            assert [await warnings(hub, "netsuite", one["id"]) for one in late] == ["", "", ""]
            assert await records(hub) == []

    asyncio.run(story())
