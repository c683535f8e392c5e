-- name: note
INSERT INTO consumer VALUES (:version, :flow, :part, :system, :first_seen_ms, :last_seen_ms, :uses)
ON CONFLICT DO UPDATE SET last_seen_ms = max(last_seen_ms, excluded.last_seen_ms), uses = uses + excluded.uses

-- name: there
SELECT count(*) FROM sqlite_schema WHERE name = 'consumer'

-- name: consumers
SELECT version, flow, part, system, first_seen_ms, last_seen_ms, uses FROM consumer ORDER BY version, flow, part, system
