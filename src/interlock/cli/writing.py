"""Commands that stop, give up or let go of deliveries, each audited under `cli:USER`: discard, hold, release."""

import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from interlock.cli.choice import choosing, read_pairs
from interlock.cli.output import Output, coloured, counted, fail, speaks
from interlock.cli.place import folder_option, start_command
from interlock.cli.store import ask_store
from interlock.cli.times import now_ms
from interlock.data_folder import data_folder, lock_holder
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from interlock.messaging.ledger import Filter
    from interlock.messaging.sqlite.ledger import SqliteLedger

T = TypeVar("T")
MOST_BY_TEXT = 10_000
TAKEN_UP = "nothing: the running hub has seen it"

why_option = click.option("--why", required=True, help="The reason, for the audit.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Only count what it would touch.")
text_option = click.option("--text", default="", help="Part of a name, key, code or error.")


def _writes(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (speaks, folder_option, why_option, dry_run_option, text_option, choosing):
        command = option(command)
    return command


@click.command()
@_writes
def discard(pairs: list[str], text: str, dry_run: bool, why: str, folder: Path, out: Output) -> None:
    """Give chosen deliveries up for good.

    Open and dead ones become cancelled; their lanes go on. A newer event, or a replay, opens them again.

    \b
    Examples: interlock discard --name '#1001' --destination netsuite --why "booked by hand" --dry-run
              interlock discard --fingerprint 4be0d1c5a3f2 --why "test orders"
    """
    chosen = choice_of(folder, pairs, text)
    if not _dry(folder, out, chosen, "discarded", dry_run=dry_run):
        count = on_ledger(folder, lambda ledger: ledger.discard(chosen, by=who(), why=why, now_ms=now_ms()))
        told(folder, out, "discarded", count)


@click.command()
@_writes
def hold(pairs: list[str], text: str, dry_run: bool, why: str, folder: Path, out: Output) -> None:
    """Stop chosen deliveries.

    Those that wait for their turn, a retry or something else. They keep their place; `release` lets them go on.

    \b
    Example: interlock hold --destination netsuite --why "month's end"
    """
    chosen = choice_of(folder, pairs, text)
    if not _dry(folder, out, chosen, "held", dry_run=dry_run):
        count = on_ledger(folder, lambda ledger: ledger.hold(chosen, by=who(), why=why, now_ms=now_ms()))
        told(folder, out, "held", count, *([f'interlock release {_again(pairs)} --why "..."'] if count else []))


@click.command()
@_writes
def release(pairs: list[str], text: str, dry_run: bool, why: str, folder: Path, out: Output) -> None:
    """Let held deliveries go on.

    \b
    Example: interlock release --destination netsuite --why "books are open"
    """
    chosen = choice_of(folder, pairs, text)
    if not _dry(folder, out, chosen, "released", dry_run=dry_run):
        count = on_ledger(folder, lambda ledger: ledger.hold(chosen, by=who(), why=why, now_ms=now_ms(), release=True))
        told(folder, out, "released", count)


def _again(pairs: list[str]) -> str:
    """The same choice, of what is held now."""
    kept = (pair for pair in pairs if not pair.startswith("state="))
    return " ".join((*(f"--where {pair}" for pair in kept), "--state held"))


def _dry(folder: Path, out: Output, chosen: "Filter", done: str, *, dry_run: bool) -> bool:
    if not dry_run:
        return False
    preview = on_ledger(folder, lambda ledger: ledger.preview(chosen))
    states = ", ".join(f"{count} {coloured(state)}" for state, count in preview.by_state.items())
    text = f"of {counted(preview.count, 'delivery', 'deliveries')} ({states or 'none'}) those that can be are {done}; nothing is changed"
    out.summary(text, "the same without --dry-run", count=preview.count, states=preview.by_state)
    return True


def told(folder: Path, out: Output, done: str, count: int, *moves: str) -> None:
    """The last line; exit code 1 when nothing was there to do it to."""
    taken_up = TAKEN_UP if lock_holder(data_folder(folder)) else start_command(folder)
    out.summary(f"{done} {counted(count, 'delivery', 'deliveries')}", *moves, taken_up, count=count)
    if not count:
        fail()


def choice_of(folder: Path, pairs: list[str], text: str) -> "Filter":
    """The ledger's filter. A text is looked up first: the ledger itself chooses by columns."""
    if not text:
        return read_pairs(pairs)
    import msgspec

    from interlock.messaging.ledger import Filter

    wanted = msgspec.structs.replace(read_pairs(pairs, all_of_none=True), limit=MOST_BY_TEXT)
    found = ask_store(store_of(folder), lambda views: views.deliveries(wanted, text=text))
    return Filter(ids=tuple(row.id for row in found) or (0,))


def on_ledger(folder: Path, work: Callable[["SqliteLedger"], Awaitable[T]]) -> T:
    """Work on the ledger's file from this process."""
    import asyncio

    return asyncio.run(_with_ledger(store_of(folder), work))


async def _with_ledger(data: Path, work: Callable[["SqliteLedger"], Awaitable[T]]) -> T:
    """A second writer beside the hub: SQLite lets writers take turns, and each action is one transaction."""
    from interlock.messaging.sqlite.ledger import SqliteLedger

    ledger = SqliteLedger(data / "ledger.db", now_ms())
    try:
        return await work(ledger)
    finally:
        await ledger.close()


async def audit_reveal(folder: Path, subject: str, why: str) -> None:
    """Write down that this person saw personal data."""
    await _with_ledger(
        store_of(folder), lambda ledger: ledger.audit(who(), "reveal", subject, why=why, now_ms=now_ms())
    )


def store_of(folder: Path) -> Path:
    """The folder of the store. Raises SettingsError when there is none."""
    data = data_folder(folder)
    if not (data / "ledger.db").exists():
        why = "no hub has run in this folder yet"
        raise SettingsError(
            "there is no store", code="SET030", where=str(data), why=why, next_move=start_command(folder)
        )
    return data


def who() -> str:
    """The name in the audit."""
    return f"cli:{getpass.getuser()}"
