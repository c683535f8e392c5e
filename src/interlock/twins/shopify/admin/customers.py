"""Customer as GraphQL shows it, the queries that find customers, and what changes them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import inf
from typing import Any

from interlock.twins.shopify.admin import orders
from interlock.twins.shopify.admin.connections import connection, count
from interlock.twins.shopify.admin.context import AdminError, Resolver, ShopContext, gid
from interlock.twins.shopify.admin.metafields import write
from interlock.twins.shopify.admin.rest_shape import (
    constant,
    customer_books,
    money_v2,
    mutation,
    number_of,
    shows,
    upper,
)
from interlock.twins.shopify.admin.search import Query, Searched, search
from interlock.twins.shopify.customers import Customer
from interlock.twins.shopify.totals import net_received

Parent = dict[str, Any]


def customer(found: Customer) -> Parent:
    """What the resolvers of Customer read."""
    return {"__typename": "Customer", "rest": found["rest"], "customer": found}


def find(shop: ShopContext, number: str) -> Parent | None:
    found = customer_books(shop).find(number_of(number))
    return None if found is None else customer(found)


def address(rest: Mapping[str, Any]) -> Parent:
    row = {"latitude": None, "longitude": None, **rest}
    return {"rest": row, "id": gid("MailingAddress", f"{rest['id']}?model_name=CustomerAddress")}


def _addresses(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    return connection(parent["rest"]["addresses"], arguments, show=address)


def _default_address(_: ShopContext, parent: Parent, __: Any) -> Any:
    found = parent["rest"]["default_address"]
    return None if found is None else address(found)


def _email(_: ShopContext, parent: Parent, __: Any) -> Any:
    if not parent["rest"]["email"]:
        return None
    consent = parent["customer"]["email_consent"]
    return {
        "emailAddress": parent["rest"]["email"],
        "marketingState": consent["marketingState"],
        "marketingOptInLevel": consent["marketingOptInLevel"],
        "marketingUpdatedAt": consent["consentUpdatedAt"],
        "validFormat": True,
        "openTrackingLevel": "UNKNOWN",
    }


def _consent(_: ShopContext, parent: Parent, __: Any) -> Any:
    return {**parent["customer"]["email_consent"], "sourceLocation": None} if parent["rest"]["email"] else None


def _phone(_: ShopContext, parent: Parent, __: Any) -> Any:
    number = parent["rest"]["phone"]
    return None if number is None else {"phoneNumber": number, "marketingState": "NOT_SUBSCRIBED"}


def _rests(shop: ShopContext, parent: Parent) -> list[dict[str, Any]]:
    numbers = customer_books(shop).orders(parent["rest"]["id"])
    return [one for one in (shop.store.order(str(number)) for number in numbers) if one is not None]


def _spent(shop: ShopContext, parent: Parent, _: Any) -> Any:
    """What all orders were paid, less refunds (Customer.amountSpent)."""
    kept = sum((net_received(one) for one in _rests(shop, parent)), Decimal(0))
    return money_v2(kept, parent["rest"]["currency"])


def _orders(shop: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    numbers = sorted(customer_books(shop).orders(parent["rest"]["id"]))
    return connection(numbers, arguments, key=lambda one: one, show=lambda one: orders.find(shop, str(one)) or {})


def _last_order(shop: ShopContext, parent: Parent, _: Any) -> Any:
    found = _rests(shop, parent)
    return orders.order(found[-1]) if found else None


def _display_name(_: ShopContext, parent: Parent, __: Any) -> str:
    rest = parent["rest"]
    names = [one for one in (rest["first_name"], rest["last_name"]) if one]
    return " ".join(names) or rest["email"] or rest["phone"] or ""


def _time(shop: ShopContext, parent: Parent, member: str) -> Any:
    """The published samples of orders have null here, which the schema does not allow: then it is the first order's."""
    told = parent["rest"][member]
    if told is not None:
        return told
    return next((one["created_at"] for one in _rests(shop, parent)), None)


FIELDS: dict[str, str | Resolver] = {
    "id": "admin_graphql_api_id",
    "legacyResourceId": "id",
    "createdAt": lambda shop, parent, _: _time(shop, parent, "created_at"),
    "updatedAt": lambda shop, parent, _: _time(shop, parent, "updated_at"),
    "firstName": "first_name",
    "lastName": "last_name",
    "email": "email",
    "phone": "phone",
    "note": "note",
    "verifiedEmail": "verified_email",
    "taxExempt": "tax_exempt",
    "taxExemptions": "tax_exemptions",
    "multipassIdentifier": "multipass_identifier",
    "displayName": _display_name,
    "state": lambda _, parent, __: upper(parent["rest"]["state"]),
    "tags": lambda _, parent, __: parent["customer"]["tags"],
    "locale": lambda _, parent, __: parent["customer"]["locale"],
    "defaultEmailAddress": _email,
    "defaultPhoneNumber": _phone,
    "emailMarketingConsent": _consent,
    "smsMarketingConsent": constant(None),
    "validEmailAddress": lambda _, parent, __: bool(parent["rest"]["email"]),
    "defaultAddress": _default_address,
    "addressesV2": _addresses,
    "addresses": lambda _, parent, arguments: [
        address(row) for row in parent["rest"]["addresses"][: arguments.get("first")]
    ],
    "numberOfOrders": lambda shop, parent, _: len(customer_books(shop).orders(parent["rest"]["id"])),
    "amountSpent": _spent,
    "orders": _orders,
    "lastOrder": _last_order,
    "canDelete": lambda shop, parent, _: not customer_books(shop).orders(parent["rest"]["id"]),
    "mergeable": constant({"isMergeable": True, "reason": None, "errorFields": []}),
    "dataSaleOptOut": constant(False),
    "productSubscriberStatus": constant("NEVER_SUBSCRIBED"),
    "companyContactProfiles": lambda shop, parent, _: _contacts(shop, parent),
    "taxSettings": constant({"taxId": None}),
    "statistics": constant({"predictedSpendTier": None, "rfmGroup": None}),
}


