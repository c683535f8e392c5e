"""The root fields that belong to no noun: node and nodes."""

from __future__ import annotations

from typing import Any

from interlock.twins.shopify.admin.context import AdminError, Resolver, ShopContext

MOST_NODES = 250


def node(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    return shop.node(arguments["id"])


def nodes(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    ids = arguments["ids"]
    if len(ids) > MOST_NODES:
        raise AdminError(
            f"The input array size of {len(ids)} is greater than the maximum allowed of {MOST_NODES}.",
            "MAX_INPUT_SIZE_EXCEEDED",
        )
    return [shop.node(one) for one in ids]


RESOLVERS: dict[str, Resolver] = {"QueryRoot.node": node, "QueryRoot.nodes": nodes}
