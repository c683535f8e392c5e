"""The facts of one vendor as data: connector.toml, read into a typed manifest and checked before anything connects."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Collection, Mapping
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from interlock.connectors.verdict import ErrorRule, ErrorTable
from interlock.errors import SettingsError
from interlock.messaging.write import Once

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]*$")]
QUALITY_RULES = (
    "once_only", "error_table", "conformance", "twin", "recorded_answers", "webhooks_verified", "sunset_known",
    "limits_sourced", "docs",
)  # fmt: skip
"""The rungs of the ladder: each manifest says of each rule whether it is done, todo or exempt."""


class Identity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who the vendor is and which version of its API is spoken. `sunset` is a date, "rolling" or "none announced"."""

    name: Name
    title: str
    docs: Annotated[str, Meta(pattern=r"^https://")]
    api_version: str
    sunset: str
    download_hosts: tuple[str, ...] = ()
    """Where the vendor lays files for us: they are fetched from there, and nothing is ever sent."""
    hosts: tuple[str, ...] = ()
    """The hosts of the live service, `*` for one label: for whoever writes the rules of a firewall."""


class Direction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be done with a canonical object: `read`, `write`, `webhook`, `list` what changed, read all in `bulk`."""

    can: tuple[Literal["read", "write", "webhook", "list", "bulk"], ...]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An object with an id of its own that is told of by events of what it belongs to: a refund `of` an order."""

    object: str
    of: str


class Gate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who knows whether an object may leave: events of `object` by `topics` tell that it may have changed."""

    object: str
    topics: tuple[str, ...]


class Stock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the system has to do with stock: it `counts` (a stock_source in client.py), it `shows` (a stock_channel), and by which
    webhook topics it tells what a flow of stock needs to hear; by those of `routed`, that a sale is taken from elsewhere, which
    matters where it shows several locations."""

    counts: bool = False
    shows: bool = False
    topics: tuple[str, ...] = ()
    routed: tuple[str, ...] = ()


class Operation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to change the vendor's data and how it becomes once-only. Times are in seconds; each has its source.

    `reference` is our name of the record, of {origin}, {key} and {instance}, where a point-to-point flow may send a
    document of its own; the document carries it at `reference_at`, when it must carry it. `undoes` names the operation
    that this one takes back, for an object that is planned as cancelled.
    """

    name: Annotated[str, Meta(pattern=r"^[A-Za-z]+\.[a-z_]+$")]
    object: str
    creates: bool
    once: Once | None = None
    quiet_period_seconds: float = 0.0
    memory_seconds: float = 0.0
    longest_processing_seconds: float = 0.0
    writes: tuple[str, ...] = ()
    """Fields of the object that the call itself changes, beside its document: a cancellation changes `cancelled_at`."""
    meaning: str = ""
    source: str = ""
    reference: str = ""
    reference_at: str = ""
    undoes: str = ""
    signal: bool = False
    """It only tells that something happened, and writes no field of the object: it may go back to where the news is from."""
    loops_with: tuple[str, ...] = ()
    """Of a signal: topics by which what it sets off would set it off again; `flow/*` stands for all that begin so."""

    def __post_init__(self) -> None:
        if self.once is None:
            raise ValueError(f"operation {self.name!r} has no once-only way; say once = upsert, key, look_up or hand")
        if self.once is Once.KEY and self.memory_seconds <= 0:
            raise ValueError(f"operation {self.name!r} relies on the vendor's key; say its memory_seconds")
        looked_up, upserted = self.once is Once.LOOK_UP, self.once is Once.UPSERT
        outlasts = self.quiet_period_seconds > self.longest_processing_seconds
        if not outlasts and (looked_up or (upserted and self.longest_processing_seconds > 0)):
            raise ValueError(f"operation {self.name!r}: quiet_period_seconds must exceed longest_processing_seconds")

    def with_quiet_period(self, own_seconds: float | None, at_least_seconds: float) -> Operation:
        """With the quiet period of a system's settings. Against a twin that may be shorter than a vendor's longest
        processing, so what the manifest itself must keep is not asked again.
        """
        declared = self.quiet_period_seconds if own_seconds is None else own_seconds
        changed = copy.copy(self)
        msgspec.structs.force_setattr(changed, "quiet_period_seconds", max(declared, at_least_seconds))
        return changed


class DocumentRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must be known of a document before a row may be left out of it.

    `requires`: rows without which the vendor takes no such document. `replaces`: lists that replace the vendor's whole
    list, so that a field an element leaves out is cleared. `along`: objects that bring this document along.
    """

    requires: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    along: tuple[str, ...] = ()
    source: str = ""


class Reading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of record that a process may read by a key, to enrich its message with it."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z]+$")]
    meaning: str
    source: str = ""


class Setting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key under [settings] of the system's file."""

    name: Name
    type: Literal["text", "integer", "number", "boolean", "list", "table"] = "text"
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    meaning: str


