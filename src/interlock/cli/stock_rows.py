"""What the rows of `interlock stock SKU` say: who counts it, the sum of each place term by term, stopped lines, the newest changes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, counted, fields_of
from interlock.cli.times import ago, clock, stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interlock.flows.inventory.answer import PlaceStock, SkuStock
    from interlock.messaging.stock_book import Counted, Halted, Happened

US = 1_000
"""Microseconds of a millisecond."""
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


def tell_sku(found: "SkuStock", now: int, changes: int, out: Output) -> None:
    """All of it; `changes` is how many of the newest."""
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
    return (
        f"  {one.system} counts {one.available} at {one.location} ({one.place}){rest}; {ago(one.as_of_us // US, now)}"
    )


def _signal(one: "Counted", owner: str, truth: int | None, now: int) -> str:
    """In no sum: what counts there, and says how many, stands beside it."""
    beside = f"{owner} has not counted it yet" if truth is None else f"{owner}'s {truth} is the truth"
    says = f"{one.system} says {one.available} at {one.location} ({one.place}); {ago(one.as_of_us // US, now)}"
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
        at = f"   {clock(term.at_us // US)[:8]}" if term.at_us else ""
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
    looked = f"looked or written {ago(one.row.seen_us // US, now)}" if one.row.seen_us else "not looked at yet"
    wrote = (
        f"written last: {one.row.written}, {ago(one.row.written_us // US, now)}"
        if one.row.written_us
        else "never written by us"
    )
    return f"{wrote}; {looked}"


def _stopped(one: "Halted", now: int) -> str:
    times = f"{counted(one.times, 'time')}, last {ago(one.last_us // US, now)}"
    return f"\n  stopped: {one.code} {one.reason}\n    {times}; next: {one.next_move}"


def _change(line: "Sequence[Happened]") -> str:
    one = line[0]
    place = f" {one.place}" if one.place else ""
    telling = [each for each in line if each.before is not None or each.after] or line[:1]
    text = f"  {stamp(one.at_us // US)}  {one.kind:<8} {one.system}{place}: {', '.join(map(_moved, telling))}"
    why = f" ({one.why})" if one.why and one.kind != "asked" else ""
    return text + why if len(text + why) <= WIDTH else f"{text}\n{' ' * WHY_AT}{why}"


def _moved(one: "Happened") -> str:
    if one.kind == "asked":
        return one.why
    if one.kind in ("sold", "placed", "seen"):
        return counted((one.before if one.kind == "seen" else one.after) or 0, "piece")
    return (
        f"{one.name} {one.after}"
        if one.before is None
        else f"{one.name} {one.before} -> {'none' if one.after is None else one.after}"
    )
