"""The command tail: deliveries as they change, a line each, until it is interrupted."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, coloured, fail, fields_of, speaks
from interlock.cli.place import folder_option, start_command
from interlock.cli.store import NO_EVENTS, read
from interlock.cli.times import stamp
from interlock.data_folder import data_folder, lock_holder

if TYPE_CHECKING:
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.messaging.views import DeliveryRow, Pulse

POLL_SECONDS = 0.5
MOST_CHANGES = 5_000
"""Told in one look; should more change in half a second, the rest is counted."""


@click.command()
@click.option("--once", is_flag=True, help="Print the newest deliveries and end.")
@click.option("--lines", type=click.IntRange(0, 5_000), default=20, show_default=True, help="How many to begin with.")
@folder_option
@speaks
def tail(folder: Path, once: bool, lines: int, out: Output) -> None:
    """Follow deliveries, a line each.

    Ctrl-C ends it. On an empty store it waits for the first delivery.

    \b
    Examples: interlock tail
              interlock tail --once --lines 100 --json
    """

    async def ask(views: "SqliteViews") -> None:
        import asyncio

        follower = Follower(views, out)
        await follower.begin(lines)
        if not follower.told and not once:
            out.progress(f"{NO_EVENTS}; {_who_waits(folder)}")
        while not once:
            await asyncio.sleep(POLL_SECONDS)
            await follower.look()
        if not follower.told:
            out.summary(NO_EVENTS, "interlock trigger orders/create", empty=True)

    try:
        read(folder, out, ask, empty_too=True, empty_code=1)
    except KeyboardInterrupt:
        out.progress("stopped")
        fail(0)


def _who_waits(folder: Path) -> str:
    waits = "waiting for the first; Ctrl-C ends it"
    return (
        waits if lock_holder(data_folder(folder)) else f"no hub runs here, start one: {start_command(folder)}; {waits}"
    )


class Follower:
    """Tells each change of a delivery once. It asks for rows only when the store's pulse has changed."""

    def __init__(self, views: "SqliteViews", out: Output) -> None:
        self._views = views
        self._out = out
        self._pulse: Pulse | None = None
        self._since_ms = 0
        self._told: set[tuple[int, int, str]] = set()
        self.told = 0

    async def begin(self, lines: int) -> None:
        """The newest deliveries, oldest of them first."""
        from interlock.messaging.ledger import Filter

        self._pulse = await self._views.pulse()
        rows = await self._views.deliveries(Filter(limit=max(lines, 1)))
        newest = sorted(rows, key=lambda row: row.updated_ms)
        self._tell(newest if lines else [], newest)

    async def look(self) -> None:
        """What has changed since the last look."""
        from interlock.messaging.ledger import Filter

        pulse = await self._views.pulse()
        if pulse == self._pulse:
            return
        rows = await self._views.deliveries(Filter(changed_since_ms=self._since_ms, limit=MOST_CHANGES))
        self._pulse = pulse
        self._tell([row for row in sorted(rows, key=lambda row: row.updated_ms) if _mark(row) not in self._told], rows)
        if len(rows) == MOST_CHANGES:
            self._out.progress(
                f"more than {MOST_CHANGES} changes at once: some are not shown (interlock deliveries lists them)"
            )

    def _tell(self, rows: "list[DeliveryRow]", seen: "list[DeliveryRow] | tuple[DeliveryRow, ...]") -> None:
        for row in rows:
            self._out.row(line(row), **fields_of(row))
        self.told += len(rows)
        self._since_ms = max([self._since_ms, *(row.updated_ms for row in seen)])
        self._told = {_mark(row) for row in seen if row.updated_ms >= self._since_ms}


def _mark(row: "DeliveryRow") -> tuple[int, int, str]:
    return row.id, row.updated_ms, row.state


def called(name: str, key: str, destination: str) -> str:
    """What a delivery is about, as people call it; a number of stock by its place too, since a channel has several of one SKU."""
    from interlock.messaging.stock_book import SHOWN, place_of

    if not destination.startswith(SHOWN):
        return name or key
    sku, place = place_of(key)
    return f"{name or sku} at {place}"


def line(row: "DeliveryRow") -> str:
    """One delivery in one line, as lists and the tail show it."""
    trouble = f"  {row.code} {row.error}".rstrip() if row.code or row.error else ""
    waits = f"  waits for {row.waiting_for}" if row.waiting_for else ""
    signal = f" ({row.signal})" if row.signal else ""
    return (
        f"{stamp(row.updated_ms)} {coloured(row.state, 10)} {row.object} {called(row.name, row.key, row.destination)} to {row.destination} "
        f"by {row.flow}{signal}{trouble}{waits}"
    )