class Credential(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One secret, given by reference. `several` means that more than one may be valid at a time."""

    name: Name
    required: bool = True
    several: bool = False
    meaning: str


class Access(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to sign in: the credentials that it takes together, and the settings that choose it. Of several, the first
    that is complete is used. `connects`: its first token comes of `interlock connect`, not of the credentials."""

    name: str
    needs: tuple[Name, ...]
    meaning: str
    when: dict[Name, str] = {}
    connects: bool = False


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the vendor allows, as the default of the destination's limiter."""

    concurrency: Annotated[int, Meta(ge=1)]
    rate_per_second: Annotated[float, Meta(gt=0)]
    source: str = ""


class Quality(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rung: done, todo, or exempt with the reason."""

    state: Literal["done", "todo", "exempt"]
    reason: str = ""

    def __post_init__(self) -> None:
        if self.state == "exempt" and not self.reason:
            raise ValueError("an exemption needs its reason")


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """connector.toml as a whole."""

    connector: Identity
    auth: str
    objects: dict[str, Direction] = {}
    topics: tuple[str, ...] = ()
    subscribes: bool = False
    """Whether subscriptions of its topics can be made through its API (a `subscriber`)."""
    parts: dict[str, Part] = {}
    """By topic: what its fact is about by its own id, where the event is that of another object."""
    gates: dict[str, Gate] = {}
    stock: Stock = Stock()
    """By object: where it can be asked what holds one back (`held` of the source)."""
    operations: tuple[Operation, ...] = ()
    readings: tuple[Reading, ...] = ()
    documents: dict[str, DocumentRules] = {}
    settings: tuple[Setting, ...] = ()
    credentials: tuple[Credential, ...] = ()
    access: tuple[Access, ...] = ()
    """Ways to sign in, the preferred one first; empty where there is but one."""
    scopes: dict[Literal["read", "write", "topic", "optional"], dict[str, tuple[str, ...]]] = {}
    """What credentials must be granted to read or write an object, or to subscribe to a topic; empty: cannot be narrowed.
    `optional` widens what can be read of an object."""
    versions: dict[str, date] = {}
    """The API versions that the connector is tried with, and the day from which the vendor need not answer each."""
    limits: Limits
    errors: tuple[ErrorRule, ...] = ()
    quality: dict[str, Quality] = {}

    def __post_init__(self) -> None:
        missing = set(QUALITY_RULES) - self.quality.keys()
        unknown = self.quality.keys() - set(QUALITY_RULES)
        if missing or unknown:
            raise ValueError(f"[quality] lacks {sorted(missing)} and has unknown {sorted(unknown)}")
        named = {operation.name for operation in self.operations}
        lost = sorted({one.undoes for one in self.operations} - named - {""})
        if lost:
            raise ValueError(f"`undoes` names operations that are not there: {lost}")
        written = {operation.object for operation in self.operations}
        declared = {name for name, direction in self.objects.items() if "write" in direction.can}
        if written != declared:
            raise ValueError(
                f"objects that can be written {sorted(declared)} are not those with operations {sorted(written)}"
            )

    @property
    def name(self) -> str:
        """The connector's name, which is its folder's."""
        return self.connector.name

    def with_quiet_period(self, own_seconds: float | None, at_least_seconds: float) -> Manifest:
        """The same facts with the quiet period of the system's settings, when it has one, lengthened to the folder's.

        It is how long a call that was never answered may still be applied: so long a create is not looked up, and what
        was written after such an upsert is made sure of.
        """
        operations = tuple(one.with_quiet_period(own_seconds, at_least_seconds) for one in self.operations)
        return msgspec.structs.replace(self, operations=operations)

    def operation(self, name: str) -> Operation:
        """The operation of this name. Raises KeyError: a client that plans an undeclared write is a mistake of ours."""
        return self.operations_by_name[name]

    @cached_property
    def operations_by_name(self) -> dict[str, Operation]:
        """Operations by their names."""
        return {operation.name: operation for operation in self.operations}

    def access_by(self, given: Collection[str], settings: Mapping[str, Any] = MappingProxyType({})) -> Access | None:
        """The way to sign in that these credentials make complete, as the settings choose."""
        chosen = (one for one in self.access if one.when.items() <= settings.items())
        return next((one for one in chosen if set(one.needs) <= set(given)), None)

    @cached_property
    def error_table(self) -> ErrorTable:
        """The [[errors]] rows, ready for classify."""
        return ErrorTable(self.errors)

    def setting(self, name: str, given: Any) -> Any:
        """The given value, or the default that the manifest declares."""
        if given is not None:
            return given
        return next((setting.default for setting in self.settings if setting.name == name), None)


def read_manifest(text: str, where: str) -> Manifest:
    """Read and check one connector.toml. Raises SettingsError CON001 with the place and the mistake."""
    try:
        return msgspec.convert(tomllib.loads(text), Manifest)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(
            f"the manifest is wrong: {error}",
            code="CON001",
            where=where,
            next_move="correct the manifest; docs/guides/add-a-connector.md",
        ) from error
