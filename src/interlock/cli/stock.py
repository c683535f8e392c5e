"""The command stock: one SKU in every system side by side, and why each channel shows the number that it shows."""

from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, counted, fail, fields_of, speaks
from interlock.cli.place import folder_option
from interlock.cli.store import read
from interlock.cli.times import ago, clock, now_ms, stamp
from interlock.data_folder import data_folder, hub_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interlock.flows.inventory.answer import PlaceStock, SkuStock
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.messaging.stock_book import Counted, Halted, Happened
    from interlock.messaging.stock_views import StockLook

CHANGES, MOST_CHANGES = 20, 10_000
MICRO = 1_000
NAMED = 3
WIDTH, WHY_AT = 80, 22
"""Columns of a terminal; a reason that does not fit into them stands below its change, under its kind."""
COLOURS = {
    "agrees": "green",
    "refused": "red",
    "asked": "red",
    "differs": "yellow",
    "compared": "red",
    "suspended": "yellow",
}

LABELS = {"compared": "differs, as a comparison found"}
"""Where the name of a state says too little by itself."""


@click.command()
@click.argument("sku", required=False)
@click.option(
    "--changes",
    type=click.IntRange(0, MOST_CHANGES),
    default=CHANGES,
    show_default=True,
    help="Show so many of the newest changes.",
)
@folder_option
@speaks
def stock(sku: str | None, changes: int, folder: Path, out: Output) -> None:
    """Tell a SKU's stock, and why; without one, how true all is.

    For every place of a channel the sum is told term by term, each with the time when it was so; then what it shows now, what
    was written last, and why nothing is written where that is so. Without SKU: each channel with how many of its numbers are
    right, the worst, and what of stock waits for a person.

    Exit code 1 when the SKU is not known, or a number is not what it should be.

    \b
    Examples: interlock stock
              interlock stock TEE-1
              interlock stock TEE-1 --changes 100 --json
    """
    if sku is None:
        from interlock.cli.stock_overview import tell_all_stock

        tell_all_stock(folder, out)
        return
    _tell_sku(sku, changes, folder, out)


def _tell_sku(sku: str, changes: int, folder: Path, out: Output) -> None:
    from interlock.cli.catalogue import read_strategy
    from interlock.flows.inventory.answer import RIGHT, near_skus, stock_of, with_comparisons
    from interlock.messaging.stock import QUANTITIES

    strategy, now = read_strategy(folder), now_ms()

    def look(book: "StockLook") -> "tuple[SkuStock | None, list[str]]":
        found = stock_of(book, strategy, sku, now * MICRO, changes=min(changes * len(QUANTITIES), MOST_CHANGES))
        return found, [] if found else near_skus(book, sku)

    async def ask(views: "SqliteViews") -> None:
        found, near = await views.stock(look) or (None, [])
        if found is None:
            _unknown(sku, near, out)
            fail()
        found = with_comparisons(found, await views.stock_differences(sku=sku))
        _tell(found, now, changes, out)
        url = hub_url(data_folder(folder))
        page = [f"open {url}/inventory/sku/{_quoted(sku)}"] if url else []
        wrong = [one for one in found.places if one.state not in RIGHT]
        moves = _moves(sku, {one.state for one in wrong})
        out.summary(_sentence(found, wrong), *moves, *page, sku=sku, agrees=found.agrees, places=len(found.places),
                    differing=len(wrong), stopped=len(found.stopped))  # fmt: skip
        if not found.agrees:
            fail()

    read(folder, out, ask, empty_code=1, empty_too=True)


def _moves(sku: str, states: set[str]) -> list[str]:
    """What puts it right; what is on its way needs only another look."""
    moves = [f"interlock reconcile inventory --sku {quote(sku)}"] if "compared" in states else []
    moves += ["interlock issues"] if states & {"asked", "refused"} else []
    return moves or ([f"interlock stock {quote(sku)}"] if states and states <= {"differs", "unread"} else [])


