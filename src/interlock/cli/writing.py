"""Commands that change deliveries, each audited under `cli:USER`: retry, replay, discard, hold, release."""

import asyncio
import getpass
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from interlock.cli.choice import read_where
from interlock.cli.output import Output, fail, speaks
from interlock.cli.place import data_folder, folder_option, lock_holder
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from interlock.messaging.ledger import Filter
    from interlock.messaging.sqlite.ledger import SqliteLedger

T = TypeVar("T")
FAILED_STATES = ("dead", "waiting", "retrying")
TAKEN_UP = "the running hub takes it up within 30 s"
NO_HUB = "no hub runs: interlock run"

_where = click.option("--where", multiple=True, metavar="NAME=VALUE", help="Narrow by flow, destination, name, state, reason, since ...")
_why = click.option("--why", required=True, help="The reason, for the audit.")
_dry_run = click.option("--dry-run", is_flag=True, help="Only count what it would touch.")


@click.command()
@click.argument("order", required=False)
@_where
@folder_option
@speaks
def retry(order: str | None, where: tuple[str, ...], folder: Path, out: Output) -> None:
    """Make the failed deliveries of an order due now."""
    import msgspec

    if bool(order) == bool(where):
        raise click.UsageError("name an order, or choose with --where")
    chosen = _of_order(folder, order) if order else read_where(where)
    if not chosen.states:
        chosen = msgspec.structs.replace(chosen, states=FAILED_STATES)
    _replay(folder, out, chosen, why="retried by hand", release="same", dry_run=False)


@click.command()
@_where
@click.option("--same/--current", "same", default=False, help="Under the release of each delivery, or the present one (default).")
@_dry_run
@_why
@folder_option
@speaks
def replay(where: tuple[str, ...], same: bool, dry_run: bool, why: str, folder: Path, out: Output) -> None:
    """Deliver chosen deliveries again."""
    from interlock.strategy import read_folder

    release = "same" if same else read_folder(folder).id
    _replay(folder, out, read_where(where), why=why, release=release, dry_run=dry_run)


@click.command()
@_where
@_why
@folder_option
@speaks
def discard(where: tuple[str, ...], why: str, folder: Path, out: Output) -> None:
    """Give chosen deliveries up for good."""
    chosen = read_where(where)
    count = _on_ledger(folder, lambda ledger: ledger.discard(chosen, by=_who(), why=why, now_ms=_now_ms()))
    _told(folder, out, "discarded", count)


@click.command()
@_where
@_why
@folder_option
@speaks
def hold(where: tuple[str, ...], why: str, folder: Path, out: Output) -> None:
    """Stop chosen deliveries."""
    chosen = read_where(where)
    count = _on_ledger(folder, lambda ledger: ledger.hold(chosen, by=_who(), why=why, now_ms=_now_ms()))
    _told(folder, out, "held", count)


@click.command()
@_where
@_why
@folder_option
@speaks
def release(where: tuple[str, ...], why: str, folder: Path, out: Output) -> None:
    """Let held deliveries go on."""
    chosen = read_where(where)
    count = _on_ledger(folder, lambda ledger: ledger.hold(chosen, by=_who(), why=why, now_ms=_now_ms(), release=True))
    _told(folder, out, "released", count)


def _replay(folder: Path, out: Output, chosen: "Filter", *, why: str, release: str, dry_run: bool) -> None:
    preview = _on_ledger(folder, lambda ledger: ledger.preview(chosen))
    for destination, count in preview.by_destination.items():
        out.row(f"{destination:<16} {count}", destination=destination, count=count)
    if dry_run:
        out.summary(f"{preview.count} deliveries would be replayed; nothing is changed", "the same without --dry-run", count=preview.count)
    elif not preview.count:
        out.summary("nothing is chosen", "interlock status", count=0)
        fail()
    else:
        number = _on_ledger(folder, lambda ledger: ledger.replay(chosen, by=_who(), why=why, release=release, now_ms=_now_ms()))
        _told(folder, out, f"replay {number}:", preview.count)


def _told(folder: Path, out: Output, done: str, count: int) -> None:
    move = TAKEN_UP if lock_holder(data_folder(folder)) else NO_HUB
    out.summary(f"{done} {count} deliveries", move, count=count)
    if not count:
        fail()


def _of_order(folder: Path, text: str) -> "Filter":
    """Every delivery of the one order that the text names."""
    from interlock.cli.reading import one_order
    from interlock.messaging.ledger import Filter
    from interlock.messaging.sqlite.views import SqliteViews

    data = _store(folder)
    views = SqliteViews(data / "ledger.db", data / "inbox.db")
    try:
        hit = asyncio.run(one_order(views, text))
    finally:
        views.close()
    if hit is None:
        raise SettingsError(f"the hub has never heard of {text!r}", code="SET031", next_move=f"interlock find '{text}'")
    return Filter(object=hit.object, key=hit.key)


def _on_ledger(folder: Path, work: Callable[["SqliteLedger"], Awaitable[T]]) -> T:
    """A second writer on the ledger's file: SQLite lets writers take turns, and each action is one transaction."""
    data = _store(folder)

    async def worked() -> T:
        from interlock.messaging.sqlite.ledger import SqliteLedger

        ledger = SqliteLedger(data / "ledger.db", _now_ms())
        try:
            return await work(ledger)
        finally:
            await ledger.close()

    return asyncio.run(worked())


def _store(folder: Path) -> Path:
    data = data_folder(folder)
    if not (data / "ledger.db").exists():
        why = "no hub has run in this folder yet"
        raise SettingsError("there is no store", code="SET030", where=str(data), why=why, next_move="interlock run")
    return data


def _who() -> str:
    return f"cli:{getpass.getuser()}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
