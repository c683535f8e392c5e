"""One truth of stock: what systems say is made comparable, kept as positions, and shown to buyers by a declared policy."""
