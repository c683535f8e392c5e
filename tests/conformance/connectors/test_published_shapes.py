"""What the stock connectors say to their twins, and what the twins answer, is what the vendors publish: neither side was only
made to fit the other. Shopify is not among them: its twin executes Shopify's own schema."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from published import FACTS, Exchange, Published, Wire, published
from vendor_cases import Twin, cases, host_of

from interlock.clock import SystemClock
from interlock.connectors import registry
from interlock.connectors.contract import Connection, Retry, stock

ROOT = Path(__file__).parents[3]
SECONDS = 10.0
OFFERS = {"stock_source": "stock_source", "stock_channel": "stock_channel", "orders": "source"}
Opened = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """Everything that one vendor's connector can ask, once."""

    vendor: str
    config: dict[str, Any]
    credentials: dict[str, str]
    tell: Callable[[Opened, Twin], Awaitable[None]]
    settings: dict[str, Any] = field(default_factory=dict)
    offers: tuple[str, ...] = ("stock_source",)


async def to_the_end(ask: Callable[[str], Awaitable[Any]]) -> Any:
    """All pages; the last one."""
    after = ""
    while True:
        page = await ask(after)
        assert not isinstance(page, Retry), page
        if not getattr(page, "after", ""):
            return page
        after = page.after


async def source_story(opened: Opened, _: Twin) -> None:
    """All items, all levels, what changed, and some items; one of them is not there."""
    source = opened["stock_source"]
    await to_the_end(lambda after: source.items(after, timeout_seconds=SECONDS))
    last = await to_the_end(lambda after: source.levels(after, timeout_seconds=SECONDS))
    await to_the_end(lambda after: source.changed(last.cursor, after, timeout_seconds=SECONDS))
    assert await source.read(["1", "2", "999999"], timeout_seconds=SECONDS)


async def moved_story(opened: Opened, twin: Twin) -> None:
    """The same when an order holds a piece, one has left, some came, and some are set aside."""
    source = opened["stock_source"]
    last = await to_the_end(lambda after: source.levels(after, timeout_seconds=SECONDS))
    for change in ({"adjust": -2}, {"receive": 5}, {"exception": 1}):
        twin.call("POST", "/_twin/stock/S1", change)
    await to_the_end(lambda after: source.changed(last.cursor, after, timeout_seconds=SECONDS))
    await source_story(opened, twin)


async def square_story(opened: Opened, twin: Twin) -> None:
    """As a source, and as a channel: counts and adjustments, a line that is refused, a write again, sales and an order."""
    await source_story(opened | {"stock_source": _Named(opened["stock_source"], twin)}, twin)
    channel = opened["stock_channel"]
    await to_the_end(lambda after: channel.listing(after, timeout_seconds=SECONDS))
    rows = twin.call("GET", "/_twin/counts")["counts"]
    places = [stock.Place(row["catalog_object_id"], row["location_id"]) for row in rows]
    shown = await channel.read(places, timeout_seconds=SECONDS)
    lines = [_line(place, 7) for place in (*places, stock.Place("NOWHERE", "L1"))]
    lines += [_line(places[0], 3, shown[0].quantity)]
    twin.fail(kind="reset_after", count=1, match={"path": "/changes/batch-create"})
    for part in (lines[:1], lines[:1], lines[1:3], lines[-1:]):
        await channel.write(part, key=f"key-{len(part)}-{part[0].quantity}", timeout_seconds=SECONDS)
    sold = twin.call("POST", "/_twin/sell", {"lines": [{"sku": "S1"}], "location": "L1", "source": "api", "paid": True})
    back = twin.call("POST", f"/_twin/orders/{sold['id']}/return", {})
    for state in ("complete", "cancel"):
        asked = {"lines": [{"sku": "S2"}], "location": "L1", "state": "OPEN", "source": "api"}
        twin.call("POST", f"/_twin/orders/{twin.call('POST', '/_twin/sell', asked)['id']}/{state}", {})
    await to_the_end(lambda after: channel.sales("", after, timeout_seconds=SECONDS))
    for key in (sold["id"], back["id"], "NO-SUCH-ORDER"):
        await opened["orders"].read("order", key, timeout_seconds=SECONDS)


