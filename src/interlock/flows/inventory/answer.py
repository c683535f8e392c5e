"""Why does a channel show this number? One SKU in every system side by side, and the sum behind each number, term by term."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Final, TypeVar

import msgspec
from msgspec import structs

from interlock.flows.inventory.publish import Publishing
from interlock.flows.inventory.rules import BookCatalogue, Channel, StockRules
from interlock.flows.inventory.sums import Sum
from interlock.messaging.accuracy import CAUSES, Difference
from interlock.messaging.stock_book import (
    FOREIGN,
    NOT_SOLD_THERE,
    Counted,
    Halted,
    Happened,
    Reserved,
    Shown,
    StockWork,
)
from interlock.messaging.stock_views import Listed, StockLook
from interlock.strategy.model import Strategy

NEAR_LOOKED_AT: Final = 500
NEAR_SHOWN: Final = 6
RIGHT: Final = ("agrees", "uncounted", "not_sold")
"""States of a place that needs nobody."""
_T = TypeVar("_T")


class PlaceStock(msgspec.Struct, frozen=True, kw_only=True):
    """One place of a channel: the sum that it should show now, what it shows (`row`, None: nothing is known of it yet), and in
    `state` and `words` how it stands: agrees, differs, compared (a comparison found a difference), unread, suspended, refused,
    asked (a person decides), uncounted, not_sold (its channel does not list it)."""

    channel: str
    place: str
    flow: str
    locations: tuple[str, ...]
    found: Sum
    row: Shown | None
    state: str
    words: str

    @property
    def shown(self) -> int | None:
        """What it showed when we looked or wrote last; None when nobody has looked, or it does not carry the item."""
        return self.row.seen if self.row is not None and self.row.stocked else None


class SkuStock(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one SKU. `owners` by our location; `parts` of a kit, else empty; `counted` positions of systems that
    count it, `signals` what systems say where another counts, `reserved` sales that their owners have not seen, `stopped` lines,
    `changes` newest first."""

    sku: str
    group: str
    owners: Mapping[str, str]
    parts: Mapping[str, int]
    kits: tuple[str, ...]
    counted: tuple[Counted, ...]
    signals: tuple[Counted, ...]
    places: tuple[PlaceStock, ...]
    reserved: tuple[Reserved, ...]
    stopped: tuple[Halted, ...]
    listed: tuple[Listed, ...]
    changes: tuple[Happened, ...]

    def truth_at(self, location: str) -> int | None:
        """What may be sold there as its owner counts it; None when that has not counted it."""
        told = [one.available for one in self.counted if one.location == location]
        return sum(told) if told else None

    @property
    def agrees(self) -> bool:
        """Whether every place shows what it should."""
        return all(one.state in RIGHT for one in self.places) and not self.stopped


class _Looking:
    """One moment of the book where the catalogue expects the whole book."""

    def __init__(self, work: StockWork) -> None:
        self._work = work

    def look(self, ask: Callable[[StockWork], _T]) -> _T:
        """On that moment."""
        return ask(self._work)


def rules_at(strategy: Strategy, look: StockLook) -> StockRules:
    """The rules of stock of a strategy, over what systems list at this moment."""
    return StockRules(strategy, BookCatalogue(_Looking(look)))  # type: ignore[arg-type]


def stock_of(look: StockLook, strategy: Strategy, sku: str, now_us: int, *, changes: int = 100) -> SkuStock | None:
    """Everything about the SKU; None when no system counts, shows or lists it, and no line that stopped tells of it."""
    rules = rules_at(strategy, look)
    parts = rules.normaliser.components(sku)
    if not look.known(sku) and not parts:
        return None
    publishing = Publishing(look, rules, now_us)
    places = tuple(
        _place(look, publishing, channel, place, sku)
        for channels in rules.channels.values()
        for channel in channels
        for place in channel.places
    )
    owners = {name: rules.normaliser.owner(sku, name) for name in rules.inventory.locations}
    counted = look.counted(sku)
    was_truth = [one for one in counted if owners.get(one.location) != one.system]
    return SkuStock(
        sku=sku,
        group=rules.group(sku),
        owners=owners,
        parts=parts,
        kits=tuple(rules.normaliser.kits_with(sku)),
        counted=tuple(one for one in counted if one not in was_truth),
        signals=(*look.signals(sku), *was_truth),
        places=tuple(one for one in places if one.row is not None or one.found.counted),
        reserved=tuple(look.reserved(sku)),
        stopped=tuple(look.halted_of(sku)),
        listed=tuple(look.listed(sku)),
        changes=tuple(look.changes(sku, changes)),
    )


def _place(look: StockLook, publishing: Publishing, channel: Channel, place: str, sku: str) -> PlaceStock:
    row = look.shown(channel.system, place, sku)
    found = publishing.sum(channel, place, sku, row)
    state, words = _standing(channel.system, found, row)
    return PlaceStock(
        channel=channel.system, place=place, flow=channel.flow, locations=channel.places[place], found=found, row=row,
        state=state, words=words,
    )  # fmt: skip


def _standing(channel: str, found: Sum, row: Shown | None) -> tuple[str, str]:
    if row is not None and row.trouble == NOT_SOLD_THERE:
        return "not_sold", f"{row.said}: it is not sold there"
    if row is not None and row.trouble:
        asked = row.trouble == FOREIGN
        said = row.said or ("somebody else wrote it" if asked else f"{channel} refused the number")
        return ("asked", said) if asked else ("refused", f"{said} ({row.trouble})")
    if not found.counted:
        return "uncounted", "no system of truth has counted it yet: nothing is written, least of all zero"
    if found.suspended or (row is not None and row.said):
        return "suspended", found.suspended or (row.said if row is not None else "")
    if row is None or not row.seen_us:
        return "unread", "it will be read before anything is written"
    if not row.stocked and not found.quantity:
        return "agrees", "it is not carried there, and there is none to show"
    if row.stocked and row.seen == found.quantity:
        return "agrees", "it shows what it should"
    return "differs", "a correction is on its way"


def with_comparisons(found: SkuStock, differences: Iterable[Difference]) -> SkuStock:
    """The same with what comparisons have listed since the hub looked at the places itself: that is newer, and stands in its stead."""
    compared = {(one.channel, one.place): one for one in differences}
    return structs.replace(
        found, places=tuple(_listed(one, compared.get((one.channel, one.place))) for one in found.places)
    )


def _listed(one: PlaceStock, found: Difference | None) -> PlaceStock:
    row = one.row
    if found is None or row is None or one.state != "agrees" or row.seen_us // 1_000 > found.last_ms:
        return one
    listed = structs.replace(row, seen=found.shown, seen_us=found.last_ms * 1_000)
    return structs.replace(one, row=listed, state="compared", words=f"{CAUSES[found.cause]}: {found.what}")


def near_skus(look: StockLook, text: str) -> list[str]:
    """What somebody may have meant: SKUs that hold the text, then those that are spelt almost so."""
    found = look.near(text, NEAR_LOOKED_AT)
    holding = [sku for sku in found if text.lower() in sku.lower()]
    close = get_close_matches(text.upper(), {sku.upper() for sku in found}, n=NEAR_SHOWN, cutoff=0.5)
    by_upper = {sku.upper(): sku for sku in found}
    return list(dict.fromkeys([*holding, *(by_upper[one] for one in close)]))[:NEAR_SHOWN]
