"""Which scopes the connector's documents need, and what of a version they use although it is deprecated.

The facts are generated from Shopify's published schemas (scripts/shopify-schema cut), so that none of it need ship. A need
is a list of clauses: all of them must hold, and of the scopes in a clause one is enough. Most of Shopify's rows mean "or",
some "and" (F92).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache

import msgspec

from interlock.connectors.shopify.schema import folder

Clause = tuple[str, ...]


class DocumentFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one document needs in one version; `optional` is what its parts need besides (optional.py),
    `deprecated` what it uses with Shopify's reason."""

    scopes: tuple[Clause, ...] = ()
    optional: dict[str, tuple[Clause, ...]] = {}
    deprecated: dict[str, str] = {}


@cache
def facts() -> dict[str, dict[str, DocumentFacts]]:
    """Version -> document -> what it needs."""
    text = (folder() / "documents.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, dict[str, DocumentFacts]])


def needed(names: Iterable[str], version: str) -> tuple[Clause, ...]:
    """The clauses of some documents together, each once. Raises KeyError for a document without facts."""
    known = facts()[version]
    return tuple(dict.fromkeys(clause for name in names for clause in known[name].scopes))


def wished(names: Iterable[str], version: str) -> tuple[Clause, ...]:
    """The clauses of their optional parts together, each once."""
    known = facts()[version]
    return tuple(dict.fromkeys(one for name in names for part in known[name].optional.values() for one in part))


def missing(clauses: Iterable[Clause], granted: Collection[str]) -> list[Clause]:
    """Those clauses of which nothing was granted. What may be written may be read."""
    may = {*granted, *(f"read_{scope.removeprefix('write_')}" for scope in granted if scope.startswith("write_"))}
    return [clause for clause in clauses if may.isdisjoint(clause)]


def deprecated(version: str) -> dict[str, dict[str, str]]:
    """Document -> what it uses that will go away -> the reason; only documents that use such."""
    return {name: known.deprecated for name, known in facts()[version].items() if known.deprecated}
