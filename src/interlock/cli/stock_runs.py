"""What the commands about all stock share: which channels are meant, asking the hub for a run, and following it to its end."""

import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from interlock.cli.catalogue import read_strategy
from interlock.cli.output import Output
from interlock.cli.place import folder_option
from interlock.cli.store import ask_store
from interlock.cli.times import now_ms
from interlock.cli.writing import on_ledger, store_of, who
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from interlock.flows.inventory.rules import StockRules
    from interlock.messaging.accuracy import Kind, Run
    from interlock.messaging.sqlite.ledger import SqliteLedger
    from interlock.messaging.sqlite.views import SqliteViews

POLL_SECONDS = 0.2
RETOLD_SECONDS, LOGGED_SECONDS = 0.5, 10.0

Told = Callable[["Run"], str]


def sliced(command: Any) -> Any:
    """The options that say which part of the stock is meant."""
    options = (
        folder_option,
        click.option("--why", default="asked by hand", help="The reason, for the audit."),
        click.option("--location", default="", help="Only what shows this location of inventory/locations.toml."),
        click.option("--sku", default="", help="Only these: a SKU, or a pattern such as 'TEE-*'."),
        click.option("--channel", default="", help="Only this one (default: all that show stock)."),
    )
    for option in options:
        command = option(command)
    return command


def rules_of(folder: Path) -> "StockRules":
    """The rules of stock of the folder."""
    from interlock.flows.inventory.rules import NOTHING_LISTED, BookCatalogue, StockRules

    return StockRules(read_strategy(folder), BookCatalogue(NOTHING_LISTED))


def channels_of(rules: "StockRules", channel: str, location: str) -> list[str]:
    """Those that are meant. Raises SettingsError for one that shows no stock, or a location that none shows."""
    found = [channel] if channel else sorted(rules.channels)
    if not found or (channel and channel not in rules.channels):
        what = f"{channel} shows no stock" if channel else "no flow of this folder shows stock"
        named = ", ".join(sorted(rules.channels)) or "add a flow with a [publish] table"
        raise SettingsError(what, code="STK030", where="--channel", why="only a channel of a flow of stock can be compared",
                            next_move=f"name one of: {named}")  # fmt: skip
    shown = [name for name in found if not location or places_of(rules, name, location)]
    if not shown:
        why, names = "it is a name of inventory/locations.toml", ", ".join(rules.inventory.locations)
        raise SettingsError(f"no channel shows the location {location}", code="STK031", where="--location", why=why,
                            next_move=f"name one of: {names}")  # fmt: skip
    return shown


def places_of(rules: "StockRules", channel: str, location: str) -> tuple[str, ...]:
    """The channel's places that show a location of ours; all for ""."""
    return tuple(
        place
        for one in rules.channels[channel]
        for place, names in one.places.items()
        if not location or location in names
    )


def ask(folder: Path, kind: "Kind", channel: str, *, sku: str, location: str, why: str, dry: bool = False) -> int:
    """Let the hub make a run soon; its number."""
    from interlock.messaging.accuracy import Run

    wanted = Run(id=0, kind=kind, channel=channel, sku=sku, location=location, why=why, dry=dry)

    async def on_book(ledger: "SqliteLedger") -> int:
        from interlock.messaging.sqlite.accuracy_book import SqliteAccuracyBook

        return await SqliteAccuracyBook(ledger.group).ask(wanted, by=who(), now_ms=now_ms())

    return on_ledger(folder, on_book)


def paced(out: Output) -> Callable[[str], None]:
    """Progress as it is worth reading: the first at once, then twice a second for a person, every ten seconds for a log."""
    rest = RETOLD_SECONDS if sys.stderr.isatty() else LOGGED_SECONDS
    told, next_at = "", 0.0

    def tell(text: str) -> None:
        nonlocal told, next_at
        if text != told and monotonic() >= next_at:
            told, next_at = text, monotonic() + rest
            out.progress(text)

    return tell


def follow(folder: Path, out: Output, number: int, told: Told) -> "Run":
    """Until it has ended; interrupting interrupts nothing but the looking."""

    async def look(views: "SqliteViews") -> "Run":
        import asyncio

        tell = paced(out)
        while True:
            run = await views.stock_run(number)
            assert run is not None, "it was asked for"
            if run.state in ("done", "failed"):
                return run
            if run.state == "running":
                tell(told(run))
            await asyncio.sleep(POLL_SECONDS)

    return ask_store(store_of(folder), look)
