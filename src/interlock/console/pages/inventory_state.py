"""How true the stock is, in one look: what the comparisons measured, what the book knows since, what stopped, how fresh each source is."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from interlock.console.pages.inventory_sides import named
from interlock.console.rendering import Console
from interlock.console.wording import span
from interlock.flows.inventory.answer import rules_at
from interlock.flows.inventory.rules import StockRules
from interlock.messaging.accuracy import CAUSES, Accuracy, CauseCount, Difference, Heat
from interlock.messaging.stock_book import FOREIGN, Halted, Read, Shown
from interlock.messaging.stock_views import PlaceCount, StockLook
from interlock.strategy.model import Strategy

WORST: Final = 50
STOPPED_LOOKED_AT: Final = 2_000
EXAMPLES: Final = 3
DAY_US: Final = 86_400_000_000
MICRO: Final = 1_000
MINUTE_US: Final = 60_000_000
TREND_DAYS: Final = 30
HEAT: Final = ((1.0, "even"), (0.99, "warm"), (0.95, "hot"))
"""Share of equal positions from which on a field of the heat map has this look; below them all it is `worst`."""


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """A position that shows another number than it should, from a comparison or known since; `settled`: put right meanwhile."""

    channel: str
    place: str
    location: str
    sku: str
    group: str
    wanted: int | None
    shown: int | None
    cause: str
    what: str
    next_move: str
    since_ms: int
    state: str
    word: str
    value: str = ""
    settled: bool = False

    @property
    def by(self) -> int:
        return (self.shown or 0) - (self.wanted or 0)

    @property
    def stranger(self) -> bool:
        """An item that a channel sells and nobody counts: it has no place of ours, and is none of our positions."""
        return not self.place

    @property
    def fixable(self) -> bool:
        """Whether a write would put it right: not where one side does not know the item, which is a matter of the map."""
        return not self.settled and self.cause != CAUSES["unmapped"]


class StoppedKind(msgspec.Struct, frozen=True, kw_only=True):
    """Lines that stopped for one reason: how many, a sample in words, what to do."""

    code: str
    count: int
    samples: tuple[Halted, ...]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """How fresh one system's numbers are: `what` is levels or sales."""

    system: str
    what: str
    fresh_ms: int
    error: str
    state: str
    word: str
    allowed: str


class PlaceState(msgspec.Struct, frozen=True, kw_only=True):
    """One place of a channel: its count now, and what the last comparison measured there (None: nothing yet)."""

    channel: str
    location: str
    count: PlaceCount
    measured: Accuracy | None

    @property
    def late(self) -> int:
        """Differs, and its correction is on the way."""
        count = self.count
        return max(0, count.positions - count.equal - count.refused - count.suspended - count.unread)

    @property
    def share(self) -> float:
        """As measured; before that, as far as the hub knows."""
        if self.measured is not None:
            return self.measured.share
        return self.count.equal / self.count.positions if self.count.positions else 1.0

    @property
    def quiet(self) -> bool:
        """Whether it needs nobody."""
        return self.share >= 1.0 and not (self.late or self.count.refused or self.count.suspended)


class ChannelState(msgspec.Struct, frozen=True, kw_only=True):
    """One channel: measured as a whole and by place, its trend, and how many positions the book knows now."""

    channel: str
    flows: tuple[str, ...]
    whole: Accuracy | None
    places: tuple[PlaceState, ...]
    trend: tuple[Accuracy, ...]

    @property
    def positions(self) -> int:
        return sum(one.count.positions for one in self.places)

    @property
    def suspended(self) -> int:
        return sum(one.count.suspended for one in self.places)


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A field of the heat map."""

    compared: int
    equal: int
    variance: int
    look: str

    @property
    def share(self) -> float:
        return self.equal / self.compared if self.compared else 1.0


class Stock(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the page shows."""

    channels: tuple[ChannelState, ...]
    wrong: tuple[Wrong, ...]
    stopped: tuple[StoppedKind, ...]
    sources: tuple[Source, ...]
    columns: tuple[tuple[str, str, str], ...]
    heat: Mapping[str, Mapping[tuple[str, str], Field]]
    causes: tuple[tuple[str, int, int], ...]
    day: Mapping[str, int]

    @property
    def open(self) -> tuple[Wrong, ...]:
        return tuple(one for one in self.wrong if not one.settled)

    @property
    def off(self) -> int:
        """How many positions are wrong, more than the list has perhaps."""
        found = sum(one.whole.compared - one.whole.equal for one in self.channels if one.whole) - sum(
            one.settled for one in self.wrong
        )
        return max(sum(not one.stranger for one in self.open), found)

    @property
    def strangers(self) -> int:
        """How many items are sold that nobody counts, of those that the list has."""
        return sum(one.stranger for one in self.open)

    @property
    def positions(self) -> int:
        return sum(one.positions for one in self.channels)

    @property
    def suspended(self) -> int:
        return sum(one.suspended for one in self.channels)


