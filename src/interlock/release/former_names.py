"""The folder of before under the names of now: a system that says what it was called is one that was renamed, not two."""

import re
import tomllib
from collections.abc import Mapping

from interlock.strategy.snapshot import Snapshot

NAMED_AFTER = ("systems", "mappings")
"""Folders in which a file is called as its system."""


def under_new_names(old: Snapshot, new: Snapshot) -> tuple[Snapshot, dict[str, str]]:
    """The old folder with each renamed system called as in the new one, and the names: old -> new. Lines stay lines."""
    names = {was: name for was, name in _declared(new).items() if _has(old, was) and not _has(old, name)}
    files = (
        {_path(path, names): _text(path, content, names) for path, content in old.files.items()} if names else old.files
    )
    return Snapshot(files, old.id), names


def _declared(snapshot: Snapshot) -> dict[str, str]:
    found: dict[str, str] = {}
    for path, content in snapshot.files.items():
        folder, _, name = path.partition("/")
        if folder == "systems" and b"was" in content:
            was = tomllib.loads(content.decode()).get("was")
            found |= {was: name.removesuffix(".toml")} if isinstance(was, str) else {}
    return found


def _has(snapshot: Snapshot, system: str) -> bool:
    return f"systems/{system}.toml" in snapshot.files


def _path(path: str, names: Mapping[str, str]) -> str:
    folder, _, name = path.partition("/")
    now = names.get(name.removesuffix(".toml"))
    return f"{folder}/{now}.toml" if folder in NAMED_AFTER and now else path


def _text(path: str, content: bytes, names: Mapping[str, str]) -> bytes:
    """Flows name systems in quotes, the table of items in its headings, stock as owners and as keys."""
    text = content.decode(errors="surrogateescape")
    for was, now in names.items():
        if path.startswith("flows/"):
            text = text.replace(f'"{was}"', f'"{now}"')
        elif path == "mappings/items.toml":
            text = re.sub(rf"^(\s*\[){re.escape(was)}(?=[\].])", rf"\g<1>{now}", text, flags=re.MULTILINE)
        elif path.startswith("inventory/"):
            text = re.sub(rf'(\bowner\s*=\s*"){re.escape(was)}(?=")', rf"\g<1>{now}", text)
            text = re.sub(rf"(?<![\w\"'-]){re.escape(was)}(?=\s*=)", now, text)
    return text.encode(errors="surrogateescape")
