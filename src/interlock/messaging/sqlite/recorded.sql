-- name: newest  where the last N begin; positions have no gaps
SELECT max(0, coalesce(max(position), 0) - ?) FROM event

-- name: batch  after a position, in order; whose body was forgotten comes along to be counted
SELECT position, system, dialect, topic, object, key, name, summary, version, complete, facts, event_id, webhook_id, api_version,
  triggered_at_ms, received_at_ms, release, flags, priority, sha256, size_bytes, body
FROM event WHERE position > ? ORDER BY position LIMIT ?
