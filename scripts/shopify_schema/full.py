"""One whole published schema: its introspection, its rows on access, and the schema that graphql-core builds from it."""

import gzip
import json
from functools import cache, cached_property
from typing import Any

from graphql import GraphQLSchema, build_client_schema

from .access import Access
from .places import full_schema

Introspected = dict[str, Any]


class Full:
    """The schema of one API (`admin`, `storefront-graphql`) in one version."""

    def __init__(self, api: str, version: str) -> None:
        self.version = version
        with gzip.open(full_schema(api, version)) as file:
            read = json.load(file)
        self.introspection: Introspected = read["data"]["__schema"]
        self.types: dict[str, Introspected] = {each["name"]: each for each in self.introspection["types"]}
        self.access = Access(read["offline_scopes"]["items"] if "offline_scopes" in read else self._required())

    def _required(self) -> list[Introspected]:
        """Rows on access, of an API that has the words in its introspection only."""
        rows: list[Introspected] = []
        for name, type_ in self.types.items():
            words = {"requiredAccess": type_.get("requiredAccess") or "", "offlineScopes": ()}
            rows.append({"type": "type", "typeName": name, **words})
            for field in type_.get("fields") or ():
                words = {"requiredAccess": field.get("requiredAccess") or "", "offlineScopes": ()}
                rows.append({"type": "field", "typeName": name, "fieldName": field["name"], **words})
        return rows

    @cached_property
    def schema(self) -> GraphQLSchema:
        """Taken as valid (F90): Shopify's own breaks a rule or two of the specification."""
        return build_client_schema({"__schema": self.introspection}, assume_valid=True)  # type: ignore[typeddict-item]

    def field(self, type_name: str, name: str) -> Introspected | None:
        fields = (self.types.get(type_name) or {}).get("fields") or ()
        return next((each for each in fields if each["name"] == name), None)


@cache
def full(api: str, version: str) -> Full:
    """Read once: it takes a third of a second."""
    return Full(api, version)


def named(reference: Introspected) -> str:
    """The name of a type reference below its lists and non-nulls."""
    while reference["ofType"]:
        reference = reference["ofType"]
    return str(reference["name"])
