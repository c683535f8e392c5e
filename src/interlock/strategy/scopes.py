"""What credentials must be allowed to do: worked out from what the flows read and write, in the words of each vendor."""

from collections.abc import Iterable, Mapping

from interlock.strategy.facts import ConnectorFact, ConnectorFacts
from interlock.strategy.model import Flow, Strategy, System


def needed_scopes(strategy: Strategy, connectors: ConnectorFacts) -> dict[str, set[str]]:
    """System -> the scopes that its flows need. A system whose connector names none is left out: nothing could be compared."""
    return _scopes_of(uses_of(strategy.flows.values()), strategy.systems, connectors)


def useful_scopes(strategy: Strategy, connectors: ConnectorFacts) -> dict[str, set[str]]:
    """System -> the scopes that its flows need, and those that let them see more of the same objects."""
    uses = uses_of(strategy.flows.values())
    return _scopes_of({name: things | widened(things) for name, things in uses.items()}, strategy.systems, connectors)


def uses_of(flows: Iterable[Flow]) -> dict[str, set[str]]:
    """System -> what the flows do there: `read order`, `topic orders/create`, `write customer`."""
    uses: dict[str, set[str]] = {}
    for flow in flows:
        topics = {f"topic {topic}" for topic in flow.trigger}
        uses.setdefault(flow.source, set()).update({f"read {flow.object_name}", *topics})
        for name in flow.destinations:
            uses.setdefault(name, set()).add(f"write {flow.object_name}")
    return uses


def widened(things: Iterable[str]) -> set[str]:
    """What may be granted beside: `optional order` beside `read order`."""
    return {f"optional {thing.partition(' ')[2]}" for thing in things if thing.startswith("read ")}


def _scopes_of(
    uses: Mapping[str, set[str]], systems: Mapping[str, System], connectors: ConnectorFacts
) -> dict[str, set[str]]:
    found = {name: _granted_for(connectors.get(systems[name].connector), uses[name]) for name in sorted(uses) if name in systems}
    return {name: scopes for name, scopes in found.items() if scopes}


def _granted_for(fact: ConnectorFact | None, things: Iterable[str]) -> set[str]:
    return {scope for thing in things for scope in fact.scopes.get(thing, ())} if fact else set()
