"""The command privacy: what people asked of their data, until when, a copy to hand over, and an erasure by hand."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interlock.cli.catalogue import read_strategy
from interlock.cli.output import Output, fail, speaks
from interlock.cli.place import folder_option, start_command
from interlock.cli.store import NO_STORE, ask_store, exists
from interlock.cli.times import ago, now_ms, stamp
from interlock.cli.writing import audit_reveal, on_ledger, store_of, who, why_option
from interlock.data_folder import data_folder, hub_url, lock_holder
from interlock.errors import SettingsError

if TYPE_CHECKING:
    from interlock.messaging.privacy import PrivacyRequest
    from interlock.messaging.sqlite.ledger import SqliteLedger
    from interlock.messaging.sqlite.privacy_book import SqlitePrivacyBook


@click.group(invoke_without_command=True)
@folder_option
@speaks
@click.pass_context
def privacy(ctx: click.Context, folder: Path, out: Output) -> None:
    """List what people asked of their data.

    Who is to be forgotten is forgotten by the hub, which proves it; a copy is made with `export`, handed over by a person, and
    said to be so with `done`. Thirty days are allowed.

    Exit code 1 when one is overdue.

    \b
    Examples: interlock privacy
              interlock privacy export 3 --to copy.json
    """
    if ctx.invoked_subcommand:
        return
    if not exists(data_folder(folder)):
        out.summary(f"{NO_STORE} ({data_folder(folder)})", start_command(folder), empty=True)
        return
    _report(folder, out)


def _report(folder: Path, out: Output) -> None:
    from interlock.operations.privacy_words import WORDS, line_of, sentence, who_of

    rows = ask_store(store_of(folder), lambda views: views.privacy_requests())
    at_ms = now_ms()
    for row in reversed(rows):
        text = f"{row.id:>4}  {ago(row.received_ms, at_ms):>10}  {row.state:<6}  {who_of(row)} {WORDS[row.kind]}: {line_of(row, at_ms)}"
        out.row(text, **_fields(row, at_ms))
    overdue = sum(row.overdue(at_ms) for row in rows)
    copies = [row.id for row in rows if row.kind == "export" and row.state != "done"]
    erasing = any(row.kind != "export" and row.state != "done" for row in rows)
    moves = [f"interlock privacy export {copies[0]} --to copy.json"] if copies else []
    moves += [start_command(folder)] if erasing and not lock_holder(data_folder(folder)) else []
    url = hub_url(data_folder(folder))
    moves += [f"open {url}/privacy"] if url else []
    out.summary(sentence(rows, at_ms), *moves, overdue=overdue, open=sum(row.state != "done" for row in rows))
    if overdue:
        fail()


def _fields(row: "PrivacyRequest", at_ms: int) -> dict[str, Any]:
    """Without what they are recognised by."""
    return {
        "request": row.id, "kind": row.kind, "system": row.system, "person": row.person, "state": row.state, "received_ms": row.received_ms,
        "due_ms": row.due_ms, "overdue": row.overdue(at_ms), "orders": list(row.orders), "note": row.note, "removed": row.result.removed,
        "left": row.result.left, "proven_ms": row.result.proven_ms, "done_ms": row.done_ms, "done_by": row.done_by,
    }  # fmt: skip


@privacy.command()
@click.argument("number", type=int)
@click.option("--to", "target", type=click.Path(dir_okay=False, path_type=Path), help="A file, readable by you alone (default: stdout).")
@why_option
@folder_option
@speaks
def export(number: int, target: Path | None, why: str, folder: Path, out: Output) -> None:
    """Write everything that the hub holds of a person, as JSON.

    Personal values stand in the clear, so it is written into the audit. `elsewhere` names the systems that have something
    of the person, by their own ids. The file is yours: delete it when it was handed over.

    \b
    Example: interlock privacy export 3 --to copy.json --why "asked by mail"
    """
    import asyncio

    request = _request(folder, number)
    held = ask_store(store_of(folder), lambda views: views.privacy_export(request))
    asyncio.run(audit_reveal(folder, f"privacy request {number}", why))
    if target is None:
        click.echo(held.decode())
        return
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(held)
    target.chmod(0o600)
    out.summary(f"{len(held)} bytes in {target}", f'interlock privacy done {number} --why "handed over"', file=str(target))


@privacy.command()
@click.argument("number", type=int)
@why_option
@folder_option
@speaks
def done(number: int, why: str, folder: Path, out: Output) -> None:
    """Say that a copy was handed over.

    \b
    Example: interlock privacy done 3 --why "sent by registered mail"
    """
    request = _request(folder, number)
    if request.kind != "export":
        raise SettingsError(
            f"request {number} is an erasure", code="PRV012", where=str(folder), why="the hub ends it, when it is proven",
            next_move="interlock privacy",
        )  # fmt: skip

    async def finish(ledger: "SqliteLedger") -> bool:
        return await _book(ledger).finish(number, by=who(), why=why, now_ms=now_ms())

    if not on_ledger(folder, finish):
        out.summary(f"request {number} was done already, at {stamp(request.done_ms)} by {request.done_by}", done=False)
        fail()
    out.summary(f"request {number} is done", done=True)


@privacy.command()
@click.option("--system", required=True, help="The source that knows the customer.")
@click.option("--customer", required=True, help="The customer's key there.")
@why_option
@folder_option
@speaks
def redact(system: str, customer: str, why: str, folder: Path, out: Output) -> None:
    """Have a person forgotten without a webhook: in events, calls, dead letters, texts and the bytes of the files.

    Ids, amounts, links and hashes stay, so that the books still balance. The running hub begins within a second.

    \b
    Example: interlock privacy redact --system shopify --customer 207119551 --why "letter of 23 November"
    """
    from interlock.operations.privacy_words import by_hand

    request = by_hand(read_strategy(folder), system, customer, by=who(), why=why, now_ms=now_ms())

    async def ask(ledger: "SqliteLedger") -> int:
        return await _book(ledger).ask(request, now_ms())

    number = on_ledger(folder, ask)
    running = lock_holder(data_folder(folder))
    does = "the running hub does it" if running else "the hub does it when it runs again"
    out.summary(f"request {number}: {does}", *([] if running else [start_command(folder)]), "interlock privacy", request=number)


def _book(ledger: "SqliteLedger") -> "SqlitePrivacyBook":
    """For rows alone: nothing is kept in this process's memory."""
    from interlock.messaging.sqlite.privacy_book import SqlitePrivacyBook

    return SqlitePrivacyBook(ledger.group, ledger.group, lambda _positions: None)


def _request(folder: Path, number: int) -> "PrivacyRequest":
    found = ask_store(store_of(folder), lambda views: views.privacy_request(number))
    if found is None:
        raise SettingsError(
            f"there is no request {number}", code="PRV011", where=str(data_folder(folder)), why="nobody has asked for it",
            next_move="interlock privacy",
        )  # fmt: skip
    return found
