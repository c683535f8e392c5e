"""Array inputs hold at most 250 members (F24); a few hold more or less, as recorded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.twins.shopify.admin.plan import Run, Selection

MOST_MEMBERS = 250
OTHER_LIMITS = {
    "productSet.input.variants": 2048,
    "productSet.input.productOptions.values": 2048,
    "productVariantsBulkCreate.variants": 2048,
    "productVariantsBulkUpdate.variants": 2048,
    "draftOrderCreate.input.lineItems": 499,
    "draftOrderUpdate.input.lineItems": 499,
}


def too_long(plan: Selection, run: Run) -> list[dict[str, Any]]:
    """An error for each list of a root field's arguments that is too long; such a document is not executed."""
    return [
        {
            "message": f"The input array size of {size} is greater than the maximum allowed of {most}.",
            "locations": at.locations(),
            "path": path,
            "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"},
        }
        for at in plan.of(plan.type_name)
        if at.name != "__typename"
        for path, size, most in _lists(at.arguments(run), [at.name])
        if size > most
    ]


def _lists(value: Any, path: list[str]) -> Iterator[tuple[list[str], int, int]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _lists(inner, [*path, name])
    elif isinstance(value, list):
        yield path, len(value), OTHER_LIMITS.get(".".join(path), MOST_MEMBERS)
        for inner in value:
            yield from _lists(inner, path)
