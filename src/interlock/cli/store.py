"""Opens the store for reading, beside a running hub or without one, and says so when there is nothing to read."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from interlock.cli.output import Output, fail
from interlock.cli.place import start_command
from interlock.data_folder import data_folder, lock_holder

if TYPE_CHECKING:
    from interlock.messaging.sqlite.views import SqliteViews

T = TypeVar("T")
Ask = Callable[["SqliteViews"], Awaitable[T]]
NO_STORE = "no hub has run in this folder yet, so there is no store"
NO_EVENTS = "the store is empty: no event has arrived yet"


def exists(data: Path) -> bool:
    """Whether a hub has made its two files here."""
    return (data / "ledger.db").exists() and (data / "inbox.db").exists()


def read(
    folder: Path,
    out: Output,
    ask: Ask[None],
    *,
    empty_code: int = 0,
    empty_too: bool = False,
    when_empty: Callable[[], bool] = lambda: False,
) -> None:
    """Open the store read-only and ask. One that is not there or (unless `empty_too`) holds no event is said to be so.

    `when_empty` tells what can be told all the same; True makes the exit code 1.
    """
    data = data_folder(folder)
    if not exists(data):
        out.summary(f"{NO_STORE} ({data})", start_command(folder), empty=True)
        if empty_code:
            fail(empty_code)
        return

    async def unless_empty(views: "SqliteViews") -> None:
        if empty_too or (await views.pulse()).events:
            await ask(views)
            return
        move = "interlock trigger orders/create" if lock_holder(data) else start_command(folder)
        wrong = when_empty()
        out.summary(NO_EVENTS, move, empty=True)
        if empty_code or wrong:
            fail(empty_code or 1)

    ask_store(data, unless_empty)


def ask_store(data: Path, ask: Ask[T]) -> T:
    """The answer to one question; the store is open only while it is asked."""
    import asyncio

    async def asked() -> T:
        from interlock.messaging.sqlite.views import SqliteViews

        views = SqliteViews(data / "ledger.db", data / "inbox.db")
        try:
            return await ask(views)
        finally:
            views.close()

    return asyncio.run(asked())
