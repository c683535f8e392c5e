"""Commands to begin with: demo, init."""

import os
import sys
import time
from pathlib import Path

import click

from interlock.cli.output import INTERRUPTED, Output, counted, fail, speaks
from interlock.cli.place import DEMO_FOLDER

_directory = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("directory", metavar="[DIR]", type=_directory, default=f"./{DEMO_FOLDER}")
@click.option(
    "--orders", type=click.IntRange(1, 100_000), default=25, show_default=True, help="How many orders to place."
)
@click.option(
    "--exit", "leave", is_flag=True, help="End when all orders have arrived; exit code 1 when one is lost or doubled."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8787,
    show_default=True,
    help="Of the console; 0 takes a free one.",
)
@click.option("--no-browser", is_flag=True, help="Open no browser.")
@speaks
def demo(directory: Path, orders: int, leave: bool, port: int, no_browser: bool, out: Output) -> None:
    """See it work: a shop, three systems and a hub on this machine.

    Nothing leaves the machine. DIR is ./interlock-demo unless given; run again in it, the demo goes on where it was. On
    a terminal the browser opens.

    \b
    Examples: interlock demo
              interlock demo /tmp/try --orders 200 --exit --json --port 0
    """
    began = time.monotonic()
    out.progress(f"Preparing a demo project in {_shown(directory)}")
    from interlock import event_loop
    from interlock.cli.demo import farewell, run_demo
    from interlock.cli.demo_orders import Wish

    browse = not (leave or no_browser or out.as_json) and _has_browser()
    wish = Wish(folder=directory, orders=orders, leave=leave, port=port, browse=browse, began=began)
    try:
        code = event_loop.run(run_demo(wish, out))
    except KeyboardInterrupt:
        farewell(wish, out)
        fail(INTERRUPTED)
    if code:
        fail(code)


def _shown(directory: Path) -> str:
    return str(directory) if directory.is_absolute() else f"./{directory}"


def _has_browser() -> bool:
    """A person at a terminal with a screen: not a test, not CI, not a session over ssh (a text browser would take the terminal)."""
    watched = sys.stdout.isatty() and sys.stderr.isatty()
    automatic = any(os.environ.get(name) for name in ("CI", "PYTEST_CURRENT_TEST", "SSH_CONNECTION"))
    screen = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    return watched and not automatic and screen


@click.command()
@click.argument("directory", metavar="DIR", type=_directory)
@speaks
def init(directory: Path, out: Output) -> None:
    """Write a starter strategy folder.

    A shop, an ERP, a warehouse and marketing, four flows between them, runbooks. Nothing that is there is overwritten.

    \b
    Example: interlock init mystore
    """
    from interlock.strategy.starter import SECRET_FILES, write_starter

    written = write_starter(directory)
    for file in written:
        out.row(f"wrote {file}", file=str(file))
    out.summary(
        f"{counted(len(written), 'file')} in {directory}",
        f"put the credentials into {len(SECRET_FILES)} files: {', '.join(SECRET_FILES)}",
        f"interlock check {directory}",
        files=len(written),
    )
