"""The command backfill: everything that a system holds of one object comes into the hub, which does the work; this asks and looks."""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from interlock.cli.catalogue import read_strategy
from interlock.cli.output import Output, coloured, counted, fail, fields_of, speaks
from interlock.cli.place import folder_option, needs_a_hub, start_command
from interlock.cli.store import ask_store
from interlock.cli.times import ago, moment_us, now_ms, stamp, took
from interlock.cli.writing import on_ledger, store_of, who, why_option
from interlock.data_folder import data_folder, lock_holder
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from interlock.messaging.backfill import Action, Backfill
    from interlock.messaging.sqlite.backfill import SqliteBackfillBook
    from interlock.messaging.sqlite.ledger import SqliteLedger
    from interlock.messaging.sqlite.views import SqliteViews

T = TypeVar("T")
POLL_SECONDS = 0.25
ANSWER_SECONDS = 60.0
"""A hub that has not asked the vendor within this time does not run as it should."""
LINE_EVERY_SHARE = 0.1
"""Without a terminal a line is written after each tenth."""
NEWEST = 20
DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
GONE_ON = "the backfill goes on in the hub: interlock backfill list"


@click.group()
def backfill() -> None:
    """Read everything that a system holds of an object."""


def _begins(command: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        speaks,
        folder_option,
        click.option("--why", default="backfill by hand", help="The reason, for the audit."),
        click.option("--no-wait", is_flag=True, help="Return as soon as it has begun; the hub goes on."),
        click.option("--anyway", is_flag=True, help="Begin although less than everything would come."),
        click.option("--dry-run", is_flag=True, help="Only say what would come, and what would be missing."),
        click.option("--how", type=click.Choice(["bulk", "pages"]), default="bulk", show_default=True,
                     help="One bulk operation of the vendor's, or a page at a time within the limit of points."),
        click.option("--system", default="", help="Whose; needed when several could be meant."),
        click.option("--since", type=click.DateTime(DATES), help="Only what was created since then (default: everything)."),
    )  # fmt: skip
    for option in options:
        command = option(command)
    return command


@backfill.command()
@_begins
def orders(folder: Path, out: Output, **chosen: Any) -> None:
    """Read the orders.

    They come behind live ones, each becomes an event, and what a destination has already is not written again. Says
    before it begins when less than everything would come; then --anyway is needed.

    \b
    Examples: interlock backfill orders --since 2026-01-01 --dry-run
              interlock backfill orders --since 2026-01-01 --why "new warehouse"
    """
    _backfill(folder, out, "order", **chosen)


@backfill.command()
@_begins
def customers(folder: Path, out: Output, **chosen: Any) -> None:
    """Read the customers.

    \b
    Example: interlock backfill customers --why "new CRM"
    """
    _backfill(folder, out, "customer", **chosen)


@backfill.command()
@_begins
def products(folder: Path, out: Output, **chosen: Any) -> None:
    """Read the products.

    \b
    Example: interlock backfill products --how pages
    """
    _backfill(folder, out, "product", **chosen)


@backfill.command("list")
@folder_option
@speaks
def listing(folder: Path, out: Output) -> None:
    """List the newest backfills, and how far each is.

    \b
    Example: interlock backfill list
    """
    rows = ask_store(store_of(folder), lambda views: views.backfills(NEWEST))
    for row in rows:
        share = f"{row.share:.0%}" if row.share is not None else f"{row.seen}"
        note = f"; {row.note}" if row.note else ""
        out.row(f"{row.id:<4} {coloured(row.state, 10)} {row.object:<9} {row.system:<12} {share:>5}  "
                f"{row.seen} seen, {row.new} new, asked {ago(row.asked_ms, now_ms())} by {row.by}: {row.why}{note}",
                **_fields(row))  # fmt: skip
    open_ones = sum(row.open for row in rows)
    moves = [] if rows else ["interlock backfill orders --dry-run"]
    out.summary(f"{counted(len(rows), 'backfill')}, {open_ones} open", *moves, count=len(rows), open=open_ones)


