"""ShipBob says that a shipment was cancelled or a return is complete: its items are read within seconds, and shown."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from channel_twins import edit
from stack import running, twins, until
from stock_stack import control, count, shown, stocked, with_stock

from interlock.cli.twin_world import TwinWorld
from interlock.hub import Hub

LOST, TOLD, OTHER = "MUG-W", "TOTE-01", "SUN-AVI"
SECRET = "whsec_dGhlIHNlY3JldCBvZiB0aGUgd2FyZWhvdXNl"  # noqa: S105  a twin's
TOPICS = ["order.shipped", "order.shipment.cancelled", "return.completed"]
WHO = "Wilhelmina Tester"


async def _asked(world: TwinWorld, path: str, body: Any) -> Any:
    """As somebody at the warehouse's API."""

    def call() -> Any:
        headers = {
            "authorization": "Bearer twin-token",
            "shipbob_channel_id": "100",
            "content-type": "application/json",
        }
        data = json.dumps(body).encode()
        with urlopen(Request(f"{world.urls['shipbob']}/2026-01{path}", data, headers), timeout=30) as answer:
            return json.loads(answer.read())

    return await asyncio.to_thread(call)


async def _ordered(world: TwinWorld, sku: str, pieces: int) -> int:
    """An order that the hub knows nothing of, such as one typed in at the warehouse."""
    address = {"address1": "1 Road", "city": "Reno", "country": "US"}
    made = await _asked(world, "/order", {
        "reference_id": f"typed-{sku}", "type": "DTC", "shipping_method": "Standard", "recipient": {"name": WHO, "address": address},
        "products": [{"reference_id": sku, "name": sku, "quantity": pieces}],
    })  # fmt: skip
    return int(made["id"])


def test_what_a_webhook_names_is_read_within_seconds(tmp_path: Path) -> None:
    """Issue 5, section 2: ShipBob by webhooks and polling. What an order commits is in no history of ShipBob's: pieces of a cancelled one
    would be missing in the shop until the next reading of everything, a quarter of an hour later. Control: those of an order
    whose webhook was not subscribed to are, though later movements of another item were read. Who gets the parcel is not kept."""

    async def story() -> None:
        async with twins(tmp_path, write=with_stock) as world:
            edit(
                tmp_path / "systems/shipbob.toml",
                "[credentials]\n",
                '[credentials]\nwebhook_secret = "file:secrets/shipbob-webhooks"\n',
            )
            (tmp_path / "secrets/shipbob-webhooks").write_text(SECRET, encoding="ascii")
            (tmp_path / "secrets/shipbob-webhooks").chmod(0o600)
            await stocked(world, **{LOST: 20, TOLD: 20, OTHER: 20})
            lost, told = await _ordered(world, LOST, 2), await _ordered(world, TOLD, 2)
            async with running(tmp_path, world) as hub:
                await until(_shows(world, {LOST: 18, TOLD: 18, OTHER: 20}))
                await _asked(world, f"/order/{lost}:cancel", {})
                hook = {"topics": TOPICS, "url": f"{hub.url}/intake/shipbob", "secret": SECRET}
                await control(world.urls["shipbob"], "/webhooks", hook)
                await _asked(world, f"/order/{told}:cancel", {})
                await until(_shows(world, {TOLD: 20}))
                await control(world.urls["shipbob"], "/returns", {"sku": TOLD, "quantity": 1})
                await count(world, OTHER, 9)
                await until(_shows(world, {LOST: 18, TOLD: 21, OTHER: 9}))
                whys = hub.ledger.group.reading.execute(
                    "SELECT DISTINCT why FROM stock_change WHERE sku = ? AND kind = 'counted'", (TOLD,)
                )
                assert "read again after webhook order.shipment.cancelled" in {why for (why,) in whys}
                await until(lambda: _has_told(hub, {"order.shipment.cancelled", "return.completed"}))
                events = await hub.inbox.read(0, 10_000)
                assert all(WHO.encode() not in (event.body or b"") for event in events)

    asyncio.run(story())


async def _has_told(hub: Hub, topics: set[str]) -> bool:
    return topics == {event.topic for event in await hub.inbox.read(0, 10_000) if event.dialect == "shipbob"}


def _shows(world: TwinWorld, wanted: dict[str, int]) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return {sku: await shown(world, sku) for sku in wanted} == wanted

    return look
