"""All variations of the catalogue: what is counted has the id of a variation, never of its item.

Facts: api.json SearchCatalogObjects (ITEM_VARIATION must be asked for; up to 1,000 a page, advisory), CatalogItemVariation
(track_inventory, `stockable` false: counted on its components only; price_money is left out where the price is asked for at the
till, VARIABLE_PRICING), ItemVariationLocationOverrides, Money (`amount` in the smallest denomination of `currency`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from interlock.connectors.contract import Refused, Retry, quantum, stock
from interlock.connectors.square.calls import Body, Calls

PATH: Final = "/v2/catalog/search"
PAGE: Final = 500
"""A variation may have overrides for each location; so many still fit an answer."""
VARIABLE: Final = "VARIABLE_PRICING"


class _Override(msgspec.Struct):
    track_inventory: bool | None = None


class _Money(msgspec.Struct):
    currency: str
    amount: int | None = None


class _Data(msgspec.Struct):
    sku: str | None = None
    upc: str | None = None
    track_inventory: bool | None = None
    stockable: bool | None = None
    location_overrides: list[_Override] | None = None
    pricing_type: str | None = None
    price_money: _Money | None = None


class _Variation(msgspec.Struct):
    id: str
    item_variation_data: _Data = msgspec.field(default_factory=_Data)
    present_at_all_locations: bool | None = None
    present_at_location_ids: list[str] | None = None


class _Page(msgspec.Struct):
    objects: list[_Variation] | None = None
    cursor: str | None = None


async def items(calls: Calls, after: str, timeout_seconds: float) -> stock.ItemPage | Retry | Refused:
    """One page; `after` is Square's own cursor."""
    body: Body = {"object_types": ["ITEM_VARIATION"], "limit": PAGE} | ({"cursor": after} if after else {})
    found = await calls.read("POST", PATH, body, _Page, calls.deadline(timeout_seconds))
    if not isinstance(found, _Page):
        return found
    return stock.ItemPage(items=tuple(_item(one) for one in found.objects or ()), after=found.cursor or "")


def _item(shown: _Variation) -> stock.Item:
    """A variation whose stock is that of others counts as a kit: its own number cannot be set."""
    data = shown.item_variation_data
    somewhere = any(one.track_inventory for one in data.location_overrides or ())
    price, currency = _price(data)
    return stock.Item(
        item=shown.id, sku=data.sku or "", barcode=data.upc or "", tracked=bool(data.track_inventory) or somewhere,
        kit=data.stockable is False, price=price, currency=currency,
        locations=() if shown.present_at_all_locations is not False else tuple(shown.present_at_location_ids or ()),
    )  # fmt: skip


def _price(data: _Data) -> tuple[Decimal | None, str]:
    """What one costs where no location has a price of its own; None where the till asks for it."""
    money = data.price_money
    if data.pricing_type == VARIABLE or money is None or money.amount is None:
        return None, ""
    return money.amount * quantum(money.currency), money.currency
