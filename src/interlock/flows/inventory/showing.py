"""Shows stock: a delivery to a channel works out what the place should show now, compares, and writes the difference."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from interlock.clock import Clock
from interlock.errors import StoreError
from interlock.flows.inventory.publish import Publishing, Sum, settled_at_us
from interlock.flows.inventory.rules import Channel, StockRules
from interlock.flows.inventory.settling import reference_of
from interlock.flows.inventory.taking import Taking
from interlock.flows.inventory.unshown import units_newly_sold
from interlock.flows.inventory.writer import ChannelWriter
from interlock.messaging.delivery import LIVE, Delivery
from interlock.messaging.finished import Finished, Stop, dead, failure_of
from interlock.messaging.limiter import Limiter
from interlock.messaging.outcome import Outcome, Refused, Retry
from interlock.messaging.releases import Document, Limits
from interlock.messaging.stock import Line, Place, Seen, StockChannel, lists_late, requests_of_write
from interlock.messaging.stock_book import FOREIGN, Happened, Shown, StockBook, StockWork, channel_of, place_of
from interlock.messaging.write import Absent, Found, LookUp, Once, Past, Plan, Write

OPERATION: Final = "set_stock"
LOOK_AGAIN_SECONDS: Final = 900.0
"""A place whose source is silent is looked at again so often, at once when that says something: in the midst of a full sync 100,000
of them wait."""
LOOK_SOON_SECONDS: Final = 60.0
"""And one that has a call without an answer or a person's number, which are few, and which nothing wakes."""
KEY_MEMORY_SECONDS: Final = 23 * 3_600.0
"""Shopify remembers an idempotency key for 24 h (F41); an hour less, so that the last use is well within it."""
FEED_SECONDS: Final = 900.0
"""A write without an answer may still land for so long: Amazon's feeds are processed within minutes."""

