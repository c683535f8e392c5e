"""What the shop has to sell and where it lies: products, their variants, locations, and stock by item and location."""
