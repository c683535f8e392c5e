"""The drop connector: a system without an API sends files of stock levels, signed after Standard Webhooks."""
