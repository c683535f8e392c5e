-- name: append  one event; no row comes back when the same fact is there already
INSERT INTO event (
  system, dedupe_key, dialect, topic, object, key, name, summary, version, complete, facts, event_id, webhook_id, api_version,
  triggered_at_ms, received_at_ms, release, flags, priority, sha256, size_bytes, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (system, dedupe_key) DO NOTHING
RETURNING position

-- name: known  the event that an arrival repeats
SELECT position, event_id, webhook_id, topic, api_version, triggered_at_ms FROM event WHERE system = ? AND dedupe_key = ?

-- name: sight  a further arrival; a thousand of one event are enough to see an attack, and do not fill the disk
INSERT INTO sighting (position, seen_at_ms, topic, event_id, webhook_id, flags) SELECT ?1, ?2, ?3, ?4, ?5, ?6
WHERE NOT EXISTS (SELECT 1 FROM sighting WHERE position = ?1 LIMIT 1 OFFSET 999)

-- name: read  after a cursor, in order
SELECT position, system, dialect, topic, object, key, name, summary, version, complete, facts, event_id, webhook_id, api_version,
  triggered_at_ms, received_at_ms, release, flags, priority, sha256, size_bytes, body
FROM event WHERE position > ? ORDER BY position LIMIT ?

-- name: get  one by position
SELECT position, system, dialect, topic, object, key, name, summary, version, complete, facts, event_id, webhook_id, api_version,
  triggered_at_ms, received_at_ms, release, flags, priority, sha256, size_bytes, body
FROM event WHERE position = ?

-- name: trim  forget old bodies, keep the keys
UPDATE event SET body = NULL
WHERE position IN (
  SELECT position FROM event WHERE body IS NOT NULL AND received_at_ms < ? AND position < ? ORDER BY received_at_ms LIMIT ?)

-- name: head
SELECT coalesce(max(position), 0) FROM event

-- name: told  when a sender told of a version of an object
SELECT min(received_at_ms) FROM event
WHERE system = ? AND dedupe_key >= ? AND dedupe_key < ? AND dialect NOT IN ('reconcile', 'backfill')
