"""Systems that change their names: what a folder declares with `was`, and an older folder read under the names of now.

The store knows a system by its name. When `systems/warehouse.toml` says `was = "shipbob"`, what the store knows of shipbob
becomes warehouse's, and a release that still says shipbob means warehouse. So an event that was accepted under the older
release keeps its mapping, its address and its condition, and finds the links and the lanes of the same system.
"""

from collections.abc import Mapping
from typing import TypeVar

from msgspec.structs import replace

from interlock.strategy.inventory import Inventory, Publish
from interlock.strategy.model import Flow, Strategy

T = TypeVar("T")
Names = Mapping[str, str]
"""A name that was -> the present one."""


def declared(strategy: Strategy) -> dict[str, str]:
    """What the folder says itself."""
    return {system.was: name for name, system in strategy.systems.items() if system.was is not None}


def under_present_names(strategy: Strategy, names: Names) -> Strategy:
    """The same folder, with each system that it knows by an old name, and not by the new one too, called as now."""
    changed = {name: now for name in strategy.systems if (now := names.get(name, name)) not in strategy.systems}
    if not changed:
        return strategy

    def called(name: str) -> str:
        return changed.get(name, name)

    return replace(
        strategy,
        systems={called(name): replace(system, name=called(name)) for name, system in strategy.systems.items()},
        flows={name: _flow(flow, changed) for name, flow in strategy.flows.items()},
        mappings={called(name): text for name, text in strategy.mappings.items()},
        items={called(name): table for name, table in strategy.items.items()},
        inventory=_inventory(strategy.inventory, changed),
    )


def _flow(flow: Flow, changed: Names) -> Flow:
    def called(name: str) -> str:
        return changed.get(name, name)

    return replace(
        flow,
        source=called(flow.source),
        destinations=[called(name) for name in flow.destinations],
        steps=[replace(step, system=called(step.system)) for step in flow.steps],
        publish=flow.publish and _publish(flow.publish, changed),
    )


def _publish(publish: Publish, changed: Names) -> Publish:
    rules = [replace(rule, channel=changed.get(rule.channel, rule.channel)) for rule in publish.rule]
    return replace(publish, rule=rules)


def _inventory(inventory: Inventory, changed: Names) -> Inventory:
    """A new one: what the old one has looked up for itself stays there."""

    def called(name: str) -> str:
        return changed.get(name, name)

    def keyed(table: Mapping[str, T]) -> dict[str, T]:
        return {called(name): value for name, value in table.items()}

    return Inventory(
        locations={
            name: replace(one, owner=called(one.owner), places=keyed(one.places), split=keyed(one.split))
            for name, one in inventory.locations.items()
        },
        items=tuple(replace(rule, names=keyed(rule.names), pack=keyed(rule.pack)) for rule in inventory.items),
        kits=inventory.kits,
        groups=tuple(replace(group, owner=called(group.owner)) for group in inventory.groups),
        ignore=inventory.ignore,
        ignored_places=frozenset((called(system), place) for system, place in inventory.ignored_places),
    )
