"""Reads what a buyer sees of a store: products, prices and availability, for a country and a language. It changes nothing.

The Storefront API has no limit of requests; traffic that looks like a bot's is refused with 430 (F77), so calls for a buyer
name the buyer's address. Headers: https://shopify.dev/docs/api/storefront (authentication).
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, Final

import msgspec

from interlock.connectors.contract import Connection, Refused, Retry, declared_manifest
from interlock.connectors.shopify.documents import Document, read_document
from interlock.connectors.shopify.reply import as_reading, failure, read_reply

PRIVATE_HEADER: Final = "Shopify-Storefront-Private-Token"
PUBLIC_HEADER: Final = "X-Shopify-Storefront-Access-Token"
BUYER_HEADER: Final = "Shopify-Storefront-Buyer-IP"
IDS_MAX: Final = 250
VARIANT_PAGES_MAX: Final = 30
"""A product has at most 2,048 variants (F27), 100 a page."""


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """For whom is asked: `country` as `CA`, `language` as `FR` (`PT_BR`); empty: the store's own. `ip` is the buyer's address,
    given on when a person is behind the call, so that the store does not take the hub for a bot."""

    country: str = ""
    language: str = ""
    ip: str = ""


ANYONE: Final = Buyer()


class Price(msgspec.Struct, frozen=True, rename="camel"):
    """An amount in the currency that this buyer pays in."""

    amount: Decimal
    currency_code: str


class PriceRange(msgspec.Struct, frozen=True, rename="camel"):
    min_variant_price: Price
    max_variant_price: Price


class Choice(msgspec.Struct, frozen=True):
    """An option's chosen value: Size, M."""

    name: str
    value: str


class ProductOfVariant(msgspec.Struct, frozen=True):
    id: str
    handle: str
    title: str


class Variant(msgspec.Struct, frozen=True, rename="camel"):
    """What can be put into a cart. `currently_not_in_stock` beside `available_for_sale`: it is sold, and ships later."""

    id: str
    title: str
    available_for_sale: bool
    currently_not_in_stock: bool
    price: Price
    sku: str | None = None
    compare_at_price: Price | None = None
    selected_options: tuple[Choice, ...] = ()
    product: ProductOfVariant | None = None


class PageInfo(msgspec.Struct, frozen=True, rename="camel"):
    has_next_page: bool
    end_cursor: str | None = None

    @property
    def after(self) -> str:
        """The cursor of the next page, "" at the end."""
        return (self.end_cursor or "") if self.has_next_page else ""


class Variants(msgspec.Struct, frozen=True, rename="camel"):
    nodes: tuple[Variant, ...]
    page_info: PageInfo


class Product(msgspec.Struct, frozen=True, rename="camel"):
    """A product as this buyer sees it; `variants` is None in the result of a search."""

    id: str
    handle: str
    title: str
    description: str
    vendor: str
    product_type: str
    tags: tuple[str, ...]
    available_for_sale: bool
    updated_at: str
    price_range: PriceRange
    variants: Variants | None = None


class Found(msgspec.Struct, frozen=True):
    """A page of a search; `after` is the cursor of the next one, "" at the end."""

    products: tuple[Product, ...]
    after: str = ""


class _Products(msgspec.Struct, frozen=True, rename="camel"):
    nodes: tuple[Product, ...]
    page_info: PageInfo