@backfill.command()
@click.argument("number", type=int)
@why_option
@folder_option
@speaks
def pause(number: int, why: str, folder: Path, out: Output) -> None:
    """Stop a backfill at its place.

    \b
    Example: interlock backfill pause 3 --why "sale begins"
    """
    _steer(folder, out, number, "pause", why, "is paused", f'interlock backfill resume {number} --why "..."')


@backfill.command()
@click.argument("number", type=int)
@why_option
@folder_option
@speaks
def resume(number: int, why: str, folder: Path, out: Output) -> None:
    """Let a paused backfill go on.

    \b
    Example: interlock backfill resume 3 --why "sale is over"
    """
    _steer(folder, out, number, "resume", why, "goes on", "interlock backfill list")


@backfill.command()
@click.argument("number", type=int)
@why_option
@folder_option
@speaks
def cancel(number: int, why: str, folder: Path, out: Output) -> None:
    """Give a backfill up. What came stays.

    \b
    Example: interlock backfill cancel 3 --why "wrong month"
    """
    _steer(folder, out, number, "cancel", why, "is given up; what came stays", "interlock backfill list")


def _backfill(
    folder: Path, out: Output, object_name: str, *, since: datetime | None, system: str, how: str, dry_run: bool,
    anyway: bool, no_wait: bool, why: str,
) -> None:  # fmt: skip
    from interlock.messaging.backfill import Asked
    from interlock.operations.backfills import source_of

    strategy = read_strategy(folder)
    source = source_of(strategy, object_name, system)
    needs_a_hub(folder, "the hub does the reading")
    asked = Asked(
        system=source, object=object_name, since_us=moment_us(since, strategy.timezone), until_us=now_ms() * 1000,
        how="pages" if how == "pages" else "bulk", go="look" if dry_run else "anyway" if anyway else "all",
    )  # fmt: skip
    number = _on_book(folder, lambda book: book.ask(asked, by=who(), why=why, now_ms=now_ms()))
    found = _until_answered(folder, number)
    if found.state == "checked":
        _not_begun(folder, out, found, dry_run=dry_run)
    elif no_wait:
        out.summary(f"backfill {number} has begun", "interlock backfill list", **_fields(found))
    else:
        with _left_running(out):
            found = _follow(folder, out, found)
        _tell_end(out, found)


def _not_begun(folder: Path, out: Output, found: "Backfill", *, dry_run: bool) -> None:
    """What would come and what would not; nothing has started, and nothing is left behind."""
    words = "looked only" if dry_run else "less than everything would come"
    _on_book(folder, lambda book: book.steer(found.id, "cancel", by=who(), why=words, now_ms=now_ms()))
    many = f"{_about(found)} would come" if found.expected else "how many would come, nobody says"
    if not found.missing:
        out.summary(f"{many}; nothing is missing, nothing is changed", "the same without --dry-run", **_fields(found))
        return
    out.progress(f"less than everything: {found.missing}")
    moves = [move for move in (found.note, "or begin all the same: add --anyway") if move]
    out.summary(f"{many}; missing: {found.missing}; nothing has begun", *moves, **_fields(found))
    fail()


def _about(found: "Backfill") -> str:
    return counted(found.expected, found.object)


def _until_answered(folder: Path, number: int) -> "Backfill":
    """Once the hub has asked the vendor what would come."""
    until = time.monotonic() + ANSWER_SECONDS

    def answered(found: "Backfill") -> bool:
        return found.state != "asked" or time.monotonic() > until

    found = _watch(folder, number, answered)
    if found.state == "asked":
        raise SettingsError(
            "the vendor has not answered yet", code="BFL005", where=f"backfill {number}", why=found.note or "the hub says nothing",
            next_move=f"it goes on by itself: interlock backfill list; give it up: interlock backfill cancel {number} --why ...",
        )  # fmt: skip
    return found


