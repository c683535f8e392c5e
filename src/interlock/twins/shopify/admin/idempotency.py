"""@idempotent(key:): the same key gives the same outcome for 24 hours, and the work is done once.

Facts: F29 (16 mutations, required from 2026-04 and only at run time), F30 (the three errors); texts of recorded answers and
of the schema's enums. An answer is kept as the resolver gave it, so a replay may select other fields of it.
"""

from __future__ import annotations

from typing import Any

from graphql import GraphQLObjectType, get_named_type
from graphql.execution.values import get_directive_values
from graphql.type import GraphQLSchema

from interlock.twins.shopify.admin.context import AdminError, Resolver, ShopContext
from interlock.twins.shopify.admin.plan import Field, Wrapper
from interlock.twins.shopify.admin.versions import IDEMPOTENCY_SINCE
from interlock.twins.world import content_hash

SECONDS_KEPT = 24 * 3600
REQUIRED = frozenset(
    {
        "inventoryActivate",
        "inventoryAdjustQuantities",
        "inventoryMoveQuantities",
        "inventorySetOnHandQuantities",
        "inventorySetQuantities",
        "inventoryShipmentAddItems",
        "inventoryShipmentCreate",
        "inventoryShipmentCreateInTransit",
        "inventoryShipmentReceive",
        "inventoryTransferCreate",
        "inventoryTransferCreateAsReadyToShip",
        "inventoryTransferDuplicate",
        "inventoryTransferSetItems",
        "locationActivate",
        "locationDeactivate",
        "refundCreate",
    }
)
ERRORS = {
    "IDEMPOTENCY_CONCURRENT_REQUEST": "This request is currently in progress, please try again.",
    "IDEMPOTENCY_KEY_PARAMETER_MISMATCH": (
        "The same idempotency key cannot be used with different operation parameters."
    ),
    "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED": (
        "A previous request with this idempotency key failed. Retry with a new idempotency key."
    ),
}
STATES = {"running": "IDEMPOTENCY_CONCURRENT_REQUEST", "failed": "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"}
KIND = "idempotency"


def wrapper(schema: GraphQLSchema, version: str) -> Wrapper:
    """The rule for the mutations of a version; other fields are left as they are."""
    directive = schema.get_directive("idempotent")

    def wrap(at: Field, resolver: Resolver | None) -> Resolver | None:
        if at.owner != "Mutation" or at.name not in REQUIRED or resolver is None:
            return resolver

        def once(shop: ShopContext, parent: Any, arguments: dict[str, Any]) -> Any:
            values = get_directive_values(directive, at.nodes[0], shop.variables) if directive else None
            if values is None:
                if version < IDEMPOTENCY_SINCE:
                    return resolver(shop, parent, arguments)
                raise AdminError(
                    "The @idempotent directive is required for this mutation but was not provided.", "BAD_REQUEST"
                )
            key = str(values["key"])
            if not key.strip():
                raise AdminError("Idempotency key is required", "BAD_REQUEST")
            return _answered(
                shop, at, f"{shop.app.client_id}:{key}", lambda: resolver(shop, parent, arguments), arguments
            )

        return once

    return wrap


def _answered(shop: ShopContext, at: Field, key: str, work: Any, arguments: dict[str, Any]) -> Any:
    """The answer kept under a key, or that of the work, done now."""
    digest = content_hash([at.name, arguments])
    kept = shop.world.get(KIND, key)
    if kept is not None and shop.clock() - float(kept["at"]) < SECONDS_KEPT:
        if kept["hash"] not in {digest, ""}:
            return _refused(at, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH")
        return _refused(at, STATES[kept["state"]]) if kept["state"] in STATES else kept["answer"]
    row = {"hash": digest, "at": shop.clock(), "state": "running", "answer": None}
    shop.world.remember((KIND, key, row))
    try:
        answer = work()
    except Exception:
        shop.world.remember((KIND, key, {**row, "state": "failed"}))
        raise
    shop.world.remember((KIND, key, {**row, "state": "done", "answer": answer}))
    return answer


def _refused(at: Field, code: str) -> dict[str, Any]:
    """A payload with one user error and nothing else."""
    payload = get_named_type(at.definition.type)
    assert isinstance(payload, GraphQLObjectType)
    error = {"field": None, "message": ERRORS[code], "code": code}
    return {name: [error] if name.endswith("serErrors") else None for name in payload.fields}


def put(shop_world: Any, client_id: str, key: str, state: str, now: float) -> None:
    """Pretend that a request with a key is running or failed, whatever its parameters: for tests of both errors."""
    row = {"hash": "", "at": now, "state": state, "answer": None}
    shop_world.remember((KIND, f"{client_id}:{key}", row))
