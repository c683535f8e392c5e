"""A release's mappings, compiled: each for the version of its object that it is written for."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from interlock.canonical import Contract
from interlock.connectors import registry
from interlock.connectors.contract import Builder
from interlock.connectors.straight import users_functions
from interlock.mapping import (
    Context,
    Functions,
    Items,
    MappingFileError,
    Reader,
    compile_in,
    compile_out,
    connector_functions,
    connector_mapping,
)
from interlock.mapping.compile import FieldRow
from interlock.mapping.reads import Reads
from interlock.mapping.written import without
from interlock.messaging.consumers import Use
from interlock.release.straight import POINT_TO_POINT, StraightFlow
from interlock.release.versions import Versions
from interlock.strategy import Flow, Strategy, contract_of

Rows = Mapping[str, Collection[str]]
"""Rows of a mapping, by the document that they write."""
NONE: Rows = MappingProxyType({})


class CompiledMappings:
    """The mappings of one release; each is compiled when it is asked for, and kept."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._users = users_functions(strategy.functions)
        self._timezone = ZoneInfo(strategy.timezone)
        self._readers: dict[tuple[str, str], tuple[Reader, Context]] = {}
        self._spoken: dict[tuple[str, str, str], Contract] = {}
        self._uses: dict[tuple[str, str], tuple[Use, ...]] = {}
        self.versions = Versions(strategy, self._users)
        self.straight = {
            flow.name: self._straight_flow(flow) for flow in strategy.flows.values() if flow.pattern == POINT_TO_POINT
        }

    # -- a system's documents to canonical objects

    def reader(self, system: str, object_name: str) -> tuple[Reader, Context]:
        """What makes a canonical object of a system's document, and what it is told besides."""
        key = (system, object_name)
        if key not in self._readers:
            mapping, functions = self._mapping(system), self._functions(system)
            table, declared = mapping.table_in(object_name), mapping.versions.get(object_name)
            contract = self.versions.written_for(object_name, declared, lambda it: compile_in(table, it, functions))
            self._spoken[system, "in", object_name] = contract
            self._readers[key] = (compile_in(table, contract, functions), self._context(system))
        return self._readers[key]

    def rows_in(self, system: str, object_name: str) -> tuple[FieldRow, ...]:
        """The rows by which a system's document becomes a canonical object."""
        return self.reader(system, object_name)[0].fields

    def reads(self, system: str, object_name: str) -> Reads:
        """Every path of a system's document that its mapping reads."""
        return Reads(self.reader(system, object_name)[0])

    def straight_reads(self, flow: str) -> Reads:
        """Every path that a point-to-point flow reads."""
        return Reads(self.straight[flow].rows)

    # -- canonical objects to a system's documents

    def builders(self, system: str, without_rows: Rows = NONE) -> dict[str, Builder]:
        """What builds each of a system's documents, less these rows."""
        mapping, context, functions = self._mapping(system), self._context(system), self._functions(system)
        builders: dict[str, Builder] = {}
        for object_name in mapping.tables:
            for document in mapping.documents(object_name):
                table = without(mapping.table_out(object_name, document), without_rows.get(document, ()))
                writer = compile_out(table, self._written_from(system, object_name), functions)
                builders.setdefault(document, writer.bound(context))
        return builders

    def rows_out(self, system: str) -> dict[tuple[str, str], tuple[FieldRow, ...]]:
        """The rows by which canonical objects become a system's documents, by object and document."""
        mapping, functions = self._mapping(system), self._functions(system)
        return {
            (name, document): compile_out(
                mapping.table_out(name, document), self._written_from(system, name), functions
            ).fields
            for name in mapping.tables
            for document in mapping.documents(name)
        }

    def written_from(self, system: str) -> dict[str, Contract]:
        """The version of each object that this system's documents are written from, as far as they are compiled."""
        return {thing: it for (name, way, thing), it in self._spoken.items() if (name, way) == (system, "out")}

    # -- versions

    def contract(self, object_name: str) -> Contract:
        """The version of an object that this release moves, with the fields that its folder adds."""
        found = contract_of(self._strategy, object_name)
        if found is None:
            raise MappingFileError(
                f'there is no contract of "{object_name}"',
                where=f"mappings: [{object_name}]",
                next_move=f"write objects/{object_name}.v1.toml, or take the table out",
            )
        return found

    def uses(self, flow: Flow, destination: str) -> tuple[Use, ...]:
        """What is written for which version: the flow itself, the mapping that reads, the mapping that writes."""
        key = (flow.name, destination)
        if key in self._uses:
            return self._uses[key]
        parts = (("reads", flow.source, "in"), ("writes", destination, "out"))
        mappings = ((part, system, self._spoken.get((system, way, flow.object_name))) for part, system, way in parts)
        written = [Use(flow.name, part, system, contract.key) for part, system, contract in mappings if contract]
        uses = (Use(flow.name, "flow", destination, flow.object), *written)
        if len(written) == len(parts):  # else a mapping is not compiled yet
            self._uses[key] = uses
        return uses

    # -- compiling

    def _written_from(self, system: str, object_name: str) -> Contract:
        """The one version that all documents of an object are written from at a system."""
        key = (system, "out", object_name)
        if key not in self._spoken:
            mapping, functions = self._mapping(system), self._functions(system)
            tables = [mapping.table_out(object_name, document) for document in mapping.documents(object_name)]
            self._spoken[key] = self.versions.written_for(
                object_name,
                mapping.versions.get(object_name),
                lambda it: [compile_out(table, it, functions) for table in tables],
            )
        return self._spoken[key]

    def _straight_flow(self, flow: Flow) -> StraightFlow:
        """Its rows may use the functions, the settings and the items of its destination."""
        destination = flow.destinations[0]
        context = msgspec.structs.replace(self._context(destination), system=flow.source)
        dialects = registry.dialects(self._strategy.systems[flow.source].connector)
        return StraightFlow(flow, self._functions(destination), context, dialects)

    def _mapping(self, system: str) -> Any:
        connector, override = self._strategy.systems[system].connector, self._strategy.mappings.get(system, "")
        return connector_mapping(connector, override, f"mappings/{system}.toml")

    def _functions(self, system: str) -> Functions:
        return connector_functions(self._strategy.systems[system].connector, self._users)

    def _context(self, system: str) -> Context:
        items = self._strategy.items.get(system)
        return Context(
            system=system,
            settings=self._mapping(system).settings_with(self._strategy.systems[system].settings),
            items=msgspec.convert({**items, "system": system}, Items) if items is not None else None,
            timezone=self._timezone,
        )
