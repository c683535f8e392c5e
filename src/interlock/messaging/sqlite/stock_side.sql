-- name: settings  it is made anew for each comparison: nothing of it has to survive
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
PRAGMA cache_size = -32768

-- name: make
CREATE TABLE page (number INTEGER PRIMARY KEY, began_us INTEGER NOT NULL) STRICT;
CREATE TABLE listed (place TEXT NOT NULL, item TEXT NOT NULL, quantity INTEGER NOT NULL, page INTEGER NOT NULL, PRIMARY KEY (place, item))
  STRICT, WITHOUT ROWID;
CREATE TABLE our_place (place TEXT PRIMARY KEY, location TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE grouped (sku TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE news (sku TEXT PRIMARY KEY) STRICT, WITHOUT ROWID

-- name: page
INSERT INTO page (number, began_us) VALUES (?, ?)

-- name: list
INSERT OR REPLACE INTO listed (place, item, quantity, page) VALUES (?, ?, ?, ?)

-- name: places
SELECT p.place, p.item FROM ledger.stock_place p
WHERE p.channel = ?1 AND p.item <> '' AND (?2 = '' OR p.sku GLOB ?2) AND p.place IN (SELECT place FROM our_place)
ORDER BY p.place, p.sku

-- name: how_many
SELECT count(*) FROM (SELECT 1 FROM ledger.stock_place p
  WHERE p.channel = ?1 AND (?2 = '' OR p.sku GLOB ?2) AND p.place IN (SELECT place FROM our_place) LIMIT ?3)

-- name: compare  what is not listed shows none: a channel need not list where it carries nothing
CREATE TABLE differs AS
SELECT p.place, p.sku, p.item, p.wanted, l.quantity AS shown,
  max(p.seen_us, p.written_us, p.wanted_us) >= coalesce(g.began_us, :began_us) AS moved
FROM ledger.stock_place p
LEFT JOIN listed l ON l.place = p.place AND l.item = p.item
LEFT JOIN page g ON g.number = l.page
WHERE p.channel = :channel AND p.trouble <> 'STK013' AND (:sku = '' OR p.sku GLOB :sku) AND p.place IN (SELECT place FROM our_place)
  AND (coalesce(l.quantity, 0) IS NOT p.wanted OR (:news AND p.sku IN (SELECT sku FROM news)))

-- name: order  the worst first: they are looked at most closely
CREATE TABLE worst AS SELECT * FROM differs ORDER BY abs(coalesce(shown, 0) - coalesce(wanted, 0)) DESC, sku, place

-- name: totals
SELECT p.place, count(*) FROM ledger.stock_place p
WHERE p.channel = :channel AND p.trouble <> 'STK013' AND (:sku = '' OR p.sku GLOB :sku) AND p.place IN (SELECT place FROM our_place) GROUP BY p.place

-- name: group_totals
SELECT p.place, g.name, count(*) FROM grouped g CROSS JOIN ledger.stock_place p ON p.sku = g.sku
WHERE p.channel = :channel AND p.trouble <> 'STK013' AND p.place IN (SELECT place FROM our_place) GROUP BY p.place, g.name

-- name: skus
SELECT DISTINCT sku FROM ledger.stock_place WHERE channel = ? AND place IN (SELECT place FROM our_place)

-- name: group
INSERT OR IGNORE INTO grouped (sku, name) VALUES (?, ?)

-- name: new
INSERT OR IGNORE INTO news (sku) VALUES (?)

-- name: some
SELECT rowid, place, sku, item, wanted, shown, moved FROM worst WHERE rowid > ? ORDER BY rowid LIMIT ?

-- name: strangers  items that it counts and sells at our places, and that none of our SKUs is
SELECT item, shown, sku FROM (
  SELECT i.item, i.sku, (SELECT sum(l.quantity) FROM our_place o CROSS JOIN listed l ON l.place = o.place AND l.item = i.item
    WHERE l.quantity > 0) AS shown
  FROM ledger.stock_item i WHERE i.system = ?1 AND i.tracked = 1 AND i.kit = 0
    AND NOT EXISTS (SELECT 1 FROM ledger.stock_place p WHERE p.channel = ?1 AND p.item = i.item))
WHERE shown > 0 ORDER BY shown DESC LIMIT ?2
