"""A middleware flow over real HTTP: the example of docs/guides/processes.md, with the four twins; nothing is left half done."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from books import records, sales_order
from content import BASE, patch
from shop import Stage, knock
from stack import until

from interlock.cli.twin_world import TwinWorld
from interlock.hub import Hub
from interlock.messaging.ledger import Filter

EXAMPLE = Path(__file__).parents[2] / "docs/guides/examples/order-process.toml"
REFUSED = {
    "kind": "status", "status": 400, "match": {"method": "PUT", "path": "/salesOrder/"},
    "body": {
        "title": "Bad Request", "status": 400,
        "o:errorDetails": [{"detail": "Error while accessing a resource. The period is closed.", "o:errorCode": "USER_ERROR"}],
    },
}  # fmt: skip


NO_CUPS = {
    "line_items[1].current_quantity": 0, "current_total_price": "110.00", "current_total_price_set": "110.00",
    "current_subtotal_price": "100.00", "current_subtotal_price_set": "100.00",
}  # fmt: skip


def set_up(folder: Path) -> None:
    """The process in place of the two flows that it replaces; cups come from another maker than mugs."""
    text = EXAMPLE.read_text("utf-8").replace('CUP = "Kiln & Co"', 'CUP = "steam"')
    (folder / "flows/order-process.toml").write_text(text, "utf-8")
    for replaced in ("order-to-erp", "order-to-wms"):
        (folder / f"flows/{replaced}.toml").unlink(missing_ok=True)
    alerts = folder / "slos.toml"
    alerts.write_text(alerts.read_text("utf-8").replace('"order-to-erp", "order-to-wms"', '"order-process"'), "utf-8")


@asynccontextmanager
async def example(stage: Stage) -> AsyncIterator[tuple[TwinWorld, Hub]]:
    """A hub that runs it."""
    set_up(stage._template)
    async with stage.play() as (world, hub, _shop):
        yield world, hub


def order(number: int, minute: int = 0, **changes: Any) -> bytes:
    """The base order (a mug and two cups, 150.00) under an id of its own, as it was at some minute."""
    one = json.loads(json.dumps(BASE))
    one |= {"id": number, "name": f"#{number}", "admin_graphql_api_id": f"gid://shopify/Order/{number}"}
    one["updated_at"] = f"2026-03-02T10:{15 + minute:02d}:01-05:00"
    one["customer"]["id"] = number + 7_000_000
    for path, value in changes.items():
        patch(one, path, value)
    return json.dumps(one).encode()


async def bring(hub: Hub, body: bytes, state: str = "done", topic: str = "orders/updated") -> None:
    """Post it, and wait until its process is in that state for this version of it."""
    assert await knock(hub, body, topic) == 200
    key = str(json.loads(body)["id"])

    async def there() -> bool:
        found = hub.ledger.group.connection.execute(
            "SELECT p.state, (SELECT o.version FROM object o WHERE o.key = d.key AND o.object = d.object) = p.version, d.state "
            "FROM process p JOIN delivery d ON d.id = p.delivery WHERE d.key = ?", (key,)
        ).fetchone()  # fmt: skip
        settled = {"done": "done", "compensated": "dead", "stopped": "waiting"}
        return found == (state, 1, settled[state])

    await until(there)


def parcels(world: TwinWorld, number: int) -> list[tuple[str, str]]:
    """SKUs and status of each parcel of an order, in the order in which they were made."""
    mine = [one for one in records(world, "shipbob", "order") if one["reference_id"].startswith(f"shopify-{number}-")]
    return [(" ".join(product["sku"] for product in one["products"]), one["status"]) for one in mine]


def test_looked_up_split_shipped_and_booked(stage: Stage) -> None:
    """Two makers make two parcels, with their own lines; the whole is booked once, with what the ERP said of the customer."""

    async def story() -> None:
        async with example(stage) as (world, hub):
            number = 5_300_000_002_001
            await put_customer(hub, number, entityId="CUST-42")
            await bring(hub, order(number), topic="orders/create")
            assert sorted(parcels(world, number)) == [("CUP", "Processing"), ("MUG", "Processing")]
            booked = sales_order(world, f"shopify-{number}")
            assert booked is not None
            assert (booked["memo"], booked["total"]) == ("account CUST-42", Decimal(150))
            rows = await hub.views.deliveries(Filter(object="order", key=str(number), flow="order-process"))
            signals = {row.signal.partition("/")[0] for row in rows}
            assert signals == {"", "step:ship", "step:book"}
            told = await asyncio.to_thread(said, stage, "show", f"{number}")
            assert [line for line in told if "process order-process" in line] == [
                "done       process order-process: done"
            ]
            assert any("done       ship (steam): write at shipbob" in line for line in told)
            # A newer state with the cups gone: their parcel is cancelled, the mug's stays, the book follows.
            await bring(hub, order(number, 5, **NO_CUPS))
            assert sorted(parcels(world, number)) == [("CUP", "Cancelled"), ("MUG", "Processing")]

    asyncio.run(story())


def test_routed_by_what_another_system_says(stage: Stage) -> None:
    """A customer who collects gets no parcel: the route is decided by the ERP's record, and the order is booked."""

    async def story() -> None:
        async with example(stage) as (world, hub):
            number = 5_300_000_002_002
            await put_customer(hub, number, category={"id": "7", "refName": "Collects"})
            await bring(hub, order(number), topic="orders/create")
            assert parcels(world, number) == []
            assert sales_order(world, f"shopify-{number}") is not None
            over_the_counter = 5_300_000_002_102
            await bring(hub, order(over_the_counter, shipping_address=None), topic="orders/create")
            assert parcels(world, over_the_counter) == [], "the warehouse would refuse a parcel without an address"
            assert sales_order(world, f"shopify-{over_the_counter}") is not None

    asyncio.run(story())


