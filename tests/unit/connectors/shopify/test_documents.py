"""Every document is proven against Shopify's own schemas: valid, affordable, with known scopes, nothing deprecated."""

import json
from datetime import date

import pytest
from graphql import build_schema, get_operation_ast, parse, print_ast, validate
from published_schemas import VERSIONS, published
from shopify_schema.documents import documents, errors, facts
from shopify_schema.full import Full
from shopify_schema.generate import generate
from shopify_schema.generated import text_of
from shopify_schema.places import CONNECTOR, ROOT

from interlock.connectors.registry import manifest
from interlock.connectors.shopify import cost, scopes
from interlock.connectors.shopify.documents import document, names
from interlock.connectors.shopify.schema import schema, versions

DOCUMENTS = documents(CONNECTOR / "documents")
STOREFRONT = documents(CONNECTOR / "documents" / "storefront")
KNOWN_DEPRECATED: dict[str, str] = {}
"""What documents may use although it will go away, with the reason why it is used still: `Type.field` = reason."""

READ = [name for name, one in manifest("shopify").objects.items() if "read" in one.can]

WITH_TOPIC = {"order_release", "order_fulfillment_orders_page"}
"""Documents of an object that are used with a topic or a part only, whose scopes then are granted."""

PAGE_MAX = 250
"""No page is larger (F24)."""

WITH_SALES = {"stock_sale", "stock_sale_moved"}
"""Documents of what is sold, whose scopes are those of its webhooks."""
WITH_STOCK = {"inventory_set_quantities", "inventory_activate"} | {
    name for name in DOCUMENTS if name.startswith("stock_") and name not in WITH_SALES
}
"""Documents of the stock channel, whose scopes are granted where a flow shows stock here."""

each_document = pytest.mark.parametrize("name", DOCUMENTS)
each_version = pytest.mark.parametrize("version", VERSIONS)


@each_document
def test_a_document_is_valid_in_each_version(name: str, whole: Full) -> None:
    """The schema is the one authority on what Shopify takes; the next version must not surprise us (C78)."""
    assert errors(whole.schema, DOCUMENTS[name]) == []


@each_document
@each_version
def test_the_cut_down_schema_holds_all_that_a_document_uses(name: str, version: str) -> None:
    """What ships must be enough to work with; a document that was changed without `cut` is found here."""
    assert [error.message for error in validate(schema(version), DOCUMENTS[name])] == []


@each_document
@each_version
def test_a_document_is_affordable_with_its_largest_pages(name: str, version: str) -> None:
    """A query above 1,000 points is refused, whatever the bucket holds (C73)."""
    text = document(name)
    sizes = dict.fromkeys(document_sizes(name), PAGE_MAX) | dict(text.sizes)
    points = cost.points(name, sizes, version)
    assert 0 < points < cost.QUERY_POINTS_MAX


@each_document
def test_what_a_document_needs_is_known_and_true(name: str, whole: Full) -> None:
    """Scopes and deprecations ship as facts; they must be what the full schema says."""
    told = scopes.facts()[whole.version][name]
    optional = {part: [list(clause) for clause in clauses] for part, clauses in told.optional.items()}
    said = {"scopes": list(map(list, told.scopes)), "deprecated": told.deprecated}
    assert said | ({"optional": optional} if optional else {}) == facts(whole, DOCUMENTS[name])


@each_document
@each_version
def test_a_document_uses_nothing_that_will_go_away(name: str, version: str) -> None:
    """A deprecated field is a date in somebody's calendar; one that we must use is listed with the reason."""
    assert set(scopes.facts()[version][name].deprecated) <= set(KNOWN_DEPRECATED)


@each_version
@pytest.mark.parametrize("name", READ)
def test_the_manifest_names_the_scopes_of_an_object(name: str, version: str) -> None:
    """What people are told to grant must satisfy every document of the object, and none of it may be idle."""
    told = manifest("shopify").scopes["read"].get(name, ())
    clauses = scopes.needed(documents_of(name), version)
    assert scopes.missing(clauses, told) == [], f"add one of each to {name} under [scopes.read] in connector.toml"
    assert set(told) <= {scope for clause in clauses for scope in clause}, "a scope that no document needs"


@each_version
@pytest.mark.parametrize("name", READ)
def test_the_manifest_names_the_scopes_of_optional_parts(name: str, version: str) -> None:
    """Who grants these too has every part read; who does not still has the rest."""
    named = manifest("shopify").scopes
    told = (*named["read"].get(name, ()), *named["optional"].get(name, ()))
    assert scopes.missing(scopes.wished(documents_of(name), version), told) == [], f"add them to {name} under [scopes.optional]"


@each_version
def test_the_scopes_of_all_objects_suffice_for_all_documents(version: str) -> None:
    """Some documents are of no one object."""
    told = {scope for named in manifest("shopify").scopes["read"].values() for scope in named}
    parts = {part.object for part in manifest("shopify").parts.values()}
    of_one = {each for name in {*READ, *parts} for each in documents_of(name)}
    assert scopes.missing(scopes.needed(set(names()) - of_one - WITH_TOPIC - WITH_STOCK - WITH_SALES, version), told) == []


