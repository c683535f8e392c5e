"""What places of a channel came to, added up: how many are equal, what the others differ by, and what that is worth."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from interlock.flows.inventory.causes import Verdict
from interlock.messaging.accuracy import Accuracy, CauseCount, Heat, Run, Side
from interlock.messaging.stock_book import Shown


class Compared(msgspec.Struct, kw_only=True):
    """What a place came to, as it is added up."""

    compared: int = 0
    equal: int = 0
    in_flight: int = 0
    variance: int = 0
    value: Decimal | None = None
    unpriced: int = 0


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One place that differed in the listing, and what became of it: `verdict` None is equal after all, `aside` is no position."""

    row: Shown
    shown: int | None = None
    wanted: int | None = None
    verdict: Verdict | None = None
    aside: bool = False


class Tally:
    """The sums of one run over a channel: by place, by group of items at a place, and by cause. `locations` by place."""

    def __init__(self, channel: str, locations: Mapping[str, str]) -> None:
        self._channel = channel
        self._locations = locations
        self._places = {place: Compared() for place in locations}
        self._groups: dict[tuple[str, str], Compared] = {}
        self._causes: dict[str, CauseCount] = {}
        self._currency = ""

    def begin(self, side: Side) -> None:
        """All that take part are equal, until one is judged to be not."""
        for place, count in side.totals.items():
            self._places[place].compared = self._places[place].equal = count
        for (place, name), count in side.group_totals.items():
            self._groups[place, name] = Compared(compared=count, equal=count)
        for place, count in side.totals.items():
            rest = count - sum(one for (at, _), one in side.group_totals.items() if at == place)
            self._groups[place, ""] = Compared(compared=rest, equal=rest)

    def add(self, one: Judged, group: str, price: tuple[str, str] | None) -> None:
        """One place that was listed as different; `price` of one piece, and its currency: sums are in the first that is told."""
        by = 0 if one.wanted is None else abs((one.shown or 0) - one.wanted)
        if one.verdict is not None and one.verdict.cause != "in_flight":
            self._count(one.verdict, by)
        if price and not self._currency:
            self._currency = price[1]
        for total in (self._places[one.row.place], self._groups.get((one.row.place, group))):
            if total is not None:
                _book_in(total, one, by, price if price and price[1] == self._currency else None)

    def _count(self, verdict: Verdict, by: int) -> None:
        known = self._causes.get(verdict.cause)
        self._causes[verdict.cause] = CauseCount(
            channel=self._channel, cause=verdict.cause, positions=(known.positions if known else 0) + 1,
            variance=(known.variance if known else 0) + by,
        )  # fmt: skip

    @property
    def whole(self) -> Compared:
        """Of the channel."""
        whole = Compared()
        for one in self._places.values():
            _add_up(whole, one)
        return whole

    @property
    def causes(self) -> tuple[CauseCount, ...]:
        """Of what differs."""
        return tuple(self._causes.values())

    def accuracy(self, run: Run, oldest: Mapping[str, int]) -> list[Accuracy]:
        """The channel's number, then one for each place; `oldest`: since when a difference stands there, by place."""
        whole = self._accuracy(run, "", self.whole, min(oldest.values(), default=0))
        return [whole, *(self._accuracy(run, place, one, oldest.get(place, 0)) for place, one in self._places.items())]

    def _accuracy(self, run: Run, place: str, one: Compared, oldest_ms: int) -> Accuracy:
        return Accuracy(
            run=run.id, channel=self._channel, place=place, location=self._locations.get(place, ""), at_ms=run.at_us // 1_000,
            compared=one.compared, equal=one.equal, in_flight=one.in_flight, variance=one.variance,
            value="" if one.value is None else str(one.value), currency=self._currency, unpriced=one.unpriced,
            oldest_ms=oldest_ms,
        )  # fmt: skip

    def heat(self) -> list[Heat]:
        """Groups at places, where there is anything."""
        return [
            Heat(channel=self._channel, group=name, place=place, location=self._locations[place], compared=one.compared,
                 equal=one.equal, variance=one.variance)
            for (place, name), one in self._groups.items() if one.compared
        ]  # fmt: skip


def _book_in(total: Compared, one: Judged, by: int, price: tuple[str, str] | None) -> None:
    """One place that was listed as different, out of the equal ones that the total begins with. `price`: of one, and its currency."""
    if one.verdict is None and not one.aside:
        return
    total.equal -= 1
    if one.aside or (one.verdict and one.verdict.cause == "in_flight"):
        total.compared -= 1
        total.in_flight += not one.aside
        return
    total.variance += by
    if price is None:
        total.unpriced += 1
    else:
        total.value = (total.value or Decimal(0)) + Decimal(price[0]) * by


def _add_up(whole: Compared, one: Compared) -> None:
    """One place's sums into those of its channel."""
    for name in ("compared", "equal", "in_flight", "variance", "unpriced"):
        setattr(whole, name, getattr(whole, name) + getattr(one, name))
    if one.value is not None:
        whole.value = (whole.value or Decimal(0)) + one.value