def _unknown(sku: str, near: list[str], out: Output) -> None:
    moves = [f"interlock stock {quote(one)}" for one in near]
    text = f"no system counts, shows or lists {sku!r}" + (f"; perhaps {', '.join(near)}?" if near else "")
    out.summary(text, *(moves or ["interlock stock"]), sku=sku, near=near)


def _sentence(found: "SkuStock", wrong: "list[PlaceStock]") -> str:
    if found.stopped:
        return f"{found.sku}: {counted(len(found.stopped), 'line')} of it stopped: {found.stopped[0].reason}"
    if not found.places:
        listed = ", ".join(dict.fromkeys(one.system for one in found.listed))
        only = f"; no source of truth counts it, it is listed by {listed}" if listed and not found.counted else ""
        return f"{found.sku}: no channel shows a number of ours{only}"
    if not wrong:
        return f"{found.sku}: every place shows what it should"
    states = ", ".join(f"{one.channel} {one.place} {LABELS.get(one.state, one.state)}" for one in wrong)
    return f"{found.sku}: {len(wrong)} of {counted(len(found.places), 'place')} not as it should be: {states}"


# -- in rows


def _tell(found: "SkuStock", now: int, changes: int, out: Output) -> None:
    head = [f"group {found.group}"] if found.group else []
    head += [f"a kit of {', '.join(f'{count} {part}' for part, count in found.parts.items())}"] if found.parts else []
    head += [f"counted by {owner} at {_named(names)}" for owner, names in _by_owner(found).items()]
    out.row(f"{click.style(found.sku, bold=True)}  {'; '.join(head)}", kind="sku", sku=found.sku, group=found.group,
            parts=dict(found.parts), kits=list(found.kits), owners=dict(found.owners))  # fmt: skip
    for one in found.counted:
        out.row(_counted(one, now), kind="position", available=one.available, **fields_of(one))
    for one in found.signals:
        owner, truth = found.owners.get(one.location, ""), found.truth_at(one.location)
        out.row(_signal(one, owner, truth, now), kind="signal", available=one.available, owner=owner, truth=truth,
                **fields_of(one))  # fmt: skip
    for place in found.places:
        _tell_place(place, now, out)
    for stopped in found.stopped:
        out.row(_stopped(stopped, now), kind="stopped", **(fields_of(stopped) | {"line": None}))
    lines = _lines(found.changes)[-changes:] if changes else []
    if lines and not out.as_json:
        out.row(f"\n  the newest {counted(len(lines), 'change')}, the last at the end:")
    for line in lines:
        _tell_changes(line, out)


def _by_owner(found: "SkuStock") -> dict[str, list[str]]:
    owners: dict[str, list[str]] = {}
    for name, owner in found.owners.items():
        owners.setdefault(owner, []).append(name)
    return owners


def _named(names: "Sequence[str]") -> str:
    """`cicero, ottawa`; of many only the first and how many more."""
    return ", ".join(names) if len(names) <= NAMED else f"{names[0]} and {len(names) - 1} more"


def _lines(changes: "Sequence[Happened]") -> "list[list[Happened]]":
    """Oldest first; what one line of a system changed at once belongs together."""
    lines: list[list[Happened]] = []
    for one in reversed(changes):
        same = lines and (one.at_us, one.kind, one.system, one.place, one.event) == (
            lines[-1][0].at_us, lines[-1][0].kind, lines[-1][0].system, lines[-1][0].place, lines[-1][0].event,
        )  # fmt: skip
        if same:
            lines[-1].append(one)
        else:
            lines.append([one])
    return lines


def _tell_changes(line: "Sequence[Happened]", out: Output) -> None:
    if not out.as_json:
        out.row(_change(line))
        return
    for one in line:
        out.row("", **(fields_of(one) | {"kind": "change", "change": one.kind}))


