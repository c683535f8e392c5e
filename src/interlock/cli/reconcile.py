"""The command reconcile: what webhooks did not tell of, as the hub's comparisons with the sources found it, or find it now."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interlock.cli.catalogue import read_strategy
from interlock.cli.output import Output, counted, fail, fields_of, speaks
from interlock.cli.place import folder_option, needs_a_hub, start_command
from interlock.cli.reconcile_inventory import inventory
from interlock.cli.store import NO_STORE, ask_store, exists
from interlock.cli.times import ago, moment_us, now_ms, took
from interlock.cli.writing import on_ledger, store_of, who
from interlock.data_folder import data_folder, hub_url, lock_holder
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from interlock.messaging.sqlite.ledger import SqliteLedger
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.messaging.sweeps import Missed, Sweep

DAYS = 7
DAY_MS = 86_400_000
POLL_SECONDS = 0.2
ROWS = 500
DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
MICRO = 1_000


@click.group(invoke_without_command=True)
@folder_option
@speaks
@click.pass_context
def reconcile(ctx: click.Context, folder: Path, out: Output) -> None:
    """Say what webhooks did not tell of.

    The hub compares each source with what it was told, by itself (`[reconcile]` in the system's file), and fetches what
    is missing. Without a subcommand: when that was done last, and what was found in the last seven days.

    Exit code 1 when a comparison is overdue.

    \b
    Examples: interlock reconcile
              interlock reconcile orders --since 2026-11-01 --dry-run
    """
    if ctx.invoked_subcommand:
        return
    data = data_folder(folder)
    if not exists(data):
        out.summary(f"{NO_STORE} ({data})", start_command(folder), empty=True)
        return
    _report(folder, out)


def _report(folder: Path, out: Output) -> None:
    from interlock.operations.reconciliation import CAUSES, KINDS, compared, sentence

    strategy, since_ms = read_strategy(folder), now_ms() - DAYS * DAY_MS

    async def look(views: "SqliteViews") -> Any:
        return await views.latest_sweeps(), await views.missed_counts(since_ms), await views.missed(since_ms=since_ms)

    latest, counts, missed = ask_store(store_of(folder), look)
    rows = compared(strategy, latest, now_ms(), now_ms())
    for row in reversed(missed[:ROWS]):
        out.row(_told(row), **fields_of(row))
    for one in rows:
        last = f"compared {ago(one.last.ended_ms, now_ms())}, {one.last.listed} listed" if one.last else "not compared yet"
        every = f"every {one.every_minutes:g} min" if one.every_minutes else "only when asked for"
        out.row(f"{one.object}s of {one.system}: {last}; {every}", event="compared", system=one.system, object=one.object,
                last_ms=one.last.ended_ms if one.last else 0, overdue=one.overdue)  # fmt: skip
    for (kind, cause), count in sorted(counts.items()):
        out.progress(f"{count}: {KINDS[kind]}; {CAUSES[cause]}")
    overdue = [one for one in rows if one.overdue]
    url = hub_url(data_folder(folder))
    moves = [start_command(folder)] if overdue and not lock_holder(data_folder(folder)) else []
    out.summary(sentence(rows, counts, DAYS), *moves, *([f"open {url}/reconciliation"] if url else []),
                found=sum(counts.values()), overdue=len(overdue))  # fmt: skip
    if overdue:
        fail()


def _asks(command: Any) -> Any:
    options = (
        speaks,
        folder_option,
        click.option("--why", default="compared by hand", help="The reason, for the audit."),
        click.option("--dry-run", is_flag=True, help="Only compare: fetch nothing. Exit code 1 when something was found."),
        click.option("--system", default="", help="Whose; needed when several could be meant."),
        click.option("--since", type=click.DateTime(DATES),
                     help="Compare what changed since then (default: since the last comparison, and an overlap)."),
    )  # fmt: skip
    for option in options:
        command = option(command)
    return command


@reconcile.command()
@_asks
def orders(folder: Path, out: Output, **chosen: Any) -> None:
    """Compare orders with the shop now, with their refunds and fulfillments, and fetch what is missing.

    Exit code 1 when the source could not be listed to the end, and with --dry-run when something was not told of.

    \b
    Example: interlock reconcile orders --since 2026-11-01 --dry-run
    """
    _compare(folder, out, "order", **chosen)


reconcile.add_command(inventory)


@reconcile.command()
@_asks
def customers(folder: Path, out: Output, **chosen: Any) -> None:
    """Compare customers now, and fetch what is missing.

    Exit codes are those of `interlock reconcile orders`.

    \b
    Example: interlock reconcile customers
    """
    _compare(folder, out, "customer", **chosen)


@reconcile.command()
@_asks
def products(folder: Path, out: Output, **chosen: Any) -> None:
    """Compare products now, and fetch what is missing.

    Exit codes are those of `interlock reconcile orders`.

    \b
    Example: interlock reconcile products --system shopify
    """
    _compare(folder, out, "product", **chosen)


def _compare(
    folder: Path, out: Output, object_name: str, *, since: datetime | None, system: str, dry_run: bool, why: str
) -> None:
    from interlock.messaging.sweeps import Sweep
    from interlock.operations.reconciliation import source_of

    strategy = read_strategy(folder)
    source = source_of(strategy, object_name, system)
    needs_a_hub(folder, "the hub does the comparing")
    begin = moment_us(since, strategy.timezone)
    if begin > now_ms() * MICRO:
        raise SettingsError("that day has not come yet", code="SWP002", where="--since", why="nothing has changed since then",
                            next_move="name a day that is over")  # fmt: skip
    wanted = Sweep(id=0, system=source, object=object_name, why=why, dry=dry_run, since=begin, until=0)
    number = _ask(folder, wanted)
    ended, missed = _follow(folder, out, number)
    for row in reversed(missed):
        out.row(_told(row), **fields_of(row))
    _tell_end(out, ended, object_name)


def _ask(folder: Path, wanted: "Sweep") -> int:
    async def on_book(ledger: "SqliteLedger") -> int:
        from interlock.messaging.sqlite.sweep_book import SqliteSweepBook

        return await SqliteSweepBook(ledger.group).ask(wanted, by=who(), now_ms=now_ms())

    return on_ledger(folder, on_book)


def _follow(folder: Path, out: Output, number: int) -> "tuple[Sweep, tuple[Missed, ...]]":
    """Until it has ended; interrupting interrupts nothing but the looking."""

    async def look(views: "SqliteViews") -> "tuple[Sweep, tuple[Missed, ...]]":
        import asyncio

        listed = -1
        while True:
            found = await views.sweep(number)
            assert found is not None, "it was asked for"
            if found.listed != listed and found.state == "running":
                listed = found.listed
                out.progress(f"{counted(listed, found.object)} compared, {found.found} not told of")
            if found.state in ("done", "failed"):
                return found, await views.missed(of_sweep=number, limit=ROWS)
            await asyncio.sleep(POLL_SECONDS)

    return ask_store(store_of(folder), look)


def _tell_end(out: Output, ended: "Sweep", object_name: str) -> None:
    if ended.state == "failed":
        out.summary(f"the comparison failed: {ended.error}", "interlock status", **fields_of(ended))
        fail()
    took_ms = ended.ended_ms - ended.began_ms
    done = "; nothing is fetched" if ended.dry else "; all that is there is fetched" if ended.found else ""
    moves = ["the same without --dry-run"] if ended.dry and ended.found else []
    text = f"{counted(ended.listed, object_name)} compared in {took(took_ms)}: {ended.found} not told of{done}"
    out.summary(text, *moves, **fields_of(ended))
    if ended.dry and ended.found:
        fail()


def _told(row: "Missed") -> str:
    from interlock.operations.reconciliation import CAUSES, words_of

    name = row.name or row.key
    return f"{ago(row.found_ms, now_ms()):>10}  {row.object} {name}  {words_of(row)}; {CAUSES[row.cause]}"
