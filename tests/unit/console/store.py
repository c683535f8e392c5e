"""A realistic store for the console, made by inserting rows: a Monday morning on which NetSuite refuses 50 orders and Klaviyo is down."""

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import apsw
import msgspec

from interlock.console.actions import Book
from interlock.console.field_table import FieldLine, FieldTable
from interlock.console.payload import Side
from interlock.messaging.backfill import Asked
from interlock.messaging.dead_letter import fingerprint
from interlock.messaging.ledger import Filter, Preview
from interlock.messaging.privacy import DAY_MS, PrivacyRequest
from interlock.messaging.sqlite.migrate import migrate
from interlock.messaging.sqlite.views import SqliteViews
from interlock.messaging.sweeps import Sweep
from interlock.messaging.views import AttemptRow, DeliveryRow, EventRow
from interlock.strategy.model import Engine, Flow, Limits, RecordException, Retry, Security, Slo, Strategy, System, Team

FIXTURE = Path(__file__).parents[2] / "fixtures" / "shopify" / "webhook.orders.create.json"
NOW_MS = 1_795_425_720_000  # 23 Nov 2026, 09:22:00 UTC
MINUTE = 60_000
RELEASE = "7c1e0b44a9d2"
REFUSAL = "Customer 'ACME-4471' is inactive"
DESTINATIONS = {"order-to-erp": "netsuite", "order-to-wms": "shipbob", "order-to-marketing": "klaviyo"}
OPERATIONS = {"netsuite": "salesOrder", "shipbob": "order", "klaviyo": "placedOrder"}
REFUSED = range(1201, 1251)
LEFT_OUT = range(1180, 1192)
TAGS_REFUSED = "OWN001 refused: customer.tags is Klaviyo's (growth)"


def strategy(environment: Any = "demo", *, mask: bool = True) -> Strategy:
    """Four systems, four flows, three teams."""
    security = Security()
    security = msgspec.structs.replace(security, console=msgspec.structs.replace(security.console, mask_personal=mask))
    return Strategy(
        name="acme", title="Acme Outfitters", environment=environment, timezone="Europe/Stockholm", engine=Engine(),
        teams={
            name: Team(name=name, contact=f"{name}@acme.example", escalation="+46 8 000 00 00")
            for name in ("commerce", "finance-systems", "warehouse", "growth")
        },
        systems={system.name: system for system in _systems()},
        flows={flow.name: flow for flow in _flows()},
        security=security, objects={}, mappings={}, items={}, functions="",
        runbooks={"erp-refusals.md": "# When NetSuite refuses\n\nLook at the code.\n\n- INVALID_CUSTOMER: reactivate\n\n```\ninterlock issues\n```\n"},
        release=RELEASE,
    )  # fmt: skip


def _systems() -> list[System]:
    rows = (
        ("shopify", "Shopify", "commerce", ["order", "customer", "checkout"], None),
        ("netsuite", "NetSuite", "finance-systems", ["payout", "product.variants.price"], 10.0),
        ("shipbob", "ShipBob", "warehouse", ["inventory_level", "fulfillment"], 2.5),
        ("klaviyo", "Klaviyo", "growth", ["customer.tags"], 10.0),
    )
    at_the_counter = RecordException(of=["inventory_level.on_hand"], locations=["24826418"])
    return [
        System(name=name, title=title, connector=name, owner=owner, url=f"https://{name}.example", record_of=record, limits=Limits(rate_per_second=rate),
               record_of_where=[at_the_counter] if name == "shopify" else [])
        for name, title, owner, record, rate in rows
    ]  # fmt: skip