class Storefront:
    """One store, as one buyer or another sees it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._manifest = declared_manifest(connection)
        version = connection.settings["api_version"]
        self._url = f"{connection.url.rstrip('/')}/api/{version}/graphql.json"

    async def product(
        self, *, handle: str = "", id: str = "", buyer: Buyer = ANYONE, timeout_seconds: float  # noqa: A002
    ) -> Product | Retry | Refused | None:
        """A product with all its variants, by handle or by gid; None when none is sold here under that name."""
        named = {"id": id} if id else {"handle": handle}
        found = await self._product_page(named, buyer, timeout_seconds)
        pages = 1
        while isinstance(found, Product) and found.variants and found.variants.page_info.after:
            if pages == VARIANT_PAGES_MAX:
                return Retry(code="ENDLESS", message="the variants of a product have no end", status=200)
            more = await self._product_page({**named, "after": found.variants.page_info.after}, buyer, timeout_seconds)
            if not isinstance(more, Product):
                return more
            found, pages = _with_more(found, more), pages + 1
        return found

    async def search(
        self, text: str, *, first: int = 24, after: str = "", buyer: Buyer = ANYONE, timeout_seconds: float
    ) -> Found | Retry | Refused:
        """Products that fit the words of a buyer, the best first; no words give all."""
        variables = {"query": text or None, "first": first, "after": after or None}
        data = await self._ask("products", variables, buyer, timeout_seconds)
        page = _read(data, "products", _Products)
        return Found(page.nodes, page.page_info.after) if isinstance(page, _Products) else page

    async def variants(
        self, ids: Sequence[str], *, buyer: Buyer = ANYONE, timeout_seconds: float
    ) -> dict[str, Variant] | Retry | Refused:
        """Variants by their gids, at most 250, with price and availability; those that are not sold here are left out."""
        assert len(ids) <= IDS_MAX, f"{len(ids)} ids; a store takes {IDS_MAX} (F24)"
        data = await self._ask("variants", {"ids": list(ids)}, buyer, timeout_seconds)
        if not isinstance(data, dict):
            return data
        sold = {"nodes": [node for node in data.get("nodes") or () if node]}
        nodes = _read(sold, "nodes", tuple[Variant, ...])
        return {one.id: one for one in nodes} if isinstance(nodes, tuple) else nodes

    async def _product_page(
        self, variables: Mapping[str, Any], buyer: Buyer, timeout_seconds: float
    ) -> Product | Retry | Refused | None:
        data = await self._ask("product", variables, buyer, timeout_seconds)
        if isinstance(data, dict) and data.get("product") is None:
            return None
        page: Product | Retry | Refused = _read(data, "product", Product)
        return page

    async def _ask(
        self, name: str, variables: Mapping[str, Any], buyer: Buyer, timeout_seconds: float
    ) -> dict[str, Any] | Retry | Refused:
        context = {"country": buyer.country.upper() or None, "language": buyer.language.upper() or None}
        body = msgspec.json.encode({"query": _document(name).text, "variables": {**context, **variables}})
        answer = await self._connection.http.send("POST", self._url, self._headers(buyer), body, timeout_seconds)
        reply = read_reply(answer) if answer.error is None else None
        if answer.status == 200 and reply is not None and reply.complete:
            return dict(reply.data or {})
        now_ms = self._connection.clock.now_ms()
        return as_reading(failure(answer, reply, self._manifest, sent=body, now_ms=now_ms))

    def _headers(self, buyer: Buyer) -> dict[str, str]:
        """The private token is for servers, and lets the buyer's address be given on; without any the store answers too."""
        given = self._connection.credentials
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if private := given.get("storefront_private_token"):
            headers[PRIVATE_HEADER] = private
        elif public := given.get("storefront_public_token"):
            headers[PUBLIC_HEADER] = public
        return headers | ({BUYER_HEADER: buyer.ip} if buyer.ip else {})


def storefront(connection: Connection) -> Storefront:
    """The gateway's way in."""
    return Storefront(connection)


@cache
def _document(name: str) -> Document:
    folder = importlib.resources.files(__package__ or "interlock.connectors.shopify") / "documents" / "storefront"
    return read_document(name, (folder / f"{name}.graphql").read_text(encoding="utf-8"))


def _read(data: dict[str, Any] | Retry | Refused, member: str, kind: Any) -> Any:
    """The member in its type; what does not fit is tried again, like an answer that was cut."""
    if not isinstance(data, dict):
        return data
    try:
        return msgspec.convert(data.get(member), kind)
    except msgspec.ValidationError as error:
        return Retry(code="SHAPE", message=f"the store's answer is not {member}: {error}", status=200)


def _with_more(found: Product, more: Product) -> Product:
    if found.variants is None or more.variants is None:
        return found
    variants = Variants((*found.variants.nodes, *more.variants.nodes), more.variants.page_info)
    return msgspec.structs.replace(found, variants=variants)
