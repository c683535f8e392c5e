"""Finds the vendor folders: a folder with a connector.toml is a connector; adding one touches nothing outside it."""

from __future__ import annotations

import importlib
import importlib.resources
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache, partial
from importlib.resources.abc import Traversable
from typing import Any

import msgspec

from interlock.connectors.contract import Connection, Destination, Dialect, Records, Source
from interlock.connectors.manifest import Access, Manifest, read_manifest
from interlock.connectors.straight import try_map
from interlock.errors import SettingsError
from interlock.mapping.language import Mapping as MappingFile
from interlock.mapping.language import MappingFileError
from interlock.mapping.library import connector_mapping
from interlock.mapping.written import rows_of
from interlock.messaging.event import AddressedDialect
from interlock.messaging.write import Once
from interlock.strategy.facts import ConnectorFact, DocumentFact, RowFact, SettingFact, VersionFact, WriteFact
from interlock.strategy.model import System

ONCE_ONLY: Mapping[Once, Any] = {
    Once.UPSERT: "upsert", Once.KEY: "idempotency-key", Once.LOOK_UP: "look-up", Once.HAND: "person",
}  # fmt: skip
"""The words of the strategy folder for the ways in which a write becomes once-only."""


STOCK = "inventory_level"
STOCK_READ = "stock/levels"
"""The trigger of a flow of stock whose source is read on a schedule: what the hub reads becomes an event of this topic."""


@cache
def names() -> tuple[str, ...]:
    """The names of all connectors, sorted."""
    return tuple(sorted(folder.name for folder in _root().iterdir() if (folder / "connector.toml").is_file()))


@cache
def manifest(name: str) -> Manifest:
    """The checked manifest. Raises SettingsError CON001 (wrong), CON002 (no such connector)."""
    if name not in names():
        raise SettingsError(
            f"there is no connector {name!r}",
            code="CON002",
            next_move=f"use one of: {', '.join(names())}, or add a folder for it",
        )
    file = _root() / name / "connector.toml"
    found = read_manifest(file.read_text(encoding="utf-8"), str(file))
    if found.name != name:
        raise SettingsError(f"the folder {name!r} holds the manifest of {found.name!r}", code="CON001", where=str(file))
    return found


def facts() -> dict[str, ConnectorFact]:
    """What the strategy's loader must know of each connector."""
    return {name: _fact(manifest(name)) for name in names()}


def open_destination(name: str, connection: Connection) -> Destination:
    """The client that writes to this vendor. Raises SettingsError CON003 when it cannot write, CON004 when a setting
    is missing.
    """
    destination: Destination = _factory(name, "destination")(_complete(name, connection))
    return destination


def open_source(name: str, connection: Connection) -> Source:
    """The client that reads from this vendor. Raises SettingsError CON003 when it cannot read, CON004 when a setting
    is missing.
    """
    source: Source = _factory(name, "source")(_complete(name, connection))
    return source


def open_offer(name: str, what: str, connection: Connection) -> Any:
    """What a source offers beside reading one object: `listing`, `bulk` or `subscriber` (interlock.messaging.source).

    Raises SettingsError CON003 when this vendor's does not, CON004 when a setting is missing.
    """
    return _factory(name, what)(_complete(name, connection))


def download_hosts(connectors: Iterable[str]) -> frozenset[str]:
    """Where these vendors lay files for us."""
    return frozenset(host for name in connectors for host in manifest(name).connector.download_hosts)


def open_records(name: str, connection: Connection) -> Records:
    """The client that reads records of this vendor. Raises SettingsError CON003 when it reads none, CON004 when a
    setting is missing.
    """
    records: Records = _factory(name, "records")(_complete(name, connection))
    return records


def declared(name: str, connection: Connection) -> Manifest:
    """The manifest as a client of this connection has it: with the quiet periods of the folder."""
    complete = _complete(name, connection).manifest
    assert complete is not None  # _complete adds it
    return complete


@cache
def dialects(name: str, address: str = "") -> tuple[Dialect, ...]:
    """The webhook dialects of a vendor, as they are spoken to an address of ours; none when it sends no webhooks."""
    if not (_root() / manifest(name).name / "webhooks.py").is_file():
        return ()
    found: tuple[Dialect, ...] = importlib.import_module(f"{__package__}.{name}.webhooks").DIALECTS
    return tuple(one.at(address) if isinstance(one, AddressedDialect) else one for one in found)


def text_of(name: str, file: str) -> str:
    """A text file of a vendor's folder, such as mapping.toml or README.md."""
    return (_root() / manifest(name).name / file).read_text(encoding="utf-8")


def _root() -> Traversable:
    return importlib.resources.files(__package__ or "interlock.connectors")


def _factory(name: str, what: str) -> Any:
    client = importlib.import_module(f"{__package__}.{manifest(name).name}.client")
    try:
        return getattr(client, what)
    except AttributeError:
        raise SettingsError(f"connector {name!r} is no {what}", code="CON003", next_move="correct the flow") from None


