"""Danger is deliberate: preview of what a filter touches, confirmation, then progress and proof."""

import msgspec
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from interlock.console.actions import Book, Version
from interlock.console.filters import Chosen, object_url, options, read_filter, said, url
from interlock.console.health import Answer, noun, system_at, title_of
from interlock.console.rendering import Console, console_of, page
from interlock.console.wording import counted, number, span
from interlock.errors import InterlockError
from interlock.messaging.ledger import Filter, Preview
from interlock.messaging.views import ReplayProgress

MOST_BY_TEXT = 1_000
"""A search in texts is no filter of the ledger: what it finds is acted on by id, up to this many."""

LONGEST_COMMAND = 300

DELIVERY = ("delivery", "deliveries")

ACTIONS = {
    "replay": ("Replay", "delivers again what is chosen; what the destination has already is not written twice"),
    "discard": ("Discard", "gives up what is chosen for good; it stays readable, and never reaches the destination"),
    "hold": ("Hold", "stops what is chosen before its next attempt"),
    "release": ("Let go on", "lets what is held continue"),
}


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What would go to one destination. `seconds` is None where the strategy names no limit."""

    destination: str
    count: int
    rate_per_second: float | None
    seconds: float | None


async def sheet(request: Request) -> Response:
    """The preview; changes nothing."""
    action = request.query_params.get("action", "replay")
    return await _sheet(request, action, read_filter(request.query_params, console_of(request).now_ms))


async def _sheet(request: Request, action: str, chosen: Chosen, *, notice: str = "", why: str = "") -> Response:
    if action not in ACTIONS:
        raise HTTPException(404)
    console = console_of(request)
    filter_ = await _acted_on(console, chosen)
    preview = await console.actions.preview(filter_)
    verb, effect = ACTIONS[action]
    return page(
        request,
        "bulk.html",
        status=409 if notice else 200,
        title=f"{verb} {counted(preview.count, *DELIVERY)}",
        command=_command(action, filter_),
        answer=_previewed(console, verb, preview),
        action=action,
        verb=verb,
        effect=effect,
        preview=preview,
        shares=_shares(console, preview),
        fields=_fields(filter_),
        notice=notice,
        why=why,
        back=url("/deliveries", **said(chosen)),
    )


def _command(action: str, chosen: Filter) -> str:
    """The same on the command line; nobody copies a thousand ids."""
    text = " ".join((f"interlock {action}", *options(_fields(chosen)), "--why '...'"))
    return text if len(text) <= LONGEST_COMMAND else ""


def _previewed(console: Console, verb: str, preview: Preview) -> Answer:
    if not preview.count:
        return Answer(state="silent", text="Nothing matches any more: there is nothing to do.")
    names = ", ".join(title_of(console.strategy, name) for name in preview.by_destination)
    oldest = span((console.now_ms - preview.oldest_ms) / 1000)
    longest = max((share.seconds or 0 for share in _shares(console, preview)), default=0)
    takes = f", about {span(longest)} at the destination's limit" if longest >= 1 and verb == "Replay" else ""
    return Answer(
        state="waiting",
        text=f"{verb} {counted(preview.count, *DELIVERY)} to {names}: the oldest is {oldest} old{takes}.",
    )


def _shares(console: Console, preview: Preview) -> list[Share]:
    return [_share(console, name, count) for name, count in preview.by_destination.items()]


def _share(console: Console, name: str, count: int) -> Share:
    system = system_at(console.strategy, name)
    rate = system.limits.rate_per_second if system else None
    return Share(destination=name, count=count, rate_per_second=rate, seconds=count / rate if rate else None)


async def _acted_on(console: Console, chosen: Chosen) -> Filter:
    """The ledger's filter. One that chooses everything is refused: nobody means that."""
    if not chosen.narrows:
        raise InterlockError(
            "This chooses every delivery",
            code="CON420",
            next_move="narrow it in the list first: a flow, a state, a time",
        )
    if not chosen.text:
        return msgspec.structs.replace(chosen.filter, limit=Filter().limit)
    wanted = msgspec.structs.replace(chosen.filter, limit=MOST_BY_TEXT)
    found = await console.views.deliveries(wanted, text=chosen.text)
    return Filter(ids=tuple(row.id for row in found) or (0,))


def _fields(filter_: Filter) -> dict[str, str]:
    """The filter as form fields; a period has become a fixed time, so that it means the same when the form comes back."""
    return said(Chosen(filter=filter_))


async def _confirmed(request: Request, action: str) -> tuple[FormData, Filter, str] | Response:
    """The form, when it is complete and what it touches has not grown since the preview; else the sheet again, with a notice."""
    form = await request.form()
    texts = {name: str(value) for name, value in form.items()}
    console = console_of(request)
    chosen = read_filter(texts, console.now_ms)
    filter_ = await _acted_on(console, chosen)
    why = texts.get("why", "").strip()
    count = (await console.actions.preview(filter_)).count
    notice = _missing(action, texts, why, count)
    if notice:
        return await _sheet(request, action, chosen, notice=notice, why=why)
    return form, filter_, why


