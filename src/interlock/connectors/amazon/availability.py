"""Sets what one listing shows: read, compared, and patched with a merge of the quantity that touches nothing else.

Amazon compares nothing. So some listings are read in one call, those that show another number than the line replaces are left
alone, and the others are patched at once: what is sold between the two calls is written over, and nothing older.
Facts: `merge` changes the quantity and keeps restock_date and lead_time_to_ship_max_days, which `replace` forgets:
developer-docs.amazon.com/sp-api/docs/merge-a-listing; productType PRODUCT serves for terms of sale of any product: examples of
listings-items-api, amzn/selling-partner-api-models issues 4554, 4636. A patch for a SKU without a listing is ACCEPTED and shown
to nobody, "expected behavior": amzn/selling-partner-api-docs issue 3748; so every SKU is looked at first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from interlock.connectors.amazon.lag import Lag
from interlock.connectors.amazon.listings import AMAZONS_OWN, ITEMS, Listing, Listings
from interlock.connectors.amazon.selling_partner import SellingPartner, decoded
from interlock.connectors.contract import Answer, Done, Outcome, Refused, Retry, Uncertain, stock

AT_ONCE: Final = 4
"""Patches on their way at a time: at 5 a second and half a second for an answer, no more can be of use."""
READ_AHEAD: Final = 5
"""As many patches as Amazon takes in a second: what is read of more would be old when its turn comes."""
PRODUCT_TYPE: Final = "PRODUCT"
ERROR: Final = "ERROR"


class _Issue(msgspec.Struct):
    message: str = ""
    severity: str = ""
    code: str = ""


class _Submission(msgspec.Struct):
    status: str
    submissionId: str = ""  # noqa: N815 - Amazon's name
    issues: list[_Issue] | None = None


def patches(line: stock.Line) -> list[dict[str, Any]]:
    """The patch of a line, for a single call and for a message of a feed."""
    value = {"fulfillment_channel_code": line.place.location, "quantity": line.quantity}
    return [{"op": "merge", "path": "/attributes/fulfillment_availability", "value": [value]}]


def done(line: stock.Line, detail: str) -> Done:
    """Amazon has taken it; shoppers see it a little later."""
    return Done(external_id=f"{line.place.item}@{line.place.location}", detail=detail, status=200)


def unwritable(line: stock.Line) -> Refused | None:
    """What Amazon would refuse, said before anything is sent. Pure: the same for a line whenever it is asked."""
    if line.quantity < 0:
        return Refused(reason="validation", code="QUANTITY", message=f"{line.quantity}: a listing shows no less than 0")
    if line.place.location.startswith(AMAZONS_OWN):
        words = f"{line.place.location} is stock in Amazon's warehouses, which Amazon counts itself"
        return Refused(reason="validation", code="AMAZON-FULFILLED", message=words)
    return None


class Patching:
    """Writes lines one by one: each has its answer at once, and none spoils another."""

    def __init__(self, api: SellingPartner, listings: Listings, lag: Lag) -> None:
        self._api = api
        self._listings = listings
        self._lag = lag
        self._path = f"{ITEMS}/{quote(api.seller, safe='')}"

    async def write(self, lines: Sequence[stock.Line], *, again: bool, ends: float) -> tuple[Outcome, ...]:
        """An outcome for each; what the time did not suffice for is Retry. `again`: an earlier call of these lines may have
        counted. A number that is shown already is written all the same by a first call: an older one may have been accepted and
        not be seen yet."""
        outcomes: list[Outcome] = []
        for begin in range(0, len(lines), READ_AHEAD):
            outcomes += await self._some(lines[begin : begin + READ_AHEAD], ends, again=again)
        return tuple(outcomes)

    async def _some(self, lines: Sequence[stock.Line], ends: float, *, again: bool) -> list[Outcome]:
        found = await self._listings.some([line.place.item for line in lines], ends=ends)
        if not isinstance(found, dict):
            return [found] * len(lines)
        shown = {one.place: one for listing in found.values() for one in listing.seen()}
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(line: stock.Line) -> Outcome:
            known = (
                unwritable(line)
                or not_listed(line, found.get(line.place.item))
                or self._settled(line, shown, again=again)
            )
            if known is not None:
                return known
            async with turns:
                return await self._patch(line, ends)

        outcomes = list(await asyncio.gather(*(one(line) for line in lines)))
        written = [line for line, outcome in zip(lines, outcomes, strict=True) if isinstance(outcome, Done)]
        await self._read_back(written, shown, ends)
        return outcomes

    def _settled(self, line: stock.Line, shown: Mapping[stock.Place, stock.Seen], *, again: bool) -> Outcome | None:
        """What is clear without a write; None when it has to be made."""
        seen = shown.get(line.place)
        quantity = self._lag.meant(seen).quantity if seen is not None else 0
        if again and quantity == line.quantity:
            return done(line, "an earlier call had written it")
        if line.change_from is None or line.change_from == quantity:
            return None
        words = f"the listing shows {quantity}, not {line.change_from}; nothing was written"
        return Retry(code=stock.STALE, message=words)

    async def _read_back(
        self, lines: Sequence[stock.Line], before: Mapping[stock.Place, stock.Seen], ends: float
    ) -> None:  # fmt: skip
        """Which listings show late. When that cannot be read nothing is lost: late numbers count as sales for a while."""
        found = await self._listings.some([line.place.item for line in lines], ends=ends)
        if not isinstance(found, dict):
            return
        back = {one.place: one.quantity for listing in found.values() for one in listing.seen()}
        for line in lines:
            if line.place in back and line.place in before:
                self._lag.wrote(line.place, line.quantity, before=before[line.place].quantity, back=back[line.place])

    async def _patch(self, line: stock.Line, ends: float) -> Outcome:
        query = {"marketplaceIds": self._api.marketplace, "includedData": "issues"}
        body = {"productType": PRODUCT_TYPE, "patches": patches(line)}
        path = f"{self._path}/{quote(line.place.item, safe='')}"
        answer = await self._api.call("patchListingsItem", "PATCH", path, ends=ends, query=query, body=body)
        if not isinstance(answer, Answer):
            return answer
        submission: _Submission | None = decoded(answer, 200, _Submission)
        return self._api.failure(answer) if submission is None else _outcome(line, submission)


def not_listed(line: stock.Line, listing: Listing | None) -> Refused | None:
    """Why nobody would see what is written; None when somebody would."""
    if listing is None or not listing.complete:
        words = f"{line.place.item} has no listing at this marketplace; list it in Seller Central, or take it off this channel"
        return Refused(reason="missing_reference", code="NOT-LISTED", message=words)
    if line.place.location in listing.channels or not listing.fulfillmentAvailability:
        return None
    if not listing.channels:
        words = f"{line.place.item} is fulfilled by Amazon, which counts it itself"
        return Refused(reason="validation", code="AMAZON-FULFILLED", message=words)
    words = f"{line.place.item} is sold from {', '.join(listing.channels)}, not from {line.place.location}"
    return Refused(reason="validation", code="NO-SUCH-CHANNEL", message=words)


def _outcome(line: stock.Line, submission: _Submission) -> Outcome:
    errors = [issue for issue in submission.issues or () if issue.severity == ERROR]
    if submission.status == "ACCEPTED" and not errors:
        return done(line, f"accepted as {submission.submissionId}")
    if submission.status == "INVALID":
        first = errors[0] if errors else _Issue(message="Amazon names no reason", code="INVALID")
        return Refused(reason="validation", code=first.code or "INVALID", message=first.message, status=200)
    return Uncertain(code="ANSWER_NOT_UNDERSTOOD", message=f"Amazon answered {submission.status}", status=200)
