"""The command run: one hub in this process until a signal ends it."""

from pathlib import Path

import click

from interlock.cli.output import Output, speaks
from interlock.cli.place import folder_argument


@click.command()
@folder_argument
@click.option("--port", type=click.IntRange(0, 65_535), default=8787, show_default=True, help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@speaks
def run(folder: Path, port: int, host: str, out: Output) -> None:
    """Run the hub on a strategy folder.

    SIGTERM and SIGINT end it in good order; SIGHUP reads the folder again.

    \b
    Examples: interlock run
              interlock run /srv/acme --host 0.0.0.0 --port 8787
    """
    out.progress(f"Opening {folder.resolve()}")
    from interlock import event_loop
    from interlock.cli.serve import serve

    event_loop.run(serve(folder, host, port, out))
    out.summary("closed in good order", f"interlock run {folder}")
