"""Customers: an update reaches the systems that the folder names, and no order puts back what was there before it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from books import customer, profile
from shop import BIRTH, Shop, knock, still
from stack import running, twins

from interlock.cli.twin_world import TwinWorld
from interlock.connectors.klaviyo import client as klaviyo
from interlock.connectors.netsuite import client as netsuite
from interlock.messaging.ledger import Filter

FLOW = """
title = "Customers to ERP and marketing"
source = "shopify"
trigger = ["customers/create", "customers/update"]
object = "customer.v1"
destinations = ["netsuite", "klaviyo"]
pattern = "event-driven"
rationale = "A corrected address must not wait for the next order."
impact = "medium"
complexity = "low"
owner = "storefront"
runbook = "erp-refusals.md"
"""
SAMPLE = Path(__file__).parent.parent / "fixtures/shopify/webhook.customers.create.json"


def later(minutes: float) -> str:
    """A moment from now, as Shopify writes it."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(timespec="seconds")


async def bought(shop: Shop) -> tuple[str, str]:
    """An order and its customer."""
    order = await shop.place("plain")
    return order, str(json.loads(await shop.present(order))["customer"]["id"])


def update(customer_id: str, email: str, at: str) -> bytes:
    """A customers/update webhook, after the published sample."""
    sample = json.loads(SAMPLE.read_text("utf-8"))
    named = {"id": int(customer_id), "admin_graphql_api_id": f"gid://shopify/Customer/{customer_id}"}
    return json.dumps(sample | named | {"email": email, "updated_at": at, "phone": "+14155550123"}).encode()


def mails(world: TwinWorld, customer_id: str) -> tuple[str, str]:
    """The e-mail address at NetSuite and at Klaviyo."""
    erp, marketing = customer(world, f"shopify-customer-{customer_id}"), profile(world, customer_id)
    assert erp is not None
    assert marketing is not None
    return erp["email"], marketing["email"]


async def updated_then_ordered(folder: Path) -> tuple[str, str]:
    """The address is corrected; what tells of the order before the correction comes after it. The addresses that remain."""
    async with twins(folder) as world:
        (folder / "flows/customer-changes.toml").write_text(FLOW, "utf-8")
        async with running(folder, world) as hub:
            shop = Shop(world)
            await shop.go_wrong("webhook_reorder", *BIRTH, delay_seconds=1.5)
            order, buyer = await bought(shop)
            assert await knock(hub, update(buyer, "new@example.com", later(10)), "customers/update") == 200
            await still(hub, world)
            await shop.go_right()
            assert await knock(hub, update(buyer, "old@example.com", later(-600)), "customers/update") == 200
            await shop.change(order, "note", note="ring twice")
            await shop.change(order, "fulfil")
            await still(hub, world)
            assert await hub.views.dead_letter_groups(Filter(), now_ms=hub.clock.now_ms()) == ()
            kept = customer(world, f"shopify-customer-{buyer}")
            assert kept is not None
            assert len(kept["addressBook"]) == 1
            return mails(world, buyer)


def test_update_reaches_the_systems_that_the_folder_names(tmp_path: Path) -> None:
    """customers/update brings ERP and marketing to the new address; an older update, and orders that know the old one, change nothing."""
    assert asyncio.run(updated_then_ordered(tmp_path / "shop")) == ("new@example.com", "new@example.com")


def test_update_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: when each order keeps a crosswalk of its own for its customer, the late order puts the old address back."""
    for client in (netsuite, klaviyo):
        monkeypatch.setattr(client, "brought_along", lambda write, _customer: write)
    assert "new@example.com" not in asyncio.run(updated_then_ordered(tmp_path / "shop"))


def test_update_goes_no_further_than_the_folder_says(tmp_path: Path) -> None:
    """The starter folder has no flow for customers: the update is kept, opens nothing, and changes no system."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world, running(folder, world) as hub:
            _order, buyer = await bought(Shop(world))
            await still(hub, world)
            before, events = mails(world, buyer), await hub.inbox.head()
            assert await knock(hub, update(buyer, "new@example.com", later(10)), "customers/update") == 200
            await still(hub, world)
            assert await hub.inbox.head() == events + 1
            assert await hub.views.deliveries(Filter(object="customer")) == ()
            assert mails(world, buyer) == before

    asyncio.run(story())
