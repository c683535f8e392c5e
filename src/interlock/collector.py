"""Tunes Python's garbage collector for a process that starts once and then carries small objects for months."""

import gc

NEW_OBJECTS = 50_000
"""Collect the young after so many new containers (Python's own 700 looks at every request several times)."""

OLDER_ROUNDS = 20


def rest_on_what_is_loaded() -> None:
    """Call once when everything is loaded: modules and compiled mappings are never looked at again.

    Measured on the dispatch bench: a tenth of the processor time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, OLDER_ROUNDS, OLDER_ROUNDS)
