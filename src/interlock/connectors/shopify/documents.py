"""The GraphQL documents of this connector: one operation a file, documents/NAME.graphql, its first line what it is for."""

from __future__ import annotations

import importlib.resources
import re
from functools import cache
from typing import Final, Literal

import msgspec

OPERATION: Final = re.compile(r"^(query|mutation)\b", re.MULTILINE)
SIZE: Final = re.compile(r"\$(\w+): Int\b!?(?: = (\d+))?")
"""A variable of type Int is a page's size by convention; its default is the size that is asked for."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """`sizes`: the page sizes that a query may be given, with their defaults; a smaller page makes it cheaper (C73).
    `has_parts`: it can leave out what the app may not read (optional.py)."""

    name: str
    text: str
    kind: Literal["query", "mutation"]
    sizes: dict[str, int] = {}
    has_parts: bool = False


@cache
def document(name: str) -> Document:
    """A document by its file's name. Raises FileNotFoundError: a mistake of ours."""
    return read_document(name, _folder().joinpath(f"{name}.graphql").read_text(encoding="utf-8"))


@cache
def names() -> tuple[str, ...]:
    """All of them, sorted."""
    return tuple(sorted(file.name[:-8] for file in _folder().iterdir() if file.name.endswith(".graphql")))


def read_document(name: str, text: str) -> Document:
    """What must be known of a document before it is sent. Comments stay at home."""
    sent = "\n".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    kinds = OPERATION.findall(sent)
    if len(kinds) != 1:
        raise ValueError(f"documents/{name}.graphql has {len(kinds)} operations; one is what a document has")
    header = sent[: sent.index("{")]
    return Document(
        name=name,
        text=sent,
        kind=kinds[0],
        sizes={variable: int(size) for variable, size in SIZE.findall(header) if size},
        has_parts="@include" in sent,
    )


def _folder() -> importlib.resources.abc.Traversable:
    return importlib.resources.files(__package__ or "interlock.connectors.shopify") / "documents"
