"""Reads what the seller's listings show: some SKUs at once, or all of them page by page.

Facts: listingsItems_2021-08-01.json @34dc93f: searchListingsItems takes 20 identifiers and gives 20 results at most, and pages
through 1,000; `createdAfter` is "at or after". So all is read oldest first, and begun again at the last creation date.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec

from interlock.connectors.amazon.selling_partner import SellingPartner, as_reading, decoded
from interlock.connectors.contract import Answer, Lane, Refused, Retry, stock

ITEMS: Final = "/listings/2021-08-01/items"
PER_SEARCH: Final = 20
REACH_MAX: Final = 1000
"""So many results are paged through; the window is begun anew one page earlier."""
AMAZONS_OWN: Final = "AMAZON_"
"""Fulfilment channels of Amazon's warehouses: AMAZON_NA, AMAZON_EU, AMAZON_JP. Their quantity is not the seller's to set."""
DATA: Final = "summaries,fulfillmentAvailability"
PRICED: Final = f"{DATA},offers"
SHOPPERS: Final = "B2C"
"""An offer to shoppers (ItemOfferByMarketplace.offerType)."""
NOT_FOUND: Final = 404


class _Summary(msgspec.Struct):
    asin: str = ""
    createdDate: str = ""  # noqa: N815 - Amazon's name


class _Availability(msgspec.Struct):
    fulfillmentChannelCode: str  # noqa: N815
    quantity: int | None = None


class _Money(msgspec.Struct):
    amount: Decimal
    currencyCode: str  # noqa: N815


class _Offer(msgspec.Struct):
    marketplaceId: str  # noqa: N815
    offerType: str  # noqa: N815
    price: _Money


class Listing(msgspec.Struct):
    """One listings item, as much of it as is asked for."""

    sku: str
    summaries: list[_Summary] = []
    fulfillmentAvailability: list[_Availability] = []  # noqa: N815
    offers: list[_Offer] = []

    @property
    def complete(self) -> bool:
        """A SKU for which only an offer was ever sent has no place in the catalogue: nobody can buy it."""
        return bool(self.summaries)

    @property
    def channels(self) -> tuple[str, ...]:
        """The fulfilment channels whose quantity the seller sets."""
        codes = (one.fulfillmentChannelCode for one in self.fulfillmentAvailability)
        return tuple(code for code in codes if not code.startswith(AMAZONS_OWN))

    def item(self, marketplace: str) -> stock.Item:
        """As the list of items has it; what Amazon's warehouses hold is not counted by the seller. The price is what a shopper
        pays, not a business."""
        asin = self.summaries[0].asin if self.summaries else ""
        price = next(
            (one.price for one in self.offers if (one.marketplaceId, one.offerType) == (marketplace, SHOPPERS)), None
        )
        return stock.Item(
            item=self.sku, sku=self.sku, variant=asin, tracked=bool(self.channels), locations=self.channels,
            price=price.amount if price else None, currency=price.currencyCode if price else "",
        )  # fmt: skip

    def seen(self) -> Iterator[stock.Seen]:
        """What each of the seller's channels shows."""
        for one in self.fulfillmentAvailability:
            if one.fulfillmentChannelCode in self.channels:
                place = stock.Place(self.sku, one.fulfillmentChannelCode)
                yield stock.Seen(place=place, quantity=one.quantity or 0, stocked=self.complete)


class _Pagination(msgspec.Struct):
    nextToken: str = ""  # noqa: N815


class _Found(msgspec.Struct):
    items: list[Listing]
    pagination: _Pagination | None = None


class _Stand(msgspec.Struct, frozen=True, array_like=True):
    """Where a reading of all listings stands: since when, how many of this window were passed, the token, and the SKUs that
    the window before has shown already."""

    since: str = ""
    passed: int = 0
    token: str = ""
    shown: tuple[str, ...] = ()


