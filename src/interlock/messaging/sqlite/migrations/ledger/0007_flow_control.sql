-- What an operator stopped, which flows are silent, and which names are no more: all must outlive a restart.

CREATE TABLE flow_stop (
  flow    TEXT    PRIMARY KEY,
  kind    TEXT    NOT NULL,                     -- paused: nothing begins; draining: what was received until at_ms still ends
  by      TEXT    NOT NULL,
  why     TEXT    NOT NULL,
  at_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Since when the hub has seen a flow enabled: silence is counted from then, or from the last success.
CREATE TABLE flow_watch (
  flow      TEXT    PRIMARY KEY,
  since_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per silence. A page that is due has its time still at 0; it is set once the page was taken.
CREATE TABLE silence (
  id            INTEGER PRIMARY KEY,
  flow          TEXT    NOT NULL,
  owner         TEXT    NOT NULL,
  kind          TEXT    NOT NULL,               -- silent: nothing at all; sparse: far below the usual volume
  destinations  TEXT    NOT NULL,               -- space-separated
  since_ms      INTEGER NOT NULL,               -- the last success, or when it was enabled
  expected      TEXT    NOT NULL,               -- in words
  found_ms      INTEGER NOT NULL,
  paged_ms      INTEGER NOT NULL DEFAULT 0,
  escalated_ms  INTEGER NOT NULL DEFAULT 0,
  ended_ms      INTEGER NOT NULL DEFAULT 0,
  ended_because TEXT    NOT NULL DEFAULT '',
  told_ms       INTEGER NOT NULL DEFAULT 0,     -- when the page about its end was taken
  problem       TEXT    NOT NULL DEFAULT ''     -- why the last page did not go out
) STRICT;
CREATE UNIQUE INDEX silence_open ON silence (flow) WHERE ended_ms = 0;
CREATE INDEX silence_untold ON silence (ended_ms) WHERE paged_ms > 0 AND told_ms = 0;

-- Names that systems had, each with the present one, which the store has followed: older releases are read under it.
CREATE TABLE renaming (
  was       TEXT    PRIMARY KEY,
  name      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
