"""A flow writes what its source is record of; the rest of the object arrives, and what was left out is told (C89)."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from books import choose, customer, profile
from shop import Shop, knock, still
from stack import post, running, twins
from test_customer_changes import FLOW, bought, update

from interlock.cli.twin_world import TwinWorld
from interlock.hub import Hub
from interlock.messaging.ledger import Filter
from interlock.messaging.write import Once, Write
from interlock.release import connections

FINANCE, MARKETING, SHOP = "pays late, ask for a deposit", ["vip"], "likes red"
"""What each has said of the customer, where it is the record; the shop's note would overwrite that of finance."""

KLAVIYO = {
    "authorization": "Klaviyo-API-Key pk_twin",
    "revision": "2026-07-15",
    "content-type": "application/vnd.api+json",
}
Told = tuple[str, list[str], str, str]


async def told_by_hand(hub: Hub, world: TwinWorld, buyer: str) -> None:
    """Finance writes its comment in NetSuite, marketing its tags in Klaviyo."""
    erp = hub.release.destination("netsuite", "nobody")
    body = json.dumps({"comments": FINANCE}).encode()
    write = Write(operation="customer.upsert", once=Once.UPSERT, reference=f"shopify-customer-{buyer}", body=body)
    await erp.write(write, idempotency_key="by-hand", timeout_seconds=10)
    attributes = {"external_id": buyer, "properties": {"Tags": MARKETING}}
    document = json.dumps({"data": {"type": "profile", "attributes": attributes}}).encode()
    status, _ = await post(f"{world.urls['klaviyo']}/api/profile-import", document, KLAVIYO)
    assert status == 200


def changed(buyer: str, minutes: int) -> bytes:
    """The customer's address is corrected in the shop, where a note and a tag stand that the others would get too."""
    at = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(timespec="seconds")
    body = json.loads(update(buyer, f"new{minutes}@example.com", at))
    return json.dumps(body | {"note": SHOP, "tags": "from-the-shop"}).encode()


def held(world: TwinWorld, buyer: str) -> Told:
    """Comment and tags at their records, and the e-mail address at both."""
    erp, marketing = customer(world, f"shopify-customer-{buyer}"), profile(world, buyer)
    assert erp is not None
    assert marketing is not None
    return erp["comments"], marketing["properties"]["Tags"], erp["email"], marketing["email"]


def owned(folder: Path) -> None:
    """Finance is record of the note, marketing of the tags, the shop of all else."""
    (folder / "flows/customer-changes.toml").write_text(FLOW, "utf-8")
    consent, cost = '["customer.accepts_marketing"]', '["product.variants.cost"]'
    choose(
        folder,
        ("systems/klaviyo.toml", consent, '["customer.accepts_marketing", "customer.tags"]'),
        ("systems/netsuite.toml", cost, '["product.variants.cost", "customer.note"]'),
    )


async def overwritten(folder: Path) -> Told:
    """What the systems hold after the shop changed the customer twice; on the way, what the hub tells of it."""
    async with twins(folder) as world:
        owned(folder)
        async with running(folder, world) as hub:
            _order, buyer = await bought(Shop(world))
            await still(hub, world)
            await told_by_hand(hub, world, buyer)
            for minutes in (10, 20):
                assert await knock(hub, changed(buyer, minutes), "customers/update") == 200
                await still(hub, world)
            assert set(await hub.views.states(Filter())) == {"done"}
            rows = await hub.views.deliveries(Filter(object="customer", key=buyer))
            story = await hub.views.story("customer", buyer)
            assert story is not None
            refused = sorted(entry.why for entry in story.audit if entry.action == "refuse")
            assert refused == sorted(row.warnings for row in rows if row.warnings)
            return held(world, buyer)


def test_a_foreign_field_is_left_out_and_told(tmp_path: Path) -> None:
    """C89: finance's comment and marketing's tags outlive two changes in the shop, whose other fields arrive at both."""

    async def story() -> None:
        folder = tmp_path / "shop"
        assert await overwritten(folder) == (FINANCE, MARKETING, "new20@example.com", "new20@example.com")

    asyncio.run(story())


def test_a_foreign_field_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: a hub that writes whatever its mappings say puts the shop's note and tags over those of their records."""
    monkeypatch.setattr(connections, "guarded", lambda plain, _rules, _open: plain)
    assert asyncio.run(overwritten(tmp_path / "shop"))[:2] == (SHOP, ["from-the-shop"])
