"""Points: what documents cost by recorded answers, and the bucket that they are taken from."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from admin_bench import Bench
from shopify_harness import API, Twin, running_twin

from interlock.twins.shopify.admin import cost
from interlock.twins.shopify.admin.plan import Run
from interlock.twins.shopify.admin.resolvers import merged
from interlock.twins.shopify.admin.throttle import Throttle


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


REQUESTED = {
    "{ products(first: 1) { nodes { id } } }": 3,
    "{ products(first: 5) { nodes { id title tags } } productsCount { count precision } }": 15,
    "{ products(first: 250) { nodes { id } pageInfo { hasNextPage endCursor } } }": 13,
    "{ products(first: 50) { edges { cursor node { id } } } }": 9,
    "{ shop { name } }": 1,
    "{ shop { id plan { shopifyPlus } primaryDomain { url } } }": 3,
    "{ locations(first: 10) { nodes { id address { city } } } }": 6,
}
"""Documents and what recorded answers of the platform requested for them or for the same in other words (F91)."""


def requested(bench: Bench, text: str, **given: Any) -> int:
    operation = bench.engine.operation("2026-07", text)
    variables = operation.variables(given)
    plan = operation.plan(merged().resolvers, (), variables)
    return cost.requested(plan, Run(None, variables))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", REQUESTED)
def test_requested_cost(bench: Bench, text: str) -> None:
    """C70: the hub plans by this number; the linear rule that people quote (2 + n) would be wrong by far."""
    assert requested(bench, text) == REQUESTED[text]


def test_a_size_in_a_variable_counts(bench: Bench) -> None:
    """The same document costs by its variables."""
    text = "query($n: Int) { products(first: $n) { nodes { id } } }"
    assert [requested(bench, text, n=n) for n in (1, 2, 3, 5, 10, 20, 50, 100, 250)] == [3, 3, 4, 5, 6, 7, 9, 11, 13]


def test_mutations_begin_at_ten(bench: Bench) -> None:
    """The payload's own objects and its errors are free; what lies below counts; some mutations are dearer."""
    delete = 'mutation { webhookSubscriptionDelete(id: "x") { deletedWebhookSubscriptionId userErrors { message } } }'
    assert requested(bench, delete) == 10
    create = """mutation($i: WebhookSubscriptionInput!) { webhookSubscriptionCreate(topic: ORDERS_CREATE,
      webhookSubscription: $i) { webhookSubscription { id apiVersion { handle } } userErrors { message } } }"""
    assert requested(bench, create, i={}) == 11
    assert requested(bench, 'mutation { flowTriggerReceive(body: "{}") { userErrors { message } } }') == 1


RETURNED = [
    (50, 5, 3),
    (50, 16, 5),
    (50, 19, 5),
    (250, 54, 5),
    (250, 62, 5),
    (100, 85, 10),
    (20, 9, 5),
    (10, 6, 5),
    (5, 1, 3),
]
"""(asked for, came back, actual cost) of recorded answers with `nodes { id }`."""


@pytest.mark.parametrize(("size", "came", "points"), RETURNED)
def test_actual_cost_is_by_what_came_back(bench: Bench, size: int, came: int, points: int) -> None:
    """A page that is not full costs its share; the rest is given back."""
    operation = bench.engine.operation("2026-07", f"{{ products(first: {size}) {{ nodes {{ id }} }} }}")
    variables = operation.variables({})
    plan = operation.plan(merged().resolvers, (), variables)
    data = {"products": {"nodes": [{"id": "x"}] * came}}
    assert cost.actual(plan, Run(None, variables), data) == points  # type: ignore[arg-type]


def test_the_bucket_refills_and_never_overflows() -> None:
    """F22: 20 seconds of refill at most; what was not needed comes back; a refused document takes nothing."""
    now = [0.0]
    bucket = Throttle(100, lambda: now[0])
    assert bucket.take(1500) and not bucket.take(600) and bucket.status()["currentlyAvailable"] == 500
    now[0] = 1.0
    assert bucket.take(600)
    bucket.give_back(400)
    assert bucket.status()["currentlyAvailable"] == 400
    now[0] = 1000.0
    assert bucket.status() == {"maximumAvailable": 2000.0, "currentlyAvailable": 2000, "restoreRate": 100.0}
    record = bucket.record()
    assert (record["used_points"], record["throttled"], record["lowest_level"]) == (1700, 1, 0)
    assert record["points_by_second"] == [{"second": 0, "points": 1500}, {"second": 1, "points": 200}]


async def ask(twin: Twin, query: str) -> dict[str, Any]:
    answer = await twin.call("POST", f"{API}/graphql.json", {"query": query})
    assert answer.status == 200
    return dict(answer.body)


def test_an_empty_bucket_answers_throttled_in_a_200(tmp_path: Path) -> None:
    """C71: THROTTLED comes with a 200 and the same extensions, so a client that looks at the status alone is blind to it."""

    async def story() -> None:
        async with running_twin(tmp_path, points_per_second=1e-9, bucket_points=5, time_scale=1) as twin:
            first = await ask(twin, "{ products(first: 1) { nodes { id } } }")
            assert first["extensions"]["cost"]["requestedQueryCost"] == 3
            assert first["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 2
            second = await ask(twin, "{ products(first: 1) { nodes { id } } }")
            assert second["errors"][0]["extensions"]["code"] == "THROTTLED" and "data" not in second
            assert second["extensions"]["cost"]["actualQueryCost"] is None
            record = (await twin.call("GET", "/_twin/throttle")).body
            assert (record["documents"], record["throttled"], record["used_points"]) == (1, 1, 3)
            assert (await twin.call("DELETE", "/_twin/throttle")).body["throttled"] == 0

    asyncio.run(story())


def test_a_document_above_1000_points_is_never_executed(tmp_path: Path) -> None:
    """C72: it must be split; waiting for points would not help."""

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            inner = "variants(first: 250) { nodes { inventoryItem { id } product { id } } }"
            answer = await ask(
                twin, f"{{ products(first: 250) {{ nodes {{ id {' '.join(f'{one}: {inner}' for one in 'abc')} }} }} }}"
            )
            (error,) = answer["errors"]
            assert error["extensions"]["code"] == "MAX_COST_EXCEEDED" and error["extensions"]["maxCost"] == 1000
            assert "data" not in answer

    asyncio.run(story())
