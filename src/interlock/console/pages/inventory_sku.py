"""/inventory/sku/{sku}: one SKU in every system side by side, the sum behind each number, what happened to it, and the fix."""

from collections.abc import Sequence
from shlex import quote
from typing import Final, Literal

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from interlock.console.filters import url
from interlock.console.health import Answer, title_of, titled
from interlock.console.pages.inventory_sides import LIGHTS, WORDS, named, sides_of
from interlock.console.pages.inventory_steps import days_of
from interlock.console.rendering import Console, console_of, page
from interlock.console.wording import clipped, counted, number, sentence_list
from interlock.flows.inventory.answer import RIGHT, PlaceStock, SkuStock, near_skus, stock_of, with_comparisons
from interlock.flows.inventory.sums import Term
from interlock.messaging.ledger import Filter
from interlock.messaging.stock_book import key_of, shown_at
from interlock.messaging.stock_views import StockLook
from interlock.strategy.model import Strategy

FIXABLE: Final = frozenset({"asked", "refused", "compared", "differs"})
FIRST: Final = ("asked", "refused", "compared", "differs", "suspended", "unread", "agrees", "uncounted", "not_sold")
"""What needs somebody stands first."""
CHANGES_SHOWN: Final = 50
MOST_CHANGES: Final = 1_000
RUNS_LOOKED_AT: Final = 20
FULL: Final = 4
"""So many places have their sum on the page; the others are rows, each with a link to its own."""
IN_TERMS: Final = 3
"""Up to so many locations of one place are told term by term."""
MINUS: Final = "\u2212"
MICRO: Final = 1_000


class SumLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the sum: what it adds or takes away, why, and since when that is so (0: by policy). What is free of a `part` of a
    kit is told, and not added."""

    amount: int
    what: str
    location: str
    part: str
    at_ms: int


async def sku(request: Request) -> Response:
    """The page of one SKU."""
    return await _page(request)


async def _page(request: Request, *, notice: str = "") -> Response:
    console, name = console_of(request), request.path_params["sku"]
    asked = _changes_asked(request)
    found, near = await _asked(console, name, changes=asked + 1)
    if found is None:
        return _unknown(request, name, near)
    runs = await console.views.stock_runs(limit=RUNS_LOOKED_AT)
    chosen = request.query_params.get("place", "")
    full, others = _in_full(found, chosen)
    titles = {each: title_of(console.strategy, each) for each in console.strategy.systems}
    return page(
        request,
        "inventory_sku.html",
        status=409 if notice else 200,
        title=name,
        command=f"interlock stock {quote(name)}",
        answer=sku_answer(console.strategy, found),
        places=full,
        others=others,
        chosen=chosen,
        it=found,
        sides=sides_of(console.strategy, found, titles, whole=bool(request.query_params.get("all"))),
        days=days_of(console.strategy, found.changes[:asked], console.now_ms),
        older=len(found.changes) > asked,
        asked=asked,
        most_changes=MOST_CHANGES,
        lights=LIGHTS,
        words=WORDS,
        fixable=FIXABLE,
        can_fix=_can_fix,
        named=named,
        short=_short,
        terms=lambda one: _terms(console.strategy, one),
        heading=lambda one: _heading(console.strategy, one),
        notice=notice,
        under_way=[one for one in runs if one.state in ("asked", "running") and one.sku == name],
        deliveries={(one.channel, one.place): _listed(one, name) for one in full},
    )


async def _asked(console: Console, name: str, *, changes: int = 0) -> tuple[SkuStock | None, list[str]]:
    def look(book: StockLook) -> tuple[SkuStock | None, list[str]]:
        found = stock_of(book, console.strategy, name, console.now_ms * MICRO, changes=changes)
        return found, [] if found else near_skus(book, name)

    found, near = await console.views.stock(look) or (None, [])
    if found is None:
        return None, near
    return with_comparisons(found, await console.views.stock_differences(sku=name)), []


def _unknown(request: Request, name: str, near: Sequence[str]) -> Response:
    text = f"No system counts, shows or lists “{clipped(name)}”."
    return page(
        request,
        "inventory_unknown.html",
        status=404,
        title=name,
        command=f"interlock stock {quote(name)}",
        answer=Answer(state="silent", text=text),
        near=near,
    )


def sku_answer(strategy: Strategy, found: SkuStock) -> Answer:
    """One sentence: whether every channel shows what it should, else the worst that does not."""
    wrong = sorted((one for one in found.places if one.state not in RIGHT), key=_gravity)
    if wrong:
        first = wrong[0]
        title = f"{title_of(strategy, first.channel)} at {named(first.locations)}"
        more = _others(wrong[1:], unread_too=first.state == "unread")
        return Answer(state=LIGHTS[first.state], text=_sentence(strategy, title, first), more=more)
    if found.stopped:
        first_stopped = found.stopped[0]
        return Answer(
            state="retrying",
            text=f"A line of it stopped: {first_stopped.reason}.",
            more=f"Next: {first_stopped.next_move}.",
        )
    shown = [one for one in found.places if one.state == "agrees"]
    if not shown:
        return _not_shown(strategy, found)
    places = "Its place shows" if len(shown) == 1 else f"All {len(shown)} places show"
    return Answer(
        state="done", text=f"{places} what {_owners(strategy, found)}, less what is sold and kept back."
    )


def _not_shown(strategy: Strategy, found: SkuStock) -> Answer:
    """Nobody counts it where a channel shows stock; a channel may sell it nevertheless."""
    rules = [flow for flow in strategy.flows.values() if flow.publish is not None]
    channels = {name for flow in rules for name in flow.destinations}
    sold = [title_of(strategy, name) for name in dict.fromkeys(one.system for one in found.listed) if name in channels]
    if found.counted or not sold:
        more = "No source of truth has counted it where a channel shows stock."
        return Answer(state="silent", text="No channel shows it.", more=more)
    lists = f"{sentence_list(sold)} {'lists' if len(sold) == 1 else 'list'} it"
    more = "Name it in inventory/items.toml, have it counted, or list it there under ignore."
    return Answer(state="silent", text=f"{lists}, no source of truth counts it: nothing of it is written.", more=more)


def _others(rest: Sequence[PlaceStock], *, unread_too: bool) -> str:
    """What else is not right; what was never read is not wrong."""
    unread = sum(one.state == "unread" for one in rest)
    told = [
        f"{counted(len(rest) - unread, 'other place is', 'other places are')} not as it should be either."
        if len(rest) > unread
        else "",
        f"{counted(unread, 'other place has', 'other places have')} not been read {'either' if unread_too else 'yet'}."
        if unread
        else "",
    ]
    return " ".join(one for one in told if one)


def _sentence(strategy: Strategy, title: str, one: PlaceStock) -> str:
    if one.state == "suspended":
        return f"{title} is not written: {titled(strategy, one.words)}."
    if one.state == "unread":
        return f"{title} has not been read yet."
    shown = "nothing" if one.shown is None else number(one.shown)
    return f"{title} shows {shown}, and should show {number(one.found.quantity)}{_because(strategy, one)}."


def _because(strategy: Strategy, one: PlaceStock) -> str:
    """`: somebody else wrote it`; what a comparison says begins with the cause."""
    match one.state:
        case "refused":
            return f": {titled(strategy, one.words)}"
        case "asked":
            return ": somebody else wrote it"
        case "compared":
            return f": {one.words.partition(':')[0]}"
        case _:
            return "; the correction is on its way"


def _can_fix(one: PlaceStock) -> bool:
    """Whether a write would put it right: there is a number to write, and an item there to write it to."""
    listed = one.row is not None and bool(one.row.item)
    return one.state in FIXABLE and listed and one.found.counted and not one.found.suspended


def _gravity(one: PlaceStock) -> int:
    return FIRST.index(one.state)


def _owners(strategy: Strategy, found: SkuStock) -> str:
    """`ShipBob counts`, `ShipBob, NetSuite and Square count`."""
    names = [title_of(strategy, name) for name in dict.fromkeys(found.owners.values())]
    return f"{sentence_list(names)} {'counts' if len(names) == 1 else 'count'}"


# -- which places in full


def _in_full(found: SkuStock, chosen: str) -> tuple[list[PlaceStock], list[PlaceStock]]:
    """The place that the address names and the gravest, with their sums; and the others."""
    places = sorted(found.places, key=lambda one: (f"{one.channel}:{one.place}" != chosen, _gravity(one)))
    return places[:FULL], places[FULL:]


def _short(one: PlaceStock) -> str:
    """The sum in figures, such as 40 less 2 less 1."""
    terms = [f"{MINUS if term.amount < 0 else '+'} {number(abs(term.amount))}" for term in one.found.terms if not term.part]
    return " ".join(terms).removeprefix("+ ")


def _terms(strategy: Strategy, one: PlaceStock) -> list[SumLine]:
    """Term by term; of many locations that are shown as one number each is one line."""
    if len(one.locations) <= IN_TERMS:
        several = len(one.locations) > 1
        return [_line(strategy, (term,), term.location if several else "") for term in one.found.terms]
    together: dict[tuple[str, str], list[Term]] = {}
    for at, term in enumerate(one.found.terms):
        together.setdefault((term.location or f"term {at}", term.part), []).append(term)
    return [_line(strategy, terms, terms[0].location) for terms in together.values()]


def _line(strategy: Strategy, terms: Sequence[Term], location: str) -> SumLine:
    what = terms[0].what if len(terms) == 1 else ", ".join(f"{_signed(term.amount)} {term.what}" for term in terms)
    told = [term.at_us for term in terms if term.at_us]
    return SumLine(
        amount=sum(term.amount for term in terms), what=titled(strategy, what), location=location, part=terms[0].part,
        at_ms=min(told, default=0) // MICRO,
    )  # fmt: skip


def _signed(amount: int) -> str:
    return f"{MINUS}{number(-amount)}" if amount < 0 else number(amount)


def _heading(strategy: Strategy, one: PlaceStock) -> str:
    """The question that the sum below it answers."""
    title, at = title_of(strategy, one.channel), named(one.locations)
    if one.found.suspended:
        return f"Why {title} is not written at {at}"
    if not one.found.counted:
        return f"Why {title} is left alone at {at}"
    should = number(one.found.quantity)
    if one.state == "agrees" or one.shown == one.found.quantity:
        return f"Why {title} shows {should} at {at}"
    shows = "" if one.shown is None else f", and shows {number(one.shown)}"
    return f"Why {title} should show {should} at {at}{shows}"


def _changes_asked(request: Request) -> int:
    """How many of the newest changes the address asks for."""
    asked = request.query_params.get("changes", "")
    return max(CHANGES_SHOWN, min(int(asked), MOST_CHANGES)) if asked.isdecimal() and len(asked) < 6 else CHANGES_SHOWN


def _listed(one: PlaceStock, name: str) -> str:
    return url("/deliveries", destination=shown_at(one.channel), key=key_of(name, one.place))


# -- the fix


async def fix(request: Request) -> Response:
    """Queue the correction of one place: a delivery that waits for a person is replayed, else the SKU is synced."""
    form = await request.form()
    console, name = console_of(request), request.path_params["sku"]
    channel, place, why = (str(form.get(key, "")).strip() for key in ("channel", "place", "why"))
    if not why:
        return await _page(request, notice="Say why: it is written into the audit.")
    found, _ = await _asked(console, name)
    one = next((one for one in found.places if (one.channel, one.place) == (channel, place)), None) if found else None
    if one is None:
        raise HTTPException(404)
    await queue_correction(console, one, name, by=request.state.session.by, why=why)
    return RedirectResponse(f"{request.url.path.removesuffix('/fix')}", 303)


async def queue_correction(console: Console, one: PlaceStock, name: str, *, by: str, why: str) -> None:
    """By the place's own delivery where it is dead; what only a comparison has seen is compared again, and corrected by that. Each
    works the number out anew and compares before it writes."""
    dead = Filter(destination=shown_at(one.channel), key=key_of(name, one.place), states=("dead",))
    if (await console.actions.preview(dead)).count:
        await console.actions.replay(dead, by=by, why=why, version="current")
        return
    kind: Literal["compare", "sync"] = "compare" if one.state == "compared" else "sync"
    await console.actions.ask_stock_run(kind, one.channel, sku=name, by=by, why=why)
