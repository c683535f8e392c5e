"""Commands that only read the store, beside a running hub or without one: status, tail, find, show, issues."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from interlock.cli.output import Output, fail, speaks
from interlock.cli.place import data_folder, folder_option, hub_url, lock_holder

if TYPE_CHECKING:
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.messaging.views import DeliveryRow, Hit, Story

POLL_SECONDS = 0.5
TAIL_ROWS = 500
NO_STORE = "no hub has run in this folder yet, so there is no store"
NO_EVENTS = "the store is empty: no event has arrived yet"


def _read(folder: Path, out: Output, ask: Callable[["SqliteViews"], Awaitable[None]], *, empty_code: int = 0) -> None:
    """Open the store read-only and ask; an empty one is said to be empty, with the reason."""
    data = data_folder(folder)
    if not ((data / "ledger.db").exists() and (data / "inbox.db").exists()):
        out.summary(f"{NO_STORE} ({data})", "interlock run", empty=True)
        if empty_code:
            fail(empty_code)
        return
    asyncio.run(_asked(data, out, ask, empty_code))


async def _asked(data: Path, out: Output, ask: Callable[["SqliteViews"], Awaitable[None]], empty_code: int) -> None:
    from interlock.messaging.sqlite.views import SqliteViews

    views = SqliteViews(data / "ledger.db", data / "inbox.db")
    try:
        if (await views.pulse()).events:
            await ask(views)
            return
        out.summary(NO_EVENTS, "interlock trigger orders/create" if lock_holder(data) else "interlock run", empty=True)
        if empty_code:
            fail(empty_code)
    finally:
        views.close()


@click.command()
@folder_option
@speaks
def status(folder: Path, out: Output) -> None:
    """Say what is open, dead and delivered at each destination."""

    async def ask(views: "SqliteViews") -> None:
        from interlock.messaging.ledger import Filter

        for one in await views.destination_health(_now_ms()):
            waiting = ", ".join(f"{count} {state}" for state, count in one.open.items()) or "nothing open"
            out.row(f"{one.destination:<16} breaker {one.breaker:<9} {waiting}", **msgspec.to_builtins(one))
        states = dict(await views.states(Filter()))
        data = data_folder(folder)
        hub = f"hub runs as process {holder}" if (holder := lock_holder(data)) else "no hub runs"
        counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "no deliveries"
        moves = ["interlock issues"] if states.get("dead") else []
        out.summary(f"{hub}; {counts}", *moves, states=states, hub=hub_url(data), process=holder)

    _read(folder, out, ask)


@click.command()
@click.argument("text")
@folder_option
@speaks
def find(text: str, folder: Path, out: Output) -> None:
    """Find objects by name, key, id at any system or event id."""

    async def ask(views: "SqliteViews") -> None:
        hits = await views.search(text)
        for hit in hits:
            out.row(f"{hit.object} {hit.name or hit.key}  key {hit.key}  ({hit.why})", **msgspec.to_builtins(hit))
        moves = [f"interlock show '{hits[0].name or hits[0].key}'"] if hits else ["give a name, a key or an id at a system in full"]
        out.summary(f"{len(hits)} found for {text!r}", *moves, found=len(hits))
        if not hits:
            fail()

    _read(folder, out, ask, empty_code=1)


@click.command()
@click.argument("order")
@folder_option
@speaks
def show(order: str, folder: Path, out: Output) -> None:
    """Tell the story of one order."""

    async def ask(views: "SqliteViews") -> None:
        hit = await one_order(views, order)
        story = await views.story(hit.object, hit.key) if hit else None
        if story is None:
            out.summary(f"the hub has never heard of {order!r}", f"interlock find '{order}'", found=0)
            fail()
        _tell(story, out)

    _read(folder, out, ask, empty_code=1)


async def one_order(views: "SqliteViews", text: str) -> "Hit | None":
    """The order that the text names; orders come before other objects that the search finds by it."""
    hits = await views.search(text)
    return next((hit for hit in hits if hit.object == "order"), hits[0] if hits else None)


def _tell(story: "Story", out: Output) -> None:
    head = story.head
    for event in story.events:
        out.row(f"{_time(event.received_at_ms)} event {event.position} {event.topic}", kind="event", position=event.position,
                topic=event.topic, received_at_ms=event.received_at_ms)  # fmt: skip
    for one in story.deliveries:
        out.row(_line(one), kind="delivery", **msgspec.to_builtins(one))
    for link in story.links:
        out.row(f"{_time(link.written_ms)} {link.system} {link.operation} is {link.external_id}", kind="link", **msgspec.to_builtins(link))
    dead = sum(one.state == "dead" for one in story.deliveries)
    moves = [f"interlock retry '{head.name or head.key}'"] if dead else []
    text = f"{head.object} {head.name or head.key}: {head.events} events, {len(story.deliveries)} deliveries, {dead} dead"
    out.summary(text, *moves, events=head.events, deliveries=len(story.deliveries), dead=dead)


@click.command()
@folder_option
@speaks
def issues(folder: Path, out: Output) -> None:
    """List dead letters by cause."""

    async def ask(views: "SqliteViews") -> None:
        from interlock.messaging.ledger import Filter

        groups = await views.dead_letter_groups(Filter(), now_ms=_now_ms())
        for one in groups:
            cause = f"{one.flow} to {one.destination}: {one.code} {one.error}"
            out.row(f"{one.fingerprint}  {one.count:>6} x  {cause}  (owner {one.owner or '-'})", **msgspec.to_builtins(one))
        moves = [f'interlock replay --where fingerprint={groups[0].fingerprint} --why "..."'] if groups else []
        total = sum(one.count for one in groups)
        out.summary(f"{total} dead letters of {len(groups)} causes", *moves, dead=total, causes=len(groups))

    _read(folder, out, ask)


@click.command()
@click.option("--once", is_flag=True, help="Print the newest deliveries and end.")
@folder_option
@speaks
def tail(folder: Path, once: bool, out: Output) -> None:
    """Follow deliveries, a line each."""

    async def ask(views: "SqliteViews") -> None:
        from interlock.messaging.ledger import Filter

        seen: dict[int, int] = {}
        while True:
            for one in reversed(await views.deliveries(Filter(limit=TAIL_ROWS))):
                if seen.get(one.id) != one.updated_ms:
                    seen[one.id] = one.updated_ms
                    out.row(_line(one), **msgspec.to_builtins(one))
            if once:
                return
            await asyncio.sleep(POLL_SECONDS)

    try:
        _read(folder, out, ask)
    except KeyboardInterrupt:
        out.progress("stopped")


def _line(one: "DeliveryRow") -> str:
    error = f"  {one.code} {one.error}".rstrip()
    return f"{_time(one.updated_ms)} {one.state:<10} {one.object} {one.name or one.key} to {one.destination} by {one.flow}{error}"


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
