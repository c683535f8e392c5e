"""What a delivery could not explain of the money is counted, by flow and destination (C31)."""

import asyncio
import inspect
from pathlib import Path

import apsw
from engine import Engine, event_of

from interlock.mapping import compile as compiled
from interlock.messaging.differences import MoneyDifferences
from interlock.messaging.sqlite.differences import read_differences
from interlock.messaging.sqlite.statements import statements

WORDS = "0.01 of the total is explained by no part of the order"


def test_deliveries_that_booked_a_difference_are_counted(tmp_path: Path) -> None:
    """C31: an order with a difference counts once, however often it is written, and no more when it is explained."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            await engine.post(event_of("1", 10), event_of("2", 10))
            connection = apsw.Connection(str(engine.folder / "ledger.db"))
            assert read_differences(connection) == ()
            flow, destination = connection.execute("SELECT flow, destination FROM delivery").fetchall()[0]
            connection.execute(
                "UPDATE delivery SET warnings = ? WHERE key = '1'", (f"SKU 'A' is on variants 1, 2\n{WORDS}",)
            )
            told = MoneyDifferences(flow=str(flow), destination=str(destination), count=1)
            assert told in read_differences(connection)
            plan = connection.execute(
                "EXPLAIN QUERY PLAN " + statements("differences.sql")["money_differences"]
            ).fetchall()
            assert any("delivery_differs" in str(row) for row in plan), plan
            connection.execute("UPDATE delivery SET warnings = '' WHERE key = '1'")
            assert read_differences(connection) == ()
            connection.close()

    asyncio.run(story())


def test_the_words_are_those_of_the_mapping() -> None:
    """The index knows the warning by its words: were they changed in one place only, nothing would be counted."""
    marker = "is explained by no part of"
    assert marker in WORDS and marker in inspect.getsource(compiled)
    assert marker in statements("differences.sql")["money_differences"]
