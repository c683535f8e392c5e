"""Commands to begin with: demo, init."""

import asyncio
from pathlib import Path

import click

from interlock.cli.output import Output, fail, speaks

_directory = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("directory", metavar="[DIR]", type=_directory, default="./interlock-demo")
@click.option("--orders", type=click.IntRange(1, 100_000), default=25, show_default=True, help="How many orders to place.")
@click.option("--exit", "leave", is_flag=True, help="End when all orders have arrived.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8787, show_default=True, help="Of the console; 0 takes a free one.")
@speaks
def demo(directory: Path, orders: int, leave: bool, port: int, out: Output) -> None:
    """See it work: a shop, three systems and a hub on this machine."""
    shown = directory if directory.is_absolute() else f"./{directory}"
    out.progress(f"Preparing a demo project in {shown}")
    from interlock.cli.demo import run_demo

    code = asyncio.run(run_demo(directory, orders=orders, leave=leave, as_json=out.as_json, port=port))
    if code:
        fail(code)


@click.command()
@click.argument("directory", metavar="DIR", type=_directory)
@speaks
def init(directory: Path, out: Output) -> None:
    """Write a starter strategy folder."""
    from interlock.strategy.starter import SECRET_FILES, write_starter

    written = write_starter(directory)
    for file in written:
        out.row(f"wrote {file}", file=str(file))
    out.summary(
        f"{len(written)} files in {directory}",
        f"put the credentials into {len(SECRET_FILES)} files: {', '.join(SECRET_FILES)}",
        f"interlock check {directory}",
        files=len(written),
    )
