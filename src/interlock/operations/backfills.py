"""Which systems can be read in bulk for which object, as the manifests of their connectors say."""

from collections.abc import Iterator

from interlock.connectors.registry import manifest
from interlock.operations import source_choice
from interlock.strategy import Strategy

PLURALS = {"orders": "order", "customers": "customer", "products": "product"}
"""What people say -> the object."""


def plural_of(object_name: str) -> str:
    """`orders` of `order`."""
    return next((plural for plural, name in PLURALS.items() if name == object_name), object_name)


def readable(strategy: Strategy) -> Iterator[tuple[str, str]]:
    """(system, object) that can be read in bulk, and that a flow moves: the others first come to nobody."""
    moved = {(flow.source, flow.object_name) for flow in strategy.flows.values()}
    for name, system in strategy.systems.items():
        for object_name, direction in manifest(system.connector).objects.items():
            if "bulk" in direction.can and (name, object_name) in moved:
                yield name, object_name


def source_of(strategy: Strategy, object_name: str, wanted: str = "") -> str:
    """The system to read from. Raises SettingsError BFL002 when it cannot be read so, or when several can."""
    return source_choice.source_of(
        [system for system, one in readable(strategy) if one == object_name], wanted, things=plural_of(object_name),
        done="backfilled", code="BFL002", needs=f"no flow moves {object_name} from a system that is read in bulk",
    )  # fmt: skip