class _Known(msgspec.Struct, frozen=True):
    """What the book answers in one look."""

    counts: list[PlaceCount]
    wrong: list[Shown]
    since: dict[tuple[str, str, str], Shown]
    halted: list[Halted]
    halted_counts: dict[str, int]
    readings: list[tuple[str, str, Read]]
    day: dict[str, int]
    rules: StockRules


async def look_at_stock(console: Console, *, channel: str = "") -> Stock:
    """Ask the views and the book."""
    views, now_us = console.views, console.now_ms * MICRO
    differences = await views.stock_differences(channel=channel, limit=WORST)

    def ask(look: StockLook) -> _Known:
        rules = rules_at(console.strategy, look)
        rows = {(one.channel, one.place, one.sku): look.shown(one.channel, one.place, one.sku) for one in differences}
        return _Known(
            look.place_counts(), look.wrong(WORST), {at: row for at, row in rows.items() if row}, look.halted_by_code(STOPPED_LOOKED_AT),
            look.halted_counts(), look.readings(), look.kinds_since(now_us - DAY_US), rules,
        )  # fmt: skip

    known = await views.stock(ask)
    if known is None:
        return Stock(channels=(), wrong=(), stopped=(), sources=(), columns=(), heat={}, causes=(), day={})
    measured = await views.stock_accuracy()
    since_ms = console.now_ms - TREND_DAYS * DAY_US // MICRO
    names = [name for name in known.rules.channels if channel in ("", name)]
    trends = {name: await views.stock_trend(name, since_ms=since_ms) for name in names}
    heat = [one for one in await views.stock_heat(channel) if one.channel in names]
    return Stock(
        channels=tuple(_channel(known, name, measured, trends[name]) for name in names),
        wrong=_all_wrong(known, differences, names),
        stopped=_stopped(known),
        sources=tuple(_sources(console.strategy, known, now_us)),
        columns=_columns(known.rules, names, heat),
        heat=_heat(heat),
        causes=_causes(await views.stock_causes(channel)),
        day=known.day,
    )  # fmt: skip


# -- by channel and location


def _channel(known: _Known, name: str, measured: Sequence[Accuracy], trend: Sequence[Accuracy]) -> ChannelState:
    by_place = {one.place: one for one in measured if one.channel == name}
    counts = {one.place: one for one in known.counts if one.channel == name}
    shown = {place: names for channel in known.rules.channels[name] for place, names in channel.places.items()}
    return ChannelState(
        channel=name,
        flows=tuple(one.flow for one in known.rules.channels[name]),
        whole=by_place.get(""),
        places=tuple(
            PlaceState(
                channel=name, location=named(names), measured=by_place.get(place),
                count=counts.get(place, PlaceCount(channel=name, place=place)),
            )
            for place, names in shown.items()
        ),
        trend=tuple(trend),
    )  # fmt: skip


def _columns(rules: StockRules, names: Iterable[str], heat: Sequence[Heat]) -> tuple[tuple[str, str, str], ...]:
    """Channel, place and its location, as the folder has them."""
    measured = {(one.channel, one.place) for one in heat}
    return tuple(
        (name, place, named(locations))
        for name in names
        for channel in rules.channels[name]
        for place, locations in channel.places.items()
        if (name, place) in measured
    )


def _heat(rows: Sequence[Heat]) -> dict[str, dict[tuple[str, str], Field]]:
    """Worst groups first; items of no group last."""
    found: dict[str, dict[tuple[str, str], Field]] = {}
    for one in rows:
        share = one.equal / one.compared if one.compared else 1.0
        look = next((name for least, name in HEAT if share >= least), "worst")
        found.setdefault(one.group, {})[one.channel, one.place] = Field(
            compared=one.compared, equal=one.equal, variance=one.variance, look=look
        )
    return dict(
        sorted(found.items(), key=lambda item: (not item[0], min(field.share for field in item[1].values()), item[0]))
    )


# -- what is wrong


def _all_wrong(known: _Known, differences: Sequence[Difference], names: Sequence[str]) -> tuple[Wrong, ...]:
    """What the last comparison found, and what is known since; the largest first, what the map leaves out after what can be put right,
    what was put right last."""
    compared = {
        (one.channel, one.place, one.sku): _compared(one, known.since.get((one.channel, one.place, one.sku)))
        for one in differences
    }
    fresh = {
        (row.channel, row.place, row.sku): _known_wrong(known.rules, row) for row in known.wrong if row.channel in names
    }  # fmt: skip
    rows = {**compared, **{at: row for at, row in fresh.items() if at not in compared or compared[at].settled}}
    return tuple(sorted(rows.values(), key=lambda one: (one.settled, not one.fixable, -abs(one.by), one.sku)))[:WORST]


