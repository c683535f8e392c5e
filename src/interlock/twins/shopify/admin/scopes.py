"""Scopes by field: a field whose scopes the app was not granted is null, with ACCESS_DENIED and its path.

Source: the access tables that scripts/shopify-schema cuts from the published schemas (F92); the form of the error is that
of recorded answers. `write_x` includes `read_x`.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from interlock.twins.shopify.admin.context import AdminError, Resolver, ShopContext
from interlock.twins.shopify.admin.plan import Field, Wrapper
from interlock.twins.shopify.admin.schema import file_of

READ_ALL_ORDERS = "read_all_orders"
DOCUMENTATION = "https://shopify.dev/api/usage/access-scopes"

Clauses = tuple[frozenset[str], ...]
"""All must hold; of each, one scope is enough."""


@cache
def access(version: str) -> dict[str, dict[str, Any]]:
    """The table of a version: types and fields -> clauses, protected fields -> kind."""
    file = file_of(version)
    found: dict[str, dict[str, Any]] = json.loads(file.with_name(f"access-{file.stem}.json").read_text("utf-8"))
    return found


@cache
def all_scopes(version: str) -> frozenset[str]:
    """Every scope that something served needs, and read_all_orders: what an app is granted unless configured."""
    table = access(version)
    clauses = [clause for part in ("types", "fields") for found in table[part].values() for clause in found]
    return frozenset(scope for clause in clauses for scope in clause) | {READ_ALL_ORDERS}


def granted(scopes: list[str] | frozenset[str]) -> frozenset[str]:
    """The scopes with those that they include."""
    return frozenset(scopes) | {f"read_{one.removeprefix('write_')}" for one in scopes if one.startswith("write_")}


def needed(version: str, at: Field) -> Clauses:
    """The clauses of a field and of the type that it gives; a connection asks for its nodes, which then ask no more."""
    table = access(version)
    inside = at.owner.endswith(("Connection", "Edge"))
    of_type = () if inside else table["types"].get(at.type_name.removesuffix("Connection"), ())
    listed = [*table["fields"].get(f"{at.owner}.{at.name}", ()), *of_type]
    return tuple(dict.fromkeys(frozenset(clause) for clause in listed if clause))


def wrapper(version: str) -> Wrapper:
    """The rule for the documents of a version."""

    def wrap(at: Field, resolver: Resolver | None) -> Resolver | None:
        clauses = needed(version, at)
        if not clauses:
            return resolver
        name = at.name

        def guarded(shop: ShopContext, parent: Any, arguments: dict[str, Any]) -> Any:
            scopes = shop.app.scopes
            for clause in clauses:
                if clause.isdisjoint(scopes):
                    raise denied(name, clause)
            return parent[name] if resolver is None else resolver(shop, parent, arguments)

        return guarded

    return wrap


def denied(name: str, clause: frozenset[str]) -> AdminError:
    """Access denied for orders field. Required access: `read_orders` access scope."""
    text = f"{' or '.join(f'`{one}`' for one in sorted(clause))} access scope."
    return AdminError(
        f"Access denied for {name} field. Required access: {text}",
        "ACCESS_DENIED",
        documentation=DOCUMENTATION,
        requiredAccess=text,
    )
