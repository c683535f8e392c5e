"""The command sync: everything that a channel should show is brought there, behind live work; the hub does it, this asks and looks."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, counted, fail, fields_of, speaks
from interlock.cli.place import needs_a_hub
from interlock.cli.stock_runs import POLL_SECONDS, ask, channels_of, follow, paced, places_of, rules_of, sliced
from interlock.cli.store import ask_store
from interlock.cli.writing import store_of

if TYPE_CHECKING:
    from interlock.messaging.accuracy import Run, SyncPreview
    from interlock.messaging.sqlite.views import SqliteViews


@click.group()
def sync() -> None:
    """Bring a channel up to date in full."""


@sync.command()
@sliced
@click.option("--no-wait", is_flag=True, help="Return as soon as all is queued; the hub goes on.")
@click.option("--dry-run", is_flag=True, help="Only count what it would write.")
@speaks
def inventory(
    channel: str, sku: str, location: str, dry_run: bool, no_wait: bool, why: str, folder: Path, out: Output
) -> None:
    """Write every number that a channel is not known to show.

    Each place whose shown number is not known, or is not what it should be, gets one delivery, behind all live work. A hub that
    ends meanwhile goes on where it was when it starts again, and writes nothing twice.

    Exit code 1 when it failed; what --dry-run counts is no failure.

    \b
    Examples: interlock sync inventory --dry-run
              interlock sync inventory --channel shopify --location cicero
    """
    rules = rules_of(folder)
    channels = channels_of(rules, channel, location)
    moved = 0
    for one in channels:
        preview = _preview(folder, one, sku, places_of(rules, one, location))
        moved += preview.unknown + preview.different
        out.row(_words(one, preview), event="preview", channel=one, **fields_of(preview))
    listed = {one: _listed(folder, one, sku, location) for one in channels}
    for one, count in listed.items():
        if count:
            out.row(f"{one}: {counted(count, 'place')} more that the last comparison found: a sync goes by what the hub knows, "
                    f"a comparison by what the channel lists", event="listed", channel=one, different=count)  # fmt: skip
    compare = ["interlock reconcile inventory"] if any(listed.values()) else []
    if dry_run:
        again = ["the same without --dry-run"] if moved else []
        text = f"{counted(moved, 'place')} would be looked at; nothing is written" if moved else "there is nothing to sync"
        out.summary(text, *again, *compare, channels=channels, places=moved)
        return
    needs_a_hub(folder, "the hub does the writing")
    numbers = [ask(folder, "sync", one, sku=sku, location=location, why=why) for one in channels]
    ended = [follow(folder, out, number, _progress) for number in numbers]
    for run in ended:
        if not no_wait and run.state == "done":
            _wait(folder, out, run.channel)
        out.row(_sentence(run), event="synced", **fields_of(run))
    failed = [run.channel for run in ended if run.state == "failed"]
    opened = sum(run.opened for run in ended)
    moves = ["interlock status"] if no_wait else ["interlock reconcile inventory"]
    out.summary(
        f"{counted(opened, 'place')} {'queued' if no_wait else 'brought up to date'}",
        *moves,
        opened=opened,
        failed=failed,
    )
    if failed:
        fail()


def _preview(folder: Path, channel: str, sku: str, places: tuple[str, ...]) -> "SyncPreview":
    return ask_store(store_of(folder), lambda views: views.stock_sync_preview(channel, sku=sku, places=places))


def _listed(folder: Path, channel: str, sku: str, location: str) -> int:
    """How many places only a comparison knows to differ: nothing corrects them yet."""
    from fnmatch import fnmatchcase

    found = ask_store(
        store_of(folder), lambda views: views.stock_differences(channel=channel, location=location, limit=10_000)
    )
    return sum(one.state == "found" and fnmatchcase(one.sku, sku or "*") for one in found)


def _words(channel: str, preview: "SyncPreview") -> str:
    left = [
        words
        for count, words in (
            (preview.refused, f"{preview.refused} refused or not listed there"),
            (preview.suspended, f"{preview.suspended} with a silent source"),
        )
        if count
    ]
    rest = f" (left out: {', '.join(left)})" if left else ""
    return (
        f"{channel}: {counted(preview.places, 'place')}, {preview.unknown} not known, {preview.different} different, "
        f"{preview.open} under way already{rest}"
    )


def _progress(run: "Run") -> str:
    return f"{run.channel}: {counted(run.opened, 'place')} queued"


def _sentence(run: "Run") -> str:
    return f"{run.channel}: {run.error}" if run.state == "failed" else f"{run.channel}: {counted(run.opened, 'place')}"


def _wait(folder: Path, out: Output, channel: str) -> None:
    """Until nothing is open any more; what waits for its source, or a person, is not waited for."""

    async def look(views: "SqliteViews") -> None:
        import asyncio

        tell = paced(out)
        while True:
            open_ = (await views.stock_sync_preview(channel)).open
            tell(f"{channel}: {counted(open_, 'place')} to go")
            if not open_:
                return
            await asyncio.sleep(POLL_SECONDS)

    ask_store(store_of(folder), look)
