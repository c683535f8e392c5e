"""ShipBob's order schema of API version 2026-01, as a table, and the check of a body against it.

Source: brianzinn/shipbob-node-sdk openapi-2026-01.json at 8a10229, Orders.CreateOrderModel and what it refers to.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

Problems = dict[str, list[str]]


class Field(NamedTuple):
    """One member: its JSON type or the table it refers to, whether it must be there, and its limits."""

    type: str
    required: bool = False
    max_length: int | None = None
    values: tuple[str, ...] = ()
    many: bool = False


_TEXT, _NUMBER, _WHOLE = "string", "number", "integer"

TABLES: dict[str, dict[str, Field]] = {
    "order": {
        "financials": Field("financials"),
        "gift_message": Field(_TEXT, max_length=500),
        "location_id": Field(_WHOLE),
        "order_number": Field(_TEXT, max_length=400),
        "origin_platform_program": Field(_TEXT, max_length=100),
        "products": Field("product", required=True, many=True),
        "purchase_date": Field(_TEXT),
        "recipient": Field("recipient", required=True),
        "reference_id": Field(_TEXT, required=True, max_length=300),
        "requested_delivery_date": Field(_TEXT),
        "retailer_program_data": Field("retailer"),
        "sales_channel": Field(_TEXT),
        "shipping_method": Field(_TEXT, required=True),
        "shipping_terms": Field("terms"),
        "tags": Field("tag", many=True),
        "type": Field(_TEXT, required=True, values=("DTC", "DropShip", "B2B")),
    },
    "financials": {"total_price": Field(_NUMBER)},
    "recipient": {
        "address": Field("address", required=True),
        "email": Field(_TEXT),
        "name": Field(_TEXT, required=True, max_length=300),
        "phone_number": Field(_TEXT, max_length=50),
    },
    "address": {
        "address1": Field(_TEXT, required=True),
        "address2": Field(_TEXT),
        "city": Field(_TEXT, required=True),
        "company_name": Field(_TEXT),
        "country": Field(_TEXT, required=True),
        "state": Field(_TEXT),
        "zip_code": Field(_TEXT),
    },
    "product": {
        "external_line_id": Field(_WHOLE),
        "gtin": Field(_TEXT, max_length=50),
        "id": Field(_WHOLE),
        "name": Field(_TEXT),
        "product_id": Field(_WHOLE),
        "quantity": Field(_WHOLE, required=True),
        "quantity_unit_of_measure_code": Field(_TEXT, values=("EA", "INP", "CS", "PL")),
        "reference_id": Field(_TEXT),
        "sku": Field(_TEXT),
        "unit_price": Field(_NUMBER),
        "upc": Field(_TEXT),
    },
    "tag": {"name": Field(_TEXT, required=True, max_length=50), "value": Field(_TEXT, required=True, max_length=500)},
    "terms": {
        "carrier_type": Field(_TEXT, values=("Parcel", "Freight")),
        "payment_term": Field(_TEXT, values=("Collect", "ThirdParty", "Prepaid", "MerchantResponsible")),
    },
    "retailer": {
        "addresses": Field("retailer_address", many=True),
        "customer_ticket_number": Field(_TEXT),
        "delivery_date": Field(_TEXT),
        "department": Field(_TEXT),
        "doNotShipBeforeDate": Field(_TEXT),
        "mark_for_store": Field(_TEXT),
        "purchase_order_number": Field(_TEXT, required=True),
        "retailer_program_type": Field(_TEXT, required=True),
        "shipByDate": Field(_TEXT),
    },
}
TABLES["retailer_address"] = TABLES["address"] | {"type": Field(_TEXT, required=True, values=("MarkFor", "ShipFrom"))}

_TYPES: dict[str, tuple[type, ...]] = {_TEXT: (str,), _NUMBER: (int, Decimal, float), _WHOLE: (int,)}


def problems_of(body: Any) -> Problems:
    """What is wrong with the body of POST /order, as ShipBob tells it: {"path": ["text"]}; empty when nothing."""
    problems: Problems = {}
    _check(body, "order", "", problems)
    for n, product in enumerate(body.get("products") or () if isinstance(body, dict) else ()):
        if not isinstance(product, dict):
            continue
        if product.get("reference_id") is None and product.get("id") is None and product.get("product_id") is None:
            problems[f"products[{n}]"] = ["A product needs a reference_id or an id."]
        if isinstance(product.get("quantity"), int) and product["quantity"] < 1:
            problems[f"products[{n}].quantity"] = ["The field quantity must be between 1 and 2147483647."]
    return problems


def _check(value: Any, table: str, path: str, problems: Problems) -> None:
    if not isinstance(value, dict):
        problems[path] = [f"The value of {path or 'the body'} must be an object."]
        return
    fields = TABLES[table]
    prefix = f"{path}." if path else ""
    for name in value.keys() - fields.keys():
        problems[prefix + name] = [f"Could not find member '{name}' on the model."]
    for name, field in fields.items():
        member = value.get(name)
        if member is None or member in ("", []):
            if field.required:
                problems[prefix + name] = [f"The {name} field is required."]
        elif field.many:
            for n, row in enumerate(member if isinstance(member, list) else [member]):
                _check(row, field.type, f"{prefix}{name}[{n}]", problems)
        else:
            _check_value(member, field, prefix + name, problems)


def _check_value(value: Any, field: Field, path: str, problems: Problems) -> None:
    if field.type in TABLES:
        _check(value, field.type, path, problems)
    elif not isinstance(value, _TYPES[field.type]) or isinstance(value, bool):
        problems[path] = [f"The value of {path} must be of type {field.type}."]
    elif field.values and value not in field.values:
        problems[path] = [f"The value '{value}' is not valid; valid are {', '.join(field.values)}."]
    elif field.max_length is not None and len(str(value)) > field.max_length:
        problems[path] = [f"The field {path} must be a string with a maximum length of {field.max_length}."]
