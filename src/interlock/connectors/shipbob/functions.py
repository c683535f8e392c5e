"""Mapping functions of ShipBob: the recipient, the method and the value of a parcel."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from interlock.canonical.money import MoneyPair
from interlock.errors import MappingError
from interlock.mapping.context import Context
from interlock.mapping.standard import full_name

# Orders.AddressViewModel: canonical field -> ShipBob's name; the first three are required there.
REQUIRED = {"address1": "address1", "city": "city", "country": "country"}
OPTIONAL = {"address2": "address2", "company": "company_name", "province_code": "state", "zip": "zip_code"}


def shipbob_recipient(shipping_address: Any | None, email: str | None, phone: str | None) -> dict[str, Any]:
    """Who gets the parcel. MappingError when there is no address, or it lacks what ShipBob requires."""
    if shipping_address is None:
        raise _no_parcel("this order has no shipping address", "$.shipping_address", "an order that ships needs one")
    name = full_name(
        shipping_address.name, shipping_address.first_name, shipping_address.last_name, shipping_address.company
    )
    missing = [field for field in REQUIRED if not getattr(shipping_address, field)] + ([] if name else ["name"])
    if missing:
        raise _no_parcel(
            f"the shipping address has no {missing[0]}", f"$.shipping_address.{missing[0]}", "ShipBob requires it"
        )
    address = {theirs: getattr(shipping_address, ours) for ours, theirs in (REQUIRED | OPTIONAL).items()}
    return {"name": name, "email": email, "phone_number": shipping_address.phone or phone, "address": address}


def shipbob_shipping_method(shipping: Sequence[Any], context: Context) -> str:
    """The method the customer chose; the merchant maps its name to a service in ShipBob's portal."""
    chosen = next((line.title for line in shipping if line.title), None)
    return chosen or str(context.settings.get("default_shipping_method") or "Standard")


def shipbob_financials(total: MoneyPair) -> dict[str, Decimal] | None:
    """The order's value, which ShipBob takes in USD: left out for shops that count in another currency (C32)."""
    return {"total_price": total.shop.amount} if total.shop.currency == "USD" else None


def purchase_moment(processed_at: dt.datetime | None, created_at: dt.datetime) -> dt.datetime:
    return (processed_at or created_at).astimezone(dt.UTC)  # as one text, however the moment was told


def whole_number(value: Any) -> int | None:
    """A number that a setting may give as text."""
    return None if value is None else int(value)


def _no_parcel(what: str, path: str, why: str) -> MappingError:
    return MappingError(
        what,
        path=path,
        code="MAP005",
        why=why,
        next_move="complete the address in the shop; the order comes again by itself",
    )
