"""Fault case 9: the body is signed, the headers are not: whoever has seen one webhook can send it again under any labels."""

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from engine import Engine, FakeSource
from experiment import Experiment

sys.path.insert(0, str(Path(__file__).parent.parent / "unit" / "intake"))
from door import PREFIXES, Entrance, Raw, a_door, order, signed

from interlock.console.pages.objects import _received
from interlock.messaging.delivery import Want
from interlock.messaging.event import Event
from interlock.messaging.outcome import Refused
from interlock.messaging.sqlite.views import SqliteViews

SHOPS = {"shop-a": "a.myshopify.com", "shop-b": "b.myshopify.com"}
ERP = {"shop-a": "erp", "shop-b": "erp_b"}
ORDERS = 20
VERSION = 1_782_907_200_000_000
"""The `updated_at` of these orders, in microseconds."""
CHANGES = {
    "event_id": ("other-event-id", lambda n: f"forged-{n}"),
    "webhook_id": ("other-webhook-id", lambda n: f"forged-{n}"),
    "topic": (
        "other-topic",
        lambda n: ("orders/cancelled", "orders/updated", "products/delete", "app/uninstalled", "refunds/create")[n % 5],
    ),
    "triggered_at": ("other-time", lambda n: f"2027-0{n % 9 + 1}-01T00:00:00Z"),
    "api_version": ("other-api-version", lambda n: "2031-01"),
}
"""A claim, the flag that tells that it differs, and what a forger writes there."""


class Replay(NamedTuple):
    """One forged request: where it goes, what it claims, and which flags it must leave when it is let in."""

    door: str
    body: bytes
    headers: Raw
    flags: set[str]


class EmptyShop(FakeSource):
    """The other shop: it never had these orders."""

    async def read(self, object_name: str, key: str, *, timeout_seconds: float) -> Refused:
        return Refused(reason="gone", code="404", message="the shop has no such order", status=404)


def genuine(number: int) -> bytes:
    return order(number, version=VERSION, value="new")


def forged(chance: random.Random, number: int) -> Replay:
    """A genuine body under new labels, at its own door or at that of the other shop."""
    changed = chance.sample(sorted(CHANGES), chance.randint(1, len(CHANGES)))
    claims = {name: CHANGES[name][1](number) for name in changed}
    door = chance.choice(["shop-a", "shop-a", "shop-b"])
    shop = chance.choice([SHOPS[door], SHOPS[door], *SHOPS.values(), "evil.myshopify.com"])
    body = genuine(chance.randint(1, ORDERS))
    headers = signed(body, chance.choice(list(PREFIXES)), shop_domain=shop, **claims)
    return Replay(door, body, headers, {CHANGES[name][0] for name in changed})


def two_shops(engine: Engine) -> None:
    """Each shop has an ERP of its own; the ERP of shop B must hear nothing of shop A's orders."""
    sources = {"shop-a": engine.source, "shop-b": EmptyShop()}
    engine.release.source = sources.__getitem__  # type: ignore[method-assign,assignment]
    engine.release.wants = lambda event: (Want(flow=f"to-{ERP[event.system]}", destination=ERP[event.system]),)  # type: ignore[method-assign]


async def replayed(folder: Path, replays: list[Replay], *, shares_secret: bool) -> dict[str, Any]:
    """Deliver the genuine orders, then the replays; count effects, answers and flags."""
    async with Engine(folder, systems=("erp", "erp_b")) as engine:
        two_shops(engine)
        secrets = {"shop-a": (b"hush",), "shop-b": (b"hush" if shares_secret else b"another",)}
        doors = [
            a_door(name, shop=shop, secrets=secrets[name], shares_secret=shares_secret) for name, shop in SHOPS.items()
        ]
        async with Entrance(folder, *doors, inbox=engine.inbox, clock=engine.clock) as entrance:
            for number in range(1, ORDERS + 1):
                engine.source.present[str(number)] = genuine(number)
                headers = signed(genuine(number), shop_domain=SHOPS["shop-a"])
                assert (await entrance.knock(genuine(number), headers, system="shop-a")).status == 200
            await drained(engine)
            before = len(engine.erp.calls)
            flagged, answers = 0, Counter[int]()
            for replay in replays:
                answer = await entrance.knock(replay.body, replay.headers, system=replay.door)
                answers[answer.status] += 1
                flagged += answer.status == 401 or was_flagged(engine, replay)
            await drained(engine)
            return {
                "effects": len(engine.erp.records), "extra": len(engine.erp.calls) - before, "duplicates": engine.erp.duplicates,
                "other_shop": len(engine.systems["erp_b"].calls), "flagged": flagged, "answers": dict(answers),
                "refused": sum(entrance.intake.refused.values()),
            }  # fmt: skip


