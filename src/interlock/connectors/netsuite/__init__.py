"""The NetSuite connector: customers and sales orders, upserted by external id over SuiteTalk REST."""
