-- name: course
SELECT run, revision, version, event, release, state, message FROM process WHERE delivery = ?

-- name: marks  every step in its order, with how its delivery is now
SELECT s.run, s.number, s.step, s.part, s.undo, s.kind, s.state, s.output, s.why, s.delivery, s.began_ms, s.ended_ms,
  coalesce(d.state, ''), CASE WHEN d.id IS NULL THEN '' ELSE trim(d.code || ' ' || d.error) END,
  coalesce((SELECT l.external_id FROM link l WHERE l.object = d.object AND l.key = d.key AND l.system = d.destination AND l.origin = d.system
    AND l.signal = d.signal AND l.external_id <> '' ORDER BY l.written_ms DESC LIMIT 1), '')
FROM process_step s LEFT JOIN delivery d ON d.id = s.delivery WHERE s.process = ? ORDER BY s.number

-- name: ours  the fence: no row when the claim of the steering delivery is no longer ours
SELECT 1 FROM delivery WHERE id = ? AND token = ? AND state = 'running'

-- name: begin
INSERT INTO process (delivery, run, revision, version, event, release, state, message, began_ms)
VALUES (:delivery, 1, :revision, :version, :event, :release, 'running', :message, :now)
ON CONFLICT (delivery) DO UPDATE SET run = run + 1, revision = excluded.revision, version = excluded.version, event = excluded.event,
  release = excluded.release, state = 'running', message = excluded.message, began_ms = excluded.began_ms, ended_ms = 0

-- name: state
UPDATE process SET state = :state, ended_ms = CASE WHEN :state IN ('done', 'compensated') THEN :now ELSE 0 END WHERE delivery = :delivery

-- name: mark
INSERT INTO process_step (process, number, run, step, part, undo, kind, state, output, why, delivery, began_ms, ended_ms)
VALUES (:process, (SELECT coalesce(max(number), 0) + 1 FROM process_step WHERE process = :process), :run, :step, :part, :undo, :kind,
  :state, :output, :why, :delivery, :now, CASE WHEN :state = 'open' THEN 0 ELSE :now END)

-- name: notice
UPDATE process_step SET state = :state, why = :why, ended_ms = CASE WHEN :state = 'open' THEN 0 ELSE :now END
WHERE process = :process AND number = :number

-- name: want_step  one delivery for each step and part; a later run, or the taking back, opens the same one again
INSERT INTO delivery (
  flow, system, destination, object, key, name, signal, state, head, opened, priority, due_ms, release,
  wanted_event, wanted_version, reread, received_ms, created_ms, updated_ms)
SELECT p.flow, p.system, :destination, p.object, p.key, p.name, :signal, 'pending',
  NOT EXISTS (SELECT 1 FROM delivery o
    WHERE o.object = p.object AND o.key = p.key AND o.destination = :destination AND o.system = p.system
    AND o.state IN ('pending', 'running', 'retrying', 'uncertain', 'waiting', 'held')),
  :event, p.priority, :now, :release, :event, :version, 0, p.received_ms, :now, :now
FROM delivery p WHERE p.id = :process
ON CONFLICT (flow, destination, system, object, key, signal) DO UPDATE SET
  wanted_event = excluded.wanted_event, wanted_version = excluded.wanted_version, release = excluded.release, revision = revision + 1,
  priority = excluded.priority, attempts = 0, opened = excluded.opened, received_ms = excluded.received_ms, updated_ms = excluded.updated_ms,
  head = CASE WHEN state IN ('done', 'superseded', 'cancelled', 'dead')
    THEN NOT EXISTS (SELECT 1 FROM delivery o
      WHERE o.object = excluded.object AND o.key = excluded.key AND o.destination = excluded.destination AND o.system = excluded.system
      AND o.state IN ('pending', 'running', 'retrying', 'uncertain', 'waiting', 'held'))
    ELSE head END,
  due_ms = CASE WHEN state = 'uncertain' THEN due_ms ELSE excluded.due_ms END,
  state = CASE WHEN state IN ('done', 'superseded', 'cancelled', 'dead', 'waiting') THEN 'pending' ELSE state END,
  waiting_for = ''
RETURNING id

-- name: settle_letter  the process has taken over what its step had left to a person
UPDATE dead_letter SET closed_ms = ?, resolution = 'superseded', closed_by = 'process', why = ? WHERE delivery = ? AND closed_ms = 0

-- name: give_up_failed  the writes for which a run was taken back: the process's own dead letter says it
UPDATE delivery SET state = 'cancelled', reason = 'compensated', updated_ms = :now WHERE state = 'dead' AND id IN (
  SELECT delivery FROM process_step WHERE process = :process AND run = :run AND undo = 0 AND state = 'failed')
RETURNING id

-- name: of_child
SELECT s.process, s.number FROM process_step s WHERE s.delivery = ? ORDER BY s.number DESC LIMIT 1

-- name: rouse  the process of a step's delivery looks again
UPDATE delivery SET due_ms = ?1 WHERE state = 'waiting' AND id IN (SELECT process FROM process_step WHERE delivery = ?2)

-- name: look_again  a step's delivery was closed while its process was at work
UPDATE delivery SET due_ms = ?1 WHERE id = ?2 AND state = 'waiting' AND EXISTS (
  SELECT 1 FROM process_step s JOIN delivery d ON d.id = s.delivery
  WHERE s.process = ?2 AND (s.state = 'open' AND d.state IN ('done', 'superseded', 'cancelled', 'dead')
      OR s.state = 'failed' AND d.state <> 'dead')
    AND s.number = (SELECT max(n.number) FROM process_step n WHERE n.process = ?2 AND n.step = s.step AND n.part = s.part))

-- name: trim_records  what was read elsewhere goes with the object that it was read for
UPDATE process_step SET output = CAST('null' AS BLOB) WHERE kind = 'enrich' AND output <> CAST('null' AS BLOB)
  AND process IN (SELECT delivery FROM process WHERE message IS NOT NULL AND ended_ms > 0 AND ended_ms < ?)

-- name: trim_processes
UPDATE process SET message = NULL WHERE message IS NOT NULL AND ended_ms > 0 AND ended_ms < ?
