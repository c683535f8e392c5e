-- What the console reads. `inbox` is the attached database of events. A /*where*/ is filled from the table of clauses in views.py.

-- name: tile_minutes
-- Traffic per flow, destination and bucket of the window.
SELECT flow, destination, (minute * 60000 - :since_ms) / :bucket_ms AS bucket,
       sum(done) AS done, sum(unchanged) AS unchanged, sum(dead) AS dead, sum(retried) AS retried,
       max(latency_ms_max) AS latency_ms_max
FROM minute WHERE minute * 60000 >= :since_ms - 60000 AND minute * 60000 <= :until_ms
GROUP BY flow, destination, bucket;

-- name: last_success_minutes
-- To the minute, for flows whose newest deliveries are not among the recent ones.
SELECT flow, destination, max(minute) * 60000 AS at_ms FROM minute WHERE done + unchanged > 0 GROUP BY flow, destination;

-- name: recent_latencies
-- The newest finished deliveries, bounded by id so that the cost does not grow with the ledger.
SELECT flow, destination, max(0, done_ms - received_ms) AS latency_ms, done_ms
FROM delivery WHERE id > (SELECT coalesce(max(id), 0) - :newest FROM delivery) AND state = 'done' AND done_ms > 0;

-- name: open_by_flow
SELECT flow, destination, state, count(*) AS count FROM delivery
WHERE state IN ('retrying', 'uncertain', 'waiting', 'dead', 'held') GROUP BY flow, destination, state;

-- name: pending_by_flow
-- Through the index of what is due and that of what runs.
SELECT flow, destination, state, count(*) AS count FROM delivery
WHERE state IN ('pending', 'retrying', 'uncertain', 'waiting') AND state = 'pending' GROUP BY flow, destination
UNION ALL
SELECT flow, destination, state, count(*) FROM delivery WHERE state = 'running' GROUP BY flow, destination;

-- name: breakers
SELECT destination, state, failures, changed_ms, paused_until_ms, last_error FROM breaker;

-- name: next_due
SELECT destination, min(due_ms) AS due_ms FROM delivery
WHERE head = 1 AND state IN ('retrying', 'waiting') AND state IN ('pending', 'retrying', 'uncertain', 'waiting')
GROUP BY destination;

-- name: written_since
SELECT destination, sum(done) AS written FROM minute WHERE minute >= :minute GROUP BY destination;

-- name: orders
SELECT system, object, key, name, version, event, first_seen_ms, last_seen_ms, events, summary FROM object
WHERE object = 'order' /*where*/ ORDER BY last_seen_ms DESC LIMIT :limit;

-- name: lanes
-- One per flow and destination: of several signals the one that is not settled (the bare columns are those of the row with the max()).
SELECT system, key, flow, destination, state, due_ms FROM (
  SELECT *, max(state NOT IN ('done', 'superseded', 'cancelled')) FROM delivery
  WHERE object = :object AND key IN (SELECT value FROM json_each(:keys)) GROUP BY system, key, flow, destination)
ORDER BY key, id;

-- name: found_by_name
SELECT object, key, name, 'name' AS why FROM object WHERE name IN (:text, '#' || :text) LIMIT :limit;

-- name: found_by_key
-- Walks the systems through the index (a loose scan), then asks for each object of each.
WITH RECURSIVE s(system) AS (
  SELECT min(system) FROM object
  UNION ALL SELECT (SELECT min(system) FROM object WHERE system > s.system) FROM s WHERE s.system IS NOT NULL
)
SELECT o.object, o.key, o.name, 'key' AS why
FROM s CROSS JOIN json_each(:objects) k CROSS JOIN object o ON o.system = s.system AND o.object = k.value AND o.key = :text LIMIT :limit;

-- name: found_by_link
-- Walks the systems through the index (a loose scan), then asks each for the id.
WITH RECURSIVE s(system) AS (
  SELECT min(system) FROM link
  UNION ALL SELECT (SELECT min(system) FROM link WHERE system > s.system) FROM s WHERE s.system IS NOT NULL
)
SELECT l.object, l.key, coalesce(o.name, l.key) AS name, 'id at ' || l.system AS why
FROM s CROSS JOIN link l ON l.system = s.system AND l.external_id = :text
LEFT JOIN object o ON o.object = l.object AND o.key = l.key AND o.system = l.origin LIMIT :limit;

-- name: found_by_reference
-- References, and ids that the crosswalk no longer holds, have no index: only the newest attempts are looked through.
SELECT DISTINCT d.object, d.key, d.name,
       CASE WHEN a.external_id = :text THEN 'id at ' ELSE 'our reference at ' END || d.destination AS why
