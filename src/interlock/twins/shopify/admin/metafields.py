"""Metafields of orders, customers, companies and drafts, and metafieldsSet."""

from __future__ import annotations

from typing import Any

from interlock.twins.shopify.admin.connections import connection
from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid
from interlock.twins.shopify.admin.rest_shape import mutation, shows
from interlock.twins.shopify.desk import Refused
from interlock.twins.shopify.metafields import MOST_A_CALL, Metafields, digest, json_value

Parent = dict[str, Any]
OWNERS = ("Order", "Customer", "Company", "CompanyLocation", "DraftOrder")


def metafield_books(shop: ShopContext) -> Metafields:
    return Metafields(shop.world, shop.store)


def _owner(type_name: str, parent: Parent) -> str:
    about = parent.get("draft") or parent["rest"]
    return gid(type_name, about["id"])


def _one(type_name: str) -> Resolver:
    def resolve(shop: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
        row = metafield_books(shop).find(_owner(type_name, parent), arguments.get("namespace"), arguments["key"])
        return None if row is None else {"rest": row}

    return resolve


def _all(type_name: str) -> Resolver:
    def resolve(shop: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
        namespace, keys = arguments.get("namespace"), arguments.get("keys")
        rows = [
            row
            for row in metafield_books(shop).of(_owner(type_name, parent))
            if namespace in (None, row["namespace"])
            and (not keys or row["key"] in keys or f"{row['namespace']}.{row['key']}" in keys)
        ]
        return connection(rows, arguments, key=lambda row: row["id"], show=lambda row: {"rest": row})

    return resolve


FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("Metafield", parent["rest"]["id"]),
    "legacyResourceId": "id",
    "namespace": "namespace",
    "key": "key",
    "type": "type",
    "value": "value",
    "jsonValue": lambda _, parent, __: json_value(parent["rest"]["type"], parent["rest"]["value"]),
    "compareDigest": lambda _, parent, __: digest(parent["rest"]),
    "sizeInBytes": lambda _, parent, __: len(parent["rest"]["value"].encode()),
    "ownerType": lambda _, parent, __: parent["rest"]["owner"].split("/")[-2].upper(),
    "createdAt": "created_at",
    "updatedAt": "updated_at",
}


def write(shop: ShopContext, owner: str, rows: list[dict[str, Any]] | None, *path: str) -> list[dict[str, Any]]:
    """Write the metafields of an input that carries them beside other things."""
    books = metafield_books(shop)
    return [books.put(owner, row, *path, str(place)) for place, row in enumerate(rows or [])]


def _set(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    given = arguments["metafields"]
    if len(given) > MOST_A_CALL:
        raise Refused(
            f"Exceeded the maximum metafields input limit of {MOST_A_CALL}.", "metafields", code="LESS_THAN_OR_EQUAL_TO"
        )
    books, made = metafield_books(shop), []
    for place, row in enumerate(given):
        if shop.node(row["ownerId"]) is None:
            raise Refused("Owner does not exist.", "metafields", str(place), "ownerId", code="INVALID")
        made.append(books.put(row["ownerId"], row, "metafields", str(place)))
    return {"metafields": [{"rest": row} for row in made]}


RESOLVERS: dict[str, Resolver] = {
    **shows("Metafield", FIELDS),
    **{f"{name}.metafield": _one(name) for name in OWNERS},
    **{f"{name}.metafields": _all(name) for name in OWNERS},
    "Mutation.metafieldsSet": mutation(_set, "metafields"),
}