def test_refused_for_good_everything_is_taken_back(stage: Stage) -> None:
    """NetSuite refuses: both ShipBob orders are cancelled, one dead letter says so, and its replay does it all again."""

    async def story() -> None:
        async with example(stage) as (world, hub):
            number = 5_300_000_002_003
            await world._control("netsuite", "POST", "faults", REFUSED)
            await bring(hub, order(number), "compensated", "orders/create")
            assert sorted(parcels(world, number)) == [("CUP", "Cancelled"), ("MUG", "Cancelled")]
            assert sales_order(world, f"shopify-{number}") is None
            letters = await hub.views.dead_letters(Filter(object="order", key=str(number)))
            ((letter,),) = [[one for one in letters if not one.closed_ms]]
            assert (letter.destination, letter.code, letter.owner) == (
                "process:order-process",
                "HUB-UNDONE",
                "finance-systems",
            )
            assert "book failed: USER_ERROR" in letter.error
            assert "taken back: ship" in letter.error
            await world.repair_system("netsuite")
            chosen = Filter(ids=(letter.delivery,))
            await hub.operator.replay(chosen, by="ada", why="the period is open", version="same")
            await until(lambda: booked(world, number))
            assert sorted(parcels(world, number)) == [
                ("CUP", "Cancelled"), ("CUP", "Processing"), ("MUG", "Cancelled"), ("MUG", "Processing"),
            ]  # fmt: skip

    asyncio.run(story())


async def booked(world: TwinWorld, number: int) -> bool:
    return sales_order(world, f"shopify-{number}") is not None


def said(stage: Stage, *words: str) -> list[str]:
    """What a command prints, beside the hub that runs."""
    from click.testing import CliRunner

    from interlock.cli import main

    result = CliRunner().invoke(main, [*words, "--folder", str(stage.folder)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def test_the_steps_are_told_before_anything_runs(stage: Stage) -> None:
    """`interlock flows NAME` says what each step does, and what follows it."""

    async def story() -> list[str]:
        async with example(stage):
            return await asyncio.to_thread(said, stage, "flows", "order-process")

    told = asyncio.run(story())
    assert "    4. by-maker: makes a part for each value of makers in order.lines; then ship" in told
    assert "    5. ship: writes to shipbob, taken back by order.cancel; then together" in told


async def put_customer(hub: Hub, number: int, **fields: Any) -> None:
    """A customer whom the ERP knew before."""
    client: Any = hub.release.records("netsuite")
    body = json.dumps({"companyName": "Ada Ltd", "isPerson": False, **fields}).encode()
    answer = await client.call("PUT", f"/customer/eid:shopify-customer-{number + 7_000_000}", body, 10)
    assert answer.status == 204
