"""Webhooks as shops really send them: twice, late, in any order, under two secrets; each case of section 3.1 on the whole path."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from books import choose, customer, events, rows_of, sales_order
from shop import BIRTH, Shop, Stage, effects_of, knock, said, still
from stack import running, signed, twins, until

from interlock.cli.twin_world import TwinWorld
from interlock.intake.server import Intake
from interlock.messaging.event import Event
from interlock.messaging.ledger import Filter
from interlock.messaging.sqlite.routing import RoutingWork

EVERYWHERE = ("netsuite", "shipbob", "klaviyo")
DAY_AGO = "2026-01-01T00:00:00Z"


def play(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


async def told(shop: Shop, order: str) -> list[dict[str, Any]]:
    """The attempts of the shop's webhooks about an order."""
    rows = (await shop.command("GET", "deliveries?limit=100000"))["deliveries"]
    return [row for row in rows if row["resource_id"] == order]


def once_each(world: TwinWorld, order: str) -> bool:
    """One create at each system, and nothing after it."""
    found = [effects_of(world, vendor, order) for vendor in EVERYWHERE]
    return found == [["salesOrder.create"], ["order.create"], ["event.create"]]


# -- C01, C02: the same again


async def posted_many_times(stage: Stage) -> int:
    """One signed order at the door twelve times at once, and doubled by the shop itself; how many events were counted."""
    async with stage.play() as (world, hub, shop):
        order = await shop.place_silently()
        body = await shop.present(order)
        same = {"x-shopify-webhook-id": "w", "x-shopify-triggered-at": "2026-11-23T10:00:00Z"}
        answers = await asyncio.gather(*(knock(hub, body, "orders/updated", **same) for _ in range(12)))
        assert set(answers) == {200}
        await still(hub, world)
        counted = await hub.inbox.head()
        assert [kind for kind in effects_of(world, "netsuite", order) if kind.endswith("create")].count(
            "salesOrder.create"
        ) == 1
        assert (await world.arrivals([order]))["duplicates"] == 0
        assert effects_of(world, "shipbob", order) == ["order.create"]
        return counted


def test_same_delivery_many_times_at_once(stage: Stage) -> None:
    """C01: twelve equal deliveries at the same moment are one event and one order in each system."""
    assert asyncio.run(posted_many_times(stage)) == 1


