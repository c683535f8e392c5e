-- Fields that a delivery left out of its documents because another system is record of them: one row per delivery and field, raised each time.

CREATE TABLE refused_field (
  delivery  INTEGER NOT NULL,
  field     TEXT    NOT NULL,                   -- customer.phone
  record    TEXT    NOT NULL,                   -- the system that is record of it
  team      TEXT    NOT NULL,                   -- its owner at that time
  first_ms  INTEGER NOT NULL,
  last_ms   INTEGER NOT NULL,
  times     INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (delivery, field)
) STRICT, WITHOUT ROWID;
CREATE INDEX refused_field_by_time ON refused_field (last_ms);
