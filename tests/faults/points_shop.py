"""A shop for fault case 21 that counts points as Shopify does (F23) and answers after a moment, on a thread of its own."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

REQUESTED = {"Order": 137, "Refund": 69}
"""What the documents may cost, by their operations; the shop counts these itself."""


class PointsShop:
    """`used` points in all, `throttled` calls, and the `lowest` level that was reached."""

    def __init__(self, *, maximum: float, restore_rate: float, seed: int) -> None:
        self.maximum = self.level = self.lowest = maximum
        self.restore_rate = restore_rate
        self.used = 0.0
        self.calls = self.throttled = 0
        self.url = ""
        self.began = self.ended = self._at = time.monotonic()
        self._chance = random.Random(seed)

    @property
    def share(self) -> float:
        """Of the points that came in between the first call and the last, and of the full bucket before, those used."""
        return self.used / (self.maximum + (self.ended - self.began) * self.restore_rate)

    def _fill(self) -> None:
        now = time.monotonic()
        self.level = min(self.maximum, self.level + (now - self._at) * self.restore_rate)
        self._at = now

    async def answer(self, operation: str) -> dict[str, Any]:
        requested = REQUESTED[operation]
        self._fill()
        self.began = self.began if self.calls else self._at
        self.calls += 1
        if requested > self.level:
            self.throttled += 1
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            return {"errors": [error], "extensions": {"cost": self._cost(requested, None)}}
        self.level -= requested
        self.lowest = min(self.lowest, self.level)
        used = self._chance.randint(requested // 4, requested)
        self.used += used
        await asyncio.sleep(self._chance.uniform(0.005, 0.05))
        self._fill()
        self.ended = self._at
        self.level = min(self.maximum, self.level + requested - used)
        return {"data": {operation.lower(): None}, "extensions": {"cost": self._cost(requested, used)}}

    def _cost(self, requested: int, used: int | None) -> dict[str, Any]:
        status = {
            "maximumAvailable": self.maximum,
            "currentlyAvailable": int(self.level),
            "restoreRate": self.restore_rate,
        }
        return {"requestedQueryCost": requested, "actualQueryCost": used, "throttleStatus": status}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                asked = json.loads(await reader.readexactly(int(lengths[0])))
                body = json.dumps(await self.answer(asked["query"].split("(")[0].split()[-1])).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                )
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@contextmanager
def points_shop(*, maximum: float, restore_rate: float, seed: int = 1) -> Iterator[PointsShop]:
    """A shop on a free port."""
    shop = PointsShop(maximum=maximum, restore_rate=restore_rate, seed=seed)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(shop.serve, "127.0.0.1", 0))
    host, port = server.sockets[0].getsockname()[:2]
    shop.url = f"http://{host}:{port}"
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield shop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(_ended(server))
        loop.close()


async def _ended(server: asyncio.Server) -> None:
    server.close()
    connections = asyncio.all_tasks() - {asyncio.current_task()}
    for task in connections:
        task.cancel()
    await asyncio.gather(*connections, return_exceptions=True)
    await server.wait_closed()
