"""From a change of stock in the warehouse to the last of three channels that shows it, 200 changes a second, by the channels' own
histories.

The warehouse sends signed files, twenty a second; the channels are the twins of Shopify, Amazon and Square with the vendors' own
limits in force. What a channel shows of a change is that number, or one that came after it.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import random
import sys
import time
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec

from bench.load import percentile
from bench.machine import AROUND, Program, free_ports, scratch
from bench.sizes import Size
from bench.strategy_folder import RUNBOOK, STRATEGY
from bench.table import Figure, Section, absent
from bench.way import INTERLOCK

CHANGES_A_SECOND, FILES_A_SECOND = 200, 20
FEW, MANY = 5, 1_000
"""Items: as many as Amazon takes in a second, and a catalogue."""
TARGET_SECONDS = 2.0
QUIET_SECONDS, READY_SECONDS = 20.0, 90.0
SECRET = b"interlock-bench-secret-of-files!"
LOCATION = {"shopify": "655441491", "amazon": "DEFAULT", "square": "L1"}
FIRST, FIRST_TRIES = 1_000_000, 10
"""All numbers are above what the channels show at first, and each is more than the one before."""
_SYSTEMS = {
    "shopify": '[settings]\napi_version = "2026-07"\n[credentials]\naccess_token = "env:BENCH_TOKEN"\nwebhook_secret = ["env:BENCH_TOKEN"]',
    "amazon": '[settings]\nseller_id = "A2TWINSELLER"\nmarketplace_id = "ATVPDKIKX0DER"\ntoken_url = "/auth/o2/token"\n[credentials]\n'
    'client_id = "env:BENCH_CLIENT"\nclient_secret = "env:BENCH_SECRET"\nrefresh_token = "env:BENCH_REFRESH"',
    "square": '[settings]\nshop = "TWINMERCHANT1"\n[credentials]\naccess_token = "env:BENCH_SQUARE"\nwebhook_secret = ["env:BENCH_SECRET"]',
    "wms": 'record_of = ["inventory_level"]\n[credentials]\nwebhook_secret = "env:BENCH_FILES"',
}  # fmt: skip
_ENVIRON = {
    "BENCH_TOKEN": "shpat_twin", "BENCH_CLIENT": "amzn1.application-oa2-client.twin", "BENCH_SECRET": "amzn1.oa2-cs.v1.twin",
    "BENCH_REFRESH": "Atzr|twin", "BENCH_SQUARE": "twin-token", "BENCH_FILES": "whsec_" + base64.b64encode(SECRET).decode(),
}  # fmt: skip
_FLOW = """\
title = "Stock to the channels"
source = "wms"
trigger = ["levels/changes"]
object = "inventory_level.v1"
destinations = [{destinations}]
pattern = "event-driven"
rationale = "Every change of stock is news for each channel, each at its own pace."
impact = "high"
complexity = "medium"
owner = "integration"
runbook = "refusals.md"

[publish]
settle_seconds = 0.2
sales_seen_after_minutes = 1

[slo]
silence_after_minutes = 1440

[rollback]
how = "interlock rollback"
"""


class Change(msgspec.Struct, frozen=True):
    """One number of one item, and when its file was sent, by the machine's clock."""

    sku: str
    number: int
    sent: float


async def measure(size: Size) -> Section:
    """Few items at all three, as often as Amazon can be told; a catalogue at the two that take many lines a call."""
    figures: list[Figure] = []
    for count, channels in ((FEW, ("shopify", "amazon", "square")), (MANY, ("shopify", "square"))):
        with scratch("stock") as folder:
            waits = await _waits(folder, count, channels, size.seconds)
        figures += [_figure(channel, count, found) for channel, found in waits.items()]
    why = "it takes 5 items a second one by one, or a feed whose report takes minutes: no hub can be quicker"
    figures.append(absent(f"amazon, {MANY:,} items", "s", why))
    return Section(
        title=f"Change in the warehouse to a channel that shows it, {CHANGES_A_SECOND} changes/s", figures=figures
    )


def _figure(channel: str, count: int, waits: list[float]) -> Figure:
    note = f"p99 of {len(waits):,} changes; half of them within {percentile(waits, 0.5):.2f} s, the slowest {max(waits):.2f} s"
    value = percentile(waits, 0.99)
    return Figure(
        name=f"{channel}, {count:,} items", value=value, unit="s", better="lower", target=TARGET_SECONDS, note=note
    )


