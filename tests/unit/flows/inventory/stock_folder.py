"""A small world of stock for unit tests: a warehouse, an ERP and two channels, with what each lists."""

from decimal import Decimal
from typing import Any

from listed_items import ListedItems

from interlock.flows.inventory.normalise import Ignored, Normaliser, Position, Stopped
from interlock.messaging.stock import Item, Level
from interlock.strategy.inventory import Group, Inventory, ItemRule, Kit, Location

CICERO = Location("wms", {"wms": ["156"], "erp": ["4"], "shop": ["1"], "amazon": ["DEFAULT"]})
SKUS = ("TEE-1", "CAP-1", "MUG-1")


def listed(*, without: tuple[str, ...] = (), **more: list[Item]) -> ListedItems:
    """All systems list all SKUs, each by ids of its own, and what is given beside that; those of `without` do not."""
    catalogue = ListedItems()
    for system in ("wms", "erp", "shop", "amazon"):
        own = [Item(item=f"{system}-{sku}", sku=sku) for sku in SKUS if sku not in without]
        catalogue.put(system, [*own, *more.get(system, [])])
    return catalogue


def normaliser(catalogue: ListedItems | None = None, **said: Any) -> Normaliser:
    """A normaliser of one location, and whatever else is said."""
    inventory = Inventory(
        locations=said.pop("locations", {"cicero": CICERO}),
        ignored_places=frozenset(said.pop("ignored_places", ())),
        **{key: tuple(value) for key, value in said.items()},
    )
    return Normaliser(inventory, catalogue or listed())


def level(item: str = "wms-TEE-1", sku: str = "TEE-1", location: str = "156", told: str = "10", **more: Any) -> Level:
    """What the warehouse says."""
    quantities = more.pop("quantities", {"available": Decimal(told)})
    return Level(item=item, sku=sku, location=location, quantities=quantities, **more)


def taken(found: Position | Stopped | Ignored) -> Position:
    """The position, where the line was taken."""
    assert isinstance(found, Position), found
    return found


def stopped(found: object) -> str:
    """The code of a stopped line."""
    assert isinstance(found, Stopped), found
    return found.code


__all__ = ["CICERO", "Group", "ItemRule", "Kit", "Location", "level", "listed", "normaliser", "stopped", "taken"]
