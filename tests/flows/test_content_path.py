"""Content cases on the whole path: signed webhooks in at the door of a hub, and what the three systems hold at the end.

Cases with the same folder share a hub: all are posted at once, so each that stops proves that it stops no other.
"""

import asyncio
import json
import shutil
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from itertools import count
from pathlib import Path
from typing import Any

import books
import pytest
from content import SKU_RULE, Case, at, cases, order_of, plain, settings_of
from stack import post, running, signed, until, written

from interlock.cli.demo import SETTLED
from interlock.cli.twin_world import TwinWorld, write_secrets
from interlock.hub import Hub
from interlock.messaging.ledger import Filter
from interlock.messaging.views import DeliveryRow

FIRST_ID = 7_100_000_000_000_000_001
"""Above 2^53, as Shopify's own samples are."""
CENT = Decimal("0.01")
WHERE = {"netsuite": ("netsuite",), "shipbob": ("shipbob",), "klaviyo": ("klaviyo",)}
CONTROLS = count()
EVERYWHERE = ("netsuite", "shipbob", "klaviyo")


class Placed:
    """A case as an order of its own."""

    def __init__(self, case: Case, number: int) -> None:
        self.case = case
        self.id = str(FIRST_ID + number)
        self.reference = f"shopify-{self.id}"

    def body(self, *, before: bool = False) -> bytes:
        """The patched order; or the base order as it was a minute earlier."""
        order = order_of({} if before else self.case)
        named = {"id": int(self.id), "name": f"#{self.id}", "admin_graphql_api_id": f"gid://shopify/Order/{self.id}"}
        if not before:
            named["updated_at"] = "2026-04-02T10:00:00-04:00"
        return json.dumps(order | named).encode()


def groups() -> list[Any]:
    """Cases by what their folder must say."""
    found: dict[str, list[Placed]] = {}
    for number, parameter in enumerate(cases()):
        case = parameter.values[0]
        folder = json.dumps([case.get("settings"), case.get("items"), case.get("timezone")])
        found.setdefault(folder, []).append(Placed(case, number))
    return [pytest.param(members, id=f"{len(members)} cases: {folder}") for folder, members in found.items()]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, TwinWorld]]:
    """One set of twins for all cases, and the folder that names them."""
    folder = tmp_path_factory.mktemp("content") / "shop"
    world = TwinWorld(folder)
    written(folder, world)
    world.start(write_secrets(folder))
    try:
        asyncio.run(world.wait())
        yield folder, world
    finally:
        world.stop()


@pytest.mark.parametrize("members", groups())
def test_cases(members: list[Placed], project: tuple[Path, TwinWorld], tmp_path: Path) -> None:
    """C22-C35, C38, C40: each order ends in three systems as its case says, whatever happens to its neighbours."""
    template, world = project
    folder = tmp_path / "shop"
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns(".demo", "data"))
    write_choices(folder, members[0].case)

    async def story() -> None:
        async with running(folder, world) as hub:
            await arrive(hub, [(one, one.body(before=True)) for one in members if one.case.get("edited")])
            await arrive(hub, [(one, one.body()) for one in members])
            for one in members:
                rows = await hub.views.deliveries(Filter(object="order", key=one.id))
                judge(world, one, {row.destination: row for row in rows if row.signal in ("", "orders/create")})

    asyncio.run(story())


@pytest.mark.parametrize(
    "wrong",
    [
        {"netsuite": {"item.items[0].amount": "100.01"}},
        {"shipbob": {"products[0].quantity": "2"}},
        {"warns": {"netsuite": "is on variants"}},
        {"error": {"at": "netsuite", "code": "MAP005", "path": "$.customer"}},
        {
            "patch": {"current_total_price_set": "150.00", "line_items[0].price_set": "99.00"},
            "settings": {"difference_item": "@null"},
        },
    ],
)
def test_a_wrong_expectation_is_noticed(wrong: Case, project: tuple[Path, TwinWorld], tmp_path: Path) -> None:
    """Control: the judge above sees a wrong amount, quantity or warning, an order that should have stopped, and one that did."""
    one = Placed({"about": "control", **wrong}, 500_000 + next(CONTROLS))
    with pytest.raises(AssertionError):
        test_cases([one], project, tmp_path)


