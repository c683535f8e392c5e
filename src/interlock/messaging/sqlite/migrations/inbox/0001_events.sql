-- The durable append-only queue of events. A 2xx answer means that the row is committed with full sync.

CREATE TABLE event (
  position        INTEGER PRIMARY KEY,          -- the order of acceptance; never reused
  system          TEXT    NOT NULL,             -- the endpoint that took it, not what a header claims
  dedupe_key      TEXT    NOT NULL,             -- business key from signed content; kept when the body is trimmed
  dialect         TEXT    NOT NULL,
  topic           TEXT    NOT NULL,             -- a hint: the header is not signed
  object          TEXT    NOT NULL,
  key             TEXT    NOT NULL,
  name            TEXT    NOT NULL,
  summary         TEXT    NOT NULL,             -- JSON for lists: total, currency, test, cancelled; no personal data
  version         INTEGER NOT NULL,             -- microseconds since the epoch, from the signed body; 0 = not said
  complete        INTEGER NOT NULL,
  facts           TEXT    NOT NULL,             -- space-separated
  event_id        TEXT    NOT NULL,
  webhook_id      TEXT    NOT NULL,
  api_version     TEXT    NOT NULL,
  triggered_at_ms INTEGER NOT NULL,
  received_at_ms  INTEGER NOT NULL,
  release         TEXT    NOT NULL,             -- the release that it was accepted under, and follows
  flags           TEXT    NOT NULL,             -- space-separated: late, api-version, topic-mismatch
  priority        INTEGER NOT NULL,             -- 0 live, 1 backfill
  sha256          BLOB    NOT NULL,
  size_bytes      INTEGER NOT NULL,
  body            BLOB                          -- NULL once trimmed
) STRICT;

CREATE UNIQUE INDEX event_once ON event (system, dedupe_key);
CREATE INDEX event_of_key ON event (system, object, key);
CREATE INDEX event_untrimmed ON event (received_at_ms) WHERE body IS NOT NULL;

-- Every further arrival of an event that is already there, so that a replayed or re-labelled one can be seen and counted.
CREATE TABLE sighting (
  position    INTEGER NOT NULL,
  seen_at_ms  INTEGER NOT NULL,
  topic       TEXT    NOT NULL,
  event_id    TEXT    NOT NULL,
  webhook_id  TEXT    NOT NULL,
  flags       TEXT    NOT NULL                  -- same-event, other-event-id, other-topic, other-api-version
) STRICT;
CREATE INDEX sighting_of_event ON sighting (position);
