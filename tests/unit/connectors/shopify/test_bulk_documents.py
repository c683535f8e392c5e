"""What reads many objects asks for what reads one, and every bulk query is one that Shopify runs."""

from collections.abc import Iterable
from typing import Any

import pytest
from bulk_documents import DOCUMENTS, IN_LISTS, PAGES, TOO_MANY, bulk_of, files
from graphql import FieldNode, TypeInfo, TypeInfoVisitor, Visitor, get_named_type, parse, visit
from shopify_schema.documents import errors, facts
from shopify_schema.full import Full

from interlock.connectors.shopify import scopes
from interlock.connectors.shopify.bulk import MANY, bulk_query

CONNECTIONS_MAX, DEPTH_MAX = 5, 2
each = pytest.mark.parametrize("name", PAGES)


def test_what_is_committed_is_what_reads_one() -> None:
    """A field that is added to order.graphql and not here would be missing from every backfilled order."""
    stale = [file.name for file, text in files().items() if file.read_text(encoding="utf-8") != text]
    assert stale == [], "run tests/unit/connectors/shopify/bulk_documents.py"


class Connections(Visitor):
    """Counts connections and their depth, and those within lists (F26)."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.count = self.depth = self.deepest = 0
        self.lists: list[str] = []
        self.within_lists: list[str] = []

    def enter_field(self, node: FieldNode, *_: object) -> None:
        kind = self.info.get_type()
        if get_named_type(kind).name.endswith("Connection"):  # type: ignore[union-attr]
            self.count, self.depth = self.count + 1, self.depth + 1
            self.deepest = max(self.deepest, self.depth)
            self.within_lists += [node.name.value] if self.lists else []
        elif str(kind).lstrip("!").startswith("[") and node.name.value != "edges":
            self.lists.append(node.name.value)

    def leave_field(self, node: FieldNode, *_: object) -> None:
        if get_named_type(self.info.get_type()).name.endswith("Connection"):  # type: ignore[union-attr]
            self.depth -= 1
        elif self.lists and self.lists[-1] == node.name.value:
            self.lists.pop()


@each
def test_a_bulk_query_is_one_that_shopify_runs(name: str, whole: Full) -> None:
    """Valid in each version, at most five connections, two deep, none within a list (F26). The control: the document of
    one order, taken as it is, is none."""
    document = parse(bulk_query(name, 0, 2**50))
    info = TypeInfo(whole.schema)
    found = Connections(info)
    visit(document, TypeInfoVisitor(info, found))
    assert errors(whole.schema, document) == []
    assert found.count <= CONNECTIONS_MAX and found.deepest <= DEPTH_MAX and found.within_lists == []
    if name == "order":
        one = Connections(info)
        visit(parse((DOCUMENTS / "order.graphql").read_text(encoding="utf-8")), TypeInfoVisitor(info, one))
        assert one.count > CONNECTIONS_MAX and one.within_lists


@each
def test_the_facts_of_the_page_are_those_of_the_bulk_query(name: str, whole: Full) -> None:
    """Bulk documents have no facts of their own: what a page of the same objects is known to need, and to use although it will
    go away, must hold for them, part by part. The control: a field beyond the page's is found."""
    told = scopes.facts()[whole.version][f"{MANY[name].many}_page"]
    text = (DOCUMENTS / "bulk" / f"{MANY[name].many}.graphql").read_text(encoding="utf-8")
    found = facts(whole, parse(text))
    assert not _beyond(found, told)
    assert {part: _clauses(found.get("optional", {}).get(part, ())) for part in told.optional} == {
        part: set(clauses) for part, clauses in told.optional.items()
    }
    more = text.replace("id\n", "id\nreturns { edges { node { id } } }\n", 1)
    if name == "order":
        assert ("read_returns", "read_marketplace_returns") in _beyond(facts(whole, parse(more)), told)


def _beyond(found: dict[str, Any], told: scopes.DocumentFacts) -> set[Any]:
    """Clauses and deprecated fields that nobody was told of."""
    return (_clauses(found["scopes"]) - set(told.scopes)) | (found["deprecated"].keys() - told.deprecated.keys())


def _clauses(found: Iterable[Iterable[str]]) -> set[tuple[str, ...]]:
    return set(map(tuple, found))


@each
def test_the_search_is_put_in(name: str) -> None:
    """A bulk query takes no variables; the one search stands in its text, in the order of creation."""
    text = bulk_query(name, 1_767_225_600_000_000, 1_767_312_000_000_000)
    word = MANY[name].created
    assert f"query: \"{word}:>='2026-01-01T00:00:00Z' AND {word}:<='2026-01-02T00:00:00Z'\"" in text
    assert text.count("sortKey: CREATED_AT") == 1 and '""' not in text


def test_what_is_left_out_of_a_bulk_query_is_known() -> None:
    """Orders that have what it cannot ask for are read behind; another such connection must not be lost in silence."""
    assert ({"fulfillments"}, {"paymentSchedules"}) == (IN_LISTS, TOO_MANY)
    text = bulk_of("order")
    assert "fulfillmentLineItems" not in text and "paymentSchedules" not in text and "paymentTerms" in text
