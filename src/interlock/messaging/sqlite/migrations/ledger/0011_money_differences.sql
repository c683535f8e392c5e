-- Deliveries whose document books a difference: few, and a scrape must not read all others to count them.
CREATE INDEX delivery_differs ON delivery (flow, destination) WHERE instr(warnings, 'is explained by no part of') > 0;
