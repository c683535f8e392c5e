-- Stock: what the systems of truth count, what channels have sold that they do not know of yet, and what each channel shows.

-- Items as systems list them: which id is which SKU there.
CREATE TABLE stock_item (
  system     TEXT    NOT NULL,
  item       TEXT    NOT NULL,
  sku        TEXT    NOT NULL,
  barcode    TEXT    NOT NULL,
  variant    TEXT    NOT NULL,
  tracked    INTEGER NOT NULL,
  kit        INTEGER NOT NULL,
  seen_us    INTEGER NOT NULL,
  PRIMARY KEY (system, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX stock_item_by_sku ON stock_item (system, sku);
CREATE INDEX stock_item_by_variant ON stock_item (system, variant) WHERE variant <> '';
CREATE INDEX stock_item_by_barcode ON stock_item (system, barcode) WHERE barcode <> '';

-- A position: what the source of truth counts of one SKU at one of its places, in base units.
CREATE TABLE stock_position (
  sku             TEXT    NOT NULL,
  location        TEXT    NOT NULL,             -- ours
  system          TEXT    NOT NULL,             -- who counts it
  place           TEXT    NOT NULL,             -- its own id of the location
  item            TEXT    NOT NULL,             -- its own id of the item
  available       INTEGER,
  on_hand         INTEGER,
  committed       INTEGER,
  reserved        INTEGER,
  incoming        INTEGER,
  damaged         INTEGER,
  safety_stock    INTEGER,
  quality_control INTEGER,
  remainder       TEXT    NOT NULL DEFAULT '',  -- JSON: parts of a base unit that stay with the owner
  unit            TEXT    NOT NULL DEFAULT '',
  as_of_us        INTEGER NOT NULL,             -- by the owner's clock
  version         TEXT    NOT NULL DEFAULT '',
  told_us         INTEGER NOT NULL,             -- when we learned it
  event           INTEGER NOT NULL,
  PRIMARY KEY (sku, location, system, place, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX stock_position_of_item ON stock_position (system, item, place);

-- What happened: counts that changed, numbers that we wrote, numbers that somebody else wrote, sales that came and were seen.
CREATE TABLE stock_change (
  id         INTEGER PRIMARY KEY,
  at_us      INTEGER NOT NULL,
  kind       TEXT    NOT NULL,                  -- counted, written, foreign, refused, sold, seen
  sku        TEXT    NOT NULL,
  system     TEXT    NOT NULL,                  -- who counted it, or the channel
  place      TEXT    NOT NULL,
  name       TEXT    NOT NULL,                  -- which quantity
  before     INTEGER,
  after      INTEGER,
  as_of_us   INTEGER NOT NULL,
  why        TEXT    NOT NULL,
  event      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX stock_change_of ON stock_change (sku, id);
CREATE INDEX stock_change_by_time ON stock_change (at_us);

-- Lines that could not be said in our words: they stop, the rest goes on, and no zero is made of them.
CREATE TABLE stock_stopped (
  system     TEXT    NOT NULL,
  item       TEXT    NOT NULL,
  place      TEXT    NOT NULL,
  sku        TEXT    NOT NULL,
  code       TEXT    NOT NULL,
  reason     TEXT    NOT NULL,
  next_move  TEXT    NOT NULL,
  line       BLOB    NOT NULL,                  -- the level as it was told, to be tried again
  event      INTEGER NOT NULL,
  since_us   INTEGER NOT NULL,
  last_us    INTEGER NOT NULL,
  times      INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (system, item, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX stock_stopped_by_time ON stock_stopped (last_us);
CREATE INDEX stock_stopped_unknown ON stock_stopped (since_us) WHERE code IN ('STK001', 'STK005');

-- What a channel has sold and the source of truth has not seen yet.
CREATE TABLE stock_reservation (
  sku          TEXT    NOT NULL,
  channel      TEXT    NOT NULL,
  sale         TEXT    NOT NULL,                -- the order's id at the channel
  place        TEXT    NOT NULL,                -- the channel's id of the location, '' when it does not say
  quantity     INTEGER NOT NULL,                -- base units
  seen         INTEGER NOT NULL DEFAULT 0,      -- of which its owner knows
  version      INTEGER NOT NULL,
  accepted_us  INTEGER NOT NULL,
  name         TEXT    NOT NULL,
  event        INTEGER NOT NULL,
  PRIMARY KEY (sku, channel, sale, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX stock_reservation_unseen ON stock_reservation (accepted_us) WHERE quantity > seen;
CREATE INDEX stock_reservation_of_sale ON stock_reservation (channel, sale);

-- How far each sale was told; a sale that the source of truth has seen has no reservation any more.
CREATE TABLE stock_sale (
  channel      TEXT    NOT NULL,
  sale         TEXT    NOT NULL,
  version      INTEGER NOT NULL,
  seen_us      INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (channel, sale)
) STRICT, WITHOUT ROWID;

-- What one channel shows of one SKU at one of its places.
CREATE TABLE stock_place (
  channel      TEXT    NOT NULL,
  place        TEXT    NOT NULL,
  sku          TEXT    NOT NULL,
  flow         TEXT    NOT NULL,
  item         TEXT    NOT NULL DEFAULT '',     -- the channel's id of the item
  wanted       INTEGER,                         -- what it should show
  wanted_us    INTEGER NOT NULL DEFAULT 0,
  change       INTEGER NOT NULL DEFAULT 0,      -- rises with each business change
  seen         INTEGER,                         -- what it showed when we looked or wrote last
  seen_us      INTEGER NOT NULL DEFAULT 0,      -- 0: to be read before anything is written
  written      INTEGER,                         -- what we wrote last
  written_us   INTEGER NOT NULL DEFAULT 0,
  sold         INTEGER NOT NULL DEFAULT 0,      -- sales of the channel told since it was seen
  missing      INTEGER NOT NULL DEFAULT 0,      -- fewer than we wrote, and no sale told that explains it
  missing_us   INTEGER NOT NULL DEFAULT 0,
  stocked      INTEGER NOT NULL DEFAULT 1,
  trouble      TEXT    NOT NULL DEFAULT '',     -- code of what the channel refused
  said         TEXT    NOT NULL DEFAULT '',
  PRIMARY KEY (channel, place, sku)
) STRICT, WITHOUT ROWID;
CREATE INDEX stock_place_of_sku ON stock_place (sku);
CREATE INDEX stock_place_of_item ON stock_place (channel, item);
CREATE INDEX stock_place_suspended ON stock_place (sku) WHERE said <> '' AND trouble = '';
CREATE INDEX stock_place_missing ON stock_place (missing_us) WHERE missing > 0;

-- One call to a channel, on the disk before it is made: the same lines go out again under the same key.
CREATE TABLE stock_batch (
  key        TEXT    PRIMARY KEY,
  channel    TEXT    NOT NULL,
  at_us      INTEGER NOT NULL,
  lines      BLOB    NOT NULL,
  receipt    TEXT    NOT NULL DEFAULT '',
  done_us    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE stock_batch_line (
  key        TEXT    PRIMARY KEY,               -- the delivery's own key
  batch      TEXT    NOT NULL,
  number     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX stock_batch_line_of ON stock_batch_line (batch, number);
CREATE INDEX stock_batch_by_time ON stock_batch (at_us);

-- How far each system was read, and when it last said something.
CREATE TABLE stock_reading (
  system     TEXT    NOT NULL,
  what       TEXT    NOT NULL,                  -- levels, items, sales
  cursor     TEXT    NOT NULL DEFAULT '',
  fresh_us   INTEGER NOT NULL DEFAULT 0,        -- it was read to the end as of then
  whole_us   INTEGER NOT NULL DEFAULT 0,        -- whatever had changed by then is known
  listed_us  INTEGER NOT NULL DEFAULT 0,        -- when the last reading of everything began
  tried_us   INTEGER NOT NULL DEFAULT 0,
  error      TEXT    NOT NULL DEFAULT '',
  PRIMARY KEY (system, what)
) STRICT, WITHOUT ROWID;

-- What an event did not say enough about, to be read again.
CREATE TABLE stock_again (
  system     TEXT    NOT NULL,
  object     TEXT    NOT NULL,                  -- inventory_level or order
  key        TEXT    NOT NULL,
  event      INTEGER NOT NULL,
  due_us     INTEGER NOT NULL,
  tries      INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (system, object, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX stock_again_due ON stock_again (system, due_us);
