"""How the names of webhook topics go over from GraphQL (ORDERS_CREATE) to headers and REST (orders/create), and back."""

from __future__ import annotations

from functools import cache

from graphql import GraphQLEnumType

from interlock.twins.shopify.admin.schema import load_schema

_MANY_WORDS = """
    app_purchases_one_time app_subscriptions audit_events bulk_operations collection_listings collection_publications
    company_contacts company_contact_roles company_locations customer_account_settings customer_groups customer_payment_methods
    delivery_promise_settings draft_orders finance_app_staff_member
    finance_kyc_information fulfillment_events fulfillment_holds fulfillment_orders inventory_items inventory_levels
    inventory_shipments inventory_transfers metafield_definitions order_transactions payment_schedules payment_terms
    product_feeds product_listings product_publications reverse_deliveries reverse_fulfillment_orders scheduled_product_listings
    selling_plan_groups shipping_addresses subscription_billing_attempts subscription_billing_cycles
    subscription_billing_cycle_edits subscription_contracts tax_services tender_transactions
"""
RESOURCES = frozenset(_MANY_WORDS.split())
"""Resources of more than one word; all others are the first word of the topic."""
DOTTED = {
    "CUSTOMER_JOINED_SEGMENT": "customer.joined_segment",
    "CUSTOMER_LEFT_SEGMENT": "customer.left_segment",
    "CUSTOMER_TAGS_ADDED": "customer.tags_added",
    "CUSTOMER_TAGS_REMOVED": "customer.tags_removed",
}
"""Four that are written otherwise (shopify.dev reference of webhook topics)."""


def rest_topic(name: str) -> str:
    """ORDERS_PARTIALLY_FULFILLED -> orders/partially_fulfilled."""
    if name in DOTTED:
        return DOTTED[name]
    words = name.lower().split("_")
    for length in range(len(words), 1, -1):
        if "_".join(words[:length]) in RESOURCES:
            return f"{'_'.join(words[:length])}/{'_'.join(words[length:])}"
    return f"{words[0]}/{'_'.join(words[1:])}"


def enum_topic(topic: str) -> str:
    """orders/create -> ORDERS_CREATE."""
    return topic.replace("/", "_").replace(".", "_").upper()


@cache
def topics(version: str) -> frozenset[str]:
    """Every topic that a version can subscribe to, as REST names it."""
    enum = load_schema(version).type_map["WebhookSubscriptionTopic"]
    assert isinstance(enum, GraphQLEnumType)
    return frozenset(rest_topic(name) for name in enum.values)
