"""Reads and writes generated files, packed ones by their content: the same text may be packed to different bytes elsewhere."""

import gzip
import os
from pathlib import Path


def text_of(file: Path) -> str:
    """What the file says, "" when it is not there."""
    if not file.is_file():
        return ""
    raw = file.read_bytes()
    return (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode()


def write(file: Path, text: str) -> None:
    """Whole or not at all: another run may read it at the same time."""
    raw = text.encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}")
    part.write_bytes(gzip.compress(raw, mtime=0) if file.suffix == ".gz" else raw)
    part.replace(file)
