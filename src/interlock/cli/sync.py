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

COMPARE = "interlock reconcile inventory"


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
    moved = sum(_tell_preview(folder, out, one, sku, places_of(rules, one, location)) for one in channels)
    compare = _tell_listed(folder, out, channels, sku, location)
    if dry_run:
        text, again = "there is nothing to sync", list[str]()
        if moved:
            text, again = (
                f"{counted(moved, 'place')} would be looked at; nothing is written",
                ["the same without --dry-run"],
            )
        out.summary(text, *again, *compare, channels=channels, places=moved)
        return
    needs_a_hub(folder, "the hub does the writing")
    numbers = [ask(folder, "sync", one, sku=sku, location=location, why=why) for one in channels]
    _tell_end(out, [_brought(folder, out, number, waits=not no_wait) for number in numbers], waits=not no_wait)


def _tell_preview(folder: Path, out: Output, channel: str, sku: str, places: tuple[str, ...]) -> int:
    """What a sync would look at; how many places that is."""
    preview = ask_store(store_of(folder), lambda views: views.stock_sync_preview(channel, sku=sku, places=places))
    out.row(_words(channel, preview), event="preview", channel=channel, **fields_of(preview))
    return preview.unknown + preview.different


def _tell_listed(folder: Path, out: Output, channels: list[str], sku: str, location: str) -> list[str]:
    """What only a comparison would correct, and then how to make one."""
    listed = {one: _listed(folder, one, sku, location) for one in channels}
    for one, count in listed.items():
        if count:
            out.row(f"{one}: {counted(count, 'place')} more that the last comparison found: a sync goes by what the hub knows, "
                    f"a comparison by what the channel lists", event="listed", channel=one, different=count)  # fmt: skip
    return [COMPARE] if any(listed.values()) else []


def _brought(folder: Path, out: Output, number: int, *, waits: bool) -> "Run":
    """A run, followed to its end and told."""
    run = follow(folder, out, number, _progress)
    if waits and run.state == "done":
        _wait(folder, out, run.channel)
    out.row(_sentence(run), event="synced", **fields_of(run))
    return run


def _tell_end(out: Output, ended: "list[Run]", *, waits: bool) -> None:
    failed = [run.channel for run in ended if run.state == "failed"]
    opened = sum(run.opened for run in ended)
    done, move = ("brought up to date", COMPARE) if waits else ("queued", "interlock status")
    out.summary(f"{counted(opened, 'place')} {done}", move, opened=opened, failed=failed)
    if failed:
        fail()


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
