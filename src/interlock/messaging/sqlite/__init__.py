"""The embedded engine: both ports on SQLite (the one that apsw carries), WAL, synchronous=FULL, one group commit
each."""
