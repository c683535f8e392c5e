"""Business movements that need more than a mapping: stock, which is a sum over systems and not a copy of a document."""
