"""What stops is held alone and goes on when its cause is gone: items nobody mapped, dead letters, poison; by hand from the order's page."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

import books
import pytest
from content import BASE, patch
from stack import post, running, signed, twins, until

from interlock.cli.twin_world import TwinWorld
from interlock.hub import Hub
from interlock.messaging.ledger import Filter
from interlock.messaging.views import DeliveryRow

LISTED = '[netsuite]\nrule = "listed"\n[netsuite.skus]\nMUG = "11"\n[shipbob]\nrule = "sku"\n'
ANY_AGE = ("flows/order-to-marketing.toml", "max_age_hours = 72", "")
SYSTEMS = ("netsuite", "shipbob", "klaviyo")


def order(number: int, **changes: Any) -> bytes:
    """The base order under an id of its own, changed at paths."""
    one = json.loads(json.dumps(BASE))
    one |= {"id": number, "name": f"#{number}", "admin_graphql_api_id": f"gid://shopify/Order/{number}"}
    for path, value in changes.items():
        patch(one, path.replace("__", "."), value)
    return json.dumps(one).encode()


async def send(hub: Hub, *bodies: bytes) -> None:
    for body in bodies:
        assert (await post(f"{hub.url}/intake/shopify", body, signed(body, "orders/create")))[0] == 200


async def rows_of(hub: Hub, key: int) -> dict[str, DeliveryRow]:
    """The deliveries of an order by destination; marketing's first signal."""
    rows = await hub.views.deliveries(Filter(object="order", key=str(key)))
    return {row.destination: row for row in rows if row.signal in ("", "orders/create")}


async def come_to(hub: Hub, key: int, **states: str) -> dict[str, DeliveryRow]:
    """Wait until the order's deliveries are in these states (done where none is named)."""
    wanted = dict.fromkeys(SYSTEMS, "done") | states

    async def there() -> bool:
        return {name: row.state for name, row in (await rows_of(hub, key)).items()} == wanted

    await until(there)
    return await rows_of(hub, key)


@asynccontextmanager
async def restarted(folder: Path, world: TwinWorld, hub: Hub) -> AsyncIterator[Hub]:
    """The hub, ended and started again."""
    await hub.close()
    async with running(folder, world) as again:
        yield again


@asynccontextmanager
async def reloaded(_: Path, __: TwinWorld, hub: Hub) -> AsyncIterator[Hub]:
    """The hub, told to read its folder again."""
    await hub.reload()
    yield hub


@pytest.mark.parametrize("apply", [reloaded, restarted])
def test_an_item_nobody_mapped_holds_its_order_alone_until_it_is_mapped(
    tmp_path: Path, apply: Callable[..., Any]
) -> None:
    """C25, C26: one system waits for one item of one order and says for which; another order passes; when the item is added,
    the order goes on by itself, is written once, and the shop is never asked for it again."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world:
            books.choose(folder, ANY_AGE)
            (folder / "mappings/items.toml").write_text(LISTED, "utf-8")
            hub = Hub(folder, demo=world)
            await hub.open()
            try:
                await hub.serve()
                await hub.subscription_keeper.look()
                await send(hub, order(1), order(2, line_items=BASE["line_items"][:1], **worth("110.00")))
                held = (await come_to(hub, 1, netsuite="waiting"))["netsuite"]
                assert (held.waiting_for, held.code) == ("item:CUP", "MAP010")
                await come_to(hub, 2)
                await hub.reload()
                assert (await come_to(hub, 1, netsuite="waiting"))["netsuite"].waiting_for == "item:CUP"
                asked = requests(world, "shopify")
                (folder / "mappings/items.toml").write_text(LISTED.replace("MUG =", 'CUP = "22"\nMUG ='), "utf-8")
                async with apply(folder, world, hub) as hub_now:
                    await come_to(hub_now, 1)
                    found = books.sales_order(world, "shopify-1")
                    assert found is not None
                    assert [item for item, _, _ in books.rows_of(found)][:2] == ["11", "22"]
                    assert books.effects(world, "netsuite", "shopify-1") == ["salesOrder.create"]
                    subscribing = requests(world, "shopify") - asked
                    assert subscribing == 0 or apply is restarted
            finally:
                if apply is reloaded:
                    await hub.close()

    asyncio.run(story())


def test_a_dead_letter_is_fixed_and_replayed_from_the_page_of_its_order(tmp_path: Path) -> None:
    """C83: the page of the order names the failure and leads to the replay; after the fix in the folder the order arrives; a
    replay of everything afterwards changes nothing that had succeeded, by the vendors' own books."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world:
            without_guests(folder)
            async with running(folder, world) as hub:
                await send(hub, order(1, customer="@null"), order(2))
                dead = (await come_to(hub, 1, netsuite="dead"))["netsuite"]
                assert dead.code == "MAP005"
                await come_to(hub, 2)
                desk = Desk(hub)
                page = await desk.get("/objects/order/1")
                assert "this order (web) has no customer" in page
                assert f"action=replay&amp;ids={dead.id}" in page or f"action=replay&ids={dead.id}" in page

                before = {system: effects(world, system) for system in SYSTEMS}
                await name_guests(folder, hub)
                sheet = await desk.get(f"/bulk?action=replay&ids={dead.id}")
                done = await desk.submit(sheet, "/bulk/replay", why="the guest account is named now", version="current")
                assert "eplay" in done
                await come_to(hub, 1)
                found = books.sales_order(world, "shopify-1")
                assert found is not None and found["entity"]["id"] == "77"
                after = {system: effects(world, system) for system in SYSTEMS}
                assert [after[system] for system in SYSTEMS[1:]] == [before[system] for system in SYSTEMS[1:]]
                assert after["netsuite"][len(before["netsuite"]) :] == [("salesOrder.create", "shopify-1")]

                replay = await hub.operator.replay(Filter(), by="test", why="everything once more", version="current")
                await until(lambda: ended(hub, replay))
                assert {system: effects(world, system) for system in SYSTEMS} == after

    asyncio.run(story())


