"""What differs between the vendors for the suite: configuration, credentials, settings, and the write that creates."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from interlock.canonical import load_contracts
from interlock.clock import SystemClock
from interlock.connectors import registry
from interlock.connectors.contract import Connection, Destination, Http, Past, Write
from interlock.mapping import Context, Items, compile_in, compile_out, connector_functions, connector_mapping
from interlock.twins.shopify.orders import make_order

CONTRACTS = load_contracts()
PEM = serialization.Encoding.PEM
BOOKED = ("shipping", "tax", "tip", "duty", "fee", "rounding", "difference", "gift_card")
MAPPING_SETTINGS = {f"{name}_item": "5" for name in BOOKED} | {
    "guest_entity": "1",
    "currencies": dict.fromkeys(("USD", "EUR", "SEK", "ISK", "JPY", "KWD", "CAD"), "1"),
}


PEOPLES_TOKEN = "for-people"
"""Opens NetSuite's twin to what people do there: the twin is shared by all tests, so all of them know it."""


class Twin:
    """A running twin."""

    url: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        raise NotImplementedError

    def fail(self, **rule: Any) -> None:
        """Add a fault that strikes vendor requests; the suite adds the path."""
        self.call("POST", "/_twin/faults", rule)

    def effects(self, kind: str, key: str) -> int:
        """How often an operation was applied to a business key."""
        return sum(effect["key"].endswith(key) for effect in self.call("GET", f"/_twin/effects?kind={kind}"))


@dataclass(frozen=True)
class Case:
    """One vendor: everything that the suite must know of it."""

    vendor: str
    creates: str
    path: str
    effect: str
    credentials: dict[str, str]
    wrong: dict[str, str]
    config: dict[str, Any] = field(default_factory=dict)
    naive_config: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    method: str = "POST"
    once_only: bool = True
    """Whether a write that may have happened can be made safe to finish without a person."""


@cache
def _key() -> tuple[str, str]:
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


@cache
def cases() -> tuple[Case, ...]:
    """The destinations. A new connector adds its case here and runs every test of the suite."""
    private, public = _key()
    netsuite = {"client_id": "client", "certificate_id": "cert", "private_key": private}
    return (
        Case(
            vendor="netsuite",
            creates="salesOrder.upsert",
            method="PUT",
            path="/record/v1/salesOrder",
            effect="salesOrder.create",
            credentials=netsuite,
            wrong=netsuite | {"certificate_id": "another"},
            config={
                "clients": [{"client_id": "client", "certificates": {"cert": public}}],
                "entities": "any",
                "access_tokens": [PEOPLES_TOKEN],
            },
            naive_config={"unique_external_id": False},
        ),
        Case(
            vendor="shipbob",
            creates="order.create",
            path="/order",
            effect="order.create",
            credentials={"token": "twin-token"},
            wrong={"token": "another"},
            config={"rate_per_minute": 0},
            naive_config={"unique_reference": False},
            settings={"channel_id": 100},
        ),
        Case(
            vendor="klaviyo",
            creates="event.placed",
            path="/api/events",
            effect="event.create",
            credentials={"private_key": "pk_twin"},
            wrong={"private_key": "pk_another"},
            config={"limits": "off"},
            naive_config={"unique_events": False},
        ),
        Case(
            vendor="shopify",
            creates="flowTrigger.order",
            path="/admin/api/2026-07/graphql.json",
            effect="flowTrigger.receive",
            credentials={"access_token": "shpat_twin"},
            wrong={"access_token": "shpat_another"},
            config={"flow_triggers": ["order-news"]},
            settings={"flow_trigger_handles": {"order": "order-news"}},
            once_only=False,
        ),
    )


def effects_of(case: Case, twin: Twin, write: Write) -> int:
    """How often a write was applied; the one vendor that keeps no reference of ours is asked for the payload."""
    if case.once_only:
        return twin.effects(case.effect, write.reference)
    wanted = json.loads(write.body)["payload"]
    return sum(row["payload"] == wanted for row in twin.call("GET", "/_twin/flow_triggers")["flow_triggers"])


def order(number: int, **changed: Any) -> Any:
    """A canonical order, read from a generated webhook body (with `changed` fields) by the mapping that ships."""
    body = make_order(random.Random(number), number, "plain") | changed
    return _reader()(json.dumps(body, default=str).encode(), Context(system="shopify"))


@cache
def _reader() -> Any:
    mapping = connector_mapping("shopify").table_in("order")
    return compile_in(mapping, CONTRACTS["order.v1"], connector_functions("shopify"))


@cache
def builders(vendor: str) -> dict[str, Callable[[Any], bytes]]:
    """The compiled mappings that ship with a vendor, their context bound."""
    mapping = connector_mapping(vendor)
    context = Context(
        system=vendor,
        settings=mapping.settings_with(MAPPING_SETTINGS),
        items=Items(rule="variant", generic_item="999", system=vendor),
    )
    found: dict[str, Callable[[Any], bytes]] = {}
    for name in ("order", "customer"):
        for document in mapping.documents(name):
            table = mapping.table_out(name, document)
            writer = compile_out(table, CONTRACTS[f"{name}.v1"], connector_functions(vendor))
            found[document] = partial(writer, context=context)
    return found


def connect(case: Case, url: str, http: Http, *, credentials: dict[str, str] | None = None) -> Destination:
    """A client as the registry opens it."""
    connection = Connection(
        system=case.vendor,
        url=url,
        settings=case.settings,
        credentials=credentials or case.credentials,
        builders=builders(case.vendor),
        http=http,
        clock=SystemClock(),
    )
    return registry.open_destination(case.vendor, connection)


def host_of(url: str) -> str:
    return urlsplit(url).netloc


def creating(case: Case, destination: Destination, number: int) -> Write:
    """The write of the plan that creates, after which the suite asks."""
    plan = destination.plan(order(number), signal="orders/create", past=Past())
    return next(write for write in plan.writes if write.operation == case.creates)


async def with_client(
    case: Case, twin: Twin, use: Callable[[Destination], Coroutine[Any, Any, Any]], **more: Any
) -> Any:
    """Run one coroutine with a client of its own pool, which is closed afterwards."""
    http = Http([host_of(twin.url)])
    try:
        return await use(connect(case, twin.url, http, **more))
    finally:
        await http.close()
