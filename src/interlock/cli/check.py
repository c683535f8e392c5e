"""Commands about the folder's texts: check, schemas. Nothing connects, and no secret is needed."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, counted, fail, speaks
from interlock.cli.place import folder_argument

if TYPE_CHECKING:
    from interlock.strategy import Finding, Strategy


@click.command()
@folder_argument
@speaks
def check(folder: Path, out: Output) -> None:
    """Tell every mistake of the strategy folder.

    All at once, each with file, line and a way out. Nothing connects. Mappings are compiled when the secrets are there.

    \b
    Examples: interlock check
              interlock check mystore --json
    """
    from interlock.connectors.registry import facts
    from interlock.strategy import StrategyErrors, load, read_folder

    try:
        snapshot = read_folder(folder)
        strategy = load(snapshot, connectors=facts())
    except StrategyErrors as errors:
        _tell(errors.findings, out)
        _sum_up(errors.findings, out)
        fail()
    _tell(strategy.warnings, out)
    untried = _compile(strategy, folder)
    _sum_up(strategy.warnings, out, untried=untried, release=snapshot.id)


def _tell(findings: "tuple[Finding, ...] | list[Finding]", out: Output) -> None:
    for one in findings:
        out.row(
            f"{one.severity}: {one}\n",
            severity=one.severity, code=one.code, what=one.what, where=one.where, why=one.why, next=one.next_move,
        )  # fmt: skip


def _sum_up(
    findings: "tuple[Finding, ...] | list[Finding]", out: Output, *, untried: str = "", release: str = ""
) -> None:
    errors = sum(one.severity == "error" for one in findings)
    warnings = len(findings) - errors
    moves = ["correct them and run: interlock check"] if errors else ["interlock run"]
    if untried:
        moves.insert(0, f"mappings are not compiled yet: {untried}")
    out.summary(
        f"{counted(errors, 'error')}, {counted(warnings, 'warning')}",
        *moves,
        errors=errors,
        warnings=warnings,
        release=release,
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
