"""The commands drift and drift accept: where a source's documents no longer look as its mapping expects."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, counted, fail, fields_of, speaks
from interlock.cli.place import folder_option, start_command
from interlock.cli.store import NO_STORE, exists
from interlock.cli.times import ago, now_ms
from interlock.cli.writing import on_ledger, who, why_option
from interlock.data_folder import data_folder, hub_url, lock_holder
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from interlock.messaging.contract_drift import DriftRow, LookedAt
    from interlock.messaging.sqlite.ledger import SqliteLedger

WORDS = {"vanished": "is gone", "emptied": "is always null now", "retyped": "has another type", "new": "is new"}


@click.group(invoke_without_command=True)
@click.option("--all", "closed_too", is_flag=True, help="Accepted and ended ones too.")
@folder_option
@speaks
@click.pass_context
def drift(ctx: click.Context, closed_too: bool, folder: Path, out: Output) -> None:
    """List where a source's documents have changed.

    Fields that vanished, were emptied (always null now), retyped, or are new.

    Exit code 1 when a mapping reads a changed field.

    \b
    Examples: interlock drift
              interlock drift --all --json
              interlock drift accept 3 --why "their release of June; nothing of ours reads it"
    """
    if ctx.invoked_subcommand:
        return
    data = data_folder(folder)
    if not exists(data):
        out.summary(f"{NO_STORE} ({data})", start_command(folder), empty=True)
        return
    rows, known = _asked(data, closed_too=closed_too)
    for row in rows:
        out.row(_told(row), **fields_of(row))
    grave = [row for row in rows if row.state == "open" and row.severity == "high"]
    still = [row for row in rows if row.state == "open"]
    looked = sum(one.documents for one in known)
    moves = [f'interlock drift accept {still[0].id} --why "..."'] if still else []
    url = hub_url(data)
    text = f"{len(still)} open, {len(grave)} of them read by a mapping; {counted(looked, 'document')} looked at"
    out.summary(text, *moves, *([f"open {url}/strategy/mappings"] if url else []), open=len(still), high=len(grave),
                documents=looked)  # fmt: skip
    if grave:
        fail()


@drift.command()
@click.argument("id_", metavar="ID", type=int)
@why_option
@folder_option
@speaks
def accept(id_: int, why: str, folder: Path, out: Output) -> None:
    """Take a change as how the source's documents are from now on.

    It is told no more, its deliveries warn no more, and the reason is kept in the audit. The mapping stays as it is.

    \b
    Example: interlock drift accept 3 --why "the field is retired; nothing of ours reads it"
    """

    async def close(ledger: "SqliteLedger") -> str:
        from interlock.messaging.sqlite.contract_drift import SqliteDriftBook

        return await SqliteDriftBook(ledger.group).accept(id_, by=who(), why=why, now_ms=now_ms())

    subject = on_ledger(folder, close)
    if not subject:
        raise SettingsError(
            f"there is no open drift {id_}", code="SET028", where=str(folder), next_move="interlock drift"
        )
    taken_up = (
        "nothing: the running hub takes it up within a second"
        if lock_holder(data_folder(folder))
        else start_command(folder)
    )
    out.summary(f"accepted drift {id_}: {subject}", taken_up, accepted=id_, subject=subject)


def _asked(data: Path, *, closed_too: bool) -> "tuple[list[DriftRow], list[LookedAt]]":
    from interlock.messaging.sqlite.contract_drift import SqliteDriftViews

    async def ask() -> "tuple[list[DriftRow], list[LookedAt]]":
        return await views.drift(closed_too=closed_too), await views.looked_at()

    views = SqliteDriftViews(data / "ledger.db", data / "inbox.db")
    try:
        import asyncio

        return asyncio.run(ask())
    finally:
        views.close()


def _told(row: "DriftRow") -> str:
    """One change in two or three lines."""
    colour = "red" if row.severity == "high" and row.state == "open" else None
    what = click.style(f"{row.path} {WORDS.get(row.change, row.change)}", fg=colour)
    types = f" ({row.was} -> {row.becomes})" if row.change == "retyped" else ""
    perhaps = f"; perhaps it is {row.perhaps} now" if row.perhaps else ""
    since = f"since {ago(row.first_seen_ms, now_ms())} (event {row.first_event})"
    such = f" such as {row.name}" if row.name else ""
    closed = f" by {row.closed_by}: {row.why}" if row.closed_by else ""
    lines = [
        f"{row.id:>4}  {row.system} {row.document} {row.api_version}: {what}{types}{perhaps}",
        f"      in {counted(row.documents, 'document')}{such} {since}, {row.severity}, {row.state}{closed}",
    ]
    if row.reads:
        more = f" and {len(row.reads) - 3} more" if len(row.reads) > 3 else ""
        lines.append(
            f"      goes into {', '.join(row.reads[:3])}{more}; {'; '.join(row.uses[:3]) or 'no destination takes it'}"
        )
    return "\n".join(lines)
