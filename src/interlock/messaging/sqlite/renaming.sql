-- name: known
SELECT was, name FROM renaming ORDER BY was

-- name: remember
INSERT INTO renaming (was, name) VALUES (?, ?)

-- name: forget
DELETE FROM renaming

-- name: tables  every table that names a destination, whoever made it
SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'destination' ORDER BY m.name

-- name: stock  every column of the stock book that names a system, whoever made it
SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
WHERE m.type = 'table' AND m.name LIKE 'stock\_%' ESCAPE '\' AND c.name IN ('system', 'channel') ORDER BY m.name

-- name: open
SELECT count(*) FROM delivery WHERE destination = ?
  AND state IN ('pending', 'running', 'retrying', 'uncertain', 'waiting', 'held')

-- name: links  OR IGNORE: what was written under the new name already is the newer
UPDATE OR IGNORE link SET system = :name WHERE system = :was

-- name: one_head  where a lane of the old name meets one of the new, the earlier of their leaders leads
UPDATE delivery SET head = 0 WHERE destination = :name AND head = 1
  AND state IN ('pending', 'running', 'retrying', 'uncertain', 'waiting', 'held') AND EXISTS (
    SELECT 1 FROM delivery o WHERE o.object = delivery.object AND o.key = delivery.key AND o.destination = delivery.destination
      AND o.system = delivery.system AND o.state IN ('pending', 'running', 'retrying', 'uncertain', 'waiting', 'held')
      AND o.head = 1 AND (o.opened, o.id) < (delivery.opened, delivery.id))

-- name: some_head  a leader that had no place under the new name stayed behind, or what it led did: the earliest leads then
UPDATE delivery SET head = 1 WHERE destination IN (:was, :name) AND head = 0
  AND state IN ('pending', 'running', 'retrying', 'uncertain', 'waiting', 'held') AND NOT EXISTS (
    SELECT 1 FROM delivery o WHERE o.object = delivery.object AND o.key = delivery.key AND o.destination = delivery.destination
      AND o.system = delivery.system AND o.state IN ('pending', 'running', 'retrying', 'uncertain', 'waiting', 'held')
      AND (o.head = 1 OR (o.opened, o.id) < (delivery.opened, delivery.id)))

-- name: audit
INSERT INTO audit (at_ms, who, action, subject, why, detail) VALUES (?, 'hub', 'rename', ?, 'the folder says that it was called so', '')