FROM attempt a JOIN delivery d ON d.id = a.delivery
WHERE a.id > (SELECT coalesce(max(id), 0) - :newest FROM attempt) AND (a.reference = :text OR a.idempotency_key = :text OR (a.external_id = :text AND :text <> '')) LIMIT :limit;

-- name: found_by_event
SELECT DISTINCT object, key, name, 'event id' AS why FROM inbox.event
WHERE position > (SELECT coalesce(max(position), 0) - :newest FROM inbox.event) AND (event_id = :text OR webhook_id = :text) LIMIT :limit;

-- name: found_waiting
SELECT object, key, name, 'waits for ' || waiting_for || ' at ' || destination AS why FROM delivery
WHERE waiting_for IN (:text, 'item:' || :text, 'location:' || :text) AND waiting_for <> '' LIMIT :limit;

-- name: origins_of  the systems that objects (pairs of object and key) began in; two stores may give one number to two things
WITH RECURSIVE s(system) AS (
  SELECT min(system) FROM object
  UNION ALL SELECT (SELECT min(system) FROM object WHERE system > s.system) FROM s WHERE s.system IS NOT NULL
)
SELECT o.object, o.key, o.system FROM json_each(:hits) h CROSS JOIN s
CROSS JOIN object o ON o.system = s.system AND o.object = h.value ->> 0 AND o.key = h.value ->> 1 ORDER BY o.system;

-- name: heads  one for each system that the object began in, the one that changed last first
WITH RECURSIVE s(system) AS (
  SELECT min(system) FROM object
  UNION ALL SELECT (SELECT min(system) FROM object WHERE system > s.system) FROM s WHERE s.system IS NOT NULL
)
SELECT o.system, object, key, name, version, event, first_seen_ms, last_seen_ms, events, summary
FROM s CROSS JOIN object o ON o.system = s.system AND o.object = :object AND o.key = :key ORDER BY last_seen_ms DESC;

-- name: events_of
SELECT position, system, dialect, topic, object, key, name, version, facts, event_id, webhook_id, api_version, triggered_at_ms,
       received_at_ms, release, flags, priority, sha256, size_bytes, body
FROM inbox.event WHERE system = :system
  AND dedupe_key >= :object || '/' || :key || '/' AND dedupe_key < :object || '/' || :key || '0'  -- '0' follows '/'
  AND object = :object AND key = :key
ORDER BY position DESC LIMIT :limit;

-- name: sightings_of
SELECT position, seen_at_ms, topic, event_id, webhook_id, flags FROM inbox.sighting
WHERE position IN (SELECT value FROM json_each(:positions)) ORDER BY seen_at_ms LIMIT :limit;

-- name: deliveries_of
SELECT id, flow, system, destination, object, key, name, signal, state, priority, due_ms, release, attempts, reason, code, error,
       waiting_for, received_ms, created_ms, updated_ms, done_ms, warnings, wanted_event
FROM delivery WHERE object = :object AND key = :key AND system = :system ORDER BY id LIMIT :limit;

-- name: attempts_of
SELECT id, delivery, number, operation, action, once, reference, idempotency_key, content_hash, event, release, body, begun_ms,
       ended_ms, verdict, resolution, status, code, message, external_id
FROM attempt WHERE delivery IN (SELECT value FROM json_each(:deliveries)) ORDER BY id DESC LIMIT :limit;

-- name: links_of
SELECT system, operation, signal, reference, external_id, written_ms, writes FROM link
WHERE object = :object AND key = :key AND origin = :system ORDER BY written_ms, system LIMIT :limit;

-- name: dead_letters_of
SELECT id, delivery, at_ms, flow, coalesce((SELECT d.system FROM delivery d WHERE d.id = dead_letter.delivery), '') AS system,
       destination, object, key, name, reason, code, error, fingerprint, owner, attempts, closed_ms, resolution, closed_by, why
FROM dead_letter WHERE id IN (
  SELECT id FROM dead_letter WHERE delivery IN (SELECT value FROM json_each(:deliveries)) AND at_ms >= :since_ms
) ORDER BY id LIMIT :limit;

-- name: audit_of
-- The audit has no index by subject: only its newest rows are looked through. A bulk action is one row with its selection: that of a
-- replay stands in replay_item, that of the others in the row itself.
SELECT at_ms, who, action, subject, why, detail FROM audit
WHERE id > (SELECT coalesce(max(id), 0) - :newest FROM audit) AND (
  subject IN (SELECT value FROM json_each(:subjects))
  OR (at_ms >= :since_ms AND action = 'replay' AND EXISTS (
    SELECT 1 FROM replay_item i
    WHERE i.replay = CAST(substr(audit.subject, 8) AS INTEGER) AND i.delivery IN (SELECT value FROM json_each(:deliveries))))
  OR (at_ms >= :since_ms AND action IN ('discard', 'hold', 'release') AND EXISTS (
    SELECT 1 FROM json_each(audit.detail, '$.ids') d WHERE d.value IN (SELECT value FROM json_each(:deliveries)))))
