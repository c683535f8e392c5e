"""Shows stock: a delivery to a channel works out what the place should show now, compares, and writes the difference."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol

from interlock.clock import Clock
from interlock.errors import StoreError
from interlock.flows.inventory.deciding import LOOK_SOON_SECONDS, Asked, Deciding, Doubt, shown_no_more, suspended
from interlock.flows.inventory.destination import ShownDestination, quantity_of
from interlock.flows.inventory.publish import Publishing, settled_at_us
from interlock.flows.inventory.rules import Channel, StockRules
from interlock.flows.inventory.taking import Taking
from interlock.flows.inventory.writer import ChannelWriter
from interlock.messaging.delivery import LIVE, Delivery
from interlock.messaging.finished import Finished, Stop, dead, failure_of
from interlock.messaging.limiter import Limiter
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.releases import Document, Limits
from interlock.messaging.stock import Place, Seen, StockChannel, lists_late, requests_of_write
from interlock.messaging.stock_book import Shown, StockBook, StockWork, channel_of, place_of
from interlock.messaging.write import Once

LOG = logging.getLogger("interlock.flows")


class Stocked(Protocol):
    """The release of a delivery, as far as stock is concerned."""

    id: str

    @property
    def stock(self) -> StockRules:
        """Its rules."""

    def stock_channel(self, system: str) -> StockChannel:
        """The channel's client."""

    def limits(self, destination: str) -> Limits:
        """Of the channel."""


class Showing:
    """What the courier asks about deliveries to `stock:CHANNEL`."""

    def __init__(self, book: StockBook, clock: Clock, wake: Callable[[], None]) -> None:
        self._book = book
        self._clock = clock
        self._wake = wake
        self._writers: dict[str, ChannelWriter] = {}

    def destination(self, delivery: Delivery, release: Stocked) -> ShownDestination:
        """The channel, as the courier writes to it. Raises Stop: nor is a call made again while its source is silent."""
        if any(one.write.once is Once.KEY for one in delivery.unsettled):
            self._require_fresh(release.stock, *self._place(delivery, release.stock))
        return ShownDestination(self._writer(channel_of(delivery.destination), release), live=delivery.priority == LIVE)

    def _require_fresh(self, rules: StockRules, channel: Channel, row: Shown) -> None:
        now_us = self._clock.now_ms() * 1_000
        found = self._book.look(lambda work: Publishing(work, rules, now_us).sum(channel, row.place, row.sku, row))
        if found.suspended:
            raise suspended(found, now_us, LOOK_SOON_SECONDS)

    def _place(self, delivery: Delivery, rules: StockRules) -> tuple[Channel, Shown]:
        """What shows it, and what is known of it. Raises Stop: the folder shows it no more."""
        system = channel_of(delivery.destination)
        sku, place = place_of(delivery.key)
        channel = rules.channel(system, place)
        row = self._book.look(lambda work: work.shown(system, place, sku))
        if channel is None or row is None:
            raise shown_no_more(system, place, f"no {sku}" if channel else "nothing")
        return channel, row

    async def document(self, delivery: Delivery, release: Stocked, timeout_seconds: float) -> Document:
        """What the place should show now, against what the channel is known to show. Raises Stop."""
        channel, row = self._place(delivery, release.stock)
        system, place, sku = row.channel, row.place, row.sku
        if not row.item:
            raise dead("mapping", row.trouble or "STK001", row.said or f"{system} lists no item that is {sku}")
        self._require_settled(delivery, release.stock, channel, row)
        writer = self._writer(system, release)
        doubt = Doubt(_doubted(delivery), writer.channel.compares, lists_late(writer.channel))
        at, live = Place(row.item, place), delivery.priority == LIVE
        seen = await self._seen(writer, at, timeout_seconds, live=live) if doubt.needs_reading(row) else None
        decide = partial(self._decided, release.stock, Asked(channel, row, doubt, delivery.replayed))
        decided = await decide(seen)
        if decided is None:  # no write would tell what the place shows
            decided = await decide(await self._seen(writer, at, timeout_seconds, live=live))
        assert decided is not None  # with what was just seen, it is
        if isinstance(decided, Stop):
            raise decided
        return decided

    async def _decided(self, rules: StockRules, asked: Asked, seen: Seen | None) -> Document | Stop | None:
        """When more or less is gone at the place than was known, all others are worked out anew in the same transaction: what is
        gone here can be sold nowhere."""
        known = asked.known

        def work(book: StockWork) -> tuple[Document | Stop | None, int]:
            now_us, before = self._clock.now_ms() * 1_000, _missing(book, known)
            decided = Deciding(book, rules, asked, now_us).decide(seen)
            if _missing(book, known) == before:
                return decided, 0
            taking = Taking(book, rules, now_us, besides=(known.channel, known.place, known.sku))
            taking.touched[known.sku] = 0
            return decided, taking.finish()

        decided, opened = await self._book.run(work)
        if opened:
            self._wake()
        return decided

    def _require_settled(self, delivery: Delivery, rules: StockRules, channel: Channel, row: Shown) -> None:
        """What changed while the place was written waits as long as what changed after it. Raises Stop."""
        now_us = self._clock.now_ms() * 1_000
        settled_us = settled_at_us(row, rules.terms(channel, row.sku, row.place), now_us)
        if settled_us > now_us and not delivery.unsettled and not delivery.replayed:
            raise Stop(Finished(state="waiting", not_before_ms=-(-settled_us // 1_000)))

    # -- what is so

    async def _seen(self, writer: ChannelWriter, place: Place, timeout_seconds: float, *, live: bool) -> Seen:
        match await self._read(writer, place, timeout_seconds, live=live):
            case Seen() as answer:
                return answer
            case Refused() as answer:
                raise dead(answer.reason, answer.code, answer.message)
            case Retry() as answer:
                failure = failure_of(
                    "unavailable", answer.code, f"what {writer.system} shows could not be read: {answer.message}"
                )
                raise Stop(Finished(
                    state="retrying", failure=failure, retry_after_seconds=answer.retry_after_seconds, unanswered=True,
                ))  # fmt: skip

    @staticmethod
    async def _read(
        writer: ChannelWriter, place: Place, timeout_seconds: float, *, live: bool
    ) -> Seen | Retry | Refused:  # fmt: skip
        """A client that raises has not read it: that is this place's trouble, and never the hub's."""
        try:
            return await writer.read(place, timeout_seconds, live=live)
        except StoreError:
            raise
        except Exception as error:
            LOG.exception("HUB-CLIENT the client of %s failed while %s was read", writer.system, place)
            return Retry(code="HUB-CLIENT", message=f"{type(error).__name__} in the client of {writer.system}")

    def _writer(self, system: str, release: Stocked) -> ChannelWriter:
        channel = release.stock_channel(system)
        found = self._writers.get(system)
        if found is None or found.channel is not channel:
            limits = release.limits(system)
            at_once = limits.burst or requests_of_write(channel)  # more would go together anyway
            limiter = Limiter(
                self._clock, concurrency=limits.concurrency, rate_per_second=limits.rate_per_second, burst=at_once
            )
            found = self._writers[system] = ChannelWriter(system, channel, self._book, self._clock, limiter)
        return found


def _missing(work: StockWork, of: Shown) -> int:
    row = work.shown(of.channel, of.place, of.sku)
    return row.missing if row is not None else 0


def _doubted(delivery: Delivery) -> tuple[int, ...]:
    """Of calls that cannot be made again by their key."""
    return tuple(quantity_of(one.write) for one in delivery.unsettled if one.write.once is Once.UPSERT)
