"""/inventory: how true the shown stock is, by channel and location; what differs and why; comparisons and syncs on demand."""

from typing import Final, Literal

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from interlock.console.filters import url
from interlock.console.health import Answer, title_of
from interlock.console.pages.inventory_csv import ROWS
from interlock.console.pages.inventory_heat import heat_map
from interlock.console.pages.inventory_state import PlaceState, Stock, look_at_stock
from interlock.console.pages.inventory_words import share_line, stock_answer
from interlock.console.rendering import Console, console_of, page
from interlock.console.wording import counted, number
from interlock.messaging.accuracy import CAUSES, Run, SyncPreview

LISTED: Final = 200
RUNS: Final = 10
PLACES: Final = 8
"""So many are told; those that need nobody make room first."""
LIGHTS: Final = {"asked": "pending", "running": "running", "done": "done", "failed": "dead"}
KINDS: Final[dict[str, Literal["compare", "sync"]]] = {"compare": "compare", "sync": "sync"}


async def overview(request: Request) -> Response:
    """Everything about stock on one page."""
    return await _page(request)


async def _page(request: Request, *, notice: str = "") -> Response:
    console = console_of(request)
    channel = request.query_params.get("channel", "")
    stock = await look_at_stock(console, channel=channel)
    runs = await console.views.stock_runs(limit=RUNS)
    whole = request.query_params.get("places", "") == "all"
    places, hidden = _places(stock, whole=whole)
    return page(
        request,
        "inventory.html",
        status=409 if notice else 200,
        title="Inventory",
        command="interlock stock SKU",
        answer=stock_answer(console.strategy, stock),
        stock=stock,
        channel=channel,
        choices=_channels(console),
        bars=share_line,
        heat=heat_map(console.strategy, stock, whole=whole),
        places=places,
        hidden=hidden,
        runs=runs,
        lights=LIGHTS,
        causes_of=_cause_links(stock, channel),
        notice=notice,
        moving=any(one.state in ("asked", "running") for one in runs),
    )


def _places(stock: Stock, *, whole: bool) -> tuple[list[PlaceState], int]:
    """Places of channels, and how many more there are, all as they should be."""
    found = [place for channel in stock.channels for place in channel.places]
    if whole or len(found) <= PLACES:
        return found, 0
    loud = [place for place in found if not place.quiet]
    shown = [*loud, *(place for place in found if place.quiet)][: max(PLACES, len(loud))]
    return shown, len(found) - len(shown)


def _channels(console: Console) -> list[str]:
    flows = [flow for flow in console.strategy.flows.values() if flow.publish is not None]
    return list(dict.fromkeys(name for flow in flows for name in flow.destinations))


def _cause_links(stock: Stock, channel: str) -> dict[str, str]:
    by_words = {words: cause for cause, words in CAUSES.items()}
    return {
        words: url("/inventory/differences", cause=by_words[words], channel=channel) for words, _, _ in stock.causes
    }


# -- all differences


async def differences(request: Request) -> Response:
    """What the last comparisons found, narrowed by the address."""
    console, asked = console_of(request), request.query_params
    chosen = {name: asked.get(name, "") for name in ("channel", "sku", "location", "cause")}
    rows = await console.views.stock_differences(**chosen, limit=LISTED)
    shown = f"the {LISTED} largest differences" if len(rows) == LISTED else counted(len(rows), "difference")
    return page(
        request,
        "inventory_differences.html",
        title="Differences of stock",
        command="interlock reconcile inventory --dry-run",
        answer=Answer(
            state="retrying" if rows else "done", text=f"{shown[0].upper()}{shown[1:]} stood after the last comparison."
        ),
        rows=rows,
        chosen=chosen,
        cause_words=CAUSES,
        choices=_channels(console),
        locations=list(console.strategy.inventory.locations),
        csv=url("/inventory/differences.csv", **chosen),
    )


# -- comparisons and syncs