async def _waits(folder: Path, count: int, channels: Sequence[str], seconds: float) -> dict[str, list[float]]:
    """Seconds of each change, by channel."""
    async with AsyncExitStack() as programs:
        urls, items = await _twins(programs, folder, count, channels)
        home, (port,) = folder / "strategy", free_ports(1)
        _write(home, urls)
        hub = Program([*INTERLOCK, "run", str(home), "--port", str(port)], log=folder / "hub.log", environ=_ENVIRON)
        programs.callback(hub.stop)
        await hub.listening(port, "/healthz")
        skus = list(items.values())
        await _first(port, urls, items)
        changes = await _pace(port, skus, seconds)
        return await _shown(urls, items, changes, QUIET_SECONDS)


# -- what is there


async def _twins(
    programs: AsyncExitStack, folder: Path, count: int, channels: Sequence[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Their addresses, and the SKU of each inventory item of the shop."""
    urls = {"shopify": await _twin(programs, folder, "shopify", {"stock_history": True, "plan": "plus"})}
    await _ask(urls["shopify"], "assortment", {"products": count})
    levels = (await _ask(urls["shopify"], "stock"))["levels"]
    there = {
        str(row["item"]) for row in levels if str(row["location"]) == LOCATION["shopify"] and row["available"] > 10_000
    }
    rows = await _ask(urls["shopify"], "records?kind=inventory_item")
    items = dict([(str(row["id"]), row["sku"]) for row in rows if str(row["id"]) in there][:count])
    configs: dict[str, Any] = {
        "amazon": {"items": [{"sku": sku, "quantity": 0} for sku in items.values()]},
        "square": {"items": list(items.values())},
    }
    for channel in channels[1:]:
        urls[channel] = await _twin(programs, folder, channel, configs[channel])
    return urls, items


async def _twin(programs: AsyncExitStack, folder: Path, vendor: str, config: dict[str, Any]) -> str:
    home = folder / vendor
    home.mkdir()
    (home / "config.json").write_text(json.dumps(config), encoding="ascii")
    given = ("interlock.twins", vendor, "--data", home, "--config", home / "config.json", "--parent-pid", os.getpid())
    program = Program([sys.executable, "-m", *map(str, given)], core=AROUND)
    programs.callback(program.stop)
    return str(json.loads(await program.line())["url"])


def _write(home: Path, urls: dict[str, str]) -> None:
    """The folder of one warehouse and these channels."""
    systems = urls | {"wms": "https://wms.example.net"}
    head = 'title = "{name}"\nconnector = "{connector}"\nowner = "integration"\nurl = "{url}"\n{rest}\n'
    files = {
        "strategy.toml": STRATEGY,
        "security.toml": "[console]\nsession_hours = 8\n",
        "runbooks/refusals.md": RUNBOOK,
    }
    for name, url in systems.items():
        connector = "drop" if name == "wms" else name
        files[f"systems/{name}.toml"] = head.format(name=name, connector=connector, url=url, rest=_SYSTEMS[name])
    places = ", ".join(f'{name} = ["{LOCATION.get(name, "MAIN")}"]' for name in systems)
    files["inventory/locations.toml"] = f'[main]\nowner = "wms"\nplaces = {{ {places} }}\n'
    files["flows/stock.toml"] = _FLOW.format(destinations=", ".join(f'"{name}"' for name in urls))
    for path, text in files.items():
        file = home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


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
    mac = base64.b64encode(hmac.digest(SECRET, f"{name}.{at}.".encode() + body, hashlib.sha256)).decode()
    headers = {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{mac}",
    }
    request = Request(f"http://127.0.0.1:{port}/intake/wms", body, headers)
    await asyncio.to_thread(_answer, request)
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
    for sku, number, at in await _rows(channel, url, items):
        if number >= FIRST - FIRST_TRIES:
            found.setdefault(sku, []).append((number, at))
    return found


async def _rows(channel: str, url: str, items: dict[str, str]) -> list[tuple[str, int, float]]:
    if channel == "shopify":
        rows = await _ask(url, "records?kind=stock_change")
        return [(items[str(row["item"])], row["to"], row["at"]) for row in rows if str(row["item"]) in items]
    effects = await _ask(url, "effects?limit=1000000")
    if channel == "amazon":
        rows = [one for one in effects if one["kind"] == "quantity.set"]
        return [(one["key"], one["detail"]["to"], _seconds(one["at"])) for one in rows]
    names = {row.get("id", row.get("_id")): row["sku"] for row in await _ask(url, "records?kind=variation")}
    lines = [(line, _seconds(one["at"])) for one in effects for line in (one.get("detail") or {}).get("lines", ())]
    return [(names[line["item"]], int(line["to"]), at) for line, at in lines]


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


async def _ask(url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "x-shopify-access-token": _ENVIRON["BENCH_TOKEN"]}
    return await asyncio.to_thread(_answer, Request(f"{url}/_twin/{path}", data, headers))


def _answer(request: Request) -> Any:
    with urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())