def _flows() -> list[Flow]:
    rows = (
        ("order-to-erp", "Orders to the ERP", "shopify", ["netsuite"], "order.v1", "finance-systems", "high"),
        ("order-to-wms", "Orders to the warehouse", "shopify", ["shipbob"], "order.v1", "warehouse", "high"),
        ("order-to-marketing", "Orders to marketing", "shopify", ["klaviyo"], "order.v1", "growth", "low"),
        ("stock-to-shop", "Stock to the shop", "shipbob", ["shopify"], "inventory_level.v1", "warehouse", "medium"),
    )
    return [
        Flow(
            name=name, title=title, source=source, trigger=["orders/create"], object=object_name, destinations=destinations,
            pattern="event-driven", rationale="Orders must not wait for each other.", impact=impact, complexity="medium", owner=owner,  # type: ignore[arg-type]
            runbook="erp-refusals.md", retry=Retry(), slo=Slo(silence_after_minutes=60),
        )
        for name, title, source, destinations, object_name, owner, impact in rows
    ]  # fmt: skip


class Store:
    """The two files, and inserts that fill what a test does not care for."""

    def __init__(self, folder: Path) -> None:
        self.ledger_path, self.inbox_path = folder / "ledger.sqlite", folder / "inbox.sqlite"
        self.ledger, self.inbox = apsw.Connection(str(self.ledger_path)), apsw.Connection(str(self.inbox_path))
        for connection, name in ((self.ledger, "ledger"), (self.inbox, "inbox")):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            migrate(connection, name, NOW_MS)

    def views(self) -> SqliteViews:
        return SqliteViews(self.ledger_path, self.inbox_path)

    def insert(self, table: str, **values: Any) -> int:
        """One row; columns that are not given are 0 or empty."""
        connection = self.inbox if table in {"event", "sighting"} else self.ledger
        for _, name, kind, needed, default, _ in connection.execute(f"PRAGMA table_info({table})").fetchall():
            if name not in values and needed and default is None:
                values[name] = {"INTEGER": 0, "TEXT": "", "BLOB": b""}[kind]
        names = ", ".join(values)
        connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(values))})", tuple(values.values())
        )
        return connection.last_insert_rowid()

    def close(self) -> None:
        self.ledger.close()
        self.inbox.close()


def order_body(number: int, **changes: Any) -> bytes:
    """Shopify's published order, with a number of ours."""
    document = json.loads(FIXTURE.read_text())
    document |= {"id": key_of(number), "name": f"#{number}", "order_number": number, "note": "Ring twice"} | changes
    return json.dumps(document).encode()


def key_of(number: int) -> int:
    return 5_678_900_000_000 + number


def place(store: Store, number: int, at_ms: int, *, body: bytes | None = None, system: str = "shopify") -> int:
    """One order in inbox and ledger; returns its position."""
    body = body or order_body(number)
    total, currency = f"{(number * 37) % 900 + 19}.{(number * 7) % 100:02d}", "EUR"
    summary = {"total": total, "currency": currency, "test": False, "cancelled": False}
    if number % 5 == 0:
        summary |= {"presentment_total": f"{(number * 411) % 9000 + 190}.00", "presentment_currency": "SEK"}
    identity = {"object": "order", "key": str(key_of(number)), "name": f"#{number}", "version": at_ms * 1000}
    sha = hashlib.sha256(body).digest()
    position = store.insert(
        "event", system=system, dedupe_key=f"order/{key_of(number)}/{at_ms}", dialect="shopify", topic="orders/create", facts="orders/create",
        event_id=f"9f3a{number:08x}", webhook_id=f"wh-{number}", api_version="2026-07", triggered_at_ms=at_ms - 800, received_at_ms=at_ms,
        release=RELEASE, sha256=sha, size_bytes=len(body), body=body, complete=1, **identity,
    )  # fmt: skip
    store.insert(
        "object",
        system=system,
        event=position,
        sha256=sha,
        first_seen_ms=at_ms,
        last_seen_ms=at_ms,
        summary=json.dumps(summary),
        **identity,
    )
    return position


