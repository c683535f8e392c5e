"""The list of resolver modules and their merger: RESOLVERS ("Type.field" -> resolver), NODES (type -> loader by id)."""

from __future__ import annotations

import importlib
from functools import cache
from typing import NamedTuple

from interlock.twins.shopify.admin.context import NodeLoader, Resolver

MODULES = (
    "root",
    "shop",
    "app",
    "webhook_subscriptions",
    "bulk_operations",
    "products",
    "product_changes",
    "inventory",
    "inventory_changes",
    "locations",
    "payouts",
    "flow_triggers",
    "orders",
    "order_lists",
    "order_parts",
    "order_changes",
    "order_edits",
    "transactions",
    "refunds",
    "returns",
    "fulfillments",
    "fulfillment_orders",
    "customers",
    "companies",
    "draft_orders",
    "metafields",
)
"""Modules of this package that export RESOLVERS, and NODES where objects of theirs can be had by gid."""


class Merged(NamedTuple):
    resolvers: dict[str, Resolver]
    nodes: dict[str, NodeLoader]


@cache
def merged() -> Merged:
    """All modules' tables in one. Raises ValueError when two modules claim one key."""
    resolvers: dict[str, Resolver] = {}
    nodes: dict[str, NodeLoader] = {}
    for name in MODULES:
        module = importlib.import_module(f"interlock.twins.shopify.admin.{name}")
        twice = (resolvers.keys() & module.RESOLVERS.keys()) | (nodes.keys() & getattr(module, "NODES", {}).keys())
        if twice:
            raise ValueError(f"{sorted(twice)} of {name} have a resolver already")
        resolvers.update(module.RESOLVERS)
        nodes.update(getattr(module, "NODES", {}))
    return Merged(resolvers, nodes)
