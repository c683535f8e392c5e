"""Starts workflows of Shopify Flow: what happened to an order or a customer goes to our trigger, once for each fact.

Facts (F78; https://shopify.dev/docs/apps/build/flow/triggers/reference): a trigger is an extension of the app with a handle of at
most 30 letters, digits and hyphens; its payload has a member for each of its fields, `order_id` or `customer_id` for a
reference. flowTriggerReceive takes no key, gives back nothing but userErrors, and no query tells what was received.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from interlock.connectors.contract import (
    Connection,
    Done,
    LookUp,
    Outcome,
    Past,
    Plan,
    Uncertain,
    Write,
    declared_manifest,
    declared_write,
)
from interlock.connectors.shopify.graphql import Admin

HANDLES: Final = "flow_trigger_handles"
OPERATIONS: Final = {"order": ("flowTrigger.order", "order_trigger"), "customer": ("flowTrigger.customer", "customer_trigger")}
"""Object -> the operation and the document of mapping.toml."""


class _Variables(msgspec.Struct):
    """What the mutation is given; the payload goes on as the mapping wrote it, so no number changes on the way."""

    handle: str
    payload: msgspec.Raw


class FlowTriggers:
    """The triggers of one app at one store. They write no field of anything: what they start is the merchant's own."""

    def __init__(self, connection: Connection) -> None:
        self._manifest = declared_manifest(connection)
        self._builders = connection.builders
        self._handles: Mapping[str, Any] = connection.settings.get(HANDLES) or {}
        self._admin = Admin(connection)

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:  # noqa: ARG002 - each fact stands alone
        """One trigger: that of the fact's topic, else that of the object. Pure."""
        name = "order" if hasattr(document, "lines") else "customer"
        topic, _, instance = signal.partition("#")
        handle = self._handles.get(topic) or self._handles.get(name)
        if not handle:
            return Plan(because=f"no trigger for {topic or name}: {HANDLES} names none")
        operation, builder = OPERATIONS[name]
        happened = (f"{document.origin}-{name}-{document.id}", topic, instance)
        body = msgspec.json.encode(_Variables(str(handle), msgspec.Raw(self._builders[builder](document))))
        reference = ":".join(filter(None, happened))
        return Plan(writes=(declared_write(self._manifest, operation, reference=reference, body=body, action="create"),))

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:  # noqa: ARG002
        """Fire it. Shopify takes no key: what may have arrived is for a person."""
        asked = msgspec.json.decode(write.body, type=_Variables)
        variables = {"handle": asked.handle, "payload": asked.payload}
        answer = await self._admin.change("flow_trigger", variables, timeout_seconds=timeout_seconds)
        return Done(status=200, detail=f"trigger {asked.handle}") if isinstance(answer, dict) else answer

    async def look_up(self, write: Write, *, timeout_seconds: float) -> LookUp:  # noqa: ARG002
        """Nobody can: only the merchant sees the runs, in Flow."""
        return Uncertain(code="NO_LOOK_UP", message="Shopify does not tell which triggers it received; look at the runs in Flow")