LOG = logging.getLogger("interlock.flows")
_encode = msgspec.json.Encoder().encode
_line = msgspec.json.Decoder(Line).decode


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


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What one place should show. `line` is what has to be written, None when the channel shows it already (`because`)."""

    line: Line | None
    because: str = ""


class Doubt(NamedTuple):
    """What may have been written: quantities of calls without an answer that may land still. `compares`: one that lands late is
    refused by the channel itself; `lists_late`: what it shows may lack its newest sales."""

    quantities: tuple[int, ...]
    compares: bool
    lists_late: bool = False

    def of(self, row: Shown) -> bool:
        """Whether only a write can tell what the place shows: what was read there may be overtaken."""
        unknown = row.seen is None and (row.written is not None or row.seen_us < 0)  # of what was known once
        return not self.compares and (bool(self.quantities) or unknown)

    def needs_reading(self, row: Shown) -> bool:
        """Whether the place is read before anything is decided. Where an event has said something of it, the compare of the next
        write tells as much, if there is one: mostly it was the echo of our own."""
        if self.quantities or (row.sold and self.compares):
            return True
        is_compared = self.compares and row.seen is not None and row.stocked and row.trouble != FOREIGN
        return row.seen_us == 0 or (row.seen_us < 0 and not is_compared)


class Showing:
    """What the courier asks about deliveries to `stock:CHANNEL`."""

    def __init__(self, book: StockBook, clock: Clock, wake: Callable[[], None]) -> None:
        self._book = book
        self._clock = clock
        self._wake = wake
        self._writers: dict[str, ChannelWriter] = {}

    def destination(self, delivery: Delivery, release: Stocked) -> "ShownDestination":
        """The channel, as the courier writes to it. Raises Stop: nor is a call made again while its source is silent."""
        if any(one.write.once is Once.KEY for one in delivery.unsettled):
            self._require_fresh(release.stock, *self._place(delivery, release.stock))
        return ShownDestination(self._writer(channel_of(delivery.destination), release), live=delivery.priority == LIVE)

    def _require_fresh(self, rules: StockRules, channel: Channel, row: Shown) -> None:
        now_us = self._clock.now_ms() * 1_000
        found = self._book.look(lambda work: Publishing(work, rules, now_us).sum(channel, row.place, row.sku, row))
        if found.suspended:
            raise _suspended(found, now_us, LOOK_SOON_SECONDS)

    def _place(self, delivery: Delivery, rules: StockRules) -> tuple[Channel, Shown]:
        """What shows it, and what is known of it. Raises Stop: the folder shows it no more."""
        system = channel_of(delivery.destination)
        sku, place = place_of(delivery.key)
        channel = rules.channel(system, place)
        row = self._book.look(lambda work: work.shown(system, place, sku))
        if channel is None or row is None:
            raise _shown_no_more(system, place, f"no {sku}" if channel else "nothing")
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
        decide = partial(
            self._decide, rules=release.stock, channel=channel, known=row, doubt=doubt, told=delivery.replayed
        )
        decided = await self._with_others(partial(decide, seen=seen), release.stock, row)
        if decided is None:  # no write would tell what the place shows
            seen = await self._seen(writer, at, timeout_seconds, live=live)
            decided = await self._with_others(partial(decide, seen=seen), release.stock, row)
        assert decided is not None  # with what was just seen, it is
        if isinstance(decided, Stop):
            raise decided
        return decided

    async def _with_others(
        self, decide: Callable[[StockWork], Document | Stop | None], rules: StockRules, known: Shown
    ) -> Document | Stop | None:
        """What is decided of a place; when more or less is gone there than was known, all other places are worked out anew in the
        same transaction: what is gone here can be sold nowhere."""

        def work(book: StockWork) -> tuple[Document | Stop | None, int]:
            before = _missing(book, known)
            decided = decide(book)
            if _missing(book, known) == before:
                return decided, 0
            here = (known.channel, known.place, known.sku)
            taking = Taking(book, rules, self._clock.now_ms() * 1_000, besides=here)
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
                raise Stop(
                    Finished(
                        state="retrying",
                        failure=failure,
                        retry_after_seconds=answer.retry_after_seconds,
                        unanswered=True,
                    )
                )

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

    def _decide(
        self, work: StockWork, *, rules: StockRules, channel: Channel, known: Shown, seen: Seen | None, doubt: Doubt, told: bool,
    ) -> Document | Stop | None:  # fmt: skip
        """In the transaction that keeps what was seen. `known` is what we knew when the channel was asked; `told`: a person has
        replayed the delivery. None, and nothing kept: the place is in doubt, and there is nothing to write."""
        now_us = self._clock.now_ms() * 1_000
        row = work.shown(known.channel, known.place, known.sku)
        if row is None:  # a release has given it another name while it was read
            return _shown_no_more(known.channel, known.place, f"no {known.sku}")
        unsure = doubt.of(row)
        if seen is not None:
            asks, row = rules.terms(channel, row.sku, row.place).heal == "ask", _as_written(row, seen, doubt)
            sold = units_newly_sold(work, rules, row.channel, row.sku, now_us) if doubt.lists_late else 0
            less = _less_sold(known, row, seen, sold) if asks or row.seen is None else seen
            is_more = row.seen is None or less.quantity > row.seen
            unsure = unsure or (is_more and sold > 0)  # it may be what the place had before these sales
            row = self._was_seen(work, known, row, less, now_us, asks=asks)
        elif row.sold and row.seen is not None:  # a channel that cannot compare may show its own sales late
            row = msgspec.structs.replace(row, seen=max(0, row.seen - row.sold), sold=0)
        found = Publishing(work, rules, now_us).sum(channel, row.place, row.sku, row)
        answered = told and _is_answered(known, seen)
        if found.suspended:
            unasked = row.trouble == FOREIGN and not answered  # nobody is asked now: it is read, and asked about, later
            work.show(msgspec.structs.replace(row, said=found.suspended, seen_us=0 if unasked else row.seen_us))
            soon = row.trouble or doubt.quantities
            return _suspended(found, now_us, LOOK_SOON_SECONDS if soon else LOOK_AGAIN_SECONDS)
        differs = _differs(row, found, unsure=unsure)
        if not differs and seen is None and row.seen_us <= 0:
            return None
        if row.trouble == FOREIGN and differs and not answered:
            words = f"{row.channel} shows {row.seen}, {found.quantity} is right: somebody else wrote it"
            work.show(msgspec.structs.replace(row, said=words))
            return dead("foreign", FOREIGN, words)
        row = _decided(row, found.quantity, now_us, differs=differs)
        work.show(row)
        if differs:
            return Document(value=Wanted(line=_line_of(row, found, seen)), version=row.change)
        words = f"{row.channel} shows {row.seen or 0} already"
        return Document(value=Wanted(line=None, because=words), version=row.change)

    def _was_seen(
        self, work: StockWork, known: Shown, row: Shown, seen: Seen, now_us: int, *, asks: bool
    ) -> Shown:  # fmt: skip
        """What the channel shows now, against what it showed when we looked or wrote last: fewer may be a sale that is not told
        yet and counts as sold until its time is up; more is somebody's hand. What was told while the channel was read may be of
        after that: the place is read again, and a sale is still to be expected."""
        gone = 0 if row.seen is None else row.seen - seen.quantity
        missing, missing_us = row.missing, row.missing_us
        if gone > row.sold:
            missing, missing_us = missing + gone - row.sold, now_us
        elif gone < 0:
            missing = max(0, missing + gone)
            work.happened(Happened(
                at_us=now_us, kind="foreign", sku=row.sku, system=row.channel, place=row.place, name="available",
                before=row.seen, after=seen.quantity, why="somebody else wrote it", as_of_us=seen.at_us,
            ))  # fmt: skip
        return msgspec.structs.replace(
            row, seen=seen.quantity, seen_us=now_us if row.seen_us == known.seen_us else row.seen_us,
            sold=max(0, row.sold - max(gone, known.sold)), missing=missing, missing_us=missing_us if missing else 0,
            stocked=seen.stocked, trouble=FOREIGN if gone < 0 and asks else row.trouble,
        )  # fmt: skip

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


class ShownDestination:
    """The Destination port over a channel's writer."""

    def __init__(self, writer: ChannelWriter, *, live: bool) -> None:
        self._writer = writer
        self._live = live

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:
        """One write, or none: what has been written before is known better from the book than from the crosswalk."""
        del signal, past
        if document.line is None:
            return Plan(because=document.because)
        line: Line = document.line
        compares = self._writer.channel.compares
        return Plan(writes=(Write(
            operation=OPERATION, once=Once.KEY if compares else Once.UPSERT,
            reference=f"{line.sku}@{line.place.location}", body=_encode(line),
            quiet_period_seconds=0.0 if compares else FEED_SECONDS, memory_seconds=KEY_MEMORY_SECONDS if compares else 0.0,
        ),))  # fmt: skip

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:
        """With the lines of other deliveries."""
        return await self._writer.write(_line(write.body), idempotency_key, timeout_seconds, live=self._live)

    async def look_up(self, write: Write, *, timeout_seconds: float) -> LookUp:
        """Whether the place shows what the write would have set."""
        line = _line(write.body)
        seen = await self._writer.read(line.place, timeout_seconds, live=self._live)
        if isinstance(seen, Retry | Refused):
            return seen
        return (
            Found(external_id=f"{line.place.item}@{line.place.location}")
            if seen.quantity == line.quantity
            else Absent()
        )