def test_two_operators_who_press_replay_make_one_run(tmp_path: Path) -> None:
    """C84: both forms are sent at the same moment; each delivery is in one replay only, and is written once."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world:
            without_guests(folder)
            async with running(folder, world) as hub:
                await send(hub, *(order(number, customer="@null") for number in range(1, 6)))
                for number in range(1, 6):
                    await come_to(hub, number, netsuite="dead")
                await name_guests(folder, hub)
                ann, bob = Desk(hub), Desk(hub)
                sheets = [(desk, await desk.get("/bulk?action=replay&state=dead")) for desk in (ann, bob)]
                presses = [desk.submit(sheet, "/bulk/replay", why="named", version="current") for desk, sheet in sheets]
                await asyncio.gather(*presses)
                for number in range(1, 6):
                    await come_to(hub, number)
                    assert books.effects(world, "netsuite", f"shopify-{number}") == ["salesOrder.create"]
                totals = hub.ledger.group.connection.execute("SELECT total FROM replay ORDER BY id").fetchall()
                assert sorted(total for (total,) in totals) in ([5], [0, 5])

    asyncio.run(story())


def test_a_poison_message_stops_nobody_and_is_not_tried_for_ever(tmp_path: Path) -> None:
    """C85: an order whose prices contradict its currency is dead at once and everywhere, with its path and owner; the orders
    around it arrive, and so does the same order when the shop has put it right."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world:
            books.choose(folder, ANY_AGE)
            async with running(folder, world) as hub:
                wrong = {"shop": "100.00 EUR", "presentment": "100.00 EUR"}
                patch(poison := json.loads(order(2)), "line_items[0].price_set", wrong)
                await send(hub, order(1), json.dumps(poison).encode(), order(3))
                dead = await come_to(hub, 2, **dict.fromkeys(SYSTEMS, "dead"))
                assert {(row.code, row.attempts) for row in dead.values()} == {("MAP002", 0)}
                await come_to(hub, 1)
                await come_to(hub, 3)
                letters = hub.ledger.group.connection.execute("SELECT destination, owner FROM dead_letter").fetchall()
                assert dict(letters) == {"netsuite": "finance-systems", "shipbob": "warehouse", "klaviyo": "growth"}
                await send(hub, order(2, updated_at="2026-04-02T10:00:00-04:00"))
                rows = await come_to(hub, 2, klaviyo="dead")
                assert rows["netsuite"].error == ""

    asyncio.run(story())


def without_guests(folder: Path) -> None:
    """A folder that does not say who buys when nobody is named: orders of guests are dead letters."""
    named = re.search(r"^guest_entity = .*$", (folder / "systems/netsuite.toml").read_text("utf-8"), re.MULTILINE)
    assert named is not None
    books.choose(folder, ANY_AGE, ("systems/netsuite.toml", named[0], ""))


async def name_guests(folder: Path, hub: Hub) -> None:
    """The fix, in the folder; the hub reads it again."""
    books.choose(folder, ("systems/netsuite.toml", "[settings]", '[settings]\nguest_entity = "77"'))
    await hub.reload()


def worth(total: str) -> dict[str, str]:
    return {"current_total_price_set": total, "current_subtotal_price_set": "100.00"}


def requests(world: TwinWorld, vendor: str) -> int:
    """How often a vendor was called; its control interface does not count."""
    with urlopen(f"{world.urls[vendor]}/_twin/state", timeout=30) as answer:
        return int(json.loads(answer.read())["requests"])


def effects(world: TwinWorld, vendor: str) -> list[tuple[str, str]]:
    with urlopen(f"{world.urls[vendor]}/_twin/effects", timeout=30) as answer:
        return [(effect["kind"], effect["key"]) for effect in json.loads(answer.read())]


async def ended(hub: Hub, replay: int) -> bool:
    """Every delivery of a replay has its result."""
    query = "SELECT count(*) FROM replay_item WHERE replay = ? AND result = ''"
    return hub.ledger.group.connection.execute(query, (replay,)).get == 0


class Desk:
    """An operator at the console, over HTTP and by forms alone."""

    def __init__(self, hub: Hub) -> None:
        self._url, self._token = hub.url, hub.token
        self._open = build_opener(HTTPCookieProcessor(CookieJar())).open
        self._signed_in = False

    async def get(self, path: str) -> str:
        """The page at a path."""
        if not self._signed_in:
            self._signed_in = True
            await self._ask(f"/?token={self._token}")
        return await self._ask(path)

    async def submit(self, page: str, action: str, **values: str) -> str:
        """Fill the form of a page that goes to `action`, and send it."""
        form = next(form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if f'action="{action}"' in form)
        fields = dict(re.findall(r'<input[^>]*?type="hidden"[^>]*?name="([^"]*)"[^>]*?value="([^"]*)"', form))
        return await self._ask(action, urlencode(fields | values).encode())

    async def _ask(self, path: str, body: bytes | None = None) -> str:
        def call() -> str:
            try:
                request = Request(self._url + path, data=body, headers={"origin": self._url})
                with self._open(request, timeout=30) as answer:
                    return str(answer.read().decode())
            except HTTPError as error:  # a page too: "somebody else was faster"
                with error:
                    return error.read().decode()

        return await asyncio.to_thread(call)
