"""Makes a plan of a folder against what runs in its store, and says it: changed things only, what they do, risk, the way back."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interlock.cli.output import Output, counted, fields_of
from interlock.cli.store import exists
from interlock.data_folder import data_folder

if TYPE_CHECKING:
    from interlock.release.change import Change
    from interlock.release.effect import Effect
    from interlock.release.plan import Plan
    from interlock.strategy import Snapshot

MOST_CHANGES, MOST_LINES = 40, 15
"""Shown without --full."""
COLOURS = {"+": "green", "-": "red", "~": "yellow"}


def running_snapshot(folder: Path) -> "Snapshot | None":
    """The folder of the active release, as the store keeps it; None before the first."""
    from interlock.messaging.sqlite.history import SqliteHistory
    from interlock.strategy.snapshot import snapshot_of

    data = data_folder(folder)
    if not exists(data):
        return None
    history = SqliteHistory(data / "ledger.db")
    try:
        files = history.files(history.active())
    finally:
        history.close()
    return None if files is None else snapshot_of(files)


def planned(folder: Path, events: int) -> "Plan":
    """The plan of the folder as it is now. Raises StrategyErrors when it has mistakes."""
    from interlock.console.hiding import hiding
    from interlock.messaging.sqlite.recorded import newest_events
    from interlock.release.plan import plan
    from interlock.strategy import read_folder

    running = running_snapshot(folder)
    recorded = newest_events(data_folder(folder) / "inbox.db", events) if running is not None and events else None
    return plan(running, read_folder(folder), recorded, hiding)


def tell(found: "Plan", out: Output, *, full: bool) -> None:
    """Everything but the last line."""
    changes: list[tuple[str, str, Any]] = [(_change(change), "change", change) for change in found.changes]
    _rows(out, changes, MOST_CHANGES, "change", full=full)
    lines: list[tuple[str, str, Any]] = [(f"  {line.line}", "effect", line) for line in found.effect.lines]
    if found.changes and not out.as_json:
        heading = _heading(found)
        out.row(f"\n{heading}" if heading else "")
    _rows(out, lines, MOST_LINES, "difference", full=full)
    if found.changes and not out.as_json:
        _verdict(found, out)


def _rows(out: Output, rows: "list[tuple[str, str, Any]]", most: int, word: str, *, full: bool) -> None:
    shown = rows if full or out.as_json else rows[:most]
    for text, kind, row in shown:
        out.row(text, row=kind, line=row.line, **fields_of(row))
    if len(shown) < len(rows):
        out.row(f"  and {counted(len(rows) - len(shown), f'more {word}')}: --full")


def _change(change: "Change") -> str:
    mark = click.style(change.mark, fg=COLOURS[change.mark])
    grave = click.style(f"  breaking: {change.breaking}", fg="red") if change.breaking else ""
    window = f"  announced by {change.window}" if change.window else ""
    return f"{mark}{change.line[1:]}{grave}{window}  {click.style(change.where, dim=True)}"


def _heading(found: "Plan") -> str:
    effect = found.effect
    if found.not_tried:
        return f"Not tried on recorded orders: {found.not_tried}"
    if effect.untouched:
        return "Recorded orders: nothing that changed decides about them"
    left = "; ".join(f"{count} left out: {why}" for why, count in effect.left_out.items())
    about = f"On the last {counted(effect.events, 'recorded event')}, about {_objects(effect)}"
    return f"{about}{f' ({left})' if left else ''}:{'' if effect.lines else ' no difference'}"


def _objects(effect: "Effect") -> str:
    return counted(effect.objects, effect.noun)


def _verdict(found: "Plan", out: Output) -> None:
    out.row(f"\nrisk {found.risk.level}: {'; '.join(found.risk.reasons)}")
    if found.rollback:
        out.row(f"undo: {out.here(found.rollback)}")
    out.row("")
