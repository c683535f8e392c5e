"""The twin's Storefront API: what a buyer sees of the shop's goods."""
