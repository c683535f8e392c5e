"""Find anything by the name the business uses, and read its story on one page."""

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from interlock.console.drawing import Bar, waterfall
from interlock.console.field_table import FieldTable
from interlock.console.filters import STATES, object_url, url
from interlock.console.health import DOWN, Answer, story_answer, title_of
from interlock.console.payload import Shown, show, show_body
from interlock.console.processes import ahead, with_processes
from interlock.console.rendering import Console, console_of, page
from interlock.console.sessions import REVEAL_SECONDS
from interlock.console.wording import counted, number
from interlock.messaging.process import STEERING
from interlock.messaging.process_views import WORDS, ProcessRow
from interlock.messaging.stock_views import StockLook
from interlock.messaging.views import AttemptRow, DeliveryRow, EventRow, Hit, ObjectRow, Story
from interlock.strategy.model import Strategy

ORDERS_ON_A_PAGE = 50
SKUS_FOUND, SKUS_LOOKED_AT = 10, 200
CARDS_ON_A_PAGE = 12
"""Attempts shown with their payloads; older ones stand in the timeline, and `?attempts=all` shows them too."""


async def search(request: Request) -> Response:
    """One box. A single hit is opened at once; by its URL everything found is a page as well."""
    text = request.query_params.get("q", "").strip()[:200]
    console = console_of(request)
    found = await console.views.search(text) if text else ()
    hits = [(hit, system, _object_at(hit, system)) for hit in found for system in hit.systems or ("",)]
    skus = await skus_named(console, text, whole=bool(hits)) if text else []
    hits = [(_sku_hit(sku), "", f"/inventory/sku/{quote(sku, safe='')}") for sku in skus] + hits
    if len(hits) == 1 and "all" not in request.query_params:
        return RedirectResponse(
            f"/inventory/sku/{quote(skus[0], safe='')}" if skus else object_url(found[0].object, found[0].key), 303
        )
    said = f"{counted(len(hits), 'thing')} found for “{text}”." if hits else f"Nothing found for “{text}”."
    if not text:
        said = "Find an order, a SKU or a document."
    return _found(request, hits, text, Answer(state="done" if hits else "silent", text=said))


def _object_at(hit: Hit, system: str) -> str:
    return object_url(hit.object, hit.key, system if len(hit.systems) > 1 else "")


def _sku_hit(sku: str) -> Hit:
    return Hit(object="stock", key=sku, name=sku, why="SKU")


async def skus_named(console: Console, text: str, *, whole: bool) -> list[str]:
    """SKUs of this name, in whatever capitals; where nothing else goes by it, those that hold it too."""

    def look(book: StockLook) -> list[str]:
        near = [sku for sku in book.near(text, SKUS_LOOKED_AT) if text.lower() in sku.lower()]
        same = [sku for sku in near if sku.lower() == text.lower()]
        return same or ([] if whole else near[:SKUS_FOUND])

    return await console.views.stock(look) or []


def _found(request: Request, hits: Sequence[tuple[Hit, str, str]], text: str, answer: Answer) -> Response:
    """A row for each object, the system that it began in, and where its page is."""
    return page(
        request,
        "search.html",
        title="Search",
        command=f"interlock find {_word(text)}" if text else "",
        answer=answer,
        text=text,
        hits=hits,
    )


async def orders(request: Request) -> Response:
    """Orders by last event."""
    query = request.query_params
    text, state = query.get("q", "").strip(), query.get("state", "")
    before = query.get("before", "")
    rows = await console_of(request).views.recent_orders(
        limit=ORDERS_ON_A_PAGE + 1,
        text=text,
        state=state,
        before_ms=int(before) if before.isdecimal() and len(before) < 16 else 0,
    )
    shown = rows[:ORDERS_ON_A_PAGE]
    said = " ".join(
        filter(None, (f"matching “{text}”" if text else "", f"with a delivery that is {state}" if state else ""))
    )
    count = f"{ORDERS_ON_A_PAGE} newest orders" if len(rows) > ORDERS_ON_A_PAGE else counted(len(rows), "order")
    return page(
        request,
        "orders.html",
        title="Orders",
        command=" ".join(filter(None, ("interlock orders", f"--state {state}" if state in STATES else ""))),
        live="list",
        answer=_orders_answer(shown, f"{count} {said}".strip()),
        rows=shown,
        text=text,
        state=state,
        states=STATES,
        older=url("/orders", q=text, state=state, before=shown[-1].last_seen_ms)
        if len(rows) > ORDERS_ON_A_PAGE
        else "",
    )


def _orders_answer(shown: Sequence[ObjectRow], count: str) -> Answer:
    dead = sum(any(lane.state == "dead" for lane in row.lanes) for row in shown)
    if dead:
        return Answer(
            state="dead", text=f"{count}, {number(dead)} of them {'needs' if dead == 1 else 'need'} a person."
        )
    return Answer(state="done" if shown else "silent", text=f"{count}.")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the timeline."""

    at_ms: int
    state: str
    what: str
    detail: str
    took_ms: int = -1
    bar: Bar | None = None
    anchor: str = ""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt with its three payloads."""

    delivery: DeliveryRow
    attempt: AttemptRow
    state: str
    source: Shown
    canonical: Shown
    destination: Shown
    table: FieldTable | None = None


