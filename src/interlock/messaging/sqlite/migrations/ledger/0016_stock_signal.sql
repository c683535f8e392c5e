-- What a system says of stock that another one counts: its last number, to be looked at beside the truth, and part of no sum.
CREATE TABLE stock_signal (
  system          TEXT    NOT NULL,             -- who says it
  item            TEXT    NOT NULL,             -- its own id of the item
  place           TEXT    NOT NULL,             -- its own id of the location
  sku             TEXT    NOT NULL,
  location        TEXT    NOT NULL,             -- ours
  available       INTEGER,
  on_hand         INTEGER,
  committed       INTEGER,
  reserved        INTEGER,
  incoming        INTEGER,
  damaged         INTEGER,
  safety_stock    INTEGER,
  quality_control INTEGER,
  remainder       TEXT    NOT NULL DEFAULT '',
  unit            TEXT    NOT NULL DEFAULT '',
  as_of_us        INTEGER NOT NULL,             -- by its own clock
  version         TEXT    NOT NULL DEFAULT '',
  told_us         INTEGER NOT NULL,             -- when we learned it last
  event           INTEGER NOT NULL,
  PRIMARY KEY (system, item, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX stock_signal_of_sku ON stock_signal (sku);
CREATE INDEX stock_signal_by_time ON stock_signal (system, told_us);
