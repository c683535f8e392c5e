-- Silences of flows; see the migration for what the columns mean.

-- name: watch
INSERT INTO flow_watch (flow, since_ms) VALUES (?, ?) ON CONFLICT (flow) DO NOTHING

-- name: unwatch
DELETE FROM flow_watch WHERE flow NOT IN (SELECT value FROM json_each(?))

-- name: watched
SELECT flow, since_ms FROM flow_watch

-- name: last_success  backwards through the primary key, to the first minute that has one
SELECT minute FROM minute WHERE flow = ? AND destination = ? AND done > 0 ORDER BY minute DESC LIMIT 1

-- name: successes
SELECT coalesce(sum(done), 0) FROM minute WHERE flow = ? AND destination = ? AND minute >= ?

-- name: renew
UPDATE silence SET kind = ?, destinations = ?, expected = ?, owner = ? WHERE flow = ? AND ended_ms = 0

-- name: open
INSERT INTO silence (flow, owner, kind, destinations, since_ms, expected, found_ms) VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: end
UPDATE silence SET ended_ms = ?, ended_because = ? WHERE flow = ? AND ended_ms = 0

-- name: silences
SELECT id, flow, owner, kind, destinations, since_ms, expected, found_ms, paged_ms, escalated_ms, ended_ms, ended_because, told_ms, problem
FROM silence WHERE ended_ms = 0 OR (paged_ms > 0 AND told_ms = 0) ORDER BY found_ms, id

-- name: paged
UPDATE silence SET problem = ?1, paged_ms = CASE WHEN ?2 = 'paged' AND ?1 = '' THEN ?3 ELSE paged_ms END,
  escalated_ms = CASE WHEN ?2 = 'escalated' AND ?1 = '' THEN ?3 ELSE escalated_ms END,
  told_ms = CASE WHEN ?2 = 'told' AND ?1 = '' THEN ?3 ELSE told_ms END
WHERE id = ?4