def _counted(one: "Counted", now: int) -> str:
    told = ", ".join(f"{name} {number}" for name, number in one.quantities.items() if number and name != "available")
    rest = f": {told}" if told else ""
    return f"  {one.system} counts {one.available} at {one.location} ({one.place}){rest}; {ago(one.as_of_us // MICRO, now)}"


def _signal(one: "Counted", owner: str, truth: int | None, now: int) -> str:
    """In no sum: what counts there, and says how many, stands beside it."""
    beside = f"{owner} has not counted it yet" if truth is None else f"{owner}'s {truth} is the truth"
    says = f"{one.system} says {one.available} at {one.location} ({one.place}); {ago(one.as_of_us // MICRO, now)}"
    return f"  {says}\n    a signal: {beside}"


def _tell_place(one: "PlaceStock", now: int, out: Output) -> None:
    shows = "not known" if one.shown is None else one.shown
    should = "nothing now" if one.found.suspended else one.found.quantity
    state = click.style(LABELS.get(one.state, one.state), fg=COLOURS.get(one.state))
    lines = [
        f"\n  {one.channel} at {one.place} ({_named(one.locations)}): shows {shows}, should show {should}: {state}",
        *_sum(one),
    ]
    if one.words and one.state != "agrees":
        lines.append(f"    {one.words}")
    lines.append(f"    {_last_written(one, now)}")
    terms = [fields_of(term) for term in one.found.terms]
    row = fields_of(one.row) if one.row else None
    out.row("\n".join(lines), kind="place", channel=one.channel, place=one.place, locations=list(one.locations), state=one.state,
            why=one.words, shows=one.shown, should_show=None if one.found.suspended or not one.found.counted else one.found.quantity,
            suspended=one.found.suspended, terms=terms, row=row)  # fmt: skip


def _sum(one: "PlaceStock") -> Iterator[str]:
    for term in one.found.terms:
        at = f"   {clock(term.at_us // MICRO)[:8]}" if term.at_us else ""
        where = f" ({term.location})" if term.location else ""
        if term.part:
            yield f"    {'':8}    of {term.part}: {term.amount:+} {term.what}{where}{at}"
        else:
            yield f"    {term.amount:>+8}  {term.what}{where}{at}"
    if one.found.terms and not one.found.suspended:
        yield f"    {one.found.quantity:>8}  should be shown"


def _last_written(one: "PlaceStock", now: int) -> str:
    if one.row is None:
        return "nothing is known of it yet"
    looked = f"looked or written {ago(one.row.seen_us // MICRO, now)}" if one.row.seen_us else "not looked at yet"
    wrote = (
        f"written last: {one.row.written}, {ago(one.row.written_us // MICRO, now)}"
        if one.row.written_us
        else "never written by us"
    )
    return f"{wrote}; {looked}"


def _stopped(one: "Halted", now: int) -> str:
    times = f"{counted(one.times, 'time')}, last {ago(one.last_us // MICRO, now)}"
    return f"\n  stopped: {one.code} {one.reason}\n    {times}; next: {one.next_move}"


def _change(line: "Sequence[Happened]") -> str:
    one = line[0]
    place = f" {one.place}" if one.place else ""
    telling = [each for each in line if each.before is not None or each.after] or line[:1]
    text = f"  {stamp(one.at_us // MICRO)}  {one.kind:<8} {one.system}{place}: {', '.join(map(_moved, telling))}"
    why = f" ({one.why})" if one.why and one.kind != "asked" else ""
    return text + why if len(text + why) <= WIDTH else f"{text}\n{' ' * WHY_AT}{why}"


def _moved(one: "Happened") -> str:
    if one.kind == "asked":
        return one.why
    if one.kind in ("sold", "seen"):
        return counted((one.after if one.kind == "sold" else one.before) or 0, "piece")
    return (
        f"{one.name} {one.after}"
        if one.before is None
        else f"{one.name} {one.before} -> {'none' if one.after is None else one.after}"
    )


def _quoted(sku: str) -> str:
    from urllib.parse import quote as escaped

    return escaped(sku, safe="")
