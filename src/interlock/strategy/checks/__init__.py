"""The rules of a strategy folder, STR001 onward; `ALL` is every one, in the order of their codes."""

from inspect import isabstract
from types import ModuleType

from interlock.strategy.checks import (
    advice,
    alerts,
    baseline,
    change_files,
    contracts,
    gates,
    inventory,
    ownership,
    priority,
    publishing,
    references,
    renaming,
    safety,
    sense,
    shape,
    steps,
    stock_items,
    stores,
    straight,
    subscriptions,
    vendor,
    versions,
)
from interlock.strategy.checks.base import Check, Example

__all__ = ["ALL", "Check", "Example"]


def _checks_of(module: ModuleType) -> list[Check]:
    kinds = (
        kind
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, Check) and not name.startswith("_")
    )
    return [kind() for kind in kinds if not isabstract(kind)]


ALL: tuple[Check, ...] = tuple(
    sorted(
        (
            check
            for module in (
                shape,
                references,
                renaming,
                safety,
                sense,
                advice,
                alerts,
                baseline,
                contracts,
                change_files,
                gates,
                ownership,
                priority,
                inventory,
                stock_items,
                publishing,
                steps,
                stores,
                straight,
                subscriptions,
                vendor,
                versions,
            )
            for check in _checks_of(module)
        ),
        key=lambda check: check.code,
    )
)
