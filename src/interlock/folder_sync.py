"""Makes the names in a folder durable: a file that was made or renamed just now is found after a power cut."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """On the disk when it returns. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
