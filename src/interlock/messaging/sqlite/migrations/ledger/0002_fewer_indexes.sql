-- Each index is written at each step of each delivery, so one that another can stand in for goes. The uniqueness of a delivery and of a
-- link begins with the object's key, and so serves the search by key too; the deliveries of one object to one destination are a lane.

DROP INDEX delivery_once;
DROP INDEX delivery_of_key;
CREATE UNIQUE INDEX delivery_once ON delivery (object, key, destination, flow, system, signal);

DROP INDEX delivery_open_in_lane;
DROP INDEX delivery_due;
CREATE INDEX delivery_due ON delivery (destination, head, priority, due_ms) WHERE state IN ('pending', 'retrying', 'uncertain', 'waiting');
ALTER TABLE delivery DROP COLUMN lane;

DROP INDEX attempt_of_delivery;
DROP INDEX attempt_unsettled;
DROP INDEX attempt_by_external_id;
CREATE INDEX attempt_of_delivery ON attempt (delivery);
CREATE INDEX attempt_brought_along ON attempt (object, key) WHERE object <> '' AND verdict IN ('', 'uncertain');

CREATE TABLE crosswalk (
  system        TEXT    NOT NULL,               -- where it was written
  origin        TEXT    NOT NULL,               -- the object's own system
  object        TEXT    NOT NULL,
  key           TEXT    NOT NULL,
  operation     TEXT    NOT NULL,
  signal        TEXT    NOT NULL,
  reference     TEXT    NOT NULL,
  external_id   TEXT    NOT NULL,
  version       INTEGER NOT NULL,
  content_hash  TEXT    NOT NULL,
  written_ms    INTEGER NOT NULL,
  writes        INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (object, key, system, origin, operation, signal)
) STRICT, WITHOUT ROWID;
INSERT INTO crosswalk SELECT system, origin, object, key, operation, signal, reference, external_id, version, content_hash, written_ms, writes
  FROM link;
DROP TABLE link;
ALTER TABLE crosswalk RENAME TO link;
CREATE INDEX link_by_external_id ON link (system, external_id);
