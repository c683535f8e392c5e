"""What a document costs in points: before it runs (requested) and by what it gave back (actual).

Fitted on recorded answers (F91, and 8,052 of the public recordings in airhorns/shopify-draft-proxy, 2025-01 to 2026-07, of
which the rules below give 96 of 100 exactly): a field of objects costs 1, scalars and enums nothing, a few value types
nothing; a connection of n costs 2 and what one node costs times max(1, floor(2 ln n)); without a size 2; a count at the
root 10; a mutation 10, some more, with what lies below its payload's own objects. Lists count as one object. What was
returned costs in proportion: a connection's nodes share its points by their number, objects that are null keep theirs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from interlock.twins.shopify.admin.plan import Field, Run, Selection

MOST_POINTS = 1000
"""The most that a single document may cost (F25)."""
OBJECT_POINTS, CONNECTION_POINTS, COUNT_POINTS = 1, 2, 10
POINTS_BY_TYPE = {"MoneyV2": 0, "MoneyBag": 0, "LocationAddress": 0}
MUTATION_POINTS = 10
POINTS_BY_MUTATION = {
    "fileCreate": 20,
    "flowTriggerReceive": 1,
    "fulfillmentTrackingInfoUpdate": 50,
    "orderCapture": 20,
    "refundCreate": 20,
    "storeCreditAccountDebit": 15,
}
FLAT = frozenset({"fulfillmentTrackingInfoUpdate"})
"""Mutations whose payload adds nothing."""

Data = Mapping[str, Any]


def requested(plan: Selection, run: Run) -> int:
    """The points that are taken before the document runs; only numbers among its variables change them."""
    numbers = tuple((name, value) for name, value in run.variables.coerced.items() if isinstance(value, int))
    known = plan.points.get(numbers)
    if known is None:
        known = plan.points[numbers] = _requested(plan, run)
    return known


def _requested(plan: Selection, run: Run) -> int:
    fields = plan.of(plan.type_name)
    if plan.type_name == "Mutation":
        return sum(_mutation(one) + sum(_below(part, run) for part in _payload(one)) for one in fields)
    return sum(_field(one, run) for one in fields)


def actual(plan: Selection, run: Run, data: Data | None) -> int:
    """The points of what came back; the difference to what was requested is given back."""
    fields = plan.of(plan.type_name)
    given = data or {}
    if plan.type_name == "Mutation":
        return sum(_mutation(one) + _returned_payload(one, run, given.get(one.key)) for one in fields)
    return sum(_returned(one, run, given.get(one.key)) for one in fields)


def steps(size: int) -> int:
    """How often a connection of a size counts its node."""
    return max(1, math.floor(2 * math.log(size))) if size > 0 else 0


def _mutation(at: Field) -> int:
    return POINTS_BY_MUTATION.get(at.name, MUTATION_POINTS)


def _payload(at: Field) -> list[Field]:
    """The objects of a mutation's payload, which are free themselves."""
    if at.below is None or at.name in FLAT:
        return []
    return [one for one in at.below.of(at.type_name) if one.below and not one.name.endswith("serErrors")]


def _own(at: Field) -> int:
    if at.owner == "QueryRoot" and at.type_name == "Count":
        return COUNT_POINTS
    return POINTS_BY_TYPE.get(at.type_name, OBJECT_POINTS)


def _field(at: Field, run: Run) -> int:
    if at.below is None:
        return 0
    if at.type_name.endswith("Connection"):
        nodes = sum(_field(one, run) for one in _nodes(at))
        return CONNECTION_POINTS + nodes * steps(_size(at, run))
    return _own(at) + _below(at, run)


def _below(at: Field, run: Run) -> int:
    """What the dearest of the types that can come costs."""
    below = at.below
    return max((sum(_field(one, run) for one in below.of(name)) for name in below.types), default=0) if below else 0


def _size(at: Field, run: Run) -> int:
    arguments = at.arguments(run)
    return int(arguments.get("first") or arguments.get("last") or 0)


def _nodes(at: Field) -> list[Field]:
    """The fields that give a connection's nodes: `nodes`, and what `edges` hold."""
    found: list[Field] = []
    for one in at.below.of(at.type_name) if at.below else ():
        if one.name == "edges" and one.below:
            found += [inner for inner in one.below.of(one.type_name) if inner.below]
        elif one.below and one.name != "pageInfo":
            found.append(one)
    return found


def _returned(at: Field, run: Run, value: Any) -> int:
    if at.below is None:
        return 0
    if at.type_name.endswith("Connection"):
        return _returned_connection(at, run, value) if value is not None else 0
    if isinstance(value, list):
        return _own(at) + max((_returned_below(at, run, one) for one in value), default=0)
    return _own(at) + _returned_below(at, run, value)


def _returned_below(at: Field, run: Run, value: Any) -> int:
    if at.below is None or not isinstance(value, Mapping):
        return 0
    fields = next((found for name in at.below.types if _fits(found := at.below.of(name), value)), ())
    return sum(_returned(one, run, value.get(one.key)) for one in fields)


def _fits(fields: tuple[Field, ...], value: Data) -> bool:
    return all(one.key in value for one in fields) and len(value) == len(fields)


def _returned_connection(at: Field, run: Run, value: Data) -> int:
    size = _size(at, run)
    spent = 0.0
    for one in at.below.of(at.type_name) if at.below else ():
        got = value.get(one.key)
        if not isinstance(got, list):
            continue
        if one.name == "edges" and one.below:
            inner = one.below.of(one.type_name)
            each = sum(_returned(part, run, edge.get(part.key)) for edge in got for part in inner)
        else:
            each = sum(_returned(one, run, node) for node in got)
        spent += steps(size) * each / size if size else 0
    return CONNECTION_POINTS + math.ceil(spent)


def _returned_payload(at: Field, run: Run, value: Any) -> int:
    given = value if isinstance(value, Mapping) else {}
    total = 0
    for part in _payload(at):
        got = given.get(part.key)
        parts = got if isinstance(got, list) else [got]
        total += max((_returned_below(part, run, one) for one in parts), default=0)
    return total
