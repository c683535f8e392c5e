"""A second Shopify store beside the harness's own: a twin with other secrets, its system file and its flows, one hub for both."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

import books
from stack import TOPICS, running, twins

from interlock.cli.twin_world import SHOP_TIME_SCALE, TwinWorld, _free_ports, ask_twin
from interlock.hub import Hub

US = "shop-us"
DOMAIN, SECRET = "us-demo.myshopify.com", "shpss_us"
FLOWS = ("order-to-erp", "order-to-wms", "order-to-marketing")


class Store:
    """The second store's twin. It numbers its orders as the first one does, and even gives them the same ids."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def command(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return await asyncio.to_thread(ask_twin, f"{self.url}/_twin/{path}", method, body)

    async def place(self) -> tuple[str, str]:
        """Somebody orders: (id, name)."""
        (made,) = (await self.command("POST", "orders", {"scenario": "plain"}))["orders"]
        return made["id"], made["name"]


def write_second(folder: Path, url: str) -> None:
    """systems/shop-us.toml and a flow of its own to each destination; each store is record of what began there."""
    first = (folder / "systems/shopify.toml").read_text("utf-8")
    old_url = next(line for line in first.splitlines() if line.startswith("url"))
    second = first.replace('title = "Shopify"', 'title = "Shopify US"').replace(old_url, f'url = "{url}"').replace("shopify-client", "us-client")
    for name, text in (("shopify", first), (US, second)):
        (folder / f"systems/{name}.toml").write_text(text.replace("record_of =", "record_of_own =", 1), "utf-8")
    for name in FLOWS:
        text = (folder / f"flows/{name}.toml").read_text("utf-8")
        title = next(line for line in text.splitlines() if line.startswith("title"))
        text = text.replace(title, f'{title[:-1]} (US)"', 1).replace('source = "shopify"', f'source = "{US}"', 1)
        (folder / f"flows/us-{name}.toml").write_text(text, "utf-8")
    for name, text in (("us-client-id", "us-client"), ("us-client-secret", SECRET)):
        (folder / "secrets" / name).write_text(text, "ascii")
        (folder / "secrets" / name).chmod(0o600)


@asynccontextmanager
async def second_twin(home: Path) -> AsyncIterator[Store]:
    (port,) = _free_ports(1)
    home.mkdir()
    config = {"domain": DOMAIN, "client_id": "us-client", "client_secret": SECRET, "time_scale": SHOP_TIME_SCALE, "rest_calls_per_second": 1_000, "rest_bucket": 10_000}
    (home / "config.json").write_text(json.dumps(config), "ascii")
    command = [sys.executable, "-m", "interlock.twins", "shopify", "--port", str(port), "--data", str(home / "data"), "--seed", "7"]
    command += ["--config", str(home / "config.json"), "--parent-pid", str(os.getpid())]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
    try:
        store = Store(f"http://127.0.0.1:{port}")
        while True:
            assert process.poll() is None, (home / "log").read_text()
            try:
                await store.command("GET", "state")
                break
            except URLError:
                await asyncio.sleep(0.05)
        yield store
    finally:
        process.terminate()
        process.wait()


@asynccontextmanager
async def two_stores(folder: Path, *changes: tuple[str, str, str]) -> AsyncIterator[tuple[TwinWorld, Store, Hub]]:
    """Both stores tell one hub by webhooks of their own, each at its own door."""
    async with twins(folder) as world, second_twin(folder / ".second") as store:
        write_second(folder, store.url)
        books.choose(folder, *changes)
        async with running(folder, world) as hub:
            await hub.release.source(US).subscribe(TOPICS, f"{hub.url}/intake/{US}")  # type: ignore[attr-defined]
            yield world, store, hub
