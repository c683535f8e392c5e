"""The Square twin: a retailer's tills and the API that their stock is read and set by.

Facts: square/connect-api-specification api.json at 5733f66 (Square-Version 2025-08-20) where nothing else is named.
"""
