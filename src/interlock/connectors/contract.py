"""What a vendor folder must provide: a manifest, a client that writes and looks up (or reads), and its webhook
dialects.

A vendor folder imports this module and `interlock.connectors.http`, nothing else of Interlock.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from interlock.canonical.money import quantum
from interlock.clock import Clock
from interlock.connectors.allowance import Allowance, Hold, Lane, Level
from interlock.connectors.http import Answer, Http
from interlock.connectors.installation import Returned
from interlock.connectors.manifest import Manifest, Operation
from interlock.connectors.observations import Observations
from interlock.connectors.standard_webhooks import Seal, signed_id, signed_seconds
from interlock.connectors.token_endpoint import OAUTH_FORM, GivenToken, error_code, no_token, not_judged, token_answer
from interlock.connectors.token_store import StoredToken, TokenStore
from interlock.connectors.tokens import NOT_CONNECTED, Denied, Grant, Granted, TokenKeeper, fingerprint
from interlock.connectors.verdict import classify, retry_after_seconds
from interlock.errors import IntakeError, MappingError, SettingsError, UnmappedReference
from interlock.messaging import dropped, stock
from interlock.messaging.event import Dialect, Envelope, Headers, Subject
from interlock.messaging.outcome import Done, Outcome, Refused, Retry, Uncertain
from interlock.messaging.source import BulkState, Held, Listed, Page, Reach, Subscription, Whole, WholePage
from interlock.messaging.write import Absent, Destination, Found, Link, LookUp, Once, Past, Plan, Source, Write

__all__ = [
    "NOT_CONNECTED", "OAUTH_FORM", "Absent", "Allowance", "Answer", "Builder", "BulkState", "Clock", "Connection", "Denied", "Destination",
    "Dialect", "Done", "Envelope", "Found", "GivenToken", "Grant", "Granted", "Headers", "Held", "Hold", "Http", "IntakeError",
    "Lane", "Level", "Link", "Listed", "LookUp", "Manifest", "MappingError", "Observations", "Once", "Operation", "Outcome",
    "Page", "Past", "Plan", "Reach", "Records", "Refused", "Retry", "Returned", "Seal", "SettingsError", "Source", "StoredToken",
    "Subject", "Subscription", "TokenKeeper", "TokenStore", "Uncertain", "UnmappedReference", "Whole",
    "WholePage", "Write", "brought_along", "buyer_of", "classify", "declared_manifest", "declared_write", "dropped", "error_code",
    "fingerprint", "no_success", "no_token", "not_judged", "quantum", "retry_after_seconds", "signed_id", "signed_seconds", "stock",
    "token_answer", "warnings_of", "with_members",
]  # fmt: skip

Builder = Callable[[Any], bytes]
"""A compiled `out` mapping, its context bound: canonical object -> the vendor's JSON as bytes.

Raises MappingError with the path.
"""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """All that a client is given. Nothing is read from the environment, the clock or the disk by a client itself.

    `builders` are keyed as in mapping.toml: `salesOrder`, `customer`. `credentials` are resolved secrets by the
    manifest's names. `quiet_period_seconds` is the folder's, which may lengthen those of the operations. `manifest` and
    the defaults of settings are added by the registry. `tokens` is where access tokens are kept, over all processes;
    without it a client keeps its own in memory. `allowance` has the points of vendors that count by points, over all
    processes; without it a client counts alone. `observations` is told what is to be seen though nothing failed.
    `calls_per_second` is what the folder lets the system be called, 0 where it leaves that to the manifest.
    """

    system: str
    url: str
    settings: Mapping[str, Any]
    credentials: Mapping[str, str]
    builders: Mapping[str, Builder]
    http: Http
    clock: Clock
    quiet_period_seconds: float = 0.0
    calls_per_second: float = 0.0
    manifest: Manifest | None = None
    tokens: TokenStore | None = None
    allowance: Allowance | None = None
    observations: Observations | None = None

    def __repr__(self) -> str:
        """Without the credentials: it may end in a log or a traceback."""
        return f"Connection({self.system!r}, {self.url!r})"


def declared_write(
    manifest: Manifest, operation: str, *, reference: str, body: bytes, action: str = "write", external_id: str = ""
) -> Write:
    """A write whose once-only way and times are those that the manifest declares for the operation."""
    declared = manifest.operation(operation)
    assert declared.once is not None
    return Write(
        operation=operation,
        once=declared.once,
        reference=reference,
        body=body,
        action=action,
        external_id=external_id,
        quiet_period_seconds=declared.quiet_period_seconds,
        memory_seconds=declared.memory_seconds,
    )


def brought_along(write: Write, customer: Any) -> Write:
    """The write of a customer whom an order brings along: its crosswalk and version fence are the customer's own, so that
    the orders of one customer, and events of the customer, write it in their order and only when something changed.
    """
    return msgspec.structs.replace(write, object="customer", key=customer.id)


def declared_manifest(connection: Connection) -> Manifest:
    """The manifest that the registry added. Raises SettingsError CON005 when the client was made without it."""
    if connection.manifest is None:
        raise SettingsError("open a connector through the registry", code="CON005")
    return connection.manifest


def with_members(body: bytes, members: Mapping[str, Any], *inside: str, without: tuple[str, ...] = ()) -> bytes:
    """A JSON object with members set (and some taken out) in the object that the steps of `inside` lead to.

    Everything else keeps its own bytes: no number passes through a float.
    """
    document = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    if inside:
        inner = bytes(document.get(inside[0], msgspec.Raw(b"{}")))
        document[inside[0]] = msgspec.Raw(with_members(inner, members, *inside[1:], without=without))
    else:
        document = {name: value for name, value in document.items() if name not in without}
        document |= {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in members.items()}
    return msgspec.json.encode(document)


def warnings_of(builder: Builder, document: Any) -> tuple[str, ...]:
    """What a person should look at although the document can be written; a plain function has nothing to say."""
    tell = getattr(builder, "warnings", None)
    return tell(document) if tell is not None else ()


def no_success(_: Answer) -> Done | None:
    """The reader for an answer that is known to be no success."""
    return None


class Records(Protocol):
    """A system whose records a process reads to enrich its message; the kinds are the manifest's `readings`."""

    async def fetch(self, record: str, key: str, *, timeout_seconds: float) -> bytes | Absent | Retry | Refused:
        """The record as the raw bytes of the vendor's answer, a JSON object."""


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """The customer as an order knows them, with the fields of the customer contract that an order can fill."""

    id: str
    origin: str
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    accepts_marketing: bool
    currency: str | None
    address: Any = None
    created_at: Any = None
    updated_at: Any = None
    state: str | None = None
    note: str | None = None
    tags: tuple[str, ...] = ()
    verified_email: bool = False
    tax_exempt: bool = False


def buyer_of(order: Any) -> Buyer | None:
    """What a `customer` builder reads when all there is of a customer is an order; None for guests and the till."""
    customer = order.customer
    if customer is None:
        return None
    return Buyer(
        id=customer.id,
        origin=order.origin,
        email=customer.email or order.email,
        phone=customer.phone or order.phone,
        first_name=customer.first_name,
        last_name=customer.last_name,
        accepts_marketing=customer.accepts_marketing,
        currency=order.currency,
        address=order.billing_address or order.shipping_address,
    )
