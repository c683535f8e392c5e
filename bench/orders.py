"""Distinct signed orders as HTTP requests: one order, each time with another id and another customer."""

import base64
import hmac
import time
from collections.abc import Iterator
from itertools import pairwise

from bench.sample import CUSTOMER, ORDER, order

SECRET = b"shpss_twin"
"""What `interlock.cli.twin_world.write_secrets` writes for the shop."""
HEAD = (
    "POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Shopify-Captain-Hook\r\nAccept: */*\r\nContent-Type: application/json\r\n"
    "X-Shopify-Topic: orders/create\r\nX-Shopify-Shop-Domain: bench.myshopify.com\r\nX-Shopify-API-Version: 2026-07\r\n"
    "X-Shopify-Triggered-At: {now}\r\nContent-Length: {size}\r\nX-Shopify-Event-Id: "
)


class Orders:
    """Orders by number. Signatures are made before the load; a request is put together when it is sent, from parts."""

    def __init__(self, port: int, path: str) -> None:
        body = order()
        self.size_bytes = len(body)
        self._parts, self._changing = _parts(body)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._head = HEAD.format(path=path, host=f"127.0.0.1:{port}", now=now, size=len(body)).encode()
        self._signatures: list[bytes] = []

    def sign(self, count: int) -> None:
        """Sign the first `count` orders ahead of time."""
        self._signatures += [_signature(self.body(number)) for number in range(len(self._signatures), count)]

    def key(self, number: int) -> int:
        """The order's id."""
        return ORDER + number

    def body(self, number: int) -> bytes:
        """What is signed."""
        return b"".join(self._pieces(number))

    def request(self, number: int) -> bytes:
        """Head and body."""
        self.sign(number + 1)
        event = b"%d\r\nX-Shopify-Hmac-Sha256: %b\r\n\r\n" % (number, self._signatures[number])
        return b"".join((self._head, event, *self._pieces(number)))

    def _pieces(self, number: int) -> Iterator[bytes]:
        for part, base in zip(self._parts, self._changing, strict=False):
            yield part
            yield b"%d" % (base + number)
        yield self._parts[-1]


def _parts(body: bytes) -> tuple[list[bytes], list[int]]:
    """The body cut at each id that changes, and the ids in the order of their places."""
    places = sorted((at, base) for base in (ORDER, CUSTOMER) for at in _found(body, b"%d" % base))
    cuts = [(0, 0), *((at, at + len(str(base))) for at, base in places), (len(body), len(body))]
    return [body[end:start] for (_, end), (start, _) in pairwise(cuts)], [base for _, base in places]


def _found(body: bytes, text: bytes) -> Iterator[int]:
    at = body.find(text)
    while at >= 0:
        yield at
        at = body.find(text, at + 1)


def _signature(body: bytes) -> bytes:
    return base64.b64encode(hmac.digest(SECRET, body, "sha256"))