def was_flagged(engine: Engine, replay: Replay) -> bool:
    """A sighting that names exactly what differs, or an event whose shop is not proven."""
    newest = engine.inbox.group.connection.execute("SELECT flags FROM sighting ORDER BY rowid DESC LIMIT 1").fetchone()
    if newest is not None and replay.flags <= set(newest[0].split()):
        return True
    event = engine.inbox.group.connection.execute(
        "SELECT system, flags FROM event ORDER BY position DESC LIMIT 1"
    ).fetchone()
    return event is not None and event[0] == replay.door and "shop-unproven" in event[1].split()


async def drained(engine: Engine) -> None:
    """Route and deliver what is there."""
    while await engine.router.step():
        pass
    await engine.run(30)


def naive(replays: list[Replay]) -> tuple[int, int]:
    """Control: what is often built: known by the event id, and sorted by the shop and topic that the headers name."""
    seen: set[str] = set()
    extra = other_shop = 0
    for replay in replays:
        claims = {name.removeprefix("x-").removeprefix("shopify-"): value for name, value in replay.headers}
        if claims["event-id"] != "e-1" and claims["event-id"] not in seen:
            seen.add(claims["event-id"])
            extra += 1
            other_shop += claims["shop-domain"] != SHOPS["shop-a"]
    return extra, other_shop


@pytest.mark.parametrize("shares_secret", [False, True], ids=["a secret each", "one secret for both"])
def test_new_labels_on_a_signed_body(tmp_path: Path, capsys: pytest.CaptureFixture[str], shares_secret: bool) -> None:
    """Case 9: a thousand replays under new labels: no extra effect, no write for another shop, each flagged or refused."""
    run = Experiment("9", suite=1_000, table=1_000, capsys=capsys)
    replays = [forged(run.chance, number) for number in range(run.size)]
    found = asyncio.run(replayed(tmp_path, replays, shares_secret=shares_secret))
    extra, other_shop = naive(replays)
    run.report(
        faults=len(replays), trials=len(replays), shares_secret=shares_secret, **found,
        control=f"by event id and shop header: {extra} extra effects, {other_shop} of them for another shop",
    )  # fmt: skip
    assert (found["effects"], found["extra"], found["duplicates"], found["other_shop"]) == (ORDERS, 0, 0, 0)
    assert found["flagged"] == run.size
    assert found["refused"] == found["answers"][401]
    assert extra > 100
    assert other_shop > 50


def test_the_story_of_the_order_tells_of_it(tmp_path: Path) -> None:
    """Case 9: an operator who looks at the order sees that it came again, and what was different; a plain repeat is no alarm."""

    async def story() -> tuple[str, str]:
        async with Engine(tmp_path) as engine, Entrance(tmp_path, inbox=engine.inbox, clock=engine.clock) as entrance:
            for number, claims in ((1, {}), (1, {"event_id": "x", "topic": "orders/cancelled"}), (2, {}), (2, {})):
                assert (await entrance.knock(genuine(number), signed(genuine(number), **claims))).status == 200
            await drained(engine)
            views = SqliteViews(tmp_path / "ledger.db", tmp_path / "inbox.db")
            try:
                stories = [await views.story("order", key) for key in ("1", "2")]
            finally:
                views.close()
            nowhere = SimpleNamespace(systems={})
            first, second = (_received(nowhere, told.events[0]).detail for told in stories if told is not None)  # type: ignore[arg-type]
            return first, second

    relabelled, repeated = asyncio.run(story())
    assert "seen 2 times" in relabelled
    assert "seen again with other-event-id, other-topic" in relabelled
    assert "seen 2 times" in repeated
    assert "seen again with" not in repeated


def test_a_topic_alone_starts_nothing(tmp_path: Path) -> None:
    """Case 9: a body that proves nothing is what its topic says, which nobody signed: kept, flagged, and no flow wants it."""

    async def story() -> None:
        async with Entrance(tmp_path) as entrance:
            body = b'{"id": 7}'
            for topic in ("orders/create", "products/update", "customers/delete"):
                assert (await entrance.knock(body, signed(body, topic=topic))).status == 200
            events: list[Event] = await entrance.inbox.read(0, 10)
            assert {(event.object, event.facts, event.flags) for event in events} == {
                (name, (), ("topic-unproven",)) for name in ("order", "product", "customer")
            }

    asyncio.run(story())
