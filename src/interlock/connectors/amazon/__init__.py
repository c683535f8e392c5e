"""Amazon as a channel for stock: listings of one seller at one marketplace through the Selling Partner API."""
