"""A warehouse counts, the web shop and a till show, and each hears of what the other has sold: the whole stack, with Square's
webhooks signed over the address of the folder."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from stack import TOPICS, post, twins
from stock_stack import control, count, shown, stocked, with_stock

from interlock.cli.twin_world import TwinWorld, is_free
from interlock.hub import Hub
from interlock.twins.square.webhooks import sign

SYSTEM = """\
title = "Tills"
connector = "square"
owner = "storefront"
url = "{url}"

[settings]
shop = "TWINMERCHANT1"

[credentials]
access_token = "file:secrets/square-access-token"
webhook_secret = ["file:secrets/square-signature-key"]

[intake]
address = "{address}"
"""
PORTS = range(21_000, 31_000, 37)
MUG = "MUG-W"


@contextmanager
def tills(folder: Path) -> Iterator[str]:
    """Square's twin with one item; its address."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"items": [MUG], "rate_per_second": 0}))
    command = [
        sys.executable,
        "-m",
        "interlock.twins",
        "square",
        "--data",
        str(folder),
        "--parent-pid",
        str(os.getpid()),
    ]
    process = subprocess.Popen([*command, "--config", str(folder / "config.json")], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def with_tills(folder: Path, world: TwinWorld, till: str, address: str) -> None:
    """The starter folder whose stock goes to the web shop and to the tills."""
    with_stock(folder, world)
    (folder / "systems/square.toml").write_text(SYSTEM.format(url=till, address=address), encoding="utf-8")
    for name, text in (("access-token", "twin-token"), ("signature-key", "square-key")):
        file = folder / f"secrets/square-{name}"
        file.write_text(text, encoding="ascii")
        file.chmod(0o600)
    for name, old, new in (
        ("flows/stock-to-shopify.toml", '["shopify"]', '["shopify", "square"]'),
        ("inventory/locations.toml", " }\n", ', square = ["L1"] }\n'),
    ):
        file = folder / name
        file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@asynccontextmanager
async def stack(folder: Path, warehouse: str = "", **goods: int) -> AsyncIterator[tuple[TwinWorld, str, Hub]]:
    """Five twins and a hub on a port that the folder knows before. `warehouse`: more settings of it; `goods`: what else it has."""
    with tills(folder / "tills") as till:
        async with twins(folder / "acme") as world:
            port = next(port for port in PORTS if is_free(port))
            address = f"http://127.0.0.1:{port}/intake/square"
            await stocked(world, **{MUG: 20} | goods)
            with_tills(folder / "acme", world, till, address)
            file = folder / "acme/systems/shipbob.toml"
            file.write_text(
                file.read_text(encoding="utf-8").replace("[settings]\n", f"[settings]\n{warehouse}"), encoding="utf-8"
            )
            news = {
                "notification_url": address,
                "event_types": ["inventory.count.updated"],
                "signature_key": "square-key",
            }
            await control(till, "/webhooks", news)
            hub = Hub(folder / "acme", demo=world)
            await hub.open()
            try:
                await hub.serve(port=port)
                await hub.release.source("shopify").subscribe(TOPICS, f"{hub.url}/intake/shopify")  # type: ignore[attr-defined]
                yield world, till, hub
            finally:
                await hub.close()


async def at_both(world: TwinWorld, till: str) -> tuple[int | None, int | None]:
    """What the tills and the web shop show."""
    counts = (await control(till, "/counts"))["counts"]
    there = [int(row["quantity"]) for row in counts if (row["sku"], row["state"]) == (MUG, "IN_STOCK")]
    return (there[0] if there else None), await shown(world, MUG)


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 15.0) -> None:
    """A condition of other processes."""
    async with asyncio.timeout(seconds):
        while not await true():
            await asyncio.sleep(0.05)


def test_a_sale_at_the_till_is_known_at_the_web_shop(tmp_path: Path) -> None:
    """20 in the warehouse are 20 at both; 3 sold at the till are 17 at both and stay 17; what the warehouse counts next is
    shown less what the till has sold (C61, A22). Every webhook was taken; control: one for another address is not."""

    async def story() -> None:
        async with stack(tmp_path) as (world, till, hub):

            def both(number: int) -> Callable[[], Awaitable[bool]]:
                async def so() -> bool:
                    return await at_both(world, till) == (number, number)

                return so

            await until(both(20))
            await control(till, "/sell", {"lines": [{"sku": MUG, "quantity": 3}], "location": "L1"})
            await until(both(17))
            await count(world, MUG, 25)
            await until(both(22))
            attempts = (await control(till, "/deliveries"))["attempts"]
            assert ({one["state"] for one in attempts}, hub.intake.refused) == ({"delivered"}, {})
            headers = {"x-square-hmacsha256-signature": sign("square-key", f"{hub.url}/intake/other", b"{}")}
            assert (await post(f"{hub.url}/intake/square", b"{}", headers))[0] == 401

    asyncio.run(story())