def _missing(work: StockWork, of: Shown) -> int:
    row = work.shown(of.channel, of.place, of.sku)
    return row.missing if row is not None else 0


def _doubted(delivery: Delivery) -> tuple[int, ...]:
    """Of calls that cannot be made again by their key."""
    return tuple(_line(one.write.body).quantity for one in delivery.unsettled if one.write.once is Once.UPSERT)


def _differs(row: Shown, found: Sum, *, unsure: bool) -> bool:
    """Whether the place has to be written: what it does not carry needs no zero."""
    if not row.stocked:
        return found.quantity != 0
    return unsure or found.quantity != row.seen


def _is_answered(known: Shown, seen: Seen | None) -> bool:
    """Whether a person who has the delivery replayed answers by that: the question stood, and is about the number that is shown,
    or about one of which something may have been sold since. A number that somebody has put up since is another question."""
    higher = seen is not None and known.seen is not None and seen.quantity > known.seen
    return known.trouble == FOREIGN and known.seen_us != 0 and not higher


def _decided(row: Shown, wanted: int, now_us: int, *, differs: bool) -> Shown:
    """A question is answered by what is written, or by a place that shows the right number; that has no trouble of any kind: what
    was refused there once would keep the next sale's number away."""
    answered = not differs or row.trouble in ("", FOREIGN)
    return msgspec.structs.replace(
        row, wanted=wanted, wanted_us=now_us, change=row.change + differs,
        trouble="" if answered else row.trouble, said="" if answered else row.said,
    )  # fmt: skip


def _as_written(row: Shown, seen: Seen, doubt: Doubt) -> Shown:
    """A place that shows what a call without an answer wrote, less what was sold since, was written by it: nobody took the rest."""
    ours = [one for one in doubt.quantities if seen.quantity in (one, one - row.sold)]
    return msgspec.structs.replace(row, seen=ours[-1]) if ours and row.seen is not None else row


def _less_sold(known: Shown, row: Shown, seen: Seen, sold: int) -> Seen:
    """More than was known, by no more than was sold there a moment ago, is nobody's hand where sales are listed late: it will show
    what we expect."""
    if row.seen is None or not row.seen < seen.quantity <= (expected := max(0, row.seen - known.sold)) + sold:
        return seen
    return msgspec.structs.replace(seen, quantity=expected)


def _line_of(row: Shown, found: Sum, seen: Seen | None) -> Line:
    """Compared with what was just read, also where that will come to show another number by itself."""
    shown = row.seen if seen is None else seen.quantity
    return Line(
        place=Place(row.item, row.place), quantity=found.quantity, sku=row.sku, change_from=shown if row.stocked else None,
        activate=not row.stocked, as_of_us=found.as_of_us,
        reference=reference_of(row),
    )  # fmt: skip


def _shown_no_more(system: str, place: str, what: str) -> Stop:
    words = f"the folder shows {what} at {place} of {system} any more"
    return Stop(Finished(state="cancelled", failure=failure_of("no_flow", "STK011", words)))


def _suspended(found: Sum, now_us: int, again_seconds: float) -> Stop:
    failure = failure_of("suspended", "STK010", found.suspended)
    return Stop(
        Finished(state="waiting", failure=failure, not_before_ms=now_us // 1_000 + round(again_seconds * 1_000))
    )