def test_same_delivery_control(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """C01, control: without a key from the signed content each arrival counts; the crosswalk alone still keeps the order single."""
    numbers = iter(range(1_000))
    monkeypatch.setattr(Event, "dedupe_key", property(lambda _event: str(next(numbers))))
    assert asyncio.run(posted_many_times(stage)) == 12


async def two_subscriptions(stage: Stage) -> tuple[int, int, list[str]]:
    """The shop sends orders/create twice, as two subscriptions of it; events counted, webhooks sent, Klaviyo's effects."""
    async with stage.play() as (world, hub, shop):
        await shop.go_wrong("webhook_drop", "orders/paid", "orders/updated")
        await shop.subscribe("orders/create", f"{hub.url}/intake/shopify?path=second")
        order = await shop.place("plain")
        await still(hub, world)
        sent = [row for row in await told(shop, order) if row["state"] == "delivered"]
        assert len({row["webhook_id"] for row in sent}) == 2
        assert len({row["event_id"] for row in sent}) == 1
        assert once_each(world, order)
        return await hub.inbox.head(), len(sent), effects_of(world, "klaviyo", order)


def test_two_subscriptions_of_one_topic(stage: Stage) -> None:
    """C02: the event is sent once per subscription and counts once for each target."""
    counted, sent, _ = asyncio.run(two_subscriptions(stage))
    assert (counted, sent) == (1, 2)


def test_two_subscriptions_control(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """C02, control: keyed by the webhook's id, which differs for each subscription, it counts twice."""
    monkeypatch.setattr(Event, "dedupe_key", property(lambda event: event.webhook_id))
    counted, _, _ = asyncio.run(two_subscriptions(stage))
    assert counted == 2


# -- C03, C04, C05: order and age


def test_paid_before_create(stage: Stage) -> None:
    """C03: orders/paid overtakes orders/create; every system has the order once, as paid."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            await shop.go_wrong("webhook_reorder", "orders/create", "orders/updated", delay_seconds=2.0, count=1)
            order = await shop.place("pending_payment")
            await shop.change(order, "pay")
            await still(hub, world)
            sent = await told(shop, order)
            assert sent[0]["topic"] != "orders/create", "the create came first: nothing was proven"
            assert [kind for kind in effects_of(world, "netsuite", order) if kind.endswith("create")].count(
                "salesOrder.create"
            ) == 1
            assert effects_of(world, "shipbob", order) == ["order.create"]
            assert events(world, order).keys() == {"Placed Order"}
            assert json.loads(await shop.present(order))["financial_status"] == "paid"
            assert (await world.arrivals([order]))["lost"] == 0

    play(story)


ONLY_CREATE = (
    "flows/order-to-wms.toml",
    'trigger = ["orders/create", "orders/updated", "orders/edited", "orders/paid", "orders/cancelled"]',
    'trigger = ["orders/create"]',
)


async def only_paid(stage: Stage) -> list[str]:
    """Of all webhooks orders/paid alone comes, and the warehouse's flow waits for orders/create; what the warehouse did."""
    async with stage.play(ONLY_CREATE) as (world, hub, shop):
        await shop.go_wrong("webhook_drop", "orders/create", "orders/updated")
        order = await shop.place("pending_payment")
        await shop.change(order, "pay")
        await still(hub, world)
        return effects_of(world, "shipbob", order)


def test_paid_without_create(stage: Stage) -> None:
    """C03: an order that is paid was also created: its content proves it, whatever the header says and whichever came."""
    assert asyncio.run(only_paid(stage)) == ["order.create"]


def test_paid_without_create_control(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """C03, control: a hub that believes the topic alone waits for the create, and the order is lost."""
    made = Intake._event

    def by_topic(self: Intake, *knock: Any) -> Event:
        event = made(self, *knock)
        event.facts = (event.topic,)
        return event

    monkeypatch.setattr(Intake, "_event", by_topic)
    assert asyncio.run(only_paid(stage)) == []


async def older_after_newer(stage: Stage) -> bool:
    """An order as it was is sent again after it was edited; whether the ERP still has the edit."""
    async with stage.play() as (world, hub, shop):
        order = await shop.place("plain")
        await still(hub, world)
        before = json.loads(await shop.present(order))
        before["updated_at"] = "2026-01-01T00:00:00-05:00"
        await shop.change(order, "edit", add=[{"sku": "TOTE-01", "quantity": 5}])
        await still(hub, world)
        held = [effects_of(world, vendor, order) for vendor in EVERYWHERE]
        headers = {"x-shopify-event-id": "retried", "x-shopify-triggered-at": "2026-11-23T10:00:00Z"}
        assert await knock(hub, json.dumps(before).encode(), "orders/updated", **headers) == 200
        await still(hub, world)
        found = sales_order(world, f"shopify-{order}")
        assert found is not None
        kept = any((item, quantity) == ("TOTE-01", Decimal(5)) for item, quantity, _ in rows_of(found))
        return kept and held == [effects_of(world, vendor, order) for vendor in EVERYWHERE]


def test_older_than_what_was_applied(stage: Stage) -> None:
    """C04: a retried webhook carries the original payload; it changes nothing at any system."""
    assert asyncio.run(older_after_newer(stage))


def test_older_than_what_was_applied_control(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """C04, control: a hub that believes what came last writes the old order over the new one."""
    monkeypatch.setattr(RoutingWork, "_see", lambda *_rest: "newer")
    begin = "interlock.messaging.sqlite.ledger.SqliteLedger._begin"
    from interlock.messaging.sqlite.ledger import SqliteLedger

    original = SqliteLedger._begin

    def forgetful(self: SqliteLedger, connection: Any, intent: Any) -> Any:
        self._sql = self._sql | {"link_head": "SELECT NULL, NULL WHERE ?1||?2||?3||?4||?5||?6||?7||?8 <> ''"}
        return original(self, connection, intent)

    monkeypatch.setattr(begin, forgetful)
    assert not asyncio.run(older_after_newer(stage))


async def day_old(stage: Stage, triggered: str) -> list[str]:
    """The hub missed everything; then comes the order's first webhook, said to be of `triggered`. The ERP's items."""
    async with stage.play() as (world, hub, shop):
        await shop.go_wrong("webhook_drop", *BIRTH, "orders/edited")
        order = await shop.place("plain")
        first = await shop.present(order)
        await shop.change(order, "edit", add=[{"sku": "TOTE-01", "quantity": 5}])
        assert await knock(hub, first, "orders/create", **{"x-shopify-triggered-at": triggered}) == 200
        await still(hub, world)
        found = sales_order(world, f"shopify-{order}")
        assert found is not None
        return [f"{quantity:g} {item}" for item, quantity, _ in rows_of(found)]


def test_webhook_of_yesterday(stage: Stage) -> None:
    """C05: a webhook that comes a day late is a hint; what is written is the shop's present order, with the later edit."""
    assert "5 TOTE-01" in asyncio.run(day_old(stage, DAY_AGO))


def test_webhook_of_yesterday_control(stage: Stage) -> None:
    """C05, control: the same body, taken for fresh, writes the order as it was."""
    fresh = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    assert "5 TOTE-01" not in asyncio.run(day_old(stage, fresh))


# -- C10, C11: signatures

SPELLINGS: dict[str, Callable[[Any], bytes]] = {
    "utf-8": lambda order: json.dumps(order, ensure_ascii=False).encode(),
    "ascii": lambda order: json.dumps(order).encode(),
    "slashes": lambda order: json.dumps(order, ensure_ascii=False).replace("/", "\\/").encode(),
    "indented": lambda order: json.dumps(order, indent=1, ensure_ascii=False).encode(),
}


def test_signature_is_over_the_raw_bytes(stage: Stage) -> None:
    """C10: four spellings of non-ASCII orders with ids above 2^53 verify and arrive letter by letter; written anew, each is refused."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            for spelling in SPELLINGS.values():
                order = json.loads(await shop.present(await shop.place_silently("big_ids")))
                order |= {"note": "Zoë möchte a/b, 東京 🎁"}
                body = spelling(order)
                assert body != spelling(json.loads(body) | {"x": 1})
                assert await knock(hub, body, "orders/create") == 200
                for name, other in SPELLINGS.items():
                    if other is not spelling:
                        forged = {"x-shopify-hmac-sha256": signed(body, "orders/create")["x-shopify-hmac-sha256"]}
                        assert await knock(hub, other(order), "orders/create", **forged) == 401, name
                await still(hub, world)
                found = sales_order(world, f"shopify-{order['id']}")
                assert found is not None
                assert found["memo"] == order["note"]
            assert await hub.inbox.head() == len(SPELLINGS)

    play(story)


def test_secret_is_rotated(tmp_path: Path) -> None:
    """C11: while both secrets stand in the folder, webhooks of either verify; when the old one is taken out, it opens nothing."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world, running(folder, world) as hub:
            shop = Shop(world)
            rotated = await shop.command("POST", "rotate_secret", {"lag_seconds": 1_200})
            (folder / "secrets/new").write_text(rotated["secret"], "ascii")
            both = '["file:secrets/new", "file:secrets/shopify-client-secret"]'
            choose(folder, ("systems/shopify.toml", '["file:secrets/shopify-client-secret"]', both))
            await hub.reload()
            early = await shop.place("plain")
            await still(hub, world)
            assert time.time() < rotated["switch_at"], "the old secret was to sign the first order"
            await until(lambda: past(rotated["switch_at"]))
            late = await shop.place("plain")
            await still(hub, world)
            arrived = await world.arrivals([early, late])
            assert (arrived["lost"], arrived["duplicates"]) == (0, 0)
            states = {row["status"] for row in (await shop.command("GET", "deliveries"))["deliveries"]}
            assert states == {200}

            choose(folder, ("systems/shopify.toml", both, '["file:secrets/new"]'))
            await hub.reload()
            body = await shop.present(late)
            assert await knock(hub, body, "orders/updated") == 401, "the old secret is still good"
            assert (
                await knock(hub, body, "orders/updated", **signed(body, "", secret=rotated["secret"].encode())) == 200
            )

    play(story)


async def past(moment: float) -> bool:
    return time.time() > moment


def test_secret_rotated_control(tmp_path: Path) -> None:
    """C11, control: a hub that knows one secret refuses what the other signs, so the check sees which are good."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world, running(folder, world) as hub:
            shop = Shop(world)
            await shop.command("POST", "rotate_secret", {"lag_seconds": 0})
            await shop.place("plain")
            await until(lambda: refused(shop))
            assert await hub.inbox.head() == 0

    play(story)


async def refused(shop: Shop) -> bool:
    return 401 in {row["status"] for row in (await shop.command("GET", "deliveries"))["deliveries"]}


# -- C14, C16, C17, C19: what counts as news


@pytest.mark.parametrize("wanted", [False, True])
def test_test_orders_go_where_the_flow_says(stage: Stage, wanted: bool) -> None:
    """C14: a test order reaches no system, and the story says why; with test_orders = true in its flow it reaches the ERP alone."""

    async def story() -> None:
        change = ("flows/order-to-erp.toml", 'object = "order.v1"\n', 'object = "order.v1"\ntest_orders = true\n')
        async with stage.play(*([change] if wanted else [])) as (world, hub, shop):
            order = await shop.place("test_order")
            await still(hub, world)
            assert ("salesOrder.create" in effects_of(world, "netsuite", order)) is wanted
            assert effects_of(world, "shipbob", order) == effects_of(world, "klaviyo", order) == []
            ((state, words),) = await said(hub, order, "shipbob")
            assert (state, "a test order" in words) == ("cancelled", True)

    play(story)


async def there_and_back(stage: Stage) -> str:
    """A subscription with few fields tells of a note that is changed, and changed back; the note that the ERP ends with."""
    async with stage.play() as (world, hub, shop):
        order = await shop.place("plain")
        await still(hub, world)
        await shop.go_wrong("webhook_drop", "orders/updated")
        for number, note in enumerate(("blue", "red", "blue")):
            await shop.change(order, "note", note=note)
            body = json.dumps(
                {"id": int(order), "admin_graphql_api_id": f"gid://shopify/Order/{order}", "note": note}
            ).encode()
            assert await knock(hub, body, "orders/updated", **{"x-shopify-event-id": f"e{number}"}) == 200
            await still(hub, world)
        found = sales_order(world, f"shopify-{order}")
        assert found is not None
        return str(found["memo"])


def test_equal_bodies_of_two_changes(stage: Stage) -> None:
    """C16: fields without updated_at make the first and the third body equal; the third change arrives as well."""
    assert asyncio.run(there_and_back(stage)) == "blue"


def test_equal_bodies_control(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """C16, control: keyed by the content alone the third change is taken for the first, and the ERP keeps the second."""
    monkeypatch.setattr(Event, "dedupe_key", property(lambda event: event.sha256.hex()))
    assert asyncio.run(there_and_back(stage)) == "red"


def test_own_subscriptions_carry_the_version(stage: Stage) -> None:
    """C16: what the hub subscribes itself to comes whole, with updated_at, so that no two changes look alike to the shop either."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            order = await shop.place("plain")
            await shop.change(order, "note", note="twice")
            await still(hub, world)
            rows = hub.inbox.group.connection.execute("SELECT topic, version, complete FROM event").fetchall()
            assert rows
            assert all(version > 0 and complete for _, version, complete in rows)
            webhooks = await world._control("shopify", "GET", "records?kind=webhook", None)
            assert not any(row.get("fields") for row in webhooks)

    play(story)


def test_own_mark_and_a_persons_change(stage: Stage) -> None:
    """C17, C19: a tag, as an integration sets it, is no news to ERP and warehouse; an edit in the same second arrives at once."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            order = await shop.place("plain")
            await still(hub, world)
            held = [effects_of(world, vendor, order) for vendor in EVERYWHERE]
            await shop.change(order, "note", tag="sent to the ERP")
            await still(hub, world)
            assert [effects_of(world, vendor, order) for vendor in EVERYWHERE] == held
            await shop.change(order, "note", tag="seen")
            await shop.change(order, "edit", add=[{"sku": "TOTE-01", "quantity": 5}])
            await still(hub, world)
            found = sales_order(world, f"shopify-{order}")
            assert found is not None
            assert ("TOTE-01", Decimal(5)) in [(item, quantity) for item, quantity, _ in rows_of(found)]
            assert effects_of(world, "netsuite", order).count("salesOrder.update") == 1

    play(story)


# -- C12: long ids


def test_long_ids_keep_every_digit(stage: Stage) -> None:
    """C12: an order id that no float holds reads the same at each system, in the console, its CSV, the command's JSON, and after a replay."""
    from click.testing import CliRunner
    from test_credentials import console_page

    from interlock.cli import main

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            order = await shop.place("big_ids")
            rounded = str(int(float(order)))
            assert int(order) > 2**53
            assert rounded != order, "an id that a float holds proves nothing"
            await still(hub, world)
            await hub.operator.replay(Filter(key=order), by="test", why="again", version="same")
            await still(hub, world)
            assert sales_order(world, f"shopify-{order}") is not None
            assert effects_of(world, "shipbob", order) == ["order.create"]
            assert events(world, order)
            buyer = str(json.loads(await shop.present(order))["customer"]["id"])
            assert customer(world, f"shopify-customer-{buyer}") is not None
            texts = [
                await console_page(hub, path)
                for path in (f"/objects/order/{order}", "/deliveries.csv", f"/search?q={order}")
            ]
            command = ["show", order, "--folder", str(stage.folder), "--json"]
            texts.append((await asyncio.to_thread(CliRunner().invoke, main, command)).output)
            for text in texts:
                assert order in text
                assert rounded not in text

    play(story)
