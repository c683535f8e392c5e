"""Opens the store for reading, beside a running hub or without one, and says so when there is nothing to read."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from interlock.cli.output import Output, fail
from interlock.cli.place import data_folder, lock_holder, start_command

if TYPE_CHECKING:
    from interlock.messaging.sqlite.views import SqliteViews

Ask = Callable[["SqliteViews"], Awaitable[None]]
NO_STORE = "no hub has run in this folder yet, so there is no store"
NO_EVENTS = "the store is empty: no event has arrived yet"


def read(folder: Path, out: Output, ask: Ask, *, empty_code: int = 0, empty_too: bool = False) -> None:
    """Open the store read-only and ask. One that is not there or (unless `empty_too`) holds no event is said to be so."""
    data = data_folder(folder)
    if not ((data / "ledger.db").exists() and (data / "inbox.db").exists()):
        out.summary(f"{NO_STORE} ({data})", start_command(folder), empty=True)
        if empty_code:
            fail(empty_code)
        return
    asyncio.run(_asked(folder, data, out, ask, empty_code, empty_too=empty_too))


async def _asked(folder: Path, data: Path, out: Output, ask: Ask, empty_code: int, *, empty_too: bool) -> None:
    from interlock.messaging.sqlite.views import SqliteViews

    views = SqliteViews(data / "ledger.db", data / "inbox.db")
    try:
        if empty_too or (await views.pulse()).events:
            await ask(views)
            return
        out.summary(
            NO_EVENTS, "interlock trigger orders/create" if lock_holder(data) else start_command(folder), empty=True
        )
        if empty_code:
            fail(empty_code)
    finally:
        views.close()
