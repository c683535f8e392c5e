"""Companies and draft orders of the Shopify twin: made over GraphQL, ordered by terms, told of by webhooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from admin_bench import Bench

from interlock.twins.shopify.catalogue import PRODUCTS

COMPANY = """mutation($input: CompanyCreateInput!) { companyCreate(input: $input) {
  company { id name externalId mainContact { id customer { id email } }
    locations(first: 5) { nodes { id name externalId shippingAddress { city countryCode } } } }
  userErrors { field message code } } }"""
DRAFT = """mutation($input: DraftOrderInput!) { draftOrderCreate(input: $input) {
  draftOrder { id name status totalPriceSet { shopMoney { amount } } lineItems(first: 5) { nodes { title quantity custom } } }
  userErrors { field message } } }"""
COMPLETE = """mutation($id: ID!, $pending: Boolean) { draftOrderComplete(id: $id, paymentPending: $pending) {
  draftOrder { status order { id name displayFinancialStatus poNumber sourceName
    totalPriceSet { shopMoney { amount } } totalOutstandingSet { shopMoney { amount } }
    purchasingEntity { ... on PurchasingCompany { company { name } location { externalId } contact { id } } }
    paymentTerms { paymentTermsName paymentTermsType dueInDays
      paymentSchedules(first: 5) { nodes { dueAt balanceDue { amount currencyCode } } } }
    transactions { kind status } } }
  userErrors { field message } } }"""
VARIANT = f"gid://shopify/ProductVariant/{PRODUCTS[3].variant_id}"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


def company(bench: Bench, external_id: str = "C-1") -> dict[str, Any]:
    asked = {
        "company": {"name": "Nordwind GmbH", "externalId": external_id},
        "companyContact": {"email": "buyer@example.com", "firstName": "Bo"},
        "companyLocation": {
            "name": "Hamburg",
            "externalId": "L-1",
            "shippingAddress": {"address1": "Kai 1", "city": "Hamburg", "countryCode": "DE"},
        },
    }
    return dict(bench.data(COMPANY, input=asked)["companyCreate"])


def test_a_company_comes_with_its_contact_and_location(bench: Bench) -> None:
    """F62: one mutation makes all three, and a customer for the contact; a taken external id is refused as recorded."""
    made = company(bench)["company"]
    assert made["locations"]["nodes"][0]["shippingAddress"] == {"city": "Hamburg", "countryCode": "DE"}
    assert made["mainContact"]["customer"]["email"] == "buyer@example.com"
    assert bench.topics == ["customers/create", "company_locations/create", "companies/create"]
    again = company(bench)
    assert again["company"] is None
    assert again["userErrors"] == [
        {"field": ["input", "company", "externalId"], "message": "External id has already been taken.", "code": "TAKEN"}
    ]


def test_a_company_orders_by_terms(bench: Bench) -> None:
    """C45: the order names company, location, contact, terms and PO number, and nothing is paid."""
    made = company(bench)["company"]
    entity = {
        "purchasingCompany": {
            "companyId": made["id"],
            "companyLocationId": made["locations"]["nodes"][0]["id"],
            "companyContactId": made["mainContact"]["id"],
        }
    }
    asked = {
        "lineItems": [{"variantId": VARIANT, "quantity": 2}],
        "purchasingEntity": entity,
        "poNumber": "PO-77",
        "paymentTerms": {"paymentTermsTemplateId": "gid://shopify/PaymentTermsTemplate/4"},
    }
    draft = bench.data(DRAFT, input=asked)["draftOrderCreate"]["draftOrder"]
    order = bench.data(COMPLETE, id=draft["id"])["draftOrderComplete"]["draftOrder"]["order"]
    assert (order["displayFinancialStatus"], order["poNumber"]) == ("PENDING", "PO-77")
    assert order["totalOutstandingSet"] == order["totalPriceSet"] == draft["totalPriceSet"]
    assert order["purchasingEntity"]["location"] == {"externalId": "L-1"}
    assert order["purchasingEntity"]["contact"]["id"] == made["mainContact"]["id"]
    terms = order["paymentTerms"]
    assert (terms["paymentTermsName"], terms["dueInDays"]) == ("Net 30", 30)
    assert (
        terms["paymentSchedules"]["nodes"][0]["balanceDue"]["amount"] == order["totalPriceSet"]["shopMoney"]["amount"]
    )
    assert order["transactions"] == []
    told = next(body for topic, body in bench.events if topic == "orders/create")
    assert told["company"]["id"] == int(made["id"].rpartition("/")[2])


def test_a_draft_with_a_line_of_no_product_is_paid_when_completed(bench: Bench) -> None:
    """C25: a custom line has no variant; the order's money is the draft's, and a second completion is refused."""
    lines = [
        {
            "title": "Engraving",
            "quantity": 1,
            "originalUnitPriceWithCurrency": {"amount": "5.00", "currencyCode": "USD"},
        }
    ]
    draft = bench.data(DRAFT, input={"lineItems": lines, "email": "a@example.com"})["draftOrderCreate"]["draftOrder"]
    assert draft["lineItems"]["nodes"] == [{"title": "Engraving", "quantity": 1, "custom": True}]
    done = bench.data(COMPLETE, id=draft["id"])["draftOrderComplete"]["draftOrder"]
    assert (done["status"], done["order"]["name"]) == ("COMPLETED", "#1001")
    assert done["order"]["totalPriceSet"] == draft["totalPriceSet"]
    assert done["order"]["transactions"] == [{"kind": "SALE", "status": "SUCCESS"}]
    again = bench.data(COMPLETE, id=draft["id"])["draftOrderComplete"]
    assert again["userErrors"] == [{"field": None, "message": "This order has been paid"}]
    assert bench.topics == [
        "draft_orders/create",
        "draft_orders/update",
        "orders/create",
        "orders/paid",
        "orders/updated",
    ]
    json.dumps(bench.events)
