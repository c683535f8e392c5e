"""Point-to-point: a customer goes from the shop's document straight to the marketing system's, governed like any flow."""

import asyncio
import json
from pathlib import Path

import pytest
from books import profile
from shop import Stage, knock, still
from stack import until
from test_customer_changes import later, update

from interlock.cli.twin_world import TwinWorld
from interlock.connectors import registry
from interlock.hub import Hub
from interlock.messaging.ledger import Filter
from interlock.strategy import StrategyErrors, load, read_folder

HEAD = """
title = "Customers to marketing, as they are"
source = "shopify"
trigger = ["customers/create", "customers/update"]
object = "customer.v1"
destinations = ["klaviyo"]
pattern = "point-to-point"
rationale = "One small document that has not changed for years; nothing else needs it."
impact = "low"
complexity = "low"
owner = "storefront"
runbook = "marketing-refusals.md"
operation = "profile.upsert"
"""
ROWS = """
[map]
"data.type" = { value = "profile" }
"data.attributes.external_id" = { from = "id", with = "as_text" }
"data.attributes.email" = "email"
"data.attributes.first_name" = { from = "first_name", omit_when_null = true }
"data.attributes.location.city" = { from = "default_address.city", omit_when_null = true }
"""
FLOW = "flows/customer-straight.toml"
KEY = "706405506930370084"  # above 2^53: it must not pass through a float
KEY_2, KEY_3 = "706405506930370085", "706405506930370086"


def with_flow(folder: Path, text: str) -> None:
    (folder / FLOW).write_text(text, "utf-8")


async def state(hub: Hub, key: str) -> tuple[str, str]:
    """State and code of the customer's one delivery."""
    rows = await hub.views.deliveries(Filter(object="customer", key=key))
    return (rows[0].state, rows[0].code) if rows else ("", "")


def mail(world: TwinWorld, key: str = KEY) -> str:
    found = profile(world, key)
    return str(found["email"]) if found else ""


def test_straight_to_marketing(stage: Stage) -> None:
    """A customers/update becomes a profile by the flow's own rows; an older one changes nothing; the story shows the delivery."""

    async def story() -> None:
        with_flow(stage._template, HEAD + ROWS)
        async with stage.play() as (world, hub, _shop):
            assert await knock(hub, update(KEY, "new@example.com", later(10)), "customers/update") == 200
            await still(hub, world)
            assert mail(world) == "new@example.com"
            assert await knock(hub, update(KEY, "old@example.com", later(-600)), "customers/update") == 200
            await still(hub, world)
            assert mail(world) == "new@example.com"
            told = await hub.views.story("customer", KEY)
            assert told is not None
            (delivery,) = told.deliveries
            assert (delivery.flow, delivery.destination, delivery.state) == ("customer-straight", "klaviyo", "done")
            assert [(one.operation, one.verdict) for one in told.attempts] == [("profile.upsert", "done")]
            assert told.attempts[0].reference == f"shopify-customer-{KEY}"

    asyncio.run(story())


def test_a_field_that_vanished_stops_the_document(stage: Stage) -> None:
    """A renamed source field never becomes a silent null: a dead letter names its path, and what marketing has stays."""

    async def story() -> None:
        with_flow(stage._template, HEAD + ROWS)
        async with stage.play() as (world, hub, _shop):
            body = json.loads(update(KEY_2, "new@example.com", later(10)))
            body["email_address"] = body.pop("email")
            assert await knock(hub, json.dumps(body).encode(), "customers/update") == 200
            await until(lambda: _is(hub, KEY_2, "dead"))
            assert await state(hub, KEY_2) == ("dead", "MAP001")
            letters = await hub.views.dead_letters(Filter(object="customer"))
            assert [(one.owner, "$.email" in one.error) for one in letters] == [("storefront", True)]
            assert profile(world, KEY_2) is None

    asyncio.run(story())


async def _is(hub: Hub, key: str, wanted: str) -> bool:
    return (await state(hub, key))[0] == wanted


def test_paused_waits_and_goes_on(stage: Stage) -> None:
    """Governed like any flow: while the folder pauses it the delivery is made and waits; it goes on under the folder that lets it."""

    async def story() -> None:
        with_flow(stage._template, HEAD + "paused = true\n" + ROWS)
        async with stage.play() as (world, hub, _shop):
            assert await knock(hub, update(KEY_3, "new@example.com", later(10)), "customers/update") == 200
            await until(lambda: _is(hub, KEY_3, "waiting"))
            assert profile(world, KEY_3) is None
            with_flow(stage.folder, HEAD + ROWS)
            await hub.reload()
            await still(hub, world)
            assert mail(world, KEY_3) == "new@example.com"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("old", "new", "code", "row", "words"),
    [
        ('with = "as_text"', 'with = "as_txt"', "STR182", '"data.attributes.external_id"', "did you mean 'as_text'?"),
        ('= "email"', '= { form = "email" }', "STR182", '"data.attributes.email"', "did you mean 'from'?"),
        ('"profile.upsert"', '"profile.upset"', "STR181", "operation", 'did you mean "profile.upsert"?'),
        ('["klaviyo"]', '["klaviyo", "netsuite"]', "STR180", "destinations", "write a flow for each"),
    ],
)
def test_a_wrong_row_is_told_with_its_line(tmp_path: Path, old: str, new: str, code: str, row: str, words: str) -> None:
    """What cannot work is found before anything runs: file, line, and the nearest name that exists."""
    from interlock.strategy.starter import write_starter

    values = {"shopify_url": "https://a.myshopify.com", "netsuite_url": "https://1.suitetalk.api.netsuite.com"}
    more = {"shipbob_url": "https://api.shipbob.com", "klaviyo_url": "https://a.klaviyo.com", "shipbob_channel_id": "1"}
    write_starter(tmp_path, {**values, **more, "environment": "staging", "title": "Acme"})
    text = (HEAD + ROWS).replace(old, new, 1)
    with_flow(tmp_path, text)
    with pytest.raises(StrategyErrors) as raised:
        load(read_folder(tmp_path), connectors=registry.facts())
    (finding,) = [one for one in raised.value.findings if one.severity == "error"]
    line = next(at for at, line in enumerate(text.splitlines(), start=1) if line.startswith(row))
    assert (finding.code, finding.file, finding.line) == (code, FLOW, line)
    assert words in finding.next_move
