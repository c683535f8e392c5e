"""The engine: events become deliveries, deliveries become effects, once each, in order per key, with nothing lost."""
