"""Amazon as a channel for stock: reads what listings show, writes few lines one by one and many as a feed, tells of sales.

Amazon compares nothing before it writes and knows no idempotency key, so the connector does: each listing is read right before
its patch. A feed is worked on for minutes and is not compared; see README.md for what remains of either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from interlock.connectors.amazon.availability import Patching
from interlock.connectors.amazon.feeds import LINES_MAX, Feeding
from interlock.connectors.amazon.lag import Lag
from interlock.connectors.amazon.listings import PRICED, Listings
from interlock.connectors.amazon.notifications import told
from interlock.connectors.amazon.orders import Orders
from interlock.connectors.amazon.selling_partner import SellingPartner
from interlock.connectors.contract import Connection, Done, Outcome, Refused, Retry, Uncertain, stock

KEYS_KEPT: Final = 1000
"""Amazon remembers no key, so we do, as long as this process lives."""


class Amazon:
    """One seller at one marketplace; a StockChannel. A place is a SKU and a fulfilment channel, DEFAULT for what the seller
    sends itself. `compares`: the connector compares, since Amazon cannot; see availability.py for the time between."""

    lines_per_write = LINES_MAX
    compares = True
    lists_late = True

    def __init__(self, connection: Connection) -> None:
        self._accepted: dict[str, dict[stock.Line, Outcome]] = {}
        api = SellingPartner(connection)
        self._api = api
        self._listings = Listings(api)
        self._lag = Lag(lambda: api.ends(0.0))
        self._patching = Patching(api, self._listings, self._lag)
        self._feeding = Feeding(
            api,
            self._listings,
            look_seconds=float(connection.settings["feed_look_seconds"]),
            patience_seconds=float(connection.settings["feed_patience_seconds"]),
        )
        self._orders = Orders(api)
        self._feed_from_lines = int(connection.settings["feed_from_lines"])

    async def items(self, after: str, *, timeout_seconds: float) -> stock.ItemPage | Retry | Refused:
        """All listings, oldest first; `variant` is the ASIN, untracked is what Amazon's warehouses hold."""
        page = await self._listings.page(after, ends=self._api.ends(timeout_seconds), data=PRICED)
        if isinstance(page, Retry | Refused):
            return page
        return stock.ItemPage(
            items=tuple(listing.item(self._api.marketplace) for listing in page.listings), after=page.after
        )

    async def read(
        self, places: Sequence[stock.Place], *, timeout_seconds: float
    ) -> tuple[stock.Seen, ...] | Retry | Refused:
        """What these places show now, and where they are late what we wrote."""
        found = await self._listings.some([place.item for place in places], ends=self._api.ends(timeout_seconds))
        if not isinstance(found, dict):
            return found
        seen = {one.place: self._lag.meant(one) for listing in found.values() for one in listing.seen()}
        return tuple(seen.get(place) or stock.Seen(place=place, stocked=False) for place in places)

    async def listing(self, after: str, *, timeout_seconds: float) -> stock.SeenPage | Retry | Refused:
        """What all listings show, oldest first."""
        page = await self._listings.page(after, ends=self._api.ends(timeout_seconds))
        if isinstance(page, Retry | Refused):
            return page
        seen = self._lag.all_meant(one for listing in page.listings for one in listing.seen())
        return stock.SeenPage(seen=seen, after=page.after)

    async def write(
        self, lines: Sequence[stock.Line], *, key: str, timeout_seconds: float, first: bool = False
    ) -> stock.LineOutcomes | stock.Underway:  # fmt: skip
        """Few lines are compared, patched and answered at once; from `feed_from_lines` on they go as a feed. Many that
        come again wait until no feed is on its way, as it may be theirs, and are compared like few."""
        ends = self._api.ends(timeout_seconds)
        if len(lines) >= self._feed_from_lines:
            if first:
                return await self._feeding.submit(lines, ends=ends)
            if (busy := await self._feeding.busy(ends=ends)) is not None:
                return stock.line_outcomes(lines, busy)
        return await self._patched(lines, key, ends, again=not first)

    async def _patched(self, lines: Sequence[stock.Line], key: str, ends: float, *, again: bool) -> stock.LineOutcomes:
        """Those that Amazon has not accepted under this key: set again, an old number could land over a newer one."""
        known = self._accepted.setdefault(key, {})
        rest = [line for line in lines if line not in known]
        outcomes = dict(zip(rest, await self._patching.write(rest, again=again, ends=ends), strict=True))
        known |= {line: outcome for line, outcome in outcomes.items() if isinstance(outcome, Done)}
        while len(self._accepted) > KEYS_KEPT:
            self._accepted.pop(next(iter(self._accepted)))
        return tuple(known.get(line) or outcomes[line] for line in lines)

    async def look(
        self, receipt: str, lines: Sequence[stock.Line], *, timeout_seconds: float
    ) -> stock.LineOutcomes | stock.Underway | Retry:
        """What became of a feed, line by line. Where nobody can say, the places are read anew: the feed has ended."""
        said = await self._feeding.look(receipt, lines, ends=self._api.ends(timeout_seconds))
        return tuple(_read_anew(one) for one in said) if isinstance(said, tuple) else said

    async def sales(self, cursor: str, after: str, *, timeout_seconds: float) -> stock.SalePage | Retry | Refused:
        """Orders that changed since a saved cursor."""
        return await self._orders.changed(cursor, after, ends=self._api.ends(timeout_seconds))

    def told(self, topic: str, body: bytes) -> stock.Told:  # noqa: ARG002 - the body says what it is
        """What a forwarded notification says."""
        return told(body)


def _read_anew(outcome: Outcome) -> Outcome:
    """A feed that has ended without a word on a line is asked about in vain; the listing itself knows."""
    if isinstance(outcome, Uncertain):
        return Retry(
            code=stock.STALE, message=f"{outcome.message} ({outcome.code}); what the listing shows is read anew"
        )
    return outcome


def stock_channel(connection: Connection) -> Amazon:
    """The registry's way in."""
    return Amazon(connection)
