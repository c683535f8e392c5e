"""A release's systems, each opened once as what its connector offers: destination, source, listing, stock. Nothing connects yet."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from interlock.clock import Clock
from interlock.connectors import registry
from interlock.connectors.allowance import Allowance
from interlock.connectors.contract import Connection, Records
from interlock.connectors.http import Http
from interlock.connectors.manifest import Manifest
from interlock.connectors.observations import Observations
from interlock.connectors.straight import StraightDestination
from interlock.connectors.token_store import TokenStore
from interlock.messaging.event import Dialect
from interlock.messaging.write import Destination, Source
from interlock.release.compiled import NONE, CompiledMappings, Rows
from interlock.release.ownership import Rules, Wrap, guarded
from interlock.release.steps import MIDDLEWARE, StagedDestination
from interlock.release.versions import Speaking
from interlock.strategy import Strategy, System


class Connections:
    """`secret` resolves a reference of the folder; what several releases share, `allowance` and `tokens`, comes from outside."""

    def __init__(
        self, strategy: Strategy, mappings: CompiledMappings, *, http: Http, clock: Clock, secret: Callable[[str], str],
        allowance: Allowance, tokens: TokenStore | None, observations: Observations | None,
    ) -> None:  # fmt: skip
        self._strategy = strategy
        self._mappings = mappings
        self._http = http
        self._clock = clock
        self._secret = secret
        self._allowance = allowance
        self._tokens = tokens
        self._observations = observations
        self._facts = registry.facts()
        self._written_by_steps = {
            name for flow in strategy.flows.values() if flow.pattern == MIDDLEWARE for name in flow.destinations
        }
        self._destinations: dict[str, Destination] = {}
        self._guarded: dict[tuple[str, str], Destination] = {}
        self._sources: dict[str, Source] = {}
        self._records: dict[str, Records] = {}
        self._offers: dict[tuple[str, str], Any] = {}

    def manifest(self, name: str) -> Manifest:
        """What the system's connector says of itself."""
        return registry.manifest(self._strategy.systems[name].connector)

    def destination(self, name: str, source: str) -> Destination:
        """The system to write to as flows from `source` may, its `out` mappings compiled."""
        found = self._guarded.get((name, source))
        if found is None:
            if name not in self._destinations:
                self._destinations[name] = self._open_destination(name)
            rules = Rules(self._strategy, name, source, self._facts)
            found = guarded(self._destinations[name], rules, partial(self._without_rows, name))
            spoken = self._mappings.written_from(name)
            if any(map(self._mappings.versions.several, spoken)):
                found = Speaking(found, self._mappings.versions, spoken)
            if name in self._written_by_steps:
                found = StagedDestination(found)
            self._guarded[name, source] = found
        return found

    def source(self, name: str) -> Source:
        """The system to read from."""
        if name not in self._sources:
            self._sources[name] = self._open_source(name)
        return self._sources[name]

    def records(self, name: str) -> Records:
        """The system whose records enrich a process."""
        if name not in self._records:
            connector = self._strategy.systems[name].connector
            self._records[name] = registry.open_records(connector, self._connection(name))
        return self._records[name]

    def offered(self, name: str, what: str) -> Any:
        """What only some connectors have, such as a `listing`."""
        if (name, what) not in self._offers:
            connector = self._strategy.systems[name].connector
            self._offers[name, what] = registry.open_offer(connector, what, self._connection(name))
        return self._offers[name, what]

    def dialects(self, name: str) -> tuple[Dialect, ...]:
        """How the system's webhooks are read."""
        system = self._strategy.systems[name]
        return registry.dialects(system.connector, system.intake.address)

    def webhook_secrets(self, name: str) -> tuple[bytes, ...]:
        """All that are valid now."""
        given = self._strategy.systems[name].credentials.get("webhook_secret", [])
        return tuple(self._secret(reference).encode() for reference in ([given] if isinstance(given, str) else given))

    def renew_credentials(self) -> None:
        """Open what is open anew, with the secrets as they are now. Raises SettingsError; then the old ones stay."""
        destinations = {name: self._open_destination(name) for name in self._destinations}
        sources = {name: self._open_source(name) for name in self._sources}
        self._destinations, self._sources, self._guarded = destinations, sources, {}
        self._records, self._offers = {}, {}

    def _open_destination(self, name: str) -> Destination:
        connector, connection = self._strategy.systems[name].connector, self._connection(name)
        opened = registry.open_destination(connector, connection)
        if any(name in straight.flow.destinations for straight in self._mappings.straight.values()):
            return StraightDestination(opened, registry.declared(connector, connection))
        return opened

    def _without_rows(self, name: str, rows: Rows, wrap: Wrap) -> Destination:
        """The same destination, for planning: its documents lack these rows, and its builders are wrapped."""
        connection = self._connection(name, rows)
        builders = {document: wrap(document, builder) for document, builder in connection.builders.items()}
        connection = msgspec.structs.replace(connection, builders=builders)
        return registry.open_destination(self._strategy.systems[name].connector, connection)

    def _open_source(self, name: str) -> Source:
        return registry.open_source(self._strategy.systems[name].connector, self._connection(name))

    def _connection(self, name: str, without_rows: Rows = NONE) -> Connection:
        system = self._strategy.systems[name]
        return Connection(
            system=name, url=system.url.rstrip("/"), settings=system.settings, credentials=self._credentials(system),
            builders=self._mappings.builders(name, without_rows), http=self._http, clock=self._clock,
            quiet_period_seconds=system.limits.quiet_period_seconds or 0.0, allowance=self._allowance,
            calls_per_second=system.limits.rate_per_second or 0.0, tokens=self._tokens, observations=self._observations,
        )  # fmt: skip

    def _credentials(self, system: System) -> dict[str, str]:
        """One of each; of those of which several are valid at once, the newest: all of them are the intake's."""
        return {
            name: self._secret(reference if isinstance(reference, str) else reference[0])
            for name, reference in system.credentials.items()
            if reference
        }
