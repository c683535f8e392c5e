-- name: there  whether this store has comparisons at all: an older Interlock made it without
SELECT count(*) FROM sqlite_schema WHERE name = 'stock_run'

-- name: ask
INSERT INTO stock_run (kind, channel, why, dry, sku, location, state, asked_ms) VALUES (?, ?, ?, ?, ?, ?, 'asked', ?) RETURNING id

-- name: begin
INSERT INTO stock_run (kind, channel, why, dry, sku, location, state, asked_ms) VALUES (?, ?, ?, ?, ?, ?, 'running', ?) RETURNING id

-- name: open_runs
SELECT /*run*/ FROM stock_run WHERE state = 'asked' OR (state = 'running' AND kind = 'sync') ORDER BY id

-- name: note
UPDATE stock_run SET state = ?2, began_ms = ?3, ended_ms = ?4, at_us = ?5, listed = ?6, compared = ?7, equal = ?8, in_flight = ?9,
  opened = ?10, asked = ?11, strangers = ?12, stale = ?13, error = ?14, reached = ?15 WHERE id = ?1

-- name: measure
INSERT OR REPLACE INTO stock_accuracy (run, channel, place, location, at_ms, compared, equal, in_flight, variance, value, currency, unpriced,
  oldest_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: forget_heat
DELETE FROM stock_heat WHERE channel = ?

-- name: heat
INSERT INTO stock_heat (channel, group_name, place, location, compared, equal, variance) VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: forget_causes
DELETE FROM stock_cause WHERE channel = ?

-- name: cause
INSERT INTO stock_cause (channel, cause, positions, variance) VALUES (?, ?, ?, ?)

-- name: differ  since when stays while it stands
INSERT INTO stock_difference (channel, place, sku, item, location, group_name, cause, what, next_move, state, wanted, shown, known, variance,
  price, currency, since_ms, last_ms, run)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (channel, sku, place, item) DO UPDATE SET location = excluded.location, group_name = excluded.group_name,
  cause = excluded.cause, what = excluded.what, next_move = excluded.next_move, state = excluded.state, wanted = excluded.wanted,
  shown = excluded.shown, known = excluded.known, variance = excluded.variance, price = excluded.price, currency = excluded.currency,
  last_ms = excluded.last_ms, run = excluded.run

-- name: known_differences  keys are [sku, place] pairs
SELECT d.sku, d.place, d.cause, d.wanted, d.shown, d.since_ms
FROM json_each(?2) k CROSS JOIN stock_difference d ON d.channel = ?1 AND d.sku = k.value ->> 0 AND d.place = k.value ->> 1

-- name: forget_differences  of the slice that a run looked at, what it did not find again
DELETE FROM stock_difference WHERE channel = ?1 AND run <> ?2 AND (?3 = '' OR sku GLOB ?3)
  AND (?4 = '' OR location = ?4 OR instr('+' || location || '+', '+' || ?4 || '+') > 0)

-- name: oldest  whole, and by place
SELECT place, min(since_ms) FROM stock_difference WHERE channel = ? AND run = ? AND cause <> 'in_flight' AND sku <> '' GROUP BY place

-- name: interrupted
UPDATE stock_run SET state = 'failed', error = 'the hub ended meanwhile', ended_ms = ? WHERE state = 'running' AND kind = 'compare'

-- name: last_began
SELECT coalesce(max(began_ms), 0) FROM stock_run
WHERE channel = ? AND kind = 'compare' AND state IN ('running', 'done', 'failed') AND dry = 0 AND sku = '' AND location = ''

-- name: failed_since
SELECT count(*) FROM stock_run WHERE channel = ?1 AND kind = 'compare' AND state = 'failed' AND sku = '' AND location = ''
  AND began_ms > (SELECT coalesce(max(began_ms), 0) FROM stock_run WHERE channel = ?1 AND kind = 'compare' AND state = 'done')

-- name: trim_runs
DELETE FROM stock_run WHERE ended_ms > 0 AND ended_ms < ?1
  AND id NOT IN (SELECT max(id) FROM stock_run WHERE state = 'done' AND kind = 'compare' AND sku = '' AND location = '' GROUP BY channel)

-- name: trim_accuracy
DELETE FROM stock_accuracy WHERE at_ms < ?1 AND run NOT IN (SELECT max(run) FROM stock_accuracy GROUP BY channel)

-- name: work_of  the deliveries to some places of a channel; the keys lead. What was suspended last is as young as its last move
SELECT d.key, d.flow, d.state, d.reason, d.error,
  CASE d.reason WHEN 'suspended' THEN max(d.received_ms, d.updated_ms) ELSE d.received_ms END, d.attempts
FROM json_each(?2) k CROSS JOIN delivery d ON d.object = 'inventory_level' AND d.key = k.value AND d.destination = ?1

-- name: prices
SELECT i.item, i.price, i.currency FROM json_each(?2) k CROSS JOIN stock_item i ON i.system = ?1 AND i.item = k.value WHERE i.price <> ''

-- name: to_sync  places of a channel whose number is not known or not right, after one of them
SELECT p.place, p.sku, p.flow, p.written_us FROM stock_place p
WHERE p.channel = :channel AND (p.place, p.sku) > (:place, :after) AND (:sku = '' OR p.sku GLOB :sku)
  AND (:places = '[]' OR p.place IN (SELECT value FROM json_each(:places)))
  AND p.item <> '' AND p.trouble = '' AND p.said = '' AND p.wanted IS NOT NULL AND (p.seen_us <= 0 OR p.seen IS NOT p.wanted)
  AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.object = 'inventory_level' AND d.key = p.sku || '@' || p.place
    AND d.destination = 'stock:' || :channel AND d.state IN ('pending', 'running', 'retrying', 'uncertain', 'waiting', 'held'))
