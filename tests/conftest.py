"""What holds for every test, however the run was started."""

import os
import shutil
import signal
from pathlib import Path

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A run in the background of a shell ignores Ctrl-C, and so would every program that it starts and interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)

MEMORY, NEEDED_BYTES = Path("/dev/shm"), 4 << 30
if (
    os.environ.get("INTERLOCK_TIER") != "nightly"
    and os.access(MEMORY, os.W_OK)
    and shutil.disk_usage(MEMORY).free >= NEEDED_BYTES
):
    # Half of the suite's time went by waiting for the disk. No test needs a real one: power loss and failing disks are made by a
    # file system of our own. The figures of scripts/nightly are for a disk.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
