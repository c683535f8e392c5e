"""Which systems can be read in bulk for which object, as the manifests of their connectors say."""

from collections.abc import Iterator

from interlock.connectors.registry import manifest
from interlock.errors import SettingsError
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
    able = [system for system, one in readable(strategy) if one == object_name]
    if wanted in able or (not wanted and len(able) == 1):
        return wanted or able[0]
    if wanted:
        why = f"a flow from {wanted} has to move {object_name}, and its connector to read it in bulk"
        raise SettingsError(
            f"{plural_of(object_name)} of {wanted} cannot be backfilled", code="BFL002", where=f"systems/{wanted}.toml",
            why=why, next_move=f"name one of: {', '.join(able)}" if able else "interlock flows",
        )  # fmt: skip
    why = (
        f"{', '.join(able)} can be read" if able else f"no flow moves {object_name} from a system that is read in bulk"
    )
    raise SettingsError(
        f"nothing says whose {plural_of(object_name)} are meant", code="BFL002", why=why,
        next_move=f"say --system {able[0]}" if able else "interlock flows",
    )  # fmt: skip
