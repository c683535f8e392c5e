-- name: subscriptions
SELECT system, topic, address, state, since_ms, looked_ms, lost, lost_ms, problem FROM subscription ORDER BY system, topic

-- name: keep
INSERT INTO subscription (system, topic, address, state, since_ms, looked_ms, lost, lost_ms, problem)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (system, topic) DO UPDATE SET address = excluded.address, state = excluded.state, since_ms = excluded.since_ms,
  looked_ms = excluded.looked_ms, lost = excluded.lost, lost_ms = excluded.lost_ms, problem = excluded.problem

-- name: forget
DELETE FROM subscription WHERE system = ? AND topic = ?

-- name: there  whether this store has them at all: an older Interlock made it without
SELECT count(*) FROM sqlite_schema WHERE name = 'subscription'
