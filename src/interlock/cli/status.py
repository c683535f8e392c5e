"""The command status: is it working? A line per flow and destination, what is wrong with a destination, and the sum."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, coloured, counted, fail, fields_of, speaks
from interlock.cli.place import folder_option, start_command
from interlock.cli.store import read
from interlock.cli.times import ago, now_ms, took
from interlock.cli.tokens import token_lines
from interlock.data_folder import data_folder, hub_url, lock_holder

if TYPE_CHECKING:
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.messaging.views import DestinationHealth, FlowTile

WINDOW_MS = 24 * 3_600_000


@click.command()
@click.option("--map", "as_map", is_flag=True, help="Draw the ways between the systems: source, hub, destinations.")
@click.option(
    "--strict",
    is_flag=True,
    help=(
        "Exit code 1 when anything is dead, a breaker is not closed, a flow or a source of stock is silent, a line of stock has stopped, "
        "a system is to be reconnected, or no hub runs."
    ),
)
@folder_option
@speaks
def status(folder: Path, as_map: bool, strict: bool, out: Output) -> None:
    """Say how each flow and each destination does.

    Counts are of the last 24 hours. Works with the hub running or not.

    \b
    Examples: interlock status
              interlock status --strict --json    # for a monitor
    """

    async def ask(views: "SqliteViews") -> None:
        from interlock.messaging.ledger import Filter
        from interlock.messaging.views import Window

        now = now_ms()
        tiles = await views.flow_tiles(Window(since_ms=now - WINDOW_MS, until_ms=now))
        health = {one.destination: one for one in await views.destination_health(now)}
        if as_map:
            _draw(folder, tiles, health, out)
        else:
            _tell(tiles, health, now, out)
        troubles = [
            await _tell_stops(views, now, out),
            await _tell_stock(views, folder, now, out),
            _tell_tokens(folder, now, out),
        ]
        states = dict(await views.states(Filter()))
        healthy = _sum_up(folder, states, list(health.values()), out)
        if strict and (any(troubles) or not healthy):
            fail()

    read(folder, out, ask, when_empty=lambda: _tell_tokens(folder, now_ms(), out) and strict)


def _tell(tiles: "tuple[FlowTile, ...]", health: "dict[str, DestinationHealth]", now: int, out: Output) -> None:
    for tile in tiles:
        way = f"{tile.flow} to {tile.destination}"
        speed = f", half of them within {took(tile.latency_ms_p50)}" if tile.latency_ms_p50 is not None else ""
        text = f"{way:<36} {tile.done + tile.unchanged:>6} done, {_open(tile.open)}; last success {ago(tile.last_success_ms, now)}{speed}"
        fields = fields_of(tile)
        fields.pop("series")
        out.row(text, kind="flow", **fields)
    for one in health.values():
        if out.as_json or one.breaker != "closed":
            out.row(_trouble(one, now), kind="destination", **fields_of(one))


async def _tell_stops(views: "SqliteViews", now: int, out: Output) -> bool:
    """Flows that somebody has stopped, and those that are silent; True when there is a silence."""
    for stop in await views.flow_stops():
        out.row(
            f"{stop.flow}: {stop.kind} {ago(stop.at_ms, now)} by {stop.by}: {stop.why}",
            **(fields_of(stop) | {"kind": "stop", "state": stop.kind}),
        )
    silences = await views.silences()
    for one in silences:
        word = click.style("silent", fg="yellow")
        out.row(
            f"{one.flow}: {word} since {ago(one.since_ms, now)}; {one.expected}; owner {one.owner}",
            **(fields_of(one) | {"kind": "silence", "state": one.kind}),
        )
    return bool(silences)


async def _tell_stock(views: "SqliteViews", folder: Path, now: int, out: Output) -> bool:
    """Sources of stock that are silent, and lines that stopped, a line for each cause; True when there is one. Numbers that differ
    stand among the issues."""
    from interlock.cli.stock_issues import issues_of_stock

    found = await issues_of_stock(views, folder, name="", destination="", owner="")
    waits = [one for one in found if one.kind != "difference"]
    for one in waits:
        text = f"{one.system}: {click.style(one.what, fg='yellow')} since {ago(one.since_ms, now)}; interlock issues {one.id}"
        out.row(text, **(fields_of(one) | {"kind": "stock", "trouble": one.kind}))
    return bool(waits)


def _tell_tokens(folder: Path, now: int, out: Output) -> bool:
    """Systems that give us no token, or one that may do less than before; True when there is one."""
    lines = token_lines(data_folder(folder), now)
    for one in lines:
        if one.code:
            text = f"{one.system}: {click.style(one.words, fg='red')}; {one.next}"
            out.row(text, **(one._asdict() | {"kind": "token"}))
    return any(one.code for one in lines)


def _open(states: "Mapping[str, int]") -> str:
    return ", ".join(f"{count} {coloured(state)}" for state, count in states.items()) or "none open"


def _trouble(one: "DestinationHealth", now: int) -> str:
    return f"{one.destination}: breaker {coloured(one.breaker)} for {took(now - one.changed_ms)}; {one.last_error}"


def _draw(folder: Path, tiles: "tuple[FlowTile, ...]", health: "dict[str, DestinationHealth]", out: Output) -> None:
    """A line per way: what stands in the folder, with what went along it and how the destination does."""
    from interlock.cli.catalogue import read_strategy
    from interlock.messaging.stock_book import shown_at

    strategy = read_strategy(folder)
    found = {(tile.flow, tile.destination): tile for tile in tiles}
    for flow in strategy.flows.values():
        for destination in flow.destinations:
            end = shown_at(destination) if flow.publish is not None else destination
            tile, state = found.get((flow.name, end)), health.get(end)
            done = tile.done + tile.unchanged if tile else 0
            word = "answers" if state is None or state.breaker == "closed" else f"breaker {state.breaker}"
            owner = strategy.systems[destination].owner
            line = f"{flow.source} --{flow.name}--> {destination}"
            out.row(f"{line:<48} {done:>6} in 24 h   {word}   owner {owner}", kind="way", source=flow.source, flow=flow.name,
                    destination=destination, done=done, breaker=state.breaker if state else "closed", owner=owner)  # fmt: skip


def _sum_up(folder: Path, states: dict[str, int], health: "list[DestinationHealth]", out: Output) -> bool:
    """The last line; True when all is well."""
    data = data_folder(folder)
    holder, url = lock_holder(data), hub_url(data)
    hub = f"hub runs as process {holder}{f' at {url}' if url else ''}" if holder else "no hub runs"
    counts = ", ".join(f"{count} {coloured(state)}" for state, count in sorted(states.items())) or "no deliveries"
    troubled = [one.destination for one in health if one.breaker != "closed"]
    moves = ["interlock issues"] if states.get("dead") else []
    moves += ["interlock deliveries --state waiting"] if states.get("waiting") else []
    moves += [] if holder else [start_command(folder)]
    moves += [f"when {troubled[0]} is well again: interlock retry --destination {troubled[0]}"] if troubled else []
    healthy = bool(holder) and not troubled and not states.get("dead")
    text = f"{hub}; {counts}" + (f"; {counted(len(troubled), 'breaker')} open" if troubled else "")
    out.summary(text, *moves, states=states, hub=url, process=holder, healthy=healthy)
    return healthy
