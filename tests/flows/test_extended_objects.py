"""A shop adds a field of its own to the order: read from the source, asked by a condition, written to the ERP, masked as it says."""

import asyncio
import json
from pathlib import Path

from books import choose, keep_in_shop, records, sales_order
from shop import Shop, knock, still
from stack import running, twins

from interlock.cli.twin_world import TwinWorld
from interlock.console.payload import Masked, mask
from interlock.console.translation import ReleaseTranslator
from interlock.hub import Hub

FILES = {
    "objects/order.v1.toml": """
extends = "order.v1"
[fields]
loyalty_tier = { type = "string", required = false, class = "personal", meaning = "Tier in the loyalty scheme", example = "gold" }
[objects.line.fields]
gram = { type = "quantity", required = false, unit = "g", class = "internal", meaning = "Weight of a piece", example = 200 }
""",
    "mappings/shopify.toml": """
[order.in]
loyalty_tier = { from = "note_attributes", with = "loyalty_tier" }
"lines[].gram" = "grams"
""",
    "mappings/netsuite.toml": """
[order.out.salesOrder]
custbody_loyalty_tier = { from = "loyalty_tier", omit_when_null = true }
"item.items[line].custcol_gram" = "gram"
""",
    "functions.py": '''
import msgspec


class Attribute(msgspec.Struct):
    name: str
    value: str


def loyalty_tier(attributes: list[Attribute]) -> str | None:
    """What the loyalty app writes to the order."""
    return next((each.value for each in attributes if each.name == "tier"), None)
''',
}
GOLD_ONLY = (
    "flows/order-to-wms.toml",
    "when = \"order.source != 'pos' or order.shipping_address != null\"",
    "when = \"order.loyalty_tier == 'gold'\"",
)


async def ordered(hub: Hub, shop: Shop, tier: str) -> str:
    """An order of a customer of this tier."""
    order = await shop.place_silently("plain")
    body = json.loads(await shop.present(order)) | {"note_attributes": [{"name": "tier", "value": tier}]}
    text = json.dumps(body).encode()
    keep_in_shop(shop.world, order, text)
    assert await knock(hub, text, "orders/create") == 200
    return order


def with_objects(folder: Path) -> None:
    """The starter folder with the shop's own field."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    choose(folder, GOLD_ONLY)


def at_warehouse(world: TwinWorld) -> set[str]:
    """The references of the orders that the warehouse has."""
    return {str(row["reference_id"]) for row in records(world, "shipbob", "order")}


def test_a_field_of_ones_own_goes_all_the_way(tmp_path: Path) -> None:
    """Without a line of ours changed: note_attributes of Shopify to a custom field of NetSuite, and a flow that asks for it."""

    async def story() -> None:
        async with twins(tmp_path / "shop") as world:
            with_objects(tmp_path / "shop")
            async with running(tmp_path / "shop", world) as hub:
                shop = Shop(world)
                gold, silver = await ordered(hub, shop, "gold"), await ordered(hub, shop, "silver")
                await still(hub, world)
                for order, tier in ((gold, "gold"), (silver, "silver")):
                    booked = sales_order(world, f"shopify-{order}")
                    assert booked is not None and booked["custbody_loyalty_tier"] == tier
                    assert any(row.get("custcol_gram") for row in booked["item"])
                warehouse = at_warehouse(world)
                assert any(gold in reference for reference in warehouse)
                assert not any(silver in reference for reference in warehouse), "the flow takes gold only"
                masked_as_it_says(hub)

    asyncio.run(story())


def masked_as_it_says(hub: Hub) -> None:
    """C91: the field is personal by the folder's word, at the source, in the canonical object and at the destination."""
    translator = ReleaseTranslator(hub.shelf)
    assert "loyalty_tier" in translator.personal("canonical", "", "order")
    assert "note_attributes" in translator.personal("source", "shopify", "order")
    sent = mask({"custbody_loyalty_tier": "gold"}, translator.personal("destination", "netsuite", "order"))
    assert isinstance(sent["custbody_loyalty_tier"], Masked)
