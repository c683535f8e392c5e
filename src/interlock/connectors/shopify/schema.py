"""The cut-down schemas that ship with the connector: exactly what its documents use, one file a version."""

from __future__ import annotations

import importlib.resources
from functools import cache
from importlib.resources.abc import Traversable

from graphql import GraphQLSchema, build_schema


@cache
def versions() -> tuple[str, ...]:
    """Those that the documents are known to be valid in, oldest first."""
    return tuple(sorted(file.name[:-8] for file in folder().iterdir() if file.name[:2] == "20" and file.name.endswith(".graphql")))


@cache
def schema(version: str) -> GraphQLSchema:
    """What the documents use of a version; of the nearest one when the version is not among those that ship."""
    name = version if version in versions() else min(versions(), key=lambda known: _months_between(known, version))
    return build_schema((folder() / f"{name}.graphql").read_text(encoding="utf-8"), assume_valid=True)


def folder() -> Traversable:
    return importlib.resources.files(__package__ or "interlock.connectors.shopify") / "schema"


def _months_between(one: str, other: str) -> int:
    def months(version: str) -> int:
        year, _, month = version.partition("-")
        return int(year) * 12 + int(month) if year.isdecimal() and month.isdecimal() else 10**6

    return abs(months(one) - months(other))
