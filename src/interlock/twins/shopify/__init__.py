"""A Shopify store with its customers, its Admin API and its webhooks, to test against; one file a part of the shop."""