def _follow(folder: Path, out: Output, found: "Backfill") -> "Backfill":
    """A bar on a terminal, a line after each tenth without one."""
    lines = _Lines(out)
    with out.bar(found.expected or 1, f"backfill {found.id}") as step:
        shown = 0

        def ended(now: "Backfill") -> bool:
            nonlocal shown
            lines.tell(now)
            if now.expected and now.seen > shown:
                step(min(now.seen, now.expected) - shown)
                shown = min(now.seen, now.expected)
            return not now.open or now.state == "paused"

        return _watch(folder, found.id, ended)


class _Lines:
    """What changes, once each."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._said: set[str] = set()

    def tell(self, row: "Backfill") -> None:
        """One line when there is something new to say."""
        share = row.share
        tenth = int(share / LINE_EVERY_SHARE) if share is not None else row.seen // 10_000
        words = f"{row.state}: {row.note}" if row.note else f"{row.state} {tenth}"
        if row.open and words not in self._said:
            self._said.add(words)
            left = row.seconds_left(now_ms())
            eta = f", about {took(left * 1000)} left" if left is not None else ""
            part = f"{row.note}" if row.note else f"{row.seen} of {row.expected or 'unknown'} read{eta}"
            if row.state == "collecting" and not row.note:
                part = f"the vendor has collected {row.collected} of {row.expected or 'unknown'}"
            self._out.progress(f"{row.state}: {part}")


@contextmanager
def _left_running(out: Output) -> Iterator[None]:
    """Interrupting interrupts nothing but the looking."""
    try:
        yield
    except KeyboardInterrupt:
        out.progress(GONE_ON)
        raise


def _tell_end(out: Output, found: "Backfill") -> None:
    span = took(max(0, found.ended_ms - found.started_ms)) if found.started_ms and found.ended_ms else ""
    text = f"backfill {found.id} {found.state}: {found.seen} seen, {found.new} new, {found.known} known"
    text += f" in {span}" if span else ""
    text += f"; {found.note}" if found.note and found.state != "done" else ""
    moves = ["interlock status"] if found.state == "done" else ["interlock backfill list"]
    out.summary(text, *moves, **_fields(found))
    if found.state in ("failed", "cancelled"):
        fail()


def _steer(folder: Path, out: Output, number: int, action: "Action", why: str, done: str, move: str) -> None:
    found = _on_book(folder, lambda book: book.backfill(number))
    if found is None:
        raise SettingsError(f"there is no backfill {number}", code="SET031", where=str(data_folder(folder)),
                            next_move="interlock backfill list")  # fmt: skip
    if not _on_book(folder, lambda book: book.steer(number, action, by=who(), why=why, now_ms=now_ms())):
        out.summary(
            f"backfill {number} is {found.state}: nothing to {action}", "interlock backfill list", number=number
        )
        fail()
    moves = [move] if lock_holder(data_folder(folder)) else [move, start_command(folder)]
    out.summary(f"backfill {number} {done}", *moves, number=number, action=action)


def _watch(folder: Path, number: int, enough: "Callable[[Backfill], bool]") -> "Backfill":
    async def look(views: "SqliteViews") -> "Backfill":
        import asyncio

        while True:
            found = await views.backfill(number)
            assert found is not None, "rows of backfills stay"
            if enough(found):
                return found
            await asyncio.sleep(POLL_SECONDS)

    return ask_store(store_of(folder), look)


def _on_book(folder: Path, work: "Callable[[SqliteBackfillBook], Awaitable[T]]") -> T:
    async def with_book(ledger: "SqliteLedger") -> T:
        from interlock.messaging.sqlite.backfill import SqliteBackfillBook

        return await work(SqliteBackfillBook(ledger.group))

    return on_ledger(folder, with_book)


def _fields(row: "Backfill") -> dict[str, Any]:
    times = {"since": stamp(row.since_us // 1000) if row.since_us else "", "known": row.known, "share": row.share}
    return fields_of(row) | times
