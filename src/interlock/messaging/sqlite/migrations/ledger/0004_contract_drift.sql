-- How each source's documents look, learned from them, and where they have changed for good.

CREATE TABLE document_profile (
  id           INTEGER PRIMARY KEY,
  system       TEXT    NOT NULL,
  object       TEXT    NOT NULL,
  document     TEXT    NOT NULL,                -- the object itself, or the topic of a body that only says that it changed
  api_version  TEXT    NOT NULL,
  documents    INTEGER NOT NULL,                -- how many were looked at
  profile      BLOB    NOT NULL,                -- names, types and counts; never a value
  updated_ms   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX document_profile_once ON document_profile (system, object, document, api_version);

CREATE TABLE contract_drift (
  id            INTEGER PRIMARY KEY,
  system        TEXT    NOT NULL,
  object        TEXT    NOT NULL,
  document      TEXT    NOT NULL,
  api_version   TEXT    NOT NULL,
  path          TEXT    NOT NULL,
  change        TEXT    NOT NULL,               -- vanished, emptied, retyped, new
  severity      TEXT    NOT NULL,               -- high: a mapping reads it; low
  state         TEXT    NOT NULL DEFAULT 'open', -- open, accepted, ended (the source repaired it)
  documents     INTEGER NOT NULL,               -- how many were met with the change, of those looked at
  first_event   INTEGER NOT NULL,
  last_event    INTEGER NOT NULL,
  first_seen_ms INTEGER NOT NULL,
  last_seen_ms  INTEGER NOT NULL,
  was           TEXT    NOT NULL,
  becomes       TEXT    NOT NULL,
  perhaps       TEXT    NOT NULL,               -- the new name of what vanished, when one began as it ended
  reads         TEXT    NOT NULL,               -- JSON: canonical fields that are read from it
  uses          TEXT    NOT NULL,               -- JSON: flow, destination and field that they end up in
  closed_ms     INTEGER NOT NULL DEFAULT 0,
  closed_by     TEXT    NOT NULL DEFAULT '',
  why           TEXT    NOT NULL DEFAULT '',
  learned       INTEGER NOT NULL DEFAULT 0      -- 1: an accepted one is part of the profile now
) STRICT;
CREATE UNIQUE INDEX contract_drift_open ON contract_drift (system, object, document, path, change) WHERE state = 'open';
CREATE INDEX contract_drift_to_learn ON contract_drift (id) WHERE state = 'accepted' AND learned = 0;
