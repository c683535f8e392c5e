"""The shop's side of a flow test: people order and change their minds, webhooks go astray, and the hub is awaited until all is quiet."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from books import Record, choose
from stack import post, running, signed, until, written

from interlock.cli.twin_world import DESTINATIONS, TwinWorld, write_secrets
from interlock.hub import Hub
from interlock.messaging.ledger import Filter
from interlock.messaging.router import CURSOR

OPEN = ("pending", "running", "retrying", "uncertain", "waiting")
BIRTH = ("orders/create", "orders/paid", "orders/updated")
"""The topics that placing an order sends."""


class Shop:
    """The Shopify twin, by its commands."""

    def __init__(self, world: TwinWorld) -> None:
        self.world = world

    async def command(self, method: str, path: str, body: Record | None = None) -> Any:
        """One request to the twin's control API."""
        return await self.world._control("shopify", method, path, body)

    async def place(self, scenario: str = "plain") -> str:
        """Somebody orders; the order's id."""
        answer = await self.command("POST", "orders", {"scenario": scenario})
        return str(answer["orders"][0]["id"])

    async def place_silently(self, scenario: str = "plain") -> str:
        """An order of which the shop sends no webhook: the test sends them itself."""
        await self.go_wrong("webhook_drop", *BIRTH)
        order = await self.place(scenario)
        await self.go_right()
        return order

    async def change(self, order: str, kind: str, **members: Any) -> list[str]:
        """Edit, refund, cancel, fulfil, pay or note; the topics that were sent."""
        answer = await self.command("POST", f"orders/{order}/{kind}", members)
        return list(answer["topics"])

    async def present(self, order: str) -> bytes:
        """The order as it is now, as a webhook's body would show it."""
        url = f"{self.world.urls['shopify']}/admin/api/2026-07/orders/{order}.json"
        found = json.loads(await self._get(url))
        return json.dumps(found["order"]).encode()

    async def subscribe(self, topic: str, address: str, **more: str) -> None:
        """A subscription that somebody made beside the hub's own."""
        body = json.dumps({"webhook": {"topic": topic, "address": address, "format": "json", **more}}).encode()
        url = f"{self.world.urls['shopify']}/admin/api/2026-07/webhooks.json"
        status, _ = await post(url, body, {"x-shopify-access-token": "shpat_twin", "content-type": "application/json"})
        assert status == 201

    async def go_wrong(self, kind: str, *topics: str, **more: Any) -> None:
        """Webhooks of these topics are dropped, doubled or late from now on."""
        for topic in topics:
            await self.command("POST", "faults", {"kind": kind, "match": {"topic": topic}, **more})

    async def go_right(self) -> None:
        """No fault any more; what was dropped stays lost."""
        await self.command("POST", "repair", {})

    async def unsubscribe_all(self) -> None:
        """The shop tells nobody any more."""
        webhooks = f"{self.world.urls['shopify']}/admin/api/2026-07/webhooks"
        for row in json.loads(await self._get(f"{webhooks}.json"))["webhooks"]:
            await self._get(f"{webhooks}/{row['id']}.json", "DELETE")

    async def _get(self, url: str, method: str = "GET") -> str:
        def fetch() -> str:
            request = Request(url, method=method, headers={"x-shopify-access-token": "shpat_twin"})
            with urlopen(request, timeout=30) as answer:
                return str(answer.read().decode())

        return await asyncio.to_thread(fetch)


class Stage:
    """Twins that the stories of a module share, and a folder and hub for one of them."""

    def __init__(self, world: TwinWorld, template: Path, folder: Path) -> None:
        self.world, self._template, self.folder = world, template, folder

    @asynccontextmanager
    async def play(self, *changes: tuple[str, str, str]) -> AsyncIterator[tuple[TwinWorld, Hub, Shop]]:
        """A hub on the starter folder with some lines changed; afterwards the twins are well, and tell nobody."""
        shutil.copytree(self._template, self.folder, ignore=shutil.ignore_patterns(".demo", "data"))
        choose(self.folder, *changes)
        shop = Shop(self.world)
        try:
            async with running(self.folder, self.world) as hub:
                yield self.world, hub, shop
        finally:
            await shop.unsubscribe_all()
            await shop.go_right()
            for system in DESTINATIONS:
                await self.world.repair_system(system)


@contextmanager
def shared_twins(folder: Path) -> Iterator[TwinWorld]:
    """Twins for a whole module: they take longer to start than most stories to play."""
    world = TwinWorld(folder)
    written(folder, world)
    world.start(write_secrets(folder))
    try:
        asyncio.run(world.wait())
        yield world
    finally:
        world.stop()


async def knock(hub: Hub, body: bytes, topic: str, **headers: str) -> int:
    """A signed webhook at the hub's door; the status of the answer."""
    status, _ = await post(f"{hub.url}/intake/shopify", body, signed(body, topic, **headers))
    return status


async def told(world: TwinWorld) -> bool:
    """The shop has sent all its webhooks: one order sends several, and whoever has heard of it has not heard all."""
    return not (await world._control("shopify", "GET", "state", None))["webhooks_pending"]


async def routed(hub: Hub, world: TwinWorld) -> bool:
    """All webhooks were sent, and all events routed."""
    return await told(world) and await hub.ledger.cursor(CURSOR) >= await hub.inbox.head()


async def quiet(hub: Hub, world: TwinWorld) -> bool:
    """All webhooks were sent, all events routed, and no delivery is open."""
    if not await routed(hub, world):
        return False
    found = await hub.views.states(Filter())
    return not any(found.get(state, 0) for state in OPEN)


async def said(hub: Hub, order: str, destination: str) -> list[tuple[str, str]]:
    """State and words of an order's deliveries to one system."""
    rows = await hub.views.deliveries(Filter(object="order", key=order, destination=destination))
    return [(row.state, row.error) for row in rows]


async def still(hub: Hub, world: TwinWorld) -> None:
    """Wait until all is quiet."""
    await until(lambda: quiet(hub, world))


def effects_of(world: TwinWorld, vendor: str, order: str) -> list[str]:
    """What a vendor really did about an order, in order, from the twin's own ledger on the disk."""
    lines = (world._home / vendor / "effects.jsonl").read_text("utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return [effect["kind"] for effect in found if f"shopify-{order}" in effect["key"].partition("-r")[0]]