@each_version
def test_the_manifest_names_the_scopes_of_showing_stock(version: str) -> None:
    """A folder that only reads need grant none of them; one that shows stock needs each."""
    told = manifest("shopify").scopes["write"]["inventory_level"]
    clauses = scopes.needed(WITH_STOCK, version)
    assert scopes.missing(clauses, told) == []
    assert set(told) == {scope for clause in clauses for scope in clause} - {"read_markets_home"}


@each_version
def test_a_sale_is_read_with_the_scopes_of_what_tells_of_it(version: str) -> None:
    """Who shows stock and reads orders may read what an order takes; where it takes it from, who may hear that it was moved."""
    named = manifest("shopify").scopes
    told = {*named["write"]["inventory_level"], *named["read"]["order"], *named["topic"]["fulfillment_orders/moved"]}
    clauses = (*scopes.needed(WITH_SALES, version), *scopes.wished(WITH_SALES, version))
    assert scopes.missing(clauses, told) == []
    assert scopes.missing(scopes.needed({"stock_sale"}, version), told - {"read_merchant_managed_fulfillment_orders"}) == []


def test_the_versions_are_those_of_the_rule() -> None:
    """A version is answered for twelve months (F20); what was not tried is not said to work (C78)."""
    found = manifest("shopify")
    assert tuple(found.versions) == VERSIONS == versions()
    assert all(ends == date(int(name[:4]) + 1, int(name[5:]), 1) for name, ends in found.versions.items())
    assert str(found.versions[found.connector.api_version]) == found.connector.sunset


def test_what_is_committed_is_what_the_script_writes() -> None:
    """Generated files that were edited by hand, or forgotten, would say what is not so."""
    published(VERSIONS[1])
    made = generate()
    assert made.mistakes == []
    stale = [str(file.relative_to(ROOT)) for file, text in made.files.items() if text_of(file) != text]
    assert stale == [], "run scripts/shopify-schema cut, and commit what it writes"


@each_version
@pytest.mark.parametrize("name", STOREFRONT)
def test_a_document_of_the_storefront_is_valid(name: str, version: str) -> None:
    """What a buyer's page asks is proven like what the hub asks: in each version, by the whole schema and by what ships."""
    tree = STOREFRONT[name]
    assert errors(published(version, "storefront-graphql").schema, tree) == []
    shipped = (CONNECTOR / "schema" / f"storefront-{version}.graphql").read_text(encoding="utf-8")
    assert [error.message for error in validate(build_schema(shipped, assume_valid=True), tree)] == []
    facts = json.loads((CONNECTOR / "schema" / "storefront-documents.json").read_text(encoding="utf-8"))
    assert facts[version][name] == {"deprecated": {}, "scopes": [["unauthenticated_read_product_listings"]]}


def test_every_document_says_what_it_is_for() -> None:
    """Reading the first lines of the folder tells what the connector asks a store."""
    for file in sorted((CONNECTOR / "documents").rglob("*.graphql")):
        assert file.read_text(encoding="utf-8").startswith("# "), file


def test_a_wrong_field_would_be_found(pinned: Full) -> None:
    """The control: a name that the store does not know is an error, and the text names it."""
    (wrong,) = errors(pinned.schema, parse("{ shop { nmae } }"))
    assert "nmae" in wrong


def test_a_deprecated_field_would_be_found(pinned: Full) -> None:
    """The control: fields, arguments and enum values that will go away are told with Shopify's reason."""
    assert "ShopPlan.displayName" in facts(pinned, parse("{ shop { plan { displayName } } }"))["deprecated"]


def test_missing_scopes_would_be_found(pinned: Full) -> None:
    """The control: "and" rows need each of their clauses, "or" rows one of their scopes (F92)."""
    needs = list(map(tuple, facts(pinned, parse('{ return(id: "1") { id order { id } } }'))["scopes"]))
    assert scopes.missing(needs, ["read_returns", "read_orders"]) == []
    assert scopes.missing(needs, ["read_returns"]) == [("read_orders", "read_marketplace_orders", "read_quick_sale")]
    assert scopes.missing(needs, ["write_returns", "write_orders"]) == []


def test_a_too_dear_document_would_be_found(pinned: Full) -> None:
    """The control: three connections in one another are above what a store answers."""
    dear = """{ orders(first: 250) { nodes { lineItems(first: 250) { nodes { variant { product {
        variants(first: 50) { nodes { id inventoryItem { id } } } } } } } } } }"""
    assert cost.price(parse(dear), pinned.schema).points({}) >= cost.QUERY_POINTS_MAX


def document_sizes(name: str) -> list[str]:
    """The variables of a document that are page sizes."""
    operation = get_operation_ast(DOCUMENTS[name])
    variables = (operation and operation.variable_definitions) or ()
    return [each.variable.name.value for each in variables if print_ast(each.type).startswith("Int")]


def documents_of(name: str) -> list[str]:
    """The documents of an object by their names: `order`, `order_lines_page`, `orders_changed`."""
    found = [each for each in names() if each == name or each.startswith((f"{name}_", f"{name}s_"))]
    return [each for each in found if each not in WITH_TOPIC]