ORDER BY id;

-- name: audit
SELECT at_ms, who, action, subject, why, detail FROM audit ORDER BY id DESC LIMIT :limit;

-- name: holds
-- The bare columns are those of the newest refusal.
SELECT destination, waiting_for, reason, code, error, count(*) AS count, min(received_ms) AS first_ms, max(updated_ms) AS last_ms
FROM delivery WHERE waiting_for IN ('credentials', 'permission') AND waiting_for <> '' AND state = 'waiting'
GROUP BY destination, waiting_for ORDER BY count DESC;

-- name: dead_letter_groups
-- The bare columns are those of the newest letter of the group (SQLite's rule for a single max()).
SELECT fingerprint, flow, destination, reason, code, error, owner, count(*) AS count, min(at_ms) AS first_ms, max(at_ms) AS last_ms
FROM dead_letter WHERE closed_ms = 0 /*where*/ GROUP BY fingerprint ORDER BY count DESC, last_ms DESC LIMIT :limit;

-- name: dead_letter_hours
SELECT fingerprint, (:until_ms - at_ms) / 3600000 AS hours_ago, count(*) AS count FROM dead_letter
WHERE at_ms > :until_ms - 24 * 3600000 GROUP BY fingerprint, hours_ago;

-- name: dead_letter_returns
SELECT fingerprint, count(*) AS count FROM dead_letter WHERE closed_ms > 0 AND at_ms >= :since_ms GROUP BY fingerprint;

-- name: dead_letters
SELECT id, delivery, at_ms, flow, coalesce((SELECT d.system FROM delivery d WHERE d.id = dead_letter.delivery), '') AS system,
       destination, object, key, name, reason, code, error, fingerprint, owner, attempts, closed_ms, resolution, closed_by, why
FROM dead_letter WHERE closed_ms = 0 /*where*/ ORDER BY id DESC LIMIT :limit;

-- name: deliveries
SELECT id, flow, system, destination, object, key, name, signal, state, priority, due_ms, release, attempts, reason, code, error,
       waiting_for, received_ms, created_ms, updated_ms, done_ms, warnings, wanted_event
FROM delivery WHERE 1 = 1 /*where*/ ORDER BY id DESC LIMIT :limit;

-- name: states
SELECT state, count(*) AS count FROM delivery WHERE 1 = 1 /*where*/ GROUP BY state;

-- name: replay
SELECT id, at_ms, by, why, release, total, paused FROM replay WHERE id = :id;

-- name: replay_results
-- A duplicate is a delivery of the replay with two records created at the destination by one operation.
SELECT d.destination, CASE WHEN min(d.object) = max(d.object) THEN d.object ELSE '' END AS object, count(*) AS total,
       sum(i.result = 'delivered') AS delivered, sum(i.result = 'unchanged') AS unchanged,
       sum(i.result = 'dead') AS dead, sum(i.result = 'superseded') AS superseded,
       sum(i.result = 'cancelled') AS cancelled,
       sum((SELECT coalesce(max(n), 0) FROM (
         SELECT count(DISTINCT a.external_id) AS n FROM attempt a
         WHERE a.delivery = d.id AND a.verdict = 'done' AND a.external_id <> '' GROUP BY a.operation, a.reference)) > 1) AS duplicates
FROM replay_item i JOIN delivery d ON d.id = i.delivery WHERE i.replay = :id GROUP BY d.destination ORDER BY d.destination;

-- name: pulse
SELECT (SELECT coalesce(max(position), 0) FROM inbox.event) AS events,
       (SELECT coalesce(max(last_seen_ms), 0) FROM object) AS changed_ms,
       (SELECT count(*) FROM delivery WHERE state = 'dead' AND state IN ('retrying', 'uncertain', 'waiting', 'dead', 'held')) AS dead,
       (SELECT coalesce(max(id), 0) FROM audit) + (SELECT coalesce(max(id), 0) FROM attempt) AS audits,
       (SELECT coalesce(sum(ended_ms), 0) FROM (SELECT ended_ms FROM attempt ORDER BY id DESC LIMIT 256))
         + (SELECT coalesce(sum(id + token), 0) FROM delivery WHERE state = 'running')
         + (SELECT coalesce(sum(changed_ms + failures), 0) FROM breaker) AS work;
