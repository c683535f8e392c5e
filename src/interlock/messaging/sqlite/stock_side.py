"""A side table for one comparison of stock: what a channel lists goes into a file of its own, and is compared in SQL with the ledger.

The ledger is only read: two million listed rows never pass through its log. The file is thrown away at the end, so it
needs no log and no fsync.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import apsw

from interlock.messaging.accuracy import Differs, OpenSide
from interlock.messaging.sqlite.statements import statements
from interlock.messaging.stock import Place, Seen

FILE = "stock_side.sql"
BUSY_MS = 5_000


class StockSide:
    """One comparison of one channel. `sku` is a pattern, "" for all; `places` are those of the channel that take part, with our
    location. Use it as a context: the file goes at its end."""

    def __init__(self, file: Path, ledger: Path, *, channel: str, sku: str, places: Mapping[str, str]) -> None:
        self._file = file
        self._sql = statements(FILE)
        self._pages = 0
        self._remove()
        self._connection = apsw.Connection(
            str(file), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
        )
        self._connection.set_busy_timeout(BUSY_MS)
        self._connection.execute(self._sql["settings"])
        self._connection.execute("ATTACH ? AS ledger", (f"file:{quote(str(ledger))}?mode=ro",))
        self._connection.execute(self._sql["make"])
        self._connection.executemany("INSERT INTO our_place VALUES (?, ?)", places.items())
        self._asked = {"channel": channel, "sku": sku}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._remove()

    def take(self, began_us: int, seen: Iterable[Seen]) -> int:
        """A page of the listing, which was asked for at that instant; returns how many places it has."""
        self._pages += 1
        page, rows = self._pages, 0

        def values() -> Iterator[tuple[Any, ...]]:
            nonlocal rows
            for one in seen:
                rows += 1
                yield one.place.location, one.place.item, one.quantity if one.stocked else 0, page

        if not self._connection.in_transaction:  # one for all pages: each commit would write what it has touched
            self._connection.execute("BEGIN")
        self._connection.execute(self._sql["page"], (page, began_us))
        self._connection.executemany(self._sql["list"], values())
        return rows

    def at_most(self, limit: int) -> bool:
        """Whether no more places than that take part."""
        values = (self._asked["channel"], self._asked["sku"], limit + 1)
        return int(self._connection.execute(self._sql["how_many"], values).get) <= limit

    def places(self) -> list[Place]:
        """Those that take part; of a slice that is small."""
        rows = self._connection.execute(self._sql["places"], (self._asked["channel"], self._asked["sku"]))
        return [Place(item, place) for place, item in rows]

    async def compare(self, began_us: int, groups: Mapping[str, str] | None, news: Iterable[str] = ()) -> None:
        """Both sides as of now, in a thread. `groups`: SKU -> its group, None when there are none; places of `news` are looked at
        in any case."""
        work = asyncio.ensure_future(asyncio.to_thread(self._compare, began_us, groups, list(news)))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:  # the hub ends: nobody closes a connection that a thread is using
            self._connection.interrupt()
            await asyncio.wait([work])
            raise

    def _compare(self, began_us: int, groups: Mapping[str, str] | None, news: Sequence[str]) -> None:
        sql, connection = self._sql, self._connection
        if connection.in_transaction:
            connection.execute("COMMIT")  # and look at the ledger as it is now
        with connection:
            connection.executemany(sql["new"], ((sku,) for sku in news))
            connection.execute(sql["compare"], {**self._asked, "began_us": began_us, "news": int(bool(news))})
            totals: list[Any] = connection.execute(sql["totals"], self._asked).fetchall()
            self.totals: dict[str, int] = dict(totals)
            self.group_totals: dict[tuple[str, str], int] = {}
            if groups:
                connection.executemany(sql["group"], groups.items())
                rows = connection.execute(sql["group_totals"], {"channel": self._asked["channel"]})
                self.group_totals = {(place, name): count for place, name, count in rows}
        connection.execute(sql["order"])

    def skus(self) -> list[str]:
        """All that the channel shows at the places that take part."""
        return [sku for (sku,) in self._connection.execute(self._sql["skus"], (self._asked["channel"],))]

    def some(self, after: int, limit: int) -> list[Differs]:
        """The next that differ, the worst first."""
        rows: Any = self._connection.execute(self._sql["some"], (after, limit))
        return [
            Differs(number, place, sku, item, wanted, shown, bool(moved))
            for number, place, sku, item, wanted, shown, moved in rows
        ]

    def strangers(self, limit: int) -> list[tuple[str, int, str]]:
        """Item, what it shows in sum, and the SKU text that the channel has for it."""
        rows: Any = self._connection.execute(self._sql["strangers"], (self._asked["channel"], limit))
        return list(rows)

    def _remove(self) -> None:
        self._file.unlink(missing_ok=True)


def beside(data: Path) -> OpenSide:
    """Side tables in the folder of the ledger, one per channel."""

    def open_side(channel: str, sku: str, places: Mapping[str, str]) -> StockSide:
        return StockSide(data / f"compare-{channel}.db", data / "ledger.db", channel=channel, sku=sku, places=places)

    return open_side
