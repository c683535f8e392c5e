"""Company, its contacts and locations as GraphQL shows them, and the mutations that make them."""

from __future__ import annotations

from typing import Any

from interlock.twins.shopify import companies as books
from interlock.twins.shopify.admin.connections import connection, count
from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid
from interlock.twins.shopify.admin.rest_shape import constant, customer_books, mutation, number_of, shows, upper
from interlock.twins.shopify.admin.search import Searched, search
from interlock.twins.shopify.companies import COMPANY, CONTACT, LOCATION, TERMS, Companies

Parent = dict[str, Any]


def company_books(shop: ShopContext) -> Companies:
    """The request's view of the companies."""
    return Companies(shop.world, shop.store, customer_books(shop), shop.emit)


def _found(kind: str) -> Any:
    def find(shop: ShopContext, number: str) -> Parent | None:
        row = shop.world.get(kind, number)
        return None if row is None else {"rest": row}

    return find


def _parts(kind: str) -> Resolver:
    """Contacts or locations of a company, as a connection."""

    def resolve(shop: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
        rows = company_books(shop).parts(kind, parent["rest"]["id"])
        return connection(rows, arguments, key=lambda row: row["id"], show=lambda row: {"rest": row})

    return resolve


def _counted(kind: str) -> Resolver:
    return lambda shop, parent, _: count(len(company_books(shop).parts(kind, parent["rest"]["id"])))


def _of(type_name: str, member: str) -> Resolver:
    """The object that a member names by number."""

    def resolve(shop: ShopContext, parent: Parent, _: Any) -> Any:
        number = parent["rest"][member]
        return None if not number else shop.node(gid(type_name, number))

    return resolve


def _address(member: str) -> Resolver:
    def resolve(_: ShopContext, parent: Parent, __: Any) -> Any:
        given, row = parent["rest"][member], parent["rest"]
        if not given:
            return None
        names = [given[one] for one in ("firstName", "lastName") if given.get(one)]
        return {
            "id": gid("CompanyAddress", row["id"]),
            **{name: given.get(name) for name in ADDRESS},
            "companyName": row["name"] or "",
            "countryCode": given.get("countryCode") or "US",
            "recipient": given.get("recipient") or " ".join(names) or None,
            "createdAt": row["created_at"],
            "updatedAt": row["updated_at"],
        }

    return resolve


ADDRESS = ("address1", "address2", "city", "firstName", "lastName", "phone", "zip", "zoneCode", "country", "province")

COMPANY_FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("Company", parent["rest"]["id"]),
    "name": "name",
    "note": "note",
    "externalId": "external_id",
    "customerSince": "customer_since",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "mainContact": _of("CompanyContact", "main_contact_id"),
    "contacts": _parts(CONTACT),
    "contactsCount": _counted(CONTACT),
    "locations": _parts(LOCATION),
    "locationsCount": _counted(LOCATION),
}
CONTACT_FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("CompanyContact", parent["rest"]["id"]),
    "title": "title",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "company": _of("Company", "company_id"),
    "customer": _of("Customer", "customer_id"),
    "locale": constant(None),
    "isMainContact": lambda shop, parent, _: (
        (shop.world.get(COMPANY, str(parent["rest"]["company_id"])) or {}).get("main_contact_id")
        == parent["rest"]["id"]
    ),
}
LOCATION_FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("CompanyLocation", parent["rest"]["id"]),
    "name": "name",
    "note": "note",
    "phone": "phone",
    "locale": "locale",
    "externalId": "external_id",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "company": _of("Company", "company_id"),
    "shippingAddress": _address("shipping_address"),
    "billingAddress": _address("billing_address"),
    "currency": lambda shop, _, __: shop.shop.currency,
    "taxSettings": lambda _, parent, __: {
        "taxExempt": parent["rest"]["tax_exempt"],
        "taxExemptions": [],
        "taxRegistrationId": parent["rest"]["tax_registration_id"],
    },
}
SEARCHED = {
    "id": Searched(lambda row: row["id"], "id"),
    "name": Searched(lambda row: row["name"]),
    "external_id": Searched(lambda row: row["external_id"]),
    "updated_at": Searched(lambda row: row["updated_at"], "time"),
    "created_at": Searched(lambda row: row["created_at"], "time"),
}


def _list(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    query = search(arguments.get("query"), SEARCHED, default=("name",), shop=shop, path="companies")
    rows = [row for _, row in shop.world.rows(COMPANY)]
    return connection(rows, arguments, key=lambda row: row["id"], wanted=query.wanted, show=lambda row: {"rest": row})


def _create(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    made = company_books(shop).create(arguments["input"])
    return {"company": shop.node(gid("Company", made["id"]))}


def _location(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    made = company_books(shop).add_location(number_of(arguments["companyId"]), arguments["input"])
    return {"companyLocation": shop.node(gid("CompanyLocation", made["id"]))}


def _contact(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    made = company_books(shop).add_contact(number_of(arguments["companyId"]), arguments["input"])
    return {"companyContact": shop.node(gid("CompanyContact", made["id"]))}


def _templates(_: ShopContext, __: Any, arguments: dict[str, Any]) -> Any:
    wanted = arguments.get("paymentTermsType")
    return [
        {
            "id": gid("PaymentTermsTemplate", number),
            "name": name,
            "translatedName": name,
            "description": name,
            "paymentTermsType": upper(kind),
            "dueInDays": days,
        }
        for number, (name, kind, days) in TERMS.items()
        if wanted in (None, upper(kind))
    ]


RESOLVERS: dict[str, Resolver] = {
    **shows("Company", COMPANY_FIELDS),
    **shows("CompanyContact", CONTACT_FIELDS),
    **shows("CompanyLocation", LOCATION_FIELDS),
    "QueryRoot.company": lambda shop, _, arguments: shop.node(arguments["id"]),
    "QueryRoot.companies": _list,
    "QueryRoot.companyLocation": lambda shop, _, arguments: shop.node(arguments["id"]),
    "QueryRoot.companyContact": lambda shop, _, arguments: shop.node(arguments["id"]),
    "QueryRoot.paymentTermsTemplates": _templates,
    "Mutation.companyCreate": mutation(_create, "company"),
    "Mutation.companyLocationCreate": mutation(_location, "companyLocation"),
    "Mutation.companyContactCreate": mutation(_contact, "companyContact"),
}
NODES = {
    "Company": _found(books.COMPANY),
    "CompanyContact": _found(books.CONTACT),
    "CompanyLocation": _found(books.LOCATION),
}
