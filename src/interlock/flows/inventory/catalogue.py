"""What systems list, held in memory: the catalogue that lines of stock are looked up in."""

from collections.abc import Iterable

from interlock.messaging.stock import Item


class MemoryCatalogue:
    """A Catalogue filled from pages of items. An item that is put again stands as it was put last, so a renamed SKU moves."""

    def __init__(self) -> None:
        self._skus: dict[tuple[str, str], tuple[str, ...]] = {}
        self._items: dict[tuple[str, str], tuple[str, ...]] = {}
        self._coded: dict[tuple[str, str], tuple[str, ...]] = {}
        self._known: dict[tuple[str, str], Item] = {}

    def put(self, system: str, items: Iterable[Item]) -> None:
        """Take what a system lists now of these items."""
        for item in items:
            self.drop(system, item.item)
            self._known[system, item.item] = item
            for name in filter(None, (item.item, item.variant)):
                self._skus[system, name] = (item.sku,) if item.sku else ()
            _add(self._items, (system, item.sku), item.item)
            _add(self._coded, (system, item.barcode), item.item)

    def drop(self, system: str, item: str) -> None:
        """Forget an item that the system lists no more; what is not known is no mistake."""
        known = self._known.pop((system, item), None)
        if known:
            for name in (known.item, known.variant):
                self._skus.pop((system, name), None)
            _remove(self._items, (system, known.sku), item)
            _remove(self._coded, (system, known.barcode), item)

    def sku_of(self, system: str, item: str) -> tuple[str, ...]:
        """SKUs that this system lists for the id of an item or variant."""
        return self._skus.get((system, item), ())

    def items_of(self, system: str, sku: str) -> tuple[str, ...]:
        """Ids of the items that it lists with this SKU."""
        return self._items.get((system, sku), ())

    def with_barcode(self, system: str, barcode: str) -> tuple[str, ...]:
        """Ids of the items that it lists with this barcode."""
        return self._coded.get((system, barcode), ())


def _add(index: dict[tuple[str, str], tuple[str, ...]], key: tuple[str, str], item: str) -> None:
    if key[1]:
        index[key] = (*index.get(key, ()), item)


def _remove(index: dict[tuple[str, str], tuple[str, ...]], key: tuple[str, str], item: str) -> None:
    left = tuple(one for one in index.get(key, ()) if one != item)
    if left:
        index[key] = left
    else:
        index.pop(key, None)