def deliver(store: Store, number: int, position: int, flow: str, at_ms: int, state: str, **more: Any) -> int:
    """One delivery with one attempt that fits its state."""
    destination, system = DESTINATIONS[flow], more.pop("system", "shopify")
    took = 40 + (number * 13) % 90
    changed = more.pop("changed_ms", at_ms + 11 + took)
    delivery = store.insert(
        "delivery", flow=flow, system=system, destination=destination, object="order", key=str(key_of(number)), name=f"#{number}",
        state=state, opened=position, release=RELEASE, wanted_event=position,
        received_ms=at_ms, created_ms=at_ms + 9, updated_ms=changed, done_ms=changed if state == "done" else 0,
        attempts=more.pop("attempts", 1), head=1, **more,
    )  # fmt: skip
    if state not in {"pending", "waiting"}:
        _attempt(store, delivery, destination, number, position, at_ms + 11, took, state, more)
    return delivery


def _attempt(
    store: Store,
    delivery: int,
    destination: str,
    number: int,
    event: int,
    at_ms: int,
    took: int,
    state: str,
    more: dict[str, Any],
) -> None:
    verdict = {"done": "done", "dead": "refused", "retrying": "retry", "uncertain": "uncertain"}.get(state, "done")
    operation, external = OPERATIONS[destination], str(88_000 + number) if verdict == "done" else ""
    body = {"externalId": f"shopify-order-{key_of(number)}", "tranDate": "2026-11-23", "email": "jon@example.com", "memo": "Ring twice",
            "item": [{"sku": "TSHIRT-M", "quantity": 2, "rate": "199.00"}], "total": "398.00", "currency": "EUR"}  # fmt: skip
    store.insert(
        "attempt", delivery=delivery, token=1, number=1, operation=operation, action="create", once="upsert",
        reference=f"shopify-order-{key_of(number)}", idempotency_key=f"ik-{number}-{destination}", content_hash="c0ffee", event=event,
        release=RELEASE, body=json.dumps(body).encode(), begun_ms=at_ms, latest_send_ms=at_ms + 500, ended_ms=at_ms + took, verdict=verdict,
        status={"done": 201, "refused": 400, "retry": 503, "uncertain": 0}[verdict], code=more.get("code", ""),
        message=more.get("error", ""), external_id=external,
    )  # fmt: skip
    if external:
        store.insert(
            "link", system=destination, origin="shopify", object="order", key=str(key_of(number)), operation=operation,
            reference=f"shopify-order-{key_of(number)}", external_id=external, version=at_ms, written_ms=at_ms + took,
        )  # fmt: skip


def give_up(
    store: Store, delivery: int, number: int, position: int, flow: str, at_ms: int, reason: str, code: str, error: str
) -> None:
    """The dead letter of a delivery."""
    destination = DESTINATIONS[flow]
    owner = {"netsuite": "finance-systems", "shipbob": "warehouse", "klaviyo": "growth"}[destination]
    store.insert(
        "dead_letter", delivery=delivery, at_ms=at_ms, flow=flow, destination=destination, object="order", key=str(key_of(number)),
        name=f"#{number}", reason=reason, code=code, error=error, fingerprint=fingerprint(flow, destination, reason, code, error),
        owner=owner, attempts=1, event=position, release=RELEASE,
    )  # fmt: skip


def traffic(store: Store, *, quiet_flow: str = "") -> None:
    """24 hours of minutes, busier by day."""
    dice = random.Random(7)
    last = NOW_MS // MINUTE
    for flow, destination in (*DESTINATIONS.items(), ("stock-to-shop", "shopify")):
        for minute in range(last - 24 * 60, last):
            busy = 1 if (minute % 1440) // 60 < 6 else 6
            done = dice.randrange(busy + 1)
            if flow == quiet_flow and minute > last - 190:
                continue
            dead = 3 if destination == "netsuite" and last - 17 < minute else 0
            store.insert(
                "minute", flow=flow, destination=destination, minute=minute, done=done, dead=dead, retried=dice.randrange(2),
                latency_ms=done * 80, latency_ms_max=done * 140,
            )  # fmt: skip


