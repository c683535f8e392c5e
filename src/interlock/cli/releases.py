"""The command releases: which folders ran, since when, by whom, and what each changed."""

from pathlib import Path

import click

from interlock.cli.output import Output, counted, fields_of, speaks
from interlock.cli.place import folder_option, start_command
from interlock.cli.store import NO_STORE, exists
from interlock.cli.times import ago, now_ms
from interlock.data_folder import data_folder


@click.command()
@click.option("--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="At most so many rows.")
@folder_option
@speaks
def releases(limit: int, folder: Path, out: Output) -> None:
    """List the releases that ran: when, by whom, what changed.

    The active one first. The name of a release is the content of its folder: the same files are the same release.

    \b
    Example: interlock releases
    """
    from interlock.messaging.sqlite.history import SqliteHistory

    data = data_folder(folder)
    if not exists(data):
        out.summary(f"{NO_STORE} ({data})", start_command(folder), releases=0)
        return
    history = SqliteHistory(data / "ledger.db")
    try:
        rows = history.releases(limit)
    finally:
        history.close()
    now = now_ms()
    for row in rows:
        switch = row.switch
        how = f"{switch.action} by {switch.who}" if switch else "kept"
        what = (switch.summary or switch.why) if switch else ""
        mark = "*" if row.active else " "
        since = ago(switch.at_ms if switch else row.first_ms, now)
        out.row(f"{mark} {row.id[:12]}  {since:>12}  {how:<20}  {what}".rstrip(), **fields_of(row))
    moves = ['interlock rollback --why "..."'] if len(rows) > 1 else []
    out.summary(f"{counted(len(rows), 'release')}; * runs", *moves, releases=len(rows))
