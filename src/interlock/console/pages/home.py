"""Home, "is it working?": the answer line, a tile per flow, the map, and what needs a person."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from interlock.console.drawing import Map, Stop, Traffic, draw_map
from interlock.console.drift import drift_words, grave_drift
from interlock.console.endings import notice_words
from interlock.console.filters import url
from interlock.console.health import (
    DOWN,
    HEALTHY,
    Answer,
    Health,
    destination_state,
    ends_of,
    flow_state,
    home_answer,
    title_of,
    worst,
    zone_of,
)
from interlock.console.pages.demo import KINDS
from interlock.console.pages.outages import outages
from interlock.console.pages.signing import form_page, sign_in_by_address
from interlock.console.pages.silences import silence_rows
from interlock.console.pages.sources import SourceRow, source_rows
from interlock.console.pages.stock_issues import StockIssueRow, stock_issue_rows, stock_sentence
from interlock.console.rendering import Console, console_of, page
from interlock.console.wording import sentence_list
from interlock.messaging.ledger import Filter
from interlock.messaging.silences import Silence
from interlock.messaging.stock_book import channel_of
from interlock.messaging.views import DeadLetterGroup, DestinationHealth, FlowTile, Window
from interlock.operations.endings import endings
from interlock.strategy.model import System

DAY_MS = 86_400_000
GROUPS_ON_HOME = 6
ORDERS_ON_HOME = 6


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """One look at everything, from which home and map are drawn."""

    window: Window
    tiles: tuple[tuple[FlowTile, Health], ...]
    destinations: tuple[tuple[DestinationHealth, Health], ...]
    groups: tuple[DeadLetterGroup, ...]
    silences: tuple[Silence, ...] = ()

    def state_of(self, system: str) -> Health:
        return worst(
            [health for destination, health in self.destinations if channel_of(destination.destination) == system]
        )


async def look(console: Console) -> Now:
    """Ask the views for the last 24 hours."""
    now_ms = console.now_ms
    window = Window(since_ms=now_ms - DAY_MS, until_ms=now_ms)
    strategy, zone = console.strategy, zone_of(console.strategy)
    found = {(tile.flow, tile.destination): tile for tile in await console.views.flow_tiles(window)}
    for flow in strategy.flows.values():
        for destination in ends_of(flow):
            found.setdefault((flow.name, destination), FlowTile(flow=flow.name, destination=destination))
    health = await console.views.destination_health(now_ms)
    down = {each.destination for each in health if each.breaker in DOWN}
    stops = {stop.flow: stop for stop in await console.views.flow_stops()}
    silences = await console.views.silences()
    silent = {silence.flow: silence for silence in silences}

    def state(tile: FlowTile) -> Health:
        flow, away = strategy.flows.get(tile.flow), tile.destination in down
        return flow_state(tile, flow, now_ms, down=away, stop=stops.get(tile.flow), silence=silent.get(tile.flow))

    return Now(
        window=window,
        tiles=tuple((tile, state(tile)) for tile in _in_order(console, found)),
        silences=silences,
        destinations=tuple(
            (each, destination_state(each, title_of(strategy, each.destination), now_ms, zone)) for each in health
        ),
        groups=await console.views.dead_letter_groups(Filter(), now_ms=now_ms),
    )


def _in_order(console: Console, found: dict[tuple[str, str], FlowTile]) -> list[FlowTile]:
    """By impact, as the strategy says; then by name."""
    rank = {"high": 0, "medium": 1, "low": 2}
    flows = console.strategy.flows
    return sorted(
        found.values(),
        key=lambda tile: (rank[flows[tile.flow].impact] if tile.flow in flows else 3, tile.flow, tile.destination),
    )


async def home(request: Request) -> Response:
    """The first page; also where the printed address ends up."""
    token = request.query_params.get("token", "")
    if token:
        return sign_in_by_address(request, token)
    if request.state.session is None:
        return form_page(request)
    console = console_of(request)
    now = await look(console)
    sources = await source_rows(console)
    stock = await stock_issue_rows(console)
    return page(
        request,
        "home.html",
        title="Is it working?",
        command="interlock status",
        live="home",
        answer=_with_stock(_answer(console, now, sources, stock), stock),
        tiles=now.tiles,
        window=now.window,
        groups=now.groups[:GROUPS_ON_HOME],
        groups_in_all=len(now.groups),
        needing=sum(group.count for group in now.groups),
        drawing=system_map(console, now),
        ways=ways(console, now),
        ends=notice_words(endings(console.strategy, await console.views.consumers(), console.now_ms)),
        stock=stock,
        drift=drift_words(console.strategy, await grave_drift(console.mappings)),
        orders=await console.views.recent_orders(limit=ORDERS_ON_HOME),
        outages=outages(console, [health for health, _ in now.destinations]),
        silences=silence_rows(console, now.silences),
        sources=sources,
        broken=console.demo.broken() if console.demo else {},
        breakable=dict.fromkeys(each.destination for each, _ in now.tiles),
        kinds=KINDS,
    )


def _answer(console: Console, now: Now, sources: Sequence[SourceRow], stock: Sequence[StockIssueRow]) -> Answer:
    """A source of stock that says nothing is one of those that tell too little."""
    silent = [(row.state, row.title) for row in stock if row.issue.kind == "silent"]
    told = [*((source.state, source.sentence) for source in sources), *silent]
    return home_answer(console.strategy, now.tiles, now.destinations, now.groups, console.now_ms, sources=told)


def _with_stock(answer: Answer, stock: Sequence[StockIssueRow]) -> Answer:
    """Flows can be healthy while numbers are wrong: that stands beside it, and takes the green away where lines have stopped."""
    rest = [row for row in stock if row.issue.kind != "silent"]
    if not rest:
        return answer
    stopped = any(row.issue.kind == "stopped" for row in rest)
    state = "retrying" if stopped and answer.state == "done" else answer.state
    return msgspec.structs.replace(answer, state=state, more=f"{answer.more} Stock: {stock_sentence(rest)}.".strip())


async def whole_map(request: Request) -> Response:
    """The map on a page of its own."""
    console = console_of(request)
    now = await look(console)
    states = [now.state_of(name) for name in console.strategy.systems]
    bad = [
        system.title
        for system, state in zip(console.strategy.systems.values(), states, strict=True)
        if not state.healthy
    ]
    text = (
        f"{sentence_list(bad)} {'needs' if len(bad) == 1 else 'need'} a look."
        if bad
        else "Every system answers and every flow moves."
    )
    return page(
        request,
        "map.html",
        title="Map",
        command="interlock status --map",
        live="map",
        answer=Answer(state=worst(states).state, text=text),
        drawing=system_map(console, now),
        ways=ways(console, now),
    )


def system_map(console: Console, now: Now) -> Map:
    """Systems that only send on the left, those that are written to on the right, as the running strategy says."""
    flows = console.strategy.flows.values()
    sending = dict.fromkeys(flow.source for flow in flows)
    receiving = dict.fromkeys(name for flow in flows for name in flow.destinations if name not in sending)
    back = [name for name in sending if any(name in flow.destinations for flow in flows)]
    left = [name for name in sending if name not in back or _mostly_sends(console, name)]
    right = [*receiving, *(name for name in back if name not in left)]
    return draw_map([_stop(console, now, name) for name in left], [_stop(console, now, name) for name in right])


def _mostly_sends(console: Console, name: str) -> bool:
    flows = console.strategy.flows.values()
    return sum(flow.source == name for flow in flows) > sum(name in flow.destinations for flow in flows)


def _stop(console: Console, now: Now, name: str) -> Stop:
    system = console.strategy.systems.get(name)
    state = now.state_of(name)
    return Stop(
        name=name,
        title=system.title if system else name,
        owner=_owner(system),
        state=state.state,
        word=state.word,
        traffic=tuple(_traffic(console, now, name)),
    )


def _traffic(console: Console, now: Now, name: str) -> Iterator[Traffic]:
    """To the hub first, then from it; each only when a flow goes that way."""
    sent = {flow.name for flow in console.strategy.flows.values() if flow.source == name}
    leaving = [(tile, health) for tile, health in now.tiles if tile.flow in sent]
    arriving = [(tile, health) for tile, health in now.tiles if channel_of(tile.destination) == name]
    if leaving:
        silent = all(health.state == "silent" for _, health in leaving)
        yield Traffic(
            state="silent" if silent else "done", volume=_volume(leaving), href="/deliveries?since=24h", to_hub=True
        )
    if arriving:
        own = now.state_of(name)  # a destination that does not answer says more than the state of what waits for it
        state = (own if not own.healthy else worst([own, *(health for _, health in arriving)])).state
        yield Traffic(
            state=state,
            volume=_volume(arriving),
            href=url("/deliveries", destination=_one_end(arriving, name), since="24h"),
            to_hub=False,
        )


def _one_end(arriving: Sequence[tuple[FlowTile, Health]], name: str) -> str:
    """The lane that all of it arrives by; the system where there are several."""
    lanes = {tile.destination for tile, _ in arriving}
    return lanes.pop() if len(lanes) == 1 else name


def _volume(tiles: Sequence[tuple[FlowTile, Health]]) -> int:
    return sum(tile.done + tile.unchanged + tile.dead for tile, _ in tiles)


def _owner(system: System | None) -> str:
    return system.owner.replace("-", " ").title() if system else "unknown"


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the map in words: for phones, for screen readers, for print."""

    source: str
    destination: str
    flows: tuple[str, ...]
    volume: int
    health: Health


def ways(console: Console, now: Now) -> Sequence[Way]:
    """Every source and destination that a flow joins."""
    joined: dict[tuple[str, str], list[str]] = defaultdict(list)
    for flow in console.strategy.flows.values():
        for destination in ends_of(flow):
            joined[flow.source, destination].append(flow.name)
    return [_way(now, source, destination, tuple(names)) for (source, destination), names in joined.items()]


def _way(now: Now, source: str, destination: str, names: tuple[str, ...]) -> Way:
    mine = [(tile, health) for tile, health in now.tiles if tile.flow in names and tile.destination == destination]
    reached = [
        health for each, health in now.destinations if each.destination == destination and each.breaker != "closed"
    ]
    return Way(
        source=source,
        destination=destination,
        flows=names,
        volume=sum(tile.done + tile.unchanged for tile, _ in mine),
        health=worst([*reached, *(health for _, health in mine)]) if mine or reached else HEALTHY,
    )