class ListingPage(NamedTuple):
    """Some listings; `after` is where to go on, "" at the end."""

    listings: list[Listing]
    after: str


class Listings:
    """The listings of one seller at one marketplace."""

    def __init__(self, api: SellingPartner) -> None:
        self._api = api
        self._path = f"{ITEMS}/{quote(api.seller, safe='')}"

    async def some(self, skus: Sequence[str], *, ends: float) -> dict[str, Listing] | Retry | Refused:
        """Those among these SKUs that have a listing."""
        found: dict[str, Listing] = {}
        plain = [sku for sku in dict.fromkeys(skus) if "," not in sku]
        for begin in range(0, len(plain), PER_SEARCH):
            wanted = {"identifiers": ",".join(plain[begin : begin + PER_SEARCH]), "identifiersType": "SKU"}
            page = await self._search({**wanted, "pageSize": str(PER_SEARCH)}, ends, Lane.LIVE)
            if not isinstance(page, _Found):
                return page
            found |= {listing.sku: listing for listing in page.items}
        for sku in skus:
            if "," in sku:  # in a list of identifiers it would be two
                one = await self._one(sku, ends)
                if isinstance(one, Retry | Refused):
                    return one
                found |= {sku: one} if one is not None else {}
        return found

    async def page(self, after: str, *, ends: float, data: str = DATA) -> ListingPage | Retry | Refused:
        """Some of all listings, oldest first."""
        stand = msgspec.json.decode(after, type=_Stand) if after else _Stand()
        asked = {"sortBy": "createdDate", "sortOrder": "ASC", "pageSize": str(PER_SEARCH)}
        asked |= {"createdAfter": stand.since} if stand.since else {}
        asked |= {"pageToken": stand.token} if stand.token else {}
        page = await self._search(asked | {"includedData": data}, ends, Lane.BACKFILL)
        if not isinstance(page, _Found):
            return page
        following = _following(stand, page)
        if isinstance(following, Refused):
            return following
        fresh = [listing for listing in page.items if listing.sku not in stand.shown]
        return ListingPage(fresh, msgspec.json.encode(following).decode() if following else "")

    async def _search(self, asked: dict[str, str], ends: float, lane: Lane) -> _Found | Retry | Refused:
        query = {"marketplaceIds": self._api.marketplace, "includedData": DATA, **asked}
        found: _Found | Retry | Refused = await self._api.ask(
            "searchListingsItems", self._path, _Found, ends=ends, query=query, lane=lane
        )
        return found

    async def _one(self, sku: str, ends: float) -> Listing | Retry | Refused | None:
        query = {"marketplaceIds": self._api.marketplace, "includedData": DATA}
        path = f"{self._path}/{quote(sku, safe='')}"
        answer = await self._api.call("getListingsItem", "GET", path, ends=ends, query=query)
        if not isinstance(answer, Answer):
            return answer
        if answer.status == NOT_FOUND:
            return None
        found: Listing | None = decoded(answer, 200, Listing)
        return found if found is not None else as_reading(self._api.failure(answer))


def _following(stand: _Stand, page: _Found) -> _Stand | Refused | None:
    """Where the next page is: by its token, or from the last creation date on when no token leads further."""
    token = page.pagination.nextToken if page.pagination else ""
    passed = stand.passed + len(page.items)
    if token and passed < REACH_MAX:
        return _Stand(stand.since, passed, token, stand.shown)
    if passed < REACH_MAX:
        return None
    last = max((_created(one) for one in page.items), default="")
    if not last or last == stand.since:
        words = f"{REACH_MAX} listings were created at {last or 'no known time'}, and no search pages through more"
        return Refused(reason="too_large", code="WINDOW-TOO-LARGE", message=words)
    return _Stand(last, 0, "", tuple(one.sku for one in page.items if _created(one) in ("", last)))


def _created(listing: Listing) -> str:
    return listing.summaries[0].createdDate if listing.summaries else ""
