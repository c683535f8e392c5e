"""A release as it runs: the folder's rules for what the router, the dispatcher, the intake and the console ask. Nothing connects yet."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec

from interlock.clock import Clock
from interlock.connectors.allowance import Allowance
from interlock.connectors.contract import Records
from interlock.connectors.http import Http
from interlock.connectors.observations import Observations
from interlock.connectors.token_store import TokenStore
from interlock.flows.inventory.rules import NOTHING_LISTED, BookCatalogue, StockRules
from interlock.messaging.delivery import Want
from interlock.messaging.event import Dialect, Event
from interlock.messaging.gate import FINAL_TAXES, HOLD
from interlock.messaging.privacy import TOPICS as PRIVACY
from interlock.messaging.redelivery import RetryPolicy
from interlock.messaging.releases import Document, Holding, Limits
from interlock.messaging.source import Bulk, Gatekeeper, Listing, Subscriber, Subscription
from interlock.messaging.stock import StockChannel, StockSource
from interlock.messaging.stock_book import SHOWN, channel_of
from interlock.messaging.sweeps import Schedule
from interlock.messaging.write import Destination, Source
from interlock.release.cautions import Cautions
from interlock.release.compiled import CompiledMappings
from interlock.release.connections import Connections
from interlock.release.retirement import Retirements
from interlock.release.routes import Routes
from interlock.release.steps import MIDDLEWARE, Steps
from interlock.release.straight import refusal
from interlock.release.swept import swept
from interlock.release.uses import Uses
from interlock.strategy import Flow, Retry, Strategy, compile_predicate, resolve
from interlock.strategy.webhooks import Wanted, wanted

CALLS_OF_STOCK = 2
"""Of stock, at one channel: one under way, and the lines of the next."""
MOST_LINES = 4_000
"""Under way at one channel: where a feed takes 10,000 lines, each costs some kilobytes until the feed has ended."""
KEPT_FOR_LIVE = 100
"""Besides, for what changes while a full sync is under way."""


class Build:
    """One release. `folder` and `environ` are where references of credentials are looked up."""

    def __init__(
        self, strategy: Strategy, folder: Path, *, http: Http, clock: Clock, environ: Mapping[str, str],
        allowance: Allowance | None = None, tokens: TokenStore | None = None, catalogue: BookCatalogue | None = None,
        observations: Observations | None = None, secret: Callable[[str], str] | None = None,
    ) -> None:  # fmt: skip
        self.id = strategy.release
        self.strategy = strategy
        self.cautions = Cautions()
        self.uses = Uses()
        self.mappings = CompiledMappings(strategy)
        self.versions = self.mappings.versions
        self.retirements = Retirements(strategy)
        self._connections = Connections(
            strategy, self.mappings, http=http, clock=clock, allowance=allowance or Allowance(clock), tokens=tokens,
            secret=secret or partial(resolve, folder=folder, environ=environ), observations=observations,
        )  # fmt: skip
        self._manifest = self._connections.manifest
        self.routes = Routes(strategy, self._manifest)
        self._swept = swept(strategy)
        self._scripts = {
            flow.name: self._steps(flow) for flow in strategy.flows.values() if flow.pattern == MIDDLEWARE
        }
        self._conditions = {
            flow.name: compile_predicate(flow.when, flow.object_name) for flow in strategy.flows.values() if flow.when
        }
        self.stock = StockRules(strategy, catalogue or BookCatalogue(NOTHING_LISTED))

    def _steps(self, flow: Flow) -> Steps:
        return Steps(
            flow, self.versions.contracts[flow.object], self._connections, partial(self.versions.at, key=flow.object)
        )

    # -- what the router asks

    def wants(self, event: Event) -> Sequence[Want]:
        """What the flows want done because of an event."""
        return self.routes.wants(event)

    # -- what the dispatcher asks

    def document(self, system: str, object_name: str, body: bytes) -> Document:
        """The canonical object in the version that the body itself states."""
        reader, context = self.mappings.reader(system, object_name)
        value = reader(body, context)
        cautions = self.cautions.of(system, object_name)
        return Document(value=value, version=_microseconds(value.updated_at), cautions=cautions)

    def straight(self, flow: str) -> bool:
        """Whether it is point-to-point."""
        return flow in self.mappings.straight

    def raw(self, flow: str, key: str, body: bytes) -> Document:
        """The source's own document, on its way to the flow's one destination."""
        return self.mappings.straight[flow].document(key, body)

    def script(self, flow: str) -> Steps | None:
        """Its steps, when it is a process."""
        return self._scripts.get(flow)

    def serves(self, flow: str, destination: str) -> bool:
        """Whether the folder still has the flow to this destination."""
        return self.routes.serves(flow, destination)

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
        if flow in self.mappings.straight:
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
        if flow in self.mappings.straight:
            return ()
        uses = self.mappings.uses(self.strategy.flows[flow], destination)
        self.uses.note(uses, now_ms)
        return self.retirements.warnings((use.version for use in uses), now_ms)

    def destination(self, name: str, source: str) -> Destination:
        """The system to write to as flows from `source` may."""
        return self._connections.destination(name, source)

    def records(self, name: str) -> Records:
        """The system whose records enrich a process."""
        return self._connections.records(name)

    def source(self, name: str) -> Source:
        """The system to read from."""
        return self._connections.source(name)

    def listing(self, name: str) -> Listing:
        """How the system lists what changed."""
        listing: Listing = self._connections.offered(name, "listing")
        return listing

    def bulk(self, name: str) -> Bulk:
        """How all of the system's objects are read at once."""
        bulk: Bulk = self._connections.offered(name, "bulk")
        return bulk

    def stock_source(self, system: str) -> StockSource:
        """How a system that counts stock is read."""
        source: StockSource = self._connections.offered(system, "stock_source")
        return source

    def stock_channel(self, system: str) -> StockChannel:
        """How stock is shown at a channel."""
        channel: StockChannel = self._connections.offered(system, "stock_channel")
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
        subscriber: Subscriber = self._connections.offered(name, "subscriber")
        return subscriber

    def wanted_subscriptions(self) -> dict[str, list[Subscription]]:
        """System -> the subscriptions that its flows declare, of systems whose connector can make them. What people ask of their
        data comes by the app's own settings, never by a subscription (F75)."""
        gates = {flow.name: self._gate_topics(flow) for flow in self.strategy.flows.values()}
        stock = {system: self._stock_topics(system) for system in self.stock.channels}
        return {
            system: [_subscription(one) for one in topics if one.topic in self._manifest(system).topics and one.topic not in PRIVACY]
            for system, topics in wanted(self.strategy, gates, stock).items()
            if self._manifest(system).subscribes
        }

    def _stock_topics(self, channel: str) -> tuple[str, ...]:
        """By which a channel tells what a flow of stock needs to hear."""
        told = self._manifest(channel).stock
        return (*told.topics, *(told.routed if self.stock.is_routed(channel) else ()))

    def _gate_topics(self, flow: Flow) -> tuple[str, ...]:
        """By which the source tells that something may leave now."""
        gate = self._manifest(flow.source).gates.get(flow.object_name)
        return gate.topics if gate is not None and set(flow.waits_for) - {FINAL_TAXES} else ()

    def swept(self) -> Mapping[tuple[str, str], Schedule]:
        """(system, object) that is compared with what its webhooks told, and how often; asked twice a second."""
        return self._swept

    def renew_credentials(self) -> None:
        """Open what is open anew, with the secrets as they are now. Raises SettingsError; then the old ones stay."""
        self._connections.renew_credentials()

    def limits(self, destination: str) -> Limits:
        """The folder's limits, the connector's own rate where the folder names none. Stock goes many lines to a call: what is
        limited there are the calls, by the channel's writer."""
        if destination.startswith(SHOWN):
            channel = channel_of(destination)
            lines = min(CALLS_OF_STOCK * self.stock_channel(channel).lines_per_write, MOST_LINES)
            return msgspec.structs.replace(
                self.limits(channel), concurrency=lines + KEPT_FOR_LIVE, kept_for_live=KEPT_FOR_LIVE, rate_per_second=None
            )
        system = self.strategy.systems[destination]
        declared = self._manifest(destination).limits
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

    # -- what the intake asks

    def dialects(self, system: str) -> tuple[Dialect, ...]:
        """How this system's webhooks are read."""
        return self._connections.dialects(system)

    def webhook_secrets(self, system: str) -> tuple[bytes, ...]:
        """All that are valid now."""
        return self._connections.webhook_secrets(system)

    def warm(self) -> None:
        """Compile every mapping and open every connector now, so that a mistake shows at the start."""
        for system in sorted(self.stock.systems):
            self.tellers(system)
        for flow in self.strategy.flows.values():
            if flow.publish is not None:
                continue
            if flow.name not in self.mappings.straight:
                self.mappings.reader(flow.source, flow.object_name)
            for name in flow.destinations:
                self.destination(name, flow.source)
            for step in flow.steps:
                if step.kind == "enrich" and step.system:
                    self.records(step.system)
        self.versions.warm({flow.object_name for flow in self.strategy.flows.values()})


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
