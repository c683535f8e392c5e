"""The names of all of Shopify's types and fields, for the twin to tell what it does not serve from what Shopify has not."""

import gzip
from pathlib import Path

from .full import full
from .places import TWIN, versions

FILE = TWIN / "admin" / "known.txt.gz"


def names() -> dict[Path, bytes]:
    """The file with its content: a line for each type, a field's versions after it when not all have it."""
    found: dict[str, dict[str, list[str]]] = {}
    for version in versions():
        for name, each in full("admin", version).types.items():
            if not name.startswith("__") and each["kind"] != "SCALAR":
                fields = found.setdefault(name, {})
                for field in each.get("fields") or each.get("inputFields") or ():
                    fields.setdefault(field["name"], []).append(version[2:])
    everywhere = len(versions())
    rows = (
        " ".join(
            [name, *(one if len(have) == everywhere else f"{one}:{','.join(have)}" for one, have in fields.items())]
        )
        for name, fields in sorted(found.items())
    )
    return {FILE: gzip.compress("".join(f"{row}\n" for row in rows).encode(), 9, mtime=0)}
