"""The bytes of a strategy folder, content-addressed: the same files are the same release, wherever they lie."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from interlock.strategy.finding import Finding, StrategyErrors

MAX_FILE_BYTES = 1_000_000
MAX_FILES = 5_000
SHOWN_HEX_DIGITS = 12

_KNOWN = re.compile(
    r"(?P<root>(strategy|security|slos)\.toml|functions\.py)"
    r"|(?P<folder>systems|objects|flows|mappings)/[^/]+\.toml"
    r"|inventory/(locations|items|items/[^/]+)\.toml"
    r"|objects/published\.lock"
    r"|changes/[^/]+\.toml"
    r"|runbooks/[^/]+\.md"
)
_WORTH_A_WARNING = frozenset({".toml", ".py", ".md", ".yaml", ".yml", ".json"})
_NOTHING_BESIDE = "inventory/"
"""A folder in which any file was meant to be read: a spreadsheet of items, for instance."""
_NOT_OURS = frozenset({"README.md", "data", "secrets", "schemas", "drafts", "docs", "tests", "__pycache__"})


class Snapshot(Struct, frozen=True):
    """`files` by path (with `/`), `id` the SHA-256 over all of them in hex.

    `unread` are files that look as if they were meant to be read; `problems` are files that could not be.
    """

    files: dict[str, bytes]
    id: str
    unread: tuple[str, ...] = ()
    problems: tuple[Finding, ...] = ()

    @property
    def short(self) -> str:
        """The id as people see it: 12 hex digits."""
        return self.id[:SHOWN_HEX_DIGITS]


def snapshot_of(
    files: dict[str, bytes], *, unread: tuple[str, ...] = (), problems: tuple[Finding, ...] = ()
) -> Snapshot:
    """A snapshot from memory, such as a release kept in the store."""
    return Snapshot(dict(sorted(files.items())), content_id(files), unread, problems)


def content_id(files: dict[str, bytes]) -> str:
    """SHA-256 over paths and contents, each with its length, so that no two folders share one."""
    digest = hashlib.sha256()
    for path, content in sorted(files.items()):
        name = path.encode()
        digest.update(b"%d:%b%d:" % (len(name), name, len(content)))
        digest.update(content)
    return digest.hexdigest()


def read_folder(path: Path | str) -> Snapshot:
    """Read the files that a strategy is made of, and no others. Nothing is parsed yet.

    A file that is too large or leads out of the folder becomes a problem that `load` reports with the rest.
    Raises StrategyErrors when there is no such folder.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise StrategyErrors([_no_folder(folder)])
    root = folder.resolve()
    files: dict[str, bytes] = {}
    unread: list[str] = []
    problems: list[Finding] = []
    for file in _walk(folder):
        name = file.relative_to(folder).as_posix()
        if file.is_dir():
            problems.append(_unreadable(name, "it is a link to a directory, and links are followed for files only"))
        elif not _KNOWN.fullmatch(name):
            if file.suffix in _WORTH_A_WARNING or name.startswith(_NOTHING_BESIDE):
                unread.append(name)
        else:
            try:
                files[name] = _read(file, root)
            except _UnreadableError as reason:
                problems.append(_unreadable(name, str(reason)))
    return snapshot_of(files, unread=tuple(unread), problems=tuple(problems))


class _UnreadableError(Exception):
    """Why a file was left out."""


def _walk(folder: Path) -> Iterator[Path]:
    """Every file below the folder, misplaced ones too, so that they can be warned of. Hidden names are not ours."""
    count = 0
    pending = [folder]
    while pending:
        for entry in sorted(pending.pop().iterdir()):
            if entry.name.startswith(".") or (entry.parent == folder and entry.name in _NOT_OURS):
                continue
            count += 1
            if count > MAX_FILES:
                raise StrategyErrors([_unreadable(".", f"the folder holds more than {MAX_FILES} files")])
            if entry.is_dir() and not entry.is_symlink():
                pending.append(entry)
            else:
                yield entry


def _read(file: Path, root: Path) -> bytes:
    try:
        real = file.resolve(strict=True)
        if not real.is_relative_to(root):
            raise _UnreadableError("it is a link that leads out of the folder")
        if not real.is_file():
            raise _UnreadableError("it is not a regular file")
        with real.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except (OSError, RuntimeError) as error:
        raise _UnreadableError(getattr(error, "strerror", None) or str(error)) from error
    if len(content) > MAX_FILE_BYTES:
        raise _UnreadableError(f"it is larger than {MAX_FILE_BYTES:,} bytes")
    return content


def _unreadable(name: str, reason: str) -> Finding:
    return Finding(
        "STR001",
        f"{name} cannot be read",
        name,
        why=reason,
        next_move="put a readable text file inside the folder in its place",
    )


def _no_folder(folder: Path) -> Finding:
    return Finding(
        "STR003",
        f'no strategy folder at "{folder}"',
        str(folder),
        why="there is no such directory",
        next_move="make one with: interlock init",
    )