def monday(folder: Path) -> Store:
    """The whole morning."""
    store = Store(folder)
    with store.ledger, store.inbox:
        traffic(store, quiet_flow="stock-to-shop")
        for number in range(1001, 1201):
            _good_order(store, number, NOW_MS - (1260 - number) * MINUTE)
        for number in REFUSED:
            _refused_order(store, number, NOW_MS - (1263 - number) * 9_000 - MINUTE)
        _odd_orders(store)
        _books(store)
        _backfills(store)
        _sweeps(store)
        _subscriptions(store)
        _privacy(store)
    return store


def _privacy(store: Store) -> None:
    """One wants a copy, one is being forgotten, one is forgotten."""
    proof = {"removed": {"events": 4, "attempts": 9, "letters": 1, "mentions": 2}, "looked_at": 48_210, "namesakes": 0, "proven_ms": NOW_MS - 90 * MINUTE}
    rows: tuple[dict[str, Any], ...] = (
        {"kind": "export", "person": "207119551", "state": "asked", "why": "customers/data_request", "days": 9, "orders": '["1201"]'},
        {"kind": "redact", "person": "207119777", "state": "known", "why": "customers/redact", "days": 1, "orders": '["1202", "1203"]',
         "note": "waits for 1 call whose outcome nobody knows"},
        {"kind": "redact", "person": "207119888", "state": "done", "why": "customers/redact", "days": 2, "orders": '["1007"]',
         "done_ms": NOW_MS - 90 * MINUTE, "done_by": "hub", "result": json.dumps(proof)},
    )  # fmt: skip
    for number, row in enumerate(rows, 1):
        received_ms = NOW_MS - row.pop("days") * DAY_MS
        store.insert("privacy_request", id=number, uid=f"u{number}", system="shopify", received_ms=received_ms, by="webhook",
                     due_ms=received_ms + 30 * DAY_MS, hashes="[]", **row)  # fmt: skip


def _subscriptions(store: Store) -> None:
    """The shop had dropped one in the night, and refuses one for want of a scope."""
    common = {"system": "shopify", "address": "https://hub.example.com/intake/shopify", "looked_ms": NOW_MS - 30_000}
    days_ago = NOW_MS - 3 * 24 * 60 * MINUTE
    store.insert("subscription", topic="orders/create", state="there", since_ms=days_ago, **common)
    store.insert("subscription", topic="orders/updated", state="there", since_ms=NOW_MS - 340 * MINUTE, lost=1,
                 lost_ms=NOW_MS - 340 * MINUTE, **common)  # fmt: skip
    problem = "ACCESS_DENIED: the app lacks read_fulfillments"
    store.insert("subscription", topic="fulfillments/create", state="missing", since_ms=days_ago, problem=problem, **common)


def _sweeps(store: Store) -> None:
    """Webhooks were off for a while in the night: what they did not tell of was found."""
    day_us = 86_400_000_000
    common = {"system": "shopify", "why": "schedule", "dry": 0, "since": NOW_MS * 1000 - day_us, "until": NOW_MS * 1000 - 120_000_000}
    for number, (what, listed, found, ago_minutes) in enumerate([("order", 412, 3, 340), ("order", 96, 0, 12), ("customer", 31, 1, 11)], 1):
        began_ms = NOW_MS - ago_minutes * MINUTE
        store.insert("sweep", id=number, object=what, listed=listed, found=found, state="done", began_ms=began_ms,
                     ended_ms=began_ms + 1_900, **common)  # fmt: skip
    refused = {"listed": 0, "found": 0, "state": "failed", "error": "THROTTLED: the app's bucket is empty"}
    store.insert("sweep", id=4, object="order", began_ms=NOW_MS - 400 * MINUTE, ended_ms=NOW_MS - 399 * MINUTE, **refused, **common)
    for key, name, kind, cause, told in [
        (1004, "#1004", "missing", "lost", 0), (1005, "#1005", "behind", "late", NOW_MS - 300 * MINUTE), (1006, "#1006", "missing", "", 0),
    ]:  # fmt: skip
        store.insert("missed", sweep=1, system="shopify", object="order", key=str(key), name=name, kind=kind, known=0, version=1,
                     found_ms=NOW_MS - 340 * MINUTE, event=key, cause=cause, told_ms=told)  # fmt: skip
    store.insert("missed", sweep=3, system="shopify", object="customer", key="77", name="", kind="deleted", known=0, version=0,
                 found_ms=NOW_MS - 11 * MINUTE, event=9_000, cause="deleted")  # fmt: skip
    for system in ("netsuite", "klaviyo"):
        store.insert("link", system=system, origin="shopify", object="customer", key="77", operation="customer", signal="",
                     reference="shopify-77", external_id="9", version=1, content_hash="", written_ms=1)  # fmt: skip


