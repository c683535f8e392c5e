"""One order's life between a shop and NetSuite's twin, step by step, for the tests of refunds, payouts and returns."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.request import Request, urlopen

from vendor_cases import CONTRACTS, MAPPING_SETTINGS, PEOPLES_TOKEN, Case, Twin, host_of

from interlock.clock import SystemClock
from interlock.connectors import registry
from interlock.connectors.contract import Connection, Destination, Done, Http, Link, Past, Write
from interlock.mapping import Context, Items, compile_in, compile_out, connector_functions, connector_mapping
from interlock.twins.shopify import changes
from interlock.twins.shopify.orders import make_order

SECONDS = 10.0
RECORDS = "/services/rest/record/v1"
NETSUITE = connector_mapping("netsuite")
SHOPIFY = connector_mapping("shopify")
ACCOUNTS = {"shopify_payments": "210", "bogus": "211", "gift_card": "260", "shopify_store_credit": "261"}
"""Of each gateway: a clearing account for money, a liability for what the shop still owes."""
SETTINGS = NETSUITE.settings_with(MAPPING_SETTINGS | {"refund_adjustment_item": "5", "refund_accounts": ACCOUNTS})
PLACED = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=12)
"""Today: an order waits for the credit memo of its refund for a day."""


@cache
def reader(name: str) -> Any:
    return compile_in(SHOPIFY.table_in(name), CONTRACTS[f"{name}.v1"], connector_functions("shopify"))


@cache
def builders() -> dict[str, Any]:
    context = Context(system="netsuite", settings=SETTINGS, items=Items(rule="sku", system="netsuite"))
    documents = {
        "salesOrder": "order",
        "customer": "customer",
        "creditMemo": "refund",
        "customerRefund": "refund",
        "returnAuthorization": "return",
    }
    return {
        document: compile_out(
            NETSUITE.table_out(name, document), CONTRACTS[f"{name}.v1"], connector_functions("netsuite")
        ).bound(context)
        for document, name in documents.items()
    }


class Story:
    """One order of a shop, and what the connector and people do with it at NetSuite."""

    def __init__(
        self, destination: Destination, twin: Twin, number: int, placed: datetime = PLACED, **changed: Any
    ) -> None:
        self.destination, self.twin = destination, twin
        self.shop = make_order(random.Random(number), number, "tax_excluded", placed_at=placed) | changed
        self.links: dict[str, Link] = {}
        self.now = placed

    @property
    def reference(self) -> str:
        return f"shopify-{self.shop['id']}"

    def later(self, hours: float = 1) -> datetime:
        self.now += timedelta(hours=hours)
        return self.now

    async def sync(self) -> Any:
        """Write the order as the shop has it now; the outcome of its own write."""
        plan = self.plan()
        outcome: Any = None
        for write in plan.writes:
            outcome = await self.send(write)
        if isinstance(outcome, Done) and plan.writes:
            self.remember(plan.writes[-1], outcome)
        return outcome

    def plan(self) -> Any:
        """What becomes of the order as the shop has it now."""
        return self.destination.plan(self.canonical("order", self.shop), signal="", past=Past(links=self.links))

    async def book(self, refund: dict[str, Any]) -> Any:
        """Write the credit memo of a refund that the shop made."""
        return await self.send(self.planned(refund).writes[0])

    async def pay_out(self, refund: dict[str, Any]) -> list[Any]:
        """Write all that becomes of a refund; the outcomes in order, up to the first that is not done."""
        outcomes: list[Any] = []
        for write in self.planned(refund).writes:
            outcomes.append(await self.send(write))
            if not isinstance(outcomes[-1], Done):
                break
        return outcomes

    def planned(self, refund: dict[str, Any]) -> Any:
        read = refund | {"taxes_included": self.shop["taxes_included"], "order_name": self.shop["name"]}
        return self.destination.plan(self.canonical("refund", read), signal="", past=Past())

    def planned_return(self, told: dict[str, Any]) -> Any:
        return self.destination.plan(self.canonical("return", told), signal="", past=Past(links=self.links))

    async def send(self, write: Write) -> Any:
        return await self.destination.write(write, idempotency_key="", timeout_seconds=SECONDS)

    def remember(self, write: Write, done: Done) -> None:
        self.links[write.operation] = Link(
            operation=write.operation, reference=write.reference, external_id=done.external_id,
            version=len(self.links) + 1, content_hash=write.content_hash,
        )  # fmt: skip

    def refund(self, **what: Any) -> dict[str, Any]:
        """The shop pays back; the refund as refunds/create tells it."""
        change = changes.refund(self.shop, self.later(), **what)
        self.shop = change.order
        record: dict[str, Any] = change.events[0][1]
        return record

    def edit(self, **what: Any) -> None:
        self.shop = changes.edit(self.shop, random.Random(1), self.later(), **what).order

    def bill(self, at: datetime | None = None, lines: dict[str, Any] | None = None) -> None:
        """What a person or a script does in NetSuite: invoice the order (or some lines)."""
        made = {"createdDate": (at or self.later()).isoformat()} | ({"item": {"items": lines}} if lines else {})
        self.person("POST", f"/salesOrder/eid:{self.reference}/!transform/invoice", made)

    def ship(self) -> None:
        self.person("POST", f"/salesOrder/eid:{self.reference}/!transform/itemFulfillment", {})

    def person(self, method: str, path: str, body: Any) -> None:
        headers = {"authorization": f"Bearer {PEOPLES_TOKEN}", "content-type": "application/json"}
        asked = Request(f"{self.twin.url}{RECORDS}{path}", json.dumps(body).encode(), headers, method=method)
        with urlopen(asked, timeout=30) as answer:
            assert answer.status == 204

    def records(self, kind: str, beginning: str | None = None) -> list[dict[str, Any]]:
        with urlopen(f"{self.twin.url}/_twin/records?kind={kind}", timeout=30) as answer:
            rows = json.loads(answer.read(), parse_float=Decimal, parse_int=Decimal)
        return [
            row
            for row in rows
            if str(row.get("externalId", "")).startswith(self.reference if beginning is None else beginning)
        ]

    @property
    def credits(self) -> list[dict[str, Any]]:
        return self.records("creditMemo")

    @property
    def payouts(self) -> list[dict[str, Any]]:
        return self.records("customerRefund")

    @property
    def returns(self) -> list[dict[str, Any]]:
        return self.records("returnAuthorization")

    @property
    def sales_order(self) -> dict[str, Any]:
        (found,) = self.records("salesOrder")
        return found

    @staticmethod
    def canonical(name: str, body: dict[str, Any]) -> Any:
        return reader(name)(json.dumps(body).encode(), Context(system="shopify"))


def tell(
    case: Case,
    twin: Twin,
    number: int,
    told: Callable[[Story], Coroutine[Any, Any, None]],
    settings: Mapping[str, Any] | None = None,
    **changed: Any,
) -> None:
    """Run a story with a client of its own, and with what the system's file says beside what all stories share."""

    async def whole() -> None:
        http = Http([host_of(twin.url)])
        connection = Connection(
            system="netsuite", url=twin.url, settings=settings or {}, credentials=case.credentials, builders=builders(), http=http,
            clock=SystemClock(),
        )  # fmt: skip
        try:
            await told(Story(registry.open_destination("netsuite", connection), twin, number, **changed))
        finally:
            await http.close()

    asyncio.run(whole())


def current(order: dict[str, Any]) -> Decimal:
    return Decimal(order["current_total_price"])


def first_line(story: Story) -> dict[int, int]:
    return {story.shop["line_items"][0]["id"]: 1}
