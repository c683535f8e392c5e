-- The ledger: what is to be done, what is being tried, what was done, and what needs a person.

CREATE TABLE release (
  id          TEXT    PRIMARY KEY,              -- content address of the folder
  at_ms       INTEGER NOT NULL,
  files       BLOB    NOT NULL,                 -- the folder itself, so that in-flight work can follow the version it was accepted under
  active      INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Cursors of the router and of sweeps, by name.
CREATE TABLE position (
  name  TEXT    PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT;

-- The newest that the hub has seen of each object: the head of its history.
CREATE TABLE object (
  id             INTEGER PRIMARY KEY,
  system         TEXT    NOT NULL,              -- origin
  object         TEXT    NOT NULL,
  key            TEXT    NOT NULL,
  name           TEXT    NOT NULL,              -- business name: #1001
  version        INTEGER NOT NULL,
  event          INTEGER NOT NULL,              -- inbox position that holds this version
  sha256         BLOB    NOT NULL,
  first_seen_ms  INTEGER NOT NULL,
  last_seen_ms   INTEGER NOT NULL,
  events         INTEGER NOT NULL DEFAULT 1,
  summary        TEXT    NOT NULL DEFAULT ''    -- JSON for lists: total, currency, test, cancelled; no personal data
) STRICT;
CREATE UNIQUE INDEX object_once ON object (system, object, key);
CREATE INDEX object_by_name ON object (name);
CREATE INDEX object_by_time ON object (last_seen_ms);

CREATE TABLE delivery (
  id              INTEGER PRIMARY KEY,
  flow            TEXT    NOT NULL,
  system          TEXT    NOT NULL,             -- source
  destination     TEXT    NOT NULL,
  object          TEXT    NOT NULL,
  key             TEXT    NOT NULL,
  name            TEXT    NOT NULL,
  signal          TEXT    NOT NULL,             -- '' for level-triggered; else the fact, once per fact
  lane            TEXT    NOT NULL,             -- destination + object key: order is kept within it
  state           TEXT    NOT NULL,             -- pending running done waiting retrying uncertain dead held superseded cancelled
  head            INTEGER NOT NULL,             -- 1: first open delivery of its lane, so it may be claimed
  opened          INTEGER NOT NULL,             -- inbox position that (re)opened it: the order within the lane
  priority        INTEGER NOT NULL,             -- 0 live, 1 replay, 2 backfill
  due_ms          INTEGER NOT NULL,
  release         TEXT    NOT NULL,
  wanted_event    INTEGER NOT NULL,
  wanted_version  INTEGER NOT NULL,
  reread          INTEGER NOT NULL,             -- 1: the event is incomplete, late, or tied with another: read the source
  revision        INTEGER NOT NULL DEFAULT 1,   -- raised by each new wish; a finished attempt of an older revision does not close it
  done_version    INTEGER NOT NULL DEFAULT 0,
  attempts        INTEGER NOT NULL DEFAULT 0,   -- of this wish
  crashes         INTEGER NOT NULL DEFAULT 0,   -- times that the process died while it ran
  token           INTEGER NOT NULL DEFAULT 0,   -- fencing: rises with each claim
  worker          TEXT    NOT NULL DEFAULT '',
  lease_until_ms  INTEGER NOT NULL DEFAULT 0,
  reason          TEXT    NOT NULL DEFAULT '',  -- class of the last trouble
  code            TEXT    NOT NULL DEFAULT '',
  error           TEXT    NOT NULL DEFAULT '',
  waiting_for     TEXT    NOT NULL DEFAULT '',
  received_ms     INTEGER NOT NULL,             -- when the event behind the present wish was received
  created_ms      INTEGER NOT NULL,
  updated_ms      INTEGER NOT NULL,
  done_ms         INTEGER NOT NULL DEFAULT 0,
  warnings        TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX delivery_once ON delivery (flow, destination, system, object, key, signal);
CREATE INDEX delivery_due ON delivery (destination, priority, due_ms)
  WHERE head = 1 AND state IN ('pending', 'retrying', 'uncertain', 'waiting');
CREATE INDEX delivery_running ON delivery (lease_until_ms) WHERE state = 'running';
CREATE INDEX delivery_open_in_lane ON delivery (lane, opened, id)
  WHERE state IN ('pending', 'running', 'retrying', 'uncertain', 'waiting', 'held');
CREATE INDEX delivery_of_key ON delivery (object, key);
CREATE INDEX delivery_troubled ON delivery (state, updated_ms)
  WHERE state IN ('retrying', 'uncertain', 'waiting', 'dead', 'held');
CREATE INDEX delivery_waiting_for ON delivery (waiting_for) WHERE waiting_for <> '';

-- One row per call: written BEFORE it (the intent), completed after it. An attempt without an outcome is an uncertain one.
CREATE TABLE attempt (
  id               INTEGER PRIMARY KEY,
  delivery         INTEGER NOT NULL,
  token            INTEGER NOT NULL,
  number           INTEGER NOT NULL,            -- which attempt of the delivery's present wish
  operation        TEXT    NOT NULL,
  action           TEXT    NOT NULL,
  once             TEXT    NOT NULL,
  reference        TEXT    NOT NULL,
  object           TEXT    NOT NULL,            -- what it is about, when not the delivery's own object ('' otherwise)
  key              TEXT    NOT NULL,
  quiet_ms         INTEGER NOT NULL,            -- after the latest send, how long the destination may still be working on it
  memory_ms        INTEGER NOT NULL,            -- how long the destination remembers the idempotency key
  idempotency_key  TEXT    NOT NULL,
  content_hash     TEXT    NOT NULL,
  version          INTEGER NOT NULL,
  event            INTEGER NOT NULL,
  release          TEXT    NOT NULL,
  body             BLOB,                        -- exactly what is sent; NULL once trimmed
  begun_ms         INTEGER NOT NULL,
  latest_send_ms   INTEGER NOT NULL,            -- the call cannot have left the hub after this
  ended_ms         INTEGER NOT NULL DEFAULT 0,
  verdict          TEXT    NOT NULL DEFAULT '', -- '' while in flight; done refused retry uncertain
  resolution       TEXT    NOT NULL DEFAULT '', -- how an uncertain one was settled: found, absent, resent, hand
  status           INTEGER NOT NULL DEFAULT 0,
  code             TEXT    NOT NULL DEFAULT '',
  message          TEXT    NOT NULL DEFAULT '',
  external_id      TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX attempt_of_delivery ON attempt (delivery, id);
CREATE INDEX attempt_unsettled ON attempt (delivery) WHERE verdict IN ('', 'uncertain') AND resolution = '';
CREATE INDEX attempt_by_external_id ON attempt (external_id) WHERE external_id <> '';

-- The crosswalk: what was last written for an object, by which operation, at which system.
CREATE TABLE link (
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
  PRIMARY KEY (system, origin, object, key, operation, signal)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_by_external_id ON link (system, external_id);
CREATE INDEX link_of_key ON link (object, key);

CREATE TABLE dead_letter (
  id            INTEGER PRIMARY KEY,
  delivery      INTEGER NOT NULL,
  at_ms         INTEGER NOT NULL,
  flow          TEXT    NOT NULL,
  destination   TEXT    NOT NULL,
  object        TEXT    NOT NULL,
  key           TEXT    NOT NULL,
  name          TEXT    NOT NULL,
  reason        TEXT    NOT NULL,               -- class
  code          TEXT    NOT NULL,
  error         TEXT    NOT NULL,
  fingerprint   TEXT    NOT NULL,               -- flow, destination, class, code and message without its numbers: the group
  owner         TEXT    NOT NULL,               -- team
  attempts      INTEGER NOT NULL,
  event         INTEGER NOT NULL,
  release       TEXT    NOT NULL,
  body          BLOB,                           -- what would have been sent, when it got that far
  closed_ms     INTEGER NOT NULL DEFAULT 0,
  resolution    TEXT    NOT NULL DEFAULT '',    -- replayed, discarded, superseded
  closed_by     TEXT    NOT NULL DEFAULT '',
  why           TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX dead_letter_open ON dead_letter (delivery) WHERE closed_ms = 0;
CREATE INDEX dead_letter_group ON dead_letter (fingerprint) WHERE closed_ms = 0;
CREATE INDEX dead_letter_by_time ON dead_letter (at_ms);

-- A replay is a set of deliveries, each with what became of it: the proof that nothing that had succeeded changed.
CREATE TABLE replay (
  id          INTEGER PRIMARY KEY,
  at_ms       INTEGER NOT NULL,
  by          TEXT    NOT NULL,
  why         TEXT    NOT NULL,
  filter      TEXT    NOT NULL,                 -- JSON of the filter that chose them
  release     TEXT    NOT NULL,                 -- 'same', or the id of the release that they run under now
  total       INTEGER NOT NULL,
  paused      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE replay_item (
  replay      INTEGER NOT NULL,
  delivery    INTEGER NOT NULL,
  was         TEXT    NOT NULL,                 -- the state before
  writes_before INTEGER NOT NULL,               -- attempts of the delivery that were done, before
  result      TEXT    NOT NULL DEFAULT '',      -- '' while open; delivered, unchanged, dead, superseded
  PRIMARY KEY (replay, delivery)
) STRICT, WITHOUT ROWID;
CREATE INDEX replay_item_open ON replay_item (delivery) WHERE result = '';

CREATE TABLE breaker (
  destination     TEXT    PRIMARY KEY,
  state           TEXT    NOT NULL,             -- closed, open, probing
  failures        INTEGER NOT NULL,
  changed_ms      INTEGER NOT NULL,
  paused_until_ms INTEGER NOT NULL,             -- Retry-After of the whole destination
  last_error      TEXT    NOT NULL
) STRICT;

-- Per flow, destination and minute: what tiles and sparklines are drawn from.
CREATE TABLE minute (
  flow          TEXT    NOT NULL,
  destination   TEXT    NOT NULL,
  minute        INTEGER NOT NULL,               -- minutes since the epoch
  done          INTEGER NOT NULL,
  unchanged     INTEGER NOT NULL,
  dead          INTEGER NOT NULL,
  retried       INTEGER NOT NULL,
  latency_ms    INTEGER NOT NULL,               -- sum over done, from receipt to the last write
  latency_ms_max INTEGER NOT NULL,
  PRIMARY KEY (flow, destination, minute)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id        INTEGER PRIMARY KEY,
  at_ms     INTEGER NOT NULL,
  who       TEXT    NOT NULL,
  action    TEXT    NOT NULL,
  subject   TEXT    NOT NULL,
  why       TEXT    NOT NULL,
  detail    TEXT    NOT NULL
) STRICT;