def _backfills(store: Store) -> None:
    """One of each kind that a person meets: asked to decide, under way, failed, done."""
    day_us = 86_400_000_000
    common = {"system": "shopify", "until_us": NOW_MS * 1000, "how": "bulk", "go": "all", "by": "ann"}
    done = {"started_ms": NOW_MS - 90 * MINUTE, "ended_ms": NOW_MS - 60 * MINUTE}
    rows: list[dict[str, Any]] = [
        {"object": "product", "since_us": 0, "state": "done", "expected": 800, "seen": 800, "new": 12, "why": "new catalogue", **done},
        {"object": "product", "since_us": 0, "state": "failed", "expected": 800, "seen": 310, "new": 0, "why": "prices",
         "note": "the vendor denied access while it collected", "code": "ACCESS_DENIED", **done},
        {"object": "customer", "since_us": NOW_MS * 1000 - 300 * day_us, "state": "reading", "expected": 100_000, "collected": 100_000,
         "seen": 41_200, "new": 40_950, "bulks": 1, "bulk": "b1", "started_ms": NOW_MS - 9 * MINUTE, "why": "new CRM"},
        {"object": "order", "since_us": NOW_MS * 1000 - 400 * day_us, "state": "checked", "expected": 5_200, "go": "look", "why": "new warehouse",
         "missing": "orders created before 2026-09-24: without read_all_orders an app sees those of the last 60 days",
         "note": "ask for read_all_orders in the Dev Dashboard (API access requests), add it to the app's scopes and install the app again"},
    ]  # fmt: skip
    for row in rows:
        store.insert("backfill", **{**common, "asked_ms": NOW_MS - 10 * MINUTE, **row})


def _good_order(store: Store, number: int, at_ms: int) -> None:
    position = place(store, number, at_ms)
    for flow in DESTINATIONS:
        if flow == "order-to-marketing" and number in LEFT_OUT:
            _left_out(store, deliver(store, number, position, flow, at_ms, "done", warnings=TAGS_REFUSED), at_ms)
        else:
            deliver(store, number, position, flow, at_ms, "done")


def _left_out(store: Store, delivery: int, at_ms: int) -> None:
    """Marketing is record of the tags, so what the shop says of them was left out."""
    seen = {"first_ms": at_ms + 60, "last_ms": at_ms + 60, "times": 1}
    store.insert("refused_field", delivery=delivery, field="customer.tags", record="klaviyo", team="growth", **seen)


def _refused_order(store: Store, number: int, at_ms: int) -> None:
    position = place(store, number, at_ms)
    refused = {"reason": "validation", "code": "INVALID_CUSTOMER", "error": REFUSAL}
    delivery = deliver(store, number, position, "order-to-erp", at_ms, "dead", **refused)
    give_up(store, delivery, number, position, "order-to-erp", at_ms + 120, **refused)
    deliver(store, number, position, "order-to-wms", at_ms, "done")
    if number < 1240:
        deliver(store, number, position, "order-to-marketing", at_ms, "done")
    else:
        down = {"reason": "unavailable", "code": "503", "error": "Service temporarily unavailable"}
        deliver(
            store, number, position, "order-to-marketing", at_ms, "retrying", due_ms=NOW_MS + 24_000, attempts=3, **down
        )


