-- What people ask of their data: to have a copy, or to be forgotten. Ids and hashes stay, values only while the work lasts.

CREATE TABLE privacy_request (
  id           INTEGER PRIMARY KEY,
  uid          TEXT    NOT NULL UNIQUE,         -- the same request has the same one in every copy of the store
  kind         TEXT    NOT NULL,                -- export, redact, shop
  system       TEXT    NOT NULL,                -- whose data: the source
  person       TEXT    NOT NULL,                -- the customer's key there; '' for a whole shop
  event        INTEGER NOT NULL,                -- the inbox position that asked; 0: by hand, or restored
  received_ms  INTEGER NOT NULL,
  due_ms       INTEGER NOT NULL,
  state        TEXT    NOT NULL,                -- asked, known (what must go is written down), erased (files are not proven yet), done
  by           TEXT    NOT NULL,
  why          TEXT    NOT NULL,
  orders       TEXT    NOT NULL,                -- JSON list of keys
  values_known BLOB    NOT NULL,                -- JSON of Traces, until they are erased everywhere else; then empty
  hashes       TEXT    NOT NULL,                -- JSON list: by them the proof can be made again
  result       TEXT    NOT NULL DEFAULT '{}',   -- JSON: what was removed, and what the proof found
  note         TEXT    NOT NULL DEFAULT '',     -- what it waits for, in words
  done_ms      INTEGER NOT NULL DEFAULT 0,
  done_by      TEXT    NOT NULL DEFAULT '',
  alarmed_day  INTEGER NOT NULL DEFAULT 0       -- the last day for which somebody was told that it is not done
) STRICT;
CREATE INDEX privacy_request_open ON privacy_request (due_ms) WHERE state <> 'done';
