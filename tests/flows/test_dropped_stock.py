"""A warehouse without an API, end to end: it drops signed files over HTTP, and the store shows what they say."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from stack import post, running, until
from stock_stack import FLOW, LOCATION, control, shown, stocked, with_stock

from interlock.cli.twin_world import TwinWorld, write_secrets
from interlock.hub import Hub

KEY = b"a key of the warehouse"
SYSTEM = """\
title = "Old warehouse"
connector = "drop"
owner = "warehouse"
url = "http://127.0.0.1:9"
record_of = ["inventory_level"]

[settings]
kind = "snapshot"

[credentials]
webhook_secret = ["file:secrets/wms-secret"]
"""


def _folder(folder: Path, world: TwinWorld) -> None:
    """The warehouse of the starter ships only; the old one counts."""
    with_stock(folder, world)
    shipbob = folder / "systems/shipbob.toml"
    text = shipbob.read_text(encoding="utf-8").replace('"inventory_level", ', "")
    shipbob.write_text(text, encoding="utf-8")
    (folder / "systems/wms.toml").write_text(SYSTEM, encoding="utf-8")
    places = f'[main]\nowner = "wms"\nplaces = {{ wms = ["MAIN"], shopify = ["{LOCATION}"] }}\n'
    (folder / "inventory/locations.toml").write_text(places, encoding="utf-8")
    flow = FLOW.replace('source = "shipbob"', 'source = "wms"').replace('sales_seen_by = "order-to-wms"\n', "")
    (folder / "flows/stock-to-shopify.toml").write_text(flow, encoding="utf-8")


@asynccontextmanager
async def _stack(folder: Path) -> AsyncIterator[tuple[Hub, TwinWorld]]:
    world = TwinWorld(folder)
    _folder(folder, world)
    world.start(write_secrets(folder))
    secret = folder / "secrets/wms-secret"
    secret.write_text("whsec_" + base64.b64encode(KEY).decode())
    secret.chmod(0o600)
    try:
        await world.wait()
        await stocked(world)
        async with running(folder, world) as hub:
            yield hub, world
    finally:
        world.stop()


async def _drop(hub: Hub, body: bytes, id_: str) -> tuple[int, Any]:
    at = int(time.time())
    mac = hmac.new(KEY, f"{id_}.{at}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "content-type": "text/csv", "webhook-id": id_, "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }  # fmt: skip
    return await post(f"{hub.url}/intake/wms", body, headers)


def _file(*rows: str, count: int, padding: int = 0) -> bytes:
    lines = [f"# kind=snapshot count={count}", "sku,location,available", *rows]
    lines += [f"NOBODY-{n},MAIN,1" + " " * padding for n in range(count - len(rows))]
    return "\n".join(lines).encode()


def test_a_dropped_file_reaches_the_store(tmp_path: Path) -> None:
    """C66: before the first file nothing is known and nothing is published; a snapshot of some megabytes over a real socket is
    shown, rows of nobody's items stop alone, the next file replaces it, the same id again and half a file change nothing, and
    what a snapshot leaves out keeps its number and is published no more."""

    async def run() -> None:
        async with _stack(tmp_path) as (hub, world):
            before = await shown(world, "SUN-AVI")
            body = _file("SUN-AVI,MAIN,37", count=300, padding=10_000)
            assert len(body) > 2_900_000
            status, answer = await _drop(hub, body, "file-1")
            assert (status, answer["rows"], answer["chunks"]) == (200, 300, 2)
            assert before != 37

            def shows(units: int) -> Any:
                async def look() -> bool:
                    return await shown(world, "SUN-AVI") == units

                return look

            await until(shows(37))
            assert (await _drop(hub, _file("SUN-AVI,MAIN,0", count=1), "file-1")) == (200, {"again": True})
            status, refused = await _drop(
                hub, _file("SUN-AVI,MAIN,0", count=2).replace(b"count=2", b"count=9"), "file-2"
            )
            assert (status, refused["code"]) == (422, "INT020")
            await _drop(hub, _file("SUN-AVI,MAIN,12", count=1), "file-3")
            await until(shows(12))
            await _drop(hub, _file("SWT-NAV-M,MAIN,4", count=1), "file-4")
            said = "SELECT said FROM stock_place WHERE sku = 'SUN-AVI'"

            async def suspended() -> bool:
                found: str = hub.ledger.group.reading.execute(said).get
                return found == "wms tells of it no more: nothing is published of it"

            await until(suspended)
            assert await shown(world, "SUN-AVI") == 12
            read = hub.ledger.group.reading.execute(
                "SELECT fresh_us, whole_us, error FROM stock_reading WHERE system = 'wms' AND what = 'levels'"
            ).get
            assert abs(read[0] / 1e6 - time.time()) < 30
            assert (read[1], read[2]) == (read[0], "")
            assert (await control(world.urls["shopify"], "/effects/summary"))["duplicates"] == []

    asyncio.run(run())
