"""The command find: from whatever name a person has to the object it belongs to."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, counted, fail, fields_of, speaks
from interlock.cli.place import folder_option
from interlock.cli.store import read

if TYPE_CHECKING:
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.messaging.views import Hit


@click.command()
@click.argument("text")
@folder_option
@speaks
def find(text: str, folder: Path, out: Output) -> None:
    """Find objects by name, key, id at any system or event id.

    The text must be the whole of it: #1001 or 1001, a document number of the ERP, an event id, a reference.

    \b
    Examples: interlock find 1001
              interlock find 471963
    """

    async def ask(views: "SqliteViews") -> None:
        hits = await views.search(text)
        for hit in hits:
            known = f"{hit.name or hit.key} of {', '.join(hit.systems) or 'no system'}"
            out.row(f"{hit.object} {known}  key {hit.key}  (found by {hit.why})", **fields_of(hit))
        moves = (
            [f"interlock show '{hits[0].name or hits[0].key}'"]
            if hits
            else ["give a name, a key or an id at a system in full"]
        )
        out.summary(f"{counted(len(hits), 'object')} found for {text!r}", *moves, found=len(hits))
        if not hits:
            fail()

    read(folder, out, ask, empty_code=1)


async def one_order(views: "SqliteViews", text: str) -> "Hit | None":
    """The order that the text names; orders come before other objects that the search finds by it."""
    hits = await views.search(text)
    return next((hit for hit in hits if hit.object == "order"), hits[0] if hits else None)
