"""An event: something that happened in a system, as received, and what its signed body says it is about."""

from typing import Protocol, runtime_checkable

import msgspec

Headers = dict[str, str]
"""Header names in lower case; the last of repeated headers wins, a repeated signature header is refused by the
dialect."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the headers claim. Nothing here is signed (Shopify signs the body only), so all of it is a hint."""

    dialect: str
    topic: str = ""
    event_id: str = ""
    webhook_id: str = ""
    shop: str = ""
    api_version: str = ""
    triggered_at_ms: int = 0


class Subject(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the signed body says: which object, in which version, and what must have happened for it to look like this.

    `key` is the object's id at its system, as a string. `version` is microseconds since the epoch (0: the body does not
    say).
    `complete` means that the body carries the whole object, so that no read of the source is needed.
    `facts` are topics that the content itself proves, each with an instance after `#` when it can happen more than once
    to one key: `orders/create`, `orders/cancelled`, `refunds/create#890088186047892319`. Flows are triggered by facts,
    never by the unsigned topic header. `name` is the business name (`#1001`). `summary` is a small JSON object for
    lists, free of personal data (`{"total": "414.95", "currency": "USD", "test": false, "cancelled": true}`).
    `shop` is the shop that the signed body itself names, which counts for more than a header.
    """

    object: str
    key: str
    version: int = 0
    complete: bool = False
    facts: tuple[str, ...] = ()
    name: str = ""
    summary: str = ""
    shop: str = ""


class Event(msgspec.Struct, kw_only=True, gc=False):
    """One row of the inbox."""

    position: int = 0
    system: str
    dialect: str
    topic: str
    object: str
    key: str
    name: str = ""
    summary: str = ""
    version: int = 0
    complete: bool = False
    facts: tuple[str, ...] = ()
    event_id: str = ""
    webhook_id: str = ""
    api_version: str = ""
    triggered_at_ms: int = 0
    received_at_ms: int
    release: str
    flags: tuple[str, ...] = ()
    priority: int = 0
    sha256: bytes
    body: bytes | None

    @property
    def dedupe_key(self) -> str:
        """The business key, from signed content alone: the same fact sent again, under whatever headers, has the same
        key.

        A body that states neither a version nor an instance can be equal after a change there and back: then the sender's
        event id tells two happenings apart, and each only says that the object is to be read (C16).
        """
        key = f"{self.object}/{self.key}/{self.version}/{self.sha256[:8].hex()}"
        if self.version or any("#" in fact for fact in self.facts):
            return key
        return f"{key}/{self.event_id}"


class Dialect(Protocol):
    """How one vendor's webhooks are recognised, verified and read. Implemented in the vendor's connector folder."""

    name: str

    def recognises(self, headers: Headers) -> bool:
        """True when these headers are of this dialect."""

    def envelope(self, headers: Headers) -> Envelope:
        """Read the claims of the headers."""

    def verify(self, headers: Headers, body: bytes, secrets: tuple[bytes, ...]) -> bool:
        """Compare the signature with that of each secret in constant time; True when one fits."""

    def subject(self, envelope: Envelope, body: bytes) -> Subject:
        """Read the signed body. Raises IntakeError (400) when it is not JSON or names no object."""


@runtime_checkable
class FrugalDialect(Dialect, Protocol):
    """A dialect whose webhooks say more than anybody here needs, such as who gets a parcel, and name no shop."""

    def kept(self, body: bytes) -> bytes:
        """What is kept of a verified body, as JSON: no name and no address. Raises IntakeError (400) when it cannot be read."""


@runtime_checkable
class AddressedDialect(Dialect, Protocol):
    """A dialect whose signature covers the address too that the vendor writes to, byte for byte."""

    def at(self, address: str) -> Dialect:
        """The dialect of the endpoint that the vendor knows by this address; "" verifies nothing."""
