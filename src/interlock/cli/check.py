"""Commands about the folder's texts: check, schemas. Nothing connects, and no secret is needed."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, counted, fail, speaks
from interlock.cli.place import folder_argument
from interlock.data_folder import data_folder, hub_url

if TYPE_CHECKING:
    from interlock.strategy import Finding, Strategy
    from interlock.strategy.checklist import Counts


@click.command()
@click.option("--items", is_flag=True, help="Show the evidence of each item of the checklist, and all that is missing.")
@click.option("--strict", is_flag=True, help="Exit code 1 unless all eight items are green.")
@click.option(
    "--badge",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the sum as a badge: FILE.svg a picture, FILE.md a line of Markdown.",
)
@folder_argument
@speaks
def check(folder: Path, items: bool, strict: bool, badge: Path | None, out: Output) -> None:
    """Tell every mistake of the strategy folder, and what it lacks.

    All mistakes at once, each with file, line and a way out; then the eight items of the checklist, each green, amber
    or red by what stands in the folder and by what ran in its store. Nothing connects. Mappings are compiled when the
    secrets are there.

    \b
    Examples: interlock check
              interlock check mystore --json
              interlock check --items --strict --badge docs/strategy.svg
    """
    from interlock.cli.checked import count_of, refuse_unknown_badge, tell_items, write_badge
    from interlock.cli.times import today
    from interlock.connectors.registry import facts
    from interlock.strategy import StrategyErrors, load, read_folder

    refuse_unknown_badge(badge)
    try:
        snapshot = read_folder(folder)
        strategy = load(snapshot, connectors=facts(), today=today())
    except StrategyErrors as errors:
        _tell(errors.findings, out)
        _sum_up(errors.findings, out)
        fail()
    _tell(strategy.warnings, out)
    _tell_versions(strategy, out)
    untried = _compile(strategy, folder)
    results = tell_items(strategy, folder, out, whole=items)
    counts = count_of(results)
    if badge:
        write_badge(badge, counts)
    runs = bool(hub_url(data_folder(folder)))
    _sum_up(strategy.warnings, out, counts=counts, untried=untried, release=snapshot.id, runs=runs)
    if strict and not counts.complete:
        fail()


def _tell(findings: "tuple[Finding, ...] | list[Finding]", out: Output) -> None:
    for one in findings:
        out.row(
            f"{one.severity}: {one}\n",
            severity=one.severity, code=one.code, what=one.what, where=one.where, why=one.why, next=one.next_move,
        )  # fmt: skip


def _tell_versions(strategy: "Strategy", out: Output) -> None:
    """How long the versions of vendors' APIs that the systems speak will be answered."""
    from interlock.cli.times import today
    from interlock.connectors.registry import facts
    from interlock.strategy.checks.vendor import spoken_version

    for name, system in sorted(strategy.systems.items()):
        fact = facts()[system.connector]
        version = spoken_version(system, fact)
        known = fact.versions.get(version)
        if known:
            days = (known.ends - today()).days
            text = f"{name} speaks version {version}, which ends in {counted(days, 'day')}, on {known.ends}\n"
            out.row(text, system=name, version=version, ends=str(known.ends), days=days)


def _sum_up(
    findings: "tuple[Finding, ...] | list[Finding]",
    out: Output,
    *,
    counts: "Counts | None" = None,
    untried: str = "",
    release: str = "",
    runs: bool = False,
) -> None:
    errors = sum(one.severity == "error" for one in findings)
    warnings = len(findings) - errors
    moves = ["correct them and run: interlock check"] if errors else ["interlock plan" if runs else "interlock run"]
    if counts and not counts.complete:
        moves.insert(0, "interlock check --items")
    if untried:
        moves.insert(0, f"mappings are not compiled yet: {untried}")
    items = {"green": counts.green, "amber": counts.amber, "red": counts.red} if counts else {}
    out.summary(
        f"{f'{counts}; ' if counts else ''}{counted(errors, 'error')}, {counted(warnings, 'warning')}",
        *moves,
        errors=errors,
        warnings=warnings,
        release=release,
        **items,
    )


def _compile(strategy: "Strategy", folder: Path) -> str:
    """Compile every mapping as the hub will. Returns why that could not be tried: a secret that is not there yet.

    Raises MappingError for a mapping that does not compile.
    """
    from interlock.clock import SystemClock
    from interlock.connectors.http import Http
    from interlock.release.build import Build
    from interlock.strategy import SecretError

    try:
        Build(strategy, folder, http=Http(strategy.declared_hosts()), clock=SystemClock(), environ=os.environ).warm()
    except SecretError as error:
        return error.what
    return ""


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@speaks
def schemas(directory: Path, out: Output) -> None:
    """Write JSON Schemas of the folder's files, for editors.

    \b
    Example: interlock schemas .schemas
    """
    from interlock.strategy.json_schema import export

    written = export(directory)
    for file in written:
        out.row(f"wrote {file}", file=str(file))
    out.summary(
        f"{counted(len(written), 'schema')} in {directory}",
        "point your editor's TOML extension at them",
        files=len(written),
    )
