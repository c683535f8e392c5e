"""The rules of stock of one release: which systems count, which show, by which flow and under which terms."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from interlock.flows.inventory.normalise import Normaliser
from interlock.messaging.stock_book import StockBook
from interlock.strategy import Flow, Strategy
from interlock.strategy.inventory import Publish, is_shown_by

LISTED_KEPT: Final = 20_000
"""Answers of the catalogue kept in memory: some megabytes."""


class BookCatalogue:
    """The Catalogue of the normaliser, out of the book, with the newest answers kept until a listing changes."""

    def __init__(self, book: StockBook) -> None:
        self.sku_of = lru_cache(LISTED_KEPT)(lambda system, item: book.look(lambda work: work.sku_of(system, item)))
        self.items_of = lru_cache(LISTED_KEPT)(lambda system, sku: book.look(lambda work: work.items_of(system, sku)))
        self.with_barcode = lru_cache(LISTED_KEPT)(
            lambda system, barcode: book.look(lambda work: work.with_barcode(system, barcode))
        )

    def forget(self) -> None:
        """A system was listed anew."""
        for kept in (self.sku_of, self.items_of, self.with_barcode):
            kept.cache_clear()


class _NothingListed:
    """A book without items: a release that is only looked at needs no catalogue."""

    def look(self, _work: object) -> tuple[str, ...]:
        """Nobody lists anything."""
        return ()


NOTHING_LISTED: Final[Any] = _NothingListed()


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A system that shows stock: by which flow, of which of our locations, in the order of the file, and at which places."""

    system: str
    flow: str
    publish: Publish
    source: str
    locations: tuple[str, ...]
    places: Mapping[str, tuple[str, ...]]
    """The channel's place -> our locations that it shows."""


class StockRules:
    """Pure but for the catalogue. `channels` by system; `counting` are the systems of truth."""

    def __init__(self, strategy: Strategy, catalogue: BookCatalogue) -> None:
        self.release = strategy.release
        self.inventory = strategy.inventory
        self.normaliser = Normaliser(strategy.inventory, catalogue)
        self._sources = {name: flow.source for name, flow in strategy.flows.items()}
        self.flows = {name: flow for name, flow in strategy.flows.items() if flow.publish is not None}
        self.counting = frozenset(
            {location.owner for location in self.inventory.locations.values()}
            | {group.owner for group in self.inventory.groups if group.owner}
            if self.flows
            else ()
        )
        self.channels: Mapping[str, tuple[Channel, ...]] = {
            system: tuple(self._channel(flow, system, sources=[one.source for one in flows]) for flow in flows)
            for system, flows in _by_channel(self.flows).items()
        }
        self.silence_us = _shortest_silence_us(self.flows)
        """After so long a silence of a system of truth places may have been suspended."""
        self.seen_apart = ("", *_seen_apart(self.channels))
        """Locations whose owners may know of sales otherwise than those of the rest (""), by a rule or by another flow."""

    @property
    def systems(self) -> frozenset[str]:
        """All that have to do with stock; none without a flow of stock."""
        return self.counting | frozenset(self.channels)

    def source_of(self, flow: str) -> str:
        """Whose events start a flow, "" for none of the folder."""
        return self._sources.get(flow, "")

    def takes(self, system: str) -> bool:
        """Whether what this system says matters to stock."""
        return system in self.counting or system in self.channels

    def channel(self, system: str, place: str) -> Channel | None:
        """Who shows at this place of a channel."""
        return next((channel for channel in self.channels.get(system, ()) if place in channel.places), None)

    def is_routed(self, system: str) -> bool:
        """Whether it matters from which of its places a channel takes a sale: it shows several of our locations, or has places
        that are no stock."""
        shown = {name for channel in self.channels.get(system, ()) for name in channel.locations}
        return len(shown) > 1 or any(system == ignored for ignored, _ in self.inventory.ignored_places)

    def terms(self, channel: Channel, sku: str, place: str) -> Publish:
        """What holds for the SKU at a place of the channel as a whole. Rules for a location hold where the place shows it alone;
        where it shows several there are none that would say this (STR388)."""
        names = channel.places.get(place, ())
        return channel.publish.terms(channel.system, self.group(sku), names[0] if len(names) == 1 else "")

    def group(self, sku: str) -> str:
        """The name of the item's group, "" for none."""
        group = self.normaliser.group(sku)
        return group.name if group else ""

    def _channel(self, flow: Flow, system: str, *, sources: Sequence[str]) -> Channel:
        mine = tuple(
            name
            for name, location in self.inventory.locations.items()
            if system in location.places
            and is_shown_by(flow.source, name, self.inventory, channel=system, sources=sources)
        )
        places: dict[str, tuple[str, ...]] = {}
        for name in mine:
            for share in self.normaliser.places(system, name):
                places[share.place] = (*places.get(share.place, ()), name)
        assert flow.publish is not None  # what makes it a flow of stock
        return Channel(
            system=system, flow=flow.name, publish=flow.publish, source=flow.source, locations=mine, places=places
        )


def _seen_apart(channels: Mapping[str, Sequence[Channel]]) -> list[str]:
    flows = [one for each in channels.values() for one in each]
    named = {rule.location for one in flows for rule in one.publish.rule if rule.location and rule.is_about_sales}
    several = {name for each in channels.values() if len(each) > 1 for one in each for name in one.locations}
    return sorted(named | several)


def _shortest_silence_us(flows: Mapping[str, Flow]) -> int:
    publishes = [flow.publish for flow in flows.values() if flow.publish is not None]
    minutes = [one.source_stale_minutes for one in publishes]
    minutes += [rule.source_stale_minutes for one in publishes for rule in one.rule if rule.source_stale_minutes]
    return round(min(minutes, default=0.0) * 60e6)


def _by_channel(flows: Mapping[str, Flow]) -> dict[str, list[Flow]]:
    found: dict[str, list[Flow]] = {}
    for flow in flows.values():
        for system in flow.destinations:
            found.setdefault(system, []).append(flow)
    return found