def write_choices(folder: Path, case: Case) -> None:
    """What the case's folder says: NetSuite's settings, items, the time zone; marketing takes old orders too."""
    settings = settings_of(case) | {"algorithm": "ES256", "quiet_period_seconds": 5}
    currencies = settings.pop("currencies")
    netsuite = folder / "systems/netsuite.toml"
    head, _, _ = netsuite.read_text("utf-8").partition("[settings]")
    _, _, tail = netsuite.read_text("utf-8").partition("[credentials]")
    tables = f"[settings]\n{toml(settings)}\n[settings.currencies]\n{toml(currencies)}\n[credentials]"
    netsuite.write_text(head + tables + tail, "utf-8")
    (folder / "mappings/items.toml").write_text(
        f"[netsuite]\n{case.get('items', SKU_RULE)}\n[shipbob]\n{SKU_RULE}\n", "utf-8"
    )
    choices = [("flows/order-to-marketing.toml", "max_age_hours = 72", "")]
    choices.append(("strategy.toml", 'timezone = "UTC"', f'timezone = "{case.get("timezone", "America/New_York")}"'))
    if "order_currency" in settings:
        chosen = f'[settings]\norder_currency = "{settings["order_currency"]}"'
        choices.append(("systems/klaviyo.toml", "[settings]", chosen))
    books.choose(folder, *choices)


def toml(table: dict[str, object]) -> str:
    return "\n".join(f"{name} = {json.dumps(value)}" for name, value in table.items())


async def arrive(hub: Hub, bodies: list[tuple[Placed, bytes]]) -> None:
    """Post all at once and wait until every delivery has ended, or waits for something that is not there."""
    answers = await asyncio.gather(
        *(post(f"{hub.url}/intake/shopify", body, signed(body, "orders/updated")) for _, body in bodies)
    )
    assert {status for status, _ in answers} <= {200}
    head = await hub.inbox.head()

    async def ended() -> bool:
        if await hub.ledger.cursor("router") < head:
            return False
        for one, _ in bodies:
            rows = await hub.views.deliveries(Filter(object="order", key=one.id))
            if {row.destination for row in rows} != set(EVERYWHERE):
                return False
            if not all(row.state in SETTLED or (row.state == "waiting" and row.waiting_for) for row in rows):
                return False
        return True

    await until(ended)


def judge(world: TwinWorld, one: Placed, rows: dict[str, DeliveryRow]) -> None:
    """What the systems hold against what the case says."""
    case = one.case
    stopped = stopped_at(case)
    for vendor in stopped:
        state = case["error"].get("state", "waiting" if case["error"]["code"] == "MAP010" else "dead")
        assert rows[vendor].state == state, (case["about"], rows[vendor])
        assert state == "done" or case["error"]["code"] == rows[vendor].code
        assert state == "done" or rows[vendor].error.endswith(f" at {case['error']['path']}")
        assert held(world, vendor, one) is None, f"{case['about']}: {vendor} has it all the same"
    for vendor in {"netsuite", "shipbob", "klaviyo", "netsuite_customer", "klaviyo_profile"} & case.keys():
        document = held(world, vendor, one)
        assert document is not None, f"{case['about']}: {vendor} has nothing; {rows}"
        for path, expected in case[vendor].items():
            assert plain(at(document, path)) == expected, f"{case['about']}: {vendor} {path}"
    for vendor, text in case.get("warns", {}).items():
        assert text in rows[vendor].warnings, case["about"]
    if "netsuite" not in stopped:
        assert_total(world, one)


def stopped_at(case: Case) -> tuple[str, ...]:
    """The destinations that an error of the case keeps the order from; a document that cannot be read reaches none."""
    return WHERE.get(case["error"]["at"], EVERYWHERE) if "error" in case else ()


def assert_total(world: TwinWorld, one: Placed) -> None:
    """C31, C33: the rows that NetSuite has are the shop's total, to the last of the two digits that it keeps."""
    order = books.sales_order(world, one.reference)
    price = json.loads(one.body())["current_total_price_set"]
    total = price["presentment_money" if settings_of(one.case).get("order_currency") == "presentment" else "shop_money"]
    if order is None:
        assert Decimal(total["amount"]) == 0, one.case["about"]
        return
    live = [row["amount"] for row in order["item"] if not row.get("isClosed")]
    assert sum(live, Decimal(0)) == Decimal(total["amount"]).quantize(CENT, ROUND_HALF_UP), one.case["about"]
    assert order["currency"] == {"id": total["currency_code"]}


def held(world: TwinWorld, system: str, one: Placed) -> Any:
    """The document that a system holds of the case's order, in the shape in which it was sent; None when it has none."""
    customer = order_of(one.case).get("customer") or {}
    match system:
        case "netsuite":
            order = books.sales_order(world, one.reference)
            return None if order is None else order | {"item": {"items": order["item"]}}
        case "shipbob":
            parcels = books.parcels(world, one.reference)
            return parcels[-1] if parcels else None
        case "netsuite_customer":
            return books.customer(world, f"shopify-customer-{customer['id']}")
        case "klaviyo_profile":
            return books.profile(world, str(customer["id"]))
    event = books.events(world, one.id).get("Placed Order")
    named = {"value": "$value", "value_currency": "$currency_code"}
    attributes = {name: (event or {}).get(inner) for name, inner in named.items()}
    return None if event is None else {"data": {"attributes": attributes | {"properties": event}}}