def _odd_orders(store: Store) -> None:
    """One waits for an item, one may or may not have been written, one is held, three refer to an unknown SKU."""
    at_ms = NOW_MS - 4 * MINUTE
    waits = {
        "reason": "missing_reference",
        "error": "item 'TSHIRT-OLD' has no counterpart at netsuite",
        "waiting_for": "item:TSHIRT-OLD",
    }
    deliver(
        store, 1301, place(store, 1301, at_ms), "order-to-erp", at_ms, "waiting", due_ms=NOW_MS + 9 * MINUTE, **waits
    )
    deliver(
        store, 1302, place(store, 1302, at_ms), "order-to-wms", at_ms, "uncertain", due_ms=NOW_MS + 40_000,
        reason="uncertain", code="timeout", error="no answer within 30 s after the body was sent",
    )  # fmt: skip
    deliver(store, 1303, place(store, 1303, at_ms), "order-to-wms", at_ms, "held")
    for number in (1304, 1305, 1306):
        position = place(store, number, at_ms - 30 * MINUTE)
        unknown = {
            "reason": "missing_reference",
            "code": "422",
            "error": f"Product reference 'TSHIRT-{number}' not found",
        }
        delivery = deliver(store, number, position, "order-to-wms", at_ms - 30 * MINUTE, "dead", **unknown)
        give_up(store, delivery, number, position, "order-to-wms", at_ms - 29 * MINUTE, **unknown)
    store.insert(
        "sighting",
        position=1,
        seen_at_ms=NOW_MS - 200 * MINUTE,
        topic="orders/create",
        event_id="again",
        flags="other-event-id",
    )


def _books(store: Store) -> None:
    store.insert("breaker", destination="netsuite", state="closed", changed_ms=NOW_MS - 300 * MINUTE)
    store.insert(
        "breaker", destination="klaviyo", state="open", failures=12, changed_ms=NOW_MS - 3 * MINUTE, paused_until_ms=NOW_MS + 24_000,
        last_error="503 Service temporarily unavailable",
    )  # fmt: skip
    store.insert(
        "audit",
        at_ms=NOW_MS - 90 * MINUTE,
        who="Maja",
        action="replay",
        subject="replay 1",
        why="customer reactivated",
        detail="{}",
    )
    replay = store.insert(
        "replay",
        at_ms=NOW_MS - MINUTE,
        by="Maja",
        why="customer reactivated in NetSuite",
        filter="{}",
        release="same",
        total=50,
    )
    ids = [
        row[0]
        for row in store.ledger.execute(
            "SELECT id FROM delivery WHERE flow = 'order-to-erp' AND state = 'done' LIMIT 50"
        ).fetchall()
    ]
    for each in ids:
        store.insert("replay_item", replay=replay, delivery=each, was="dead", result="delivered")
    under_way = store.insert(
        "replay", at_ms=NOW_MS - 5_000, by="Maja", why="Klaviyo is back", filter="{}", release=RELEASE, total=40
    )
    for place_, each in enumerate(ids[:40]):
        store.insert(
            "replay_item", replay=under_way, delivery=each, was="dead", result="delivered" if place_ < 23 else ""
        )


