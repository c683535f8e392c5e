"""Loads the cut-down schema of a version, and says how Shopify writes its scalars."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from graphql import GraphQLSchema, build_ast_schema, parse, specified_scalar_types

SCHEMAS = Path(__file__).parent / "schema"


@cache
def load_schema(version: str) -> GraphQLSchema:
    """The schema of a version; one that has no file of its own is served by the nearest later one (2026-01: 2026-04)."""
    schema = build_ast_schema(parse(file_of(version).read_text(encoding="utf-8")), assume_valid=True)
    for name, scalar in specified_scalar_types.items():  # a variable may have a type that nothing served has
        schema.type_map.setdefault(name, scalar)
    return schema


def file_of(version: str) -> Path:
    """Where the schema lies that serves a version; "unstable" is served by the newest."""
    files = sorted(SCHEMAS.glob("*.graphql"))
    return next((file for file in files if file.stem >= version), files[-1])


def utc_text(value: Any) -> str:
    """DateTime as Shopify's GraphQL writes it, 2026-07-01T16:17:28Z, from a datetime or from REST's text with an offset."""
    if isinstance(value, str):
        if value.endswith("Z"):
            return value
        value = datetime.fromisoformat(value)
    return str(value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def decimal_text(value: Any) -> str:
    """Decimal and Money travel as text; a float would be a bug of the twin."""
    if isinstance(value, float):
        raise TypeError(f"{value!r} is a float: money and decimals are exact")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def whole(value: Any) -> int:
    if isinstance(value, bool) or int(value) != value:
        raise TypeError(f"{value!r} is no Int")
    return int(value)


def truth_value(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is no Boolean")
    return value


def as_it_is(value: Any) -> Any:
    return value


WRITERS: dict[str, Callable[[Any], Any]] = {
    "ID": str,
    "String": str,
    "Int": whole,
    "Float": float,
    "Boolean": truth_value,
    "DateTime": utc_text,
    "Decimal": decimal_text,
    "Money": decimal_text,
    "UnsignedInt64": str,
    "BigInt": str,
    "URL": str,
    "HTML": str,
    "FormattedString": str,
}
"""Scalar -> how a value is written; one without an entry (JSON, colours) goes out as it is."""
