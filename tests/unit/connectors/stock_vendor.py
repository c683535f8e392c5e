"""A vendor for tests of what reads stock: it remembers what it was asked and answers what the test has prepared, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from interlock.clock import VirtualClock
from interlock.connectors import registry
from interlock.connectors.contract import Answer, Connection


class Vendor:
    """Stands where the HTTP client stands."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Any]] = []

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_seconds: float
    ) -> Answer:
        self.asked.append((f"{method} {url.partition('.test')[2]}", msgspec.json.decode(body) if body else None))
        answer = self.answers.pop(0)
        return answer if isinstance(answer, Answer) else Answer(200, {}, msgspec.json.encode(answer))


def counted(
    vendor: Vendor, name: str, use: Callable[[Any], Awaitable[Any]], credentials: dict[str, str], clock: VirtualClock,
    **settings: Any,
) -> Any:  # fmt: skip
    """What `use` gets of a vendor's stock source."""
    connection = Connection(
        system="wms", url="https://api.test", settings=settings, credentials=credentials, builders={},
        http=vendor, clock=clock,  # type: ignore[arg-type]
    )  # fmt: skip
    return asyncio.run(_used(registry.open_offer(name, "stock_source", connection), use))


async def _used(source: Any, use: Callable[[Any], Awaitable[Any]]) -> Any:
    return await use(source)
