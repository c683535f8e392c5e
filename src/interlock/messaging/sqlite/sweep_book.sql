-- name: reached
SELECT reached, looked_at FROM sweep_reached WHERE system = ? AND object = ?

-- name: reach
INSERT INTO sweep_reached (system, object, reached, looked_at) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (system, object) DO UPDATE SET reached = max(reached, ?3), looked_at = ?4

-- name: known  what the hub was told of some objects; the keys lead, so that each is one look into the index
SELECT o.key, o.version, o.summary FROM json_each(?3) k CROSS JOIN object o ON o.key = k.value WHERE o.system = ?1 AND o.object = ?2

-- name: next_known  objects in the order in which they were first seen, after one of them: along the rows, without sorting them
SELECT id, key, name FROM object
WHERE +system = ?1 AND +object = ?2 AND id > ?3 AND +last_seen_ms >= ?4
  AND NOT EXISTS (SELECT 1 FROM missed WHERE missed.system = ?1 AND missed.object = ?2 AND missed.key = object.key
    AND missed.version = 0 AND missed.kind = 'deleted' AND missed.event > 0)
ORDER BY id LIMIT ?5

-- name: ask
INSERT INTO sweep (system, object, why, dry, since, until, began_ms, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'asked')
RETURNING id

-- name: asked
SELECT id, system, object, why, dry, since, until FROM sweep WHERE state = 'asked' ORDER BY id

-- name: begin
INSERT INTO sweep (system, object, why, dry, since, until, began_ms, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'running')
RETURNING id

-- name: take
UPDATE sweep SET state = 'running', began_ms = ?1, since = ?2, until = ?3 WHERE id = ?4

-- name: progress
UPDATE sweep SET listed = listed + ?1, found = found + ?2 WHERE id = ?3

-- name: miss
INSERT INTO missed (sweep, system, object, key, name, kind, known, version, found_ms, event, cause)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING

-- name: end
UPDATE sweep SET state = ?1, error = ?2, ended_ms = ?3 WHERE id = ?4

-- name: interrupted  a process that ended left them: their window is swept again
UPDATE sweep SET state = 'failed', error = 'the hub ended meanwhile', ended_ms = ? WHERE state = 'running'

-- name: last_began
SELECT coalesce(max(began_ms), 0) FROM sweep WHERE system = ? AND object = ? AND state IN ('running', 'done', 'failed') AND dry = 0

-- name: failed_since  sweeps in a row that failed
SELECT count(*) FROM sweep WHERE system = ?1 AND object = ?2 AND state = 'failed'
  AND began_ms > (SELECT coalesce(max(began_ms), 0) FROM sweep WHERE system = ?1 AND object = ?2 AND state = 'done')

-- name: unexplained
SELECT id, system, object, key, version, found_ms FROM missed WHERE cause = '' AND event > 0 AND kind <> 'deleted' AND id > ?
ORDER BY id LIMIT ?

-- name: explain
UPDATE missed SET cause = ?1, told_ms = ?2 WHERE id = ?3

-- name: sweeps
SELECT id, system, object, why, dry, since, until, began_ms, ended_ms, state, listed, found, error
FROM sweep ORDER BY began_ms DESC, id DESC LIMIT ?

-- name: sweep
SELECT id, system, object, why, dry, since, until, began_ms, ended_ms, state, listed, found, error FROM sweep WHERE id = ?

-- name: latest  the last that ended well of each object
SELECT id, system, object, why, dry, since, until, max(began_ms), ended_ms, state, listed, found, error
FROM sweep WHERE state = 'done' AND dry = 0 GROUP BY system, object ORDER BY system, object

-- name: missed
SELECT id, sweep, system, object, key, name, kind, known, version, found_ms, event, cause, told_ms,
  CASE kind WHEN 'deleted' THEN (SELECT group_concat(DISTINCT link.system) FROM link
    WHERE link.object = missed.object AND link.key = missed.key AND link.origin = missed.system) END
FROM missed WHERE (?1 = 0 OR sweep = ?1) AND found_ms >= ?2 ORDER BY id DESC LIMIT ?3

-- name: missed_counts
SELECT kind, cause, count(*) FROM missed WHERE found_ms >= ? AND event > 0 GROUP BY kind, cause

-- name: trim
DELETE FROM sweep WHERE ended_ms > 0 AND ended_ms < ?1 AND id NOT IN (SELECT max(id) FROM sweep WHERE state = 'done' GROUP BY system, object)

-- name: trim_missed
DELETE FROM missed WHERE found_ms < ? AND kind <> 'deleted'

-- name: there  whether this store has sweeps at all: an older Interlock made it without
SELECT count(*) FROM sqlite_schema WHERE name = 'sweep'