async def preview(request: Request) -> Response:
    """What a full sync to a channel would do; nothing begins by it."""
    return await _preview(request, request.query_params.get("channel", ""))


async def _preview(request: Request, channel: str, *, notice: str = "") -> Response:
    console = console_of(request)
    if channel not in _channels(console):
        raise HTTPException(404)
    found = await console.views.stock_sync_preview(channel)
    listed = await console.views.stock_differences(channel=channel, limit=ROWS)
    limits = console.strategy.systems[channel].limits.rate_per_second
    return page(
        request,
        "inventory_sync.html",
        status=409 if notice else 200,
        title=f"Sync {title_of(console.strategy, channel)}",
        command=f"interlock sync inventory --channel {channel}",
        answer=Answer(state="waiting", text=_would(title_of(console.strategy, channel), found)),
        channel=channel,
        preview=found,
        listed=sum(one.state == "found" for one in listed),
        rate=limits,
        notice=notice,
    )


def _would(title: str, found: SyncPreview) -> str:
    moved = found.unknown + found.different
    if not moved:
        return f"There is nothing to sync: {title} shows what it should, as far as the hub knows."
    return f"A sync would look at {counted(moved, 'place')} of {number(found.places)} at {title}, and write those that differ."


async def ask(request: Request) -> Response:
    """Ask for a comparison or a sync; the hub does it within a second."""
    form = await request.form()
    console = console_of(request)
    kind, channel, why = (
        KINDS.get(str(form.get("kind", ""))),
        str(form.get("channel", "")),
        str(form.get("why", "")).strip(),
    )
    if kind is None or channel not in _channels(console):
        return await _page(request, notice="Say what is to be done, and at which channel.")
    if not why:
        words = "Say why: it is written into the audit."
        return await (_preview(request, channel, notice=words) if kind == "sync" else _page(request, notice=words))
    number_of = await console.actions.ask_stock_run(
        kind, channel, dry=bool(form.get("dry")), by=request.state.session.by, why=why
    )
    return RedirectResponse(f"/inventory/runs/{number_of}", 303)


async def run(request: Request) -> Response:
    """How far one is, and what came of it."""
    console = console_of(request)
    found = await console.views.stock_run(request.path_params["id"])
    if found is None:
        raise HTTPException(404)
    title = title_of(console.strategy, found.channel)
    return page(
        request,
        "inventory_run.html",
        title=f"{'Comparison' if found.kind == 'compare' else 'Sync'} {found.id}",
        command=f"interlock {'reconcile' if found.kind == 'compare' else 'sync'} inventory --channel {found.channel}",
        answer=Answer(
            state="retrying" if found.state == "done" and found.different else LIGHTS[found.state],
            text=_told(found, title),
        ),
        row=found,
        lights=LIGHTS,
        moving=found.state in ("asked", "running"),
        listed=url("/inventory/differences", channel=found.channel),
    )


def _told(found: Run, title: str) -> str:
    if found.state == "failed":
        return f"It failed: {found.error}."
    if found.state == "asked":
        return f"{title} will be {'compared' if found.kind == 'compare' else 'synced'} in a moment."
    if found.kind == "sync":
        done = "opened so far" if found.state == "running" else "opened"
        return (
            f"{counted(found.opened, 'correction')} {done} at {title}, of {counted(found.listed, 'place')} looked at."
        )
    if found.state == "running":
        waiting = f"; it {found.error}" if found.error else ""
        return f"Comparing {title}: {counted(found.listed, 'place')} listed{waiting}."
    if found.stale:
        return f"Nothing could be compared: {found.stale}."
    healed = f", {counted(found.opened, 'correction')} on the way" if found.opened else ""
    asked = f", {number(found.asked)} left to a person" if found.asked else ""
    different = f"{number(found.different)} differ" if found.different else "all are equal"
    return f"{counted(found.compared, 'position')} at {title} compared: {different}{healed}{asked}."
