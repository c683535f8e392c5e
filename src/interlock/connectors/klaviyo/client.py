"""Tells Klaviyo what happened to an order, as events that it records once for each unique_id, and who the customer is.

Facts: klaviyo/openapi openapi/stable.json, revision 2026-07-15 (MIT): `unique_id` makes an event idempotent for its
profile and metric;
POST /api/profile-import creates or updates.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar
from urllib.parse import quote

import msgspec

from interlock.connectors.contract import (
    Absent,
    Answer,
    Connection,
    Done,
    Found,
    LookUp,
    Manifest,
    Outcome,
    Past,
    Plan,
    Write,
    brought_along,
    buyer_of,
    classify,
    declared_manifest,
    declared_write,
    no_success,
    with_members,
)

PROFILE: Final = "profile.upsert"
_Shape = TypeVar("_Shape")
PAGES_MAX: Final = 20
"""A look-up reads at most this many pages of one profile's events."""


class Metric(msgspec.Struct, frozen=True):
    """What a signal becomes: the operation, the metric's name, the last part of the unique id, and the builder."""

    operation: str
    name: str
    suffix: str
    builder: str
    own_builder: bool = False


METRICS: Final = {
    "orders/create": Metric("event.placed", "Placed Order", "placed", "placed_order", own_builder=True),
    "orders/cancelled": Metric("event.cancelled", "Cancelled Order", "cancelled", "cancelled_order", own_builder=True),
    "orders/fulfilled": Metric("event.fulfilled", "Fulfilled Order", "fulfilled", "fulfilled_order"),
    "fulfillments/create": Metric("event.shipped", "Fulfilled Partial Order", "shipped", "shipped_order"),
    "refunds/create": Metric("event.refunded", "Refunded Order", "refunded", "refunded_order"),
}
"""The names are those of Klaviyo's own shop integrations, so that its ready-made flows and reports work."""


class _Attributes(msgspec.Struct):
    event_properties: dict[str, Any] | None = None


class _Row(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(min_length=1)]
    attributes: _Attributes | None = None


class _Links(msgspec.Struct):
    next: str | None = None


class _One(msgspec.Struct):
    data: _Row


class _Page(msgspec.Struct):
    data: list[_Row]
    links: _Links | None = None


