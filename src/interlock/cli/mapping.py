"""The commands map table, coverage and test: what becomes of each field, what nobody maps, and what a changed mapping does."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, counted, fail, fields_of, speaks
from interlock.cli.place import folder_option
from interlock.cli.store import exists
from interlock.cli.writing import store_of
from interlock.data_folder import data_folder
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interlock.mapping.profile import Profile
    from interlock.mapping.tables import Coverage, Line, MappingTable
    from interlock.release.mapping_tables import Unread
    from interlock.release.paper import PaperBuild
    from interlock.strategy import Snapshot, Strategy

EVENTS = 1_000
MOST_NAMED = 8

draft_option = click.option("--draft", is_flag=True, help="As the folder says now, not as the hub runs.")


@click.group()
def map() -> None:  # noqa: A001  the command's name
    """Show what becomes of each field, and try a changed mapping."""


@map.command()
@click.argument("object_name", metavar="OBJECT")
@click.option("--markdown", is_flag=True, help="As Markdown, for a wiki.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV, for a spreadsheet.")
@draft_option
@folder_option
@speaks
def table(object_name: str, markdown: bool, as_csv: bool, draft: bool, folder: Path, out: Output) -> None:
    """Print the mapping table of an object: each field, each system, the canonical name.

    \b
    Examples: interlock map table order --markdown
              interlock map table customer --csv --draft
    """
    from interlock.mapping import table_text
    from interlock.release.mapping_tables import objects_of, table_of

    if markdown + as_csv + out.as_json > 1:
        raise click.UsageError("choose one of --markdown, --csv and --json")
    build = _build(folder, out, draft=draft)
    if object_name not in objects_of(build):
        raise SettingsError(f"nothing that runs moves {object_name!r}", code="SET028", where=str(folder),
                            why=f"there are {', '.join(objects_of(build))}", next_move="interlock map coverage")  # fmt: skip
    found = table_of(build, object_name)
    if markdown or as_csv:
        click.echo(table_text.markdown(found) if markdown else table_text.as_csv(found), nl=False)
        return
    for line in found.lines:
        out.row(_line(line, found), **table_text.fields_of_line(line))
    for one in found.constants:
        out.row(f"{'(constant)':<34} {one.system}: {one.path} = {one.value}", **fields_of(one))
    text = f"{object_name}: {counted(len(found.lines), 'field')}, {counted(len(found.columns), 'system')}"
    out.summary(text, "interlock map coverage", fields=len(found.lines), systems=[name for name, _ in found.columns])


@map.command()
@draft_option
@folder_option
@speaks
def coverage(draft: bool, folder: Path, out: Output) -> None:
    """Count the fields that each system maps, and name those that nobody does.

    \b
    Example: interlock map coverage
    """
    from interlock.release.mapping_tables import tables_of, unread

    build = _build(folder, out, draft=draft)
    tables = tables_of(build)
    for one in (one for found in tables for one in found.coverage):
        out.row(_coverage(one), **fields_of(one), covered=one.covered, percent=round(one.percent, 1))
    for found in tables:
        for what, paths in (("filled by no source", found.unfilled), ("sent to no system", found.unsent)):
            if paths:
                out.row(f"{found.object}: {what}: {', '.join(paths)}", object=found.object, what=what, paths=paths)
    for seen in unread(build, _profiles(folder)):
        out.row(_unread(seen, out), **fields_of(seen))
    out.summary(f"{counted(len(tables), 'object')}", *(f"interlock map table {found.object}" for found in tables[:1]),
                objects=len(tables))  # fmt: skip


@map.command()
@click.argument("flow")
@click.option(
    "--events", type=click.IntRange(1, 1_000_000), default=EVENTS, show_default=True, help="How many, the newest."
)
@click.option(
    "--mapping", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A mapping file in place of the folder's; its name is the system's.",
)  # fmt: skip
@speaks
@folder_option
def test(flow: str, events: int, mapping: Path | None, folder: Path, out: Output) -> None:
    """Run a flow's mapping over recorded events, as it runs and as it is now in the folder, and show what differs.

    Nothing is sent and no secret is read; personal values are masked. Exit code 1 when objects that can be translated
    now could not be any more.

    \b
    Examples: interlock map test order-to-erp
              interlock map test order-to-erp --events 5000 --mapping drafts/netsuite.toml
    """
    from interlock.console.hiding import hiding
    from interlock.messaging.sqlite.recorded import newest_events
    from interlock.release.failures import failures
    from interlock.release.rehearsal import rehearse

    inbox = store_of(folder) / "inbox.db"
    old, new = _both(folder, flow, mapping)
    effect = rehearse(old, new, newest_events(inbox, events), hiding(old, new))
    for line in effect.lines:
        out.row(f"  {line.line}", row="difference", **fields_of(line))
    failing = failures(new, flow, newest_events(inbox, events))
    for one in failing:
        where = f" at {one.path}" if one.path else ""
        words = f"{one.system}: {one.code}{where}: {one.what}; {counted(one.count, 'event')}, such as {one.sample}"
        out.row(f"  {words}", row="failure", **fields_of(one))
    broken = effect.most("fails")
    same = (
        "the same mapping"
        if effect.untouched
        else f"{effect.differ} of {counted(effect.objects, effect.noun)} would differ"
    )
    failed = counted(sum(one.count for one in failing), "event")
    out.summary(f"{flow}: {same}; {failed} cannot be translated; nothing was sent", "interlock plan",
                differ=effect.differ, objects=effect.objects, untouched=effect.untouched, broken=broken,
                left_out=effect.left_out, failing=sum(one.count for one in failing))  # fmt: skip
    if broken:
        fail()


# -- the two releases


def _build(folder: Path, out: Output, *, draft: bool) -> "PaperBuild":
    """The release that runs; the folder's when none has run yet, or when it is asked for."""
    from interlock.cli.planned import running_snapshot
    from interlock.release.paper import on_paper
    from interlock.strategy import read_folder

    running = None if draft else running_snapshot(folder)
    if running is None and not draft:
        out.progress("no hub has run in this folder yet: as the folder says")
    return on_paper(read_folder(folder) if running is None else running)


