"""Orders that are not sold to a person in the web shop: to companies, by marketplaces, at the till, by draft, in other currencies."""

import asyncio
import json
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import books
import pytest
from shop import Shop, Stage, still
from stack import post

from interlock.cli.twin_world import TwinWorld
from interlock.hub import Hub
from interlock.messaging.ledger import Filter
from interlock.twins.shopify.catalogue import PRODUCTS

NETSUITE = "systems/netsuite.toml"
TERMS = (NETSUITE, "[settings.currencies]", '[settings.terms]\n"Net 30" = "12"\n\n[settings.currencies]')
CHARGES = (NETSUITE, 'channel_tax_item = "', 'channel_tax_item = "channel-tax" # "')
VARIANT = f"gid://shopify/ProductVariant/{PRODUCTS[3].variant_id}"
COMPANY = """mutation($input: CompanyCreateInput!) { companyCreate(input: $input) {
  company { id mainContact { id } locations(first: 1) { nodes { id } } } userErrors { message } } }"""
DRAFT = "mutation($input: DraftOrderInput!) { draftOrderCreate(input: $input) { draftOrder { id } userErrors { message } } }"
COMPLETE = "mutation($id: ID!) { draftOrderComplete(id: $id) { draftOrder { order { id } } userErrors { message } } }"


async def admin(world: TwinWorld, document: str, **variables: Any) -> Any:
    """What a person does in the shop's admin: the data of one mutation's root field."""
    url = f"{world.urls['shopify']}/admin/api/2026-07/graphql.json"
    body = json.dumps({"query": document, "variables": variables}).encode()
    status, answer = await post(url, body, {"x-shopify-access-token": "shpat_twin", "content-type": "application/json"})
    assert (status, answer.get("errors")) == (200, None)
    (found,) = answer["data"].values()
    assert found["userErrors"] == []
    return found


async def sell_to_company(world: TwinWorld) -> tuple[str, str]:
    """A company orders by terms; (order, company) by their numbers."""
    place = {"name": "Hamburg", "shippingAddress": {"address1": "Kai 1", "city": "Hamburg", "countryCode": "DE"}}
    asked = {"company": {"name": "Nordwind GmbH"}, "companyContact": {"email": "b@example.com"}, "companyLocation": place}
    company = (await admin(world, COMPANY, input=asked))["company"]
    entity = {"companyId": company["id"], "companyLocationId": company["locations"]["nodes"][0]["id"], "companyContactId": company["mainContact"]["id"]}
    address = {"firstName": "Bo", "lastName": "Nord", "address1": "Kai 1", "city": "Hamburg", "countryCode": "DE", "zip": "20457"}
    draft = {
        "lineItems": [{"variantId": VARIANT, "quantity": 2}], "purchasingEntity": {"purchasingCompany": entity}, "poNumber": "PO-77",
        "paymentTerms": {"paymentTermsTemplateId": "gid://shopify/PaymentTermsTemplate/4"}, "shippingAddress": address,
    }  # fmt: skip
    made = (await admin(world, DRAFT, input=draft))["draftOrder"]
    order = (await admin(world, COMPLETE, id=made["id"]))["draftOrder"]["order"]["id"]
    return order.rpartition("/")[2], company["id"].rpartition("/")[2]


async def same_read_and_told(hub: Hub, shop: Shop, order: str) -> Any:
    """The canonical order of the webhook, which must be that of a read over GraphQL."""
    told = hub.release.document("shopify", "order", await shop.present(order)).value
    read = await hub.release.source("shopify").read("order", order, timeout_seconds=20)
    assert isinstance(read, bytes)
    assert hub.release.document("shopify", "order", read).value == told
    return told


def test_a_company_buys_by_terms(stage: Stage) -> None:
    """C45: the books get the company as the customer, its PO number, the terms and the day it is due; it is not paid, and a draft
    made it. Read and told are the same."""

    async def story() -> None:
        async with stage.play(TERMS) as (world, hub, shop):
            order, company = await sell_to_company(world)
            await still(hub, world)
            told = await same_read_and_told(hub, shop, order)
            assert (told.company.id, told.payment_terms.name, told.financial_status) == (company, "Net 30", "pending")
            assert told.source == "shopify_draft_order"
            booked = books.sales_order(world, f"shopify-{order}")
            assert booked is not None
            assert booked["entity"]["externalId"] == f"shopify-company-{company}"
            assert (booked["otherRefNum"], booked["terms"]) == ("PO-77", {"id": "12"})
            here = ZoneInfo(hub.release.strategy.timezone)
            assert booked["dueDate"] == told.payment_terms.due_at.astimezone(here).date().isoformat()
            assert len(books.parcels(world, f"shopify-{order}")) == 1

    asyncio.run(story())


def test_terms_that_nobody_named_stop_the_order_and_say_so(stage: Stage) -> None:
    """C45, the control: an order with terms that the books do not know is not booked as if it were due at once."""

    async def story() -> None:
        other = (NETSUITE, "[settings.currencies]", '[settings.terms]\n"Net 7" = "3"\n\n[settings.currencies]')
        async with stage.play(other) as (world, hub, _shop):
            order, _company = await sell_to_company(world)
            await still(hub, world)
            (row,) = await hub.views.deliveries(Filter(object="order", key=order, destination="netsuite"))
            assert row.state == "dead"
            assert "no payment terms 'Net 30'" in row.error

    asyncio.run(story())


def test_tax_that_the_marketplace_pays_is_no_liability_of_the_shop(stage: Stage) -> None:
    """C37: it is booked to an item of its own, and nothing to that of our tax; the sum stays that of the shop."""

    async def story() -> None:
        async with stage.play(CHARGES) as (world, hub, shop):
            order = await shop.place("marketplace")
            await still(hub, world)
            told = await same_read_and_told(hub, shop, order)
            assert told.components.channel_tax == told.components.tax
            assert told.components.tax.shop.amount > 0
            booked = books.sales_order(world, f"shopify-{order}")
            assert booked is not None
            by_item = {row["item"].get("id"): row["amount"] for row in booked["item"]}
            assert by_item["channel-tax"] == told.components.tax.shop.amount
            assert [row for row in booked["item"] if row.get("description") == "Tax"] == []
            assert sum(row["amount"] for row in booked["item"]) == told.components.total.shop.amount

    asyncio.run(story())


@pytest.mark.parametrize("scenario", ["plain", "pos", "cash_rounding", "multi_currency", "tip", "gift_card_line", "duties", "guest", "estimated_taxes"])
def test_each_kind_is_the_same_read_and_told(stage: Stage, scenario: str) -> None:
    """C24, C32, C34, C35: whether a webhook told of it or a comparison found it, the canonical order is one and the same."""

    async def story() -> None:
        async with stage.play() as (_world, hub, shop):
            told = await same_read_and_told(hub, shop, await shop.place_silently(scenario))
            if scenario == "pos":
                assert (told.source, told.billing_address, told.customer) == ("pos", None, None)
                assert told.location is not None
            assert told.components.channel_tax.shop.amount == Decimal(0)
            assert told.business_entity

    asyncio.run(story())
