"""Subscriptions: what the flows declare is there, what is lost is back at the next look, and the gap is filled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interlock.clock import VirtualClock
from interlock.intake import subscriptions as keeping
from interlock.intake.subscriptions import LOOK_SECONDS, SubscriptionKeeper
from interlock.messaging.outcome import Done, Refused, Retry
from interlock.messaging.source import Subscription
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.messaging.sqlite.subscription_book import SqliteSubscriptionBook

ADDRESS = "https://hub.example.com/intake/shop"
CREATED = Subscription(topic="orders/create", address="", name="interlock-orders-create")
UPDATED = Subscription(topic="orders/updated", address="", name="interlock-orders-updated", fields=("id", "updated_at"))


class Shop:
    """A shop's subscriptions; `refuses` are topics that it does not take."""

    def __init__(self) -> None:
        self.there: dict[str, Subscription] = {}
        self.calls: list[str] = []
        self.answers = True
        self.refuses: set[str] = set()
        self._made = 0

    async def subscriptions(self, *, timeout_seconds: float) -> Any:
        return list(self.there.values()) if self.answers else Retry(code="503", message="down")

    async def subscribe(self, wanted: Subscription, *, timeout_seconds: float) -> Any:
        self.calls.append(f"{'correct' if wanted.id else 'make'} {wanted.topic}")
        if wanted.topic in self.refuses:
            return Refused(reason="permission", code="ACCESS_DENIED", message="needs read_orders")
        self._made += 0 if wanted.id else 1
        made = msgspec.structs.replace(wanted, id=wanted.id or str(self._made))
        self.there[made.id] = made
        return Done(external_id=made.id)

    async def unsubscribe(self, subscription_id: str, *, timeout_seconds: float) -> Any:
        self.calls.append(f"remove {self.there.pop(subscription_id).topic}")
        return Done()


class Kept:
    """A keeper over one shop, its book, and what it asked to have compared."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock()
        self.shop = Shop()
        self.wanted: dict[str, list[Subscription]] = {"shop": [CREATED, UPDATED]}
        self.compared: list[str] = []
        self.ledger = SqliteLedger(folder / "ledger.db", self.clock.now_ms())
        self.book = SqliteSubscriptionBook(self.ledger.group)
        self.keeper = self.anew()

    def anew(self) -> SubscriptionKeeper:
        """As after a restart: nothing is remembered but the book."""
        return SubscriptionKeeper(self.book, self.clock, sources=lambda: self, address=lambda _: ADDRESS, compare=self._compare)

    def wanted_subscriptions(self) -> dict[str, list[Subscription]]:
        return self.wanted

    def subscriber(self, system: str) -> Shop:
        return self.shop

    async def _compare(self, system: str) -> None:
        self.compared.append(system)


@asynccontextmanager
async def kept(folder: Path) -> AsyncIterator[Kept]:
    made = Kept(folder)
    try:
        yield made
    finally:
        await made.ledger.close()


def test_what_flows_declare_is_made_once(tmp_path: Path) -> None:
    """Looking again makes nothing; nothing was lost, so nothing is compared."""

    async def story() -> None:
        async with kept(tmp_path) as world:
            await world.keeper.look()
            await world.keeper.look()
            assert world.shop.calls == ["make orders/create", "make orders/updated"]
            assert world.compared == []
            assert {one.state for one in await world.book.kept()} == {"there"}

    asyncio.run(story())


def test_lost_one_is_back_within_a_minute(tmp_path: Path) -> None:
    """C08: the shop dropped one; the next look makes it again and has the gap filled, and the book counts it."""

    async def story() -> None:
        async with kept(tmp_path) as world:
            running = asyncio.create_task(world.keeper.run())
            await world.clock.advance(1)
            world.shop.there.pop("1")
            await world.clock.advance(LOOK_SECONDS)
            running.cancel()
            assert world.shop.calls[-1] == "make orders/create"
            assert world.compared == ["shop"]
            rows = {one.topic: one for one in await world.book.kept()}
            assert (rows["orders/create"].lost, rows["orders/create"].state) == (1, "there")

    asyncio.run(story())


def test_lost_while_no_hub_ran(tmp_path: Path) -> None:
    """C07, fault case 16: five hours off, the shop has dropped both; the first look of the next process knows that."""

    async def story() -> None:
        async with kept(tmp_path) as world:
            await world.keeper.look()
            world.shop.there.clear()
            await world.clock.advance(5 * 3_600)
            await world.anew().look()
            assert world.compared == ["shop"]
            assert len(world.shop.there) == 2

    asyncio.run(story())


def test_lost_while_no_hub_ran_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: a keeper whose book forgets takes the loss for a first start, and nobody looks for the gap."""

    async def story() -> None:
        async with kept(tmp_path) as world:
            await world.keeper.look()
            world.shop.there.clear()

            async def forgotten() -> tuple[()]:
                return ()

            monkeypatch.setattr(world.book, "kept", forgotten)
            await world.anew().look()
            assert world.compared == []

    asyncio.run(story())