async def story(request: Request) -> Response:
    """The story of one object: its kind, its key, and the system that it began in where several have that key (C47)."""
    console, asked = console_of(request), request.query_params
    object_name, key = request.path_params["object"], request.path_params["key"]
    told = await console.views.story(object_name, key, system=asked.get("system", ""))
    if told is None:
        raise HTTPException(404)
    if told.also_in and "system" not in asked:
        return _which(request, told)
    revealed = _revealed(request, console, told.head)
    shown = 0 if "now" in asked else len(told.attempts) if asked.get("attempts") == "all" else CARDS_ON_A_PAGE
    cards = await _cards(console, told, shown, revealed)
    letters = {letter.delivery: letter for letter in told.dead_letters if not letter.closed_ms}
    down = frozenset(
        each.destination for each in await console.views.destination_health(console.now_ms) if each.breaker in DOWN
    )
    refusals = {letter.destination: letter.error or letter.reason for letter in letters.values()}
    mine = {delivery.id for delivery in told.deliveries}
    processes = [one for one in await console.views.processes(object_name, key) if one.delivery in mine]
    system = told.head.system if told.also_in else ""
    return page(
        request,
        "story.html",
        title=told.head.name or f"{object_name} {key}",
        command=f"interlock show {_word((told.head.name or key).lstrip('#'))}",
        system=system,
        others=[(name, object_url(object_name, key, name)) for name in told.also_in],
        live="story",
        answer=_answer(console.strategy, told, refusals, down, processes),
        story=told,
        letters=letters,
        down=down,
        steps=_steps(console.strategy, told),
        processes=processes,
        ahead={one.flow: ahead(console.strategy, one) for one in processes},
        process_words=WORDS,
        cards=cards,
        older=len(told.attempts) - len(cards),
        opened=next((card.attempt.id for card in cards if card.state != "done"), cards[0].attempt.id if cards else 0),
        revealed=revealed,
        reveal_minutes=REVEAL_SECONDS // 60,
        links=_links(told),
    )


def _which(request: Request, told: Story) -> Response:
    """Several systems have this key, and the address says none: a person says which, nobody guesses."""
    head, systems = told.head, (told.head.system, *told.also_in)
    hit = Hit(object=head.object, key=head.key, name=head.name, why="key", systems=systems)
    text = f"{counted(len(systems), 'system')} have {head.object.replace('_', ' ')} {head.key}; each is another one."
    return _found(
        request,
        [(hit, system, _object_at(hit, system)) for system in systems],
        head.key,
        Answer(state="done", text=text),
    )


def _answer(
    strategy: Strategy, told: Story, refusals: Mapping[str, str], down: frozenset[str], processes: Sequence[ProcessRow]
) -> Answer:
    """Where it stands in the systems; what steers a process is no system, and is told before."""
    lanes = {name: states for name, states in _lanes(told.deliveries).items() if not name.startswith(STEERING)}
    by_system = {name: said for name, said in refusals.items() if name in lanes}
    return with_processes(strategy, story_answer(strategy, lanes, by_system, down), processes, refusals)


async def reveal(request: Request) -> Response:
    """Shows personal values to this session for a while, and writes down who asked and why."""
    form = await request.form()
    object_name, key, system, why = (str(form.get(name, "")).strip() for name in ("object", "key", "system", "why"))
    if not why:
        raise HTTPException(400)
    console = console_of(request)
    subject = f"{object_name}/{key}"
    await console.actions.audit(by=request.state.session.by, action="reveal", subject=subject, why=why)
    console.sessions.reveal(request.state.session, f"{subject}?{system}")
    return RedirectResponse(object_url(object_name, key, system) + "#payloads", 303)


def _revealed(request: Request, console: Console, head: ObjectRow) -> bool:
    if not console.strategy.security.console.mask_personal:
        return True
    return console.sessions.sees(request.state.session, f"{head.object}/{head.key}?{head.system}")


def _word(text: str) -> str:
    """One word of a shell command."""
    return shlex.quote(text)


def _lanes(deliveries: Sequence[DeliveryRow]) -> Mapping[str, Sequence[str]]:
    lanes: dict[str, list[str]] = defaultdict(list)
    for delivery in deliveries:
        lanes[delivery.destination].append(delivery.state)
    return lanes


def _links(told: Story) -> Mapping[str, Sequence[Any]]:
    links: dict[str, list[Any]] = defaultdict(list)
    for link in told.links:
        links[link.system].append(link)
    return links


