"""Which objects of which sources are compared with what their webhooks told, and how often: by flows, manifests and systems' files."""

from interlock.connectors.registry import manifest
from interlock.messaging.sweeps import Schedule
from interlock.strategy import Reconcile, Strategy

Place = tuple[str, str]
"""(system, object)"""


def swept(strategy: Strategy) -> dict[Place, Schedule]:
    """What flows move and can be listed; of a part, such as a refund, the whole that it belongs to."""
    found: dict[Place, Schedule] = {}
    for flow in strategy.flows.values():
        system = strategy.systems[flow.source]
        known = manifest(system.connector)
        wholes = [part.of for part in known.parts.values() if part.object == flow.object_name]
        for name in (flow.object_name, *wholes):
            if name in known.objects and "list" in known.objects[name].can:
                found[flow.source, name] = _schedule(system.reconcile)
    return found


def _schedule(rule: Reconcile) -> Schedule:
    return Schedule(
        every_minutes=rule.every_minutes, overlap_minutes=rule.overlap_minutes, settle_minutes=rule.settle_minutes
    )
