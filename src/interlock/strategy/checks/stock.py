"""What flows of stock publish, as the checks see a folder that may have mistakes: who counts where, and which places show it."""

from collections.abc import Iterator
from typing import NamedTuple

from interlock.strategy.checks.base import Example, elements
from interlock.strategy.folder import Folder, TomlFile
from interlock.strategy.inventory import OBJECT, Location, Publish, is_shown_by, owner_of
from interlock.strategy.model import Flow
from interlock.strategy.positions import Path

_REST = """\
pattern = "event-driven"
rationale = "It is news."
impact = "high"
complexity = "low"
owner = "finance-systems"
runbook = "erp-refusals.md"
[slo]
silence_after_minutes = 60
[rollback]
how = "interlock rollback"
"""
_WMS = """\
title = "Warehouse"
connector = "warehouse"
owner = "finance-systems"
url = "https://wms.example.com"
record_of = ["inventory_level"]
[credentials]
token = "env:WMS_TOKEN"
"""
_FLOW = (
    'title = "{title}"\nsource = "{source}"\ntrigger = ["{topic}"]\nobject = "{thing}.v1"\ndestinations = ["{to}"]\n'
    + _REST
)
STOCK_TEXT = _FLOW.format(title="Stock", source="wms", topic="stock/changed", thing=OBJECT, to="shop")
_AGAIN = _FLOW.format(title="Stock again", source="wms", topic="stock/counted", thing=OBJECT, to="shop")
_ORDERS = _FLOW.format(title="Orders to the warehouse", source="shop", topic="orders/create", thing="order", to="wms")
WMS = Example("systems/wms.toml", _WMS)
PUBLISH = "[publish]\nsales_seen_after_minutes = 15\n"
STOCK = Example("flows/stock-to-shop.toml", STOCK_TEXT + PUBLISH)
SECOND = Example("flows/stock-again.toml", _AGAIN + PUBLISH)
ORDERS = Example("flows/order-to-wms.toml", _ORDERS)
"""Of the examples: a warehouse that counts, a flow that shows it in the shop, another, and one that tells it of orders."""


class Shown(NamedTuple):
    """A place of a channel that a flow writes, for one location of ours."""

    flow: str
    channel: str
    place: str
    location: str


def stock_flows(folder: Folder) -> Iterator[TomlFile[Flow]]:
    """The flows that move stock."""
    for file in folder.flows.values():
        if file.value.object_name == OBJECT:
            yield file


def publishing(folder: Folder) -> Iterator[tuple[TomlFile[Flow], Publish]]:
    """The flows of stock that say what they show."""
    for file in stock_flows(folder):
        if file.value.publish:
            yield file, file.value.publish


def channels_of(file: TomlFile[Flow]) -> Iterator[tuple[str, Path]]:
    """The flow's destinations with their places in the file."""
    return elements("destinations", file.value.destinations, file.data.get("destinations"))


def counts_something(folder: Folder, system: str, name: str, location: Location) -> bool:
    """Whether it is the truth of any item there."""
    return any(owner_of(name, location, group) == system for group in (None, *folder.inventory.groups))


def shown_by(folder: Folder) -> Iterator[Shown]:
    """Every place that a flow writes."""
    to: dict[str, list[TomlFile[Flow]]] = {}
    for file in stock_flows(folder):
        for channel in dict.fromkeys(file.value.destinations):
            to.setdefault(channel, []).append(file)
    for channel, files in to.items():
        sources = [file.value.source for file in files]
        for file in files:
            for name, location in folder.inventory.locations.items():
                if is_shown_by(file.value.source, name, folder.inventory, channel=channel, sources=sources):
                    yield from (Shown(file.name, channel, place, name) for place in location.places.get(channel, []))
