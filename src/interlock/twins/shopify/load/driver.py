"""Drives a believable shop: writes its past in bulk, or lets orders come and live on at the rate of a profile."""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, Protocol

from interlock.twins.shopify import commands
from interlock.twins.shopify.catalogue import Shop
from interlock.twins.shopify.desk import Desk, Refused
from interlock.twins.shopify.draft import Draft
from interlock.twins.shopify.load import hours, lives, people
from interlock.twins.shopify.load.assortment import Assortment, assortment, put_on_sale
from interlock.twins.shopify.load.baskets import drafted
from interlock.twins.shopify.load.profiles import Load
from interlock.twins.shopify.order_writing import ChangeRefused
from interlock.twins.shopify.orders import order_of_draft

AT_ONCE = 50
"""Orders of the past in one line of the journal; between two lines the twin answers others."""
LIFE_SECONDS = 240 * 3_600.0
"""So much of an order's life passes in a steady load, from its first order to its last; what would come later does not."""
CLOCK_SECONDS = 0.002

Order = dict[str, Any]
Written = Callable[[int], Order]


class Running(Protocol):
    """What the driver needs of the shop."""

    desk: Desk

    def place_written(self, written: Written, scenario: str) -> Order:
        """Place an order and send its webhooks."""

    @property
    def queued(self) -> int:
        """How many webhooks were queued since the start."""


class Progress:
    """How far a load is: shown by GET /_twin/load."""

    def __init__(self, load: Load) -> None:
        self.load, self.placed, self.changed, self.refused, self.webhooks = load, 0, 0, 0, 0
        self.began = time.monotonic()
        self.ended: float | None = None

    @property
    def made(self) -> int:
        """What a flash sale is counted in."""
        return max(self.webhooks, self.placed)

    def shown(self) -> dict[str, Any]:
        seconds = (self.ended or time.monotonic()) - self.began
        counted = {"placed": self.placed, "changed": self.changed, "refused": self.refused, "webhooks": self.webhooks}
        return {"profile": self.load.profile, "seed": self.load.seed, "orders": self.load.orders, **counted,
                "seconds": round(seconds, 3), "running": self.ended is None}  # fmt: skip


class Crowd(NamedTuple):
    """Where a load's orders come from; the n-th is the same for the same seed."""

    seed: int
    size: int
    shop: Shop
    goods: Assortment

    def chance(self, number: int) -> random.Random:
        return random.Random(f"{self.seed}:load:{number}")

    def draft(self, rng: random.Random, placed_at: datetime) -> Draft:
        return drafted(rng, self.shop, self.goods, people.drawn(rng, self.size), placed_at)

    def write(self, draft: Draft, number: int) -> Order:
        return order_of_draft(draft, number, self.shop, f"{self.seed}:{number}")


class Driver:
    """Runs one load after another or several beside each other; each is a task of its caller."""

    def __init__(self, shop: Running) -> None:
        self._shop = shop
        self._world, self._store = shop.desk.world, shop.desk.store
        self.loads: list[Progress] = []

    async def run(self, progress: Progress) -> None:
        """Carry out a load."""
        self.loads.append(progress)
        load = progress.load
        goods = assortment(load.seed)
        put_on_sale(self._world, self._store.shop, goods, self._store.now())
        try:
            if load.profile == "backfill":
                await self._backfill(progress, goods)
            elif load.profile == "steady":
                await self._steady(progress, goods)
            else:
                await self._flash_sale(progress, goods)
        finally:
            progress.ended = time.monotonic()

    async def _backfill(self, progress: Progress, goods: Assortment) -> None:
        """The past, without webhooks: what was there before anybody listened."""
        load = progress.load
        until = (load.until or self._store.now()).astimezone(self._store.now().tzinfo)
        crowd = self._crowd(load, load.orders or 10_000, goods)
        moments = enumerate(hours.of_history(crowd.chance(-1), crowd.size, load.days, until))
        while batch := list(islice(moments, AT_ONCE)):
            written = (_past(crowd, place, at, until) for place, at in batch)
            progress.placed += self._store.remember_past(written, "load")
            await asyncio.sleep(0)

    async def _steady(self, progress: Progress, goods: Assortment) -> None:
        """A day of orders, each of which goes on living while others come."""
        count, seconds = progress.load.steady()
        crowd = self._crowd(progress.load, count, goods)
        due: list[tuple[float, int, Any]] = [
            (at, place, None) for place, at in enumerate(hours.of_a_day(crowd.chance(-1), count, seconds))
        ]
        heapq.heapify(due)
        began, tie = time.monotonic(), count
        while due:
            at, place, step = heapq.heappop(due)
            await asyncio.sleep(max(0.0, began + at - time.monotonic()))
            if step is not None:
                self._live_on(progress, *step)
                continue
            order, life = self._place(progress, crowd, place)
            for one in life:
                tie += 1
                later = at + one.after_seconds / LIFE_SECONDS * seconds
                if later < seconds:
                    heapq.heappush(due, (later, tie, (order["id"], one)))

    async def _flash_sale(self, progress: Progress, goods: Assortment) -> None:
        """As many orders as make the webhooks of the moment; where nobody listens, as many orders as there would be webhooks."""
        load, began, first = progress.load, time.monotonic(), self._shop.queued
        crowd = self._crowd(load, load.orders or 10_000, goods)
        while progress.made < load.webhooks and progress.placed < (load.orders or load.webhooks):
            if progress.made < load.webhooks_by(time.monotonic() - began):
                self._place(progress, crowd, progress.placed)
                progress.webhooks = self._shop.queued - first
                await asyncio.sleep(0)
            else:
                await asyncio.sleep(CLOCK_SECONDS)

    def _crowd(self, load: Load, size: int, goods: Assortment) -> Crowd:
        return Crowd(load.seed, size, self._store.shop, goods)

    def _place(self, progress: Progress, crowd: Crowd, place: int) -> tuple[Order, list[lives.Step]]:
        rng = crowd.chance(place)
        draft = crowd.draft(rng, self._store.now())
        order = self._shop.place_written(lambda number: crowd.write(draft, number), "load")
        progress.placed += 1
        return order, lives.drawn(rng, order)

    def _live_on(self, progress: Progress, order_id: int, step: lives.Step) -> None:
        order = self._store.order(str(order_id))
        try:
            if order is not None:
                commands.run(self._shop.desk, order, step.kind, step.asked)
                progress.changed += 1
        except (ChangeRefused, Refused):
            progress.refused += 1


def _past(crowd: Crowd, place: int, placed_at: datetime, until: datetime) -> Written:
    """An order of the past as its life has left it."""
    rng = crowd.chance(place)
    draft = crowd.draft(rng, placed_at)

    def written(number: int) -> Order:
        order = crowd.write(draft, number)
        return lives.lived(order, lives.drawn(rng, order), placed_at, until, rng)

    return written