def _complete(name: str, connection: Connection) -> Connection:
    """Add the manifest and the defaults of settings; refuse what is missing, all at once."""
    found = manifest(name)
    settings = {item.name: item.default for item in found.settings if item.default is not None} | dict(
        connection.settings
    )
    missing = [f"setting {item.name}" for item in found.settings if item.required and item.name not in settings]
    missing += [
        f"credential {item.name}"
        for item in found.credentials
        if item.required and not connection.credentials.get(item.name)
    ]
    given = [item for item, secret in connection.credentials.items() if secret]
    if found.access and found.access_by(given, settings) is None:
        missing.append(f"credentials: {ways_in(found.access)}")
    if missing:
        raise SettingsError(
            f"{name} needs {', '.join(missing)}",
            code="CON004",
            where=f"systems/{connection.system}.toml",
            next_move="add what is missing",
        )
    return msgspec.structs.replace(
        connection,
        settings=settings,
        manifest=found.with_quiet_period(settings.get("quiet_period_seconds"), connection.quiet_period_seconds),
    )


class _DocumentFacts(msgspec.Struct, frozen=True):
    deprecated: dict[str, str] = {}


def way_in(system: System) -> Access | None:
    """How a system of the folder signs in; None where there is but one way, or no connector of this name."""
    return (
        manifest(system.connector).access_by(system.credentials, system.settings)
        if system.connector in names()
        else None
    )


def ways_in(ways: Iterable[Access]) -> str:
    """`client_id and client_secret, or access_token`."""
    return ", or ".join(" and ".join(way.needs) for way in ways)


def _fact(found: Manifest) -> ConnectorFact:
    operations = found.operations
    return ConnectorFact(
        name=found.name,
        reads=frozenset(name for name, direction in found.objects.items() if "read" in direction.can)
        | ({STOCK} if found.stock.counts else frozenset()),
        topics=frozenset(found.topics) | ({STOCK_READ} if found.stock.counts else frozenset()),
        subscribes=found.subscribes,
        writes=tuple(
            WriteFact(
                one.object,
                one.name,
                ONCE_ONLY[one.once],
                one.creates,
                straight=bool(one.reference),
                undoes=one.undoes,
                signal=one.signal,
                loops_with=one.loops_with,
            )
            for one in operations
            if one.once
        ),
        settings=_mapping_settings(found.name)
        | {item.name: SettingFact(item.type, item.required, item.choices) for item in found.settings},
        credentials={item.name: item.required for item in found.credentials},
        access={way.name: way.needs for way in found.access},
        readings=frozenset(one.name for one in found.readings),
        try_map=partial(try_map, found.name),
        longest_processing_seconds=max((one.longest_processing_seconds for one in operations), default=0.0),
        documents=partial(documents, found.name),
        scopes={f"{way} {thing}": names for way, things in found.scopes.items() for thing, names in things.items()},
        api_version=found.connector.api_version,
        versions={
            version: VersionFact(ends, _deprecated(found.name, version)) for version, ends in found.versions.items()
        },
    )


@cache
def _deprecated(name: str, version: str) -> tuple[str, ...]:
    """What the documents of a connector use of a version although it will go away, by its generated facts."""
    file = _root() / name / "schema" / "documents.json"
    if not file.is_file():
        return ()
    known = msgspec.json.decode(file.read_bytes(), type=dict[str, dict[str, _DocumentFacts]]).get(version, {})
    return tuple(sorted({f"{used} ({why})" for one in known.values() for used, why in one.deprecated.items()}))


@lru_cache(maxsize=256)
def documents(name: str, override: str) -> tuple[DocumentFact, ...]:
    """What a connector writes, row by row, with the folder's mapping file over its own; operations that change fields
    without a document stand beside them. A folder's file that cannot be read is another check's matter.
    """
    if not (_root() / name / "mapping.toml").is_file():
        return ()
    try:
        mapping = connector_mapping(name, override)
        return (*_documents(manifest(name), mapping), *_changes_without_document(manifest(name)))
    except MappingFileError:
        return documents(name, "") if override else ()


def _documents(found: Manifest, mapping: MappingFile) -> list[DocumentFact]:
    rules = found.documents
    return [
        DocumentFact(object_name, name, rows_of(mapping.table_out(object_name, name)), *(
            (rules[name].requires, rules[name].replaces, rules[name].along) if name in rules else ()
        ))
        for object_name in mapping.tables
        for name in mapping.documents(object_name)
    ]  # fmt: skip


def _changes_without_document(found: Manifest) -> list[DocumentFact]:
    return [
        DocumentFact(one.object, one.name, (RowFact(one.name, one.writes),)) for one in found.operations if one.writes
    ]


def _mapping_settings(name: str) -> dict[str, SettingFact]:
    """The settings that the vendor's mapping reads; their types are the mapping functions' business."""
    file = _root() / name / "mapping.toml"
    if not file.is_file():
        return {}
    return dict.fromkeys(tomllib.loads(file.read_text(encoding="utf-8")).get("settings", {}), SettingFact("any"))
