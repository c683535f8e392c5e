"""A webhook that lacks a member is not the whole object, whichever fields the release of now asks for (C16)."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from interlock.canonical import load_contracts
from interlock.connectors.shopify.body import subject_of
from interlock.connectors.shopify.members import CUSTOMER, ORDER
from interlock.mapping import compile_in, connector_functions, connector_mapping
from interlock.mapping.reads import Reads

FIXTURES = Path(__file__).parents[3] / "fixtures" / "shopify"
TOPICS = {"order": ("orders.create", "orders.updated", "orders.cancelled"), "customer": ("customers.create",)}
MEMBERS = {"order": ORDER, "customer": CUSTOMER}
NEVER_NULL = {"line_items", "test", "name"}
ALWAYS = {"id", "admin_graphql_api_id", "updated_at"}
each_kind = pytest.mark.parametrize("kind", list(TOPICS))


def published(topic: str) -> dict[str, Any]:
    return dict(json.loads((FIXTURES / f"webhook.{topic}.json").read_bytes()))


def complete(body: dict[str, Any]) -> bool:
    return subject_of(json.dumps(body).encode(), "").complete


@each_kind
def test_the_members_are_those_that_we_read_and_all_bodies_have(kind: str) -> None:
    """A row that is added to the mapping and not here would be taken for empty where a subscription left it out."""
    table = connector_mapping("shopify", "").table_in(kind)
    reads = Reads(compile_in(table, load_contracts()[f"{kind}.v1"], connector_functions("shopify")))
    read = {path.partition(".")[0].partition("[")[0] for path in reads.paths}
    everywhere = set.intersection(*(set(published(topic)) for topic in TOPICS[kind]))
    assert set(MEMBERS[kind]) == (read & everywhere) - {"id"}


@each_kind
def test_what_a_subscription_leaves_out_is_noticed(kind: str) -> None:
    """Half of the members, whichever: no whole object. The controls are the published bodies, a null where a member was, and
    one that vanished with a new version, which the drift watch must see as the object's own."""
    chance = random.Random(7)
    for topic in TOPICS[kind]:
        whole = published(topic)
        assert complete(whole)
        for _ in range(50):
            cut = set(chance.sample(sorted(set(MEMBERS[kind]) - ALWAYS), len(MEMBERS[kind]) // 2))
            assert not complete({key: value for key, value in whole.items() if key not in cut}), cut
            assert complete(whole | dict.fromkeys(cut - {"customer", "currency", *NEVER_NULL}))
        for name in set(MEMBERS[kind]) - ALWAYS - {"line_items"}:
            assert complete({key: value for key, value in whole.items() if key != name}), name


def test_a_subscription_with_some_fields_never_sends_a_whole_order() -> None:
    """The body of a subscription whose fields name what once was enough (lines and a total) is read anew at the shop."""
    whole = published("orders.updated")
    asked = ALWAYS | {
        "name",
        "line_items",
        "total_price",
        "currency",
        "test",
        "refunds",
        "fulfillments",
        "financial_status",
    }
    trimmed = {key: value for key, value in whole.items() if key in asked}
    subject = subject_of(json.dumps(trimmed).encode(), "orders/updated")
    assert (subject.object, subject.key, subject.complete, subject.summary) == ("order", str(whole["id"]), False, "")
