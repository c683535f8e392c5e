-- Backfills; see the migration for what the columns mean.

-- name: ask
INSERT INTO backfill (system, object, since_us, until_us, how, go, state, asked_ms, by, why)
VALUES (:system, :object, :since_us, :until_us, :how, :go, 'asked', :now, :by, :why)
RETURNING id

-- name: open_one
SELECT id FROM backfill WHERE system = ? AND object = ? AND state NOT IN ('done', 'failed', 'cancelled')

-- name: steer  a person's word; `go` says that it may begin, whatever would be missing
UPDATE backfill SET state = :to, revision = revision + 1, note = '', code = '',
  go = CASE WHEN :action = 'begin' THEN 'anyway' ELSE go END,
  ended_ms = CASE WHEN :to = 'cancelled' THEN :now ELSE 0 END
WHERE id = :id AND state = :was

-- name: save  the hub's word, which gives way to that of a person
UPDATE backfill SET state = :state, revision = revision + 1, expected = :expected, missing = :missing, bulk = :bulk, bulks = :bulks,
  collected = :collected, line = :line, cursor = :cursor, reached_us = :reached_us, seen = :seen, new = :new,
  started_ms = :started_ms, ended_ms = :ended_ms, note = :note, code = :code
WHERE id = :id AND revision = :revision

-- name: at_work
SELECT {columns} FROM backfill WHERE state IN ('asked', 'waiting', 'collecting', 'reading') ORDER BY id

-- name: left_behind  cancelled ones whose bulk operation nobody has told the vendor to end
SELECT {columns} FROM backfill WHERE state = 'cancelled' AND bulk <> '' ORDER BY id

-- name: one
SELECT {columns} FROM backfill WHERE id = ?

-- name: newest
SELECT {columns} FROM backfill ORDER BY id DESC LIMIT ?

-- name: version
SELECT version FROM object WHERE system = ? AND object = ? AND key = ?

-- name: open_deliveries
SELECT count(*) FROM (SELECT 1 FROM delivery WHERE priority = 2 AND state IN ('pending', 'running', 'retrying') LIMIT ?)

-- name: audit
INSERT INTO audit (at_ms, who, action, subject, why, detail) VALUES (?, ?, ?, ?, ?, '')
