-- The webhook subscriptions that the flows need, as the hub found them at the source when it looked last.
CREATE TABLE subscription (
  system      TEXT    NOT NULL,
  topic       TEXT    NOT NULL,
  address     TEXT    NOT NULL,
  state       TEXT    NOT NULL,                 -- there, missing
  since_ms    INTEGER NOT NULL,                 -- of this state
  looked_ms   INTEGER NOT NULL,
  lost        INTEGER NOT NULL DEFAULT 0,       -- how often it was there and then was not
  lost_ms     INTEGER NOT NULL DEFAULT 0,       -- when that was noticed last
  problem     TEXT    NOT NULL DEFAULT '',      -- why it could not be made
  PRIMARY KEY (system, topic)
) STRICT, WITHOUT ROWID;
