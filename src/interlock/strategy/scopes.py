"""What credentials must be allowed to do: worked out from what the flows read and write, in the words of each vendor."""

from interlock.strategy.facts import ConnectorFacts
from interlock.strategy.model import Strategy


def needed_scopes(strategy: Strategy, connectors: ConnectorFacts) -> dict[str, set[str]]:
    """System -> the scopes that its flows need. A system whose connector names none is left out: nothing could be compared."""
    uses: dict[str, set[str]] = {}
    for flow in strategy.flows.values():
        topics = {f"topic {topic}" for topic in flow.trigger}
        uses.setdefault(flow.source, set()).update({f"read {flow.object_name}", *topics})
        for name in flow.destinations:
            uses.setdefault(name, set()).add(f"write {flow.object_name}")
    needed = {name: _needed(strategy, connectors, name, things) for name, things in sorted(uses.items())}
    return {name: scopes for name, scopes in needed.items() if scopes}


def _needed(strategy: Strategy, connectors: ConnectorFacts, name: str, things: set[str]) -> set[str]:
    system = strategy.systems.get(name)
    fact = connectors.get(system.connector) if system else None
    return {scope for thing in things for scope in fact.scopes.get(thing, ())} if fact else set()
