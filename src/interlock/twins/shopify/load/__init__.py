"""Believable volume for the Shopify twin: an assortment, people, baskets and lives of orders, driven at a chosen rate."""
