"""Commands that tell what the strategy folder says, with how it does beside it: systems, flows, runbook."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, counted, fields_of, speaks
from interlock.cli.place import folder_option
from interlock.cli.store import ask_store, exists
from interlock.cli.times import ago, now_ms
from interlock.data_folder import data_folder
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.messaging.stops import Stop
    from interlock.messaging.views import DestinationHealth, FlowTile
    from interlock.strategy import Flow, Strategy

WINDOW_MS = 24 * 3_600_000


def read_strategy(folder: Path) -> "Strategy":
    """The folder, checked. Raises StrategyErrors with every mistake."""
    from interlock.connectors.registry import facts
    from interlock.strategy import load, read_folder

    return load(read_folder(folder), connectors=facts())


@click.command()
@folder_option
@speaks
def systems(folder: Path, out: Output) -> None:
    """List the systems, their owners and how they do.

    \b
    Example: interlock systems
    """
    from interlock.strategy.records_text import claims_in_words

    strategy = read_strategy(folder)
    tiles, health = _measured(folder)
    written = {tile.destination for tile in tiles if tile.last_success_ms}
    for name, one in strategy.systems.items():
        state = health.get(name)
        team = strategy.teams[one.owner]
        breaker = (
            f"breaker {state.breaker}" if state else "answers" if name in written else "nothing was sent to it yet"
        )
        held = claims_in_words(one)
        truth = f"; record of {', '.join(held)}" if held else ""
        out.row(f"{name:<12} {one.title} by {one.connector} at {one.url}; {breaker}; owner {one.owner} ({team.contact}){truth}",
                name=name, title=one.title, connector=one.connector, url=one.url, owner=one.owner, contact=team.contact,
                record_of=held, breaker=state.breaker if state else "", open=dict(state.open) if state else {})  # fmt: skip
    out.summary(counted(len(strategy.systems), "system"), "interlock status", systems=len(strategy.systems))


@click.command()
@click.argument("name", required=False)
@folder_option
@speaks
def flows(name: str | None, folder: Path, out: Output) -> None:
    """List the flows as the way of each object, or tell one.

    \b
    Examples: interlock flows
              interlock flows order-to-erp
    """
    strategy = read_strategy(folder)
    tiles, _ = _measured(folder)
    stops = _stops(folder)
    if name is not None and name not in strategy.flows:
        raise SettingsError(f"there is no flow {name!r}", code="SET028", where=str(folder / "flows"),
                            why=f"there are {', '.join(strategy.flows)}", next_move="interlock flows")  # fmt: skip
    chosen = [strategy.flows[name]] if name else list(strategy.flows.values())
    for flow in chosen:
        measured = [tile for tile in tiles if tile.flow == flow.name]
        text = _whole(flow, strategy) if name else _way(flow)
        stop = stops.get(flow.name)
        out.row(
            text + (f"\n  {stop.words}, {ago(stop.at_ms, now_ms())}" if stop else "") + _volume(measured),
            **fields_of(flow),
            stopped=stop.kind if stop else "",
            done={tile.destination: tile.done + tile.unchanged for tile in measured},
        )
    move = f"interlock runbook {chosen[0].runbook}" if name else "interlock flows NAME"
    out.summary(counted(len(chosen), "flow"), move, flows=len(chosen))


def _way(flow: "Flow") -> str:
    way = f"{flow.object} from {flow.source} to {', '.join(flow.destinations)}"
    return f"{flow.name:<20} {way}; impact {flow.impact}; owner {flow.owner}{', paused' if flow.paused else ''}"


def _whole(flow: "Flow", strategy: "Strategy") -> str:
    from interlock.strategy.steps import in_words

    team = strategy.teams[flow.owner]
    rows = {
        "what": f"{flow.title}: {flow.object} from {flow.source} to {', '.join(flow.destinations)}",
        "trigger": ", ".join(flow.trigger),
        "when": flow.when or "always",
        "pattern": f"{flow.pattern}: {flow.rationale}",
        "impact": f"{flow.impact}, complexity {flow.complexity}",
        "owner": f"{flow.owner} ({team.contact}; then {team.escalation})",
        "promise": f"{flow.slo.success_percent:g} % end well, 95 of 100 within {flow.slo.latency_seconds_p95:g} s",
        "runbook": flow.runbook,
    }
    steps = ("  steps", *(f"    {line}" for line in in_words(flow.steps))) if flow.steps else ()
    return "\n".join((flow.name, *(f"  {label:<8} {text}" for label, text in rows.items()), *steps))


def _volume(tiles: "list[FlowTile]") -> str:
    now = now_ms()
    return "".join(
        f"\n  {tile.destination}: {tile.done + tile.unchanged} done and {tile.dead} dead in 24 h, "
        f"last success {ago(tile.last_success_ms, now)}"
        for tile in tiles
    )


@click.command()
@click.argument("name", required=False)
@folder_option
@speaks
def runbook(name: str | None, folder: Path, out: Output) -> None:
    """Print a runbook of the folder.

    Without NAME, the names there are.

    \b
    Example: interlock runbook erp-refusals
    """
    strategy = read_strategy(folder)
    if name is None:
        for one in strategy.runbooks:
            used = [flow.name for flow in strategy.flows.values() if flow.runbook == one]
            out.row(f"{one:<24} of {', '.join(used) or 'no flow'}", name=one, flows=used)
        out.summary(
            counted(len(strategy.runbooks), "runbook"), "interlock runbook NAME", runbooks=len(strategy.runbooks)
        )
        return
    text = strategy.runbooks.get(name, strategy.runbooks.get(f"{name}.md"))
    if text is None:
        raise SettingsError(f"there is no runbook {name!r}", code="SET028", where=str(folder / "runbooks"),
                            why=f"there are {', '.join(strategy.runbooks)}", next_move="interlock runbook")  # fmt: skip
    out.row(text, name=name, text=text)


def _stops(folder: Path) -> "dict[str, Stop]":
    """What somebody has stopped; nothing when there is no store yet."""
    data = data_folder(folder)
    if not exists(data):
        return {}
    return {stop.flow: stop for stop in ask_store(data, lambda views: views.flow_stops())}


def _measured(folder: Path) -> "tuple[tuple[FlowTile, ...], dict[str, DestinationHealth]]":
    """What the store says of the last 24 hours; nothing when there is none yet."""
    data = data_folder(folder)
    if not exists(data):
        return (), {}

    async def ask(views: "SqliteViews") -> "tuple[tuple[FlowTile, ...], dict[str, DestinationHealth]]":
        from interlock.messaging.views import Window

        now = now_ms()
        tiles = await views.flow_tiles(Window(since_ms=now - WINDOW_MS, until_ms=now))
        return tiles, {one.destination: one for one in await views.destination_health(now)}

    return ask_store(data, ask)
