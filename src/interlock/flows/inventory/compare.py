"""One comparison of a channel with what it should show: list it, compare in SQL, have a closer look at what differs, add up, heal.

A place that changed while it was compared is no difference, nor is anything once another release runs.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Final

import msgspec

from interlock.clock import Clock
from interlock.flows.inventory.asking import CALL_SECONDS, Stocked, persistently
from interlock.flows.inventory.judging import Judging
from interlock.flows.inventory.line import Ignored
from interlock.flows.inventory.mending import Mending
from interlock.flows.inventory.recount import Recount
from interlock.flows.inventory.rules import Channel, StockRules
from interlock.flows.inventory.tally import Judged, Tally
from interlock.messaging.accuracy import AccuracyBook, Difference, Measured, OpenSide, Run, Side
from interlock.messaging.stock import Place, Seen, SeenPage, StockChannel
from interlock.messaging.stock_book import StockBook, StockWork

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
        self._rules: StockRules = release.stock
        self._book = book
        self._accounts = accounts
        self._clock = clock
        self._open_side = side
        self._recount = recount
        channels: dict[str, Channel] = {
            place: channel
            for channel in self._rules.channels.get(run.channel, ())
            for place, names in channel.places.items()
            if not run.location or run.location in names
        }
        self._locations = {place: "+".join(channel.places[place]) for place, channel in channels.items()}
        self._port: StockChannel = release.stock_channel(run.channel)
        self._judging = Judging(
            run, release, channels, book=book, accounts=accounts, clock=clock, recount=recount, read=self._read, holds=holds
        )  # fmt: skip
        self._mending = Mending(self._rules, channels, dry=run.dry)
        self._tally = Tally(run.channel, self._locations)
        self._kept = 0

    async def made(self) -> Measured:
        """The run with its end, and its numbers. Raises NotReadError when the channel does not let itself be listed."""
        began_us = self._now_us()
        self._run = msgspec.structs.replace(self._run, at_us=began_us)
        news = await self._news()
        with self._open_side(self._run.channel, self._run.sku, self._locations) as side:
            await self._list(side)
            await side.compare(began_us, self._grouped(side), news)
            self._tally.begin(side)
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

    # -- what differs

    async def _look_closely(self, side: Side) -> None:
        after, looked = 0, 0
        while rows := side.some(after, AT_ONCE):
            after = rows[-1].number
            judged = await self._judging.judge(rows, confirm=looked < CONFIRMED)
            looked += len(rows)
            await self._heal(judged)
            await self._keep(judged)

    async def _heal(self, judged: Sequence[Judged]) -> None:
        if not self._run.dry:
            opened = await self._book.run(
                lambda work: self._mending.open(work, judged=judged, now_ms=self._clock.now_ms())
            )
            self._run = msgspec.structs.replace(self._run, opened=self._run.opened + opened)

    async def _keep(self, judged: Sequence[Judged]) -> None:
        prices = self._accounts.prices(
            self._run.channel, {one.row.item for one in judged if one.verdict and one.row.item}
        )
        differences, asked = [], 0
        for one in judged:
            group = self._rules.group(one.row.sku) if self._rules.inventory.groups else ""
            price = prices.get(one.row.item)
            self._tally.add(one, group, price)
            if one.verdict is None or (one.verdict.cause == "in_flight" and not one.verdict.watched):
                continue
            difference = self._mending.difference(
                one, one.verdict, location=self._locations[one.row.place], group=group, price=price or ("", ""),
                now_ms=self._clock.now_ms(), run=self._run.id,
            )  # fmt: skip
            asked += difference.state == "asked" and difference.cause != "in_flight"
            if self._kept < KEPT:
                self._kept += 1
                differences.append(difference)
        self._run = msgspec.structs.replace(self._run, asked=self._run.asked + asked)
        if differences:
            await self._accounts.differ(differences)

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
        whole = self._tally.whole
        run = msgspec.structs.replace(
            self._run, state="done", ended_ms=self._clock.now_ms(), compared=whole.compared, equal=whole.equal,
            in_flight=whole.in_flight,
        )  # fmt: skip
        if not run.whole:
            return Measured(run=run)
        accuracy = self._tally.accuracy(run, self._accounts.oldest(run.channel, run.id))
        return Measured(run=run, accuracy=accuracy, heat=self._tally.heat(), causes=self._tally.causes)

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


def _matching(work: StockWork, *, pattern: str) -> list[str]:
    """SKUs that are counted and fit."""
    found: list[str] = []
    after = ""
    while skus := work.skus(after, 1_000):
        found += [sku for sku in skus if fnmatchcase(sku, pattern)]
        after = skus[-1]
    return found
