"""The demo's orders: placed in the shop's twin, and told as each arrives at its destinations."""

import asyncio
import time
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from interlock.cli.output import Output, counted
from interlock.cli.times import took
from interlock.cli.twin_world import DESTINATIONS, Placed, TwinWorld
from interlock.messaging.ledger import Filter

if TYPE_CHECKING:
    from interlock.hub import Hub
    from interlock.messaging.views import DeliveryRow

STALL_SECONDS = 120.0
"""Nothing settles for this long: what is open then is told as lost."""
LOOK_SECONDS = 0.02
LOOKED_AT = 100
"""Open orders asked about at a time, the oldest: they settle about in the order in which they were placed."""
LINES = 10
"""Orders that get a line; the rest a progress bar."""
TITLES = {"netsuite": "ERP", "shipbob": "WMS", "klaviyo": "CRM"}
SETTLED = frozenset({"done", "dead", "superseded", "cancelled"})

Order = dict[str, str]
Tell = Callable[[Order, "Sequence[DeliveryRow]"], None]
Look = Callable[["Sequence[DeliveryRow]"], None]


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for. `began` is when, on the monotonic clock."""

    folder: Path
    orders: int
    leave: bool
    port: int
    browse: bool
    began: float

    def seconds(self) -> float:
        """Since the command was given."""
        return time.monotonic() - self.began


class Arrivals:
    """Places the orders that were wished for and follows each. `first_seconds` is when the first had arrived everywhere."""

    def __init__(self, wish: Wish, out: Output, world: TwinWorld, hub: "Hub") -> None:
        self._wish = wish
        self._out = out
        self._world = world
        self._hub = hub
        self.first_seconds: float | None = None
        self._browsing: asyncio.Future[bool] | None = None

    async def arrive(self) -> Placed:
        """Place them and tell how they arrive: the first alone, so that its way can be seen; many as a bar."""
        if before := await self._world.orders_in_shop():
            self._out.row(
                f"  ok  the shop has {counted(before, 'order')} from before", event="resumed", orders_before=before
            )
        (first,) = await self._world.place(1)
        await self._first(first)
        rest = self._wish.orders - 1
        if not rest:
            return [first]
        told: Placed = []
        placing = asyncio.ensure_future(self._world.place(rest, told.extend))
        try:
            if rest <= LINES:
                await self._watch(told, placing, self._tell)
            else:
                with self._out.bar(rest, f"  {rest} more orders") as step:
                    await self._watch(told, placing, lambda order, rows: self._count(order, rows, step))
        finally:
            placing.cancel()
        return [first, *told]

    async def _first(self, order: Order) -> None:
        """One line that fills in, a destination at a time."""
        self._out.row(
            f"\n  order {order['name']} placed in the Shopify twin", event="placed", order=order["name"], id=order["id"]
        )
        if not self._out.as_json:
            click.echo(f"  {order['name']}", nl=False)
        told: set[str] = set()

        def fill(rows: "Sequence[DeliveryRow]") -> None:
            for destination in DESTINATIONS:
                mine = [row for row in rows if row.destination == destination]
                if destination not in told and mine and all(row.state in SETTLED for row in mine):
                    told.add(destination)
                    if not self._out.as_json:
                        click.echo(f"   {_arrival(destination, mine)}", nl=False)

        def settled(order: Order, rows: "Sequence[DeliveryRow]") -> None:
            self.first_seconds = round(self._wish.seconds(), 2)
            story = f"{self._hub.url}/objects/order/{order['id']}"
            self._out.row(
                f"\n  That was {self.first_seconds:.1f} s after you pressed Enter. Its story: {story}\n",
                **_settled(order, rows),
                story=story,
            )
            self._browse()

        await self._watch([order], None, settled, fill)

    def _tell(self, order: Order, rows: "Sequence[DeliveryRow]") -> None:
        parts = [_arrival(name, [row for row in rows if row.destination == name]) for name in DESTINATIONS]
        self._out.row(f"  {order['name']}   " + "   ".join(parts), **_settled(order, rows))

    def _count(self, order: Order, rows: "Sequence[DeliveryRow]", step: Callable[[int], None]) -> None:
        """A line for a program, a step of the bar for a person."""
        step(1)
        if self._out.as_json:
            self._out.row("", **_settled(order, rows))

    async def _watch(
        self,
        placed: Placed,
        placing: "asyncio.Future[Placed] | None",
        settled: "Tell",
        look: "Look | None" = None,
    ) -> None:
        """Until every order has settled at every destination. `placed` grows while `placing` runs."""
        open_orders: dict[str, Order] = {}
        seen, moved = 0, time.monotonic()
        while open_orders or seen < len(placed) or (placing is not None and not placing.done()):
            new = placed[seen:]
            seen += len(new)
            open_orders |= {order["id"]: order for order in new}
            for id_ in list(open_orders)[:LOOKED_AT]:
                rows = await self._hub.views.deliveries(Filter(object="order", key=id_))
                if look is not None:
                    look(rows)
                if {row.destination for row in rows} >= set(DESTINATIONS) and all(row.state in SETTLED for row in rows):
                    settled(open_orders.pop(id_), rows)
                    moved = time.monotonic()
            if time.monotonic() - moved > STALL_SECONDS:
                self._out.progress(
                    f"{counted(len(open_orders), 'order')} not settled; nothing has moved for {STALL_SECONDS:g} s"
                )
                break
            await asyncio.sleep(LOOK_SECONDS)
        if placing is not None and placing.done():
            placing.result()

    def _browse(self) -> None:
        if self._wish.browse:
            self._browsing = asyncio.ensure_future(
                asyncio.to_thread(webbrowser.open, f"{self._hub.url}/?token={self._hub.token}")
            )


def _arrival(destination: str, rows: "Sequence[DeliveryRow]") -> str:
    """`ERP ok 84 ms`, from the receipt of the webhook to the vendor's answer."""
    state = next((row.state for row in rows if row.state != "done"), "done")
    milliseconds = max((row.done_ms - row.received_ms for row in rows if row.done_ms), default=0)
    return f"{TITLES[destination]} {'ok' if state == 'done' else state} {took(milliseconds):>6}"


def _settled(order: Order, rows: "Sequence[DeliveryRow]") -> dict[str, Any]:
    destinations = {}
    for destination in DESTINATIONS:
        mine = [row for row in rows if row.destination == destination]
        state = next((row.state for row in mine if row.state != "done"), "done")
        destinations[destination] = {
            "state": state,
            "ms": max((row.done_ms - row.received_ms for row in mine if row.done_ms), default=0),
        }
    return {"event": "settled", "order": order["name"], "id": order["id"], "destinations": destinations}
