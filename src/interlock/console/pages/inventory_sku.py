"""/inventory/sku/{sku}: one SKU in every system side by side, the sum behind each number, what happened to it, and the fix."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from interlock.console.filters import url
from interlock.console.health import Answer, title_of, titled
from interlock.console.pages.objects import Step
from interlock.console.rendering import Console, console_of, page
from interlock.console.wording import counted, number
from interlock.flows.inventory.answer import PlaceStock, SkuStock, near_skus, stock_of, with_comparisons
from interlock.messaging.ledger import Filter
from interlock.messaging.stock_book import Counted, Happened, key_of, shown_at
from interlock.messaging.stock_views import StockLook
from interlock.strategy.model import Strategy

LIGHTS: Final = {
    "agrees": "done", "compared": "retrying", "differs": "retrying", "unread": "pending", "suspended": "waiting",
    "refused": "dead", "asked": "dead",
    "uncounted": "cancelled",
}  # fmt: skip
"""How a place stands -> the status that a person knows from everything else."""
WORDS: Final = {
    "agrees": "agrees", "compared": "differs", "differs": "differs", "unread": "not read yet", "suspended": "suspended",
    "refused": "refused",
    "asked": "needs a person", "uncounted": "not counted",
}  # fmt: skip
FIXABLE: Final = frozenset({"asked", "refused", "compared", "differs"})
FIRST: Final = ("asked", "refused", "compared", "differs", "suspended", "unread", "agrees", "uncounted")
"""What needs somebody stands first."""
KIND_LIGHTS: Final = {
    "counted": "done", "written": "running", "foreign": "dead", "refused": "dead", "sold": "waiting", "seen": "done",
}  # fmt: skip
KIND_WORDS: Final = {
    "counted": "Counted", "written": "Written by us", "foreign": "Written by somebody else", "refused": "Refused", "sold": "Sold",
    "seen": "Known to its owner",
}  # fmt: skip
CHANGES_SHOWN: Final = 200
RUNS_LOOKED_AT: Final = 20
MICRO: Final = 1_000


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """What one system says of the SKU at one of our locations."""

    number: str
    detail: str
    at_ms: int = 0
    state: str = ""
    word: str = ""


class AtLocation(msgspec.Struct, frozen=True, kw_only=True):
    """One of our locations: its owner, and what each system says there, in the order of the heads."""

    name: str
    owner: str
    cells: tuple[tuple[Cell, ...], ...]


async def sku(request: Request) -> Response:
    """The page of one SKU."""
    return await _page(request)


async def _page(request: Request, *, notice: str = "") -> Response:
    console, name = console_of(request), request.path_params["sku"]
    found, near = await _asked(console, name)
    if found is None:
        return _unknown(request, name, near)
    heads = _heads(console.strategy, found)
    runs = await console.views.stock_runs(limit=RUNS_LOOKED_AT)
    under_way = [one for one in runs if one.state in ("asked", "running") and one.sku == name]
    return page(
        request,
        "inventory_sku.html",
        status=409 if notice else 200,
        title=name,
        command=f"interlock stock {name}",
        answer=sku_answer(console.strategy, found),
        places=sorted(found.places, key=lambda one: FIRST.index(one.state)),
        it=found,
        heads=heads,
        rows=[_row(found, heads, location) for location in found.owners],
        steps=_steps(console.strategy, found.changes),
        lights=LIGHTS,
        words=WORDS,
        fixable=FIXABLE,
        notice=notice,
        under_way=under_way,
        deliveries={one.place: _listed(one, name) for one in found.places},
    )


async def _asked(console: Console, name: str) -> tuple[SkuStock | None, list[str]]:
    def look(book: StockLook) -> tuple[SkuStock | None, list[str]]:
        found = stock_of(book, console.strategy, name, console.now_ms * MICRO, changes=CHANGES_SHOWN)
        return found, [] if found else near_skus(book, name)

    found, near = await console.views.stock(look) or (None, [])
    if found is None:
        return None, near
    return with_comparisons(found, await console.views.stock_differences(sku=name)), []


def _unknown(request: Request, name: str, near: Sequence[str]) -> Response:
    text = f"No system counts, shows or lists “{name}”."
    return page(
        request,
        "inventory_unknown.html",
        status=404,
        title=name,
        command=f"interlock stock {name}",
        answer=Answer(state="silent", text=text),
        near=near,
    )


def sku_answer(strategy: Strategy, found: SkuStock) -> Answer:
    """One sentence: whether every channel shows what it should, else the worst that does not."""
    wrong = sorted((one for one in found.places if one.state not in ("agrees", "uncounted")), key=_gravity)
    if wrong:
        first = wrong[0]
        title = f"{title_of(strategy, first.channel)} at {' and '.join(first.locations)}"
        more = (
            f"{counted(len(wrong) - 1, 'other place is', 'other places are')} not as it should be either."
            if wrong[1:]
            else ""
        )
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
        return Answer(
            state="silent",
            text="No channel shows it.",
            more="No system of truth has counted it where a channel shows stock.",
        )
    places = "Its place shows" if len(shown) == 1 else f"All {len(shown)} places show"
    return Answer(
        state="done", text=f"{places} what {_owners(strategy, found)} counts, less what is sold and kept back."
    )


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


def _gravity(one: PlaceStock) -> int:
    return FIRST.index(one.state)


def _owners(strategy: Strategy, found: SkuStock) -> str:
    return " and ".join(title_of(strategy, name) for name in dict.fromkeys(found.owners.values()))


# -- side by side


def _heads(strategy: Strategy, found: SkuStock) -> tuple[str, ...]:
    """Who counts, then who shows."""
    counting = dict.fromkeys([*found.owners.values(), *(one.system for one in found.counted)])
    return tuple(
        dict.fromkeys(
            [*(name for name in counting if name in strategy.systems), *(one.channel for one in found.places)]
        )
    )


def _row(found: SkuStock, heads: Iterable[str], location: str) -> AtLocation:
    owner = found.owners[location]
    return AtLocation(
        name=location, owner=owner, cells=tuple(tuple(_cells(found, system, location)) for system in heads)
    )


def _cells(found: SkuStock, system: str, location: str) -> Iterator[Cell]:
    for position in found.counted:
        if (position.system, position.location) == (system, location):
            yield _position(position)
    for one in found.places:
        if one.channel == system and location in one.locations:
            yield _shown(one)


def _position(one: Counted) -> Cell:
    rest = ", ".join(
        f"{name.replace('_', ' ')} {number(value)}"
        for name, value in one.quantities.items()
        if name != "available" and value
    )
    kept = f"; {one.remainder} left over" if one.remainder else ""
    return Cell(number=number(one.available), detail=f"{rest or 'available'}{kept}", at_ms=one.as_of_us // MICRO)


def _shown(one: PlaceStock) -> Cell:
    looked = one.row.seen_us // MICRO if one.row else 0
    shown = (
        "?"
        if one.row is None or one.row.seen is None
        else "not carried"
        if not one.row.stocked
        else number(one.row.seen)
    )
    together = f"with {', '.join(one.locations)}" if len(one.locations) > 1 else f"at {one.place}"
    return Cell(number=shown, detail=together, at_ms=looked, state=LIGHTS[one.state], word=WORDS[one.state])


# -- what happened


def _steps(strategy: Strategy, changes: Sequence[Happened]) -> list[Step]:
    """Newest last; what one line of a system changed at once is one step."""
    steps: list[Step] = []
    last: Happened | None = None
    for one in reversed(changes):
        same = last is not None and (one.at_us, one.kind, one.system, one.place, one.event) == (
            last.at_us, last.kind, last.system, last.place, last.event,
        )  # fmt: skip
        if same and steps:
            steps[-1] = msgspec.structs.replace(steps[-1], detail=f"{steps[-1].detail}, {_moved(one)}")
        else:
            steps.append(_step(strategy, one))
        last = one
    return steps


def _step(strategy: Strategy, one: Happened) -> Step:
    where = title_of(strategy, one.system) + (f" at {one.place}" if one.place else "")
    why = f" · {one.why}" if one.why else ""
    return Step(
        at_ms=one.at_us // MICRO, state=KIND_LIGHTS[one.kind], what=KIND_WORDS[one.kind],
        detail=f"{where}{why}: {_moved(one)}" if one.kind not in ("sold", "seen") else f"{_moved(one)} · {where}{why}",
    )  # fmt: skip


def _moved(one: Happened) -> str:
    if one.kind == "sold":
        return counted(one.after or 0, "piece")
    if one.kind == "seen":
        return counted(one.before or 0, "piece")
    name = one.name.replace("_", " ")
    return (
        f"{name} {number(one.after or 0)}"
        if one.before is None
        else f"{name} {number(one.before)} → {'none' if one.after is None else number(one.after)}"
    )


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
