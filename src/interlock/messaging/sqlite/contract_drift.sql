-- name: profiles  all of them, with what is needed to go on learning
SELECT system, object, document, api_version, profile FROM document_profile ORDER BY updated_ms

-- name: save_profile
INSERT INTO document_profile (system, object, document, api_version, documents, profile, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (system, object, document, api_version)
DO UPDATE SET documents = excluded.documents, profile = excluded.profile, updated_ms = excluded.updated_ms

-- name: move_cursor
INSERT INTO position (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- name: cursor
SELECT value FROM position WHERE name = ?

-- name: raise  a change that was never seen opens a row, one that goes on counts further; what a person has just accepted is left alone
INSERT INTO contract_drift (system, object, document, api_version, path, change, severity, documents, first_event, last_event, first_seen_ms,
  last_seen_ms, was, becomes, perhaps, reads, uses)
SELECT :system, :object, :document, :api_version, :path, :change, :severity, :documents, :first_event, :last_event, :first_seen_ms,
  :last_seen_ms, :was, :becomes, :perhaps, :reads, :uses
WHERE NOT EXISTS (SELECT 1 FROM contract_drift WHERE state = 'accepted' AND learned = 0 AND system = :system AND object = :object
  AND document = :document AND path = :path AND change = :change)
ON CONFLICT (system, object, document, path, change) WHERE state = 'open'
DO UPDATE SET documents = max(documents, excluded.documents), last_event = excluded.last_event, last_seen_ms = excluded.last_seen_ms,
  severity = excluded.severity, reads = excluded.reads, uses = excluded.uses, api_version = excluded.api_version,
  becomes = excluded.becomes, perhaps = CASE perhaps WHEN '' THEN excluded.perhaps ELSE perhaps END

-- name: end  the source is again as it was
UPDATE contract_drift SET state = 'ended', closed_ms = ? WHERE id = ? AND state = 'open'

-- name: to_learn  accepted, and not yet part of the profile
SELECT id, system, object, document, path, change FROM contract_drift WHERE state = 'accepted' AND learned = 0

-- name: learned
UPDATE contract_drift SET learned = 1 WHERE id = ?

-- name: accept
UPDATE contract_drift SET state = 'accepted', closed_ms = ?, closed_by = ?, why = ? WHERE id = ? AND state = 'open'
RETURNING system || ' ' || path || ' ' || change

-- name: rows  the open ones first, high before low, the newest first
SELECT id, system, object, document, api_version, path, change, severity, state, documents, first_event, last_event, first_seen_ms,
  last_seen_ms, was, becomes, perhaps, reads, uses, closed_ms, closed_by, why
FROM contract_drift WHERE :all OR state = 'open'
ORDER BY state <> 'open', severity <> 'high', first_seen_ms DESC, id DESC LIMIT :limit

-- name: samples  what the first documents were about
SELECT position, key, name FROM inbox.event WHERE position IN (SELECT value FROM json_each(?))

-- name: looked_at  how many documents each profile knows
SELECT system, object, document, api_version, documents, updated_ms FROM document_profile ORDER BY system, object, document, api_version

-- name: there  whether this store has the tables: one of an older version has not, until its hub starts again
SELECT count(*) FROM sqlite_master WHERE name = 'contract_drift'
