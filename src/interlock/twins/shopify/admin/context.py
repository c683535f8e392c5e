"""What a resolver is given: the shop, the app that asks, the version it asks in, and the means to refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.twins.shopify.catalogue import Shop
from interlock.twins.shopify.store import Store
from interlock.twins.world import World

NodeLoader = Callable[["ShopContext", str], Mapping[str, Any] | None]
"""(shop, numeric part of the gid) -> the object, or None; a module exports NODES: {type name: loader}."""


@dataclass(frozen=True, slots=True)
class App:
    """The app whose token came with the request. `data_level` is its approval for protected customer data (0, 1, 2)."""

    client_id: str
    scopes: frozenset[str]
    token: str = ""
    data_level: int = 2


@dataclass(slots=True)
class ShopContext:
    """One request's view of the shop.

    `emit(topic, body)` queues webhooks, `body` in the REST shape that they carry. `clock` gives seconds since 1970.
    `variables` are those of the document, for directives. `memory` lives as long as this request, for what several
    resolvers of it would otherwise compute again.
    """

    store: Store
    world: World
    clock: Callable[[], float]
    version: str
    app: App
    emit: Callable[[str, dict[str, Any]], None]
    config: Mapping[str, Any]
    variables: Any = None
    nodes: Mapping[str, NodeLoader] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    extensions: dict[str, Any] = field(default_factory=dict)

    @property
    def shop(self) -> Shop:
        return self.store.shop

    def node(self, gid: str) -> Mapping[str, Any] | None:
        """The object of a gid with its `__typename`, or None when there is none or its type is not served."""
        type_name, number = split_gid(gid)
        loader = self.nodes.get(type_name)
        found = loader(self, number) if loader else None
        return None if found is None else {"__typename": type_name, **found}


Resolver = Callable[[ShopContext, Any, dict[str, Any]], Any]
"""(shop, parent, arguments) -> the field's value: a scalar, a mapping with its sub-fields, or a list of them."""


class AdminError(Exception):
    """A top-level error of Shopify's: `code` goes into its extensions, the field it comes from answers null."""

    def __init__(self, message: str, code: str = "", **extensions: Any) -> None:
        super().__init__(message)
        self.extensions = ({"code": code} if code else {}) | extensions


def gid(type_name: str, number: int | str) -> str:
    """gid://shopify/Order/123."""
    return f"gid://shopify/{type_name}/{number}"


def split_gid(text: str) -> tuple[str, str]:
    """("Order", "123"). Raises AdminError for what is no gid, in Shopify's words."""
    head, _, rest = str(text).partition("gid://shopify/")
    type_name, _, number = rest.partition("/")
    if head or not type_name or not number:
        raise AdminError(f"Invalid global id '{text}'", "INVALID_GLOBAL_ID")
    return type_name, number.partition("?")[0]


def user_error(message: str, *path: str, code: str | None = None) -> dict[str, Any]:
    """A member of a payload's userErrors; `code` only where the type has one."""
    return {"message": message, "field": list(path) or None, "code": code}
