"""What follows from what was touched: the sum of each place anew, what stands in its way, and the delivery that brings it there."""

from collections.abc import Iterator, Mapping

import msgspec

from interlock.flows.inventory.publish import Publishing, settled_at_us
from interlock.flows.inventory.rules import Channel, StockRules
from interlock.flows.inventory.sums import At
from interlock.messaging.delivery import BACKFILL, LIVE
from interlock.messaging.stock_book import (
    FOREIGN,
    Happened,
    Shown,
    StockWork,
    Wish,
)


class WorkingOut:
    """Of one transaction. `behind`: live changes pass what it opens; `besides` is a place that is worked out by whoever asks."""

    def __init__(
        self, book: StockWork, rules: StockRules, now_us: int, *, behind: bool = False, besides: At | None = None
    ) -> None:
        self._book = book
        self._rules = rules
        self._normaliser = rules.normaliser
        self._now_us = now_us
        self._behind = behind
        self._besides = besides
        self._counted: Mapping[str, int] = {}

    def work_out(self, touched: Mapping[str, int], counted: Mapping[str, int]) -> int:
        """What these SKUs, with the event that touched each last, and the kits of them should show; `counted` are SKUs that an owner
        counts otherwise than before, with when that was so. Returns how many deliveries were opened."""
        self._counted = counted
        publishing, events = Publishing(self._book, self._rules, self._now_us), self._related(touched)
        for sku in events:
            self._give_up(sku)
        return sum(self._of_sku(publishing, sku, event) for sku, event in events.items())

    def _related(self, touched: Mapping[str, int]) -> dict[str, int]:
        """What has to be worked out: what was touched, the kits of it, and of a kit its parts, with the newest event of each."""
        found: dict[str, int] = {}
        for sku, event in touched.items():
            for part in self._normaliser.components(sku) or (sku,):
                for each in (sku, part, *self._normaliser.kits_with(part)):
                    found[each] = max(event, found.get(each, 0))
        return found

    def _places(self, sku: str) -> Iterator[tuple[Channel, str, Shown | None]]:
        for channels in self._rules.channels.values():
            for channel in channels:
                for place in channel.places:
                    yield channel, place, self._book.shown(channel.system, place, sku)

    def _give_up(self, sku: str) -> None:
        """What no order has told of in time is subtracted nowhere any more, before anything is worked out."""
        for channel, _, row in self._places(sku):
            if row is not None and row.missing:
                self._book.show(self._waited_for(channel, row))

    def _of_sku(self, publishing: Publishing, sku: str, event: int) -> int:
        opened = 0
        for channel, place, row in self._places(sku):
            if (channel.system, place, sku) != self._besides:
                opened += self._place(publishing, channel, place, sku, row, event)
        return opened

    def _place(
        self, publishing: Publishing, channel: Channel, place: str, sku: str, known: Shown | None, event: int
    ) -> int:
        found = publishing.sum(channel, place, sku, known)
        if known is None and not found.counted:
            return 0  # nobody counts it here
        row = known or Shown(channel=channel.system, place=place, sku=sku, flow=channel.flow)
        item = self._normaliser.item_at(channel.system, sku)
        if not isinstance(item, str):
            wanted = row.wanted if found.suspended else found.quantity
            self._book.show(msgspec.structs.replace(row, wanted=wanted, trouble=item.code, said=item.what))
            return 0
        row = _of_item(row, item)
        unwritable = self._book.unwritable(channel.system, item)
        said = found.suspended or unwritable
        wanted = row.wanted if said else found.quantity
        moves = row.seen != wanted or row.seen != row.wanted  # as a write that is under way has it
        due = moves or row.seen_us <= 0 or row.sold > 0
        asks = self._rules.terms(channel, sku, place).heal == "ask"
        trouble = _trouble(row, wanted, asks=asks, counted=self._is_counted_since(row))
        now = msgspec.structs.replace(
            row, flow=channel.flow, item=item, wanted=wanted, wanted_us=self._now_us, said=said or (row.said if trouble else ""),
            trouble=trouble,
        )  # fmt: skip
        self._book.show(now)
        is_unasked = trouble == FOREIGN and row.seen_us <= 0  # in a silence too its delivery waits: nobody else looks at it again
        if unwritable or not due or ((said or trouble) and not is_unasked):
            return 0
        self.wish(channel, now, event)
        return 1

    def _is_counted_since(self, row: Shown) -> bool:
        """Whether its owner counts otherwise now than when somebody wrote the place: what was so before that, and is only heard
        now, says nothing of it."""
        if row.trouble != FOREIGN or row.sku not in self._counted:
            return False
        return self._counted[row.sku] > self._book.foreign_us(row.channel, row.place, row.sku)

    def wish(self, channel: Channel, row: Shown, event: int) -> None:
        """What the channel has never been told of is part of a first sync: what changes passes it."""
        settled_us = settled_at_us(row, self._rules.terms(channel, row.sku, row.place), self._now_us)
        self._book.wish(
            Wish(
                flow=channel.flow, system=channel.source, channel=channel.system, sku=row.sku, place=row.place, event=event,
                release=self._rules.release, not_before_ms=settled_us // 1_000,
                priority=BACKFILL if self._behind or (row.seen is None and not row.written_us) else LIVE,
            ),
            self._now_us // 1_000,
        )  # fmt: skip

    def _waited_for(self, channel: Channel, row: Shown) -> Shown:
        """What is gone at the channel and no sale has told of in time was somebody's hand: the source of truth counts again."""
        terms = self._rules.terms(channel, row.sku, row.place)
        seconds = terms.unexplained_seconds
        if not row.missing or self._now_us - row.missing_us < seconds * 1e6:
            return row
        self._book.happened(Happened(
            at_us=self._now_us, kind="foreign", sku=row.sku, system=row.channel, place=row.place, name="available",
            before=(row.seen or 0) + row.missing, after=row.seen, as_of_us=row.missing_us,
            why=f"no order told of it within {seconds:g} s",
        ))  # fmt: skip
        row = msgspec.structs.replace(row, missing=0, missing_us=0)
        return msgspec.structs.replace(row, trouble=FOREIGN, seen_us=0, wanted=None) if terms.heal == "ask" else row


def _trouble(row: Shown, wanted: int | None, *, asks: bool, counted: bool) -> str:
    """What still stands in the way. Whose number is right is settled by a new count of the owner, or by a folder that asks no
    more; a sale settles nothing. A place that can be named again has no trouble, and what was refused was one number: the next
    is tried."""
    if row.trouble == FOREIGN:
        settled = counted and row.wanted not in (None, wanted)
        return FOREIGN if asks and not settled else ""
    if row.trouble.startswith("STK"):
        return ""
    return row.trouble if row.wanted in (None, wanted) else ""


def _of_item(row: Shown, item: str) -> Shown:
    """The place with the item that the channel sells the SKU as now: what another showed is nothing of this one."""
    if row.item in ("", item):
        return row
    return Shown(channel=row.channel, place=row.place, sku=row.sku, flow=row.flow, change=row.change)
