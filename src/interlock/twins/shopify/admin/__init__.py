"""The twin's GraphQL Admin API: Shopify's own schema, cut down to what is served, executed over the shop's books."""
