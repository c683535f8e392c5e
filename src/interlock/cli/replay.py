"""Commands that deliver again, with the proof of what came of it: retry, replay, replays."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.choice import choosing, read_pairs
from interlock.cli.find import one_order
from interlock.cli.output import Output, coloured, counted, fail, fields_of, speaks
from interlock.cli.place import folder_option, needs_a_hub
from interlock.cli.store import ask_store
from interlock.cli.times import ago, now_ms, stamp
from interlock.cli.writing import choice_of, dry_run_option, on_ledger, store_of, text_option, told, who, why_option
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from interlock.messaging.ledger import Filter, Preview
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.messaging.views import ReplayProgress

FAILED_STATES = ("dead", "waiting", "retrying", "uncertain")
"""An uncertain one keeps its quiet period: whether it was written is looked up when that can be known."""
POLL_SECONDS = 0.2
IDLE_SECONDS = 20.0
"""Nothing of a replay ends for this long: what is left waits for something that `--wait` need not wait for."""
LEFT = "waiting,uncertain,retrying,held"
RESULTS = ("delivered", "unchanged", "superseded", "cancelled", "dead", "duplicates")

_wait = click.option(
    "--wait", is_flag=True, help="Follow it to the end; exit code 1 when anything dies again or is left."
)


@click.command()
@click.argument("order", required=False)
@choosing
@_wait
@folder_option
@speaks
def retry(order: str | None, pairs: list[str], wait: bool, folder: Path, out: Output) -> None:
    """Make the failed deliveries of an order due now.

    ORDER is whatever `find` understands; or choose as with `deliveries`. Dead, waiting and retrying ones, unless
    --state says otherwise. They run under the release that they had.

    \b
    Examples: interlock retry 1001
              interlock retry --destination netsuite --wait
    """
    import msgspec

    if bool(order) == bool(pairs):
        raise click.UsageError("name an order, or choose with options such as --destination; not both")
    chosen = _of_order(folder, order) if order else read_pairs(pairs)
    if not chosen.states:
        chosen = msgspec.structs.replace(chosen, states=FAILED_STATES)
    _replay(folder, out, chosen, why="retried by hand", release="same", dry_run=False, wait=wait)


@click.command()
@choosing
@text_option
@click.option(
    "--same/--current", "same", default=False, help="Under the release of each delivery, or the present one (default)."
)
@dry_run_option
@_wait
@why_option
@folder_option
@speaks
def replay(
    pairs: list[str], text: str, same: bool, dry_run: bool, wait: bool, why: str, folder: Path, out: Output
) -> None:
    """Deliver chosen deliveries again.

    What had succeeded and is unchanged is not written again; the result says so for each destination.

    \b
    Examples: interlock replay --state dead --destination netsuite --why "NetSuite is back" --dry-run
              interlock replay --fingerprint 4be0d1c5a3f2 --why "item added" --wait
    """
    from interlock.strategy import read_folder

    release = "same" if same else read_folder(folder).id
    _replay(folder, out, choice_of(folder, pairs, text), why=why, release=release, dry_run=dry_run, wait=wait)


@click.command()
@click.argument("number", type=int)
@_wait
@folder_option
@speaks
def replays(number: int, wait: bool, folder: Path, out: Output) -> None:
    """Say what became of a replay.

    \b
    Example: interlock replays 3 --wait
    """
    store_of(folder)
    if wait:
        _follow(folder, number, out)
    _result(_progress(folder, number), out, waited=wait)


def _replay(folder: Path, out: Output, chosen: "Filter", *, why: str, release: str, dry_run: bool, wait: bool) -> None:
    preview = on_ledger(folder, lambda ledger: ledger.preview(chosen))
    _show(preview, out)
    if dry_run:
        text = f"{counted(preview.count, 'delivery', 'deliveries')} would be replayed; nothing is changed"
        out.summary(text, "the same without --dry-run", count=preview.count)
    elif not preview.count:
        out.summary("nothing is chosen: no delivery is like that", "interlock deliveries", count=0)
        fail()
    else:
        number = on_ledger(
            folder, lambda ledger: ledger.replay(chosen, by=who(), why=why, release=release, now_ms=now_ms())
        )
        _taken(folder, out, number, preview.count, wait=wait)


def _show(preview: "Preview", out: Output) -> None:
    """What it touches, before it does: by destination, in which states, how old."""
    states = ", ".join(f"{count} {coloured(state)}" for state, count in preview.by_state.items())
    for destination, count in preview.by_destination.items():
        out.row(f"{destination:<16} {count}", kind="preview", destination=destination, count=count)
    if preview.count:
        out.progress(f"{states}; the oldest was received {ago(preview.oldest_ms, now_ms())}")


def _taken(folder: Path, out: Output, number: int, chosen: int, *, wait: bool) -> None:
    found = _progress(folder, number)
    if found.total < chosen:
        out.progress(f"{chosen - found.total} of them are under way, or in a replay that has not ended")
    if not wait:
        told(folder, out, f"replay {number} opens", found.total, f"interlock replays {number}")
        return
    _follow(folder, number, out)
    _result(_progress(folder, number), out, waited=True)


def _of_order(folder: Path, text: str) -> "Filter":
    """Every delivery of the one order that the text names."""
    from interlock.messaging.ledger import Filter

    hit = ask_store(store_of(folder), lambda views: one_order(views, text))
    if hit is None:
        raise SettingsError(f"the hub has never heard of {text!r}", code="SET031", next_move=f"interlock find '{text}'")
    return Filter(object=hit.object, key=hit.key)


def _progress(folder: Path, number: int) -> "ReplayProgress":
    return _watch(folder, number, lambda _: True)


def _follow(folder: Path, number: int, out: Output) -> None:
    """A bar until every delivery of the replay has ended. Interrupting it interrupts nothing but the looking."""
    needs_a_hub(folder, f"replay {number} waits for one")
    with out.bar(_progress(folder, number).total, f"replay {number}") as step:
        seen, moved = 0, time.monotonic()

        def ended(found: "ReplayProgress") -> bool:
            nonlocal seen, moved
            if found.finished > seen:
                step(found.finished - seen)
                seen, moved = found.finished, time.monotonic()
            return seen >= found.total or time.monotonic() - moved > IDLE_SECONDS

        _watch(folder, number, ended)


def _watch(folder: Path, number: int, enough: "Callable[[ReplayProgress], bool]") -> "ReplayProgress":
    data = store_of(folder)

    async def look(views: "SqliteViews") -> "ReplayProgress":
        import asyncio

        while True:
            found = await views.replay(number)
            if found is None:
                raise SettingsError(
                    f"there is no replay {number}", code="SET031", where=str(data), next_move="interlock audit"
                )
            if enough(found):
                return found
            await asyncio.sleep(POLL_SECONDS)

    return ask_store(data, look)


def _result(found: "ReplayProgress", out: Output, *, waited: bool) -> None:
    """What was delivered, what was the same already, what died again; and that nothing was made twice."""

    for one in found.destinations:
        counts = (f"{getattr(one, name)} {name}" for name in RESULTS)
        out.row(f"{one.destination:<16} {', '.join(counts)}", kind="result", **fields_of(one))
    dead, left = sum(one.dead for one in found.destinations), found.total - found.finished
    duplicates = sum(one.duplicates for one in found.destinations)
    word = "paused" if found.paused else f"ended, begun {ago(found.at_ms, now_ms())}" if left else "ended"
    head = f"replay {found.id} by {found.by} of {stamp(found.at_ms)} ({found.why})"
    moves = ["interlock issues"] if dead else []
    moves += [f"interlock deliveries --state {LEFT}", f"interlock replays {found.id} --wait"] if left else []
    text = f"{head}: {found.finished} of {found.total} {word}, {dead} dead"
    out.summary(
        text, *moves, replay=found.id, total=found.total, finished=found.finished, dead=dead, duplicates=duplicates
    )
    if dead or duplicates or (left and waited):
        fail()
