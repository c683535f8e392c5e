"""Creates and cancels orders at ShipBob; a changed order is cancelled and made anew under the next revision of its
reference.

Facts: brianzinn/shipbob-node-sdk openapi-2026-01.json (no idempotency key; ReferenceIds filter; :cancel; a change of
lines goes by
ShipBob's own inventory ids and answers 200 for failures), developer.shipbob.com/errors (422: the reference exists).
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

import msgspec

from interlock.connectors.contract import (
    Absent,
    Answer,
    Connection,
    Done,
    Found,
    Link,
    LookUp,
    Manifest,
    Outcome,
    Past,
    Plan,
    Refused,
    Uncertain,
    Write,
    classify,
    declared_manifest,
    declared_write,
    no_success,
    warnings_of,
    with_members,
)
from interlock.connectors.shipbob.inventory import ShipBobStock

CREATE: Final = "order.create"
CANCEL: Final = "order.cancel"
REVISION: Final = re.compile(r"-r(\d+)$")
CANCELLED: Final = frozenset({"Cancelled", "Canceled"})
"""Both spellings are met: OrderStatus in the specification, and the text of messages."""


class _Order(msgspec.Struct):
    id: int
    reference_id: str | None = None
    status: str | None = None


class _Result(msgspec.Struct):
    is_success: bool = False


class _Cancellation(msgspec.Struct):
    order: _Order | None = None
    canceled_shipment_results: list[_Result] | None = None


class ShipBob:
    """One channel of a ShipBob account."""

    def __init__(self, connection: Connection, manifest: Manifest) -> None:
        self._connection = connection
        self._manifest = manifest
        self._errors = manifest.error_table
        self._base = f"{connection.url.rstrip('/')}/{connection.settings['api_version']}"
        self._headers = {
            "Authorization": f"Bearer {connection.credentials['token']}",
            "shipbob_channel_id": str(connection.settings["channel_id"]),
            "Content-Type": "application/json",
        }

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:  # noqa: ARG002 - every signal has one wanted state
        """Create once; cancel when cancelled; cancel and create anew when changed. Pure."""
        made, undone = past.links.get(CREATE), past.links.get(CANCEL)
        live = made if made is not None and (undone is None or undone.reference != made.reference) else None
        if document.cancelled_at is not None:
            return Plan(writes=(self._cancel(live),)) if live else Plan(because=_why_nothing(made))
        if not any(line.requires_shipping and line.current_quantity > 0 for line in document.lines):
            return Plan(writes=(self._cancel(live),)) if live else Plan(because="nothing on it is sent by post")
        if live is not None and self._create(document, live.reference).content_hash == live.content_hash:
            return Plan(because="ShipBob has this content already")
        reference = f"{document.origin}-{document.id}" if made is None else _next_revision(made.reference)
        create = self._create(document, reference)
        warnings = warnings_of(self._connection.builders["order"], document)
        return Plan(writes=(self._cancel(live), create) if live is not None else (create,), warnings=warnings)

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:  # noqa: ARG002
        """Make the call. ShipBob knows no idempotency key."""
        if write.operation == CANCEL:
            return await self._send_cancel(write, timeout_seconds)
        answer = await self._send("POST", "/order", write.body, timeout_seconds)
        outcome = classify(answer, self._errors, _created, sent=write.body, now_ms=self._connection.clock.now_ms())
        if isinstance(outcome, Refused) and outcome.code == "DUPLICATE_REFERENCE":
            return await self._existing(write, timeout_seconds)
        return outcome

    async def look_up(self, write: Write, *, timeout_seconds: float) -> LookUp:
        """Whether an order has our reference. Only after the quiet period does Absent mean that none will come."""
        path = f"/order?ReferenceIds={quote(write.reference, safe='')}"
        answer = await self._send("GET", path, None, timeout_seconds)
        orders = _listed(answer)
        if orders is None:
            return classify(answer, self._errors, no_success, now_ms=self._connection.clock.now_ms())  # type: ignore[return-value]
        found = next((order for order in orders if order.reference_id == write.reference), None)
        return Found(external_id=str(found.id)) if found is not None else Absent()

    def _create(self, document: Any, reference: str) -> Write:
        body = with_members(self._connection.builders["order"](document), {"reference_id": reference})
        return declared_write(self._manifest, CREATE, reference=reference, body=body, action="create")

    def _cancel(self, link: Link) -> Write:
        return declared_write(
            self._manifest, CANCEL, reference=link.reference, body=b"", action="cancel", external_id=link.external_id
        )

    async def _existing(self, write: Write, timeout_seconds: float) -> Outcome:
        """The reference is taken, and only we use it: an earlier call of ours had reached ShipBob."""
        found = await self.look_up(write, timeout_seconds=timeout_seconds)
        if isinstance(found, Found):
            return Done(external_id=found.external_id, detail="an earlier call had created it", status=422)
        return Uncertain(
            code="DUPLICATE_REFERENCE", message="the reference is taken, but no order shows it", status=422
        )

    async def _send_cancel(self, write: Write, timeout_seconds: float) -> Outcome:
        answer = await self._send("POST", f"/order/{quote(write.external_id)}:cancel", b"", timeout_seconds)
        outcome = classify(answer, self._errors, _cancelled, now_ms=self._connection.clock.now_ms())
        if isinstance(outcome, Refused) and outcome.status in (200, 422):
            return await self._cancelled_before(write, outcome, timeout_seconds)
        return outcome

    async def _cancelled_before(self, write: Write, refused: Refused, timeout_seconds: float) -> Outcome:
        answer = await self._send("GET", f"/order/{quote(write.external_id)}", None, timeout_seconds)
        order = _one(answer)
        if order is not None and order.status in CANCELLED:
            return Done(external_id=write.external_id, detail="it was cancelled already", status=200)
        return refused

    async def _send(self, method: str, path: str, body: bytes | None, timeout_seconds: float) -> Answer:
        return await self._connection.http.send(method, self._base + path, self._headers, body, timeout_seconds)


def _why_nothing(made: Link | None) -> str:
    return "cancelled before it was created" if made is None else "it is cancelled at ShipBob already"


def _next_revision(reference: str) -> str:
    """`shopify-1`, `shopify-1-r2`, `shopify-1-r3`: the reference of a cancelled order stays taken."""
    found = REVISION.search(reference)
    return f"{reference[: found.start()]}-r{int(found.group(1)) + 1}" if found else f"{reference}-r2"


def _created(answer: Answer) -> Done | None:
    order = _one(answer) if answer.status == 201 else None
    return Done(external_id=str(order.id), status=201) if order is not None else None


def _cancelled(answer: Answer) -> Done | None:
    """200 says success also when shipments could not be cancelled: each result counts."""
    try:
        read = msgspec.json.decode(answer.body, type=_Cancellation)
    except (ValueError, RecursionError):  # not JSON, not this shape, or not UTF-8
        return None
    results = read.canceled_shipment_results or []
    whole = all(result.is_success for result in results)
    if whole and (results or (read.order is not None and read.order.status in CANCELLED)):
        return Done(external_id=str(read.order.id) if read.order else "", detail="cancelled", status=answer.status)
    return None


def _one(answer: Answer) -> _Order | None:
    try:
        return msgspec.json.decode(answer.body, type=_Order) if answer.status in (200, 201) else None
    except (ValueError, RecursionError):  # not JSON, not this shape, or not UTF-8
        return None


def _listed(answer: Answer) -> list[_Order] | None:
    try:
        return msgspec.json.decode(answer.body, type=list[_Order]) if answer.status == 200 else None
    except (ValueError, RecursionError):  # not JSON, not this shape, or not UTF-8
        return None


def destination(connection: Connection) -> ShipBob:
    """The registry's way in."""
    return ShipBob(connection, declared_manifest(connection))


def stock_source(connection: Connection) -> ShipBobStock:
    """The registry's way in."""
    return ShipBobStock(connection, declared_manifest(connection))
