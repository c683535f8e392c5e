"""Builds a release: the checked folder becomes compiled mappings, open connectors and routes. Nothing connects yet."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from interlock.canonical import Contract
from interlock.clock import Clock
from interlock.connectors import registry
from interlock.connectors.allowance import Allowance
from interlock.connectors.contract import Builder, Connection, Records
from interlock.connectors.http import Http
from interlock.connectors.manifest import Manifest
from interlock.connectors.observations import Observations
from interlock.connectors.straight import StraightDestination, users_functions
from interlock.connectors.token_store import TokenStore
from interlock.flows.inventory.rules import NOTHING_LISTED, BookCatalogue, StockRules
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
from interlock.messaging.delivery import Want
from interlock.messaging.event import Dialect, Event
from interlock.messaging.gate import FINAL_TAXES, HOLD
from interlock.messaging.privacy import TOPICS as PRIVACY
from interlock.messaging.process import steering_of
from interlock.messaging.redelivery import RetryPolicy
from interlock.messaging.releases import Document, Holding, Limits
from interlock.messaging.source import Bulk, Gatekeeper, Listing, Subscriber, Subscription
from interlock.messaging.stock import StockChannel, StockSource
from interlock.messaging.stock_book import SHOWN, channel_of, shown_at
from interlock.messaging.sweeps import Schedule
from interlock.messaging.write import Destination, Source
from interlock.release.cautions import Cautions
from interlock.release.ownership import Rules, Wrap, guarded
from interlock.release.retirement import Retirements
from interlock.release.steps import MIDDLEWARE, StagedDestination, Steps
from interlock.release.straight import POINT_TO_POINT, StraightFlow, refusal
from interlock.release.swept import swept
from interlock.release.uses import Uses
from interlock.release.versions import Speaking, Versions
from interlock.strategy import Flow, Retry, Strategy, System, compile_predicate, contract_of, resolve
from interlock.strategy.webhooks import Wanted, wanted

Function = Callable[..., Any]

CALLS_OF_STOCK = 2
"""Of stock, at one channel: one under way, and the lines of the next."""
MOST_LINES = 4_000
"""Under way at one channel: where a feed takes 10,000 lines, each costs some kilobytes until the feed has ended."""
KEPT_FOR_LIVE = 100
"""Besides, for what changes while a full sync is under way."""


class Build:
    """One release, as the router and the dispatcher see it."""

    def __init__(
        self,
        strategy: Strategy,
        folder: Path,
        *,
        http: Http,
        clock: Clock,
        environ: Mapping[str, str],
        allowance: Allowance | None = None, tokens: TokenStore | None = None,
        catalogue: BookCatalogue | None = None, observations: Observations | None = None,
    ) -> None:
        self.id = strategy.release
        self.strategy = strategy
        self._folder = folder
        self._http = http
        self._clock = clock
        self._environ = environ
        self._allowance = allowance or Allowance(clock)
        self._tokens = tokens
        self._observations = observations
        self._timezone = ZoneInfo(strategy.timezone)
        self._users = users_functions(strategy.functions)
        self._readers: dict[tuple[str, str], tuple[Reader, Context]] = {}
        self._destinations: dict[str, Destination] = {}
        self._guarded: dict[tuple[str, str], Destination] = {}
        self._facts = registry.facts()
        self._sources: dict[str, Source] = {}
        self._by_source = _by_source(strategy)
        self.cautions = Cautions()
        self.uses = Uses()
        self.versions = Versions(strategy, self._users)
        self.retirements = Retirements(strategy)
        self._spoken: dict[tuple[str, str, str], Contract] = {}
        self._uses: dict[tuple[str, str], tuple[Use, ...]] = {}
        self._straight = self._straight_flows()
        self._records: dict[str, Records] = {}
        self._offers: dict[tuple[str, str], Any] = {}
        self._swept = swept(strategy)
        self._part_topics = {flow.name: self._topics_of_parts(flow) for flow in strategy.flows.values()}
        self._scripts = {
            flow.name: Steps(
                flow, self.versions.contracts[flow.object], self, partial(self.versions.at, key=flow.object)
            )
            for flow in strategy.flows.values()
            if flow.pattern == MIDDLEWARE
        }
        self._goes_to = {
            flow.name: [steering_of(flow.name)] if flow.name in self._scripts else _written_to(flow)
            for flow in strategy.flows.values()
        }
        self._conditions = {
            flow.name: compile_predicate(flow.when, flow.object_name) for flow in strategy.flows.values() if flow.when
        }

        self.stock = StockRules(strategy, catalogue or BookCatalogue(NOTHING_LISTED))

    # -- what the router asks

    def wants(self, event: Event) -> Sequence[Want]:
        """Flows of the event's system whose trigger is among the facts that its signed content proves."""
        facts = {fact.partition("#")[0]: fact for fact in event.facts}
        found: list[Want] = []
        for flow in self._by_source.get(event.system, ()):
            if flow.object_name != event.object:
                found += self._wants_of_parts(flow, event)
                continue
            proven = [facts[topic] for topic in flow.trigger if topic in facts]
            signals = proven if flow.every else proven[:1] and [""]
            for destination in self._goes_to[flow.name]:
                found += [Want(flow=flow.name, destination=destination, signal=signal) for signal in signals]
        return found

    def _topics_of_parts(self, flow: Flow) -> frozenset[str]:
        """Triggers of the flow whose facts carry the id of what it moves, in events of another object."""
        parts = self._manifest(flow.source).parts
        return frozenset(topic for topic in flow.trigger if topic in parts and parts[topic].object == flow.object_name)

    def _wants_of_parts(self, flow: Flow, event: Event) -> list[Want]:
        """A refund is told by an event of its order: the fact has its id, and the flow moves the refund itself."""
        topics = self._part_topics[flow.name]
        told = (fact.partition("#") for fact in event.facts) if topics else ()
        keys = dict.fromkeys(instance.partition("@")[0] for topic, _, instance in told if instance and topic in topics)
        return [
            Want(flow=flow.name, destination=destination, object=flow.object_name, key=key)
            for key in keys
            for destination in self._goes_to[flow.name]
        ]

    # -- what the dispatcher asks

    def document(self, system: str, object_name: str, body: bytes) -> Document:
        """The canonical object in the version that the body itself states."""
        reader, context = self._reader(system, object_name)
        value = reader(body, context)
        cautions = self.cautions.of(system, object_name)
        return Document(value=value, version=_microseconds(value.updated_at), cautions=cautions)

    def straight(self, flow: str) -> bool:
        """Whether it is point-to-point."""
        return flow in self._straight

    def raw(self, flow: str, key: str, body: bytes) -> Document:
        """The source's own document, on its way to the flow's one destination."""
        return self._straight[flow].document(key, body)

    def script(self, flow: str) -> Steps | None:
        """Its steps, when it is a process."""
        return self._scripts.get(flow)

    def serves(self, flow: str, destination: str) -> bool:
        """Whether the folder still has the flow to this destination."""
        if flow not in self.strategy.flows:
            return False
        return destination in self._goes_to[flow] or destination in self.strategy.flows[flow].destinations

    def ways(self) -> list[tuple[str, str]]:
        """Every flow with each destination that it serves."""
        served = {name: {*self._goes_to[name], *flow.destinations} for name, flow in self.strategy.flows.items()}
        return [(flow, destination) for flow, destinations in served.items() for destination in sorted(destinations)]

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
        if flow in self._straight:
            return refusal(rule, document, self._conditions.get(flow), signal, now_ms)
        if getattr(document.value, "test", False) and not rule.test_orders:
            return "a test order; this flow takes none (test_orders = false)"
        if signal and rule.max_age_hours is not None:
            age_hours = (now_ms - _microseconds(document.value.created_at) / 1000) / 3_600_000
            if age_hours > rule.max_age_hours:
                return f"the object is {age_hours:.0f} h old; this flow tells of nothing older than {rule.max_age_hours:g} h"
        condition = self._conditions.get(flow)
        if condition is not None and not condition(self.versions.at(document.value, rule.object)):
            return f"the flow's condition does not hold: {rule.when}"
        return ""

    def waits_for(self, flow: str, document: Document) -> Collection[str]:
        """As its file says; an order that was cancelled has nothing to wait for."""
        wanted = self.strategy.flows[flow].waits_for if flow in self.strategy.flows else ()
        if not wanted or getattr(document.value, "cancelled_at", None) is not None:
            return ()
        if FINAL_TAXES in wanted and getattr(document.value, "estimated_taxes", None):
            return wanted
        return [one for one in wanted if one != FINAL_TAXES]

    async def held(self, system: str, object_name: str, key: str, *, timeout_seconds: float) -> Holding:
        """What the system says that holds it back; one that cannot be asked holds nothing."""
        if object_name not in self._manifest(system).gates:
            return ()
        gatekeeper: Gatekeeper = self.source(system)  # type: ignore[assignment]  # its manifest says so
        return await gatekeeper.held(object_name, key, timeout_seconds=timeout_seconds)

    def wakes(self, event: Event) -> str:
        """What this object held back may go now."""
        if event.system not in self.strategy.systems:
            return ""
        gates = self._manifest(event.system).gates.values()
        return f"{HOLD}{event.system}:{event.key}" if any(gate.object == event.object for gate in gates) else ""

    def standing(self, flow: str, destination: str, now_ms: int) -> tuple[str, ...]:
        """Warnings about the versions of objects that this way uses; Stop when one of them is refused now."""
        if flow in self._straight:
            return ()
        uses = self._uses.get((flow, destination)) or self._uses_of(self.strategy.flows[flow], destination)
        self.uses.note(uses, now_ms)
        return self.retirements.warnings((use.version for use in uses), now_ms)

    def destination(self, name: str, source: str) -> Destination:
        """The system to write to as flows from `source` may, its `out` mappings compiled."""
        found = self._guarded.get((name, source))
        if found is None:
            if name not in self._destinations:
                self._destinations[name] = self._open_destination(name)
            rules = Rules(self.strategy, name, source, self._facts)
            found = guarded(self._destinations[name], rules, partial(self._without_rows, name))
            spoken = {
                thing: each for (system, way, thing), each in self._spoken.items() if (system, way) == (name, "out")
            }
            if any(map(self.versions.several, spoken)):
                found = Speaking(found, self.versions, spoken)
            if any(name in self.strategy.flows[flow].destinations for flow in self._scripts):
                found = StagedDestination(found)
            self._guarded[name, source] = found
        return found

    def records(self, name: str) -> Records:
        """The system whose records enrich a process."""
        if name not in self._records:
            self._records[name] = registry.open_records(self._system(name).connector, self._connection(name))
        return self._records[name]

    def processes(self) -> list[str]:
        """What steers the processes of this release, as destinations."""
        return sorted(steering_of(flow) for flow in self._scripts)

    def source(self, name: str) -> Source:
        """The system to read from."""
        if name not in self._sources:
            self._sources[name] = self._open_source(name)
        return self._sources[name]

    def listing(self, name: str) -> Listing:
        """How the system lists what changed."""
        listing: Listing = self._offered(name, "listing")
        return listing

    def bulk(self, name: str) -> Bulk:
        """How all of the system's objects are read at once."""
        bulk: Bulk = self._offered(name, "bulk")
        return bulk

    def stock_source(self, system: str) -> StockSource:
        """How a system that counts stock is read."""
        source: StockSource = self._offered(system, "stock_source")
        return source

    def stock_channel(self, system: str) -> StockChannel:
        """How stock is shown at a channel."""
        channel: StockChannel = self._offered(system, "stock_channel")
        return channel

    def tellers(self, system: str) -> list[StockSource | StockChannel]:
        """Who reads what this system tells of stock: it may count, show, or both."""
        found: list[StockSource | StockChannel] = []
        if system in self.stock.counting:
            found.append(self.stock_source(system))
        if system in self.stock.channels:
            found.append(self.stock_channel(system))
        return found

    def subscriber(self, name: str) -> Subscriber:
        """How the system is kept telling us."""
        subscriber: Subscriber = self._offered(name, "subscriber")
        return subscriber

    def wanted_subscriptions(self) -> dict[str, list[Subscription]]:
        """System -> the subscriptions that its flows declare, of systems whose connector can make them. What people ask of their
        data comes by the app's own settings, never by a subscription (F75)."""
        gates = {flow.name: self._gate_topics(flow) for flow in self.strategy.flows.values()}
        stock = {system: self._manifest(system).stock.topics for system in self.stock.channels}
        return {
            system: [_subscription(one) for one in topics if one.topic in self._manifest(system).topics and one.topic not in PRIVACY]
            for system, topics in wanted(self.strategy, gates, stock).items()
            if self._manifest(system).subscribes
        }

    def _gate_topics(self, flow: Flow) -> tuple[str, ...]:
        """By which the source tells that something may leave now."""
        gate = self._manifest(flow.source).gates.get(flow.object_name)
        return gate.topics if gate is not None and set(flow.waits_for) - {FINAL_TAXES} else ()

    def _manifest(self, system: str) -> Manifest:
        return registry.manifest(self._system(system).connector)

    def _offered(self, name: str, what: str) -> Any:
        if (name, what) not in self._offers:
            self._offers[name, what] = registry.open_offer(self._system(name).connector, what, self._connection(name))
        return self._offers[name, what]

    def swept(self) -> Mapping[tuple[str, str], Schedule]:
        """(system, object) that is compared with what its webhooks told, and how often; asked twice a second."""
        return self._swept

    def renew_credentials(self) -> None:
        """Open what is open anew, with the secrets as they are now. Raises SettingsError; then the old ones stay."""
        destinations = {name: self._open_destination(name) for name in self._destinations}
        sources = {name: self._open_source(name) for name in self._sources}
        self._destinations, self._sources, self._guarded, self._records = destinations, sources, {}, {}
        self._offers = {}

    def limits(self, destination: str) -> Limits:
        """The folder's limits, the connector's own rate where the folder names none. Stock goes many lines to a call: what is
        limited there are the calls, by the channel's writer."""
        if destination.startswith(SHOWN):
            channel = channel_of(destination)
            lines = min(CALLS_OF_STOCK * self.stock_channel(channel).lines_per_write, MOST_LINES)
            return msgspec.structs.replace(
                self.limits(channel), concurrency=lines + KEPT_FOR_LIVE, kept_for_live=KEPT_FOR_LIVE, rate_per_second=None
            )
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

    def reads(self, system: str, object_name: str) -> Reads:
        """Every path of a system's document that its mapping reads."""
        return Reads(self._reader(system, object_name)[0])

    def straight_reads(self, flow: str) -> Reads:
        """Every path that a point-to-point flow reads."""
        return Reads(self._straight[flow].rows)

    def rows_out(self, system: str) -> dict[tuple[str, str], tuple[FieldRow, ...]]:
        """The rows by which canonical objects become a system's documents, by object and document."""
        mapping = self._mapping(system)
        functions = connector_functions(self._system(system).connector, self._users)
        return {
            (name, document): compile_out(
                mapping.table_out(name, document), self._version_out(system, name, functions), functions
            ).fields
            for name in mapping.tables
            for document in mapping.documents(name)
        }

    def contract(self, object_name: str) -> Contract:
        """The version of an object that this release moves, with the fields that its folder adds."""
        found = contract_of(self.strategy, object_name)
        if found is None:
            raise MappingFileError(
                f'there is no contract of "{object_name}"',
                where=f"mappings: [{object_name}]",
                next_move=f"write objects/{object_name}.v1.toml, or take the table out",
            )
        return found

    # -- what the intake asks

    def dialects(self, system: str) -> tuple[Dialect, ...]:
        """How this system's webhooks are read."""
        found = self._system(system)
        return registry.dialects(found.connector, found.intake.address)

    def webhook_secrets(self, system: str) -> tuple[bytes, ...]:
        """All that are valid now."""
        given = self._system(system).credentials.get("webhook_secret", [])
        references = [given] if isinstance(given, str) else given
        return tuple(resolve(reference, self._folder, self._environ).encode() for reference in references)

    def destinations(self) -> list[str]:
        """Every system that a flow writes to."""
        return sorted({name for flow in self.strategy.flows.values() for name in _written_to(flow)})

    def warm(self) -> None:
        """Compile every mapping and open every connector now, so that a mistake shows at the start."""
        for system in sorted(self.stock.systems):
            self.tellers(system)
        for flow in self.strategy.flows.values():
            if flow.publish is not None:
                continue
            if flow.name not in self._straight:
                self._reader(flow.source, flow.object_name)
            for name in flow.destinations:
                self.destination(name, flow.source)
            for step in flow.steps:
                if step.kind == "enrich" and step.system:
                    self.records(step.system)
        self.versions.warm({flow.object_name for flow in self.strategy.flows.values()})

    # -- assembly

    def _system(self, name: str) -> System:
        return self.strategy.systems[name]

    def _reader(self, system: str, object_name: str) -> tuple[Reader, Context]:
        key = (system, object_name)
        if key not in self._readers:
            mapping = self._mapping(system)
            functions = connector_functions(self._system(system).connector, self._users)
            table, declared = mapping.table_in(object_name), mapping.versions.get(object_name)
            contract = self.versions.written_for(object_name, declared, lambda it: compile_in(table, it, functions))
            self._spoken[system, "in", object_name] = contract
            reader = compile_in(table, contract, functions)
            self._readers[key] = (reader, self._context(system))
        return self._readers[key]

    def _version_out(self, system: str, object_name: str, functions: Functions) -> Contract:
        """The one version that all documents of an object are written from at a system."""
        key = (system, "out", object_name)
        if key not in self._spoken:
            mapping = self._mapping(system)
            tables = [mapping.table_out(object_name, document) for document in mapping.documents(object_name)]
            self._spoken[key] = self.versions.written_for(
                object_name,
                mapping.versions.get(object_name),
                lambda it: [compile_out(table, it, functions) for table in tables],
            )
        return self._spoken[key]

    def _uses_of(self, flow: Flow, destination: str) -> tuple[Use, ...]:
        """What is written for which version: the flow itself, the mapping that reads, the mapping that writes."""
        parts = (("reads", flow.source, "in"), ("writes", destination, "out"))
        mappings = ((part, system, self._spoken.get((system, way, flow.object_name))) for part, system, way in parts)
        written = [Use(flow.name, part, system, contract.key) for part, system, contract in mappings if contract]
        uses = (Use(flow.name, "flow", destination, flow.object), *written)
        if len(written) == len(parts):  # else a mapping is not compiled yet
            self._uses[flow.name, destination] = uses
        return uses

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
        connector, connection = self._system(name).connector, self._connection(name)
        opened = registry.open_destination(connector, connection)
        if any(name in flow.flow.destinations for flow in self._straight.values()):
            return StraightDestination(opened, registry.declared(connector, connection))
        return opened

    def _without_rows(self, name: str, rows: Mapping[str, Collection[str]], wrap: Wrap) -> Destination:
        """The same destination, for planning: its documents lack these rows, and its builders are wrapped."""
        connection = self._connection(name, rows)
        builders = {document: wrap(document, builder) for document, builder in connection.builders.items()}
        connection = msgspec.structs.replace(connection, builders=builders)
        return registry.open_destination(self._system(name).connector, connection)

    def _straight_flows(self) -> dict[str, StraightFlow]:
        flows = [flow for flow in self.strategy.flows.values() if flow.pattern == POINT_TO_POINT]
        return {flow.name: self._straight_flow(flow) for flow in flows}

    def _straight_flow(self, flow: Flow) -> StraightFlow:
        """Its rows may use the functions, the settings and the items of its destination."""
        destination = flow.destinations[0]
        functions = connector_functions(self._system(destination).connector, self._users)
        context = msgspec.structs.replace(self._context(destination), system=flow.source)
        return StraightFlow(flow, functions, context, registry.dialects(self._system(flow.source).connector))

    def _open_source(self, name: str) -> Source:
        return registry.open_source(self._system(name).connector, self._connection(name))

    def _connection(self, name: str, without_rows: Mapping[str, Collection[str]] = MappingProxyType({})) -> Connection:
        system = self._system(name)
        return Connection(
            system=name, url=system.url.rstrip("/"), settings=system.settings, credentials=self._credentials(system),
            builders=self._builders(name, without_rows), http=self._http, clock=self._clock,
            quiet_period_seconds=system.limits.quiet_period_seconds or 0.0, allowance=self._allowance,
            calls_per_second=system.limits.rate_per_second or 0.0, tokens=self._tokens, observations=self._observations,
        )  # fmt: skip

    def _credentials(self, system: System) -> dict[str, str]:
        """One of each; of those of which several are valid at once, the newest: all of them are the intake's."""
        return {
            name: resolve(reference if isinstance(reference, str) else reference[0], self._folder, self._environ)
            for name, reference in system.credentials.items()
            if reference
        }

    def _builders(self, name: str, without_rows: Mapping[str, Collection[str]]) -> dict[str, Builder]:
        mapping, context = self._mapping(name), self._context(name)
        functions = connector_functions(self._system(name).connector, self._users)
        builders: dict[str, Builder] = {}
        for object_name in mapping.tables:
            for document in mapping.documents(object_name):
                table = without(mapping.table_out(object_name, document), without_rows.get(document, ()))
                writer = compile_out(table, self._version_out(name, object_name, functions), functions)
                builders.setdefault(document, writer.bound(context))
        return builders


def _by_source(strategy: Strategy) -> dict[str, list[Flow]]:
    found: dict[str, list[Flow]] = {}
    for flow in strategy.flows.values():
        if flow.publish is None:  # what stock follows from its events is worked out by the stock desk
            found.setdefault(flow.source, []).append(flow)
    return found


def _written_to(flow: Flow) -> list[str]:
    """Its destinations as the dispatcher knows them: stock has a lane of its own at a channel."""
    return [shown_at(name) for name in flow.destinations] if flow.publish is not None else flow.destinations


def _subscription(one: Wanted) -> Subscription:
    return Subscription(
        topic=one.topic, address="", name=one.name, filter=one.filter, fields=one.fields, metafields=one.metafields
    )


def _retry(rule: Retry) -> RetryPolicy:
    return RetryPolicy(
        attempts=rule.attempts,
        base_seconds=rule.base_seconds,
        cap_seconds=rule.cap_seconds,
        budget_share=rule.budget_share,
    )


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
