"""Each body that the Shopify twin sends is compared with the published sample of its topic: same members, same kinds of values."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from emitted import Bodies, everything

from interlock.connectors import shopify

FIXTURES = Path(__file__).parents[3] / "fixtures"
AS_CREATE = {"orders/paid", "orders/fulfilled", "orders/partially_fulfilled"}
"""Published with the members of orders/create."""
UNPUBLISHED = {"reverse_fulfillment_orders/dispose"}
DIFFERENCES = {
    "returns/process": {"+.admin_graphql_api_id", "+.id", "+.order_id"},  # the published sample is an empty object
}
KINDS = {bool: "flag", int: "number", float: "number", str: "text", dict: "object", list: "list"}


@cache
def published(topic: str) -> Any:
    """The sample of a topic, from wherever it was put."""
    name = ("orders/create" if topic in AS_CREATE else topic).replace("/", ".")
    life = json.loads((FIXTURES / "shopify/webhooks.order_life.json").read_text())
    for file in (FIXTURES / f"shopify/webhook.{name}.json", FIXTURES / f"shopify-webhooks/{name}.json"):
        if file.exists():
            return json.loads(file.read_text())
    return life.get(topic)


def differences(body: Any, sample: Any, path: str = "") -> set[str]:
    """Members that are missing (-) or too many (+), and values of another kind; null tells nothing of its kind."""
    if body is None or sample is None:
        return set()
    if KINDS[type(body)] != KINDS[type(sample)]:
        return {f"{path}: {KINDS[type(body)]} where the sample has {KINDS[type(sample)]}"}
    if isinstance(body, list):
        return {found for one in body for found in differences(one, sample[0], f"{path}[]")} if sample else set()
    if not isinstance(body, dict):
        return set()
    found = {f"-{path}.{name}" for name in sample.keys() - body.keys()}
    found |= {f"+{path}.{name}" for name in body.keys() - sample.keys()}
    for name in body.keys() & sample.keys():
        found |= differences(body[name], sample[name], f"{path}.{name}")
    return found


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Bodies:
    return everything(tmp_path_factory.mktemp("emitted"))


def test_every_body_is_that_of_its_sample(emitted: Bodies) -> None:
    """F11, F94: a receiver that was built by the published samples finds what they show, and nothing that they do not."""
    found = {
        topic: set().union(*(differences(body, published(topic)) for body in bodies))
        for topic, bodies in emitted.items()
        if topic not in UNPUBLISHED
    }
    assert {topic: those for topic, those in found.items() if those} == DIFFERENCES


def test_every_topic_that_the_hub_uses_is_compared(emitted: Bodies) -> None:
    """A topic that the connector takes and the twin never sends would be proven by nothing."""
    manifest = tomllib.loads((Path(shopify.__file__).parent / "connector.toml").read_text(encoding="utf-8"))
    assert {topic for topic in manifest["topics"] if not topic.startswith("flow/")} - emitted.keys() == set()
    assert [topic for topic in emitted if topic not in UNPUBLISHED and published(topic) is None] == []


def test_every_published_sample_is_used(emitted: Bodies) -> None:
    """F12: a sample of an order's life that no body is compared with would prove nothing either."""
    life = json.loads((FIXTURES / "shopify/webhooks.order_life.json").read_text())
    assert life.keys() - emitted.keys() == set()


def test_a_body_that_differs_is_named() -> None:
    """The control: a missing member, one too many, and a number written as text, each deep inside."""
    sample = {"id": 1, "lines": [{"price": "1.00", "quantity": 1, "tax": {"rate": 0.1}}]}
    body = {"id": 1, "lines": [{"price": 1.0, "quantity": 1, "tax": {}, "extra": None}]}
    assert differences(body, sample) == {
        "+.lines[].extra",
        "-.lines[].tax.rate",
        ".lines[].price: number where the sample has text",
    }
