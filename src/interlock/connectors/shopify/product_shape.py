"""A product that was read, as the body of products/update."""

from typing import Any

from interlock.connectors.shopify.shape import Node, identity, number, word

OPTIONS = 3
"""A variant's options stand in option1 to option3."""


def product_body(node: Node) -> dict[str, Any]:
    """A node of documents/product.graphql with all pages of variants."""
    return {
        **identity(node),
        "title": node["title"],
        "body_html": node["descriptionHtml"],
        "vendor": node["vendor"],
        "product_type": node["productType"],
        "handle": node["handle"],
        "status": word(node["status"]),
        "tags": ", ".join(node["tags"]),
        "template_suffix": node["templateSuffix"],
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        "published_at": node["publishedAt"],
        "options": [_option(one, node) for one in node["options"]],
        "variants": [_variant(one, node) for one in node["variants"]["nodes"]],
        "variant_gids": [
            {"admin_graphql_api_id": one["id"], "updated_at": one["updatedAt"]} for one in node["variants"]["nodes"]
        ],
    }


def _option(node: Node, product: Node) -> dict[str, Any]:
    return {
        "id": number(node["id"]),
        "product_id": number(product["id"]),
        "name": node["name"],
        "position": node["position"],
        "values": node["values"],
    }


def _variant(node: Node, product: Node) -> dict[str, Any]:
    item = node["inventoryItem"]
    chosen = [one["value"] for one in node["selectedOptions"]]
    return {
        **identity(node),
        "product_id": number(product["id"]),
        "title": node["title"],
        "sku": node["sku"],
        "barcode": node["barcode"],
        "position": node["position"],
        "price": node["price"],
        "compare_at_price": node["compareAtPrice"],
        "taxable": node["taxable"],
        "inventory_policy": word(node["inventoryPolicy"]),
        "inventory_quantity": node["inventoryQuantity"],
        "inventory_item_id": number(item["id"]),
        "requires_shipping": item["requiresShipping"],
        "weight": _weight(item).get("value"),
        "weight_unit": word(_weight(item).get("unit")),
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        **{f"option{at + 1}": chosen[at] if at < len(chosen) else None for at in range(OPTIONS)},
    }


def _weight(item: Node) -> Node:
    weight: Node = item["measurement"]["weight"] or {}
    return weight
