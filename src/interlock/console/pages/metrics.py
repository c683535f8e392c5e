"""`/metrics` in Prometheus' text format, for whoever has the console's token: what is open, dead, silent, down."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from interlock.console.drift import open_drift
from interlock.console.health import ends_of
from interlock.console.rendering import Console, console_of
from interlock.console.source_metrics import WEEK_MS, source_families
from interlock.console.stock_metrics import stock_families
from interlock.messaging.contract_drift import DriftRow
from interlock.messaging.differences import MoneyDifferences
from interlock.messaging.ledger import Filter
from interlock.messaging.silences import Silence
from interlock.messaging.stops import Stop
from interlock.messaging.views import DeadLetterGroup, DestinationHealth, FlowTile, Window
from interlock.operations.endings import Ending, endings
from interlock.strategy.alerts import alerts_now

DAY_MS = 86_400_000
WAY = ("flow", "destination")


async def metrics(request: Request) -> Response:
    """The families, worked out at the moment of asking: from the store, so a restart loses nothing, but for what this process
    noticed of its systems."""
    if not _may(request):
        challenge = {"WWW-Authenticate": 'Bearer realm="interlock"'}
        return PlainTextResponse("give the console's token as a bearer token\n", 401, headers=challenge)
    registry = CollectorRegistry()
    registry.register(_Families(await _families(console_of(request))))
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _may(request: Request) -> bool:
    """A scraper with the token, or a person who is signed in. Not "from this machine": behind a proxy everybody is."""
    given = request.headers.get("authorization")
    if given is None:
        return request.state.session is not None
    scheme, _, token = given.partition(" ")
    return scheme.lower() == "bearer" and console_of(request).sessions.knows(token.strip())


class _Families(Collector):
    """What was worked out already, in the shape that the text writer asks for."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


async def _families(console: Console) -> list[Metric]:
    now_ms = console.now_ms
    health = await console.views.destination_health(now_ms)
    tiles = await console.views.flow_tiles(Window(since_ms=now_ms - DAY_MS, until_ms=now_ms))
    groups = await console.views.dead_letter_groups(Filter(), now_ms=now_ms)
    pulse = await console.views.pulse()
    events = CounterMetricFamily("interlock_events", "Events made durable since the store was made")
    events.add_metric([], pulse.events)
    silent = _silent(console, await console.views.silences(), await console.views.flow_stops())
    drift = _drift(await open_drift(console.mappings))
    ends = endings(console.strategy, await console.views.consumers(), now_ms)
    return [
        events,
        *_destinations(health),
        *_flows(tiles),
        *_versions(ends),
        _dead(groups),
        _differences(console, await console.views.money_differences()),
        drift,
        *silent,
        *_noticed(console),
        *source_families(
            await console.views.subscriptions(),
            await console.views.latest_sweeps(),
            await console.views.missed_counts(now_ms - WEEK_MS),
        ),
        *stock_families(await console.views.stock_accuracy(), await console.views.stock_causes(), now_ms),
        await _alerts(console),
    ]


def _noticed(console: Console) -> list[Metric]:
    """Of the systems of the folder; each has its 0, so that an alert on a rise begins somewhere."""
    other = CounterMetricFamily(
        "interlock_other_version_answers",
        "Answers by another API version than was asked for",
        labels=("system", "asked", "answered"),
    )
    unread = GaugeMetricFamily(
        "interlock_unread_parts", "Parts of documents that the app has no scope for", labels=("system",)
    )
    for name in console.strategy.systems:
        unread.add_metric((name,), len(console.observations.unread(name)))
        for one in console.observations.other_versions(name):
            other.add_metric((name, one.asked, one.answered), one.count)
    return [other, unread]


async def _alerts(console: Console) -> Metric:
    """Each alert of slos.toml; whoever is called for it stands in the scraper's own rules, by the severity."""
    found = GaugeMetricFamily("interlock_alert", "1 while the alert of slos.toml is on", labels=("alert", "severity"))
    if console.strategy.slos.alerts:
        running = await console.views.evidence(console.now_ms)
        for one in alerts_now(console.strategy, running, console.now_ms):
            found.add_metric((one.name, one.severity), float(one.on))
    return found


