"""Orders that change again and again: the parcel, the sales order and its rows are those of the latest state, and no others."""

import asyncio
import copy
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import books
from content import BASE, patch
from stack import post, running, signed, twins, until

from interlock.cli.demo import SETTLED
from interlock.cli.twin_world import TwinWorld
from interlock.hub import Hub
from interlock.messaging.ledger import Filter
from interlock.twins.shopify.orders import make_order

CANCELLED = {"cancelled_at": "2026-07-01T14:00:00-04:00", "cancel_reason": "customer"}


class Told:
    """One order, of which the hub is told after each change."""

    def __init__(self, world: TwinWorld, hub: Hub, order: dict[str, Any]) -> None:
        self.world, self.hub, self.order = world, hub, copy.deepcopy(order)
        self.key = str(order["id"])
        self.reference = f"shopify-{self.key}"
        self._minute = 0

    async def tell(self, **changes: Any) -> None:
        """Change the order, send orders/updated, and wait until all its deliveries are done."""
        for path, value in changes.items():
            patch(self.order, path, value)
        self._minute += 1
        self.order["updated_at"] = f"2026-07-01T13:{self._minute:02}:00-04:00"
        body = json.dumps(self.order).encode()
        assert (await post(f"{self.hub.url}/intake/shopify", body, signed(body, "orders/updated")))[0] == 200
        head = await self.hub.inbox.head()

        async def ended() -> bool:
            rows = await self.hub.views.deliveries(Filter(object="order", key=self.key))
            routed = await self.hub.ledger.cursor("router") >= head
            return routed and len(rows) > 2 and all(row.state in SETTLED for row in rows)

        await until(ended)
        rows = await self.hub.views.deliveries(Filter(object="order", key=self.key))
        assert {row.state for row in rows} == {"done"}, [(row.destination, row.error) for row in rows]

    def parcels(self) -> list[tuple[str, str, int]]:
        """(revision, status, pieces) of every order at the warehouse."""
        return [
            (parcel["reference_id"].removeprefix(self.reference), parcel["status"], pieces(parcel))
            for parcel in books.parcels(self.world, self.reference)
        ]

    def sales_order(self) -> tuple[str, Decimal]:
        """NetSuite's status letter and the sum of the rows that are not closed."""
        order = books.sales_order(self.world, self.reference)
        assert order is not None
        live = [row["amount"] for row in order["item"] if not row.get("isClosed")]
        return order["status"]["id"], sum(live, Decimal(0))

    def cups(self, left: int) -> list[dict[str, Any]]:
        """The lines with only so many cups left."""
        mug, cups = self.order["line_items"]
        return [mug, cups | {"current_quantity": left}]


@asynccontextmanager
async def telling(folder: Path, order: dict[str, Any]) -> AsyncIterator[Told]:
    """A whole stack, and one order; marketing takes old orders too."""
    async with twins(folder) as world:
        books.choose(folder, ("flows/order-to-marketing.toml", "max_age_hours = 72", ""))
        async with running(folder, world) as hub:
            yield Told(world, hub, order)


def pieces(parcel: dict[str, Any]) -> int:
    return int(sum(row["quantity"] for row in parcel["products"]))


def worth(goods: str, shipping: str = "10.00") -> dict[str, str]:
    """The order's own sums."""
    total = str(Decimal(goods) + Decimal(shipping))
    return {"current_total_price_set": total, "current_subtotal_price_set": goods, "current_total_price": total}


def test_two_edits_and_a_cancellation_leave_no_parcel_behind(tmp_path: Path) -> None:
    """C40, C43: each edit replaces the parcel; the one before it is cancelled every time, and at the end all are."""

    async def story() -> None:
        async with telling(tmp_path / "shop", BASE) as one:
            await one.tell()
            await one.tell(line_items=one.cups(1), **worth("120.00"))
            await one.tell(line_items=one.cups(0), **worth("100.00"))
            assert one.parcels() == [("", "Cancelled", 3), ("-r2", "Cancelled", 2), ("-r3", "Processing", 1)]
            assert one.sales_order() == ("A", Decimal("110.00"))
            await one.tell(**CANCELLED)
            assert {status for _, status, _ in one.parcels()} == {"Cancelled"}
            assert one.sales_order() == ("H", Decimal(0))

    asyncio.run(story())


def test_an_order_with_nothing_left_is_closed_and_can_come_to_life_again(tmp_path: Path) -> None:
    """C40: an edit took everything off the order, another puts something on it, then it is cancelled: no system is left with
    goods that nobody ordered, and NetSuite is never asked for an order without lines."""

    async def story() -> None:
        async with telling(tmp_path / "shop", BASE) as one:
            await one.tell()
            gone = [line | {"current_quantity": 0} for line in one.order["line_items"]]
            await one.tell(line_items=gone, shipping_lines=[], **worth("0.00", shipping="0.00"))
            assert one.parcels() == [("", "Cancelled", 3)]
            assert one.sales_order() == ("H", Decimal(0))
            jug = gone[0] | {"id": 5, "sku": "JUG", "title": "Jug", "quantity": 1, "current_quantity": 1}
            await one.tell(line_items=[*gone, jug], **worth("100.00", shipping="0.00"))
            assert one.parcels()[-1] == ("-r2", "Processing", 1)
            assert one.sales_order() == ("A", Decimal("100.00"))
            await one.tell(**CANCELLED)
            assert {status for _, status, _ in one.parcels()} == {"Cancelled"}
            assert one.sales_order() == ("H", Decimal(0))

    asyncio.run(story())


def test_an_order_of_three_hundred_lines_arrives_whole_and_is_closed_whole(tmp_path: Path) -> None:
    """C39: more lines than a page has: all are written, in order, their amounts make the total, and all are closed."""

    async def story() -> None:
        long = make_order(random.Random(3), 9, "lines_300")
        wanted = [(line["sku"], line["current_quantity"]) for line in long["line_items"]]
        assert len(wanted) == 300
        async with telling(tmp_path / "shop", long) as one:
            await one.tell()
            order = books.sales_order(one.world, one.reference)
            assert order is not None
            assert [(item, quantity) for item, quantity, _ in books.rows_of(order)][:300] == wanted
            assert one.sales_order() == ("A", Decimal(long["current_total_price"]))
            (parcel,) = books.parcels(one.world, one.reference)
            assert [(row["reference_id"], row["quantity"]) for row in parcel["products"]] == wanted
            assert len(books.events(one.world, one.key)["Placed Order"]["Items"]) == 300
            await one.tell(**CANCELLED)
            assert one.sales_order() == ("H", Decimal(0))

    asyncio.run(story())
