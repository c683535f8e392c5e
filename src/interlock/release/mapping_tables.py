"""The mapping tables of a release: drawn from the rows that its mappings were compiled from, so they cannot be out of date."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from interlock.canonical import Contract
from interlock.errors import InterlockError
from interlock.mapping.compile import FieldRow
from interlock.mapping.profile import Profile
from interlock.mapping.tables import Coverage, Document, MappingTable, mapping_table
from interlock.messaging.stock_book import SHOWN
from interlock.release.build import Build


class Unread(Struct, frozen=True, kw_only=True):
    """Fields that a source was seen to send and that nothing reads. `documents` were looked at."""

    system: str
    object: str
    documents: int
    seen: int
    paths: tuple[str, ...]


def objects_of(build: Build) -> tuple[str, ...]:
    """The objects that the release moves, then those that it writes along with them (the customer of an order)."""
    flows = [flow for flow in build.strategy.flows.values() if flow.publish is None]  # stock goes by no mapping
    moved = [flow.object_name for flow in flows if not build.straight(flow.name)]
    mapped = [system for system in build.routes.destinations() if not system.startswith(SHOWN)]
    written = [name for system in mapped for name, _ in build.mappings.rows_out(system)]
    return tuple(dict.fromkeys([*moved, *written]))


def table_of(build: Build, object_name: str) -> MappingTable:
    """The table of one object. Raises MappingFileError when the release has no contract of it."""
    contract: Contract = build.mappings.contract(object_name)
    return mapping_table(contract, tuple(_documents(build, object_name)))


def tables_of(build: Build) -> tuple[MappingTable, ...]:
    """All tables that have at least one row."""
    return tuple(table for name in objects_of(build) if (table := table_of(build, name)).columns)


def coverage_of(build: Build) -> tuple[Coverage, ...]:
    """Every system, object and direction."""
    return tuple(one for table in tables_of(build) for one in table.coverage)


def unread(build: Build, profiles: Mapping[tuple[str, str], Profile]) -> tuple[Unread, ...]:
    """What sources were seen to send and no mapping reads, by (system, object). Only values count, not their holders."""
    found = []
    for (system, object_name), profile in profiles.items():
        try:
            reads = build.mappings.reads(system, object_name)
        except (InterlockError, LookupError):
            continue
        paths = sorted(profile.paths())
        found.append(
            Unread(
                system=system,
                object=object_name,
                documents=profile.documents,
                seen=len(paths),
                paths=tuple(path for path in paths if not reads.reads(path)),
            )
        )
    return tuple(found)


def _documents(build: Build, object_name: str) -> Iterator[Document]:
    """Sources in the order of the flows, then destinations."""
    flows = [flow for flow in build.strategy.flows.values() if not build.straight(flow.name)]
    for system in dict.fromkeys(flow.source for flow in flows):
        rows = _rows_in(build, system, object_name)
        if rows:
            runs = any((flow.source, flow.object_name) == (system, object_name) for flow in flows)
            yield Document(
                system=system,
                title=build.strategy.systems[system].title,
                direction="in",
                name="in",
                rows=rows,
                runs=runs,
            )
    for system in dict.fromkeys(name for flow in flows for name in flow.destinations):
        for (name, document), rows in build.mappings.rows_out(system).items():
            if name == object_name:
                yield Document(
                    system=system, title=build.strategy.systems[system].title, direction="out", name=document, rows=rows
                )


def _rows_in(build: Build, system: str, object_name: str) -> Sequence[FieldRow]:
    try:
        return build.mappings.rows_in(system, object_name)
    except (InterlockError, LookupError):
        return ()
