"""The pages of contracts: every object with who moves it, one contract with every field, its JSON Schema as a file."""

import json
import re

import jsonschema_rs
import msgspec
import pytest

from console.browse import Browser
from console.conftest import Desk
from console.store import strategy
from interlock.canonical import load_contracts
from interlock.console.app import show_strategy
from interlock.strategy.contracts import contracts_of

OWN = """
extends = "order.v1"
[fields]
loyalty_tier = { type = "string", required = false, class = "personal", meaning = "Tier <b>&</b> more", example = "gold" }
old_tier = { type = "string", required = false, deprecated = { since = "2026-11-23", use = "loyalty_tier" }, meaning = "Old tier" }
"""
each_contract = pytest.mark.parametrize("key", sorted(load_contracts()))


@pytest.fixture
def extended(desk: Desk) -> Browser:
    """The console of a folder with fields of its own."""
    show_strategy(desk.app, msgspec.structs.replace(strategy(), objects={"order.v1": OWN}))
    return desk.signed_in()


def words(text: str) -> str:
    """A page's text without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_the_list_says_what_moves_and_by_whom(browser: Browser) -> None:
    """What moves comes first, with the systems that write and read it by the flows; nothing that ships is missing."""
    text = browser.get("/strategy/contracts").text
    assert "inventory_level.v1 and order.v1 move between your systems." in text
    for key in load_contracts():
        assert f'href="/strategy/contracts/{key}"' in text
    moved, _, idle = text.partition("Not moved by any flow yet")
    assert '<a href="/systems#shopify">Shopify</a>' in moved and "Payout" in idle and "nobody" in idle


@each_contract
def test_a_contract_shows_every_field(browser: Browser, key: str) -> None:
    """The page is the documentation: a field that is not on it is not documented."""
    text = browser.get(f"/strategy/contracts/{key}").text
    contract = load_contracts()[key]
    for shape in ("", *contract.objects):
        assert f'id="{shape or "fields"}"' in text
        for name, field in contract.fields_of(shape).items():
            assert f"<code>{name}</code>" in text and words(field.meaning)[:20].replace("'", "&#39;") in text


def test_fields_of_ones_own_are_marked_and_escaped(extended: Browser) -> None:
    """A person sees what ships and what the folder adds; what it wrote is text, not markup."""
    text = extended.get("/strategy/contracts/order.v1").text
    assert "2 of your own" in text and "the contract that ships" in text
    assert "<code>loyalty_tier</code>" in text and "Tier &lt;b&gt;&amp;&lt;/b&gt; more" in text
    assert "<s>old_tier</s>" in text and "deprecated since 2026-11-23, use loyalty_tier" in text
    assert "Your folder adds 2 fields of its own." in extended.get("/strategy/contracts").text


def test_the_schema_is_a_file(extended: Browser) -> None:
    """For validators and other languages: valid 2020-12, with the folder's own fields, under a name that says what it is."""
    answer = extended.get("/strategy/contracts/order.v1/schema.json")
    assert answer.headers["content-disposition"] == 'attachment; filename="order.v1.schema.json"'
    schema = json.loads(answer.text)
    jsonschema_rs.meta.validate(schema)
    assert (
        schema["properties"].keys()
        == contracts_of(msgspec.structs.replace(strategy(), objects={"order.v1": OWN}))["order.v1"].fields.keys()
    )


def test_what_is_not_there_is_said(browser: Browser) -> None:
    """A version that nobody wrote is no empty page."""
    assert browser.get("/strategy/contracts/order.v9").status == 404
    assert browser.get("/strategy/contracts/order.v9/schema.json").status == 404
