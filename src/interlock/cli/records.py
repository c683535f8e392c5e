"""The command records: which system is record of what, which flows write it where, and what was left out lately."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.catalogue import read_strategy
from interlock.cli.output import Output, counted, speaks
from interlock.cli.place import folder_option
from interlock.cli.store import ask_store, exists
from interlock.cli.times import now_ms
from interlock.data_folder import data_folder

if TYPE_CHECKING:
    from interlock.messaging.refused import RefusedCount
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.strategy import Strategy
    from interlock.strategy.records import Records, Row, Written

WINDOW_DAYS = 7


@click.command()
@click.option("--markdown", is_flag=True, help="As a Markdown page, for a document.")
@folder_option
@speaks
def records(markdown: bool, folder: Path, out: Output) -> None:
    """Say which system is record of what.

    Each object and group of fields with the system whose word counts, its owner, and the flows that write it; then what
    flows left out in the last 7 days because it is another system's.

    \b
    Examples: interlock records
              interlock records --markdown > docs/records.md
    """
    from interlock.connectors.registry import facts
    from interlock.strategy.records import records_of
    from interlock.strategy.records_text import as_markdown

    strategy = read_strategy(folder)
    found = records_of(strategy, facts())
    if markdown:
        out.row(as_markdown(found, strategy), markdown=as_markdown(found, strategy))
        return
    for row in found.rows:
        out.row(_line(row, strategy), **_fields(row, strategy))
    for one in found.written:
        out.row(_way(one), flow=one.flow, source=one.source, destination=one.destination, fields=one.fields,
                left_out=[foreign._asdict() for foreign in one.left_out])  # fmt: skip
    refused = _lately(folder)
    for count in refused:
        out.row(_refused(count, strategy), refused=count.field, flow=count.flow, destination=count.destination,
                record=count.record, team=count.team, deliveries=count.deliveries, times=count.times)  # fmt: skip
    move = f"interlock deliveries --refused {refused[0].field} --since {WINDOW_DAYS}d" if refused else "interlock check"
    out.summary(_sum(found, refused), move, rows=len(found.rows), refused=sum(one.deliveries for one in refused))


def _line(row: "Row", strategy: "Strategy") -> str:
    from interlock.strategy.records_text import held_in_words

    held = "; ".join(held_in_words(one, strategy) for one in row.holders) or "nobody"
    flows = sorted({flow for flows in row.writes.values() for flow in flows})
    name = f"  .{row.name}" if row.group else row.thing
    owners = f", owner {', '.join(_owners(row, strategy))}" if row.holders else ""
    return f"{name:<28} {held}{owners}{'; written by ' + ', '.join(flows) if flows else ''}"


def _fields(row: "Row", strategy: "Strategy") -> dict[str, object]:
    records = [
        {"system": one.system, "where": one.where, "owner": strategy.systems[one.system].owner} for one in row.holders
    ]
    return {"thing": row.thing, "records": records, "writes": dict(row.writes), "refused": dict(row.refused)}


def _owners(row: "Row", strategy: "Strategy") -> list[str]:
    return list(dict.fromkeys(strategy.systems[one.system].owner for one in row.holders))


def _way(one: "Written") -> str:
    from interlock.strategy.records_text import fields_in_words

    left = ", ".join(f"{foreign.field} ({foreign.record})" for foreign in one.left_out)
    return f"{one.flow} to {one.destination} writes {fields_in_words(one)}{'; leaves out ' + left if left else ''}"


def _refused(count: "RefusedCount", strategy: "Strategy") -> str:
    system = strategy.systems.get(count.record)
    whose = f"{system.title if system else count.record}'s ({count.team})"
    return f"{count.deliveries:>6} x  {count.flow} to {count.destination}: left out {count.field}, which is {whose}"


def _lately(folder: Path) -> "tuple[RefusedCount, ...]":
    """Nothing when there is no store yet."""
    data = data_folder(folder)
    if not exists(data):
        return ()

    async def ask(views: "SqliteViews") -> "tuple[RefusedCount, ...]":
        return await views.refused_fields(now_ms() - WINDOW_DAYS * 86_400_000)

    return ask_store(data, ask)


def _sum(found: "Records", refused: "tuple[RefusedCount, ...]") -> str:
    objects = sum(not row.group for row in found.rows)
    groups = len(found.rows) - objects
    left = sum(one.deliveries for one in refused)
    lately = f"{counted(left, 'delivery', 'deliveries')} left a field out" if left else "nothing was left out"
    return f"{counted(objects, 'object')}, {counted(groups, 'group of fields', 'groups of fields')}; {lately} in {WINDOW_DAYS} days"
