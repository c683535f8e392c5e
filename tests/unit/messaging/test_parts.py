"""A refund is told by an event of its order, and moves by its own id: once, whatever else is said about the order."""

import asyncio
from pathlib import Path

import pytest
from engine import Engine, event_of

from interlock.messaging.delivery import Want
from interlock.messaging.event import Event
from interlock.messaging.sqlite.routing import RoutingWork

REFUND = Want(flow="refund-to-erp", destination="erp", object="refund", key="77")


def told(engine: Engine) -> None:
    """Every event of the order proves refund 77."""

    def wants(_: Event) -> tuple[Want, ...]:
        return (REFUND,)

    engine.release.wants = wants  # type: ignore[method-assign]


def deliveries(engine: Engine) -> list[tuple[object, ...]]:
    return engine.rows("SELECT object, key, name, wanted_version, reread, revision FROM delivery")


def test_part_moves_by_its_own_id(tmp_path: Path) -> None:
    """The refund is read by its id; it has a page under the order's name."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            told(engine)
            await engine.post(event_of("1", 0, complete=False, facts=("refunds/create#77",)))
            assert deliveries(engine) == [("refund", "77", "#1", 0, 1, 1)]
            assert engine.rows("SELECT object, key FROM object ORDER BY object") == [("order", "1"), ("refund", "77")]

    asyncio.run(story())


def listed_twice(tmp_path: Path) -> list[tuple[object, ...]]:
    """Two later states of the order list the same refund."""

    async def story() -> list[tuple[object, ...]]:
        async with Engine(tmp_path) as engine:
            told(engine)
            await engine.post(event_of("1", 10))
            await engine.post(event_of("1", 11))
            return deliveries(engine)

    return asyncio.run(story())


def test_whole_order_tells_of_a_part_once(tmp_path: Path) -> None:
    """An order that lists its refund at each change does not move the refund again."""
    assert [row[-1] for row in listed_twice(tmp_path)] == [1]


def test_whole_order_tells_of_a_part_once_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: were it wanted like the order itself, each change would move it again."""
    init = RoutingWork.__init__

    def wanting(self: RoutingWork, sql: dict[str, str]) -> None:
        init(self, sql | {"signal": sql["want"]})

    monkeypatch.setattr(RoutingWork, "__init__", wanting)
    assert [row[-1] for row in listed_twice(tmp_path)] == [2]