def _steps(strategy: Strategy, told: Story) -> list[Step]:
    """Received, routed, attempted, given up, touched by a person: newest last."""
    names = {delivery.id: delivery for delivery in told.deliveries}
    last_event = told.events[-1].received_at_ms if told.events else told.head.last_seen_ms
    recent = [attempt for attempt in told.attempts if attempt.begun_ms >= last_event]
    first, last = last_event, max((attempt.ended_ms or attempt.begun_ms for attempt in recent), default=last_event + 1)
    steps = [_received(strategy, event) for event in told.events]
    steps += [
        _routed(event, told.deliveries)
        for event in told.events
        if any(d.wanted_event == event.position for d in told.deliveries)
    ]
    for attempt in told.attempts:
        bar = (
            waterfall(attempt.begun_ms, attempt.ended_ms or attempt.begun_ms, first, last)
            if attempt in recent
            else None
        )
        steps.append(_attempted(attempt, names.get(attempt.delivery), bar))
    steps += [
        Step(
            at_ms=letter.at_ms,
            state="dead",
            what="Given up",
            detail=f"{title_of(strategy, letter.destination)}: {letter.error or letter.reason}; for {letter.owner} to settle",
        )
        for letter in told.dead_letters
    ]
    steps += [
        Step(
            at_ms=entry.at_ms,
            state="held",
            what=entry.action.capitalize(),
            detail=f"by {entry.who}" + (f": {entry.why}" if entry.why else ""),
        )
        for entry in told.audit
    ]
    return sorted(steps, key=lambda step: step.at_ms)


def _received(strategy: Strategy, event: EventRow) -> Step:
    seen = f" · seen {counted(len(event.sightings) + 1, 'time')}" if event.sightings else ""
    flags = f" · {event.flags}" if event.flags else ""
    relabelled = sorted(
        {flag for sighting in event.sightings for flag in sighting.flags.split() if flag != "same-event"}
    )
    flags += f" · seen again with {', '.join(relabelled)}" if relabelled else ""
    how = "signature ok" if event.webhook_id else "read from the source"
    detail = f"{event.topic} from {title_of(strategy, event.system)} · {how} · event {event.event_id or event.position}{seen}{flags}"
    return Step(at_ms=event.received_at_ms, state="done", what="Received", detail=detail)


def _routed(event: EventRow, deliveries: Sequence[DeliveryRow]) -> Step:
    mine = [delivery for delivery in deliveries if delivery.wanted_event == event.position]
    flows = ", ".join(dict.fromkeys(delivery.flow for delivery in mine))
    detail = f"{flows} · release {event.release[:8]}"
    return Step(
        at_ms=min(max(event.received_at_ms, mine[0].created_ms), event.received_at_ms + 60_000),
        state="done",
        what="Routed",
        detail=detail,
    )


VERDICTS = {"done": "done", "refused": "dead", "retry": "retrying", "uncertain": "uncertain", "": "running"}


def _attempted(attempt: AttemptRow, delivery: DeliveryRow | None, bar: Bar | None) -> Step:
    answer = " ".join(filter(None, (str(attempt.status or ""), attempt.code, attempt.message)))
    settled = f" · settled: {attempt.resolution}" if attempt.resolution else ""
    external = f" · id {attempt.external_id}" if attempt.external_id else ""
    return Step(
        at_ms=attempt.begun_ms,
        state=VERDICTS.get(attempt.verdict, "uncertain"),
        what=delivery.destination if delivery else "",
        detail=f"{attempt.action} {attempt.operation}{external}{' · ' + answer if answer else ''} · attempt {attempt.number}{settled}",
        took_ms=attempt.ended_ms - attempt.begun_ms if attempt.ended_ms else -1,
        bar=bar,
        anchor=f"attempt-{attempt.id}",
    )


async def _cards(console: Console, told: Story, most: int, revealed: bool) -> list[Card]:
    """Newest attempt first: it is the one that is looked for."""
    deliveries = {delivery.id: delivery for delivery in told.deliveries}
    events = {event.position: event for event in told.events}
    return [
        await _card(console, attempt, deliveries[attempt.delivery], events.get(attempt.event), revealed)
        for attempt in told.attempts[: -most - 1 : -1]
        if attempt.delivery in deliveries
    ]


async def _card(
    console: Console, attempt: AttemptRow, delivery: DeliveryRow, event: EventRow | None, revealed: bool
) -> Card:
    translator = console.translator
    source = destination = personal = frozenset[str]()
    document = table = None
    if translator:
        source = translator.personal("source", delivery.system, delivery.object)
        personal = translator.personal("canonical", delivery.system, delivery.object)
        destination = translator.personal("destination", delivery.destination, delivery.object)
        document = await translator.canonical(event, attempt.release) if event and event.body else None
        table = await translator.fields(delivery, attempt, document, revealed=revealed)
    missing = Shown(why_empty="the event of this attempt is no longer kept")
    return Card(
        delivery=delivery,
        attempt=attempt,
        state=VERDICTS.get(attempt.verdict, "uncertain"),
        source=show_body(event.body, personal=source, revealed=revealed) if event else missing,
        canonical=show(document, personal=personal, revealed=revealed)
        if document is not None
        else Shown(why_empty=_no_canonical(event)),
        destination=show_body(attempt.body, personal=destination, revealed=revealed),
        table=table,
    )


def _no_canonical(event: EventRow | None) -> str:
    return "made from the source at the time of the attempt, and not kept" if event else "the event is no longer kept"