class RecordedActions:
    """Actions that only write down what was asked; the preview counts for real."""

    def __init__(self, views: SqliteViews) -> None:
        self.views = views
        self.asked: list[tuple[Any, ...]] = []

    async def preview(self, chosen: Filter) -> Preview:
        rows = await self.views.deliveries(chosen)
        return Preview(
            count=len(rows),
            by_destination={
                name: sum(row.destination == name for row in rows) for name in sorted({row.destination for row in rows})
            },
            by_state={name: sum(row.state == name for row in rows) for name in sorted({row.state for row in rows})},
            oldest_ms=min((row.received_ms for row in rows), default=0),
            newest_ms=max((row.received_ms for row in rows), default=0),
        )

    async def replay(self, chosen: Filter, *, by: str, why: str, version: str) -> int:
        self.asked.append(("replay", chosen, by, why, version))
        return 1

    async def ask_stock_run(
        self, kind: str, channel: str, *, sku: str = "", location: str = "", dry: bool = False, by: str, why: str
    ) -> int:
        self.asked.append(("stock_run", kind, channel, sku, dry, by, why))
        return 1

    async def retry(self, ids: tuple[int, ...], *, by: str) -> int:
        self.asked.append(("retry", ids, by))
        return 1

    async def discard(self, chosen: Filter, *, by: str, why: str) -> int:
        self.asked.append(("discard", chosen, by, why))
        return 1

    async def hold(self, chosen: Filter, *, by: str, why: str) -> int:
        self.asked.append(("hold", chosen, by, why))
        return 1

    async def release(self, chosen: Filter, *, by: str, why: str) -> int:
        self.asked.append(("release", chosen, by, why))
        return 1

    async def pause_replay(self, replay_id: int, *, by: str, paused: bool) -> None:
        self.asked.append(("pause", replay_id, by, paused))

    async def backfill(self, asked: Asked, *, by: str, why: str) -> int:
        self.asked.append(("backfill", asked, by, why))
        return 1

    async def ask_privacy(self, request: PrivacyRequest) -> int:
        self.asked.append(("privacy", request))
        return 9

    async def privacy_done(self, number: int, *, by: str, why: str) -> bool:
        self.asked.append(("privacy-done", number, by, why))
        return number != 3

    async def compare(self, wanted: Sweep, *, by: str) -> int:
        self.asked.append(("compare", wanted, by))
        return 9

    async def steer_backfill(self, number: int, action: str, *, by: str, why: str) -> bool:
        self.asked.append(("steer", number, action, by, why))
        return number != 3

    async def stop_flow(self, flow: str, kind: str, *, by: str, why: str) -> None:
        self.asked.append(("stop", flow, kind, by, why))

    async def resume_flow(self, flow: str, *, by: str, why: str) -> bool:
        self.asked.append(("resume", flow, by, why))
        return True

    async def audit(self, *, by: str, action: str, subject: str, why: str) -> None:
        self.asked.append(("audit", by, action, subject, why))


class RecordedDemo:
    """The levers of the demo, written down."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.duplicates = 0

    async def break_system(self, name: str, kind: str) -> None:
        self.asked.append(("break", name, kind))

    async def repair_system(self, name: str) -> None:
        self.asked.append(("repair", name))

    async def place_orders(self, count: int) -> None:
        self.asked.append(("orders", count))

    def broken(self) -> dict[str, str]:
        return {"klaviyo": "503"}

    async def books(self) -> list[Book]:
        return [
            Book(system="netsuite", orders=250, duplicates=self.duplicates),
            Book(system="klaviyo", orders=240, duplicates=0),
        ]


class SmallTranslator:
    """A canonical order with a personal field that only its contract knows to be personal, and a mapping of two fields."""

    async def canonical(self, event: EventRow, release: str) -> Any:
        document = json.loads(event.body or b"{}")
        return {
            "name": document["name"], "total": f"{document['total_price']} {document['currency']}", "loyalty": "GOLD-77",
            "customer": {"id": str(document["customer"]["id"]), "email": document["customer"]["email"]},
            "lines": [{"sku": line["sku"], "quantity": line["quantity"]} for line in document["line_items"]],
        }  # fmt: skip

    async def fields(self, delivery: DeliveryRow, attempt: AttemptRow, canonical: Any, *, revealed: bool) -> FieldTable:
        email = "jon@example.com" if revealed else "\u2022\u2022\u2022\u2022\u2022"
        lines = (
            ("name", "name", "otherRefNum", delivery.name, "mapped"),
            ("contact_email", "email", "email", email, "mapped"),
        )
        return FieldTable(
            object="order", document=attempt.operation, explained=2, total=3, added=("memo",), unused=("loyalty",),
            lines=tuple(
                FieldLine(source=source, canonical=canonical_, sent=sent, value=value, kind=kind)
                for source, canonical_, sent, value, kind in lines
            ),
        )  # fmt: skip

    def personal(self, side: Side, system: str, object_name: str) -> frozenset[str]:
        return frozenset({"loyalty"}) if side == "canonical" else frozenset()
