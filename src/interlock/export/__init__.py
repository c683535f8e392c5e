"""The strategy in the words of others: AsyncAPI, Open Data Contract Standard, Backstage, JSON Schema, and a readable site."""
