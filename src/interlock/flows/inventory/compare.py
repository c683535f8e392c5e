"""One comparison of a channel with what it should show: list it, compare in SQL, look again at what differs, name each cause, heal.

A place that changed while it was compared is no difference, nor is anything once another release runs. Whatever differs is
read once more, place by place, and counts only when its row in the book stood still meanwhile and no write to it is on its way.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Final

import msgspec

from interlock.clock import Clock
from interlock.flows.inventory.asking import CALL_SECONDS, Stocked, persistently
from interlock.flows.inventory.causes import Case, Verdict, is_on_its_way, verdict_of
from interlock.flows.inventory.line import Ignored
from interlock.flows.inventory.publish import Publishing
from interlock.flows.inventory.recount import Recount
from interlock.flows.inventory.rules import Channel, StockRules
from interlock.flows.inventory.tally import Compared, Judged, add_up, book_in
from interlock.flows.inventory.unshown import units_newly_sold
from interlock.messaging.accuracy import (
    Accuracy,
    AccuracyBook,
    CauseCount,
    Difference,
    Differs,
    Healing,
    Heat,
    Known,
    Measured,
    OpenSide,
    Run,
    Side,
    Work,
)
from interlock.messaging.delivery import REPLAY
from interlock.messaging.stock import Place, Seen, SeenPage, StockChannel, lists_late
from interlock.messaging.stock_book import FOREIGN, Shown, StockBook, StockWork, Wish, key_of

AT_ONCE: Final = 250
"""Places in one direct read, and in one transaction."""
READ_DIRECTLY: Final = 2_500
"""A slice of so few places is read place by place: no listing of the whole channel is needed."""
CONFIRMED: Final = 10_000
"""So many of the worst are read again before they count; of more than that the listing is believed."""
KEPT: Final = 10_000
STRANGERS: Final = 200
MOST_PAGES: Final = 1_000_000
NOTED_EVERY_PAGES: Final = 50


class Comparison:
    """Makes one run. `side` opens the side table; `recount` asks sources of truth again; `holds`: whether the release still runs
    whose rules it compares by."""

    def __init__(
        self, run: Run, release: Stocked, *, book: StockBook, accounts: AccuracyBook, clock: Clock, side: OpenSide,
        recount: Recount, holds: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._run = run
        self._holds = holds
        self._release = release
        self._rules: StockRules = release.stock
        self._book = book
        self._accounts = accounts
        self._clock = clock
        self._open_side = side
        self._recount = recount
        self._channels: dict[str, Channel] = {
            place: channel
            for channel in self._rules.channels.get(run.channel, ())
            for place, names in channel.places.items()
            if not run.location or run.location in names
        }
        self._locations = {place: "+".join(channel.places[place]) for place, channel in self._channels.items()}
        self._port: StockChannel = release.stock_channel(run.channel)
        self._places = {place: Compared() for place in self._channels}
        self._groups: dict[tuple[str, str], Compared] = {}
        self._causes: dict[str, CauseCount] = {}
        self._currency = ""
        self._kept = 0

    async def made(self) -> Measured:
        """The run with its end, and its numbers. Raises NotReadError when the channel does not let itself be listed."""
        began_us = self._now_us()
        self._run = msgspec.structs.replace(self._run, at_us=began_us)
        news = await self._news()
        with self._open_side(self._run.channel, self._run.sku, self._locations) as side:
            await self._list(side)
            await side.compare(began_us, self._grouped(side), news)
            self._begin(side)
            await self._look_closely(side)
            await self._strangers(side)
        return self._measured()

    # -- both sides

    async def _news(self) -> set[str]:
        """Of a slice the sources are asked again first: what they had not told shows at once."""
        if not self._run.sku:
            return set()
        skus = self._book.look(partial(_matching, pattern=self._run.sku))
        return await self._recount.told(skus, apply=not self._run.dry)

    async def _list(self, side: Side) -> None:
        if not self._run.whole and side.at_most(READ_DIRECTLY):
            places = side.places()
            for first in range(0, len(places), AT_ONCE):
                began_us = self._now_us()
                seen = await self._read(places[first : first + AT_ONCE])
                await self._noted(side.take(began_us, seen), first // AT_ONCE)
            return
        after = ""
        for number in range(MOST_PAGES):
            began_us = self._now_us()
            page: SeenPage = await self._persistently(partial(self._port.listing, after, timeout_seconds=CALL_SECONDS))
            await self._noted(side.take(began_us, page.seen), number)
            if not page.after or page.after == after:
                return
            after = page.after

    async def _noted(self, listed: int, page: int) -> None:
        self._run = msgspec.structs.replace(self._run, listed=self._run.listed + listed)
        if page % NOTED_EVERY_PAGES == 0:
            await self._accounts.note(self._run)

    def _grouped(self, side: Side) -> Mapping[str, str] | None:
        """SKU -> its group; None when the folder has none. Only of a whole run."""
        if not self._run.whole or not self._rules.inventory.groups:
            return None
        return {sku: name for sku in side.skus() if (name := self._rules.group(sku))}

    def _begin(self, side: Side) -> None:
        for place, count in side.totals.items():
            self._places[place].compared = self._places[place].equal = count
        for (place, name), count in side.group_totals.items():
            self._groups[place, name] = Compared(compared=count, equal=count)
        for place, count in side.totals.items():
            rest = count - sum(one for (at, _), one in side.group_totals.items() if at == place)
            self._groups[place, ""] = Compared(compared=rest, equal=rest)

    # -- what differs

    async def _look_closely(self, side: Side) -> None:
        after, looked = 0, 0
        while rows := side.some(after, AT_ONCE):
            after = rows[-1].number
            judged = await self._judged(rows, confirm=looked < CONFIRMED)
            looked += len(rows)
            opened = 0 if self._run.dry else await self._book.run(partial(self._heal, judged=judged))
            self._run = msgspec.structs.replace(self._run, opened=self._run.opened + opened)
            await self._keep(judged)

    async def _judged(self, rows: Sequence[Differs], *, confirm: bool) -> list[Judged]:
        before = self._book.look(partial(_rows_of, channel=self._run.channel, rows=rows))
        seen: dict[Place, Seen] = {}
        if confirm:
            places = [Place(row.item, row.place) for row in rows if row.item]
            seen = {one.place: one for one in (await self._read(places) if places else ())}
        await self._recount.told([row.sku for row in rows if not row.moved], apply=not self._run.dry)
        keys = [key_of(row.sku, row.place) for row in rows]
        works = self._accounts.work_of(self._run.channel, keys)
        known = self._accounts.known(self._run.channel, [(row.sku, row.place) for row in rows])
        return self._book.look(partial(self._judge, rows=rows, before=before, seen=seen, works=works, known=known))

    def _judge(
        self, work: StockWork, *, rows: Sequence[Differs], before: Mapping[tuple[str, str], Shown],
        seen: Mapping[Place, Seen], works: Mapping[tuple[str, str], Work], known: Mapping[tuple[str, str], Known],
    ) -> list[Judged]:  # fmt: skip
        publishing, now_us = Publishing(work, self._rules, self._now_us()), self._now_us()
        now = _rows_of(work, channel=self._run.channel, rows=rows)
        judged = []
        for each in rows:
            row, then = now.get((each.sku, each.place)), before.get((each.sku, each.place))
            if row is None or then is None:
                continue  # the folder has dropped it meanwhile
            channel, again = self._channels[each.place], seen.get(Place(each.item, each.place))
            shown = each.shown if again is None else (again.quantity if again.stocked else None)
            found = publishing.sum(channel, each.place, each.sku, row)
            if row.item and work.unwritable(self._run.channel, row.item):
                judged.append(Judged(row=row, aside=True))
                continue
            policy = self._rules.terms(channel, each.sku, each.place)
            case = Case(
                row=row, shown=shown, found=found, now_us=now_us, grace_us=round(policy.unexplained_seconds * 1e6),
                pack=self._rules.normaliser.pack(channel.system, each.sku), work=works.get((row.flow, key_of(each.sku, each.place))),
                lost=self._recount.lost.get(each.sku, ""), set_us=again.at_us if again else 0,
                before=known.get((each.sku, each.place)), unshown=self._newly_sold(work, each.sku, now_us),
                just_known=self._is_just_known(work, publishing, each.sku),
            )  # fmt: skip
            moved = self._moved(each, then, row, confirmed=again is not None)
            judged.append(self._ruled(case, moved=moved or not self._holds()))
        return judged

    def _newly_sold(self, work: StockWork, sku: str, now_us: int) -> int:
        """Units that a channel which lists late has sold a moment ago: what it lists may be of before (Amazon)."""
        if not lists_late(self._port):
            return 0
        return units_newly_sold(work, self._rules, self._run.channel, sku, now_us)

    def _is_just_known(self, work: StockWork, publishing: Publishing, sku: str) -> bool:
        parts = self._rules.normaliser.components(sku) or {sku: 1}
        waiting = (publishing.waiting(line) for part in parts for line in work.reserved(part))
        return any(one is not None and one.known for one in waiting)

    def _ruled(self, case: Case, *, moved: bool) -> Judged:
        wanted = None if case.found.suspended else case.found.quantity
        told = Judged(row=case.row, shown=case.shown, wanted=case.row.wanted if wanted is None else wanted)
        if case.lost and (self._run.dry or case.quantity != told.wanted):
            return msgspec.structs.replace(told, verdict=verdict_of(case))
        if moved or self.is_in_flight(case):
            return msgspec.structs.replace(told, verdict=Verdict("in_flight", "it moved while it was compared"))
        if case.quantity == told.wanted and case.row.item:
            return told
        return msgspec.structs.replace(told, verdict=verdict_of(case))

    def is_in_flight(self, case: Case) -> bool:
        """Whether a write to the place is on its way."""
        return is_on_its_way(case.work, case.now_us)

    def _moved(self, listed: Differs, before: Shown, now: Shown, *, confirmed: bool) -> bool:
        """Whether it changed while it was looked at: since the second look began, or else since its page was asked for."""
        return _moving(before) != _moving(now) or (listed.moved and not confirmed)

    # -- what follows

    def _heal(self, work: StockWork, *, judged: Sequence[Judged]) -> int:
        """Read and written by a delivery like any other: it compares, it follows the policy, and it asks where that says so."""
        opened = 0
        for one in judged:
            if _healing(one, self._asks(one.row)) not in ("healing", "asked") or not _is_ours(one):
                continue
            row = work.shown(one.row.channel, one.row.place, one.row.sku)
            if row is None or (row.trouble and row.trouble != FOREIGN):
                continue
            channel = self._channels[row.place]
            trouble = FOREIGN if self._asks(row) and one.verdict and one.verdict.cause != "in_flight" else row.trouble
            work.show(msgspec.structs.replace(row, seen_us=0, trouble=trouble))
            work.wish(
                Wish(flow=row.flow, system=channel.source, channel=row.channel, sku=row.sku, place=row.place,
                     release=self._rules.release, priority=REPLAY),
                self._clock.now_ms(),
            )  # fmt: skip
            opened += 1
        return opened

    def _asks(self, row: Shown) -> bool:
        return self._rules.terms(self._channels[row.place], row.sku, row.place).heal == "ask"

    async def _keep(self, judged: Sequence[Judged]) -> None:
        prices = self._accounts.prices(
            self._run.channel, {one.row.item for one in judged if one.verdict and one.row.item}
        )
        differences, asked = [], 0
        for one in judged:
            group = self._rules.group(one.row.sku) if self._rules.inventory.groups else ""
            self._add(
                one, prices.get(one.row.item), (self._places[one.row.place], self._groups.get((one.row.place, group)))
            )
            if one.verdict is None or (one.verdict.cause == "in_flight" and not one.verdict.watched):
                continue
            difference = self._difference(one, one.verdict, group, prices.get(one.row.item, ("", "")))
            asked += difference.state == "asked" and difference.cause != "in_flight"
            if self._kept < KEPT:
                self._kept += 1
                differences.append(difference)
        self._run = msgspec.structs.replace(self._run, asked=self._run.asked + asked)
        if differences:
            await self._accounts.differ(differences)

    def _add(self, one: Judged, price: tuple[str, str] | None, sums: Sequence[Compared | None]) -> None:
        by = 0 if one.wanted is None else abs((one.shown or 0) - one.wanted)
        cause = one.verdict.cause if one.verdict else ""
        if cause and cause != "in_flight":
            known = self._causes.get(cause)
            self._causes[cause] = CauseCount(
                channel=self._run.channel, cause=one.verdict.cause if one.verdict else "unknown",
                positions=(known.positions if known else 0) + 1, variance=(known.variance if known else 0) + by,
            )  # fmt: skip
        if price and not self._currency:
            self._currency = price[1]
        for total in sums:
            if total is not None:
                book_in(total, one, by, price if price and price[1] == self._currency else None)

    def _difference(self, one: Judged, verdict: Verdict, group: str, price: tuple[str, str]) -> Difference:
        row, now_ms = one.row, self._clock.now_ms()
        healing = "found" if self._run.dry else _healing(one, self._asks(row))
        return Difference(
            channel=row.channel, place=row.place, sku=row.sku, location=self._locations[row.place], cause=verdict.cause,
            what=verdict.what, next_move=_next_move(verdict, healing), state=healing, wanted=one.wanted, shown=one.shown,
            known=row.seen, item=row.item, group=group, price=price[0], currency=price[1], since_ms=now_ms, last_ms=now_ms,
            run=self._run.id,
        )  # fmt: skip

    async def _strangers(self, side: Side) -> None:
        """What the channel sells and nobody counts."""
        if not self._run.whole:
            return
        found = [
            (item, quantity, sku) for item, quantity, sku in side.strangers(STRANGERS)
            if not self._is_ignored(item, sku)
        ]  # fmt: skip
        now_ms, channel = self._clock.now_ms(), self._run.channel
        self._run = msgspec.structs.replace(self._run, strangers=len(found))
        await self._accounts.differ([
            Difference(
                channel=channel, place="", sku=sku, item=item, location="", cause="unmapped", shown=quantity, state="left",
                what=f"{channel} sells {quantity} of {sku or 'item ' + item}: no source of truth counts it", run=self._run.id,
                next_move="name it in inventory/items.toml, count it, or list it there under ignore", since_ms=now_ms, last_ms=now_ms,
            )
            for item, quantity, sku in found
        ])  # fmt: skip

    def _is_ignored(self, item: str, sku: str) -> bool:
        return isinstance(self._rules.normaliser.sku(self._run.channel, item, sku), Ignored)

    # -- the numbers

    def _measured(self) -> Measured:
        whole = Compared()
        for one in self._places.values():
            add_up(whole, one)
        run = self._run = msgspec.structs.replace(
            self._run, state="done", ended_ms=self._clock.now_ms(), compared=whole.compared, equal=whole.equal,
            in_flight=whole.in_flight,
        )  # fmt: skip
        if not run.whole:
            return Measured(run=run)
        oldest = self._accounts.oldest(run.channel, run.id)
        rows = [self._accuracy("", "", whole, min(oldest.values(), default=0))]
        rows += [
            self._accuracy(place, self._locations[place], one, oldest.get(place, 0))
            for place, one in self._places.items()
        ]
        heat = [
            Heat(channel=run.channel, group=name, place=place, location=self._locations[place], compared=one.compared,
                 equal=one.equal, variance=one.variance)
            for (place, name), one in self._groups.items() if one.compared
        ]  # fmt: skip
        return Measured(run=run, accuracy=rows, heat=heat, causes=tuple(self._causes.values()))

    def _accuracy(self, place: str, location: str, one: Compared, oldest_ms: int) -> Accuracy:
        return Accuracy(
            run=self._run.id, channel=self._run.channel, place=place, location=location, at_ms=self._run.at_us // 1_000,
            compared=one.compared, equal=one.equal, in_flight=one.in_flight, variance=one.variance,
            value="" if one.value is None else str(one.value), currency=self._currency, unpriced=one.unpriced,
            oldest_ms=oldest_ms,
        )  # fmt: skip

    # -- how

    async def _read(self, places: Sequence[Place]) -> tuple[Seen, ...]:
        found: tuple[Seen, ...] = await self._persistently(
            partial(self._port.read, places, timeout_seconds=CALL_SECONDS)
        )
        return found

    async def _persistently(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Its answer, or NotReadError; whoever follows the run sees what it waits for."""
        return await persistently(self._clock, ask, waits=self._waits)

    async def _waits(self, words: str) -> None:
        waiting = f"waits for an answer of {self._run.channel} {words}" if words else ""
        self._run = msgspec.structs.replace(self._run, error=waiting)
        await self._accounts.note(self._run)

    def _now_us(self) -> int:
        return self._clock.now_ms() * 1_000


