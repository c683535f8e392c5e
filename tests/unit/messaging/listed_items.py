"""What systems list, as a test says it: the catalogue in which lines of stock are looked up, without a book."""

from collections.abc import Iterable

from interlock.messaging.stock import Item


class ListedItems:
    """A Catalogue. An item that is put again stands as it was put last."""

    def __init__(self) -> None:
        self._items: dict[str, dict[str, Item]] = {}

    def put(self, system: str, items: Iterable[Item]) -> None:
        """The system lists these."""
        self._items.setdefault(system, {}).update({item.item: item for item in items})

    def sku_of(self, system: str, item: str) -> tuple[str, ...]:
        """SKUs that it lists for the id of an item or variant."""
        return tuple(one.sku for one in self._all(system) if item in (one.item, one.variant) and one.sku)

    def items_of(self, system: str, sku: str) -> tuple[str, ...]:
        """Ids of the items that it lists with this SKU."""
        return tuple(one.item for one in self._all(system) if sku and one.sku == sku)

    def with_barcode(self, system: str, barcode: str) -> tuple[str, ...]:
        """Ids of the items that it lists with this barcode."""
        return tuple(one.item for one in self._all(system) if barcode and one.barcode == barcode)

    def _all(self, system: str) -> Iterable[Item]:
        return self._items.get(system, {}).values()
