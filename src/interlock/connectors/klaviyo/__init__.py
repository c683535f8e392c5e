"""The Klaviyo connector: order events, recorded once for each unique_id, and profiles."""
