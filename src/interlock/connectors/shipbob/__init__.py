"""The ShipBob connector: orders to the warehouse, found again by reference because nothing else makes a create
once-only.
"""
