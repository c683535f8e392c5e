"""C91 through the whole hub: the shop asks for a copy, then to forget, then for its own erasure; a forgery asks for nothing."""

import asyncio
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import apsw
from shop import still
from stack import post, running, signed, twins, until

sys.path[:0] = [str(Path(__file__).parent.parent / name) for name in ("unit/messaging", "faults")]
from people import event, in_files, in_tables

from interlock.cli.demo import write_project
from interlock.cli.twin_world import TwinWorld, write_secrets
from interlock.hub import Hub
from interlock.messaging.ledger import Filter
from interlock.messaging.privacy import PrivacyRequest

SAMPLE = Path(__file__).parent.parent / "fixtures" / "shopify" / "webhook.customers.redact.json"


async def request_of(hub: Any, kind: str) -> PrivacyRequest | None:
    return next((row for row in await hub.views.privacy_requests() if row.kind == kind), None)


def values_of(data: Path) -> tuple[str, str, list[str]]:
    """Customer, order and personal values of the first order whose body has a mail address, read beside the hub."""
    from interlock.messaging.sqlite.packing import unpack

    store = apsw.Connection(str(data / "inbox.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        for key, sha256, size, body in store.execute("SELECT key, sha256, size_bytes, body FROM event WHERE object = 'order'"):
            order = json.loads(unpack(body, size, sha256))
            person = order.get("customer") or {}
            if person.get("email"):
                name = f"{person['first_name']} {person['last_name']}"
                return str(person["id"]), key, [value for value in (person["email"], person.get("phone"), name) if value]
    finally:
        store.close()
    raise AssertionError("no order has a person")


def test_a_person_of_the_shop_gets_a_copy_and_is_forgotten_and_then_the_shop(tmp_path: Path) -> None:
    """C91: the twin's own webhooks; the copy has the person and where they were sent; afterwards no file of the data folder
    has a value of theirs, while the hub is at work; a forged request is answered 401 and makes no row."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world, running(folder, world) as hub:
            await world.place(6)
            await still(hub, world)  # what the shop told later would bring the person back
            customer, order, values = values_of(hub.data)
            url = f"{hub.url}/intake/shopify"

            body = SAMPLE.read_bytes()
            status, _ = await post(url, body, signed(body, "customers/redact", secret=b"another"))
            assert status == 401 and await hub.views.privacy_requests() == ()

            def compliance(topic: str) -> dict[str, Any]:
                return {"address": url, "topic": topic, "customer": customer}

            await world._control("shopify", "POST", "compliance", compliance("customers/data_request"))

            async def wants_a_copy() -> bool:
                return await request_of(hub, "export") is not None

            await until(wants_a_copy)
            asked = await request_of(hub, "export")
            assert asked is not None and asked.person == customer
            held = json.loads(await hub.views.privacy_export(asked))
            said = json.dumps(held, ensure_ascii=False)
            assert [value for value in values if value not in said] == []
            assert {row["system"] for row in held["elsewhere"]} == {"netsuite", "shipbob", "klaviyo"}
            assert await hub.operator.privacy_done(asked.id, by="ann", why="handed over")

            effects = len(await hub.views.deliveries(Filter()))
            await world._control("shopify", "POST", "compliance", compliance("customers/redact"))

            async def forgotten() -> bool:
                found = await request_of(hub, "redact")
                return found is not None and found.state == "done"

            await until(forgotten)
            done = await request_of(hub, "redact")
            assert done is not None and done.result.left == {} and done.result.proven_ms and order in done.orders
            unique = values[:1]  # the twin's people share names
            assert in_tables(hub.data, unique) == [] and in_files(hub.data, unique) == []
            assert len(await hub.views.deliveries(Filter())) == effects

            await world._control("shopify", "POST", "compliance", {"address": url, "topic": "shop/redact"})

            async def shop_is_forgotten() -> bool:
                found = await request_of(hub, "shop")
                return found is not None and found.state == "done"

            await until(shop_is_forgotten)
            held_bodies = hub.inbox.group.reading.execute("SELECT count(*) FROM event WHERE body IS NOT NULL").get
            assert held_bodies == 0

    asyncio.run(story())


FLOW = """
title = "Tell marketing who is to be forgotten"
source = "shopify"
trigger = ["customers/redact"]
object = "customer.v1"
destinations = ["klaviyo"]
pattern = "event-driven"
rationale = "Whoever has a copy must hear of it."
impact = "low"
complexity = "low"
owner = "growth"
runbook = "campaign-stopped.md"
[slo]
"""


def test_a_flow_may_be_triggered_by_the_topic(tmp_path: Path) -> None:
    """Where else the person is, somebody must act: a flow can tell them. No subscription is asked for: the topic comes by the
    settings of the app alone (F75)."""

    async def story() -> None:
        folder = tmp_path / "shop"
        world = TwinWorld(folder)
        write_project(folder, world)
        write_secrets(folder)
        owner = tomllib.loads((folder / "flows/order-to-marketing.toml").read_text("utf-8"))
        flow = FLOW.replace('"growth"', f'"{owner["owner"]}"').replace("campaign-stopped.md", owner["runbook"])
        (folder / "flows/forgotten.toml").write_text(flow, "utf-8")
        hub = Hub(folder)
        await hub.open()
        try:
            body = {"shop_id": 1, "customer": {"id": 7}, "orders_to_redact": []}
            asked = event("customer", "7", body, facts=("customers/redact",))
            asked.system = "shopify"
            assert [(want.flow, want.destination) for want in hub.release.wants(asked)] == [("forgotten", "klaviyo")]
            topics = {one.topic for one in hub.release.wanted_subscriptions()["shopify"]}
            assert "orders/create" in topics and "customers/redact" not in topics
        finally:
            await hub.close()

    asyncio.run(story())
