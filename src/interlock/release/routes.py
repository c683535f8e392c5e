"""Where events go: the flows that a fact triggers, and the destinations that each of them writes to."""

from collections.abc import Callable, Iterable, Sequence

from interlock.connectors.manifest import Manifest
from interlock.messaging.delivery import Want
from interlock.messaging.event import Event
from interlock.messaging.process import steering_of
from interlock.messaging.stock_book import shown_at
from interlock.release.steps import MIDDLEWARE
from interlock.strategy import Flow, Strategy


class Routes:
    """Of one release. `manifest`: what a system's connector says of itself."""

    def __init__(self, strategy: Strategy, manifest: Callable[[str], Manifest]) -> None:
        self._flows = strategy.flows
        self._by_source = _by_source(strategy)
        self._part_topics = {flow.name: _topics_of_parts(flow, manifest(flow.source)) for flow in self._flows.values()}
        self._goes_to = {flow.name: _goes_to(flow) for flow in self._flows.values()}

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

    def serves(self, flow: str, destination: str) -> bool:
        """Whether the folder still has the flow to this destination."""
        return flow in self._flows and destination in (*self._goes_to[flow], *self._flows[flow].destinations)

    def ways(self) -> list[tuple[str, str]]:
        """Every flow with each destination that it serves."""
        served = {name: {*self._goes_to[name], *flow.destinations} for name, flow in self._flows.items()}
        return [(flow, destination) for flow, destinations in served.items() for destination in sorted(destinations)]

    def destinations(self) -> list[str]:
        """Every system that a flow writes to."""
        return _names(_written_to(flow) for flow in self._flows.values())

    def processes(self) -> list[str]:
        """What steers the processes of this release, as destinations."""
        return _names(_goes_to(flow) for flow in self._flows.values() if flow.pattern == MIDDLEWARE)


def _names(several: Iterable[Sequence[str]]) -> list[str]:
    return sorted({name for names in several for name in names})


def _by_source(strategy: Strategy) -> dict[str, list[Flow]]:
    found: dict[str, list[Flow]] = {}
    for flow in strategy.flows.values():
        if flow.publish is None:  # what stock follows from its events is worked out by the stock desk
            found.setdefault(flow.source, []).append(flow)
    return found


def _topics_of_parts(flow: Flow, manifest: Manifest) -> frozenset[str]:
    """Triggers of the flow whose facts carry the id of what it moves, in events of another object."""
    parts = manifest.parts
    return frozenset(topic for topic in flow.trigger if topic in parts and parts[topic].object == flow.object_name)


def _goes_to(flow: Flow) -> list[str]:
    """What an event of the flow is delivered to first: a process is steered to its destinations."""
    return [steering_of(flow.name)] if flow.pattern == MIDDLEWARE else _written_to(flow)


def _written_to(flow: Flow) -> list[str]:
    """Its destinations as the dispatcher knows them: stock has a lane of its own at a channel."""
    return [shown_at(name) for name in flow.destinations] if flow.publish is not None else flow.destinations
