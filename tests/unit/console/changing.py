"""Changes that somebody made to the folder on Monday, and what a plan said of them: for pages that need no hub."""

from typing import Any

from console.store import NOW_MS, RELEASE
from interlock.mapping.difference import Sample
from interlock.messaging.history import ReleaseRow, Switch, Wrote
from interlock.operations.changes import Changes, FolderState, WayBack
from interlock.release.change import Change
from interlock.release.effect import Effect, Line
from interlock.release.plan import Plan
from interlock.release.risk import Risk

WANTED, BEFORE = "5f20c6a1be97", "0d41aa7790ce"
HOUR_MS = 3_600_000
CHANGES = (
    Change(
        mark="+", kind="mapping", about="mapping netsuite, order to salesOrder", text="memo <- note",
        where="mappings/netsuite.toml:4", key="order.out.salesOrder.memo",
    ),
    Change(
        mark="-", kind="flow", about="flow order-to-marketing", text="no longer goes to klaviyo", key="destinations",
        where="flows/order-to-marketing.toml:6", breaking="new events no longer reach it",
        window="changes/0007.toml, in review to 2026-12-01, sunset 2027-03-01",
    ),
    Change(
        mark="~", kind="system", about="system netsuite", text="limits.concurrency: 5 -> 8", where="systems/netsuite.toml:31",
        key="limits.concurrency",
    ),
)  # fmt: skip
LINES = (
    Line(what="stays", destination="klaviyo", subject="flow order-to-marketing", words="no longer gets", count=812, total=812,
         sample=Sample(subject="#1001", path="", old="", new="")),
    Line(what="field", destination="netsuite", subject="salesOrder.upsert memo", words="filled in", count=51, total=968,
         sample=Sample(subject="#1003", path="memo", old="null", new="•••••")),
    Line(what="field", destination="netsuite", subject="salesOrder.upsert item.items[].amount", words="changes", count=968,
         total=968, sample=Sample(subject="#1001", path="item.items[0].amount", old='"12.00"', new='"12.0"')),
)  # fmt: skip
SWITCHES = (
    Switch(release=RELEASE, action="rollback", at_ms=NOW_MS - 2 * HOUR_MS, who="ann", why="the memo was the wrong field",
           before=WANTED, summary="- mapping netsuite, order to salesOrder: memo (was name)"),
    Switch(release=BEFORE, action="apply", at_ms=NOW_MS - 50 * HOUR_MS, who="hub", why="the folder had changed", before="",
           summary="+ flow stock-to-shop: shipbob stock/changed -> shopify; ~ team growth: contact: a@acme.example -> b@acme.example; and 4 more"),
)  # fmt: skip


def rows() -> list[ReleaseRow]:
    """The two that ran, the active one first."""
    return [
        ReleaseRow(id=switch.release, first_ms=switch.at_ms, active=switch.release == RELEASE, switch=switch, times=1)
        for switch in SWITCHES
    ]


def written() -> list[Wrote]:
    """An order at three systems, with the customer that came along."""
    told = [("netsuite", "order", "#1204", "salesOrder.upsert", "done", "472033"), ("klaviyo", "order", "#1204", "event.placed", "done", ""),
            ("shipbob", "order", "#1204", "order.create", "uncertain", ""), ("netsuite", "customer", "", "customer.upsert", "done", "125279")]  # fmt: skip
    return [
        Wrote(
            release=RELEASE, destination=destination, flow="order-to-erp", system="shopify", object=object_name, key="5300002359303",
            name=name, operation=operation, verdict=verdict, external_id=external_id, calls=1, last_ms=NOW_MS - HOUR_MS,
        )
        for destination, object_name, name, operation, verdict, external_id in told
    ]  # fmt: skip


class RecordedChanges(Changes):
    """Says what it was made with, and writes down what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    async def folder(self) -> FolderState:
        return FolderState(running=RELEASE, folder=WANTED, changes=CHANGES)

    async def plan(self, events: int) -> Plan:
        effect = Effect(
            events=events, objects=968, differ=968, lines=LINES, seconds=0.41,
            left_out={"they only say that something changed; the hub reads the object from its source": 12},
        )  # fmt: skip
        reasons = (
            "1 breaking: flow order-to-marketing, new events no longer reach it",
            "812 of 968 orders no longer reach a destination",
        )
        return Plan(running=RELEASE, wanted=WANTED, changes=CHANGES, effect=effect, risk=Risk("high", reasons))

    async def releases(self) -> list[ReleaseRow]:
        return rows()

    async def release(self, start: str) -> ReleaseRow:
        return next((row for row in rows() if row.id.startswith(start)), rows()[0])

    async def changed_by(self, release: str, before: str) -> tuple[Change, ...]:
        return CHANGES[:1]

    async def wrote(self, releases: Any, limit: int, since_ms: int = 0) -> list[Wrote]:
        return written()

    async def way_back(self, start: str = "") -> WayBack:
        counts = {"klaviyo": {"order": 1}, "netsuite": {"customer": 1, "order": 1}, "shipbob": {"order, uncertain": 1}}
        return WayBack(
            target=await self.release(start), left=(RELEASE,), since_ms=0, counts=counts, changes=CHANGES[:1]
        )

    async def apply(self, wanted: str, *, by: str, why: str, unannounced_too: bool = False) -> str:
        self.asked.append(("apply", wanted, by, why))
        return wanted

    async def roll_back(self, release: str, *, by: str, why: str) -> str:
        self.asked.append(("roll back", release, by, why))
        return release
