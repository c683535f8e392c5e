"""Commands that let another release run: apply, rollback. What is in flight keeps the release that it was accepted under."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, coloured, fields_of, speaks
from interlock.cli.place import changed_folder_argument, folder_option, start_command
from interlock.cli.plan import EVENTS
from interlock.cli.store import NO_STORE, exists
from interlock.data_folder import data_folder
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from interlock.messaging.sqlite.history import SqliteHistory
    from interlock.operations.changes import WayBack
    from interlock.release.plan import Plan

MOST_ROWS = 20
LISTED = 100_000


@click.command()
@changed_folder_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--why", default="", help="The reason, for the audit.")
@click.option(
    "--events",
    type=click.IntRange(0, 1_000_000),
    default=EVENTS,
    show_default=True,
    help="Of the plan that is shown first.",
)
@click.option("--unannounced", is_flag=True, help="Also what breaks others and no change file announces.")
@speaks
def apply(folder: Path, yes: bool, why: str, events: int, unannounced: bool, out: Output) -> None:
    """Let the folder run, as a new release.

    Its plan is shown, then it is confirmed. A running hub switches at once; without one, the next start runs it. What
    was accepted before is finished under the release that accepted it.

    \b
    Examples: interlock apply
              interlock apply mystore --yes --why "memo for the accountants"
    """
    from interlock.cli.planned import planned, running_snapshot, tell
    from interlock.cli.switching import switch_to
    from interlock.release.gate import admitted

    found = planned(folder, events)
    if found.running == found.wanted:
        out.summary(found.summary, applied=False, release=found.wanted)
        return
    tell(found, out, full=False)
    if found.running:
        out.row(f"{found.summary}\n", row="plan", summary=found.summary, risk=found.risk.level, breaking=found.breaking)
    snapshot = admitted(folder, found.wanted, running_snapshot(folder), unannounced_too=unannounced)
    if not yes:
        _confirm(found, out)
    runs = switch_to(folder, snapshot, action="apply", why=why or found.summary, unannounced=unannounced)
    _applied(out, folder, snapshot.short, found.running[:12], runs=runs)


def _confirm(found: "Plan", out: Output) -> None:
    if out.as_json or not sys.stdin.isatty():
        raise SettingsError(
            "nothing was applied: nobody is there to confirm it",
            code="SET035",
            why=found.summary,
            next_move="confirm it: interlock apply --yes",
        )
    click.confirm("Let it run?", abort=True, err=True)


def _applied(out: Output, folder: Path, release: str, before: str, *, runs: bool) -> None:
    when = "runs now" if runs else f"runs at the next start: {start_command(folder)}"
    moves = [f'interlock rollback {before} --why "..."'] if before else []
    out.summary(f"release {release} {when}", *moves, applied=True, release=release, before=before, runs=runs)


@click.command()
@click.argument("release", required=False)
@click.option("--why", required=True, help="The reason, for the audit.")
@click.option("--dry-run", is_flag=True, help="Only say what would run, and what the newer release wrote.")
@click.option("--full", is_flag=True, help="List everything that the newer release wrote.")
@folder_option
@speaks
def rollback(release: str | None, why: str, dry_run: bool, full: bool, folder: Path, out: Output) -> None:
    """Go back to a release that ran, and list what the newer one wrote.

    Without RELEASE, to the one before. What the newer release wrote stays at its destinations: it is listed, an object
    at a destination a line with its id there, so that a person can put right what was wrong. The folder is left as it
    is, and does not run again until it is applied.

    \b
    Examples: interlock rollback --why "wrong memo"
              interlock rollback 7c1e0b44a9d2 --why "wrong memo" --json
    """
    from interlock.cli.switching import switch_to
    from interlock.operations.changes import way_back
    from interlock.release.paper import on_paper
    from interlock.release.switch import kept

    history = _history(folder)
    try:
        way = way_back(history, release or "")
        snapshot, active = kept(history, way.target.id), history.active()
        if way.target.id == active:
            out.summary(f"release {active[:12]} runs already", rolled_back=False, release=active)
            return
        on_paper(snapshot)  # one that cannot be built any more would keep the next start from starting
        runs = False if dry_run else switch_to(folder, snapshot, action="rollback", why=why)
        _tell_wrote(history, way, out, full=full)
    finally:
        history.close()
    _rolled_back(out, folder, way, active, runs=runs, dry_run=dry_run)


def _history(folder: Path) -> "SqliteHistory":
    from interlock.messaging.sqlite.history import SqliteHistory

    data = data_folder(folder)
    if not exists(data):
        raise SettingsError(NO_STORE, code="SET030", where=str(data), next_move=start_command(folder))
    return SqliteHistory(data / "ledger.db")


def _tell_wrote(history: "SqliteHistory", way: "WayBack", out: Output, *, full: bool) -> None:
    """After the switch: what ran until the last moment is in it."""
    rows = history.wrote(way.left, since_ms=way.since_ms, limit=LISTED)
    for row in rows if full or out.as_json else rows[:MOST_ROWS]:
        name = f"{row.object} {row.name or row.key}"
        text = f"  {row.destination:<10} {name:<24} {row.operation:<20} {coloured(row.verdict, 10)} {row.external_id}"
        out.row(text.rstrip(), row="wrote", **fields_of(row))
    if not (full or out.as_json) and len(rows) > MOST_ROWS:
        out.row(f"  and {len(rows) - MOST_ROWS} more: --full")


def _rolled_back(out: Output, folder: Path, way: "WayBack", active: str, *, runs: bool, dry_run: bool) -> None:
    from interlock.messaging.history import wrote_words

    target = way.target.id[:12]
    told = "; ".join(f"{name} {wrote_words(kinds)}" for name, kinds in way.counts.items())
    when = (
        "would run; nothing is changed"
        if dry_run
        else "runs again"
        if runs
        else f"runs at the next start: {start_command(folder)}"
    )
    left = ", ".join(release[:12] for release in way.left) or active[:12]
    out.summary(
        f"release {target} {when}; {left} wrote {told or 'nothing'}", *([] if dry_run else ["interlock plan"]),
        rolled_back=not dry_run, release=way.target.id, left=way.left, wrote=way.counts, runs=runs,
    )  # fmt: skip
