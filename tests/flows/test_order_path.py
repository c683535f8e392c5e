"""One order, three systems: the whole path over real HTTP, judged by the vendors' own effect ledgers."""

import asyncio
import json
from pathlib import Path

from shop import still
from stack import post, running, signed, twins, until

from interlock.messaging.ledger import Filter

SAMPLES = Path(__file__).parent.parent / "fixtures" / "shopify"


def test_orders_reach_three_systems_once_and_an_outage_of_one_stops_no_other(tmp_path: Path) -> None:
    """The main job: every order in three systems once; NetSuite down, the others flow; repaired and replayed, nothing twice."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world, running(folder, world) as hub:
            ids = [order["id"] for order in await world.place(14)]
            await still(hub, world)
            arrived = await world.arrivals(ids)
            assert arrived == {"delivered": {"netsuite": 14, "shipbob": 14, "klaviyo": 14}, "lost": 0, "duplicates": 0}

            await world.break_system("netsuite", "503")
            late = [order["id"] for order in await world.place(20)]
            chosen = Filter(destination="netsuite", states=("retrying", "uncertain", "dead", "pending"))

            async def only_netsuite_lacks_them() -> bool:
                found = (await world.arrivals(late))["delivered"]
                stopped = hub.dispatcher.outlets["netsuite"].breaker.state != "closed"
                return stopped and found == {"netsuite": 0, "shipbob": 20, "klaviyo": 20} and (await hub.operator.preview(chosen)).count == 20

            await until(only_netsuite_lacks_them)

            await world.repair_system("netsuite")
            await hub.operator.replay(chosen, by="test", why="NetSuite is back", version="same")
            await still(hub, world)
            await hub.operator.replay(Filter(), by="test", why="replay of all that was delivered", version="same")
            await still(hub, world)
            arrived = await world.arrivals([*ids, *late])
            assert arrived == {"delivered": {"netsuite": 34, "shipbob": 34, "klaviyo": 34}, "lost": 0, "duplicates": 0}

    asyncio.run(story())


def test_published_samples_are_taken_as_they_are_and_all_else_is_refused_with_a_reason(tmp_path: Path) -> None:
    """C01, C10, C11, C14: the published order is verified, stored once, and as a test order goes nowhere; forgeries are not stored."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world, running(folder, world) as hub:
            url = f"{hub.url}/intake/shopify"
            body = (SAMPLES / "webhook.orders.create.json").read_bytes()
            before = await hub.inbox.head()
            answers = await asyncio.gather(*(post(url, body, signed(body, "orders/create")) for _ in range(5)))
            assert [status for status, _ in answers] == [200] * 5
            assert await hub.inbox.head() == before + 1
            await still(hub, world)
            rows = await hub.views.deliveries(Filter(object="order", key="820982911946154508"))
            assert {(row.state, row.reason) for row in rows} == {("cancelled", "filtered")}

            refused = {
                401: (body, signed(body, "orders/create", secret=b"another")),
                400: (b"not json", signed(b"not json", "orders/create")),
                413: (b" " * 5_000_001, signed(b" " * 5_000_001, "orders/create")),
            }
            for wanted, (sent, headers) in refused.items():
                status, problem = await post(url, sent, headers)
                assert (status, problem["status"]) == (wanted, wanted)
                assert problem["code"].startswith("INT")
            deep = b'{"id":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
            assert (await post(url, deep, signed(deep, "orders/create")))[0] == 400
            again = json.dumps(json.loads(body)).encode()
            assert (await post(url, again, signed(body, "orders/create")))[0] == 401
            assert await hub.inbox.head() == before + 1

    asyncio.run(story())
