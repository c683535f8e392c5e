"""Operating the hub: what people may do to work in flight, and what is counted."""
