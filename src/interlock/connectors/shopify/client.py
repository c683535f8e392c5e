"""The registry's way in: what this connector offers, each opened on one store."""

from __future__ import annotations

from interlock.connectors.contract import Connection, declared_manifest
from interlock.connectors.shopify.authorization import ShopifyAuthorization
from interlock.connectors.shopify.bulk import ShopifyBulk
from interlock.connectors.shopify.flow_trigger import FlowTriggers
from interlock.connectors.shopify.graphql import Admin
from interlock.connectors.shopify.listing import ShopifyListing
from interlock.connectors.shopify.source import ShopifySource
from interlock.connectors.shopify.stock import ShopifyStock
from interlock.connectors.shopify.subscriptions import ShopifySubscriber


def source(connection: Connection) -> ShopifySource:
    """How one object is read."""
    return ShopifySource(connection)


def destination(connection: Connection) -> FlowTriggers:
    """How its workflows are started."""
    return FlowTriggers(connection)


def listing(connection: Connection) -> ShopifyListing:
    """How changes are listed."""
    return ShopifyListing(connection)


def bulk(connection: Connection) -> ShopifyBulk:
    """How everything is read."""
    return ShopifyBulk(connection)


def stock_channel(connection: Connection) -> ShopifyStock:
    """How it shows stock to buyers."""
    return ShopifyStock(connection)


def subscriber(connection: Connection) -> ShopifySubscriber:
    """How it is kept telling us."""
    return ShopifySubscriber(Admin(connection), declared_manifest(connection).topics)


def authorization(connection: Connection) -> ShopifyAuthorization:
    """How a merchant installs the app on it."""
    return ShopifyAuthorization(connection)
