"""The engine: documents, fragments, switches, errors in Shopify's words, and gaps of the twin that are told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from admin_bench import Bench
from graphql import execute_sync, parse
from shopify_harness import API, TOKEN, running_twin

from interlock.twins.shopify.admin.context import AdminError
from interlock.twins.shopify.admin.documents import Documents
from interlock.twins.shopify.admin.plan import Compiler, Run
from interlock.twins.shopify.admin.resolvers import merged
from interlock.twins.shopify.admin.schema import load_schema


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


def errors(bench: Bench, query: str, **variables: Any) -> list[tuple[str, Any, Any]]:
    """(message, code, path) of each error."""
    found = bench.ask(query, **variables).get("errors", [])
    return [(one["message"], one.get("extensions", {}).get("code"), one.get("path")) for one in found]


def test_a_document_over_http(tmp_path: Path) -> None:
    """The hub speaks HTTP: version header, cost, JSON and bare documents, and no token is no data."""

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            asked = {"query": "query($with: Boolean!) { shop { name plan @include(if: $with) { shopifyPlus } } }"}
            answer = await twin.call("POST", f"{API}/graphql.json", asked | {"variables": {"with": False}})
            assert answer.body["data"] == {"shop": {"name": "Interlock Demo"}}
            assert answer.headers["x-shopify-api-version"] == "2026-07"
            more = await twin.call("POST", f"{API}/graphql.json", asked | {"variables": {"with": True}})
            assert more.body["data"]["shop"]["plan"] == {"shopifyPlus": True}
            bare = await twin.call(
                "POST", f"{API}/graphql.json", b"{ shop { name } }", TOKEN | {"content-type": "application/graphql"}
            )
            assert bare.body["data"] == answer.body["data"]
            assert (await twin.call("POST", f"{API}/graphql.json", asked, headers={})).status == 401
            assert (await twin.call("POST", f"{API}/graphql.json", {"no": "query"})).status == 400

    asyncio.run(story())


def test_versions_fall_forward(tmp_path: Path) -> None:
    """C78: a version that left support is answered by the oldest supported and says so; one that never was is a 404."""

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            served = {}
            for asked in ("2024-10", "2026-01", "2026-04", "2026-10", "unstable", "2026-05", "2031-01"):
                answer = await twin.call("POST", f"/admin/api/{asked}/graphql.json", {"query": "{ shop { name } }"})
                served[asked] = answer.headers.get("x-shopify-api-version", answer.status)
            assert served == {
                "2024-10": "2026-01", "2026-01": "2026-01", "2026-04": "2026-04", "2026-10": "2026-10",
                "unstable": "unstable", "2026-05": 404, "2031-01": 404,
            }  # fmt: skip
            oldest = await twin.call("POST", "/admin/api/graphql.json", {"query": "{ shop { name } }"})
            assert oldest.headers["x-shopify-api-version"] == "2026-01"

    asyncio.run(story())


def test_fragments_merge_and_aliases_stay_apart(bench: Bench) -> None:
    """Fields of one key that come by several ways are one, their selections joined; another alias is another field."""
    query = """query { shop { ...Names plan { shopifyPlus } } again: shop { name } ... on QueryRoot { shop { id } } }
      fragment Names on Shop { name ...More __typename } fragment More on Shop { plan { partnerDevelopment } name }"""
    data = bench.data(query)
    assert data["shop"] == {
        "name": "Interlock Demo", "plan": {"partnerDevelopment": False, "shopifyPlus": True},
        "__typename": "Shop", "id": "gid://shopify/Shop/548380009",
    }  # fmt: skip
    assert data["again"] == {"name": "Interlock Demo"}


def test_interfaces_are_read_by_their_concrete_type(bench: Bench) -> None:
    """node gives any object by its gid; an unknown one and a type that is not served are null."""
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Shop { name } } }"
    ids = ["gid://shopify/Shop/548380009", "gid://shopify/Shop/1", "gid://shopify/Nothing/1"]
    found = bench.data(query, ids=ids)["nodes"]
    assert found == [{"__typename": "Shop", "id": ids[0], "name": "Interlock Demo"}, None, None]
    assert errors(bench, '{ node(id: "12") { id } }') == [("Invalid global id '12'", "INVALID_GLOBAL_ID", ["node"])]


WRONG = {
    "{ shop { nonsense } }": ("Field 'nonsense' doesn't exist on type 'Shop'", "undefinedField", ["query", "shop", "nonsense"]),
    "query Q { shop }": (
        "Field must have selections (field 'shop' returns Shop but has no selections. Did you mean 'shop { ... }'?)",
        "selectionMismatch", ["query Q", "shop"],
    ),
    "{ shop { name { x } } }": (
        "Selections can't be made on scalars (field 'name' returns String! but has selections [x])",
        "selectionMismatch", ["query", "shop", "name"],
    ),
    "{ shop(first: 1) { name } }": (
        "Field 'shop' doesn't accept argument 'first'", "argumentNotAccepted", ["query", "shop", "first"]
    ),
    "{ node { id } }": ("Field 'node' is missing required arguments: id", "missingRequiredArguments", ["query", "node"]),
    "query A($x: Int) { shop { name } }": ("Variable $x is declared by A but not used", "variableNotUsed", ["query A"]),
    "query A { node(id: $x) { id } }": (
        "Variable $x is used by A but not declared", "variableNotDefined", ["query A", "node", "id"]
    ),
    "query A($x: String) { node(id: $x) { id } }": (
        "Type mismatch on variable $x and argument (String / ID!)", "variableMismatch", ["query A"]
    ),
    "{ shop { ...No } }": ("Fragment No was used, but not defined", "useAndDefineFragment", ["query", "shop"]),
    "{ shop { name ": ("syntax error, expected Name, found <EOF> at [1, 15]", None, None),
}  # fmt: skip


@pytest.mark.parametrize("query", WRONG)
def test_a_wrong_document_is_told_in_shopifys_words(bench: Bench, query: str) -> None:
    """A client that reads codes and paths of errors meets here what it meets there; nothing is executed."""
    assert WRONG[query] in errors(bench, query)
    assert "data" not in bench.ask(query)


def test_a_gap_of_the_twin_is_told_from_a_mistake(bench: Bench) -> None:
    """Who tries something that Shopify has and the twin has not must not search for the mistake in the document."""
    ((text, code, _),) = errors(bench, "{ shop { navigationSettings { id } } }")
    assert "this twin does not serve it: docs/reference/twin-shopify-coverage.md" in text and code == "undefinedField"
    ((text, code, _),) = errors(bench, '{ node(id: "gid://shopify/Shop/1") { ... on Theme { id } } }')[:1]
    assert text == "No such type Theme, so it can't be a fragment condition" and code == "undefinedType"
    ((text, _, _),) = errors(bench, '{ node(id: "gid://shopify/Shop/1") { ... on OnlineStoreTheme { id } } }')[:1]
    assert "this twin does not serve it" in text


def test_wrong_variables_name_the_place(bench: Bench) -> None:
    """Recorded: one error for a variable, with all its problems, each with path and explanation."""
    query = """mutation($t: WebhookSubscriptionTopic!, $w: WebhookSubscriptionInput!) {
      webhookSubscriptionCreate(topic: $t, webhookSubscription: $w) { userErrors { message } } }"""
    topic, given = bench.ask(query, t="NO_TOPIC", w={"uri": "https://a.example", "colour": 1})["errors"]
    assert topic["message"] == "Variable $t of type WebhookSubscriptionTopic! was provided invalid value"
    assert topic["extensions"]["problems"][0]["explanation"].startswith('Expected "NO_TOPIC" to be one of: ')
    assert given["extensions"]["problems"] == [
        {"path": ["colour"], "explanation": "Field is not defined on WebhookSubscriptionInput"}
    ]


def test_an_error_of_a_field_nulls_what_cannot_do_without_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """null goes up to the nearest nullable place and no further; a fault of the twin itself says that it is one."""

    def refuse(*_: Any) -> Any:
        raise AdminError("No.", "ACCESS_DENIED")

    monkeypatch.setitem(merged().resolvers, "App.title", refuse)  # String!, in an App that may be null
    answer = bench.ask("{ app { id title } shop { name } }")
    assert answer["data"] == {"app": None, "shop": {"name": "Interlock Demo"}}
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]) == (["app", "title"], {"code": "ACCESS_DENIED"})
    monkeypatch.setitem(merged().resolvers, "App.title", lambda *_: {}["title"])
    (bug,) = bench.ask("{ app { handle title } }")["errors"]
    assert bug["extensions"]["code"] == "INTERNAL_SERVER_ERROR" and "App.title" in bug["extensions"]["twin"]


def test_the_plan_reads_what_graphql_core_reads() -> None:
    """The compiled plan is ours: the same documents over the same data, executed by graphql-core, give the same."""
    schema = load_schema("2026-07")
    root = {"shop": {"__typename": "Shop", "id": "s", "name": "N", "plan": {"shopifyPlus": True, "publicDisplayName": "P"},
            "enabledPresentmentCurrencies": ["USD", "JPY"]},
            "node": {"__typename": "Shop", "id": "s", "name": "N"}}  # fmt: skip
    for query in (
        "{ shop { name plan { ...P } } } fragment P on ShopPlan { shopifyPlus publicDisplayName }",
        "{ a: shop { b: name enabledPresentmentCurrencies } shop { __typename id name @skip(if: true) } }",
        '{ node(id: "x") { __typename id ... on Shop { name } ... on App { title } ... on Node { again: id } } }',
    ):
        document = parse(query)
        expected = execute_sync(schema, document, root_value=root).data
        operation = Documents(schema, "2026-07").operation(query, None)
        run = Run(None, operation.variables({}))  # type: ignore[arg-type]
        plan = Compiler(schema, document, {}, [], {}).operation(operation.node)
        assert {one.key: one.read(run, root) for one in plan.of("QueryRoot")} == expected
        assert run.errors == []


def test_lists_of_more_than_250_are_refused(bench: Bench) -> None:
    """F24, as recorded: the whole document is refused with the path of the list. 250 are fine."""
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert "data" in bench.ask(query, ids=["gid://shopify/Shop/1"] * 250)
    answer = bench.ask(query, ids=["gid://shopify/Shop/1"] * 251)
    assert answer["errors"][0] == {
        "message": "The input array size of 251 is greater than the maximum allowed of 250.",
        "locations": [{"line": 1, "column": 23}],
        "path": ["nodes", "ids"],
        "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"},
    }
    assert "data" not in answer


def test_introspection_answers(bench: Bench) -> None:
    """Tools ask for the schema first."""
    assert bench.data("{ __schema { queryType { name } } }") == {"__schema": {"queryType": {"name": "QueryRoot"}}}
