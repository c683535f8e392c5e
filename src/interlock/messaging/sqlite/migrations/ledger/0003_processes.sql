-- Processes: named steps over several systems. A process is the work of one steering delivery; what happened stands in its steps.

CREATE TABLE process (
  delivery  INTEGER PRIMARY KEY,                -- the delivery that steers it
  run       INTEGER NOT NULL,                   -- raised when a newer event, or a replay, begins it again
  revision  INTEGER NOT NULL,                   -- of the steering delivery, when the run began
  version   INTEGER NOT NULL,                   -- of the object that the run is about
  event     INTEGER NOT NULL,
  release   TEXT    NOT NULL,                   -- the run's steps are those of this release to its end
  state     TEXT    NOT NULL,                   -- running stopped compensating compensated done
  message   BLOB,                               -- the canonical object, as the run began; NULL once trimmed
  began_ms  INTEGER NOT NULL,
  ended_ms  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX process_ended ON process (ended_ms) WHERE message IS NOT NULL;

CREATE TABLE process_step (
  process   INTEGER NOT NULL,
  number    INTEGER NOT NULL,                   -- its place in the history of the process
  run       INTEGER NOT NULL,
  step      TEXT    NOT NULL,
  part      TEXT    NOT NULL,                   -- '' for the whole
  undo      INTEGER NOT NULL,                   -- 1: takes the step's write back
  kind      TEXT    NOT NULL,                   -- enrich route split aggregate write
  state     TEXT    NOT NULL,                   -- open done failed, as it was last noticed
  output    BLOB    NOT NULL,                   -- JSON: what it added, where a router went, the parts of a split
  why       TEXT    NOT NULL DEFAULT '',
  delivery  INTEGER NOT NULL DEFAULT 0,         -- of a write
  began_ms  INTEGER NOT NULL,
  ended_ms  INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (process, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX process_step_once ON process_step (process, run, step, part, undo);
CREATE INDEX process_step_of_delivery ON process_step (delivery) WHERE delivery > 0;