def _destinations(health: Iterable[DestinationHealth]) -> list[Metric]:
    open_ = GaugeMetricFamily("interlock_open_deliveries", "Deliveries by state", labels=("destination", "state"))
    down = GaugeMetricFamily("interlock_destination_down", "1 while the breaker is not closed", labels=("destination",))
    for each in health:
        down.add_metric((each.destination,), float(each.breaker != "closed"))
        for state, count in each.open.items():
            open_.add_metric((each.destination, state), count)
    return [open_, down]


def _flows(tiles: Iterable[FlowTile]) -> list[Metric]:
    ended = GaugeMetricFamily("interlock_ended_deliveries_24h", "Ended within 24 hours", labels=(*WAY, "result"))
    success = GaugeMetricFamily("interlock_last_success_timestamp_seconds", "When it last delivered", labels=WAY)
    typical = GaugeMetricFamily("interlock_typical_latency_seconds", "Median of the newest deliveries", labels=WAY)
    for tile in tiles:
        way = (tile.flow, tile.destination)
        for result in ("done", "unchanged", "dead", "retried"):
            ended.add_metric((*way, result), getattr(tile, result))
        if tile.last_success_ms:
            success.add_metric(way, tile.last_success_ms / 1000)
        if tile.latency_ms_p50 is not None:
            typical.add_metric(way, tile.latency_ms_p50 / 1000)
    return [ended, success, typical]


def _differences(console: Console, booked: Iterable[MoneyDifferences]) -> Metric:
    """Every way has its 0, so that an alert on a rise begins somewhere."""
    found = GaugeMetricFamily(
        "interlock_money_differences", "Objects booked with a difference that no part explains", labels=WAY
    )
    counts = {(flow.name, to): 0 for flow in console.strategy.flows.values() for to in ends_of(flow)}
    counts |= {(each.flow, each.destination): each.count for each in booked}
    for way, count in counts.items():
        found.add_metric(way, count)
    return found


def _silent(console: Console, silences: Iterable[Silence], stops: Iterable[Stop]) -> list[Metric]:
    """Every flow has its 0, so that an alert can tell "not silent" from "not asked"."""
    now = {silence.flow for silence in silences}
    stopped = {stop.flow for stop in stops}
    silent = GaugeMetricFamily(
        "interlock_flow_silent", "1 while a flow delivers less than expected", labels=("flow", "owner")
    )
    paused = GaugeMetricFamily(
        "interlock_flow_stopped", "1 while a flow is paused or drained", labels=("flow", "owner")
    )
    for flow in console.strategy.flows.values():
        silent.add_metric((flow.name, flow.owner), float(flow.name in now))
        paused.add_metric((flow.name, flow.owner), float(flow.paused or flow.name in stopped))
    return [silent, paused]


def _drift(rows: Iterable[DriftRow]) -> Metric:
    """Open ones by how grave they are: high is read by a mapping."""
    counts = Counter((row.system, row.object, row.severity) for row in rows)
    drift = GaugeMetricFamily(
        "interlock_contract_drift", "Changed fields of sources", labels=("system", "object", "severity")
    )
    for key, count in counts.items():
        drift.add_metric(key, count)
    return drift


def _versions(ends: Iterable[Ending]) -> list[Metric]:
    """Old versions that a change file ends, and who was seen using them within a week."""
    sunset = GaugeMetricFamily("interlock_version_sunset_timestamp_seconds", "When it is refused", labels=("version",))
    labels = ("version", "part", "name")
    last = GaugeMetricFamily(
        "interlock_version_last_used_timestamp_seconds", "Last delivery by an old version", labels=labels
    )
    uses = CounterMetricFamily("interlock_version_uses", "Deliveries by an old version", labels=labels)
    for ending in ends:
        if ending.retirement.sunset_ms:
            sunset.add_metric((ending.retirement.key,), ending.retirement.sunset_ms / 1000)
        for one in ending.using:
            last.add_metric((ending.retirement.key, one.part, one.name), one.last_seen_ms / 1000)
            uses.add_metric((ending.retirement.key, one.part, one.name), one.uses)
    return [sunset, last, uses]


def _dead(groups: Iterable[DeadLetterGroup]) -> Metric:
    """By owner, so that an alert finds the one who can act; several causes of one way are added up."""
    counts: dict[tuple[str, str, str], int] = {}
    for group in groups:
        key = (group.flow, group.destination, group.owner)
        counts[key] = counts.get(key, 0) + group.count
    dead = GaugeMetricFamily("interlock_dead_letters", "Deliveries that need a person", labels=(*WAY, "owner"))
    for key, count in counts.items():
        dead.add_metric(key, count)
    return dead
