-- Which orders a system was told of since a moment: sales at channels wait to be seen by the owner of what they take.
CREATE INDEX link_of_orders_by_time ON link (system, written_ms, origin, key) WHERE object = 'order';
