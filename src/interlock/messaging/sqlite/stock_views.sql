-- name: there
SELECT count(*) FROM sqlite_schema WHERE name = 'stock_signal'

-- name: changes
SELECT at_us, kind, sku, system, place, name, before, after, as_of_us, why, event FROM stock_change WHERE sku = ? ORDER BY id DESC LIMIT ?

-- name: asked
-- Who asked for writes of a SKU, and why: by replays of its deliveries, and by comparisons and syncs of it. A key is `SKU@place`.
SELECT r.at_ms * 1000, 'asked', ?1, substr(d.destination, 7), substr(d.key, length(?1) + 2), '', NULL, NULL, 0, r.by || ': ' || r.why, 0
FROM delivery d CROSS JOIN (SELECT id, at_ms, by, why FROM replay ORDER BY id DESC LIMIT 1000) r
JOIN replay_item i ON i.replay = r.id AND i.delivery = d.id
WHERE d.object = 'inventory_level' AND d.key >= ?1 || '@' AND d.key < ?1 || 'A' AND substr(d.destination, 1, 6) = 'stock:'
  AND instr(substr(d.key, length(?1) + 2), '@') = 0
UNION ALL
SELECT asked_ms * 1000, 'asked', ?1, channel, location, '', NULL, NULL, 0, why, 0 FROM stock_run
WHERE asked_ms > 0 AND dry = 0 AND (sku = ?1 OR (sku <> '' AND ?1 GLOB sku))
ORDER BY 1 DESC LIMIT ?2

-- name: halted_of
SELECT system, item, place, sku, code, reason, next_move, line, event, since_us, last_us, times FROM stock_stopped WHERE sku = ? ORDER BY last_us DESC

-- name: halted_by_code
SELECT system, item, place, sku, code, reason, next_move, line, event, since_us, last_us, times FROM stock_stopped ORDER BY code, last_us DESC LIMIT ?

-- name: halted_counts
SELECT code, count(*) FROM stock_stopped GROUP BY code ORDER BY count(*) DESC, code

-- name: halted_groups
-- The bare columns are those of one line: a sample.
SELECT system, code, count(*) AS lines, min(since_us), max(last_us), sku, item, reason, next_move FROM stock_stopped
GROUP BY system, code ORDER BY lines DESC, system, code

-- name: halted_lines
SELECT system, item, place, sku, code, reason, next_move, line, event, since_us, last_us, times FROM stock_stopped
WHERE system = ? AND code = ? ORDER BY last_us DESC, item, place LIMIT ?

-- name: uncorrected
-- What is late or silent has an issue of its own, what is refused or foreign a dead letter. The bare columns are a sample.
SELECT channel, cause, count(*) AS lines, min(since_ms), max(last_ms), sku, what, next_move FROM stock_difference AS found
WHERE state IN ('found', 'left') AND cause NOT IN ('late', 'source_stale', 'in_flight') AND NOT EXISTS (
  SELECT 1 FROM stock_place AS now WHERE now.channel = found.channel AND now.place = found.place AND now.sku = found.sku
    AND (now.trouble <> '' OR (now.seen IS now.wanted AND now.seen_us > found.last_ms * 1000)))
GROUP BY channel, cause ORDER BY lines DESC, channel, cause

-- name: silent_sources
SELECT system, since_us, paged_ms, problem FROM stock_source_silence ORDER BY system

-- name: readings
SELECT system, what, cursor, fresh_us, tried_us, error, whole_us FROM stock_reading WHERE system <> '' ORDER BY system, what

-- name: listed
SELECT system, item, sku, barcode, tracked, kit, seen_us FROM stock_item WHERE sku = ? ORDER BY system, item

-- name: known
SELECT EXISTS (SELECT 1 FROM stock_position WHERE sku = ?1) OR EXISTS (SELECT 1 FROM stock_place WHERE sku = ?1)
  OR EXISTS (SELECT 1 FROM stock_item WHERE sku = ?1) OR EXISTS (SELECT 1 FROM stock_stopped WHERE sku = ?1)
  OR EXISTS (SELECT 1 FROM stock_signal WHERE sku = ?1)

-- name: near
-- What holds the text; else what begins or ends as it does and is about as long: letters that changed places or are missing.
SELECT sku FROM (SELECT DISTINCT sku FROM stock_position UNION SELECT DISTINCT sku FROM stock_place UNION SELECT sku FROM stock_stopped UNION SELECT sku FROM stock_item
  UNION SELECT sku FROM stock_signal)
WHERE sku <> '' AND (instr(lower(sku), lower(?1)) > 0 OR lower(substr(sku, 1, 2)) = lower(substr(?1, 1, 2))
  OR (abs(length(sku) - length(?1)) < 2 AND (lower(substr(sku, 1, 1)) = lower(substr(?1, 1, 1)) OR lower(substr(sku, -3)) = lower(substr(?1, -3)))))
ORDER BY instr(lower(sku), lower(?1)) = 0, abs(length(sku) - length(?1)), sku LIMIT ?2

-- name: place_counts
SELECT channel, place, sum(trouble <> 'STK013'), sum(trouble = '' AND said = '' AND seen_us > 0 AND seen IS wanted),
  sum(trouble NOT IN ('', 'STK013')), sum(trouble = '' AND said <> ''), sum(trouble = '' AND said = '' AND seen_us = 0),
  max(written_us), sum(trouble = 'STK013')
FROM stock_place GROUP BY channel, place ORDER BY channel, place

-- name: wrong  what the channel does not list comes last: no write puts it right
SELECT channel, place, sku, flow, item, wanted, wanted_us, change, seen, seen_us, written, written_us, sold, missing, missing_us, stocked,
  trouble, said FROM stock_place
WHERE trouble NOT IN ('', 'STK013') OR (trouble = '' AND said = '' AND seen_us > 0 AND stocked AND seen IS NOT wanted)
ORDER BY item = '', abs(coalesce(seen, 0) - coalesce(wanted, 0)) DESC, sku LIMIT ?

-- name: kinds_since
SELECT kind, count(*) FROM stock_change WHERE at_us >= ? GROUP BY kind