def test_what_differs_is_corrected(tmp_path: Path) -> None:
    """A flow asks for other fields, or the hub has moved: the same subscription is corrected, not doubled (C02)."""

    async def story() -> None:
        async with kept(tmp_path) as world:
            await world.keeper.look()
            world.wanted["shop"] = [CREATED, msgspec.structs.replace(UPDATED, fields=("id", "updated_at", "total_price"))]
            await world.keeper.look()
            assert world.shop.calls[2:] == ["correct orders/updated"]
            assert len(world.shop.there) == 2

    asyncio.run(story())


def test_what_no_flow_wants_goes_and_others_stay(tmp_path: Path) -> None:
    """Ours is removed; one that somebody else made is nobody's business."""

    async def story() -> None:
        async with kept(tmp_path) as world:
            world.shop.there["x"] = Subscription(topic="products/update", address="https://other.example", id="x", name="mine")
            await world.keeper.look()
            world.wanted["shop"] = [CREATED]
            await world.keeper.look()
            assert world.shop.calls[-1] == "remove orders/updated"
            assert {one.topic for one in world.shop.there.values()} == {"orders/create", "products/update"}
            assert [one.topic for one in await world.book.kept()] == ["orders/create"]

    asyncio.run(story())


def test_refused_topic_says_why_and_the_others_are_made(tmp_path: Path) -> None:
    """A scope that is missing costs its topic, not the others; the reason is kept for people."""

    async def story() -> None:
        async with kept(tmp_path) as world:
            world.shop.refuses = {"orders/create"}
            await world.keeper.look()
            rows = {one.topic: one for one in await world.book.kept()}
            assert (rows["orders/create"].state, rows["orders/updated"].state) == ("missing", "there")
            assert "needs read_orders" in rows["orders/create"].problem

    asyncio.run(story())


def test_silent_shop_changes_nothing(tmp_path: Path) -> None:
    """No answer is no loss: nothing is made twice, nothing is compared."""

    async def story() -> None:
        async with kept(tmp_path) as world:
            await world.keeper.look()
            world.shop.answers = False
            before = await world.book.kept()
            await world.keeper.look()
            assert (await world.book.kept(), len(world.shop.calls)) == (before, 2)

    asyncio.run(story())


def test_without_an_address_nothing_is_made(tmp_path: Path) -> None:
    """Whoever does not say where the hub is reached keeps the subscriptions himself."""

    async def story() -> None:
        async with kept(tmp_path) as world:
            keeper = SubscriptionKeeper(world.book, world.clock, sources=lambda: world, address=lambda _: "", compare=world._compare)
            await keeper.look()
            assert world.shop.calls == []

    asyncio.run(story())


def test_quiet_looks_write_little(tmp_path: Path) -> None:
    """A look that finds everything as it was is written down every fifth time at most."""

    async def story() -> None:
        async with kept(tmp_path) as world:
            await world.keeper.look()
            commits = world.ledger.group.commits
            for _ in range(10):
                await world.clock.advance(keeping.LOOK_SECONDS)
                await world.keeper.look()
            assert world.ledger.group.commits - commits <= 2

    asyncio.run(story())


def test_connector_that_fails_costs_its_look(tmp_path: Path) -> None:
    """An answer that cannot be read must not end the hub; the other sources are looked at, and this one in a minute."""

    async def story() -> None:
        async with kept(tmp_path) as world:

            async def broken(*, timeout_seconds: float) -> Any:
                raise KeyError("nodes")

            answer, world.shop.subscriptions = world.shop.subscriptions, broken  # type: ignore[method-assign]
            await world.keeper.look()
            world.shop.subscriptions = answer  # type: ignore[method-assign]
            await world.keeper.look()
            assert len(world.shop.there) == 2

    asyncio.run(story())


def test_gap_ends_when_it_is_made_again(tmp_path: Path) -> None:
    """C08: the first try to make it again is refused; what changed until it was there once more is compared then."""

    async def story() -> None:
        async with kept(tmp_path) as world:
            await world.keeper.look()
            world.shop.there.pop("1")
            world.shop.refuses = {"orders/create"}
            await world.keeper.look()
            assert world.compared == []
            world.shop.refuses = set()
            await world.keeper.look()
            assert world.compared == ["shop"]
            rows = {one.topic: one for one in await world.book.kept()}
            assert rows["orders/create"].lost == 1

    asyncio.run(story())
