"""The destinations: bare protocols that answer as NetSuite, ShipBob and Klaviyo do at the least, and note what arrives when.

They are no twins: they check nothing and refuse nothing, because a twin costs more than the hub that is measured.
"""

import asyncio
import re
import socket
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self
from urllib.parse import unquote_to_bytes

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
REFERENCE = re.compile(rb"shopify-(\d{15,20})")
"""Our reference of an order, as the mappings write it into each vendor's document."""

NO_CONTENT = b"HTTP/1.1 204 No Content\r\nLocation: http://127.0.0.1/services/rest/record/v1/%b/%d\r\n\r\n"
JSON = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
TOKEN = b'{"access_token":"bench","expires_in":"3600","token_type":"bearer"}'
PROFILE = b'{"data":{"type":"profile","id":"01BENCH"}}'


def _json(status: bytes, body: bytes) -> bytes:
    return JSON % (status, len(body), body)


class Destination:
    """One vendor's side: `arrived` is the moment of the first arrival by order id, `again` counts further ones."""

    name = ""

    def __init__(self) -> None:
        self.arrived: dict[int, float] = {}
        self.again = 0
        self.calls = 0

    def answer(self, head: bytes, body: bytes) -> bytes:
        """The bytes to answer one request with."""
        raise NotImplementedError

    def note(self, text: bytes) -> int:
        """An order arrived whose reference stands in `text`; returns a number for it."""
        found = REFERENCE.search(text)
        if found is None:
            return 0
        order = int(found.group(1))
        if order in self.arrived:
            self.again += 1
        else:
            self.arrived[order] = time.monotonic()
        return order


class NetSuite(Destination):
    """Upserts of customers and sales orders: 204 and a Location (docs.oracle.com section_1545222128)."""

    name = "netsuite"

    def answer(self, head: bytes, body: bytes) -> bytes:
        """A token, or a record."""
        self.calls += 1
        if b"/oauth2/" in head[:80]:
            return _json(b"200 OK", TOKEN)
        if b"/salesOrder/" in head[:80]:
            return NO_CONTENT % (b"salesOrder", self.note(head[:120]))
        return NO_CONTENT % (b"customer", self.calls)


class ShipBob(Destination):
    """Creates: 201 and the order; it can be found by its reference afterwards (openapi-2026-01.json)."""

    name = "shipbob"

    def answer(self, head: bytes, body: bytes) -> bytes:
        """A creation, or the list that a look-up asks for."""
        self.calls += 1
        if head.startswith(b"GET"):
            return _json(b"200 OK", self._found(unquote_to_bytes(head.partition(b"\r\n")[0])))
        order = self.note(body)
        return _json(b"201 Created", b'{"id":%d,"reference_id":"shopify-%d","status":"Processing"}' % (order, order))

    def _found(self, line: bytes) -> bytes:
        asked = REFERENCE.search(line)
        order = int(asked.group(1)) if asked else 0
        return b'[{"id":%d,"reference_id":"shopify-%d"}]' % (order, order) if order in self.arrived else b"[]"


class Klaviyo(Destination):
    """Profiles: 200 and an id; events: 202 (x-klaviyo stable.json)."""

    name = "klaviyo"

    def answer(self, head: bytes, body: bytes) -> bytes:
        """A profile, or an event; one unique_id is one event to Klaviyo."""
        self.calls += 1
        if b"/profile-import" in head[:60]:
            return _json(b"200 OK", PROFILE)
        self.note(body)
        return ACCEPTED


class _Requests(asyncio.Protocol):
    """Cuts a connection's bytes into requests and answers each at once."""

    def __init__(self, destination: Destination) -> None:
        self._answer = destination.answer
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        data = self._data + data if self._data else data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(data, 0, end + 2)
            stop = end + 4 + (int(length.group(1)) if length else 0)
            if len(data) < stop:
                break
            self._transport.write(self._answer(data[:end], data[end + 4 : stop]))
            data = data[stop:]
        self._data = data


def _bound() -> socket.socket:
    """A port that is ours; whoever calls it before it listens is refused at once, as by a destination that is down."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    return listener


class Sinks:
    """The three destinations. Their ports are taken at once, so that their `urls` are known; they answer within a `with` block."""

    def __init__(self) -> None:
        self.destinations: tuple[Destination, ...] = (NetSuite(), ShipBob(), Klaviyo())
        self._bound = {one.name: _bound() for one in self.destinations}
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for one in self.destinations:
            listener = self._bound[one.name]
            self._servers.append(await loop.create_server(lambda one=one: _Requests(one), sock=listener))  # type: ignore[misc]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()

    @property
    def urls(self) -> dict[str, str]:
        """Addresses by vendor."""
        return {name: f"http://127.0.0.1:{listener.getsockname()[1]}" for name, listener in self._bound.items()}

    def delivered(self) -> int:
        """Orders that arrived, each counted once per destination."""
        return sum(len(one.arrived) for one in self.destinations)

    def last(self) -> float:
        """The moment of the last arrival."""
        return max((max(one.arrived.values(), default=0.0) for one in self.destinations), default=0.0)

    def missing(self, order: int) -> int:
        """At how many destinations the order has not arrived."""
        return sum(order not in one.arrived for one in self.destinations)

    def complete_at(self, order: int) -> float:
        """When the last of the three had it. Raises KeyError when one has not."""
        return max(one.arrived[order] for one in self.destinations)

    async def settled(self, orders: Iterable[int], quiet_seconds: float, within_seconds: float) -> bool:
        """Until these orders are everywhere; False when nothing more arrives for `quiet_seconds`, or time is up."""
        left = list(orders)
        deadline = time.monotonic() + within_seconds
        seen, seen_at = self.delivered(), time.monotonic()
        while True:
            while left and not self.missing(left[-1]):
                left.pop()
            now, there = time.monotonic(), self.delivered()
            if there != seen:
                seen, seen_at = there, now
            if not left or now > deadline or now - seen_at > quiet_seconds:
                return not left
            await asyncio.sleep(0.005)
