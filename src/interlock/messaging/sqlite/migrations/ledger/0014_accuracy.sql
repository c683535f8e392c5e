-- How true the shown stock is: comparisons and full syncs, their numbers over time, and the differences that stand.

CREATE TABLE stock_run (
  id          INTEGER PRIMARY KEY,
  kind        TEXT    NOT NULL,                 -- compare, sync
  channel     TEXT    NOT NULL,
  why         TEXT    NOT NULL,
  dry         INTEGER NOT NULL DEFAULT 0,
  sku         TEXT    NOT NULL DEFAULT '',      -- a pattern, '' is all
  location    TEXT    NOT NULL DEFAULT '',      -- ours, '' is all
  state       TEXT    NOT NULL,                 -- asked, running, done, failed
  asked_ms    INTEGER NOT NULL DEFAULT 0,
  began_ms    INTEGER NOT NULL DEFAULT 0,
  ended_ms    INTEGER NOT NULL DEFAULT 0,
  at_us       INTEGER NOT NULL DEFAULT 0,       -- the instant that the numbers are compared as of
  listed      INTEGER NOT NULL DEFAULT 0,
  compared    INTEGER NOT NULL DEFAULT 0,
  equal       INTEGER NOT NULL DEFAULT 0,
  in_flight   INTEGER NOT NULL DEFAULT 0,
  opened      INTEGER NOT NULL DEFAULT 0,
  asked       INTEGER NOT NULL DEFAULT 0,
  strangers   INTEGER NOT NULL DEFAULT 0,
  stale       TEXT    NOT NULL DEFAULT '',
  error       TEXT    NOT NULL DEFAULT '',
  reached     TEXT    NOT NULL DEFAULT ''       -- of a sync: the last place that was looked at
) STRICT;
CREATE INDEX stock_run_of_channel ON stock_run (channel, kind, began_ms);
CREATE INDEX stock_run_open ON stock_run (id) WHERE state IN ('asked', 'running');

CREATE TABLE stock_accuracy (
  run        INTEGER NOT NULL,
  channel    TEXT    NOT NULL,
  place      TEXT    NOT NULL,                  -- '' is the channel as a whole
  location   TEXT    NOT NULL,
  at_ms      INTEGER NOT NULL,
  compared   INTEGER NOT NULL,
  equal      INTEGER NOT NULL,
  in_flight  INTEGER NOT NULL,
  variance   INTEGER NOT NULL,
  value      TEXT    NOT NULL,                  -- decimal, '' is not known
  currency   TEXT    NOT NULL,
  unpriced   INTEGER NOT NULL,
  oldest_ms  INTEGER NOT NULL,
  PRIMARY KEY (channel, place, run)
) STRICT, WITHOUT ROWID;

-- Of the newest whole comparison of each channel: a group of items at a place, and the causes.
CREATE TABLE stock_heat (
  channel     TEXT    NOT NULL,
  place       TEXT    NOT NULL,
  group_name  TEXT    NOT NULL,
  location    TEXT    NOT NULL,
  compared    INTEGER NOT NULL,
  equal       INTEGER NOT NULL,
  variance    INTEGER NOT NULL,
  PRIMARY KEY (channel, place, group_name)
) STRICT, WITHOUT ROWID;
CREATE TABLE stock_cause (
  channel    TEXT    NOT NULL,
  cause      TEXT    NOT NULL,
  positions  INTEGER NOT NULL,
  variance   INTEGER NOT NULL,
  PRIMARY KEY (channel, cause)
) STRICT, WITHOUT ROWID;

-- Differences as the last comparison of each place found them, the worst ten thousand of a channel.
CREATE TABLE stock_difference (
  channel    TEXT    NOT NULL,
  place      TEXT    NOT NULL,
  sku        TEXT    NOT NULL,
  item       TEXT    NOT NULL,
  location   TEXT    NOT NULL,
  group_name TEXT    NOT NULL,
  cause      TEXT    NOT NULL,
  what       TEXT    NOT NULL,
  next_move  TEXT    NOT NULL,
  state      TEXT    NOT NULL,                  -- found, healing, asked, left
  wanted     INTEGER,
  shown      INTEGER,
  known      INTEGER,
  variance   INTEGER NOT NULL,
  price      TEXT    NOT NULL,
  currency   TEXT    NOT NULL,
  since_ms   INTEGER NOT NULL,
  last_ms    INTEGER NOT NULL,
  run        INTEGER NOT NULL,
  PRIMARY KEY (channel, sku, place, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX stock_difference_worst ON stock_difference (channel, variance);

-- Sources of truth that have said nothing for longer than a flow allows, and who was called.
CREATE TABLE stock_source_silence (
  system     TEXT    PRIMARY KEY,
  since_us   INTEGER NOT NULL,
  paged_ms   INTEGER NOT NULL DEFAULT 0,
  problem    TEXT    NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- What a channel sells an item for, where it says so: what a wrong number is worth.
ALTER TABLE stock_item ADD COLUMN price TEXT NOT NULL DEFAULT '';
ALTER TABLE stock_item ADD COLUMN currency TEXT NOT NULL DEFAULT '';
