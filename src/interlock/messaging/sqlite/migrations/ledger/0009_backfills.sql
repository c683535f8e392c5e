-- Readings of everything that a system holds of one object: a row each, with the place that was reached.

CREATE TABLE backfill (
  id           INTEGER PRIMARY KEY,
  system       TEXT    NOT NULL,
  object       TEXT    NOT NULL,
  since_us     INTEGER NOT NULL,                -- what was created in [since_us, until_us), microseconds since the epoch; 0: everything
  until_us     INTEGER NOT NULL,
  how          TEXT    NOT NULL,                -- bulk: one bulk operation of the vendor's; pages: a page at a time
  go           TEXT    NOT NULL,                -- look: only say what would come; all: begin when nothing is missing; anyway: begin
  state        TEXT    NOT NULL,                -- asked, checked, waiting, collecting, reading, paused; done, failed, cancelled
  revision     INTEGER NOT NULL DEFAULT 0,      -- counts every change: who has an older one must look again
  expected     INTEGER NOT NULL DEFAULT 0,      -- objects that the vendor counted before it began; 0: unknown
  missing      TEXT    NOT NULL DEFAULT '',     -- what would be missing and why, in words
  bulk         TEXT    NOT NULL DEFAULT '',     -- the vendor's id of the bulk operation that is being read
  bulks        INTEGER NOT NULL DEFAULT 0,      -- bulk operations that were begun
  collected    INTEGER NOT NULL DEFAULT 0,      -- objects that the vendor has collected
  line         INTEGER NOT NULL DEFAULT 0,      -- first line of the result that is not taken in
  cursor       TEXT    NOT NULL DEFAULT '',     -- the page to read next
  reached_us   INTEGER NOT NULL DEFAULT 0,      -- everything created before is taken in; -1: the result is in no order
  seen         INTEGER NOT NULL DEFAULT 0,
  new          INTEGER NOT NULL DEFAULT 0,      -- of those: the inbox did not have them
  asked_ms     INTEGER NOT NULL,
  started_ms   INTEGER NOT NULL DEFAULT 0,
  ended_ms     INTEGER NOT NULL DEFAULT 0,
  by           TEXT    NOT NULL,
  why          TEXT    NOT NULL,
  note         TEXT    NOT NULL DEFAULT '',     -- what it waits for, or why it ended, in words
  code         TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX backfill_open ON backfill (system, object) WHERE state NOT IN ('done', 'failed', 'cancelled');
