"""The command plan: what the folder would change in what runs, and what that does to recorded orders. Nothing is sent."""

from pathlib import Path

import click

from interlock.cli.output import Output, fail, speaks
from interlock.cli.place import changed_folder_argument

CHANGES_PRESENT = 3
"""With --detailed-exitcode. Terraform's 2 means wrong usage here, which no script may take for "there are changes"."""
EVENTS = 1_000


@click.command()
@changed_folder_argument
@click.option(
    "--events", type=click.IntRange(0, 1_000_000), default=EVENTS, show_default=True,
    help="Try it on the last N recorded events; 0 tries nothing.",
)  # fmt: skip
@click.option("--full", is_flag=True, help="Every change and every difference, however many.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 3 when there are changes.")
@speaks
def plan(folder: Path, events: int, full: bool, detailed_exitcode: bool, out: Output) -> None:
    """Say what a changed folder would do, before it does.

    Each change of the folder against the release that runs is one line. Both are given the last recorded events, and
    what they would send is compared. Nothing is sent, no secret is needed.

    \b
    Examples: interlock plan
              interlock plan mystore --events 10000 --json
    """
    from interlock.cli.planned import planned, tell
    from interlock.release.windows import unannounced

    found = planned(folder, events)
    tell(found, out, full=full)
    effect = found.effect
    moves = ["interlock apply"] if found.changes or not found.running else []
    silent = [change.about for change in unannounced(found.changes)]
    if silent:
        first = f"announce what breaks others in changes/NNNN.toml: {', '.join(silent)}"
        moves = [f"{first}; or: interlock apply --unannounced"]
    out.summary(
        found.summary, *moves, changes=len(found.changes), breaking=found.breaking, unannounced=silent,
        differ=effect.differ, objects=effect.objects,
        noun=effect.noun, events=effect.events, left_out=effect.left_out, untouched=effect.untouched, not_tried=found.not_tried,
        risk=found.risk.level, reasons=found.risk.reasons, rollback=found.rollback, running=found.running, wanted=found.wanted,
        seconds=round(effect.seconds, 3),
    )  # fmt: skip
    if detailed_exitcode and (found.changes or not found.running):
        fail(CHANGES_PRESENT)
