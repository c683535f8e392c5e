"""What of stock is older than the history is forgotten: all of it, a little at a time, and no trim reads what it does not forget."""

import asyncio
from pathlib import Path

import apsw
import pytest

from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.messaging.sqlite.statements import statements
from interlock.messaging.sqlite.stock_book import SqliteStockBook

NOW_US, DAY_US = 1_790_000_000_000_000, 86_400_000_000
OLD_US, KEPT_US = NOW_US - 100 * DAY_US, NOW_US - 90 * DAY_US
TRIMS = [name for name in statements("stock_book.sql") if name.startswith("trim_")]
BY_AGE = """SELECT name FROM sqlite_schema
  WHERE type = 'index' AND tbl_name LIKE 'stock_%' AND (sql LIKE '%_us%' OR sql LIKE '%version%')"""
COUNTS = {
    "stock_change": "SELECT count(*) FROM stock_change", "stock_sale": "SELECT count(*) FROM stock_sale",
    "stock_reservation": "SELECT count(*) FROM stock_reservation", "stock_stopped": "SELECT count(*) FROM stock_stopped",
    "stock_batch": "SELECT count(*) FROM stock_batch", "stock_batch_line": "SELECT count(*) FROM stock_batch_line",
}  # fmt: skip


def furnish(store: apsw.Connection, number: int, at_us: int, *, seen: bool) -> None:
    """A sale with all that it leaves behind."""
    name = f"{number}-{at_us}"
    store.execute(
        "INSERT INTO stock_change (at_us, kind, sku, system, place, name, as_of_us, why) VALUES (?, 'sold', 'A', 'shop', '1', 'available', 0, '')",
        (at_us,),
    )
    store.execute("INSERT INTO stock_sale (channel, sale, version) VALUES ('shop', ?, ?)", (name, at_us))
    store.execute(
        "INSERT INTO stock_reservation VALUES ('A', 'shop', ?, '1', 2, ?, ?, ?, '', 1)", (name, 2 * seen, at_us, at_us)
    )
    stopped = "INSERT INTO stock_stopped VALUES ('wms', ?, ?, '', 'STK001', '', '', x'7b7d', 1, ?, ?, 1)"
    store.execute(stopped, (name, f"order {name}", at_us, at_us))
    store.execute(stopped, (name, "156", at_us, at_us))
    store.execute("INSERT INTO stock_batch (key, channel, at_us, lines) VALUES (?, 'shop', ?, x'5b5d')", (name, at_us))
    store.execute("INSERT INTO stock_batch_line VALUES (?, ?, 0)", (name, name))


def test_all_that_is_old_goes_a_little_at_a_time(tmp_path: Path) -> None:
    """Other writes wait for each transaction, so none may take what is there at once; at the end nothing old is left but what a source
    of truth has not seen yet, and lines of counts, which are told for as long as they stop."""

    async def story() -> None:
        ledger = SqliteLedger(tmp_path / "ledger.db", NOW_US // 1_000)
        book, store = SqliteStockBook(ledger.group), ledger.group.connection
        with store:
            for number in range(1_200):
                furnish(store, number, OLD_US + number, seen=number > 0)
            furnish(store, 0, NOW_US, seen=True)

        def left() -> dict[str, int]:
            return {table: store.execute(count).get for table, count in COUNTS.items()}

        before, times = left(), 0
        while await book.trim(NOW_US, KEPT_US):
            now, times = left(), times + 1
            assert all(before[table] - now[table] <= 1_000 for table in COUNTS)
            before = now
        assert times > 1 and left() == {
            "stock_change": 1, "stock_sale": 2, "stock_reservation": 2, "stock_stopped": 1_202, "stock_batch": 1,
            "stock_batch_line": 1,
        }  # fmt: skip
        await ledger.close()

    asyncio.run(story())


@pytest.mark.parametrize("name", TRIMS)
def test_no_trim_reads_what_it_does_not_forget(tmp_path: Path, name: str) -> None:
    """A million sales were read in each of hundreds of transactions, 0.4 s each: an index finds the old ones. Control: without its
    indexes by age the table is read from one end to the other."""

    async def story() -> None:
        ledger = SqliteLedger(tmp_path / "ledger.db", NOW_US // 1_000)
        assert not _scanned(tmp_path / "ledger.db", name)
        store = ledger.group.connection
        for index in store.execute(BY_AGE).fetchall():
            store.execute(f"DROP INDEX {index[0]}")
        assert _scanned(tmp_path / "ledger.db", name) or name == "trim_signals"  # which are found by their system then
        await ledger.close()

    asyncio.run(story())


def _scanned(file: Path, name: str) -> list[str]:
    """Tables of stock that are read in full; that of readings has a few rows."""
    with apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY) as store:
        plan = store.execute("EXPLAIN QUERY PLAN " + statements("stock_book.sql")[name], (KEPT_US,)).fetchall()
    return [step for *_, step in plan if step.startswith("SCAN") and step != "SCAN r"]