def _compared(one: Difference, row: Shown | None) -> Wrong:
    right = row is not None and not row.trouble and row.seen == row.wanted and row.seen_us // MICRO > one.last_ms
    value = _money(one)
    state, word = ("done", "put right") if right else STATES[one.state]
    return Wrong(
        channel=one.channel, place=one.place, location=named(one.location.split(" + ")), sku=one.sku, group=one.group,
        wanted=one.wanted, shown=one.shown,
        cause=CAUSES[one.cause], what=one.what, next_move=one.next_move, since_ms=one.since_ms, state=state, word=word, value=value,
        settled=right,
    )  # fmt: skip


STATES: Final = {
    "found": ("retrying", "differs"),
    "healing": ("running", "being put right"),
    "asked": ("dead", "needs a person"),
    "left": ("held", "left as it is"),
}
"""What becomes of a difference that a comparison found -> its status and its word."""


def _money(one: Difference) -> str:
    from decimal import Decimal

    return f"{one.by * Decimal(one.price):,.2f} {one.currency}".replace(",", " ") if one.price else ""


def _known_wrong(rules: StockRules, row: Shown) -> Wrong:
    channel = rules.channel(row.channel, row.place)
    if row.trouble == FOREIGN:
        cause, state, word, move = CAUSES["foreign"], "dead", "needs a person", "look at the item, then press Fix"
    elif not row.item and row.trouble:
        cause, state, word = CAUSES["unmapped"], "held", "not listed"
        move = "list it there, or name it in inventory/items.toml"
    elif row.trouble:
        cause, state, word, move = CAUSES["refused"], "dead", "refused", "look at what it says"
    else:
        cause, state, word, move = CAUSES["late"], "retrying", "on its way", ""
    return Wrong(
        channel=row.channel, place=row.place, location=named(channel.places[row.place]) if channel else row.place, sku=row.sku,
        group=rules.group(row.sku), wanted=row.wanted, shown=row.seen, cause=cause, what=row.said, next_move=move,
        since_ms=(row.seen_us or row.wanted_us) // MICRO, state=state, word=word,
    )  # fmt: skip


def _causes(counts: Iterable[CauseCount]) -> tuple[tuple[str, int, int], ...]:
    """Each cause once, whatever the channels: its words, how many positions, by how much they are off; the most frequent first."""
    found: dict[str, tuple[int, int]] = {}
    for one in counts:
        if one.cause != "in_flight":
            positions, variance = found.get(CAUSES[one.cause], (0, 0))
            found[CAUSES[one.cause]] = positions + one.positions, variance + one.variance
    worst = sorted(found.items(), key=lambda item: item[1], reverse=True)
    return tuple((words, *numbers) for words, numbers in worst)


def _stopped(known: _Known) -> tuple[StoppedKind, ...]:
    """By reason, the most frequent first."""
    samples: dict[str, list[Halted]] = {}
    for one in known.halted:
        samples.setdefault(one.code, []).append(one)
    return tuple(
        StoppedKind(code=code, count=count, samples=tuple(samples.get(code, ())[:EXAMPLES]))
        for code, count in known.halted_counts.items()
    )


# -- how fresh


def _sources(strategy: Strategy, known: _Known, now_us: int) -> Iterable[Source]:
    read = {(system, what): state for system, what, state in known.readings}
    allowed = min(
        (flow.publish.source_stale_minutes for flow in known.rules.flows.values() if flow.publish), default=60.0
    )
    wanted = [
        *((name, "levels") for name in sorted(known.rules.counting)),
        *((name, "sales") for name in known.rules.channels),
    ]
    for system, what in wanted:
        if system not in strategy.systems:
            continue
        state = read.get((system, what), Read())
        stale = what == "levels" and now_us - state.fresh_us > allowed * MINUTE_US
        light, word = (
            ("dead", "silent") if stale and state.fresh_us else ("silent", "never read") if stale else ("done", "fresh")
        )
        if state.error and light == "done":
            light, word = "retrying", "last try failed"
        if what == "sales" and not state.fresh_us:
            light, word = "pending", "told by webhooks"
        yield Source(
            system=system, what=what, fresh_ms=state.fresh_us // MICRO, error=state.error, state=light, word=word,
            allowed=f"{span(allowed * 60)} allowed" if what == "levels" else "",
        )  # fmt: skip
