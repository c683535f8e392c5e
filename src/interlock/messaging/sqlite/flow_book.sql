-- Stops of flows; see the migration for what the columns mean.

-- name: stop
INSERT INTO flow_stop (flow, kind, by, why, at_ms) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (flow) DO UPDATE SET kind = excluded.kind, by = excluded.by, why = excluded.why, at_ms = excluded.at_ms

-- name: resume
DELETE FROM flow_stop WHERE flow = ?

-- name: stops
SELECT flow, kind, by, why, at_ms FROM flow_stop ORDER BY flow

-- name: left  through the indexes of what is due and of what runs
SELECT state, count(*) FROM delivery
WHERE state IN ('pending', 'retrying', 'uncertain', 'waiting') AND flow = :flow AND received_ms <= :at_ms GROUP BY state
UNION ALL
SELECT state, count(*) FROM delivery WHERE state = 'running' AND flow = :flow AND received_ms <= :at_ms GROUP BY state

-- name: drained
UPDATE flow_stop SET kind = 'paused' WHERE flow = ? AND kind = 'draining' AND at_ms = ?

-- name: audit
INSERT INTO audit (at_ms, who, action, subject, why, detail) VALUES (?, ?, ?, ?, ?, '')
