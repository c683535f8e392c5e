-- Who used which version of an object: a row for each way and part, written at most once a minute.

CREATE TABLE consumer (
  version        TEXT    NOT NULL,              -- order.v1
  flow           TEXT    NOT NULL,
  part           TEXT    NOT NULL,              -- what is written for it: flow, reads (the source's mapping), writes (the destination's)
  system         TEXT    NOT NULL,              -- whose mapping; for the flow itself its destination
  first_seen_ms  INTEGER NOT NULL,
  last_seen_ms   INTEGER NOT NULL,
  uses           INTEGER NOT NULL,              -- deliveries that were tried
  PRIMARY KEY (version, flow, part, system)
) STRICT, WITHOUT ROWID;
