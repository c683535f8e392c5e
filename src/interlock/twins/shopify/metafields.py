"""Metafields: small values that apps keep beside an object, by namespace and key; written without touching updated_at.

Keys and texts: descriptions of MetafieldsSetInput and MetafieldsSetUserErrorCode (Admin API 2026-07).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from interlock.twins.shopify.desk import Refused
from interlock.twins.shopify.orders import timestamp
from interlock.twins.shopify.store import Store
from interlock.twins.world import World

METAFIELD = "metafield"
MOST_A_CALL = 25
FIRST_ID = 19_979_000_000_000
DEFAULT_NAMESPACE = "custom"
JSON_TYPES = ("json", "list.", "boolean", "number_integer", "number_decimal", "money", "rating", "weight")


class Metafields:
    """The metafields of every owner, by its gid."""

    def __init__(self, world: World, store: Store) -> None:
        self._world, self._store = world, store

    def of(self, owner: str) -> list[dict[str, Any]]:
        """All of an owner, oldest first."""
        return [row for _, row in self._world.rows(METAFIELD) if row["owner"] == owner]

    def find(self, owner: str, namespace: str | None, key: str) -> dict[str, Any] | None:
        return self._world.get(METAFIELD, _key(owner, namespace or DEFAULT_NAMESPACE, key))

    def put(self, owner: str, given: Mapping[str, Any], *path: str) -> dict[str, Any]:
        """Write one. Raises Refused when its value is none of its type, or its `compareDigest` is out of date."""
        namespace, at = given.get("namespace") or DEFAULT_NAMESPACE, timestamp(self._store.now())
        before = self.find(owner, namespace, given["key"])
        kind = given.get("type") or (before or {}).get("type")
        if not kind:
            raise Refused("Type can't be blank", *path, "type", code="BLANK")
        value = str(given["value"])
        if not value:
            raise Refused("Value can't be blank", *path, "value", code="BLANK")
        json_value(kind, value, *path)
        if "compareDigest" in given and given["compareDigest"] != (digest(before) if before else None):
            raise Refused("The resource has been updated since it was loaded.", *path, code="STALE_OBJECT")
        row = {
            "id": before["id"] if before else int(self._world.next_id(METAFIELD)) + FIRST_ID,
            "owner": owner,
            "namespace": namespace,
            "key": given["key"],
            "type": kind,
            "value": value,
            "created_at": before["created_at"] if before else at,
            "updated_at": at,
        }
        self._world.apply("metafield.set", f"{owner} {namespace}.{given['key']}", (METAFIELD, _key_of(row), row))
        return row


def json_value(kind: str, value: str, *path: str) -> Any:
    """The value as JSON has it; text for what is text. Raises Refused for what is none of its type."""
    if not kind.startswith(JSON_TYPES):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise Refused(f"Value is invalid for the type {kind}.", *path, "value", code="INVALID_VALUE") from None


def digest(row: Mapping[str, Any]) -> str:
    """What compareDigest is compared with."""
    return hashlib.sha256(f"{row['type']}:{row['value']}".encode()).hexdigest()


def _key(owner: str, namespace: str, key: str) -> str:
    return f"{owner}#{namespace}.{key}"


def _key_of(row: Mapping[str, Any]) -> str:
    return _key(row["owner"], row["namespace"], row["key"])