def _rows_of(work: StockWork, *, channel: str, rows: Sequence[Differs]) -> dict[tuple[str, str], Shown]:
    found = {(row.sku, row.place): work.shown(channel, row.place, row.sku) for row in rows}
    return {key: row for key, row in found.items() if row is not None}


def _matching(work: StockWork, *, pattern: str) -> list[str]:
    """SKUs that are counted and fit, at most as many as are asked for at their sources."""
    found: list[str] = []
    after = ""
    while skus := work.skus(after, 1_000):
        found += [sku for sku in skus if fnmatchcase(sku, pattern)]
        after = skus[-1]
    return found


def _moving(row: Shown) -> tuple[object, ...]:
    """What changes when a place is counted, read, sold from or written."""
    return row.seen, row.seen_us, row.written_us, row.wanted, row.change, row.sold, row.missing


def _healing(one: Judged, asks: bool) -> Healing:
    cause = one.verdict.cause if one.verdict else ""
    if cause in ("foreign", "rounding", "unknown"):
        return "asked" if asks else "healing"
    if cause == "refused":
        return "asked"
    return "healing" if cause in ("late", "lost_event", "in_flight") else "left"


def _is_ours(one: Judged) -> bool:
    """Whether a delivery has to be opened: not where one is open, or follows from what the source has told."""
    if one.verdict is None or one.aside or not one.row.item:
        return False
    if one.verdict.watched:
        return one.row.seen_us > 0
    return one.verdict.cause in ("foreign", "rounding", "unknown") and one.row.trouble != FOREIGN


def _next_move(verdict: Verdict, healing: Healing) -> str:
    if healing == "asked" and verdict.cause != "refused":
        return "interlock replay its delivery to write our number, or leave theirs until its stock changes"
    if healing == "found" and verdict.cause in ("foreign", "rounding", "unknown", "lost_event"):
        return "compare without --dry-run: it is brought right then"
    return verdict.next_move
