"""From a change of stock in the warehouse to the last of three channels that shows it, 200 changes a second, by the channels' own
histories, beside what the vendors' own limits leave possible.

The warehouse sends signed files, twenty a second; the channels are the twins of Shopify, Amazon and Square with the vendors' own
limits in force, and Square tells the hub of each count that changes, also by the hub's own writes. What a channel shows of a change
is that number, or one that came after it.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import math
import random
import time
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final
from urllib.request import Request

import msgspec

from bench.load import percentile
from bench.machine import Program, free_ports, scratch
from bench.sizes import Size
from bench.stock_twins import ENVIRON, FILES_SECRET, answer, history, open_twins, write_folder
from bench.table import Figure, Section, absent
from bench.way import INTERLOCK

CHANGES_A_SECOND, FILES_A_SECOND = 200, 20
FEW, SOME, MANY = 5, 20, 1_000
"""Items: as many as Amazon takes in a second, four times as many, and a catalogue."""
TARGET_SECONDS = 2.0
QUIET_SECONDS, READY_SECONDS = 20.0, 90.0
FIRST, FIRST_TRIES = 1_000_000, 10
"""All numbers are above what the channels show at first, and each is more than the one before."""
RUNS: Final = ((FEW, ("shopify", "amazon", "square")), (SOME, ("amazon",)), (MANY, ("shopify", "square")))
BOUND_STEP_SECONDS, BOUND_MOST_SECONDS = 0.01, 600.0


class VendorLimit(msgspec.Struct, frozen=True):
    """So many calls a second a vendor takes, and so many items in each."""

    calls_per_second: float
    items_per_call: int
    words: str


LIMITS: Final = {
    "shopify": VendorLimit(100.0, 250, "1,000 points a second, 10 for a call of 250 places"),
    "amazon": VendorLimit(5.0, 1, "5 patches a second, one item in each"),
    "square": VendorLimit(5.0, 100, "10 requests a second, as far as anybody knows, two for a write of 100 places"),
}
"""The sources stand in each connector.toml, and in square/README.md what is known of Square's."""


class Change(msgspec.Struct, frozen=True):
    """One number of one item, and when its file was sent, by the machine's clock."""

    sku: str
    number: int
    sent: float


async def measure(size: Size) -> Section:
    """Few items at all three, as often as Amazon can be told; more of them at Amazon, to see that it comes to what its plan
    leaves possible; a catalogue at the two that take many lines a call."""
    figures: list[Figure] = []
    for count, channels in RUNS:
        with scratch("stock") as folder:
            waits = await _waits(folder, count, channels, size.seconds)
        figures += [_figure(channel, count, found) for channel, found in waits.items()]
    why = f"its plan leaves {least_seconds('amazon', MANY):,.0f} s possible, and a feed is reported after minutes"
    figures.append(absent(f"amazon, {MANY:,} items", "s", why))
    return Section(
        title=f"Change in the warehouse to a channel that shows it, {CHANGES_A_SECOND} changes/s", figures=figures
    )


def _figure(channel: str, count: int, waits: list[float]) -> Figure:
    """A target only where the vendor's limit leaves it possible."""
    least = least_seconds(channel, count)
    note = (
        f"p99 of {len(waits):,} changes; half of them within {percentile(waits, 0.5):.2f} s, the slowest {max(waits):.2f} s. "
        f"By the vendor's limit at least {least:.2f} s: {LIMITS[channel].words}"
    )
    return Figure(
        name=f"{channel}, {count:,} items", value=percentile(waits, 0.99), unit="s", better="lower", bound=least,
        target=TARGET_SECONDS if least <= TARGET_SECONDS else None, note=note,
    )  # fmt: skip


def least_seconds(channel: str, items: int) -> float:
    """What the vendor's limit makes the least time in which every item that has changed can be told once: whoever is told of a
    change just after its item was told waits so long, with any hub. 5 of 5 items a second are a second; of 1,000 items only those
    that change in that time count."""
    limit = LIMITS[channel]
    seconds = 1 / limit.calls_per_second
    while seconds < BOUND_MOST_SECONDS:
        changed = items * -math.expm1(-CHANGES_A_SECOND * seconds / items)
        if changed <= limit.items_per_call * limit.calls_per_second * seconds:
            return seconds
        seconds += BOUND_STEP_SECONDS
    return BOUND_MOST_SECONDS


