-- name: counted
SELECT sku, location, system, place, item, available, on_hand, committed, reserved, incoming, damaged, safety_stock, quality_control,
  as_of_us, told_us, event, remainder, unit, version FROM stock_position WHERE sku = ?

-- name: counted_as
SELECT sku, location, system, place, item, available, on_hand, committed, reserved, incoming, damaged, safety_stock, quality_control,
  as_of_us, told_us, event, remainder, unit, version FROM stock_position WHERE system = ? AND item = ? AND place = ?

-- name: count
INSERT INTO stock_position (sku, location, system, place, item, available, on_hand, committed, reserved, incoming, damaged, safety_stock,
  quality_control, as_of_us, told_us, event, remainder, unit, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (sku, location, system, place, item) DO UPDATE SET available = excluded.available, on_hand = excluded.on_hand,
  committed = excluded.committed, reserved = excluded.reserved, incoming = excluded.incoming, damaged = excluded.damaged,
  safety_stock = excluded.safety_stock, quality_control = excluded.quality_control, as_of_us = excluded.as_of_us,
  told_us = excluded.told_us, event = excluded.event, remainder = excluded.remainder, unit = excluded.unit, version = excluded.version

-- name: uncount
DELETE FROM stock_position WHERE sku = ? AND location = ? AND system = ? AND place = ? AND item = ?

-- name: signals
SELECT sku, location, system, place, item, available, on_hand, committed, reserved, incoming, damaged, safety_stock, quality_control,
  as_of_us, told_us, event, remainder, unit, version FROM stock_signal WHERE sku = ? ORDER BY system, location, place, item

-- name: signals_after
SELECT sku, location, system, place, item, available, on_hand, committed, reserved, incoming, damaged, safety_stock, quality_control,
  as_of_us, told_us, event, remainder, unit, version FROM stock_signal WHERE (system, item, place) > (?, ?, ?)
ORDER BY system, item, place LIMIT ?

-- name: skus_said
SELECT DISTINCT sku FROM stock_signal WHERE system = ? AND item = ?

-- name: signal_told  a newer number of the same line is known: it is told still
UPDATE stock_signal SET told_us = ? WHERE system = ? AND item = ? AND place = ? AND sku = ? AND location = ? AND as_of_us > ?

-- name: signal
INSERT OR REPLACE INTO stock_signal (sku, location, system, place, item, available, on_hand, committed, reserved, incoming, damaged, safety_stock,
  quality_control, as_of_us, told_us, event, remainder, unit, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: unsignal
DELETE FROM stock_signal WHERE system = ? AND item = ? AND place = ?

-- name: halt
INSERT INTO stock_stopped (system, item, place, sku, code, reason, next_move, line, event, since_us, last_us)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (system, item, place) DO UPDATE SET sku = excluded.sku, code = excluded.code, reason = excluded.reason,
  next_move = excluded.next_move, line = excluded.line, event = excluded.event, last_us = excluded.last_us, times = times + 1

-- name: resume
DELETE FROM stock_stopped WHERE system = ? AND item = ? AND place = ?

-- name: halted
SELECT system, item, place, sku, code, reason, next_move, line, event, since_us, last_us, times FROM stock_stopped WHERE last_us < ? ORDER BY last_us LIMIT ?

-- name: tried
UPDATE stock_stopped SET last_us = ? WHERE system = ? AND item = ? AND place = ?

-- name: has_unknown  lines of items that nobody knows, or that several claim
SELECT 1 FROM stock_stopped WHERE since_us > ? AND code IN ('STK001', 'STK005') LIMIT 1

-- name: reserved
SELECT sku, channel, sale, place, quantity, version, accepted_us, name, event, seen FROM stock_reservation WHERE sku = ? AND quantity > seen ORDER BY accepted_us, sale

-- name: reserved_of
SELECT sku, channel, sale, place, quantity, version, accepted_us, name, event, seen FROM stock_reservation WHERE channel = ? AND sale = ?

-- name: reserved_told  of these, the sales that a system was told of
SELECT sku, channel, sale, place, quantity, version, accepted_us, name, event, seen FROM stock_reservation r
WHERE sku = ?1 AND quantity > seen AND EXISTS (SELECT 1 FROM link l
  WHERE l.object = 'order' AND l.key = r.sale AND l.system = ?2 AND l.origin = r.channel AND l.version >= r.version)
ORDER BY accepted_us, sale

-- name: unseen  in the order of their index
SELECT sku, channel, sale, place, quantity, version, accepted_us, name, event, seen FROM stock_reservation
WHERE quantity > seen AND (accepted_us, sku, channel, sale, place) > (?1, ?2, ?3, ?4, ?5) AND accepted_us <= ?6
ORDER BY accepted_us, sku, channel, sale, place LIMIT ?7

-- name: told_after  in the order of their index
SELECT written_ms, origin, key FROM link
WHERE object = 'order' AND system = ?1 AND (written_ms, origin, key) > (?2, ?3, ?4) AND written_ms <= ?5
ORDER BY written_ms, origin, key LIMIT ?6

-- name: sold  no row when a newer version of the sale is known
INSERT INTO stock_sale (channel, sale, version) VALUES (?, ?, ?)
ON CONFLICT (channel, sale) DO UPDATE SET version = excluded.version WHERE excluded.version >= version RETURNING version

-- name: reserve
INSERT INTO stock_reservation (sku, channel, sale, place, quantity, version, accepted_us, name, event) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (sku, channel, sale, place) DO UPDATE SET quantity = excluded.quantity, seen = min(seen, excluded.quantity),
  version = excluded.version, name = excluded.name, event = excluded.event

-- name: see
UPDATE stock_reservation SET seen = quantity WHERE sku = ? AND channel = ? AND sale = ? AND place = ?

-- name: rename_sales  one that was told under the new name already stands for itself
UPDATE OR IGNORE stock_reservation SET sku = ?1 WHERE sku = ?2

-- name: release
UPDATE stock_reservation SET quantity = 0, seen = 0, version = ? WHERE sku = ? AND channel = ? AND sale = ? AND place = ?

-- name: told_owner  the plus signs lead to the key: for the newest of a system the planner walks all its orders by time
SELECT max(+written_ms) FROM link WHERE +system = ? AND origin = ? AND object = 'order' AND key = ? AND version >= ?

-- name: shown
SELECT channel, place, sku, flow, item, wanted, wanted_us, change, seen, seen_us, written, written_us, sold, missing, missing_us, stocked,
  trouble, said FROM stock_place WHERE channel = ? AND place = ? AND sku = ?

-- name: shown_of
SELECT channel, place, sku, flow, item, wanted, wanted_us, change, seen, seen_us, written, written_us, sold, missing, missing_us, stocked,
  trouble, said FROM stock_place WHERE sku = ?

-- name: shown_as
SELECT channel, place, sku, flow, item, wanted, wanted_us, change, seen, seen_us, written, written_us, sold, missing, missing_us, stocked,
  trouble, said FROM stock_place WHERE channel = ? AND item = ? AND place = ?

-- name: skus
SELECT DISTINCT sku FROM stock_position WHERE sku > ? ORDER BY sku LIMIT ?

-- name: untold
SELECT DISTINCT sku FROM stock_position WHERE system = ? AND told_us < ? AND sku > ? ORDER BY sku LIMIT ?

-- name: suspended
SELECT DISTINCT sku FROM stock_place WHERE said <> '' AND trouble = '' AND sku > ? ORDER BY sku LIMIT ?

-- name: waited_out
UPDATE stock_place SET missing = 0, missing_us = 0 WHERE channel = ? AND place = ? AND sku = ?

-- name: overdue
SELECT channel, place, sku, missing_us FROM stock_place WHERE missing > 0 AND missing_us < ? LIMIT 1000

-- name: show
INSERT OR REPLACE INTO stock_place (channel, place, sku, flow, item, wanted, wanted_us, change, seen, seen_us, written, written_us, sold,
  missing, missing_us, stocked, trouble, said)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: unshow
DELETE FROM stock_place WHERE channel = ? AND place = ? AND sku = ?

-- name: placed
SELECT DISTINCT sku FROM stock_place WHERE sku > ? ORDER BY sku LIMIT ?

-- name: happened
INSERT INTO stock_change (at_us, kind, sku, system, place, name, before, after, as_of_us, why, event)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: foreign
SELECT at_us FROM stock_change WHERE sku = ? AND system = ? AND place = ? AND kind = 'foreign' ORDER BY id DESC LIMIT 1

-- name: reading
SELECT cursor, fresh_us, tried_us, error, whole_us, listed_us FROM stock_reading WHERE system = ? AND what = ?

-- name: read
INSERT OR REPLACE INTO stock_reading (system, what, cursor, fresh_us, tried_us, error, whole_us, listed_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: list_item
INSERT OR REPLACE INTO stock_item (system, item, sku, barcode, variant, tracked, kit, seen_us, price, currency) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: drop_items
DELETE FROM stock_item WHERE system = ? AND seen_us < ? RETURNING item

-- name: listed
SELECT sku, barcode, variant, tracked, kit FROM stock_item WHERE system = ? AND item = ?

-- name: skus_as
SELECT sku FROM stock_place WHERE channel = ?1 AND item = ?2 UNION SELECT sku FROM stock_position WHERE system = ?1 AND item = ?2

-- name: sku_of  by the id of the item, or of what is sold of it; without the hint the planner reads all items of the system
SELECT sku FROM stock_item WHERE system = ?1 AND item = ?2 AND sku <> ''
UNION SELECT sku FROM stock_item INDEXED BY stock_item_by_variant WHERE system = ?1 AND variant = ?2 AND variant <> '' AND sku <> ''

-- name: writable
SELECT tracked, kit FROM stock_item WHERE system = ? AND item = ?

-- name: items_of
SELECT item FROM stock_item WHERE system = ? AND sku = ? ORDER BY item

-- name: with_barcode
SELECT item FROM stock_item INDEXED BY stock_item_by_barcode WHERE system = ? AND barcode = ? AND barcode <> '' ORDER BY item

-- name: again
INSERT INTO stock_again (system, object, key, event, due_us) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (system, object, key) DO UPDATE SET event = excluded.event, due_us = excluded.due_us, tries = tries + 1

-- name: ask  no later than it was to be read already; `event` is another than that which is perhaps being read
INSERT INTO stock_again (system, object, key, event, due_us) VALUES (?, 'inventory_level', ?, ?, ?)
ON CONFLICT (system, object, key) DO UPDATE SET event = excluded.event, due_us = min(due_us, excluded.due_us)

-- name: to_read  an order that is due later than any pause is long was put off before the clock was set back
SELECT object, key, event, tries FROM stock_again
WHERE system = ?1 AND (due_us <= ?2 OR (due_us > ?2 + ?4 AND object <> 'inventory_level')) ORDER BY due_us LIMIT ?3

-- name: put_off
UPDATE stock_again SET due_us = ? WHERE system = ? AND object = ? AND key = ? AND event = ?

-- name: was_read
DELETE FROM stock_again WHERE system = ? AND object = ? AND key = ? AND event = ?

-- name: keep_batch
INSERT INTO stock_batch (key, channel, at_us, lines) VALUES (?, ?, ?, ?)

-- name: keep_line  a line that goes out under its key once more, in another batch, belongs to the newer one
INSERT OR REPLACE INTO stock_batch_line (key, batch, number) VALUES (?, ?, ?)

-- name: batch_of
SELECT b.key, b.channel, b.lines, b.receipt, b.at_us, l.number FROM stock_batch_line l JOIN stock_batch b ON b.key = l.batch WHERE l.key = ?

-- name: line_keys
SELECT key FROM stock_batch_line WHERE batch = ? ORDER BY number

-- name: under_way
UPDATE stock_batch SET receipt = ? WHERE key = ?

-- name: trim_lines
DELETE FROM stock_batch_line WHERE batch IN (SELECT key FROM stock_batch WHERE at_us < ? LIMIT 500)

-- name: trim_batches
DELETE FROM stock_batch WHERE key IN (SELECT key FROM stock_batch WHERE at_us < ? LIMIT 500)

-- name: trim_changes
DELETE FROM stock_change WHERE id IN (SELECT id FROM stock_change WHERE at_us < ? LIMIT 1000)

-- name: trim_reservations  of sales that their owners have known for so long
DELETE FROM stock_reservation WHERE (sku, channel, sale, place) IN (
  SELECT sku, channel, sale, place FROM stock_reservation WHERE seen >= quantity AND accepted_us < ? LIMIT 1000)

-- name: trim_stopped  lines of sales: by then the goods have left; a line of a count that stops is told for as long as it is so
DELETE FROM stock_stopped WHERE (system, item, place) IN (
  SELECT system, item, place FROM stock_stopped WHERE place LIKE 'order %' AND since_us < ? LIMIT 500)

-- name: trim_signals  what its system did not tell in its last reading of everything is told no more
DELETE FROM stock_signal WHERE (system, item, place) IN (
  SELECT s.system, s.item, s.place FROM stock_reading r CROSS JOIN stock_signal s ON s.system = r.system AND s.told_us < min(?, r.listed_us)
  WHERE r.what = 'levels' LIMIT 500)

-- name: trim_sales  fewer at once than reservations, so that the oldest have none any more and no other has to be looked at
DELETE FROM stock_sale WHERE (channel, sale) IN (
  SELECT s.channel, s.sale FROM stock_sale s WHERE s.version < ? AND NOT EXISTS
  (SELECT 1 FROM stock_reservation r WHERE r.channel = s.channel AND r.sale = s.sale) LIMIT 500)
