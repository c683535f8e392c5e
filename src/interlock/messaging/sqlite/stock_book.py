"""The stock book on the ledger's file: beside the deliveries that it opens, in the same transactions; SQL in stock_book.sql."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import apsw
import msgspec

from interlock.messaging.sqlite.group_commit import GroupCommit
from interlock.messaging.sqlite.routing import letter_of
from interlock.messaging.sqlite.statements import statements
from interlock.messaging.stock import QUANTITIES, Item, Level, Line
from interlock.messaging.stock_book import (
    CURSOR,
    Batch,
    Counted,
    Halted,
    Happened,
    LineMark,
    Read,
    Reserved,
    Shown,
    ToldMark,
    UnseenMark,
    Wish,
    shown_at,
)

FILE = "stock_book.sql"
BATCHES_KEPT_HOURS = 48.0
"""Twice as long as any channel remembers an idempotency key (Shopify: 24 h, F41)."""

TRIMMED_SOON = ("trim_batches", "trim_stopped", "trim_signals")
TRIMMED = ("trim_changes", "trim_reservations", "trim_sales")
"""Statements that forget what is older than the history that is kept."""

_T = TypeVar("_T")
_encode = msgspec.json.Encoder(decimal_format="string").encode
_level = msgspec.json.Decoder(Level, strict=False).decode
_lines = msgspec.json.Decoder(tuple[Line, ...]).decode


LONGEST_PAUSE_US: Final = 600_000_000
"""No order is put off for longer: it is asked for again after five minutes at most. A level may be, until its owner has counted."""


class SqliteStockBook:
    """The StockBook port."""

    def __init__(self, group: GroupCommit) -> None:
        self._group = group
        self._sql = statements(FILE)

    async def run(self, work: Callable[["SqliteStockWork"], _T]) -> _T:
        """In one transaction with whatever else is written at this moment."""
        return await self._group.run(lambda connection: work(SqliteStockWork(connection, self._sql)))

    def look(self, work: Callable[["SqliteStockWork"], _T]) -> _T:
        """On what is committed."""
        return work(SqliteStockWork(self._group.reading, self._sql))

    async def trim(self, now_us: int, changes_before_us: int) -> bool:
        """Some thousands of rows at a time."""
        before_us = now_us - round(BATCHES_KEPT_HOURS * 3_600e6)

        def work(connection: apsw.Connection) -> bool:
            connection.execute(self._sql["trim_lines"], (before_us,))
            more = False
            until_us = dict.fromkeys(TRIMMED_SOON, before_us) | dict.fromkeys(TRIMMED, changes_before_us)
            for name, us in until_us.items():
                connection.execute(self._sql[name], (us,))
                more = more or connection.changes() > 0
            return more

        return await self._group.run(work)


class SqliteStockWork:
    """The StockWork port on one connection."""

    def __init__(self, connection: apsw.Connection, sql: dict[str, str]) -> None:
        self._connection = connection
        self._sql = sql

    # -- positions

    def counted(self, sku: str) -> list[Counted]:
        """By the primary key."""
        return [_counted(row) for row in self._rows("counted", sku)]

    def counted_as(self, system: str, item: str, place: str) -> list[Counted]:
        """By the owner's ids."""
        return [_counted(row) for row in self._rows("counted_as", system, item, place)]

    def count(self, position: Counted) -> None:
        """Whole: a quantity that is told no more is known no more."""
        self._do("count", *_row(position))

    def uncount(self, position: Counted) -> None:
        """One row."""
        self._do("uncount", position.sku, position.location, position.system, position.place, position.item)

    # -- signals

    def signals(self, sku: str) -> list[Counted]:
        """By the index on the SKU."""
        return [_counted(row) for row in self._rows("signals", sku)]

    def signals_after(self, after: LineMark, limit: int) -> list[Counted]:
        """By the primary key."""
        return [_counted(row) for row in self._rows("signals_after", *after, limit)]

    def skus_said(self, system: str, item: str) -> list[str]:
        """By the primary key."""
        return [row[0] for row in self._rows("skus_said", system, item)]

    def signal(self, said: Counted) -> None:
        """A line has one row, whatever it meant before."""
        line = (said.system, said.item, said.place)
        self._do("signal_told", said.told_us, *line, said.sku, said.location, said.as_of_us)
        if not self._connection.changes():
            self._do("signal", *_row(said))

    def unsignal(self, system: str, item: str, place: str) -> None:
        """Nothing, when there is none."""
        self._do("unsignal", system, item, place)

    # -- stopped lines

    def halt(self, halted: Halted) -> None:
        """The first time stays, the reason is the newest."""
        self._do(
            "halt", halted.system, halted.item, halted.place, halted.sku, halted.code, halted.reason, halted.next_move,
            _encode(halted.line), halted.event, halted.since_us or halted.last_us, halted.last_us,
        )  # fmt: skip

    def resume(self, system: str, item: str, place: str) -> None:
        """Nothing, when it had not stopped."""
        self._do("resume", system, item, place)

    def halted(self, limit: int, tried_before_us: int) -> list[Halted]:
        """With the level as it was told."""
        return [halted_row(row) for row in self._rows("halted", tried_before_us, limit)]

    def tried(self, halted: Halted, now_us: int) -> None:
        """When, so that each has its turn."""
        self._do("tried", now_us, halted.system, halted.item, halted.place)

    def has_unknown(self, since_us: int) -> bool:
        """By its index."""
        return bool(self._rows("has_unknown", since_us))

    # -- sales

    def reserved(self, sku: str) -> list[Reserved]:
        """The oldest first."""
        return [_reserved(row) for row in self._rows("reserved", sku)]

    def reserved_of(self, channel: str, sale: str) -> list[Reserved]:
        """Of one sale."""
        return [_reserved(row) for row in self._rows("reserved_of", channel, sale)]

    def reserved_told(self, sku: str, owner: str) -> list[Reserved]:
        """By the crosswalk."""
        return [_reserved(row) for row in self._rows("reserved_told", sku, owner)]

    def unseen(self, after: UnseenMark, until_us: int, limit: int) -> list[Reserved]:
        """By their index."""
        return [_reserved(row) for row in self._rows("unseen", *after, until_us, limit)]

    def told_after(self, owner: str, after: ToldMark, until_ms: int, limit: int) -> list[ToldMark]:
        """By the crosswalk's index."""
        return [(ms, channel, sale) for ms, channel, sale in self._rows("told_after", owner, *after, until_ms, limit)]

    def sold(self, channel: str, sale: str, version: int) -> bool:
        """The version of a sale only rises."""
        return self._connection.execute(self._sql["sold"], (channel, sale, version)).fetchone() is not None

    def reserve(self, line: Reserved) -> None:
        """In place of what the same sale took of it before."""
        self._do(
            "reserve", line.sku, line.channel, line.sale, line.place, line.quantity, line.version, line.accepted_us,
            line.name, line.event,
        )  # fmt: skip

    def see(self, line: Reserved) -> None:
        """The row stays: a newer version of the sale that takes no more is known as well."""
        self._do("see", line.sku, line.channel, line.sale, line.place)

    def release(self, line: Reserved) -> None:
        """The row stays, of no pieces: what its owner is told of it has its item read again."""
        self._do("release", line.version, line.sku, line.channel, line.sale, line.place)

    def rename_sales(self, sku: str, now: str) -> None:
        """All of them, also what was seen: an order that changes is compared with it."""
        self._do("rename_sales", now, sku)

    def told_owner_us(self, owner: str, channel: str, sale: str, version: int) -> int:
        """By the crosswalk."""
        return int(self._connection.execute(self._sql["told_owner"], (owner, channel, sale, version)).get or 0) * 1_000

    # -- channels

    def foreign_us(self, channel: str, place: str, sku: str) -> int:
        """In its history, the newest first."""
        return int(self._connection.execute(self._sql["foreign"], (sku, channel, place)).get or 0)

    def shown(self, channel: str, place: str, sku: str) -> Shown | None:
        """By the primary key."""
        row = self._connection.execute(self._sql["shown"], (channel, place, sku)).fetchone()
        return None if row is None else shown_row(row)

    def shown_of(self, sku: str) -> list[Shown]:
        """At all channels."""
        return [shown_row(row) for row in self._rows("shown_of", sku)]

    def shown_as(self, channel: str, item: str, place: str) -> list[Shown]:
        """By the channel's ids."""
        return [shown_row(row) for row in self._rows("shown_as", channel, item, place)]

    def skus(self, after: str, limit: int) -> list[str]:
        """By the primary key."""
        return [row[0] for row in self._rows("skus", after, limit)]

    def untold(self, system: str, before_us: int, after: str, limit: int) -> list[str]:
        """By the primary key, each once."""
        return [row[0] for row in self._rows("untold", system, before_us, after, limit)]

    def suspended(self, after: str, limit: int) -> list[str]:
        """By their index, each once."""
        return [row[0] for row in self._rows("suspended", after, limit)]

    def waited_out(self, channel: str, place: str, sku: str) -> None:
        """One row."""
        self._do("waited_out", channel, place, sku)

    def overdue(self, now_us: int) -> list[tuple[str, str, str, int]]:
        """Some at a time."""
        return [(channel, place, sku, us) for channel, place, sku, us in self._rows("overdue", now_us)]

    def show(self, row: Shown) -> None:
        """Whole."""
        self._do(
            "show", row.channel, row.place, row.sku, row.flow, row.item, row.wanted, row.wanted_us, row.change, row.seen,
            row.seen_us, row.written, row.written_us, row.sold, row.missing, row.missing_us, int(row.stocked),
            row.trouble, row.said,
        )  # fmt: skip

    def unshow(self, row: Shown) -> None:
        """One row."""
        self._do("unshow", row.channel, row.place, row.sku)

    def placed(self, after: str, limit: int) -> list[str]:
        """By their index."""
        return [row[0] for row in self._rows("placed", after, limit)]

    def wish(self, wish: Wish, now_ms: int) -> None:
        """As the router wants one, but that a place which was written a moment ago is not due before its time."""
        values = {
            "flow": wish.flow, "system": wish.system, "destination": shown_at(wish.channel), "object": "inventory_level", "key": wish.key,
            "name": wish.sku, "event": wish.event, "version": 0, "reread": 0, "priority": wish.priority,
            "release": wish.release, "received": now_ms, "now": now_ms, "due": max(now_ms, wish.not_before_ms),
        }  # fmt: skip
        deliveries = statements("ledger.sql")
        self._connection.execute(deliveries["want"], values)
        self._connection.execute(deliveries["supersede_letter"], letter_of(values, "the stock changed again"))

    # -- history and reading

    def happened(self, change: Happened) -> None:
        """One row."""
        self._do("happened", *msgspec.structs.astuple(change))

    def reading(self, system: str, what: str) -> Read:
        """Never read is all empty."""
        row = self._connection.execute(self._sql["reading"], (system, what)).fetchone()
        if row is None:
            return Read()
        cursor, fresh_us, tried_us, error, whole_us, listed_us = row
        return Read(
            cursor=cursor, fresh_us=fresh_us, tried_us=tried_us, error=error, whole_us=whole_us, listed_us=listed_us
        )  # fmt: skip

    def read(self, system: str, what: str, state: Read) -> None:
        """In place of the former."""
        self._do(
            "read",
            system,
            what,
            state.cursor,
            state.fresh_us,
            state.tried_us,
            state.error,
            state.whole_us,
            state.listed_us,
        )

    def list_items(self, system: str, items: Sequence[Item], seen_us: int) -> list[str]:
        """Row by row."""
        news = [one.item for one in items if self._rows("listed", system, one.item) != [_identity(one)]]
        self._connection.executemany(
            self._sql["list_item"],
            ((system, one.item, one.sku, one.barcode, one.variant, int(one.tracked), int(one.kit), seen_us,
              "" if one.price is None else str(one.price), one.currency) for one in items),
        )  # fmt: skip
        return news

    def drop_items(self, system: str, seen_before_us: int) -> list[str]:
        """Those that a whole listing did not show."""
        return [row[0] for row in self._rows("drop_items", system, seen_before_us)]

    def skus_as(self, system: str, item: str) -> list[str]:
        """By the indexes of ids."""
        return [row[0] for row in self._rows("skus_as", system, item)]

    def again(self, system: str, object_name: str, key: str, event: int, due_us: int) -> None:
        """Once for each object."""
        self._do("again", system, object_name, key, event, due_us)

    def ask(self, system: str, item: str, since_us: int, due_us: int) -> None:
        """Once for each item."""
        self._do("ask", system, item, since_us, due_us)

    def to_read(self, system: str, now_us: int, limit: int) -> list[tuple[str, str, int, int]]:
        """The longest due first."""
        rows = self._rows("to_read", system, now_us, limit, LONGEST_PAUSE_US)
        return [(name, key, event, tries) for name, key, event, tries in rows]

    def put_off(self, system: str, object_name: str, key: str, event: int, due_us: int) -> None:
        """Nothing, when a later event asks."""
        self._do("put_off", due_us, system, object_name, key, event)

    def was_read(self, system: str, object_name: str, key: str, event: int) -> None:
        """Done."""
        self._do("was_read", system, object_name, key, event)

    def move(self, cursor: int) -> None:
        """The cursor of the stock book, beside the router's."""
        self._connection.execute(statements("ledger.sql")["move_cursor"], (CURSOR, cursor))

    # -- the catalogue

    def sku_of(self, system: str, item: str) -> tuple[str, ...]:
        """By the item's id."""
        return tuple(row[0] for row in self._rows("sku_of", system, item))

    def items_of(self, system: str, sku: str) -> tuple[str, ...]:
        """By the SKU."""
        return tuple(row[0] for row in self._rows("items_of", system, sku))

    def unwritable(self, system: str, item: str) -> str:
        """As the channel lists it."""
        row = self._connection.execute(self._sql["writable"], (system, item)).fetchone()
        if row is None or row == (1, 0):
            return ""
        return f"{system} derives it from its components" if row[1] else f"{system} does not count it"

    def with_barcode(self, system: str, barcode: str) -> tuple[str, ...]:
        """By the barcode."""
        return tuple(row[0] for row in self._rows("with_barcode", system, barcode))

    # -- batches

    def keep_batch(self, batch: Batch) -> None:
        """The call and its lines."""
        self._do("keep_batch", batch.key, batch.channel, batch.at_us, _encode(batch.lines))
        numbered = ((key, batch.key, number) for number, key in enumerate(batch.line_keys))
        self._connection.executemany(self._sql["keep_line"], numbered)

    def batch_of(self, line_key: str) -> tuple[Batch, int] | None:
        """The newest that the line went out in."""
        row = self._connection.execute(self._sql["batch_of"], (line_key,)).fetchone()
        if row is None:
            return None
        key, channel, lines, receipt, at_us, number = row
        line_keys = tuple(found[0] for found in self._rows("line_keys", key))
        return Batch(
            key=key, channel=channel, lines=_lines(lines), line_keys=line_keys, receipt=receipt, at_us=at_us
        ), number

    def batch_under_way(self, key: str, receipt: str) -> None:
        """Its receipt."""
        self._do("under_way", receipt, key)

    def _rows(self, name: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(self._sql[name], values).fetchall()

    def _do(self, name: str, *values: Any) -> None:
        self._connection.execute(self._sql[name], values)


def _row(one: Counted) -> tuple[Any, ...]:
    """As the tables of positions and of signals have it."""
    told = one.quantities
    return (
        one.sku, one.location, one.system, one.place, one.item, *(told.get(name) for name in QUANTITIES),
        one.as_of_us, one.told_us, one.event, one.remainder, one.unit, one.version,
    )  # fmt: skip


def _counted(row: tuple[Any, ...]) -> Counted:
    sku, location, system, place, item, *rest = row
    numbers, (as_of_us, told_us, event, remainder, unit, version) = rest[: len(QUANTITIES)], rest[len(QUANTITIES) :]
    return Counted(
        sku=sku, location=location, system=system, place=place, item=item,
        quantities={name: number for name, number in zip(QUANTITIES, numbers, strict=True) if number is not None},
        as_of_us=as_of_us, told_us=told_us, event=event, remainder=remainder, unit=unit, version=version,
    )  # fmt: skip


def halted_row(row: tuple[Any, ...]) -> Halted:
    """As the statements on stock_stopped select it."""
    return Halted(**dict(zip(Halted.__struct_fields__, row, strict=True)) | {"line": _level(row[7])})


def _identity(one: Item) -> tuple[str, str, str, int, int]:
    return one.sku, one.barcode, one.variant, int(one.tracked), int(one.kit)


def _reserved(row: tuple[Any, ...]) -> Reserved:
    return Reserved(**dict(zip(Reserved.__struct_fields__, row, strict=True)))


def shown_row(row: tuple[Any, ...]) -> Shown:
    """As the statements on stock_place select it."""
    return Shown(**dict(zip(Shown.__struct_fields__, row, strict=True)) | {"stocked": bool(row[15])})
