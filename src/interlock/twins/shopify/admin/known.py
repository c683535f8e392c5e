"""What Shopify's real schema has beyond what the twin serves: the names of its fields, and in which versions.

`known.txt.gz` is written by `scripts/shopify-schema cut`: a line for each type, its fields with the versions that have them when
not all have: "Order id name newField:26-10".
"""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

NAMES = Path(__file__).with_name("known.txt.gz")
PAGE = "docs/reference/twin-shopify-coverage.md"


@cache
def known() -> dict[str, dict[str, str]]:
    """Type -> field -> the versions that have it, "" for all."""
    rows = (line.split(" ") for line in gzip.decompress(NAMES.read_bytes()).decode().splitlines())
    return {row[0]: dict(_field(one) for one in row[1:]) for row in rows}


def _field(text: str) -> tuple[str, str]:
    name, _, versions = text.partition(":")
    return name, versions


def gap(version: str, type_name: str, field: str | None = None) -> str:
    """Why the twin does not have a type or field: "" when Shopify has it neither, else a sentence for the message."""
    fields = known().get(type_name)
    if fields is None or (field is not None and field not in fields):
        return ""
    versions = fields[field] if field is not None else ""
    if versions and version[2:] not in versions.split(","):
        return f" (Shopify has it in 20{versions.replace(',', ', 20')}, not in {version})"
    return f" (Shopify {version} has it, this twin does not serve it: {PAGE})"
