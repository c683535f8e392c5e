"""The commands that give a shop load: an even pace of its scenarios, or a profile, each a task beside what else it does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.twins.shopify.load.driver import Driver, Progress, Running
from interlock.twins.shopify.load.profiles import asked_for
from interlock.twins.shopify.store import known_scenario
from interlock.twins.vendor import answer
from interlock.twins.world import decode_json


class Placing(Running, Protocol):
    """A shop that also places orders of its scenarios."""

    def place(self, scenario: str | None = None) -> dict[str, Any]:
        """Place one order and send its webhooks."""


class LoadRoutes:
    """`/_twin/load`. Loads end with the twin."""

    def __init__(self, shop: Placing) -> None:
        self._shop, self._driver = shop, Driver(shop)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        return len(self._tasks)

    def control_routes(self) -> list[BaseRoute]:
        return [Route("/load", self.loads, methods=["GET"]), Route("/load", self.load, methods=["POST"])]

    async def stop(self) -> None:
        """End all that runs."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def loads(self, _: Request) -> Response:
        """GET /_twin/load: every load with a profile since the start, and how far it is."""
        return answer({"loads": [one.shown() for one in self._driver.loads]})

    async def load(self, request: Request) -> Response:
        """POST /_twin/load {"profile": ...} (profiles.py) or {"rate_per_second", "seconds", "scenario"}; answers at once."""
        raw = await request.body()
        asked = dict(decode_json(raw)) if raw else {}
        return self._with_profile(asked) if "profile" in asked else self._at_an_even_pace(asked)

    def _with_profile(self, asked: dict[str, Any]) -> Response:
        try:
            progress = Progress(asked_for(asked))
        except ValueError as error:
            return answer({"error": str(error)}, 400)
        self._run(self._driver.run(progress))
        return answer(progress.shown(), 202)

    def _at_an_even_pace(self, asked: dict[str, Any]) -> Response:
        rate, seconds = float(asked.get("rate_per_second", 10)), float(asked.get("seconds", 5))
        if not known_scenario(asked.get("scenario")) or rate <= 0 or seconds <= 0:
            return answer({"error": "needs rate_per_second and seconds above 0 and a known scenario"}, 400)
        count = max(1, round(rate * seconds))
        self._run(self._paced(count, rate, asked.get("scenario")))
        return answer({"orders": count, "rate_per_second": rate, "seconds": seconds}, 202)

    def _run(self, load: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(load)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _paced(self, count: int, rate: float, scenario: str | None) -> None:
        """Place orders at even distances; one that is late does not delay the next."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
            self._shop.place(scenario)
