-- name: active
SELECT id FROM release WHERE active = 1

-- name: files
SELECT files FROM release WHERE id = ?

-- name: releases
SELECT id, at_ms, active FROM release ORDER BY active DESC, at_ms DESC

-- name: find
SELECT id FROM release WHERE substr(id, 1, length(?1)) = ?1 LIMIT 10

-- name: switches
SELECT subject, action, at_ms, who, why, detail FROM audit WHERE action IN ('apply', 'rollback') ORDER BY id DESC LIMIT ?

-- name: first_seen  when the oldest of these releases was kept
SELECT min(at_ms) FROM release WHERE id IN (SELECT value FROM json_each(?))

-- name: last_attempt
SELECT coalesce(max(id), 0) FROM attempt

-- name: begun  of the first attempt from this one on
SELECT begun_ms FROM attempt WHERE id >= ? ORDER BY id LIMIT 1

-- name: wrote  by object and destination; of several calls the newest speaks
SELECT a.release, d.destination, d.flow, d.system, CASE WHEN a.object = '' THEN d.object ELSE a.object END,
  CASE WHEN a.key = '' THEN d.key ELSE a.key END, CASE WHEN a.object = '' THEN d.name ELSE '' END, a.operation,
  CASE WHEN a.verdict = '' OR a.verdict = 'uncertain' AND a.resolution = '' THEN 'uncertain' WHEN a.resolution = 'found' THEN 'done' ELSE a.verdict END,
  max(a.external_id), count(*), max(a.begun_ms), max(a.id)
FROM attempt a JOIN delivery d ON d.id = a.delivery
WHERE a.id >= :first AND a.release IN (SELECT value FROM json_each(:releases)) AND a.verdict <> 'retry'
GROUP BY a.release, d.destination, d.flow, d.system, 5, 6, a.operation
ORDER BY max(a.id) DESC LIMIT :limit
