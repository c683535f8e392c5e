-- name: cursor
SELECT value FROM position WHERE name = ?

-- name: move_cursor
INSERT INTO position (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- name: object_head  the newest version seen of an object
SELECT version, event, sha256 FROM object WHERE system = ? AND object = ? AND key = ?

-- name: object_new
INSERT INTO object (system, object, key, name, version, event, sha256, first_seen_ms, last_seen_ms, summary)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: object_newer
UPDATE object SET version = ?, event = ?, sha256 = ?, last_seen_ms = ?, events = events + 1,
  name = CASE WHEN ?5 = '' THEN name ELSE ?5 END, summary = CASE WHEN ?6 = '' THEN summary ELSE ?6 END
WHERE system = ?7 AND object = ?8 AND key = ?9

-- name: object_seen  an older or incomplete sighting of an object
UPDATE object SET last_seen_ms = ?, events = events + 1 WHERE system = ? AND object = ? AND key = ?

-- name: want  level-triggered: one row per flow, destination and key; a newer event raises what it wants, and a look without an
-- event (0) leaves the last one
INSERT INTO delivery (
  flow, system, destination, object, key, name, signal, state, head, opened, priority, due_ms, release,
  wanted_event, wanted_version, reread, received_ms, created_ms, updated_ms)
VALUES (
  :flow, :system, :destination, :object, :key, :name, '', 'pending',
  NOT EXISTS (SELECT 1 FROM delivery o
    WHERE o.object = :object AND o.key = :key AND o.destination = :destination AND o.system = :system
    AND o.state IN ('pending', 'running', 'retrying', 'uncertain', 'waiting', 'held')),
  :event, :priority, :due, :release, :event, :version, :reread, :received, :now, :now)
ON CONFLICT (flow, destination, system, object, key, signal) DO UPDATE SET
  wanted_event = CASE excluded.wanted_event WHEN 0 THEN wanted_event ELSE excluded.wanted_event END,
  wanted_version = max(wanted_version, excluded.wanted_version),
  reread = max(excluded.reread, CASE WHEN state IN ('done', 'superseded', 'cancelled', 'dead') THEN 0 ELSE reread END),
  revision = revision + 1,
  release = excluded.release,
  name = CASE WHEN excluded.name = '' THEN name ELSE excluded.name END,
  priority = CASE WHEN state IN ('done', 'superseded', 'cancelled', 'dead') THEN excluded.priority ELSE min(priority, excluded.priority) END,
  attempts = CASE WHEN state IN ('done', 'superseded', 'cancelled', 'dead', 'waiting') THEN 0 ELSE attempts END,
  head = CASE WHEN state IN ('done', 'superseded', 'cancelled', 'dead')
    THEN NOT EXISTS (SELECT 1 FROM delivery o
      WHERE o.object = excluded.object AND o.key = excluded.key AND o.destination = excluded.destination AND o.system = excluded.system
      AND o.state IN ('pending', 'running', 'retrying', 'uncertain', 'waiting', 'held'))
    ELSE head END,
  opened = CASE WHEN state IN ('done', 'superseded', 'cancelled', 'dead') THEN excluded.opened ELSE opened END,
  due_ms = CASE WHEN state IN ('done', 'superseded', 'cancelled', 'dead', 'waiting') THEN excluded.due_ms ELSE due_ms END,
  received_ms = CASE WHEN state IN ('done', 'superseded', 'cancelled', 'dead') THEN excluded.received_ms ELSE received_ms END,
  state = CASE WHEN state IN ('done', 'superseded', 'cancelled', 'dead', 'waiting') THEN 'pending' ELSE state END,
  waiting_for = '',
  updated_ms = excluded.updated_ms

-- name: signal  one row per fact; a fact seen again opens nothing
INSERT INTO delivery (
  flow, system, destination, object, key, name, signal, state, head, opened, priority, due_ms, release,
  wanted_event, wanted_version, reread, received_ms, created_ms, updated_ms)
VALUES (
  :flow, :system, :destination, :object, :key, :name, :signal, 'pending',
  NOT EXISTS (SELECT 1 FROM delivery o
    WHERE o.object = :object AND o.key = :key AND o.destination = :destination AND o.system = :system
    AND o.state IN ('pending', 'running', 'retrying', 'uncertain', 'waiting', 'held')),
  :event, :priority, :now, :release, :event, :version, :reread, :received, :now, :now)
ON CONFLICT (flow, destination, system, object, key, signal) DO NOTHING

-- name: supersede_letter  a newer event, or look, has taken over a dead delivery
UPDATE dead_letter SET closed_ms = :now, resolution = 'superseded', closed_by = 'router', why = :why
WHERE closed_ms = 0 AND delivery IN (
  SELECT id FROM delivery WHERE flow = :flow AND destination = :destination AND system = :system AND object = :object AND key = :key
    AND signal = '' AND state = 'pending')

-- name: due  heads of lanes that may run now, for one priority, each with the token that its claim will have
SELECT id, flow, system, destination, object, key, name, signal, release, priority, wanted_event, wanted_version, reread, revision,
  attempts, crashes, token + 1, received_ms, state, EXISTS (SELECT 1 FROM replay_item r WHERE r.delivery = delivery.id AND r.result = '')
FROM delivery
WHERE destination = ? AND priority = ? AND due_ms <= ? AND head = 1 AND state IN ('pending', 'retrying', 'uncertain', 'waiting')
ORDER BY due_ms LIMIT ?

-- name: take
UPDATE delivery SET state = 'running', token = token + 1, worker = ?, lease_until_ms = ?, updated_ms = ? WHERE id = ?

-- name: links_of
SELECT operation, reference, external_id, version, content_hash FROM link
WHERE system = ? AND origin = ? AND object = ? AND key = ? AND signal = ?

-- name: unsettled_of  one that was sent again is settled, yet while it may still land it can overwrite what comes after, and when
-- other content of its record came after it, it counts until that was written once more after its quiet period
SELECT id, operation, action, once, reference, object, key, quiet_ms, memory_ms, idempotency_key, content_hash, version, begun_ms,
  latest_send_ms, coalesce(body, x'')
FROM attempt a WHERE delivery = ?1 AND verdict IN ('', 'uncertain')
  AND (resolution = '' OR (resolution = 'resent' AND once = 'upsert' AND (latest_send_ms + quiet_ms > ?2
    OR (EXISTS (SELECT 1 FROM attempt n WHERE n.delivery = ?1 AND n.id > a.id AND n.operation = a.operation
          AND n.reference = a.reference AND n.content_hash <> a.content_hash AND n.begun_ms < a.latest_send_ms + a.quiet_ms)
      AND NOT EXISTS (SELECT 1 FROM attempt n WHERE n.delivery = ?1 AND n.id > a.id AND n.operation = a.operation
          AND n.reference = a.reference AND n.verdict = 'done' AND n.begun_ms >= a.latest_send_ms + a.quiet_ms))))) ORDER BY id

-- name: landing  until when upserts of other deliveries that were never answered may still overwrite what an order brings along;
-- nothing, when it was written after that
SELECT max(a.latest_send_ms + a.quiet_ms) FROM attempt a JOIN delivery d ON d.id = a.delivery
WHERE a.object = :object AND a.key = :key AND a.object <> '' AND a.verdict IN ('', 'uncertain') AND a.once = 'upsert'
  AND a.operation = :operation AND a.content_hash <> :content_hash AND a.delivery <> :delivery AND d.destination = :destination
  AND d.system = :system AND a.latest_send_ms + a.quiet_ms > coalesce((SELECT written_ms FROM link l WHERE l.object = :object
    AND l.key = :key AND l.system = :destination AND l.origin = :system AND l.operation = :operation AND l.signal = ''), 0)

-- name: next_due
SELECT min(due_ms) FROM delivery
WHERE destination = ? AND priority = ? AND head = 1 AND state IN ('pending', 'retrying', 'uncertain', 'waiting')

-- name: link_head  behind the fence: no row when the claim is no longer ours, nulls when nothing was written yet;
-- as two lookups within one, because the join of the two tables takes four times as long
SELECT
  (SELECT version FROM link WHERE system = ?1 AND origin = ?2 AND object = ?3 AND key = ?4 AND operation = ?5 AND signal = ?6),
  (SELECT content_hash FROM link WHERE system = ?1 AND origin = ?2 AND object = ?3 AND key = ?4 AND operation = ?5 AND signal = ?6)
FROM delivery WHERE id = ?7 AND token = ?8 AND state = 'running'

-- name: intend
INSERT INTO attempt (delivery, token, number, operation, action, once, reference, object, key, quiet_ms, memory_ms,
  idempotency_key, content_hash, version, event, release, body, begun_ms, latest_send_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: prolong  the same call under the same key leaves once more: its quiet period starts anew
UPDATE attempt SET latest_send_ms = ? WHERE id = ? AND EXISTS (
  SELECT 1 FROM delivery d WHERE d.id = attempt.delivery AND d.token = ? AND d.state = 'running')

-- name: outcome  behind the fence
UPDATE attempt SET ended_ms = ?, verdict = ?, status = ?, code = ?, message = ?, external_id = ?
WHERE id = ? AND EXISTS (SELECT 1 FROM delivery d WHERE d.id = ? AND d.token = ? AND d.state = 'running')

-- name: resolve
UPDATE attempt SET resolution = ?, ended_ms = CASE WHEN ended_ms = 0 THEN ? ELSE ended_ms END,
  verdict = CASE WHEN verdict = '' THEN 'uncertain' ELSE verdict END, external_id = CASE WHEN ?3 = '' THEN external_id ELSE ?3 END
WHERE id = ?4 AND EXISTS (SELECT 1 FROM delivery d WHERE d.id = attempt.delivery AND d.token = ?5 AND d.state = 'running')

-- name: link  an older version never overwrites a newer one
INSERT INTO link (system, origin, object, key, operation, signal, reference, external_id, version, content_hash, written_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (system, origin, object, key, operation, signal) DO UPDATE SET
  reference = excluded.reference, version = excluded.version, content_hash = excluded.content_hash, written_ms = excluded.written_ms,
  external_id = CASE WHEN excluded.external_id = '' THEN external_id ELSE excluded.external_id END, writes = writes + 1
WHERE excluded.version >= version

-- name: touch_link  unchanged content of a newer version: the fence moves up, nothing is sent
UPDATE link SET version = ? WHERE system = ? AND origin = ? AND object = ? AND key = ? AND operation = ? AND signal = ? AND version < ?

-- name: close_done  changes nothing when the claim is no longer ours, or a newer wish came while it ran
UPDATE delivery SET
  state = ?2, due_ms = ?3, attempts = 0, crashes = 0, done_version = max(done_version, ?4), done_ms = ?3, updated_ms = ?3,
  lease_until_ms = 0, worker = '', reread = 0, reason = ?5, code = ?6, error = ?7, waiting_for = '', warnings = ?8
WHERE id = ?1 AND token = ?9 AND state = 'running' AND revision = ?10

-- name: close_wished_again  done with the older wish; pending for the newer one
UPDATE delivery SET
  state = 'pending', due_ms = ?3, attempts = 0, crashes = 0, done_version = max(done_version, ?4), done_ms = ?3, updated_ms = ?3,
  lease_until_ms = 0, worker = '', reason = ?5, code = ?6, error = ?7, waiting_for = '', warnings = ?8
WHERE id = ?1 AND token = ?9 AND state = 'running' AND revision <> ?10

-- name: close_later  what waits is tried at once when a newer wish came meanwhile: it may need something else;
-- what waits for something that was missing goes on under the release of now, in which it may be there: at once, if that is another;
-- what waits because its flow is stopped (flow:NAME) misses nothing and keeps the release that accepted it, and so does what
-- the release of now serves no more (?12 = 0)
UPDATE delivery SET
  state = CASE WHEN ?1 = 'waiting' AND revision <> ?11 THEN 'pending' ELSE ?1 END,
  due_ms = CASE WHEN ?1 = 'waiting' AND (revision <> ?11
      OR ?8 <> '' AND ?12 AND ?8 NOT GLOB 'flow:*' AND release <> coalesce((SELECT id FROM release WHERE active = 1), release)) THEN ?4 ELSE ?2 END,
  attempts = attempts + ?3, crashes = 0, updated_ms = ?4, lease_until_ms = 0, worker = '',
  reason = ?5, code = ?6, error = ?7, waiting_for = ?8,
  release = CASE WHEN ?8 = '' OR NOT ?12 OR ?8 GLOB 'flow:*' THEN release ELSE coalesce((SELECT id FROM release WHERE active = 1), release) END
WHERE id = ?9 AND token = ?10 AND state = 'running'
RETURNING state

-- name: close_dead  a newer wish that came meanwhile is tried before giving up
UPDATE delivery SET
  state = CASE WHEN revision = ?1 THEN 'dead' ELSE 'pending' END,
  due_ms = ?2, attempts = CASE WHEN revision = ?1 THEN attempts + ?3 ELSE 0 END, crashes = 0, updated_ms = ?2, lease_until_ms = 0, worker = '',
  reason = ?4, code = ?5, error = ?6, waiting_for = ''
WHERE id = ?7 AND token = ?8 AND state = 'running'
RETURNING state, attempts

-- name: lane  its open deliveries; unsorted, because sorting one row costs six times as much as finding it
SELECT opened, id, head FROM delivery
WHERE object = ? AND key = ? AND destination = ? AND system = ? AND state IN ('pending', 'running', 'retrying', 'uncertain', 'waiting', 'held')

-- name: lead
UPDATE delivery SET head = 1 WHERE id = ?

-- name: bury
INSERT INTO dead_letter (delivery, at_ms, flow, destination, object, key, name, reason, code, error, fingerprint, owner, attempts, event, release, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING

-- name: replay_result
UPDATE replay_item SET result = ? WHERE delivery = ? AND result = ''

-- name: minute
INSERT INTO minute (flow, destination, minute, done, unchanged, dead, retried, latency_ms, latency_ms_max)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (flow, destination, minute) DO UPDATE SET
  done = done + excluded.done, unchanged = unchanged + excluded.unchanged, dead = dead + excluded.dead, retried = retried + excluded.retried,
  latency_ms = latency_ms + excluded.latency_ms, latency_ms_max = max(latency_ms_max, excluded.latency_ms_max)

-- name: renew
UPDATE delivery SET lease_until_ms = ? WHERE id = ? AND token = ? AND state = 'running'

-- name: lost_claims
SELECT id, destination, token FROM delivery WHERE state = 'running' AND lease_until_ms < ?

-- name: rescue  the token rises, so that a paused writer that wakes up later is refused
UPDATE delivery SET state = ?, due_ms = ?, token = token + 1, crashes = crashes + (id = ?), lease_until_ms = 0, worker = '', updated_ms = ?,
  reason = 'unavailable', code = 'HUB-RESCUED', error = 'the worker stopped in the middle; the delivery was taken up again'
WHERE id = ?

-- name: doubt  calls that were in flight when the worker vanished
UPDATE attempt SET verdict = 'uncertain', ended_ms = ?, code = 'HUB-RESCUED', message = 'the worker stopped before it saw the answer'
WHERE delivery = ? AND verdict = ''

-- name: wake_waiting
UPDATE delivery SET due_ms = ?1 WHERE state = 'waiting' AND waiting_for <> '' AND (?2 = '' OR waiting_for = ?2)

-- name: save_breaker
INSERT INTO breaker (destination, state, failures, changed_ms, paused_until_ms, last_error) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (destination) DO UPDATE SET failures = excluded.failures, paused_until_ms = excluded.paused_until_ms,
  last_error = excluded.last_error, changed_ms = CASE WHEN state = excluded.state THEN changed_ms ELSE excluded.changed_ms END,
  state = excluded.state

-- name: breakers
SELECT destination, state, failures, changed_ms, paused_until_ms, last_error FROM breaker

-- name: retire_release
UPDATE release SET active = 0 WHERE active = 1 AND id <> ?

-- name: active_release
SELECT id FROM release WHERE active = 1

-- name: save_release
INSERT INTO release (id, at_ms, files, active) VALUES (?, ?, ?, 1) ON CONFLICT (id) DO UPDATE SET active = 1

-- name: adopt_waiting  what waits for something that was missing is tried under the new release: it may be there now; unless
-- that release has dropped its flow, or the flow this destination (ways, NULL: it serves all)
UPDATE delivery SET release = ?1 WHERE state = 'waiting' AND waiting_for <> '' AND waiting_for NOT GLOB 'flow:*'
  AND (?2 IS NULL OR flow || '>' || destination IN (SELECT value FROM json_each(?2)))

-- name: release
SELECT files FROM release WHERE id = ?

-- name: open_work
SELECT DISTINCT release, destination FROM delivery WHERE state IN ('pending', 'running', 'retrying', 'uncertain', 'waiting', 'held')

-- name: origin_of
SELECT origin, key FROM link WHERE system = ? AND external_id = ? AND object = ? LIMIT 1

-- name: audit
INSERT INTO audit (at_ms, who, action, subject, why, detail) VALUES (?, ?, ?, ?, ?, ?)

-- name: oldest_wanted_event  0 is none: what only time or a rule has asked for follows from no event
SELECT min(oldest) FROM (
  SELECT min(nullif(wanted_event, 0)) AS oldest FROM delivery WHERE state IN ('pending', 'retrying', 'uncertain', 'waiting')
  UNION ALL SELECT min(nullif(wanted_event, 0)) FROM delivery WHERE state = 'running'
  UNION ALL SELECT min(nullif(wanted_event, 0)) FROM delivery
    WHERE state IN ('retrying', 'uncertain', 'waiting', 'dead', 'held') AND state = 'held')

-- name: trim_attempts
UPDATE attempt SET body = NULL WHERE id IN (
  SELECT id FROM attempt WHERE body IS NOT NULL AND ended_ms > 0 AND ended_ms < ?
    AND (verdict <> 'uncertain' OR resolution <> '') LIMIT ?)

-- name: trim_letters
UPDATE dead_letter SET body = NULL WHERE body IS NOT NULL AND closed_ms > 0 AND closed_ms < ?

-- name: trim_audit  which release ran when is the way back, and is kept
DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id LIMIT ?) AND at_ms < ? AND action NOT IN ('apply', 'rollback')

-- name: counts
SELECT destination, state, count(*) FROM delivery GROUP BY destination, state

-- name: open_replay
INSERT INTO replay (at_ms, by, why, filter, release, total) VALUES (?, ?, ?, ?, ?, 0) RETURNING id

-- name: replay_candidates  never one that is running, nor one that an open replay holds already; :where is the filter
INSERT INTO replay_item (replay, delivery, was, writes_before)
SELECT :replay, d.id, d.state, (SELECT count(*) FROM attempt a WHERE a.delivery = d.id AND a.verdict = 'done')
FROM delivery d
WHERE d.state <> 'running' AND NOT EXISTS (SELECT 1 FROM replay_item r WHERE r.delivery = d.id AND r.result = '') AND /*where*/

-- name: replay_total
UPDATE replay SET total = (SELECT count(*) FROM replay_item WHERE replay = ?1) WHERE id = ?1 RETURNING total

-- name: reopen  for a replay: an uncertain delivery keeps its quiet period, the rest is due now
UPDATE delivery SET
  head = CASE WHEN state IN ('done', 'superseded', 'cancelled', 'dead')
    THEN NOT EXISTS (SELECT 1 FROM delivery o
      WHERE o.object = delivery.object AND o.key = delivery.key AND o.destination = delivery.destination AND o.system = delivery.system
      AND o.state IN ('pending', 'running', 'retrying', 'uncertain', 'waiting', 'held'))
    ELSE head END,
  reread = CASE WHEN state IN ('done', 'superseded', 'cancelled', 'dead') AND signal = '' AND :now - received_ms > :late
    THEN 1 ELSE reread END,
  due_ms = CASE WHEN state = 'uncertain' THEN due_ms ELSE :now END,
  priority = CASE WHEN state IN ('done', 'superseded', 'cancelled', 'dead') THEN 1 ELSE priority END,
  release = CASE WHEN :release = 'same' THEN release ELSE :release END,
  state = CASE WHEN state IN ('uncertain', 'held') THEN state ELSE 'pending' END,
  attempts = 0, revision = revision + 1, updated_ms = :now
WHERE id = :id

-- name: close_letter
UPDATE dead_letter SET closed_ms = ?, resolution = ?, closed_by = ?, why = ? WHERE delivery = ? AND closed_ms = 0
