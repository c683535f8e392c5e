"""Square: a retailer's tills, as a channel that shows stock and as the source of what its own stores count."""
