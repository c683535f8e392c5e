"""Differences of a change file: its values, and whom an earlier end of a version refuses, which no recorded order shows."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import msgspec

from interlock.release.change import Change
from interlock.release.field_difference import table_changes
from interlock.release.two_files import TwoFiles

ENDS = "sunset_on"
UNSEEN = "a version ends by the calendar; interlock consumers says who still uses it"
"""Why recorded orders do not show what such a change does."""


def change_file_changes(files: TwoFiles, today: date | None = None) -> Iterator[Change]:
    """A line for a file that came or went, else one per value. An end that comes sooner breaks whoever has not moved."""
    refused = _refused(files, today or datetime.now(UTC).date())
    for change in table_changes(files):
        yield msgspec.structs.replace(change, breaking=refused) if change.key in ("", ENDS) else change


def ends_sooner(change: Change) -> bool:
    """Whether it refuses what is not refused now, or would be only later."""
    return change.kind == "change" and bool(change.breaking)


def _refused(files: TwoFiles, today: date) -> str:
    before, after = files.before.data.get(ENDS), files.after.data.get(ENDS)
    old = files.after.data.get("replaces")
    if not isinstance(after, date) or not old:
        return ""
    sooner = after < before if isinstance(before, date) else after <= today
    return f"what still uses {old} is refused from {after} on" if sooner else ""
