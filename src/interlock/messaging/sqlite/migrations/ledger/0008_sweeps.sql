-- Sweeps over sources: what changed there is listed and compared with what the hub was told; what it was not told of is fetched.

CREATE TABLE sweep (
  id         INTEGER PRIMARY KEY,
  system     TEXT    NOT NULL,
  object     TEXT    NOT NULL,
  why        TEXT    NOT NULL,                  -- schedule, or who asked and why
  dry        INTEGER NOT NULL,                  -- 1: it only compares
  since      INTEGER NOT NULL,                  -- the window, in microseconds since the epoch
  until      INTEGER NOT NULL,
  began_ms   INTEGER NOT NULL,
  ended_ms   INTEGER NOT NULL DEFAULT 0,
  state      TEXT    NOT NULL,                  -- asked, running, done, failed
  listed     INTEGER NOT NULL DEFAULT 0,
  found      INTEGER NOT NULL DEFAULT 0,
  error      TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX sweep_by_time ON sweep (system, object, began_ms);
CREATE INDEX sweep_open ON sweep (state) WHERE state IN ('asked', 'running');

-- How far the source has been compared, and how far around its known objects the look for deleted ones has come.
CREATE TABLE sweep_reached (
  system     TEXT    NOT NULL,
  object     TEXT    NOT NULL,
  reached    INTEGER NOT NULL,                  -- microseconds since the epoch
  looked_at  INTEGER NOT NULL DEFAULT 0,        -- the row of `object` that was asked for last
  PRIMARY KEY (system, object)
) STRICT, WITHOUT ROWID;

-- One row per object and version that the hub had not been told of.
CREATE TABLE missed (
  id         INTEGER PRIMARY KEY,
  sweep      INTEGER NOT NULL,
  system     TEXT    NOT NULL,
  object     TEXT    NOT NULL,
  key        TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  kind       TEXT    NOT NULL,                  -- missing, behind, same-instant, deleted
  known      INTEGER NOT NULL,                  -- the version that the hub had, 0 when none
  version    INTEGER NOT NULL,                  -- the version at the source
  found_ms   INTEGER NOT NULL,
  event      INTEGER NOT NULL,                  -- the inbox position of the repair; 0 in a dry run
  cause      TEXT    NOT NULL DEFAULT '',       -- '' not known yet; lost, late, offline, deleted
  told_ms    INTEGER NOT NULL DEFAULT 0         -- when a webhook of it came after all
) STRICT;
CREATE UNIQUE INDEX missed_once ON missed (system, object, key, version, kind) WHERE event > 0;
CREATE INDEX missed_by_time ON missed (found_ms);
CREATE INDEX missed_unexplained ON missed (found_ms) WHERE cause = '';
