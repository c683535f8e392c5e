"""The command stock: one SKU in every system side by side, and why each channel shows the number that it shows."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, counted, fail, speaks
from interlock.cli.place import folder_option
from interlock.cli.stock_rows import LABELS, US, tell_sku
from interlock.cli.store import read
from interlock.cli.times import now_ms
from interlock.data_folder import data_folder, hub_url

if TYPE_CHECKING:
    from interlock.flows.inventory.answer import PlaceStock, SkuStock
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.messaging.stock_views import StockLook

CHANGES, MOST_CHANGES = 20, 10_000


@click.command()
@click.argument("sku", required=False)
@click.option(
    "--changes",
    type=click.IntRange(0, MOST_CHANGES),
    default=CHANGES,
    show_default=True,
    help="Show so many of the newest changes.",
)
@folder_option
@speaks
def stock(sku: str | None, changes: int, folder: Path, out: Output) -> None:
    """Tell a SKU's stock, and why; without one, how true all is.

    For every place of a channel the sum is told term by term, each with the time when it was so; then what it shows now, what
    was written last, and why nothing is written where that is so. Without SKU: each channel with how many of its numbers are
    right, the worst, and what of stock waits for a person.

    Exit code 1 when the SKU is not known, or a number is not what it should be.

    \b
    Examples: interlock stock
              interlock stock TEE-1
              interlock stock TEE-1 --changes 100 --json
    """
    if sku is None:
        from interlock.cli.stock_overview import tell_all_stock

        tell_all_stock(folder, out)
        return
    _tell_sku(sku, changes, folder, out)


def _tell_sku(sku: str, changes: int, folder: Path, out: Output) -> None:
    from interlock.cli.catalogue import read_strategy
    from interlock.flows.inventory.answer import RIGHT, near_skus, stock_of, with_comparisons
    from interlock.messaging.stock import QUANTITIES

    strategy, now = read_strategy(folder), now_ms()

    def look(book: "StockLook") -> "tuple[SkuStock | None, list[str]]":
        found = stock_of(book, strategy, sku, now * US, changes=min(changes * len(QUANTITIES), MOST_CHANGES))
        return found, [] if found else near_skus(book, sku)

    async def ask(views: "SqliteViews") -> None:
        found, near = await views.stock(look) or (None, [])
        if found is None:
            _unknown(sku, near, out)
            fail()
        found = with_comparisons(found, await views.stock_differences(sku=sku))
        tell_sku(found, now, changes, out)
        url = hub_url(data_folder(folder))
        page = [f"open {url}/inventory/sku/{_quoted(sku)}"] if url else []
        wrong = [one for one in found.places if one.state not in RIGHT]
        moves = _moves(sku, {one.state for one in wrong})
        out.summary(_sentence(found, wrong), *moves, *page, sku=sku, agrees=found.agrees, places=len(found.places),
                    differing=len(wrong), stopped=len(found.stopped))  # fmt: skip
        if not found.agrees:
            fail()

    read(folder, out, ask, empty_code=1, empty_too=True)


def _moves(sku: str, states: set[str]) -> list[str]:
    """What puts it right; what is on its way needs only another look."""
    moves = [f"interlock reconcile inventory --sku {quote(sku)}"] if "compared" in states else []
    moves += ["interlock issues"] if states & {"asked", "refused"} else []
    return moves or ([f"interlock stock {quote(sku)}"] if states and states <= {"differs", "unread"} else [])


def _unknown(sku: str, near: list[str], out: Output) -> None:
    moves = [f"interlock stock {quote(one)}" for one in near]
    text = f"no system counts, shows or lists {sku!r}" + (f"; perhaps {', '.join(near)}?" if near else "")
    out.summary(text, *(moves or ["interlock stock"]), sku=sku, near=near)


def _sentence(found: "SkuStock", wrong: "list[PlaceStock]") -> str:
    if found.stopped:
        return f"{found.sku}: {counted(len(found.stopped), 'line')} of it stopped: {found.stopped[0].reason}"
    if not found.places:
        listed = ", ".join(dict.fromkeys(one.system for one in found.listed))
        only = f"; no source of truth counts it, it is listed by {listed}" if listed and not found.counted else ""
        return f"{found.sku}: no channel shows a number of ours{only}"
    if not wrong:
        return f"{found.sku}: every place shows what it should"
    states = ", ".join(f"{one.channel} {one.place} {LABELS.get(one.state, one.state)}" for one in wrong)
    return f"{found.sku}: {len(wrong)} of {counted(len(found.places), 'place')} not as it should be: {states}"


def _quoted(sku: str) -> str:
    from urllib.parse import quote as escaped

    return escaped(sku, safe="")
