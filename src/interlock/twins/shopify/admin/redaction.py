"""Protected customer data by the app's level: 2 sees all, 1 no name, address, phone and email, 0 no customer data (F76).

What is protected, and as what, is in the published schemas. A field that may be null is null; one that may not be, and
customer data at level 0, is an error in Shopify's form ("This app is not approved to ...", shopify-api-js #739).
"""

from __future__ import annotations

from typing import Any

from interlock.twins.shopify.admin.context import AdminError, Resolver, ShopContext
from interlock.twins.shopify.admin.plan import Field, Wrapper
from interlock.twins.shopify.admin.scopes import access

MOST_LEVEL = 2
CUSTOMER_TYPES = frozenset({"Customer", "MailingAddress", "CompanyContact"})
"""Objects that are customer data themselves: gone at level 0."""
DOCUMENTATION = "https://shopify.dev/docs/apps/launch/protected-customer-data"


def wrapper(version: str) -> Wrapper:
    """The rule for the documents of a version."""
    protected = access(version)["protected"]

    def wrap(at: Field, resolver: Resolver | None) -> Resolver | None:
        full_name = f"{at.owner}.{at.name}"
        if full_name in protected:
            return _from_level(2, at, resolver, f"use the {at.name} field")
        if at.type_name.removesuffix("Connection") in CUSTOMER_TYPES and not at.owner.endswith(("Connection", "Edge")):
            return _from_level(1, at, resolver, f"access the {at.type_name} object")
        return resolver

    return wrap


def _from_level(level: int, at: Field, resolver: Resolver | None, what: str) -> Resolver:
    """A resolver that answers only an app of at least this level."""
    name = at.name
    silent = level == MOST_LEVEL and str(at.definition.type)[-1] != "!"

    def guarded(shop: ShopContext, parent: Any, arguments: dict[str, Any]) -> Any:
        if shop.app.data_level >= level:
            return parent[name] if resolver is None else resolver(shop, parent, arguments)
        if silent:
            return None
        text = f"This app is not approved to {what}. See {DOCUMENTATION} for more details."
        raise AdminError(text, "ACCESS_DENIED", documentation=DOCUMENTATION)

    return guarded
