"""What processes cost the flows that are none: not one statement."""

import asyncio
from pathlib import Path
from typing import Any

from engine import Engine, event_of
from test_process import FakeScript, engine_with, steps


async def statements(engine: Engine, key: str) -> list[str]:
    """Every statement that the ledger runs for one order."""
    found: list[str] = []

    def trace(_cursor: Any, statement: str, _bindings: Any) -> bool:
        found.append(statement)
        return True

    connection = engine.ledger.group.connection
    connection.exec_trace = trace
    try:
        await engine.post(event_of(key, 10, "east,west"))
        await engine.run(2)
    finally:
        connection.exec_trace = None
    return found


def test_an_event_driven_flow_pays_nothing(tmp_path: Path) -> None:
    """An order on its usual way asks nothing of the tables of processes; the control, one with a process, does."""

    async def story() -> tuple[int, int]:
        counts = []
        for name, engine in (
            ("plain", Engine(tmp_path / "plain")),
            ("steered", engine_with(tmp_path / "steered", FakeScript(steps()))),
        ):
            (tmp_path / name).mkdir()
            async with engine:
                await statements(engine, "1")  # the first one meets empty caches
                told = await statements(engine, "2")
                assert set(engine.states().values()) == {"done"}
                counts.append(sum("process" in statement for statement in told))
        return counts[0], counts[1]

    plain, steered = asyncio.run(story())
    assert plain == 0
    assert steered > 0
