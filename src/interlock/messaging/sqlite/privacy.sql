-- Requests of people about their data; see the migration for what the columns mean.

-- name: there  whether this store has them at all: an older Interlock made it without
SELECT count(*) FROM sqlite_schema WHERE name = 'privacy_request'

-- name: cursor
SELECT coalesce((SELECT value FROM position WHERE name = 'privacy'), 0)

-- name: move_cursor
INSERT INTO position (name, value) VALUES ('privacy', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- name: asked_for  events that ask for something, between two positions
SELECT position, system, dedupe_key, facts, key, received_at_ms, sha256, size_bytes, body
FROM event WHERE position > ? AND position <= ? AND facts IN (SELECT value FROM json_each(?)) ORDER BY position

-- name: ask  one that is there already stays as it is, unless it is to be carried out again
INSERT INTO privacy_request (uid, kind, system, person, event, received_ms, due_ms, state, by, why, orders, values_known, hashes)
VALUES (:uid, :kind, :system, :person, :event, :received_ms, :due_ms, 'asked', :by, :why, :orders, :traces, :hashes)
ON CONFLICT (uid) DO UPDATE SET state = 'asked', done_ms = 0, why = excluded.why WHERE :again AND state = 'done'

-- name: number
SELECT id FROM privacy_request WHERE uid = ?

-- name: open_requests
SELECT {columns} FROM privacy_request WHERE state <> 'done' ORDER BY due_ms, id

-- name: by_uid
SELECT {columns} FROM privacy_request WHERE uid = ?

-- name: one
SELECT {columns} FROM privacy_request WHERE id = ?

-- name: newest  the open ones first, by their day
SELECT {columns} FROM privacy_request ORDER BY state = 'done', CASE state WHEN 'done' THEN -done_ms ELSE due_ms END, id LIMIT ?

-- name: know
UPDATE privacy_request SET state = 'known', orders = ?, values_known = ?, hashes = ? WHERE uid = ? AND state IN ('asked', 'known')

-- name: erased
UPDATE privacy_request SET state = 'erased', values_known = x'', result = ? WHERE uid = ? AND state = 'known'

-- name: note
UPDATE privacy_request SET note = :note, result = coalesce(:result, result) WHERE uid = :uid

-- name: finish
UPDATE privacy_request SET state = 'done', done_ms = :now, done_by = :by, values_known = x'', note = '', result = coalesce(:result, result)
WHERE id = :id AND state <> 'done'

-- name: alarmed
UPDATE privacy_request SET alarmed_day = ? WHERE id = ?

-- name: audit
INSERT INTO audit (at_ms, who, action, subject, why, detail) VALUES (?, ?, ?, ?, ?, '{}')

-- name: holds_key  bodies of one object, through the beginning of the de-duplication key
SELECT 1 FROM event WHERE system = ? AND dedupe_key >= ? AND dedupe_key < ? AND body IS NOT NULL AND received_at_ms <= ? LIMIT 1

-- name: holds_shop
SELECT 1 FROM event WHERE system = ? AND body IS NOT NULL AND received_at_ms <= ? LIMIT 1

-- name: bodies  of a system, a piece at a time
SELECT position, object, key, sha256, size_bytes, body FROM event
WHERE system = ? AND body IS NOT NULL AND position > ? ORDER BY position LIMIT ?

-- name: events_of_keys  with or without a body
SELECT position FROM event WHERE system = ? AND object || '/' || key IN (SELECT value FROM json_each(?))

-- name: deliveries_of
SELECT id FROM delivery WHERE system = :system
  AND (:shop OR object || '/' || key IN (SELECT value FROM json_each(:keys)) OR wanted_event IN (SELECT value FROM json_each(:events)))

-- name: attempts_of  a customer is also brought along by orders
SELECT id FROM attempt WHERE delivery IN (SELECT value FROM json_each(:deliveries)) OR (event IN (SELECT value FROM json_each(:events)))
  OR (object = 'customer' AND key = :person AND delivery IN (SELECT id FROM delivery WHERE system = :system))

-- name: letters_of
SELECT id FROM dead_letter WHERE delivery IN (SELECT value FROM json_each(:deliveries)) OR event IN (SELECT value FROM json_each(:events))

-- name: empty_events
UPDATE event SET body = NULL WHERE body IS NOT NULL AND position IN (SELECT value FROM json_each(?))

-- name: empty_attempts  what must be sent again exactly as it was, or looked up by what it says, is kept until that is settled
UPDATE attempt SET message = CASE message WHEN '' THEN '' ELSE 'removed: privacy' END,
  body = CASE WHEN (verdict = '' OR verdict = 'uncertain' AND resolution = '') AND once IN ('key', 'look_up') THEN body ELSE NULL END
WHERE (body IS NOT NULL OR message NOT IN ('', 'removed: privacy')) AND id IN (SELECT value FROM json_each(?))

-- name: empty_letters
UPDATE dead_letter SET body = NULL, error = CASE error WHEN '' THEN '' ELSE 'removed: privacy' END
WHERE (body IS NOT NULL OR error NOT IN ('', 'removed: privacy')) AND id IN (SELECT value FROM json_each(?))

-- name: empty_deliveries  what is still open reads its source again
UPDATE delivery SET error = CASE error WHEN '' THEN '' ELSE 'removed: privacy' END, reread = 1
WHERE (error NOT IN ('', 'removed: privacy') OR reread = 0) AND id IN (SELECT value FROM json_each(?))

-- name: warned
SELECT id, warnings FROM delivery WHERE warnings <> '' AND id IN (SELECT value FROM json_each(?))

-- name: rewarn
UPDATE delivery SET warnings = ? WHERE id = ?

-- name: empty_processes  one that is under way needs its object until it ends
UPDATE process SET message = NULL
WHERE message IS NOT NULL AND state NOT IN ('running', 'compensating') AND delivery IN (SELECT value FROM json_each(?))

-- name: empty_records
UPDATE process_step SET output = CAST('null' AS BLOB) WHERE kind = 'enrich' AND output <> CAST('null' AS BLOB)
  AND process IN (SELECT delivery FROM process WHERE message IS NULL AND delivery IN (SELECT value FROM json_each(?)))

-- name: marks
SELECT process, number, output, why FROM process_step WHERE process IN (SELECT value FROM json_each(?))

-- name: remark
UPDATE process_step SET output = ?, why = ? WHERE process = ? AND number = ?

-- name: kept_back
SELECT (SELECT count(*) FROM attempt WHERE body IS NOT NULL AND id IN (SELECT value FROM json_each(:attempts))),
  (SELECT count(*) FROM process WHERE message IS NOT NULL AND delivery IN (SELECT value FROM json_each(:deliveries))),
  (SELECT count(*) FROM delivery WHERE state = 'running' AND id IN (SELECT value FROM json_each(:deliveries)))

-- name: story_events
SELECT position, system, dialect, topic, object, key, name, summary, version, facts, event_id, api_version, triggered_at_ms, received_at_ms,
  hex(sha256) AS sha256_hex, sha256, size_bytes, body
FROM event WHERE position IN (SELECT value FROM json_each(?)) ORDER BY position

-- name: story_objects
SELECT object, key, name, version, first_seen_ms, last_seen_ms, events, summary FROM object
WHERE system = ? AND object || '/' || key IN (SELECT value FROM json_each(?)) ORDER BY object, key

-- name: story_links
SELECT DISTINCT l.system, l.object, l.key, l.operation, l.reference, l.external_id, l.written_ms, l.writes FROM link l
WHERE l.origin = :system AND (l.object || '/' || l.key IN (SELECT value FROM json_each(:keys))
  OR EXISTS (SELECT 1 FROM delivery d WHERE d.id IN (SELECT value FROM json_each(:deliveries)) AND d.object = l.object AND d.key = l.key))
ORDER BY l.system, l.object, l.key, l.operation

-- name: story_deliveries
SELECT id, flow, destination, object, key, name, state, code, error, warnings, received_ms, done_ms FROM delivery
WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id

-- name: story_attempts
SELECT id, delivery, operation, action, reference, verdict, code, message, external_id, begun_ms, body FROM attempt
WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id

-- name: story_letters
SELECT id, delivery, at_ms, reason, code, error, resolution, body FROM dead_letter WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id

-- name: story_processes
SELECT p.delivery, p.state, p.message FROM process p WHERE p.delivery IN (SELECT value FROM json_each(?)) ORDER BY p.delivery

-- name: story_marks
SELECT process, step, part, kind, state, why, output FROM process_step WHERE process IN (SELECT value FROM json_each(?)) ORDER BY process, number
