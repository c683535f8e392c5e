"""A store that answers GraphQL calls from a script, and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from interlock.clock import VirtualClock
from interlock.connectors import registry
from interlock.connectors.allowance import Allowance
from interlock.connectors.contract import Answer, Connection

URL = "https://example-shop.myshopify.com"
Script = Callable[[str, dict[str, Any]], Any]


def cost(requested: float = 11, actual: float | None = 8, available: float = 1992, **status: float) -> dict[str, Any]:
    """`extensions` as Shopify writes them (F23)."""
    throttle = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 100.0} | status
    return {"cost": {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": throttle}}


def errors(code: str, message: str = "said", **more: Any) -> dict[str, Any]:
    """An answer that is one error."""
    return {"errors": [{"message": message, "extensions": {"code": code}, **more}]}


class Store:
    """Stands where Http does. The script gets a document's operation and its variables; what it gives is the answer's
    body (bytes stay as they are), or a whole Answer."""

    def __init__(self, script: Script, *, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.script, self.status, self.headers = script, status, dict(headers or {})
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.sent: list[tuple[str, dict[str, str]]] = []

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_seconds: float
    ) -> Answer:
        assert (method, timeout_seconds > 0) == ("POST", True)
        given = msgspec.json.decode(body or b"")
        operation = given["query"].split("(")[0].split("{")[0].split()[-1]
        self.asked.append((operation, given["variables"]))
        self.sent.append((url, dict(headers)))
        answer = self.script(operation, given["variables"])
        if isinstance(answer, Answer):
            return answer
        return Answer(self.status, self.headers, answer if isinstance(answer, bytes) else msgspec.json.encode(answer))


def connection(store: Store, clock: VirtualClock, allowance: Allowance | None = None, **settings: Any) -> Connection:
    """As the registry completes it."""
    manifest = registry.manifest("shopify")
    return Connection(
        system="shopify", url=URL, settings={"api_version": "2026-07", **settings}, credentials={"access_token": "shpat_x"},
        builders={}, http=store, clock=clock, manifest=manifest, allowance=allowance or Allowance(clock),  # type: ignore[arg-type]
    )  # fmt: skip


def run(work: Any) -> Any:
    """To its end."""
    return asyncio.run(work)