ORDER BY p.place, p.sku LIMIT :limit

-- name: sync_preview
SELECT count(*),
  count(*) FILTER (WHERE p.trouble = '' AND p.said = '' AND (p.seen_us <= 0 OR p.seen IS NULL)),
  count(*) FILTER (WHERE p.trouble = '' AND p.said = '' AND p.seen_us > 0 AND p.seen IS NOT p.wanted),
  count(*) FILTER (WHERE p.trouble <> '' OR p.item = ''),
  count(*) FILTER (WHERE p.trouble = '' AND p.said <> '')
FROM stock_place p WHERE p.channel = :channel AND (:sku = '' OR p.sku GLOB :sku)
  AND (:places = '[]' OR p.place IN (SELECT value FROM json_each(:places)))

-- name: open_work
SELECT count(*) FROM delivery WHERE destination = 'stock:' || ?1 AND (state IN ('pending', 'running', 'retrying', 'uncertain')
  OR (state = 'waiting' AND reason NOT IN ('suspended', 'paused', 'authentication', 'permission')))

-- name: accuracy  the newest of each channel; what was put right since is no oldest difference any more
WITH standing AS MATERIALIZED (
  SELECT channel, place, min(since_ms) AS since_ms FROM stock_difference AS found
  WHERE cause <> 'in_flight' AND sku <> '' AND NOT EXISTS (
    SELECT 1 FROM stock_place AS now WHERE now.channel = found.channel AND now.place = found.place AND now.sku = found.sku
      AND now.trouble = '' AND now.seen IS now.wanted AND now.seen_us > found.last_ms * 1000)
  GROUP BY channel, place)
SELECT /*measured*/,
  coalesce((SELECT min(s.since_ms) FROM standing s WHERE s.channel = a.channel AND a.place IN ('', s.place)), 0) AS oldest_ms
FROM stock_accuracy a WHERE a.run = (SELECT max(run) FROM stock_accuracy b WHERE b.channel = a.channel)
ORDER BY a.channel, a.place

-- name: trend
SELECT * FROM (SELECT /*accuracy*/ FROM stock_accuracy a WHERE a.channel = ?1 AND a.place = ?2 AND a.at_ms >= ?3 ORDER BY a.run DESC LIMIT ?4)
ORDER BY run

-- name: heats
SELECT channel, group_name, place, location, compared, equal, variance FROM stock_heat WHERE ?1 = '' OR channel = ?1
ORDER BY channel, location, group_name

-- name: differences
SELECT channel, place, sku, location, cause, what, next_move, state, wanted, shown, known, item, group_name, price, currency, since_ms,
  last_ms, run
FROM stock_difference WHERE cause <> 'in_flight' AND (?1 = '' OR channel = ?1) AND (?2 = '' OR sku = ?2)
  AND (?3 = '' OR instr('+' || location || '+', '+' || ?3 || '+') > 0) AND (?4 = '' OR cause = ?4)
ORDER BY variance DESC, channel, sku, place LIMIT ?5

-- name: causes
SELECT channel, cause, positions, variance FROM stock_cause WHERE ?1 = '' OR channel = ?1 ORDER BY channel, positions DESC, cause

-- name: runs
SELECT /*run*/ FROM stock_run ORDER BY id DESC LIMIT ?

-- name: run
SELECT /*run*/ FROM stock_run WHERE id = ?

-- name: silent
SELECT system, since_us, paged_ms, problem FROM stock_source_silence

-- name: fall_silent
INSERT INTO stock_source_silence (system, since_us) VALUES (?, ?) ON CONFLICT DO NOTHING

-- name: called
UPDATE stock_source_silence SET paged_ms = ?2, problem = ?3 WHERE system = ?1

-- name: speak_again
DELETE FROM stock_source_silence WHERE system = ?
