"""What contracts and mappings say of a delivery: the canonical object, the way of each field, which of them are personal."""

from typing import Any, Protocol

import msgspec

from interlock.canonical import Contract
from interlock.console.field_table import FieldTable, field_table, plain
from interlock.console.payload import Side, as_read, mask
from interlock.errors import InterlockError
from interlock.mapping.compile import FieldRow
from interlock.messaging.views import AttemptRow, DeliveryRow, EventRow
from interlock.release.build import Build
from interlock.release.shelf import Shelf


class Translator(Protocol):
    """What the console asks of contracts and mappings: the canonical form of an event, the way of each field, which are personal."""

    async def canonical(self, event: EventRow, release: str) -> Any | None:
        """The canonical object as builtins; None when it cannot be made (the page says so)."""

    async def fields(
        self, delivery: DeliveryRow, attempt: AttemptRow, canonical: Any | None, *, revealed: bool
    ) -> FieldTable | None:
        """Where each field of what was sent comes from; None for a call that no mapping made."""

    def personal(self, side: Side, system: str, object_name: str) -> frozenset[str]:
        """Paths of personal fields, such as `customer.email` or `lines[].note`; all below such a path is personal too."""


class ReleaseTranslator:
    """Asks the release that an attempt was made under; mappings of older releases are compiled again when they are looked at."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._rows: dict[tuple[str, str], dict[tuple[str, str], tuple[FieldRow, ...]]] = {}
        self._personal: dict[tuple[str, Side, str, str], frozenset[str]] = {}

    async def canonical(self, event: EventRow, release: str) -> Any | None:
        """The canonical object as builtins, money as `89.99 USD`; None when the event cannot be translated."""
        build = await self._shelf.get(release)
        try:
            document = build.document(event.system, event.object, event.body or b"")
        except (InterlockError, LookupError):
            return None
        return _with_money(msgspec.to_builtins(document.value))

    async def fields(
        self, delivery: DeliveryRow, attempt: AttemptRow, canonical: Any | None, *, revealed: bool
    ) -> FieldTable | None:
        """Where each field of what was sent comes from; None for calls that no mapping made."""
        sent = as_read(attempt.body)
        if not isinstance(sent, dict):
            return None
        build = await self._shelf.get(attempt.release)
        personal = self.personal("destination", delivery.destination, delivery.object)
        try:
            rows_in = build.mappings.rows_in(delivery.system, delivery.object)
            documents = self._documents(build, delivery.destination)
        except (InterlockError, LookupError):
            return None
        shown = sent if revealed else mask(sent, personal)
        return field_table(sent, shown, canonical, of=delivery.object, rows_in=rows_in, documents=documents)

    def personal(self, side: Side, system: str, object_name: str) -> frozenset[str]:
        """Paths of personal fields by the contract's classes, followed through the mappings of the active release."""
        build = self._shelf.current()
        key = (build.id, side, system, object_name)
        if key not in self._personal:
            self._personal[key] = self._found_personal(build, side, system, object_name)
        return self._personal[key]

    def _found_personal(self, build: Build, side: Side, system: str, object_name: str) -> frozenset[str]:
        if side == "canonical":
            return _personal(*build.versions.ladder(object_name))
        try:
            if side == "source":
                rows = build.mappings.rows_in(system, object_name)
                personal = _personal(*build.versions.ladder(object_name))
                return frozenset(path for row in rows if row.canonical in personal for path in _parts(row.vendor))
            written = self._documents(build, system).items()
            return frozenset().union(
                *(_sent(rows, _personal(*build.versions.ladder(name))) for (name, _), rows in written)
            )
        except (InterlockError, LookupError):
            return frozenset()

    def _documents(self, build: Build, system: str) -> dict[tuple[str, str], tuple[FieldRow, ...]]:
        key = (build.id, system)
        if key not in self._rows:
            self._rows[key] = build.mappings.rows_out(system)
        return self._rows[key]


def _parts(paths: str) -> list[str]:
    return [path.strip() for path in paths.split(",")]


def _sent(rows: tuple[FieldRow, ...], personal: frozenset[str]) -> frozenset[str]:
    """The paths of a destination's document that personal fields go to."""
    return frozenset(plain(row.vendor) for row in rows if not personal.isdisjoint(_parts(row.canonical)))


def _personal(*versions: Contract) -> frozenset[str]:
    """The object's personal paths, and the objects that hold some (an address as a whole). Of every version: several run
    side by side, and what one calls personal may stand under another name in the other."""
    paths = {path for contract in versions for path in contract.personal_paths()}
    holders = {path.rpartition(".")[0] for path in paths if "[]" not in path}
    return frozenset({*paths, *holders} - {""})


def _with_money(value: Any) -> Any:
    """Nulls left out, and each pair of amounts as one text: a page is read by people."""
    if isinstance(value, list | tuple):
        return [_with_money(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"shop", "presentment"}:
        texts = dict.fromkeys(f"{side['amount']} {side['currency']}" for side in value.values())
        return " / ".join(texts)
    return {name: _with_money(each) for name, each in value.items() if each is not None}
