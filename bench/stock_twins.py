"""What the measure of stock runs: the twins of three channels with the vendors' limits in force, the folder that shows them a
warehouse's counts, and the channels' own histories of what they showed."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

from bench.machine import AROUND, Program
from bench.strategy_folder import RUNBOOK, STRATEGY

LOCATION: Final = {"shopify": "655441491", "amazon": "DEFAULT", "square": "L1"}
FILES_SECRET: Final = b"interlock-bench-secret-of-files!"
SQUARE_KEY: Final = "square-key"
ENVIRON: Final = {
    "BENCH_TOKEN": "shpat_twin", "BENCH_CLIENT": "amzn1.application-oa2-client.twin", "BENCH_SECRET": "amzn1.oa2-cs.v1.twin",
    "BENCH_REFRESH": "Atzr|twin", "BENCH_SQUARE": "twin-token", "BENCH_SQUARE_KEY": SQUARE_KEY, "BENCH_FILES": "whsec_" + base64.b64encode(FILES_SECRET).decode(),
}  # fmt: skip
_SYSTEMS = {
    "shopify": '[settings]\napi_version = "2026-07"\n[credentials]\naccess_token = "env:BENCH_TOKEN"\nwebhook_secret = ["env:BENCH_TOKEN"]',
    "amazon": '[settings]\nseller_id = "A2TWINSELLER"\nmarketplace_id = "ATVPDKIKX0DER"\ntoken_url = "/auth/o2/token"\n[credentials]\n'
    'client_id = "env:BENCH_CLIENT"\nclient_secret = "env:BENCH_SECRET"\nrefresh_token = "env:BENCH_REFRESH"',
    "square": '[settings]\nshop = "TWINMERCHANT1"\n[credentials]\naccess_token = "env:BENCH_SQUARE"\n'
    'webhook_secret = ["env:BENCH_SQUARE_KEY"]\n[intake]\naddress = "{address}"',
    "wms": 'record_of = ["inventory_level"]\n[credentials]\nwebhook_secret = "env:BENCH_FILES"',
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


async def open_twins(
    programs: AsyncExitStack, folder: Path, count: int, channels: Sequence[str], port: int
) -> tuple[dict[str, str], dict[str, str]]:
    """Their addresses, and the SKU of each inventory item of the shop. Square tells the hub at `port` of each count that changes,
    also by the hub's own writes."""
    urls = {"shopify": await _twin(programs, folder, "shopify", {"stock_history": True, "plan": "plus"})}
    await ask(urls["shopify"], "assortment", {"products": count})
    levels = (await ask(urls["shopify"], "stock"))["levels"]
    there = {
        str(row["item"]) for row in levels if str(row["location"]) == LOCATION["shopify"] and row["available"] > 10_000
    }
    rows = await ask(urls["shopify"], "records?kind=inventory_item")
    items = dict([(str(row["id"]), row["sku"]) for row in rows if str(row["id"]) in there][:count])
    told = {
        "notification_url": _address(port), "event_types": ["inventory.count.updated"], "signature_key": SQUARE_KEY,
    }  # fmt: skip
    configs: dict[str, Any] = {
        "amazon": {"items": [{"sku": sku, "quantity": 0} for sku in items.values()]},
        "square": {"items": list(items.values()), "webhooks": [told]},
    }
    for channel in channels:
        if channel not in urls:
            urls[channel] = await _twin(programs, folder, channel, configs[channel])
    return urls, items


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}/intake/square"


async def _twin(programs: AsyncExitStack, folder: Path, vendor: str, config: dict[str, Any]) -> str:
    home = folder / vendor
    home.mkdir()
    (home / "config.json").write_text(json.dumps(config), encoding="ascii")
    given = ("interlock.twins", vendor, "--data", home, "--config", home / "config.json", "--parent-pid", os.getpid())
    program = Program([sys.executable, "-m", *map(str, given)], core=AROUND)
    programs.callback(program.stop)
    return str(json.loads(await program.line())["url"])


def write_folder(home: Path, urls: dict[str, str], port: int) -> None:
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
        files[f"systems/{name}.toml"] = head.format(
            name=name, connector=connector, url=url, rest=_SYSTEMS[name].replace("{address}", _address(port))
        )
    places = ", ".join(f'{name} = ["{LOCATION.get(name, "MAIN")}"]' for name in systems)
    files["inventory/locations.toml"] = f'[main]\nowner = "wms"\nplaces = {{ {places} }}\n'
    files["flows/stock.toml"] = _FLOW.format(destinations=", ".join(f'"{name}"' for name in urls))
    for path, text in files.items():
        file = home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


async def history(channel: str, url: str, items: dict[str, str]) -> list[tuple[str, int, float]]:
    """SKU, number, and since when a channel showed it, by its own record."""
    if channel == "shopify":
        rows = await ask(url, "records?kind=stock_change")
        return [(items[str(row["item"])], row["to"], row["at"]) for row in rows if str(row["item"]) in items]
    effects = await ask(url, "effects?limit=1000000")
    if channel == "amazon":
        rows = [one for one in effects if one["kind"] == "quantity.set"]
        return [(one["key"], one["detail"]["to"], _seconds(one["at"])) for one in rows]
    names = {row.get("id", row.get("_id")): row["sku"] for row in await ask(url, "records?kind=variation")}
    lines = [(line, _seconds(one["at"])) for one in effects for line in (one.get("detail") or {}).get("lines", ())]
    return [(names[line["item"]], int(line["to"]), at) for line, at in lines]


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


async def ask(url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One command of a twin's control API."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "x-shopify-access-token": ENVIRON["BENCH_TOKEN"]}
    return await asyncio.to_thread(answer, Request(f"{url}/_twin/{path}", data, headers))


def answer(request: Request) -> Any:
    """The JSON of it; raises when it is refused."""
    with urlopen(request, timeout=30) as found:
        return json.loads(found.read())
