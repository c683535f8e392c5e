"""The `interlock` command: every group imports what it needs inside its commands, so that --help is quick."""

import sys
from pathlib import Path

import click

FOLDER = click.argument("folder", type=click.Path(path_type=Path), default=Path(), required=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="interlock-hub", prog_name="interlock")
def commands() -> None:
    """An integration hub whose strategy folder is the program."""


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("interlock-demo"))
@click.option("--orders", type=click.IntRange(min=0, max=100_000), default=None, help="Orders to place at first (3).")
@click.option("--exit", "leave", is_flag=True, help="Stop when the orders have settled.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port of the console and the intake (0: free).")
def demo(folder: Path, orders: int | None, leave: bool, as_json: bool, port: int) -> None:
    """A made-up shop with four vendors' twins, on this machine, in one command."""
    if not as_json:
        click.echo(f"Preparing a demo project in {folder}")
    import asyncio

    from interlock.cli.demo import run_demo

    sys.exit(asyncio.run(run_demo(folder, orders=orders, leave=leave, as_json=as_json, port=port)))


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a starter strategy folder: a made-up shop to make your own."""
    from interlock.strategy.starter import write_starter

    files = write_starter(folder)
    click.echo(f"{len(files)} files written in {folder}\nnext: interlock check {folder}")


@commands.command()
@FOLDER
def check(folder: Path) -> None:
    """Check a strategy folder: all mistakes at once, each with file, line and a suggestion."""
    from interlock.connectors import registry
    from interlock.strategy import StrategyErrors, load, read_folder

    try:
        strategy = load(read_folder(folder), connectors=registry.facts())
    except StrategyErrors as errors:
        for finding in errors.findings:
            click.echo(f"{finding}\n")
        click.echo(f"{len(errors.findings)} findings")
        sys.exit(1)
    for warning in strategy.warnings:
        click.echo(f"{warning}\n")
    click.echo(f"{len(strategy.systems)} systems, {len(strategy.flows)} flows, 0 errors, {len(strategy.warnings)} warnings")


@commands.command()
@FOLDER
@click.option("--port", type=click.IntRange(0, 65_535), default=8787, help="Port of the console and the intake.")
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
def run(folder: Path, port: int, host: str) -> None:
    """Run the hub on a strategy folder until it is stopped."""
    import asyncio

    from interlock.cli.serve import serve

    sys.exit(asyncio.run(serve(folder, host, port)))


def main() -> None:
    """The entry point: an error that a person can act on is printed, not traced."""
    from interlock.errors import InterlockError, StoreError

    try:
        commands.main(standalone_mode=True)
    except StoreError as error:
        click.echo(str(error), err=True)
        sys.exit(74)
    except InterlockError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