class _Named:
    """A source that is asked for items by SKUs of this suite, which Square knows by ids of its own."""

    def __init__(self, source: Any, twin: Twin) -> None:
        self._source = source
        self._ids = [row["catalog_object_id"] for row in twin.call("GET", "/_twin/counts")["counts"]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def read(self, items: list[str], *, timeout_seconds: float) -> Any:
        return await self._source.read([*self._ids, *items], timeout_seconds=timeout_seconds)


async def amazon_story(opened: Opened, twin: Twin) -> None:
    """Listings, patches that are accepted and refused, a feed with its report, one that is taken back, and sales."""
    channel = opened["stock_channel"]
    await to_the_end(lambda after: channel.items(after, timeout_seconds=SECONDS))
    await to_the_end(lambda after: channel.listing(after, timeout_seconds=SECONDS))
    places = [stock.Place(sku, "DEFAULT") for sku in ("S1", "S/2", "S,3", "NOWHERE")]
    await channel.read(places, timeout_seconds=SECONDS)
    for place in places:
        await channel.write([_line(place, 4)], key=f"one-{place.item}", timeout_seconds=SECONDS, first=True)
    await _fed(channel, [_line(place, 5) for place in places])
    twin.call("POST", "/_twin/delays", {"feed_queue_seconds": 60})  # longer than we wait: it is taken back
    await _fed(channel, [_line(place, 6) for place in places])
    for status in ("UNSHIPPED", "PENDING", "UNSHIPPED"):
        sold = twin.call("POST", "/_twin/sales", {"sku": "S1", "quantity": 1, "status": status})
    twin.call("POST", f"/_twin/orders/{sold['orderId']}/cancel")
    await to_the_end(lambda after: channel.sales("", after, timeout_seconds=SECONDS))


async def _fed(channel: Any, lines: list[stock.Line]) -> None:
    said = await channel.write(lines, key=f"feed-{lines[0].quantity}", timeout_seconds=SECONDS, first=True)
    while isinstance(said, stock.Underway | Retry):
        assert isinstance(said, stock.Underway), said
        await asyncio.sleep(min(said.again_seconds, 0.02))
        said = await channel.look(said.receipt, lines, timeout_seconds=SECONDS)


def _line(place: stock.Place, quantity: int, change_from: int | None = None) -> stock.Line:
    return stock.Line(place=place, quantity=quantity, change_from=change_from, reference="published")


def stories() -> tuple[Story, ...]:
    known = {case.vendor: case for case in cases()}
    shipbob, netsuite = known["shipbob"], known["netsuite"]
    products = [{"reference_id": f"S{n}", "id": n, "barcode": f"00{n}", "on_hand": 9} for n in range(1, 300)]
    items = [{"id": str(n), "externalId": f"S{n}", "itemId": f"S{n}", "upcCode": f"00{n}"} for n in range(1, 4)]
    return (
        Story(
            "shipbob", shipbob.config | {"products": products}, shipbob.credentials, moved_story,
            shipbob.settings | {"levels_lag_seconds": 0},
        ),
        Story("netsuite", netsuite.config | {"items": items}, netsuite.credentials, source_story),
        Story(
            "square",
            {
                "locations": ["L1", "L2"], "rate_per_second": 0, "items": ["S1", "S2", {"sku": "S3", "stockable": False}],
                "counts": {"S1": {"L1": 5, "L2": 5}, "S2": {"L1": 5}},
                "clients": [{"client_id": "app", "client_secret": "secret", "refresh_token": "refresh"}],
            },
            {"client_id": "app", "client_secret": "secret", "refresh_token": "refresh"},
            square_story, {"shop": "TWINMERCHANT1"}, ("stock_source", "stock_channel", "orders"),
        ),
        Story(
            "amazon",
            {
                "usage_plans": "off", "orders_settled_seconds": 0,
                "items": [{"sku": sku, "quantity": 50} for sku in ("S1", "S/2", "S,3", *(f"T{n}" for n in range(30)))],
            },
            {
                "client_id": "amzn1.application-oa2-client.twin", "client_secret": "amzn1.oa2-cs.v1.twin",
                "refresh_token": "Atzr|twin",
            },
            amazon_story,
            {
                "seller_id": "A2TWINSELLER", "marketplace_id": "ATVPDKIKX0DER", "token_url": "/auth/o2/token",
                "feed_from_lines": 3, "feed_look_seconds": 0.01, "feed_patience_seconds": 0.2,
            },
            ("stock_channel",),
        ),
    )  # fmt: skip


async def recorded(story: Story, twin: Twin) -> list[Exchange]:
    """The traffic of a story, and of one question with wrong credentials."""
    http = Wire([host_of(twin.url)])

    def opened(credentials: dict[str, str]) -> Opened:
        connection = Connection(
            system="shop", url=twin.url, settings=story.settings, credentials=credentials, builders={}, http=http,
            clock=SystemClock(),
        )  # fmt: skip
        return {name: registry.open_offer(story.vendor, OFFERS[name], connection) for name in story.offers}

    try:
        await story.tell(opened(story.credentials), twin)
        stranger = opened(dict.fromkeys(story.credentials, "another"))
        await stranger[story.offers[0]].items("", timeout_seconds=SECONDS)
    finally:
        await http.close()
    return http.exchanges


@dataclass(frozen=True)
class Told:
    """A story with its traffic, and the facts that it is held against."""

    story: Story
    twin: Twin
    exchanges: list[Exchange]

    @property
    def facts(self) -> Published:
        found = published(self.story.vendor)
        assert found is not None
        return found


TOLD: dict[str, Told] = {}
"""By vendor: each story is told once, for all tests."""


@pytest.fixture(params=stories(), ids=lambda one: one.vendor)
def told(request: pytest.FixtureRequest, twins: Any) -> Told:
    story: Story = request.param
    if story.vendor not in TOLD:
        twin = twins.started(story.vendor, story.config, "published")
        TOLD[story.vendor] = Told(story, twin, asyncio.run(recorded(story, twin)))
    return TOLD[story.vendor]


def test_all_that_is_said_is_published(told: Told) -> None:
    """Paths, parameters, headers, bodies and statuses, both ways; and the story makes every call that is written down."""
    facts = told.facts
    assert facts.departures(told.exchanges) == []
    assert facts.called == facts.calls


def test_what_is_not_published_is_found(told: Told) -> None:
    """Control: invent a member, a parameter, a path or a status, or leave out what an answer must have."""
    facts = told.facts
    for broken in (_invented_member, _invented_parameter, _invented_path, _invented_status, _wrong_type):
        exchange = next(one for one in map(broken, told.exchanges) if one is not None)
        assert facts.departures([exchange]), broken.__name__
    needed = [one for one in map(_without_what_is_required, told.exchanges) if one is not None]
    assert told.story.vendor == "shipbob" or any(facts.departures([one]) for one in needed)  # ShipBob requires nothing


def _json(body: bytes | None) -> Any:
    try:
        return json.loads(body or b"")
    except ValueError:
        return None


def _invented_member(one: Exchange) -> Exchange | None:
    body = _json(one.body)
    return replace(one, body=json.dumps(body | {"invented": 1}).encode()) if isinstance(body, dict) else None


def _invented_parameter(one: Exchange) -> Exchange | None:
    return replace(one, url=one.url + ("&" if "?" in one.url else "?") + "invented=1")


def _invented_path(one: Exchange) -> Exchange | None:
    return replace(one, url=one.url.partition("?")[0] + "/invented")


def _invented_status(one: Exchange) -> Exchange | None:
    return replace(one, answer=msgspec.structs.replace(one.answer, status=299))


def _wrong_type(one: Exchange) -> Exchange | None:
    """The first member of a success that is no text or number becomes one."""
    answer = _json(one.answer.body)
    if not (isinstance(answer, dict) and one.answer.status < 300 and answer):
        return None
    name = next((name for name, value in answer.items() if isinstance(value, list | dict)), next(iter(answer)))
    return replace(one, answer=msgspec.structs.replace(one.answer, body=json.dumps(answer | {name: 1.5}).encode()))


def _without_what_is_required(one: Exchange) -> Exchange | None:
    answer = _json(one.answer.body)
    if not (isinstance(answer, dict) and answer):
        return None
    kept = dict(list(answer.items())[1:])
    return replace(one, answer=msgspec.structs.replace(one.answer, body=json.dumps(kept).encode()))


def test_webhooks_are_as_published(twins: Any) -> None:
    """What Square's twin sends to a hub, of counts and of orders of the API."""
    topics = ["inventory.count.updated", "order.created", "order.updated"]
    hook = {"notification_url": "http://127.0.0.1:9/", "event_types": topics}
    twin = twins.started("square", next(one.config for one in stories() if one.vendor == "square"), "published")
    twin.call("POST", "/_twin/webhooks", hook)
    sold = twin.call("POST", "/_twin/sell", {"lines": [{"sku": "S2"}], "state": "OPEN", "source": "api"})
    twin.call("POST", f"/_twin/orders/{sold['id']}/complete", {})
    sent = {row["type"]: row["body"] for row in twin.call("GET", "/_twin/records?kind=_delivery")}
    facts = published("square")
    assert facts is not None and sorted(sent) == topics
    assert [words for topic, body in sent.items() for words in facts.webhook(topic, body.encode())] == []
    event = json.loads(sent["order.updated"])
    event["data"]["object"]["order_updated"]["line_items"] = []
    assert facts.webhook("order.updated", json.dumps(event).encode())  # control: an event that tells the lines


SAMPLES = [
    ("square", "webhook.inventory.count.updated.json", "inventory.count.updated"),
    ("square", "webhook.order.created.json", "order.created"),
    ("square", "webhook.order.updated.json", "order.updated"),
    ("amazon", "notification.OrderChangeNotification.json", "ORDER_CHANGE"),
]


@pytest.mark.parametrize(("vendor", "file", "topic"), SAMPLES, ids=lambda text: text)
def test_the_facts_hold_for_published_samples(vendor: str, file: str, topic: str) -> None:
    """The vendor's own example is no departure, or the facts would forbid what is allowed."""
    facts = published(vendor)
    assert facts is not None
    sample = ROOT / "src" / "interlock" / "connectors" / vendor / "fixtures" / file
    assert facts.webhook(topic, sample.read_bytes()) == []


def test_facts_are_compared_with_the_vendors_file(tmp_path: Path) -> None:
    """scripts/published-shapes says what a new version of a vendor's file changed; control: without a change, nothing."""
    model = {
        "definitions": {
            "Thing": {
                "properties": {"name": {"type": "string", "maxLength": 9}, "kind": {"type": "string", "enum": ["A"]}},
                "required": ["name"],
            }
        }
    }
    (tmp_path / "model.json").write_text(json.dumps(model))

    def said(name: str, kind: str) -> tuple[int, str]:
        facts = f'[shapes.Thing]\nname = "{name}"\nkind = "{kind}"\n'
        (tmp_path / "facts.toml").write_text(facts)
        command = [sys.executable, ROOT / "scripts" / "published-shapes", "facts.toml", "model.json"]
        found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return found.returncode, found.stdout

    assert said("required string, 0..9", "one of A")[0] == 0
    code, words = said("string, 0..8", "one of A B")
    assert code == 1
    assert "Thing.name: required" in words and "bounds" in words and "does not allow B" in words


def test_every_file_of_facts_names_its_source() -> None:
    """A fact without its source and the day it was read cannot be looked up again."""
    for file in FACTS.glob("*.toml"):
        assert "read 20" in file.read_text("utf-8").partition("source = ")[2].partition("\n")[0], file.name
