"""What Shopify's words on required access mean: clauses, of which all must hold, each a list of scopes of which one is enough.

The published rows (F92) list the scopes of a type or a field in one list and say only in words how they combine:
most mean "or", some "and". The words are few and repeat; a form that is not known here reads as "or", like most.
"""

import re
from typing import Any

Clause = tuple[str, ...]
Clauses = tuple[Clause, ...]

SCOPE = re.compile(r"`?((?:unauthenticated_)?(?:read|write)_[a-z_]+)`?")
ALSO_REQUIRED = re.compile(r"^\s*(Requires |An applicable .* is required:)")
"""How a second demand begins. What else follows "Also:" speaks of users' permissions, or of single arguments."""
MARKETS = "for queries and both"


def clauses(row: dict[str, Any]) -> Clauses:
    """The clauses of one row of `offline_scopes`; none when nothing is needed."""
    words, _, also = row["requiredAccess"].partition("Also:")
    if MARKETS in words:
        read, write = ("read_markets",), ("write_markets",)
        return (read, write) if row["typeName"] == "Mutation" else (read,)
    parts = re.split(r"as well as any of|access scope and \(", words)
    if ALSO_REQUIRED.match(also):
        parts.append(also.partition(". The user")[0])
    found = tuple(dict.fromkeys(tuple(dict.fromkeys(SCOPE.findall(part))) for part in parts))
    return tuple(clause for clause in found if clause) or _listed(row)


def _listed(row: dict[str, Any]) -> Clauses:
    listed = tuple(dict.fromkeys(row["offlineScopes"]))
    return (listed,) if listed else ()


class Access:
    """The needs of one version's types and fields."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.types = {row["typeName"]: clauses(row) for row in rows if row["type"] == "type"}
        self.fields = {(row["typeName"], row["fieldName"]): clauses(row) for row in rows if row["type"] == "field"}

    def of_type(self, name: str) -> Clauses:
        return self.types.get(name, ())

    def of_field(self, type_name: str, field: str) -> Clauses:
        return self.fields.get((type_name, field), ())