def _missing(action: str, texts: dict[str, str], why: str, count: int) -> str:
    if not why:
        return "Say why: it is written into the audit."
    if count > int(texts.get("expected", "0") or 0):
        return f"It has grown to {number(count)} since you looked. Look again, then confirm."
    if action == "discard" and texts.get("typed", "").strip() != str(count):
        return f"Type {count} to confirm that so many are given up."
    return ""


async def replay(request: Request) -> Response:
    """Start a replay and show its progress."""
    confirmed = await _confirmed(request, "replay")
    if isinstance(confirmed, Response):
        return confirmed
    form, filter_, why = confirmed
    version: Version = "current" if form.get("version") == "current" else "same"
    replay_id = await console_of(request).actions.replay(filter_, by=request.state.session.by, why=why, version=version)
    return RedirectResponse(f"/replays/{replay_id}", 303)


async def discard(request: Request) -> Response:
    """Give up what is chosen."""
    confirmed = await _confirmed(request, "discard")
    if isinstance(confirmed, Response):
        return confirmed
    _, filter_, why = confirmed
    await console_of(request).actions.discard(filter_, by=request.state.session.by, why=why)
    return RedirectResponse("/issues", 303)


async def hold(request: Request) -> Response:
    """Stop what is chosen."""
    confirmed = await _confirmed(request, "hold")
    if isinstance(confirmed, Response):
        return confirmed
    _, filter_, why = confirmed
    await console_of(request).actions.hold(filter_, by=request.state.session.by, why=why)
    return RedirectResponse(url("/deliveries", state="held"), 303)


async def release(request: Request) -> Response:
    """Let what is held go on."""
    confirmed = await _confirmed(request, "release")
    if isinstance(confirmed, Response):
        return confirmed
    _, filter_, why = confirmed
    await console_of(request).actions.release(filter_, by=request.state.session.by, why=why)
    return RedirectResponse(url("/deliveries", **_fields(filter_)), 303)


async def retry(request: Request) -> Response:
    """One delivery, now: the button of the story. Goes back to the story."""
    form = await request.form()
    delivery = str(form.get("id", ""))
    if not delivery.isdecimal():
        raise HTTPException(400)
    await console_of(request).actions.retry((int(delivery),), by=request.state.session.by)
    return RedirectResponse(object_url(*(str(form.get(name, "")) for name in ("object", "key", "system"))), 303)


async def pause(request: Request) -> Response:
    """Stop a replay between two deliveries, or let it go on."""
    form = await request.form()
    replay_id = request.path_params["id"]
    await console_of(request).actions.pause_replay(
        replay_id, by=request.state.session.by, paused=form.get("paused") == "1"
    )
    return RedirectResponse(f"/replays/{replay_id}", 303)


async def progress(request: Request) -> Response:
    """How far a replay is; when it has ended, the proof."""
    console = console_of(request)
    found = await console.views.replay(request.path_params["id"])
    if found is None:
        raise HTTPException(404)
    return page(
        request,
        "replay.html",
        title=f"Replay {found.id}",
        command=f"interlock replays {found.id}",
        answer=_progress_answer(found),
        replay=found,
        ended=found.finished >= found.total,
        share=found.finished / found.total if found.total else 1.0,
        proof=[
            f"{title_of(console.strategy, result.destination)}: {counted(result.total, *noun(result.object))}, "
            f"{counted(result.duplicates, 'duplicate')}"
            for result in found.destinations
        ],
        books=await _books(console, found) if found.finished >= found.total else (),
    )


async def _books(console: Console, found: ReplayProgress) -> list[Book]:
    """In the demo the vendors themselves are asked what they have."""
    reached = {result.destination for result in found.destinations}
    if console.demo is None:
        return []
    try:
        return [book for book in await console.demo.books() if book.system in reached]
    except OSError:
        return []  # a twin that has ended says nothing; the ledger's own proof stands above


def _progress_answer(found: ReplayProgress) -> Answer:
    dead = sum(result.dead for result in found.destinations)
    if found.finished < found.total:
        word = "Paused" if found.paused else "Under way"
        return Answer(
            state="held" if found.paused else "running",
            text=f"{word}: {number(found.finished)} of {number(found.total)}.",
        )
    if dead:
        return Answer(
            state="dead",
            text=f"Ended: {number(found.total - dead)} of {number(found.total)} went through, {number(dead)} need a person again.",
        )
    return Answer(state="done", text=f"All {counted(found.total, *DELIVERY)} went through.")
