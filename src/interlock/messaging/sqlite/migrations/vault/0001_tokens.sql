-- Access tokens, sealed. What stands in the clear says how it is with them, never what they are.
CREATE TABLE token (
  name            TEXT PRIMARY KEY,             -- an app at a shop, whatever the system is called now
  fence           INTEGER NOT NULL DEFAULT 0,   -- rises with each lease; a commit names it
  leased_until_ms INTEGER NOT NULL DEFAULT 0,
  generation      INTEGER NOT NULL DEFAULT 0,   -- rises with each commit; part of what the seal is bound to
  rejected        INTEGER NOT NULL DEFAULT 0,   -- the generation that the system refused
  state           TEXT NOT NULL DEFAULT '',     -- JSON of TokenState, for those who have no key
  sealed          BLOB NOT NULL DEFAULT x''
) STRICT;