def _both(folder: Path, flow: str, mapping: Path | None) -> "tuple[PaperBuild, PaperBuild]":
    """What runs, and what would: of this flow alone, so that nothing else is compared."""
    from interlock.cli.planned import running_snapshot
    from interlock.strategy import read_folder

    running = running_snapshot(folder)
    if running is None:
        raise SettingsError("no release runs yet", code="SET030", where=str(folder), next_move="interlock run")
    wanted = read_folder(folder) if mapping is None else _with_mapping(running, mapping)
    return _alone(running, flow, "the release that runs"), _alone(wanted, flow, str(mapping or folder))


def _alone(snapshot: "Snapshot", flow: str, whose: str) -> "PaperBuild":
    import msgspec

    from interlock.connectors import registry
    from interlock.release.paper import PaperBuild
    from interlock.strategy import load

    strategy: Strategy = load(snapshot, connectors=registry.facts())
    if flow not in strategy.flows:
        raise SettingsError(f"there is no flow {flow!r}", code="SET028", where=whose,
                            why=f"there are {', '.join(strategy.flows)}", next_move="interlock flows")  # fmt: skip
    return PaperBuild(msgspec.structs.replace(strategy, flows={flow: strategy.flows[flow]}))


def _with_mapping(running: "Snapshot", mapping: Path) -> "Snapshot":
    from interlock.strategy.snapshot import snapshot_of

    system = mapping.stem
    if f"systems/{system}.toml" not in running.files:
        raise SettingsError(f"there is no system {system!r}", code="SET028", where=str(mapping),
                            why="a mapping file is named after its system", next_move="interlock systems")  # fmt: skip
    return snapshot_of(running.files | {f"mappings/{system}.toml": mapping.read_bytes()})


def _profiles(folder: Path) -> "dict[tuple[str, str], Profile]":
    """What sources were seen to send, of whole objects, by the newest API version."""
    data = data_folder(folder)
    if not exists(data):
        return {}
    import asyncio

    import msgspec

    from interlock.mapping.profile import Profile
    from interlock.messaging.sqlite.contract_drift import SqliteDriftViews

    views = SqliteDriftViews(data / "ledger.db", data / "inbox.db")
    try:
        packed = asyncio.run(views.profiles())
    finally:
        views.close()
    return {
        (key.system, key.object): msgspec.msgpack.decode(profile, type=Profile)
        for key, profile in packed
        if key.document == key.object
    }


# -- words


def _line(line: "Line", found: "MappingTable") -> str:
    from interlock.mapping.table_text import cell_text

    cells = [
        f"{system}: {'; '.join(cell_text(cell) for cell in line.cells[system])}"
        for system, _ in found.columns
        if system in line.cells
    ]
    return f"{line.canonical:<34} {' | '.join(cells) or 'nobody'}"


def _coverage(one: "Coverage") -> str:
    from interlock.mapping.table_text import share_of

    way = "is read from" if one.direction == "in" else "is written to"
    kinds = f"{one.mapped} mapped, {one.derived} derived, {one.constant} constant, {len(one.unmapped)} unmapped"
    more = (
        f"; {counted(one.vendor['constant'], 'constant')} of its own"
        if one.direction == "out" and one.vendor["constant"]
        else ""
    )
    return f"{one.object} {way} {one.system}: {share_of(one)}: {kinds}{more}"


def _unread(seen: "Unread", out: Output) -> str:
    named = seen.paths if out.as_json else seen.paths[:MOST_NAMED]
    more = f" and {len(seen.paths) - len(named)} more: --json" if len(named) < len(seen.paths) else ""
    where = f"fields seen in {counted(seen.documents, 'document')} are read by nobody"
    text = f"{seen.system} {seen.object}: {len(seen.paths)} of {seen.seen} {where}"
    return f"{text}: {_listed(named)}{more}" if named else text


def _listed(names: "Iterable[str]") -> str:
    return ", ".join(names) or json.dumps([])
