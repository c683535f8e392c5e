"""Distinct signed orders as HTTP requests: the published sample with ids of its own and times of today."""

import base64
import hmac
import time
from collections.abc import Iterator
from itertools import pairwise

import msgspec

from bench.machine import ROOT

SAMPLE = ROOT / "tests" / "fixtures" / "shopify" / "webhook.orders.create.json"
SECRET = b"shpss_twin"
"""What `interlock.cli.twin_world.write_secrets` writes for the shop."""
ORDER, CUSTOMER = 820982911946154508, 115310627314723954
"""The sample's ids, which the numbers of our orders and their customers are added to."""
TIMES = ("created_at", "updated_at", "processed_at")
LIVE = {"test": False, "cancelled_at": None, "cancel_reason": None, "financial_status": "paid"}
HEAD = (
    "POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Shopify-Captain-Hook\r\nAccept: */*\r\nContent-Type: application/json\r\n"
    "X-Shopify-Topic: orders/create\r\nX-Shopify-Shop-Domain: bench.myshopify.com\r\nX-Shopify-API-Version: 2026-07\r\n"
    "X-Shopify-Triggered-At: {now}\r\nContent-Length: {size}\r\nX-Shopify-Event-Id: "
)


def sample() -> bytes:
    """The sample, compact as Shopify sends it, but neither a test nor cancelled, and placed now: all three flows want it."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S-00:00", time.gmtime())
    return msgspec.json.encode({**msgspec.json.decode(SAMPLE.read_bytes()), **LIVE, **dict.fromkeys(TIMES, now)})


class Orders:
    """Orders by number. Signatures are made before the load; a request is put together when it is sent, from parts."""

    def __init__(self, port: int, path: str) -> None:
        body = sample()
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
