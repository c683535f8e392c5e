"""What of Shopify's GraphQL Admin API the twin serves, out of the same lists that its schema is cut by."""

from __future__ import annotations

import tomllib
from pathlib import Path

from interlock.twins.shopify.admin.known import known

SERVED = Path(__file__).parent / "served"
HEAD = """\
# What the Shopify twin serves

Generated from `src/interlock/twins/shopify/admin/served/*.toml` by `scripts/shopify-schema cut`. A document that asks for
anything else of Shopify's schema gets Shopify's own error with a remark that names the gap; `GET /_twin/coverage` gives
this list as JSON. Connections, edges, payloads and money come whole; a type that is reached and not listed gives its plain fields.

| type | served | of | fields |
|---|---|---|---|
"""


def coverage() -> dict[str, list[str]]:
    """Type -> its listed fields, sorted."""
    found: dict[str, set[str]] = {}
    for file in sorted(SERVED.glob("*.toml")):
        for type_name, entry in tomllib.loads(file.read_text(encoding="utf-8")).items():
            found.setdefault(type_name, set()).update(entry["fields"])
    return {name: sorted(fields) for name, fields in sorted(found.items())}


def page() -> str:
    """The page of the reference."""
    whole = known()
    rows = (
        f"| {name} | {len(fields)} | {len(whole.get(name, {}))} | {' '.join(f'`{one}`' for one in fields)} |"
        for name, fields in coverage().items()
    )
    return HEAD + "\n".join(rows) + "\n"
