"""Shopify's published schemas: fetched whole for the tests, cut down to what the connector and the twin use."""
