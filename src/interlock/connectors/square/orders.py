"""Reads one order as it is now: what an order's event does not say."""

from __future__ import annotations

from typing import Final

import msgspec

from interlock.connectors.contract import Connection, Refused, Retry
from interlock.connectors.square.calls import Calls

PATH: Final = "/v2/orders/batch-retrieve"
"""An id that does not exist is left out of the answer: api.json BatchRetrieveOrders."""


class _Found(msgspec.Struct):
    orders: list[msgspec.Raw] | None = None


class SquareOrders:
    """One seller's orders, by id."""

    def __init__(self, connection: Connection) -> None:
        self._calls = Calls(connection)

    async def read(self, object_name: str, key: str, *, timeout_seconds: float) -> bytes | Retry | Refused:
        """The order as Square shows it, its bytes as they came."""
        if object_name.partition(".")[0] != "order":
            return Refused(reason="validation", code="READ", message=f"no read of {object_name!r} by key {key[:40]!r}")
        body = {"order_ids": [key]}
        found = await self._calls.read("POST", PATH, body, _Found, self._calls.deadline(timeout_seconds))
        if not isinstance(found, _Found):
            return found
        if not found.orders:
            return Refused(reason="gone", code="NOT_FOUND", message=f"Square has no order {key[:40]}")
        return bytes(found.orders[0])
