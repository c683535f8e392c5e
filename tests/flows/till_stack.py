"""A hub beside Square's twin with one item: it runs where the folder says that Square's webhooks go, as they are signed over that."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from channel_twins import COUNTS_TOLD, MUG, SIGNATURE_KEY, add_square, edit, show_at, vendor
from stack import running, twins
from stock_stack import control, shown, stocked, with_stock

from interlock.cli.twin_world import TwinWorld, _free_ports
from interlock.hub import Hub


@asynccontextmanager
async def beside_tills(
    folder: Path, prepare: Callable[[TwinWorld, str], Awaitable[None]]
) -> AsyncIterator[tuple[TwinWorld, str, Hub]]:
    """Five twins and a hub over `folder`/acme with Square in it. `prepare` makes a folder of stock of it, and fills the twins, before
    the hub looks at them."""
    with vendor("square", folder / "tills", {"items": [MUG], "rate_per_second": 0}) as tills:
        async with twins(home := folder / "acme") as world:
            till = tills()
            await prepare(world, till)
            (port,) = _free_ports(1)
            address = f"http://127.0.0.1:{port}/intake/square"
            add_square(home, till, address)
            news = {"notification_url": address, "event_types": [COUNTS_TOLD], "signature_key": SIGNATURE_KEY}
            await control(till, "/webhooks", news)
            async with running(home, world, port=port) as hub:
                yield world, till, hub


@asynccontextmanager
async def till_stack(folder: Path, warehouse: str = "", **goods: int) -> AsyncIterator[tuple[TwinWorld, str, Hub]]:
    """The warehouse's stock goes to the web shop and to the tills. `warehouse`: more settings of it; `goods`: what else it has."""

    async def prepare(world: TwinWorld, _: str) -> None:
        await stocked(world, **{MUG: 20} | goods)
        with_stock(folder / "acme", world)
        show_at(folder / "acme", square="L1")
        edit(folder / "acme/systems/shipbob.toml", "[settings]\n", f"[settings]\n{warehouse}")

    async with beside_tills(folder, prepare) as stack:
        yield stack


async def at_both(world: TwinWorld, till: str) -> tuple[int | None, int | None]:
    """What the tills and the web shop show."""
    counts = (await control(till, "/counts"))["counts"]
    there = [int(row["quantity"]) for row in counts if (row["sku"], row["state"]) == (MUG, "IN_STOCK")]
    return (there[0] if there else None), await shown(world, MUG)
