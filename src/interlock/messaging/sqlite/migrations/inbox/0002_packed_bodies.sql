-- From here on bodies may be packed (length(body) <> size_bytes), which an older Interlock could not read.
-- The key of the object is the beginning of the deduplication key: its own index was written for nothing.

DROP INDEX event_of_key;
