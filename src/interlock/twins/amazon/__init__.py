"""The Amazon twin: one seller's listings, feeds and orders behind the Selling Partner API, and the shoppers who buy."""