def _contacts(shop: ShopContext, parent: Parent) -> list[Any]:
    rows = [key for key, row in shop.world.rows("company_contact") if row["customer_id"] == parent["rest"]["id"]]
    return [shop.node(gid("CompanyContact", key)) for key in rows]


SEARCHED = {
    "id": Searched(lambda one: one["rest"]["id"], "id"),
    "email": Searched(lambda one: one["rest"]["email"]),
    "phone": Searched(lambda one: one["rest"]["phone"]),
    "first_name": Searched(lambda one: one["rest"]["first_name"]),
    "last_name": Searched(lambda one: one["rest"]["last_name"]),
    "state": Searched(lambda one: one["rest"]["state"]),
    "tag": Searched(lambda one: one["tags"]),
    "updated_at": Searched(lambda one: one["rest"]["updated_at"], "time"),
    "customer_date": Searched(lambda one: one["rest"]["created_at"], "time"),
    "created_at": Searched(lambda one: one["rest"]["created_at"], "time"),
}
DEFAULT = ("email", "first_name", "last_name")


def _query(shop: ShopContext, arguments: dict[str, Any]) -> Query:
    return search(arguments.get("query"), SEARCHED, default=DEFAULT, shop=shop, path="customers")


def _list(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    books, query = customer_books(shop), _query(shop, arguments)
    wanted = None if not arguments.get("query") else lambda key: query.wanted(books.find(key[1]))
    if arguments.get("sortKey") == "UPDATED_AT":
        least, most = query.bounds.get("updated_at", (None, None))
        low = least.timestamp() if least else -inf
        keys = shop.store.customers.between(low, most.timestamp() if most else inf)
    else:
        keys = [(0.0, number) for number in books.ids()]
    return connection(
        keys, arguments, key=lambda key: key, wanted=wanted, show=lambda key: find(shop, str(key[1])) or {}
    )


def _count(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    books, query = customer_books(shop), _query(shop, arguments)
    if not arguments.get("query"):
        return count(len(books.ids()), arguments.get("limit", 10_000))
    return count(sum(query.wanted(books.find(one)) for one in books.ids()), arguments.get("limit", 10_000))


def _by_identifier(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    given = arguments["identifier"]
    if given.get("id"):
        return shop.node(given["id"])
    if given.get("emailAddress"):
        found = customer_books(shop).by_email(given["emailAddress"])
        return None if found is None else customer(found)
    raise AdminError("Only id and emailAddress identify a customer in this twin", "BAD_REQUEST")


def _create(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    made = customer_books(shop).create(arguments["input"])
    write(shop, gid("Customer", made["rest"]["id"]), arguments["input"].get("metafields"), "metafields")
    return {"customer": customer(made)}


def _update(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    given = arguments["input"]
    made = customer_books(shop).update(number_of(given.get("id")), given)
    write(shop, given["id"], given.get("metafields"), "metafields")
    return {"customer": customer(made)}


def _delete(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    customer_books(shop).delete(number_of(arguments["input"]["id"]))
    return {"deletedCustomerId": arguments["input"]["id"], "shop": {}}


def _merge(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    one, two = number_of(arguments["customerOneId"]), number_of(arguments["customerTwoId"])
    kept = customer_books(shop).merge(one, two, arguments.get("overrideFields") or {})
    job = {"__typename": "Job", "id": gid("Job", f"customer-merge-{one}-{two}"), "done": True}
    return {"resultingCustomerId": gid("Customer", kept), "job": job}


def _email_consent(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    given = arguments["input"]
    number = number_of(given["customerId"])
    return {"customer": customer(customer_books(shop).consent(number, given["emailMarketingConsent"]))}


RESOLVERS: dict[str, Resolver] = {
    **shows("Customer", FIELDS),
    "QueryRoot.customer": lambda shop, _, arguments: shop.node(arguments["id"]),
    "QueryRoot.customers": _list,
    "QueryRoot.customersCount": _count,
    "QueryRoot.customerByIdentifier": _by_identifier,
    "Mutation.customerCreate": mutation(_create, "customer"),
    "Mutation.customerUpdate": mutation(_update, "customer"),
    "Mutation.customerDelete": mutation(_delete, "deletedCustomerId", "shop"),
    "Mutation.customerMerge": mutation(_merge, "resultingCustomerId", "job"),
    "Mutation.customerEmailMarketingConsentUpdate": mutation(_email_consent, "customer"),
}
NODES = {"Customer": find}
