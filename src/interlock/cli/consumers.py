"""The command consumers: who was seen using which version of an object, and which of those versions end."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, counted, fail, speaks
from interlock.cli.place import folder_option
from interlock.cli.store import read
from interlock.cli.times import ago, now_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interlock.messaging.consumers import Consumer
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.operations.endings import Ending


@click.command()
@click.argument("version", required=False)
@folder_option
@speaks
def consumers(version: str | None, folder: Path, out: Output) -> None:
    """List who uses which version of an object.

    Flows and mappings with the time of their last delivery, from what really ran; and the end of each old version, as the
    change files say. Exit code 1 when a version is used that has ended.

    \b
    Examples: interlock consumers
              interlock consumers order.v1 --json
    """
    from interlock.cli.catalogue import read_strategy

    strategy = read_strategy(folder)

    async def ask(views: "SqliteViews") -> None:
        from interlock.operations.endings import endings

        known = await views.consumers()
        seen = [one for one in known if version in (None, one.version)]
        ends = {
            one.retirement.key: one
            for one in endings(strategy, known, now_ms())
            if version in (None, one.retirement.key)
        }
        for key in dict.fromkeys([*(one.version for one in seen), *ends]):
            _tell(key, seen, ends.get(key), out)
        late = [one for one in ends.values() if one.using and one.stage == "sunset"]
        out.summary(f"{counted(len({one.version for one in seen}), 'version')} in use", versions=len(seen),
                    ending=len(ends), ended_and_used=len(late))  # fmt: skip
        if late:
            fail()

    read(folder, out, ask)


def _tell(key: str, seen: "Sequence[Consumer]", ending: "Ending | None", out: Output) -> None:
    """One version: its end, then its users."""
    from interlock.operations.endings import using

    one = ending.retirement if ending else None
    for each in using((consumer for consumer in seen if consumer.version == key), one.consumers if one else ()):
        told = "; it stands in no change file" if one and not each.announced else ""
        text = f"{key:<12} {each.words:<36} last {ago(each.last_seen_ms, now_ms())}; {counted(each.uses, 'delivery', 'deliveries')}"
        out.row(f"{text}{told}", version=key, part=each.part, name=each.name, last_seen_ms=each.last_seen_ms,
                uses=each.uses, announced=each.announced if one else None)  # fmt: skip
    if ending and one:
        moved = f"; not seen any more: {', '.join(ending.moved)}" if ending.moved else ""
        out.row(f"{key:<12} {ending.stage}; ends {one.sunset_day}, {one.replaced_by} takes its place (change {one.change}, "
                f"{one.owner}){moved}",
                version=key, stage=ending.stage, sunset=one.sunset_day, replaced_by=one.replaced_by, change=one.change,
                owner=one.owner, moved=list(ending.moved))  # fmt: skip