class Klaviyo:
    """One Klaviyo account."""

    def __init__(self, connection: Connection, manifest: Manifest) -> None:
        self._connection = connection
        self._manifest = manifest
        self._errors = manifest.error_table
        self._base = connection.url.rstrip("/") + "/api"
        self._headers = {
            "Authorization": f"Klaviyo-API-Key {connection.credentials['private_key']}",
            "revision": str(connection.settings["revision"]),
            "Content-Type": "application/vnd.api+json",
            "Accept": "application/vnd.api+json",
        }

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:  # noqa: ARG002 - each signal stands alone
        """The profile, then the event of this signal. Pure."""
        if not hasattr(document, "lines"):
            return Plan(writes=(self._profile(document),))
        topic, _, instance = signal.partition("#")
        if topic == "fulfillments/create" and document.fulfillment_status == "fulfilled":
            topic, instance = "orders/fulfilled", ""  # the last parcel and the whole order are one thing to a customer
        metric = METRICS.get(topic)
        if metric is None:
            return Plan(because=f"{topic} is no marketing event")
        if metric.suffix == "cancelled" and document.cancelled_at is None:
            return Plan(because="the order is not cancelled")
        buyer = buyer_of(document)
        if buyer is None and not (document.email or document.phone):
            return Plan(
                because="no e-mail address, telephone number or customer: Klaviyo could not tell whose event it is"
            )
        event = self._event(document, metric, instance.partition("@")[0])
        return Plan(writes=(self._buyer(buyer), event) if buyer is not None else (event,))

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:  # noqa: ARG002
        """Make the call. The key that Klaviyo remembers is the unique_id in the body."""
        path, done = ("/profile-import", _imported) if write.operation == PROFILE else ("/events", _accepted)
        answer = await self._send("POST", path, write.body, timeout_seconds)
        return classify(answer, self._errors, done, sent=write.body, now_ms=self._connection.clock.now_ms())

    async def look_up(self, write: Write, *, timeout_seconds: float) -> LookUp:
        """Whether the profile, or the event among its profile's events, is there; events cannot be filtered by unique
        id.
        """
        name, value = _identity_in(write)
        path = f"/profiles?filter={quote(f'equals({name},{msgspec.json.encode(value).decode()})')}"
        profiles = await self._list(path, timeout_seconds)
        if not isinstance(profiles, list):
            return profiles
        if not profiles:
            return Absent()
        profile = profiles[0].id
        return (
            Found(external_id=profile)
            if write.operation == PROFILE
            else await self._event_of(profile, write, timeout_seconds)
        )

    def _buyer(self, buyer: Any) -> Write:
        """The customer as an order knows them: it says nothing of tags, which an empty list would clear."""
        write = self._profile(buyer)
        body = with_members(write.body, {}, "data", "attributes", "properties", without=("Tags",))
        return brought_along(msgspec.structs.replace(write, body=body), buyer)

    def _profile(self, customer: Any) -> Write:
        body = self._connection.builders["profile"](customer)
        reference = f"{customer.origin}-customer-{customer.id}"
        return declared_write(self._manifest, PROFILE, reference=reference, body=body)

    def _event(self, document: Any, metric: Metric, instance: str) -> Write:
        """The body of the mapping, under a unique id that names order, happening and instance."""
        unique_id = ":".join(filter(None, (f"{document.origin}-{document.id}", metric.suffix, instance)))
        builders = self._connection.builders
        if metric.own_builder or metric.builder in builders:
            body = with_members(builders[metric.builder](document), {"unique_id": unique_id}, "data", "attributes")
        else:
            body = _derived(builders["placed_order"](document), document, metric, unique_id)
        return declared_write(self._manifest, metric.operation, reference=unique_id, body=body, action="create")

    async def _event_of(self, profile: str, write: Write, timeout_seconds: float) -> LookUp:
        path = f"/events?filter={quote(f'equals(profile_id,{chr(34)}{profile}{chr(34)})')}&sort=-datetime"
        events = await self._list(path, timeout_seconds)
        if not isinstance(events, list):
            return events
        for event in events:
            properties = event.attributes.event_properties if event.attributes is not None else None
            if properties and properties.get("$event_id") == write.reference:
                return Found(external_id=event.id)
        return Absent()

    async def _list(self, path: str, timeout_seconds: float) -> list[_Row] | LookUp:
        """All rows of a JSON:API collection, following its own links within its own host: our key goes nowhere else."""
        rows: list[_Row] = []
        url = self._base + path
        for _ in range(PAGES_MAX):
            answer = await self._connection.http.send("GET", url, self._headers, None, timeout_seconds)
            page = _decoded(answer, _Page)
            url = (page.links.next if page is not None and page.links is not None else "") or ""
            if page is None or (url and not url.startswith(self._base + "/")):
                return classify(answer, self._errors, no_success, now_ms=self._connection.clock.now_ms())  # type: ignore[return-value]
            rows += page.data
            if not url:
                break
        return rows

    async def _send(self, method: str, path: str, body: bytes | None, timeout_seconds: float) -> Answer:
        return await self._connection.http.send(method, self._base + path, self._headers, body, timeout_seconds)


def _derived(placed: bytes, document: Any, metric: Metric, unique_id: str) -> bytes:
    """A happening without a mapping of its own: the order event under another name and time, without its value."""
    named = {"data": {"type": "metric", "attributes": {"name": metric.name}}}
    members = {"unique_id": unique_id, "metric": named, "time": document.updated_at}
    return with_members(placed, members, "data", "attributes", without=("value", "value_currency"))


def _identity_in(write: Write) -> tuple[str, str]:
    """(name, value) of the identity in a body of ours."""
    attributes = msgspec.json.decode(write.body)["data"]["attributes"]
    if write.operation != PROFILE:
        attributes = attributes["profile"]["data"]["attributes"]
    return next((name, attributes[name]) for name in ("external_id", "email", "phone_number") if attributes.get(name))


def _accepted(answer: Answer) -> Done | None:
    """202: validated and submitted; the event appears later."""
    return Done(status=202, detail="accepted") if answer.status == 202 else None


def _imported(answer: Answer) -> Done | None:
    page = _decoded(answer, _One)
    return Done(external_id=page.data.id, status=answer.status) if page is not None else None


def _decoded(answer: Answer, kind: type[_Shape]) -> _Shape | None:
    """None for anything that does not look exactly like it: what is not understood is no success."""
    try:
        return msgspec.json.decode(answer.body, type=kind) if answer.status in (200, 201) else None
    except (ValueError, RecursionError):  # not JSON, not this shape, or not UTF-8
        return None


def destination(connection: Connection) -> Klaviyo:
    """The registry's way in."""
    return Klaviyo(connection, declared_manifest(connection))
