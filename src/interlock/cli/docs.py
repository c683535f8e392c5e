"""The command docs: the whole strategy as a site that anybody can read."""

from pathlib import Path

import click

from interlock.cli.catalogue import read_strategy
from interlock.cli.output import Output, counted, speaks
from interlock.cli.place import folder_option
from interlock.cli.times import now_ms


@click.command()
@click.option("--out", "directory", type=click.Path(path_type=Path, file_okay=False), default=Path("site"), show_default=True,
              help="Where to write it.")  # fmt: skip
@folder_option
@speaks
def docs(directory: Path, folder: Path, out: Output) -> None:
    """Write the strategy as a static site.

    Systems of record, priorities, patterns, contracts, mappings, security, promises, changes and runbooks, in plain words: for
    those who decide about it, audit it or are on call. The pages need no server and no script.

    \b
    Examples: interlock docs
              interlock docs --out /srv/www/strategy
    """
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from interlock.cli.checked import judge_items
    from interlock.export import site
    from interlock.release.paper import PaperBuild

    strategy = read_strategy(folder)
    now = now_ms()
    moment = datetime.fromtimestamp(now // 1000, ZoneInfo(strategy.timezone))
    written = site.write(directory, PaperBuild(strategy), judge_items(strategy, folder, now), moment)
    index = directory / "index.html"
    out.row(f"wrote {index}", file=str(index), pages=written.pages)
    out.summary(f"{counted(len(written.pages), 'page')} in {directory}", pages=len(written.pages), index=str(index))
