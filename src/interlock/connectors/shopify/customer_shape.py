"""A customer that was read, as the body of customers/update; it tells more: the consent and the tags."""

from typing import Any

from interlock.connectors.shopify.shape import Node, address, amount, identity, number, word


def customer_body(node: Node) -> dict[str, Any]:
    """A node of documents/customer.graphql."""
    email, owner = node["defaultEmailAddress"], number(node["id"])
    default = node["defaultAddress"]
    return {
        **customer_fields(node),
        "orders_count": int(node["numberOfOrders"]),
        "total_spent": amount(node["amountSpent"]),
        "email_marketing_consent": None if email is None else _consent(email),
        "addresses": [_own(one, owner, default) for one in node["addressesV2"]["nodes"]],
    }


def customer_fields(node: Node) -> dict[str, Any]:
    """What an order, too, tells of its customer."""
    email, phone, default = node["defaultEmailAddress"], node["defaultPhoneNumber"], node["defaultAddress"]
    return {
        **identity(node),
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        "first_name": node["firstName"],
        "last_name": node["lastName"],
        "state": word(node["state"]),
        "note": node["note"],
        "tags": ", ".join(node["tags"]),
        "verified_email": node["verifiedEmail"],
        "tax_exempt": node["taxExempt"],
        "tax_exemptions": [word(one) for one in node["taxExemptions"]],
        "multipass_identifier": node["multipassIdentifier"],
        "currency": node["amountSpent"]["currencyCode"],
        "locale": node["locale"],
        "email": None if email is None else email["emailAddress"],
        "phone": None if phone is None else phone["phoneNumber"],
        "default_address": None if default is None else _own(default, number(node["id"]), default),
    }


def _own(node: Node, owner: int | None, default: Node | None) -> dict[str, Any]:
    is_default = default is not None and node["id"] == default["id"]
    return {**(address(node) or {}), "customer_id": owner, "country_name": node["country"], "default": is_default}


def _consent(email: Node) -> dict[str, Any]:
    return {
        "state": word(email["marketingState"]),
        "opt_in_level": word(email["marketingOptInLevel"]),
        "consent_updated_at": email["marketingUpdatedAt"],
    }
