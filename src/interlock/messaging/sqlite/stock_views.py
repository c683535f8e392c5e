"""The stock book as pages and commands look at it, on their own read-only connection; SQL in stock_views.sql."""

from typing import Any, TypeVar

import apsw
import msgspec

from interlock.messaging.accuracy import Silent
from interlock.messaging.sqlite.statements import statements
from interlock.messaging.sqlite.stock_book import FILE, SqliteStockWork, halted_row, shown_row
from interlock.messaging.stock_book import Halted, Happened, Read, Shown
from interlock.messaging.stock_views import HaltedGroup, Listed, PlaceCount, Uncorrected

LOOKS = "stock_views.sql"
_T = TypeVar("_T", bound=msgspec.Struct)


def stock_look(connection: apsw.Connection) -> "SqliteStockLook | None":
    """None in a store that no hub with stock has opened yet."""
    there = connection.execute(statements(LOOKS)["there"]).get
    return SqliteStockLook(connection) if there else None


class SqliteStockLook(SqliteStockWork):
    """The StockLook port."""

    def __init__(self, connection: apsw.Connection) -> None:
        super().__init__(connection, {**statements(FILE), **statements(LOOKS)})

    def changes(self, sku: str, limit: int) -> list[Happened]:
        """By the index on (sku, id), with what people asked for between them."""
        rows = self._rows("changes", sku, limit) + self._rows("asked", sku, limit)
        found = [_struct(Happened, row) for row in rows]
        return sorted(found, key=lambda one: one.at_us, reverse=True)[:limit]

    def halted_of(self, sku: str) -> list[Halted]:
        """Newest first."""
        return [halted_row(row) for row in self._rows("halted_of", sku)]

    def halted_by_code(self, limit: int) -> list[Halted]:
        """By code."""
        return [halted_row(row) for row in self._rows("halted_by_code", limit)]

    def halted_counts(self) -> dict[str, int]:
        """The most frequent first."""
        return dict(_pair(row) for row in self._rows("halted_counts"))

    def halted_groups(self) -> list[HaltedGroup]:
        """One pass over the stopped lines."""
        return [_struct(HaltedGroup, row) for row in self._rows("halted_groups")]

    def halted_lines(self, system: str, code: str, limit: int) -> list[Halted]:
        """By the index on time."""
        return [halted_row(row) for row in self._rows("halted_lines", system, code, limit)]

    def uncorrected(self) -> list[Uncorrected]:
        """Without what was put right or refused since."""
        return [_struct(Uncorrected, row) for row in self._rows("uncorrected")]

    def silent(self) -> list[Silent]:
        """By name."""
        return [Silent(*row) for row in self._rows("silent_sources")]

    def readings(self) -> list[tuple[str, str, Read]]:
        """Without what the hub notes of itself."""
        return [
            (system, what, Read(cursor=cursor, fresh_us=fresh_us, tried_us=tried_us, error=error, whole_us=whole_us))
            for system, what, cursor, fresh_us, tried_us, error, whole_us in self._rows("readings")
        ]

    def listed(self, sku: str) -> list[Listed]:
        """By system."""
        return [
            Listed(system=row[0], item=row[1], sku=row[2], barcode=row[3], tracked=bool(row[4]), kit=bool(row[5]), seen_us=row[6])
            for row in self._rows("listed", sku)
        ]  # fmt: skip

    def known(self, sku: str) -> bool:
        """In any table."""
        return bool(self._rows("known", sku)[0][0])

    def near(self, text: str, limit: int) -> list[str]:
        """Those that hold it first."""
        return [row[0] for row in self._rows("near", text, limit)]

    def place_counts(self) -> list[PlaceCount]:
        """One pass over the places."""
        return [_struct(PlaceCount, row) for row in self._rows("place_counts")]

    def wrong(self, limit: int) -> list[Shown]:
        """As the book knows it now, whatever the last comparison said."""
        return [shown_row(row) for row in self._rows("wrong", limit)]

    def kinds_since(self, since_us: int) -> dict[str, int]:
        """By the index on time."""
        return dict(_pair(row) for row in self._rows("kinds_since", since_us))


def _struct(kind: type[_T], row: tuple[Any, ...]) -> _T:
    return kind(**dict(zip(kind.__struct_fields__, row, strict=True)))


def _pair(row: tuple[Any, ...]) -> tuple[str, int]:
    name, count = row
    return str(name), int(count)
