"""Which change file announces a change, and which changes that break something are announced by none."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import PurePosixPath

import msgspec

from interlock.release.change import Change
from interlock.strategy import Snapshot
from interlock.strategy.changes import ChangeFile
from interlock.strategy.folder import TomlFile

ANNOUNCED = frozenset({"object", "flow"})
"""Kinds of ideas that a change file can name; of the others a plan tells, and a person decides."""


def with_windows(changes: Iterable[Change], wanted: Snapshot) -> tuple[Change, ...]:
    """Each change with the window that applies to it."""
    files = _change_files(wanted)
    return tuple(msgspec.structs.replace(change, window=_window(change, files)) for change in changes)


def unannounced(changes: Iterable[Change]) -> list[Change]:
    """What breaks something, could be announced, and is not."""
    return [change for change in changes if change.breaking and change.kind in ANNOUNCED and not change.window]


def _change_files(snapshot: Snapshot) -> dict[str, ChangeFile]:
    found = {path: content for path, content in snapshot.files.items() if PurePosixPath(path).match("changes/*.toml")}
    return {path: TomlFile[ChangeFile](path, content, ChangeFile).value for path, content in sorted(found.items())}


def _window(change: Change, files: Mapping[str, ChangeFile]) -> str:
    if change.kind not in ANNOUNCED:
        return ""
    names = {change.about.removeprefix(f"{change.kind} "), change.text.rpartition(" -> ")[2]}
    mine = {path: file for path, file in files.items() if names & {file.object, file.replaces, file.flow} - {""}}
    return "; ".join(window_words(path, file) for path, file in mine.items())


def window_words(path: str, file: ChangeFile, today: date | None = None) -> str:
    """`changes/0007.toml, in review to 2026-12-01, sunset 2027-03-01`."""
    now = today or datetime.now(UTC).date()
    review = file.review
    parts = [path]
    if review is not None:
        word = "review from" if now < review.first_day else "in review to" if now <= review.last_day else "reviewed by"
        parts.append(f"{word} {review.first_day if now < review.first_day else review.last_day}")
    parts += [f"deprecated {file.deprecated_on}"] if file.deprecated_on else []
    parts += [f"sunset {file.sunset_on}"] if file.sunset_on else []
    return ", ".join(parts)
