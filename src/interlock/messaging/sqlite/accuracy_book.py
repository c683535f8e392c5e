"""The book of comparisons on the ledger's file; SQL in accuracy_book.sql."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import apsw
import msgspec

from interlock.messaging.accuracy import Difference, Known, Measured, Run, Silent, SyncPlace, Work
from interlock.messaging.sqlite.group_commit import GroupCommit
from interlock.messaging.sqlite.statements import statements
from interlock.messaging.sqlite.stock_book import SqliteStockWork
from interlock.messaging.stock_book import Wish, shown_at

FILE = "accuracy_book.sql"
KEPT_DAYS = 400
"""A year, and the month to compare it with: some rows a day."""
DAY_MS = 86_400_000
_RUN = (
    "id", "kind", "channel", "why", "dry", "sku", "location", "state", "asked_ms", "began_ms", "ended_ms", "at_us", "listed", "compared",
    "equal", "in_flight", "opened", "asked", "strangers", "stale", "error", "reached",
)  # fmt: skip
ACCURACY = (
    "run", "channel", "place", "location", "at_ms", "compared", "equal", "in_flight", "variance", "value", "currency", "unpriced",
    "oldest_ms",
)  # fmt: skip


def sql_of(name: str) -> str:
    """A statement with the columns of its rows."""
    text, measured = statements(FILE)[name], [f"a.{one}" for one in ACCURACY]
    text = text.replace("/*accuracy*/", ", ".join(measured)).replace("/*measured*/", ", ".join(measured[:-1]))
    return text.replace("/*run*/", ", ".join(_RUN))


def run_of(row: tuple[Any, ...]) -> Run:
    """A row of stock_run."""
    return Run(**dict(zip(_RUN, row, strict=True)) | {"dry": bool(row[4])})


class SqliteAccuracyBook:
    """The AccuracyBook port, in the ledger's transactions."""

    def __init__(self, group: GroupCommit) -> None:
        self._group = group

    async def ask(self, wanted: Run, *, by: str, now_ms: int) -> int:
        """A row that the hub finds within half a second."""
        audited = (now_ms, by, wanted.kind, f"stock at {wanted.channel}", wanted.why, "{}")

        def work(connection: apsw.Connection) -> int:
            connection.execute(statements("ledger.sql")["audit"], audited)
            return int(connection.execute(sql_of("ask"), _asked(wanted, f"{by}: {wanted.why}", now_ms)).get)

        return await self._group.run(work)

    async def open_runs(self) -> list[Run]:
        """In the order in which they were asked for."""
        return [run_of(row) for row in self._rows("open_runs")]

    async def begin(self, run: Run) -> int:
        """One that was asked for is taken; another is new."""

        def work(connection: apsw.Connection) -> int:
            number = run.id or int(connection.execute(sql_of("begin"), _asked(run, run.why, run.began_ms)).get)
            _note(connection, msgspec.structs.replace(run, id=number, state="running"))
            return number

        return await self._group.run(work)

    async def note(self, run: Run) -> None:
        """Its whole row."""
        await self._group.run(lambda connection: _note(connection, run))

    async def end(self, measured: Measured) -> None:
        """The numbers stand in the transaction that says that the run is done."""
        run = measured.run

        def work(connection: apsw.Connection) -> None:
            _note(connection, run)
            if run.state == "done":
                connection.execute(sql_of("forget_differences"), (run.channel, run.id, run.sku, run.location))
                _measure(connection, measured)
            before_ms = run.ended_ms - KEPT_DAYS * DAY_MS
            connection.execute(sql_of("trim_runs"), (before_ms,))
            connection.execute(sql_of("trim_accuracy"), (before_ms,))

        await self._group.run(work)

    async def differ(self, found: Sequence[Difference]) -> None:
        """Some of them, as they are found."""

        def work(connection: apsw.Connection) -> None:
            connection.executemany(sql_of("differ"), (_difference(one) for one in found))

        await self._group.run(work)

    async def interrupted(self, now_ms: int) -> None:
        """A sync goes on; a comparison is made again."""
        await self._group.run(lambda connection: connection.execute(sql_of("interrupted"), (now_ms,)))

    async def last_began(self, channel: str) -> int:
        """Dry ones and slices do not count."""
        return int(self._group.reading.execute(sql_of("last_began"), (channel,)).get)

    async def failures(self, channel: str) -> int:
        """Since the last that was done."""
        return int(self._group.reading.execute(sql_of("failed_since"), (channel,)).get)

    def oldest(self, channel: str, run: int) -> dict[str, int]:
        """Place -> since when its oldest difference stands, of what this run has found."""
        return dict(self._rows("oldest", channel, run))

    def known(self, channel: str, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Known]:
        """What stood already of some (sku, place)."""
        pairs = json.dumps([list(pair) for pair in places])
        return {
            (sku, place): Known(cause=cause, wanted=wanted, shown=shown, since_ms=since_ms)
            for sku, place, cause, wanted, shown, since_ms in self._rows("known_differences", channel, pairs)
        }

    def work_of(self, channel: str, keys: Iterable[str]) -> dict[tuple[str, str], Work]:
        """(flow, key) -> its delivery."""
        return {
            (flow, key): Work(state=state, reason=reason, error=error, since_ms=since_ms, attempts=attempts)
            for key, flow, state, reason, error, since_ms, attempts in self._rows(
                "work_of", shown_at(channel), json.dumps(list(keys))
            )
        }

    def prices(self, channel: str, items: Iterable[str]) -> Mapping[str, tuple[str, str]]:
        """Item -> price and currency, of those that have one."""
        return {
            item: (price, currency) for item, price, currency in self._rows("prices", channel, json.dumps(list(items)))
        }

    async def sync(
        self, run: Run, places: Sequence[str], limit: int, wish: Callable[[SyncPlace], Wish], now_ms: int
    ) -> Run:
        """The next places of a sync: their deliveries, and how far it is, in one transaction. `wish` makes one of (place, sku, flow,
        when it was written). What is open already is not asked for again."""
        place, _, after = run.reached.partition("\n")
        values = {
            "channel": run.channel, "place": place, "after": after, "sku": run.sku, "places": json.dumps(list(places)), "limit": limit,
        }  # fmt: skip

        def work(connection: apsw.Connection) -> Run:
            rows: list[tuple[Any, ...]] = connection.execute(sql_of("to_sync"), values).fetchall()
            book = SqliteStockWork(connection, statements("stock_book.sql"))
            for one in rows:
                book.wish(wish(SyncPlace(*one)), now_ms)
            ended = len(rows) < limit
            now = msgspec.structs.replace(
                run, opened=run.opened + len(rows), listed=run.listed + len(rows), state="done" if ended else "running",
                ended_ms=now_ms if ended else 0, reached=run.reached if ended else "\n".join(rows[-1][:2]),
            )  # fmt: skip
            _note(connection, now)
            return now

        return await self._group.run(work)

    # -- sources that are silent

    async def silent(self) -> list[Silent]:
        """Sources of truth that say nothing."""
        return [Silent(*row) for row in self._rows("silent")]

    async def fall_silent(self, system: str, since_us: int) -> None:
        """Once."""
        await self._group.run(lambda connection: connection.execute(sql_of("fall_silent"), (system, since_us)))

    async def called(self, system: str, now_ms: int, problem: str) -> None:
        """Somebody was called, or why not (`now_ms` 0)."""
        await self._group.run(lambda connection: connection.execute(sql_of("called"), (system, now_ms, problem)))

    async def speak_again(self, system: str) -> None:
        """It is over."""
        await self._group.run(lambda connection: connection.execute(sql_of("speak_again"), (system,)))

    def _rows(self, name: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._group.reading.execute(sql_of(name), values).fetchall()


def _asked(run: Run, why: str, now_ms: int) -> tuple[Any, ...]:
    return (run.kind, run.channel, why, int(run.dry), run.sku, run.location, now_ms)


def _note(connection: apsw.Connection, run: Run) -> None:
    connection.execute(
        sql_of("note"),
        (run.id, run.state, run.began_ms, run.ended_ms, run.at_us, run.listed, run.compared, run.equal, run.in_flight, run.opened,
         run.asked, run.strangers, run.stale, run.error, run.reached),
    )  # fmt: skip


def _measure(connection: apsw.Connection, measured: Measured) -> None:
    if not measured.accuracy:
        return
    channel = measured.run.channel
    connection.executemany(
        sql_of("measure"), (tuple(getattr(one, name) for name in ACCURACY) for one in measured.accuracy)
    )
    connection.execute(sql_of("forget_heat"), (channel,))
    connection.executemany(sql_of("heat"), (msgspec.structs.astuple(one) for one in measured.heat))
    connection.execute(sql_of("forget_causes"), (channel,))
    connection.executemany(sql_of("cause"), (msgspec.structs.astuple(one) for one in measured.causes))


def _difference(one: Difference) -> tuple[Any, ...]:
    return (
        one.channel, one.place, one.sku, one.item, one.location, one.group, one.cause, one.what, one.next_move, one.state, one.wanted,
        one.shown, one.known, one.by, one.price, one.currency, one.since_ms, one.last_ms, one.run,
    )  # fmt: skip
