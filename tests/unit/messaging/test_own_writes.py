"""Loops: what we wrote ourselves comes back as an event; it starts nothing new, and hides nothing that a person did."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from engine import Engine, FakeRelease, FakeSystem, event_of

from interlock.messaging.delivery import Want
from interlock.messaging.event import Event
from interlock.messaging.router import Router
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.messaging.write import Plan, Write


def second_shop(engine: Engine) -> None:
    """Orders of the shop go to the ERP and as copies to a second shop, whose own orders go to the ERP too."""

    def wants(event: Event) -> tuple[Want, ...]:
        to_erp = Want(flow=f"{event.system}-to-erp", destination="erp")
        return (to_erp,) if event.system == "outlet" else (to_erp, Want(flow="shop-to-outlet", destination="outlet"))

    engine.release.wants = wants  # type: ignore[method-assign]


def at_outlet(key: str, version: int, value: str) -> Event:
    """An event of the second shop."""
    return msgspec.structs.replace(event_of(key, version, value), system="outlet")


async def copied_and_echoed(engine: Engine) -> None:
    """An order is copied to the second shop, which tells of its new order; then it tells of an order of its own."""
    second_shop(engine)
    await engine.post(event_of("1", 10, "bought"))
    await engine.run(1)
    assert engine.rows("SELECT external_id FROM link WHERE system = 'outlet'") == [("IL-1/1",)]
    await engine.post(at_outlet("IL-1/1", 11, "bought"), at_outlet("77", 12, "bought at the outlet"))
    await engine.run(1)


def test_copy_keeps_its_origin(tmp_path: Path) -> None:
    """C18: read back from the second shop, the copy stays the first shop's order; an order that was born there is imported."""

    async def story() -> None:
        async with Engine(tmp_path, systems=("erp", "outlet")) as engine:
            await copied_and_echoed(engine)
            assert set(engine.erp.records) == {"IL-1", "IL-77"}
            origins = engine.rows("SELECT DISTINCT system, key FROM delivery WHERE destination = 'erp' ORDER BY key")
            assert origins == [("shop", "1"), ("outlet", "77")]

    asyncio.run(story())


def test_copy_keeps_its_origin_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C18, control: a hub that does not remember what it wrote imports the copy as a second order."""

    async def nobody(*_identity: str) -> None:
        return None

    monkeypatch.setattr(SqliteLedger, "origin_of", nobody)

    async def story() -> None:
        async with Engine(tmp_path, systems=("erp", "outlet")) as engine:
            await copied_and_echoed(engine)
            assert set(engine.erp.records) == {"IL-1", "IL-77", "IL-IL-1/1"}

    asyncio.run(story())


def mark_orders(release: FakeRelease) -> None:
    """Besides the ERP, the order itself is marked in the shop that it came from, under its own id."""
    release.table["order"] = (Want(flow="to-erp", destination="erp"), Want(flow="mark", destination="shop"))
    shop = release.systems["shop"]

    def mark(write: Write, _key: str) -> str:
        return write.reference.removeprefix("IL-")

    shop.apply = mark  # type: ignore[method-assign]


def write_content_only(system: FakeSystem) -> None:
    """As the shipped mappings do: no version and no time in what is sent, so that equal content is equal."""
    planned = system.plan

    def plan(document: dict[str, object], **rest: object) -> Plan:
        (write,) = planned({**document, "version": 0}, **rest).writes  # type: ignore[arg-type]
        return Plan(writes=(msgspec.structs.replace(write, action="write"),))

    system.plan = plan  # type: ignore[method-assign, assignment]


async def marked_then_changed(engine: Engine) -> list[str]:
    """The mark comes back as an event, and a second later a person changes the order; what the ERP was sent."""
    mark_orders(engine.release)
    write_content_only(engine.erp)
    await engine.post(event_of("1", 1_000_000, "bought"))
    await engine.run(1)
    await engine.post(event_of("1", 1_500_000, "bought"))
    await engine.run(1)
    await engine.post(event_of("1", 2_500_000, "address corrected"))
    await engine.run(1)
    return [fault for _, _, _, fault in engine.erp.calls]


def test_own_mark_starts_nothing_and_hides_nothing(tmp_path: Path) -> None:
    """C17, C19: the ERP is called for the order and for the person's change, not for the mark that we made in between."""

    async def story() -> None:
        async with Engine(tmp_path, systems=("erp", "shop")) as engine:
            calls = await marked_then_changed(engine)
            assert engine.rows("SELECT external_id FROM link WHERE system = 'shop'") == [("1",)]
            assert len(calls) == 2
            assert engine.erp.value("1") == "address corrected"

    asyncio.run(story())


def test_own_mark_control(tmp_path: Path) -> None:
    """C17, control: without the comparison of contents our own mark is written to the ERP again."""

    async def story() -> None:
        async with Engine(tmp_path, systems=("erp", "shop")) as engine:
            engine.ledger._sql = engine.ledger._sql | {
                "link_head": "SELECT NULL, NULL WHERE ?1||?2||?3||?4||?5||?6||?7||?8 <> ''"
            }
            assert len(await marked_then_changed(engine)) == 3

    asyncio.run(story())


def test_persons_change_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C19, control: a guard that drops every event of what we have written on swallows the person's change."""
    route = Router._route

    async def greedy(self: Router, event: Event) -> object:
        routed = await route(self, event)
        written = await self._ledger.origin_of(event.system, event.object, event.key)
        return routed if written is None else msgspec.structs.replace(routed, wants=())

    monkeypatch.setattr(Router, "_route", greedy)

    async def story() -> None:
        async with Engine(tmp_path, systems=("erp", "shop")) as engine:
            assert len(await marked_then_changed(engine)) == 1
            assert engine.erp.value("1") == "bought"

    asyncio.run(story())
