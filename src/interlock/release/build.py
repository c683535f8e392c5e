"""Builds a release: the checked folder becomes compiled mappings, open connectors and routes. Nothing connects yet."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from interlock.canonical import load_contracts
from interlock.clock import Clock
from interlock.connectors import registry
from interlock.connectors.contract import Builder, Connection
from interlock.connectors.http import Http
from interlock.mapping import Context, Items, Reader, compile_in, compile_out, connector_functions, connector_mapping
from interlock.mapping.compile import FieldRow
from interlock.messaging.delivery import Want
from interlock.messaging.event import Dialect, Event
from interlock.messaging.redelivery import RetryPolicy
from interlock.messaging.releases import Document, Limits
from interlock.messaging.write import Destination, Source
from interlock.strategy import Flow, Retry, Strategy, System, compile_predicate, resolve

Function = Callable[..., Any]
WRITTEN_OBJECTS = ("order", "customer")


class Build:
    """One release, as the router and the dispatcher see it."""

    def __init__(
        self, strategy: Strategy, folder: Path, *, http: Http, clock: Clock, environ: Mapping[str, str]
    ) -> None:
        self.id = strategy.release
        self.strategy = strategy
        self._folder = folder
        self._http = http
        self._clock = clock
        self._environ = environ
        self._contracts = load_contracts()
        self._timezone = ZoneInfo(strategy.timezone)
        self._users = _users_functions(strategy.functions)
        self._readers: dict[tuple[str, str], tuple[Reader, Context]] = {}
        self._destinations: dict[str, Destination] = {}
        self._sources: dict[str, Source] = {}
        self._by_source = _by_source(strategy)
        self._conditions = {
            flow.name: compile_predicate(flow.when, flow.object_name) for flow in strategy.flows.values() if flow.when
        }

    # -- what the router asks

    def wants(self, event: Event) -> Sequence[Want]:
        """Flows of the event's system whose trigger is among the facts that its signed content proves."""
        facts = {fact.partition("#")[0]: fact for fact in event.facts}
        found: list[Want] = []
        for flow in self._by_source.get(event.system, ()):
            if flow.object_name != event.object:
                continue
            proven = [facts[topic] for topic in flow.trigger if topic in facts]
            signals = proven if flow.every else proven[:1] and [""]
            for destination in flow.destinations:
                found += [Want(flow=flow.name, destination=destination, signal=signal) for signal in signals]
        return found

    # -- what the dispatcher asks

    def document(self, system: str, object_name: str, body: bytes) -> Document:
        """The canonical object in the version that the body itself states."""
        reader, context = self._reader(system, object_name)
        value = reader(body, context)
        return Document(value=value, version=_microseconds(value.updated_at))

    def serves(self, flow: str, destination: str) -> bool:
        """Whether the folder still has the flow to this destination."""
        return flow in self.strategy.flows and destination in self.strategy.flows[flow].destinations

    def paused(self, flow: str) -> bool:
        """As its file says; a flow that is gone is not paused."""
        return flow in self.strategy.flows and self.strategy.flows[flow].paused

    def retry(self, flow: str) -> RetryPolicy | None:
        """As its file says."""
        own = self.strategy.flows[flow].retry if flow in self.strategy.flows else None
        return None if own is None else _retry(own)

    def admits(self, flow: str, document: Document, signal: str, now_ms: int) -> str:
        """'' or the words of why this flow does not take this object."""
        rule = self.strategy.flows[flow]
        if getattr(document.value, "test", False) and not rule.test_orders:
            return "a test order; this flow takes none (test_orders = false)"
        if signal and rule.max_age_hours is not None:
            age_hours = (now_ms - _microseconds(document.value.created_at) / 1000) / 3_600_000
            if age_hours > rule.max_age_hours:
                return f"the object is {age_hours:.0f} h old; this flow tells of nothing older than {rule.max_age_hours:g} h"
        condition = self._conditions.get(flow)
        if condition is not None and not condition(document.value):
            return f"the flow's condition does not hold: {rule.when}"
        return ""

    def destination(self, name: str, source: str) -> Destination:  # noqa: ARG002
        """The system to write to, its `out` mappings compiled."""
        if name not in self._destinations:
            self._destinations[name] = self._open_destination(name)
        return self._destinations[name]

    def source(self, name: str) -> Source:
        """The system to read from."""
        if name not in self._sources:
            self._sources[name] = self._open_source(name)
        return self._sources[name]

    def renew_credentials(self) -> None:
        """Open what is open anew, with the secrets as they are now. Raises SettingsError; then the old ones stay."""
        destinations = {name: self._open_destination(name) for name in self._destinations}
        sources = {name: self._open_source(name) for name in self._sources}
        self._destinations, self._sources = destinations, sources

    def limits(self, destination: str) -> Limits:
        """The folder's limits, the connector's own rate where the folder names none."""
        system = self._system(destination)
        declared = registry.manifest(system.connector).limits
        return Limits(
            concurrency=system.limits.concurrency,
            rate_per_second=system.limits.rate_per_second or declared.rate_per_second,
            burst=system.limits.burst,
            timeout_seconds=system.limits.timeout_seconds,
            breaker_failures=system.breaker.failures,
            probe_interval_seconds=system.breaker.probe_interval_seconds,
            retry=_retry(system.retry),
        )  # fmt: skip

    def owner(self, flow: str) -> str:
        """The team that gets its dead letters; "" when the folder has dropped the flow."""
        return self.strategy.flows[flow].owner if flow in self.strategy.flows else ""

    # -- what the console asks

    def rows_in(self, system: str, object_name: str) -> tuple[FieldRow, ...]:
        """The rows by which a system's document becomes a canonical object."""
        return self._reader(system, object_name)[0].fields

    def rows_out(self, system: str) -> dict[tuple[str, str], tuple[FieldRow, ...]]:
        """The rows by which canonical objects become a system's documents, by object and document."""
        mapping = self._mapping(system)
        functions = connector_functions(self._system(system).connector, self._users)
        return {
            (name, document): compile_out(
                mapping.table_out(name, document), self._contracts[f"{name}.v1"], functions
            ).fields
            for name in WRITTEN_OBJECTS
            for document in mapping.documents(name)
        }

    # -- what the intake asks

    def dialects(self, system: str) -> tuple[Dialect, ...]:
        """How this system's webhooks are read."""
        return registry.dialects(self._system(system).connector)

    def webhook_secrets(self, system: str) -> tuple[bytes, ...]:
        """All that are valid now."""
        given = self._system(system).credentials.get("webhook_secret", [])
        references = [given] if isinstance(given, str) else given
        return tuple(resolve(reference, self._folder, self._environ).encode() for reference in references)

    def destinations(self) -> list[str]:
        """Every system that a flow writes to."""
        return sorted({name for flow in self.strategy.flows.values() for name in flow.destinations})

    def warm(self) -> None:
        """Compile every mapping and open every connector now, so that a mistake shows at the start."""
        for flow in self.strategy.flows.values():
            self._reader(flow.source, flow.object_name)
            for name in flow.destinations:
                self.destination(name, flow.source)

    # -- assembly

    def _system(self, name: str) -> System:
        return self.strategy.systems[name]

    def _reader(self, system: str, object_name: str) -> tuple[Reader, Context]:
        key = (system, object_name)
        if key not in self._readers:
            mapping = self._mapping(system)
            functions = connector_functions(self._system(system).connector, self._users)
            reader = compile_in(mapping.table_in(object_name), self._contracts[f"{object_name}.v1"], functions)
            self._readers[key] = (reader, self._context(system))
        return self._readers[key]

    def _mapping(self, system: str) -> Any:
        override = self.strategy.mappings.get(system, "")
        return connector_mapping(self._system(system).connector, override, f"mappings/{system}.toml")

    def _context(self, system: str) -> Context:
        items = self.strategy.items.get(system)
        return Context(
            system=system,
            settings=self._mapping(system).settings_with(self._system(system).settings),
            items=msgspec.convert({**items, "system": system}, Items) if items is not None else None,
            timezone=self._timezone,
        )

    def _open_destination(self, name: str) -> Destination:
        return registry.open_destination(self._system(name).connector, self._connection(name))

    def _open_source(self, name: str) -> Source:
        return registry.open_source(self._system(name).connector, self._connection(name))

    def _connection(self, name: str) -> Connection:
        system = self._system(name)
        return Connection(
            system=name, url=system.url.rstrip("/"), settings=system.settings, credentials=self._credentials(system),
            builders=self._builders(name), http=self._http, clock=self._clock,
            quiet_period_seconds=system.limits.quiet_period_seconds or 0.0,
        )  # fmt: skip

    def _credentials(self, system: System) -> dict[str, str]:
        """Single secrets; those of which several are valid at once are the intake's."""
        return {
            name: resolve(reference, self._folder, self._environ)
            for name, reference in system.credentials.items()
            if isinstance(reference, str)
        }

    def _builders(self, name: str) -> dict[str, Builder]:
        mapping, context = self._mapping(name), self._context(name)
        functions = connector_functions(self._system(name).connector, self._users)
        builders: dict[str, Builder] = {}
        for object_name in WRITTEN_OBJECTS:
            contract = self._contracts[f"{object_name}.v1"]
            for document in mapping.documents(object_name):
                writer = compile_out(mapping.table_out(object_name, document), contract, functions)
                builders.setdefault(document, writer.bound(context))
        return builders


def _by_source(strategy: Strategy) -> dict[str, list[Flow]]:
    found: dict[str, list[Flow]] = {}
    for flow in strategy.flows.values():
        found.setdefault(flow.source, []).append(flow)
    return found


def _users_functions(text: str) -> dict[str, Function]:
    """functions.py of the folder: the user's own code, run as part of the hub by the user's own will."""
    if not text:
        return {}
    names: dict[str, Any] = {"__name__": "strategy_functions"}
    exec(compile(text, "functions.py", "exec"), names)  # noqa: S102  the folder is the program
    return {name: value for name, value in names.items() if callable(value) and not name.startswith("_")}


def _retry(rule: Retry) -> RetryPolicy:
    return RetryPolicy(
        attempts=rule.attempts,
        base_seconds=rule.base_seconds,
        cap_seconds=rule.cap_seconds,
        budget_share=rule.budget_share,
    )


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