async def _waits(folder: Path, count: int, channels: Sequence[str], seconds: float) -> dict[str, list[float]]:
    """Seconds of each change, by channel."""
    async with AsyncExitStack() as programs:
        (port,) = free_ports(1)
        urls, items = await open_twins(programs, folder, count, channels, port)
        home = folder / "strategy"
        write_folder(home, urls, port)
        hub = Program([*INTERLOCK, "run", str(home), "--port", str(port)], log=folder / "hub.log", environ=ENVIRON)
        programs.callback(hub.stop)
        await hub.listening(port, "/healthz")
        skus = list(items.values())
        await _first(port, urls, items)
        changes = await _pace(port, skus, seconds)
        found = await _shown(urls, items, changes, QUIET_SECONDS)
        return {channel: found[channel] for channel in channels}


# -- the warehouse


async def _first(port: int, urls: dict[str, str], items: dict[str, str]) -> None:
    """Numbers of all items until all channels show them: a channel is known when its items are listed."""
    for number in range(FIRST - FIRST_TRIES, FIRST):
        changes = await _send(port, [Change(sku, number, time.time()) for sku in items.values()])
        try:
            await _shown(urls, items, changes, READY_SECONDS / FIRST_TRIES)
        except RuntimeError:
            continue
        return
    raise RuntimeError("the channels do not show the first numbers")


async def _pace(port: int, skus: list[str], seconds: float) -> list[Change]:
    """Files at a steady pace, each of some items; every number of an item is more than the one before."""
    chance, begun, numbers = random.Random(5), time.monotonic(), dict.fromkeys(skus, FIRST)
    sent: list[Change] = []
    each = CHANGES_A_SECOND // FILES_A_SECOND
    for file in range(round(seconds * FILES_A_SECOND)):
        await asyncio.sleep(max(0.0, begun + file / FILES_A_SECOND - time.monotonic()))
        rows = []
        for sku in chance.choices(skus, k=each):
            numbers[sku] += 1
            rows.append(Change(sku, numbers[sku], time.time()))
        sent += await _send(port, rows)
    return sent


async def _send(port: int, changes: list[Change]) -> list[Change]:
    """One signed file; the last number of an item stands."""
    rows = [
        {"sku": sku, "location": "MAIN", "available": number}
        for sku, number in {c.sku: c.number for c in changes}.items()
    ]
    body, name, at = (
        json.dumps({"kind": "changes", "rows": rows}).encode(),
        f"file-{time.time_ns()}",
        str(int(time.time())),
    )
    mac = base64.b64encode(hmac.digest(FILES_SECRET, f"{name}.{at}.".encode() + body, hashlib.sha256)).decode()
    headers = {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{mac}",
    }
    request = Request(f"http://127.0.0.1:{port}/intake/wms", body, headers)
    await asyncio.to_thread(answer, request)
    return changes


# -- what the channels showed, and when


async def _shown(
    urls: dict[str, str], items: dict[str, str], changes: list[Change], within_seconds: float
) -> dict[str, list[float]]:
    """Seconds of each change, by channel. Raises RuntimeError when some are shown by none for so long."""
    deadline = time.monotonic() + within_seconds
    while True:
        told = {channel: await _history(channel, url, items) for channel, url in urls.items()}
        waits = {channel: [_wait(change, rows) for change in changes] for channel, rows in told.items()}
        if all(None not in found for found in waits.values()):
            return {channel: [one for one in found if one is not None] for channel, found in waits.items()}
        if time.monotonic() > deadline:
            late = {channel: found.count(None) for channel, found in waits.items()}
            raise RuntimeError(f"of {len(changes)} changes these are not shown after {within_seconds:.0f} s: {late}")
        await asyncio.sleep(0.5)


def _wait(change: Change, rows: dict[str, list[tuple[int, float]]]) -> float | None:
    found = rows.get(change.sku, [])
    place = bisect_left(found, (change.number, 0.0))
    return found[place][1] - change.sent if place < len(found) else None


async def _history(channel: str, url: str, items: dict[str, str]) -> dict[str, list[tuple[int, float]]]:
    """By SKU, what the channel showed and since when; what is not ours is less."""
    found: dict[str, list[tuple[int, float]]] = {}
    for sku, number, at in await history(channel, url, items):
        if number >= FIRST - FIRST_TRIES:
            found.setdefault(sku, []).append((number, at))
    return found
