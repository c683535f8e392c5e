"""The Shopify connector: webhooks in two dialects, reads of orders, and upkeep of subscriptions."""
