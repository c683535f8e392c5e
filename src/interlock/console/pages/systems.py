"""Who owns what and how it does: systems, one flow, runbooks, the audit."""

from collections.abc import Iterable, Mapping

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from interlock import markdown
from interlock.connectors.observations import OtherVersion
from interlock.console.access import Access, access_of
from interlock.console.drift import drift_words, grave_drift
from interlock.console.health import (
    DOWN,
    Answer,
    Health,
    destination_state,
    ends_of,
    flow_state,
    title_of,
    worst,
    zone_of,
)
from interlock.console.pages.advice import advice_of
from interlock.console.pages.silences import silence_rows
from interlock.console.rendering import Console, console_of, page
from interlock.console.wording import counted, sentence_list
from interlock.messaging.stock_book import shown_at
from interlock.messaging.subscriptions import Kept
from interlock.messaging.views import DestinationHealth, FlowTile, Window
from interlock.operations.backfills import plural_of, readable
from interlock.release.swept import swept
from interlock.strategy.model import Flow, System
from interlock.strategy.records_text import claims_in_words
from interlock.strategy.steps import in_words

DAY_MS = 86_400_000
AUDIT_ROWS = 200


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A system with what it says of itself and how it does. `gauge` is the share of a minute's allowance that was used,
    `in_bulk` what can be read all at once, `compared` what is compared with what its webhooks told,
    `webhooks` the topics that flows need, `other_versions` what answers in place of the API version that is asked for,
    `unread` what of its documents the app may not read, with the scopes for it; `stock` its own lane for the numbers it shows."""

    system: System
    contact: str
    health: Health
    now: DestinationHealth
    flows: tuple[Flow, ...]
    record_of: tuple[str, ...]
    gauge: float | None
    access: Access | None
    in_bulk: tuple[str, ...]
    compared: tuple[str, ...]
    webhooks: tuple[Kept, ...]
    other_versions: tuple[OtherVersion, ...]
    unread: Mapping[str, str]
    stock: DestinationHealth | None = None


async def listing(request: Request) -> Response:
    """All systems of the strategy."""
    console = console_of(request)
    health = {each.destination: each for each in await console.views.destination_health(console.now_ms)}
    tokens = await console.tokens() if console.tokens else []
    webhooks = await console.views.subscriptions()
    cards = [
        _card(console, system, (health.get(name), health.get(shown_at(name))), access_of(system, tokens), webhooks)
        for name, system in console.strategy.systems.items()
    ]
    bad = [card.system.title for card in cards if not card.health.healthy]
    text = (
        f"{sentence_list(bad)} {'needs' if len(bad) == 1 else 'need'} a look."
        if bad
        else f"{counted(len(cards), 'system')}, all answering."
    )
    return page(
        request,
        "systems.html",
        title="Systems",
        command="interlock systems",
        live="systems",
        answer=Answer(state=worst([card.health for card in cards]).state, text=text),
        cards=cards,
    )


def _card(
    console: Console, system: System, lanes: tuple[DestinationHealth | None, DestinationHealth | None], access: Access | None,
    webhooks: Iterable[Kept],
) -> Card:  # fmt: skip
    team = console.strategy.teams.get(system.owner)
    rate = system.limits.rate_per_second
    now, stock = lanes
    health = worst([_lane(console, each) for each in lanes if each])
    mine = tuple(one for one in webhooks if one.system == system.name)
    if any(one.state == "missing" for one in mine):
        health = worst([health, Health(state="dead", word="webhooks missing")])
    return Card(
        system=system,
        contact=team.contact if team else "nobody",
        health=worst([access.health, health]) if access and access.health else health,
        access=access,
        now=now or DestinationHealth(destination=system.name),
        flows=tuple(
            flow for flow in console.strategy.flows.values() if system.name in (flow.source, *flow.destinations)
        ),
        record_of=tuple(claims_in_words(system)),
        gauge=min(1.0, now.written_last_minute / (rate * 60)) if rate and now else None,
        compared=tuple(plural_of(one) for name, one in swept(console.strategy) if name == system.name),
        webhooks=mine,
        other_versions=console.observations.other_versions(system.name),
        unread=console.observations.unread(system.name),
        in_bulk=tuple(plural_of(one) for name, one in readable(console.strategy) if name == system.name),
        stock=stock,
    )


def _lane(console: Console, now: DestinationHealth) -> Health:
    return destination_state(
        now, title_of(console.strategy, now.destination), console.now_ms, zone_of(console.strategy)
    )


async def flow(request: Request) -> Response:
    """One flow: what it is for, how it does, and why it runs on its pattern."""
    return await flow_page(request)


async def flow_page(request: Request, *, notice: str = "") -> Response:
    """The page, or the page again with what was missing in its form."""
    console, found = flow_of(request)
    window = Window(since_ms=console.now_ms - DAY_MS, until_ms=console.now_ms)
    tiles = [tile for tile in await console.views.flow_tiles(window) if tile.flow == found.name]
    known = {tile.destination for tile in tiles}
    tiles += [FlowTile(flow=found.name, destination=name) for name in ends_of(found) if name not in known]
    down = {each.destination for each in await console.views.destination_health(console.now_ms) if each.breaker in DOWN}
    stop = next((one for one in await console.views.flow_stops() if one.flow == found.name), None)
    silence = next((one for one in await console.views.silences() if one.flow == found.name), None)
    pairs = [
        (tile, flow_state(tile, found, console.now_ms, down=tile.destination in down, stop=stop, silence=silence))
        for tile in tiles
    ]
    health = worst([each for _, each in pairs])
    said = [part[:1].upper() + part[1:] + "." for part in (health.word, health.why) if part]
    text = "Healthy." if health.healthy else " ".join(said)
    return page(
        request,
        "flow.html",
        status=409 if notice else 200,
        notice=notice,
        title=found.title,
        command=f"interlock flows {found.name}",
        live="flow",
        answer=Answer(state=health.state, text=text),
        flow=found,
        steps=in_words(found.steps),
        tiles=pairs,
        team=console.strategy.teams.get(found.owner),
        drift=drift_words(console.strategy, await grave_drift(console.mappings, found.source, found.object_name)),
        advice=await advice_of(console, found),
        stop=stop,
        left=sum((await console.views.drain_left(stop)).values()) if stop and stop.kind == "draining" else 0,
        silences=silence_rows(console, (silence,) if silence else ()),
    )


async def series(request: Request) -> Response:
    """The last 24 hours of a flow as columns, for the chart."""
    console, found = flow_of(request)
    window = Window(since_ms=console.now_ms - DAY_MS, until_ms=console.now_ms, buckets=96)
    tiles = [tile for tile in await console.views.flow_tiles(window) if tile.flow == found.name]
    times = [(window.since_ms + place * window.bucket_ms) // 1000 for place in range(window.buckets)]
    done = [sum(column) for column in zip(*([point.done for point in tile.series] for tile in tiles), strict=True)] or [
        0
    ] * len(times)
    dead = [sum(column) for column in zip(*([point.dead for point in tile.series] for tile in tiles), strict=True)] or [
        0
    ] * len(times)
    return JSONResponse({"times": times, "done": done, "dead": dead})


def flow_of(request: Request) -> tuple[Console, Flow]:
    console = console_of(request)
    found = console.strategy.flows.get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    return console, found


async def runbook(request: Request) -> Response:
    """The text of a runbook, as it was written."""
    console = console_of(request)
    name = request.path_params["name"]
    text = console.strategy.runbooks.get(name)
    if text is None:
        raise HTTPException(404)
    users = [flow for flow in console.strategy.flows.values() if flow.runbook == name]
    return page(
        request,
        "runbook.html",
        title=name,
        command=f"interlock runbook {name}",
        answer=Answer(state="done", text=f"Runbook of {counted(len(users), 'flow')}."),
        body=markdown.html(
            text, link=lambda to: f"/runbooks/{to}" if to in console.strategy.runbooks else None, below=1
        ),
        users=users,
    )


def _entries(count: int) -> str:
    if not count:
        return "Nobody has changed anything yet."
    return (
        f"The newest {counted(count, 'entry', 'entries')}."
        if count == AUDIT_ROWS
        else f"{counted(count, 'entry', 'entries')}, newest first."
    )


async def audit(request: Request) -> Response:
    """Who did what, and why."""
    console = console_of(request)
    rows = await console.views.audit(limit=AUDIT_ROWS)
    return page(
        request,
        "audit.html",
        title="Audit",
        command="interlock audit",
        live="list",
        answer=Answer(
            state="done",
            text=_entries(len(rows)),
        ),
        rows=rows,
    )
