"""Commands that stop a flow and let it go on, each audited under `cli:USER`: pause, drain, resume. Nothing that arrives is lost."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from interlock.cli.catalogue import read_strategy
from interlock.cli.output import Output, coloured, counted, fail, speaks
from interlock.cli.place import folder_option, needs_a_hub, start_command
from interlock.cli.store import ask_store
from interlock.cli.times import now_ms
from interlock.cli.writing import TAKEN_UP, on_ledger, store_of, who, why_option
from interlock.data_folder import data_folder, lock_holder
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from interlock.messaging.sqlite.flow_book import SqliteFlowBook
    from interlock.messaging.sqlite.ledger import SqliteLedger
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.messaging.stops import Stop, StopKind

T = TypeVar("T")
POLL_SECONDS = 0.25
IDLE_SECONDS = 20.0
"""Nothing ends for this long: what is left waits for something that need not be waited for here."""


@click.command()
@click.argument("flow")
@why_option
@folder_option
@speaks
def pause(flow: str, why: str, folder: Path, out: Output) -> None:
    """Stop a flow: nothing more begins.

    Calls in flight end. What arrives is accepted and waits; `resume` lets it go on. It stays paused over restarts.

    \b
    Example: interlock pause order-to-erp --why "month's end"
    """
    _known(folder, flow)
    _stop(folder, flow, "paused", why)
    moves = (f'interlock resume {flow} --why "..."', _taken_up(folder))
    out.summary(f"flow {flow} is paused; what arrives waits", *moves, flow=flow, state="paused")


@click.command()
@click.argument("flow")
@click.option("--no-wait", is_flag=True, help="Return at once; the hub goes on draining.")
@why_option
@folder_option
@speaks
def drain(flow: str, no_wait: bool, why: str, folder: Path, out: Output) -> None:
    """Let a flow end what is queued and begin nothing new.

    What was received before still goes out; then the flow is paused. What arrives meanwhile is accepted and waits.
    Interrupting interrupts nothing but the looking. Exit code 1 while something is left.

    \b
    Examples: interlock drain order-to-erp --why "new account at midnight"
              interlock drain order-to-erp --why "new account" --no-wait
    """
    if _known(folder, flow):
        raise SettingsError(f"the folder has paused {flow}", code="FLW010", where=f"flows/{flow}.toml",
                            why="what is queued cannot end", next_move="take out paused = true and reload, then drain")  # fmt: skip
    _stop(folder, flow, "draining", why)
    if no_wait:
        out.summary(f"flow {flow} drains", f"interlock flows {flow}", _taken_up(folder), flow=flow, state="draining")
        return
    needs_a_hub(folder, f"{flow} drains when one does")
    _tell_end(flow, _follow(folder, flow, out), out)


@click.command()
@click.argument("flow")
@why_option
@folder_option
@speaks
def resume(flow: str, why: str, folder: Path, out: Output) -> None:
    """Let a paused or drained flow go on.

    What waited is due at once. A flow that the folder pauses (`paused = true`) stays so. Exit code 1 when nobody had
    stopped it.

    \b
    Example: interlock resume order-to-erp --why "books are open"
    """
    strategy = read_strategy(folder)
    found = _on_book(folder, lambda book: book.resume(flow, by=who(), why=why, now_ms=now_ms()))
    in_folder = flow in strategy.flows and strategy.flows[flow].paused
    if not found:
        words = f"the folder pauses {flow}" if in_folder else f"no person has stopped {flow}"
        moves = [f"take out paused = true in flows/{flow}.toml and reload"] if in_folder else ["interlock flows"]
        out.summary(words, *moves, flow=flow, state="paused" if in_folder else "running", resumed=False)
        fail()
    if in_folder:
        move = f"take out paused = true in flows/{flow}.toml and reload"
        out.summary(
            f"the stop of flow {flow} is lifted; the folder still pauses it",
            move,
            flow=flow,
            state="paused",
            resumed=True,
        )
        return
    out.summary(
        f"flow {flow} goes on", f"interlock flows {flow}", _taken_up(folder), flow=flow, state="running", resumed=True
    )


def _known(folder: Path, flow: str) -> bool:
    """Whether the folder pauses it. Raises SettingsError when there is no such flow."""
    strategy = read_strategy(folder)
    if flow not in strategy.flows:
        raise SettingsError(f"there is no flow {flow!r}", code="SET028", where=str(folder / "flows"),
                            why=f"there are {', '.join(strategy.flows)}", next_move="interlock flows")  # fmt: skip
    return strategy.flows[flow].paused


def _stop(folder: Path, flow: str, kind: "StopKind", why: str) -> None:
    _on_book(folder, lambda book: book.stop(flow, kind, by=who(), why=why, now_ms=now_ms()))


def _on_book(folder: Path, work: "Callable[[SqliteFlowBook], Awaitable[T]]") -> T:
    async def with_book(ledger: "SqliteLedger") -> T:
        from interlock.messaging.sqlite.flow_book import SqliteFlowBook

        return await work(SqliteFlowBook(ledger.group))

    return on_ledger(folder, with_book)


def _taken_up(folder: Path) -> str:
    return TAKEN_UP if lock_holder(data_folder(folder)) else start_command(folder)


def _follow(folder: Path, flow: str, out: Output) -> dict[str, int] | None:
    """A line whenever less is left. What is left at the end; None when the drain was changed by somebody else."""

    async def look(views: "SqliteViews") -> dict[str, int] | None:
        import asyncio

        before, moved = -1, time.monotonic()
        while True:
            stop = await _stop_of(views, flow)
            if stop is None or stop.kind == "paused":
                return None if stop is None else {}
            left = dict(await views.drain_left(stop))
            if sum(left.values()) != before:
                before, moved = sum(left.values()), time.monotonic()
                out.progress(f"{flow}: {_left(left)}")
            elif time.monotonic() - moved > IDLE_SECONDS:
                return left
            await asyncio.sleep(POLL_SECONDS)

    return ask_store(store_of(folder), look)


async def _stop_of(views: "SqliteViews", flow: str) -> "Stop | None":
    return next((stop for stop in await views.flow_stops() if stop.flow == flow), None)


def _left(left: dict[str, int]) -> str:
    states = ", ".join(f"{count} {coloured(state)}" for state, count in left.items())
    return f"{counted(sum(left.values()), 'delivery', 'deliveries')} left: {states}" if states else "nothing left"


def _tell_end(flow: str, left: dict[str, int] | None, out: Output) -> None:
    if left is None:
        out.summary(f"somebody let flow {flow} go on meanwhile", "interlock audit", flow=flow, state="running")
        fail()
    if left:
        move = f"interlock deliveries --flow {flow} --state {','.join(left)}"
        out.summary(f"flow {flow} still drains; {_left(left)}", move, flow=flow, state="draining", left=left)
        fail()
    resume_it = f'interlock resume {flow} --why "..."'
    out.summary(
        f"flow {flow} is drained, and paused now; what arrives waits", resume_it, flow=flow, state="paused", left={}
    )
