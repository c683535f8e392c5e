"""Downloads the npm package in which Shopify publishes its schemas, and keeps the few files of it that are needed."""

import base64
import hashlib
import io
import os
import sys
import tarfile
import urllib.request
from pathlib import Path

from .places import CACHE, needed

PACKAGE = "@shopify/dev-mcp"
VERSION = "1.16.0"
INTEGRITY = "tqgRnK7sQhjew+htxtleTH23nXB5fZcsrhWgEkomsorGXvLOB2mh2upwZm8uzuTDNTZnqtLMe64yIwh6s2awtw=="
"""Base64 of its SHA-512, as the registry publishes it; the licence of the package is ISC."""
REGISTRY = "https://registry.npmjs.org"
TIMEOUT_SECONDS = 60
BYTES_MAX = 40_000_000
STAMP = CACHE / "package"


def fetch() -> int:
    """0 when the schemas are in the cache, 1 (and a sentence on stderr) when they could not be had."""
    if _is_there():
        return 0
    try:
        package = _download()
    except OSError as error:
        return _refuse(
            f"{PACKAGE} {VERSION} cannot be downloaded: {error}. It is needed once, for the schema tests only."
        )
    if base64.b64encode(hashlib.sha512(package).digest()).decode() != INTEGRITY:
        return _refuse(f"what was downloaded is not {PACKAGE} {VERSION}: its SHA-512 differs. Nothing of it was kept.")
    missing = _extract(package)
    if missing:
        return _refuse(
            f"{PACKAGE} {VERSION} has no {', '.join(missing)}: pin a newer version in scripts/shopify_schema/fetch.py"
        )
    STAMP.write_text(f"{PACKAGE} {VERSION}\n", encoding="utf-8")
    return 0


def _is_there() -> bool:
    same = STAMP.is_file() and STAMP.read_text(encoding="utf-8").strip() == f"{PACKAGE} {VERSION}"
    return same and all(file.is_file() for file in needed())


def _download() -> bytes:
    registry = os.environ.get("NPM_CONFIG_REGISTRY") or REGISTRY
    url = f"{registry.rstrip('/')}/{PACKAGE}/-/{PACKAGE.rpartition('/')[2]}-{VERSION}.tgz"
    print(f"Downloading Shopify's published schemas, 14 MB, from {url}", file=sys.stderr)
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - https, and pinned by its hash
        return bytes(answer.read(BYTES_MAX))


def _extract(package: bytes) -> list[str]:
    """Keep what is needed; the names of the files that the package lacks."""
    CACHE.mkdir(parents=True, exist_ok=True)
    missing = []
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for file in needed():
            try:
                member = archive.extractfile(f"package/dist/data/{file.name}")
            except KeyError:
                member = None
            if member is None:
                missing.append(file.name)
            else:
                _write(file, member.read())
    return missing


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all: another run may read it at the same time."""
    part = file.with_name(f"{file.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(file)


def _refuse(sentence: str) -> int:
    print(f"shopify-schema: {sentence}", file=sys.stderr)
    return 1
