"""Commands that list what the ledger holds: orders, deliveries, issues, audit."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from interlock.cli.choice import STATES, choosing, read_pairs
from interlock.cli.output import Output, coloured, counted, fail, fields_of, speaks
from interlock.cli.place import folder_option
from interlock.cli.store import read
from interlock.cli.tail import called, line
from interlock.cli.times import ago, now_ms, stamp

if TYPE_CHECKING:
    from interlock.messaging.ledger import Filter
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.messaging.views import DeadLetterGroup, Hold, ObjectRow

_limit = click.option(
    "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many rows."
)


@click.command()
@click.option("--text", default="", help="Part of the name or key.")
@click.option("--state", type=click.Choice(STATES), help="With a delivery in this state.")
@_limit
@folder_option
@speaks
def orders(text: str, state: str | None, limit: int, folder: Path, out: Output) -> None:
    """List orders by their last event, and where each stands.

    \b
    Examples: interlock orders
              interlock orders --state dead
    """

    async def ask(views: "SqliteViews") -> None:
        rows = await views.recent_orders(limit=limit, text=text, state=state or "")
        now = now_ms()
        for row in rows:
            out.row(_order(row, now), **fields_of(row))
        moves = [f"interlock show '{rows[0].name or rows[0].key}'"] if rows else []
        out.summary(_listed(len(rows), limit, "order"), *moves, orders=len(rows))

    read(folder, out, ask)


def _order(row: "ObjectRow", now: int) -> str:
    total = f"{row.summary.get('total', '')} {row.summary.get('currency', '')}"
    lanes = ", ".join(f"{lane.destination} {coloured(lane.state)}" for lane in row.lanes) or "no delivery"
    return f"{row.name or row.key:<10} {total:>14}  {ago(row.last_seen_ms, now):>12}  {lanes}"


@click.command()
@choosing
@click.option("--text", default="", help="Part of a name, key, code or error.")
@_limit
@folder_option
@speaks
def deliveries(pairs: list[str], text: str, limit: int, folder: Path, out: Output) -> None:
    """List deliveries that a choice names.

    Newest first. Without a choice, the newest of all. The same choice works with replay, hold, release and discard.

    \b
    Examples: interlock deliveries --state dead,retrying --destination netsuite
              interlock deliveries --since 2h --json
    """
    import msgspec

    chosen = msgspec.structs.replace(read_pairs(pairs, all_of_none=True), limit=limit)

    async def ask(views: "SqliteViews") -> None:
        rows = await views.deliveries(chosen, text=text)
        for row in rows:
            out.row(line(row), **fields_of(row))
        states = await views.states(chosen, text=text)
        wanted = {state: count for state, count in states.items() if not chosen.states or state in chosen.states}
        words = ", ".join(f"{count} {coloured(state)}" for state, count in sorted(wanted.items())) or "none"
        total = sum(wanted.values())
        shown = f"; the newest {len(rows)} are shown, --limit shows more" if total > len(rows) else ""
        out.summary(
            f"{counted(total, 'delivery', 'deliveries')}: {words}{shown}",
            states=wanted,
            deliveries=total,
            shown=len(rows),
        )

    read(folder, out, ask)


@click.command()
@click.argument("fingerprint", required=False)
@click.option("--destination", default="", help="Of this system.")
@click.option("--owner", default="", help="Of this team.")
@_limit
@folder_option
@speaks
def issues(fingerprint: str | None, destination: str, owner: str, limit: int, folder: Path, out: Output) -> None:
    """List what needs a person by cause, or all of one cause.

    Without FINGERPRINT a line per cause of dead letters, the largest first, after the systems that refuse us access; then what
    of stock is no dead letter: sources that are silent, lines that are not understood, numbers that nothing corrects. With the
    name of a cause, each of its dead letters, lines or numbers.

    Exit code 1 when there is no such cause.

    \b
    Examples: interlock issues
              interlock issues 4be0d1c5a3f2
              interlock issues STK001:shipbob
    """
    from interlock.cli.stock_issues import issues_of_stock, tell_issue, tell_lines

    async def ask(views: "SqliteViews") -> None:
        from interlock.messaging.ledger import Filter

        which = Filter(fingerprint=fingerprint or "", destination=destination, limit=limit)
        found = [one for one in await views.dead_letter_groups(which, now_ms=now_ms()) if owner in ("", one.owner)]
        holds = (
            [] if fingerprint or owner else [one for one in await views.holds() if destination in ("", one.destination)]
        )
        for hold in holds:
            out.row(_hold(hold), kind="hold", **fields_of(hold))
        for one in found:
            out.row(_group(one), kind="cause", **fields_of(one))
        stock = await issues_of_stock(views, folder, name=fingerprint or "", destination=destination, owner=owner)
        for each in stock:
            tell_issue(each, out)
        if fingerprint:
            await _letters(views, which, out)
            for each in stock:
                await tell_lines(views, each, limit, out)
        moves = [f'interlock replay --fingerprint {found[0].fingerprint} --why "..."'] if found else []
        moves += [f"interlock issues {stock[0].id}"] if stock and not fingerprint else []
        total = sum(one.count for one in found)
        text = f"{counted(total, 'dead letter')} of {counted(len(found), 'cause')}" if found else "no dead letters"
        text += f"; {counted(len(holds), 'system')} to be let into again" if holds else ""
        text += f"; {counted(len(stock), 'trouble')} of stock" if stock else ""
        out.summary(text, *moves, dead=total, causes=len(found), holds=len(holds), stock=len(stock))
        if fingerprint and not found and not stock:
            fail()

    read(folder, out, ask)


def _hold(one: "Hold") -> str:
    waiting = counted(one.count, "delivery waits", "deliveries wait")
    return f"{one.destination}: {waiting} for {one.waiting_for} since {ago(one.first_ms, now_ms())}: {one.code} {one.error}"


def _group(one: "DeadLetterGroup") -> str:
    now = now_ms()
    back = f", came back after {one.returned}" if one.returned else ""
    return (
        f"{one.fingerprint}  {one.count:>6} x  {one.flow} to {one.destination}: {one.code} {one.error}\n"
        f"{'':14}first {ago(one.first_ms, now)}, last {ago(one.last_ms, now)}{back}; owner {one.owner or 'nobody'}; {one.reason}"
    )


async def _letters(views: "SqliteViews", which: "Filter", out: Output) -> None:
    for letter in await views.dead_letters(which):
        tried = f"after {counted(letter.attempts, 'attempt')}" if letter.attempts else "without a call"
        text = f"  {stamp(letter.at_ms)} {letter.object} {called(letter.name, letter.key, letter.destination)} {tried}: {letter.error}"
        out.row(text, kind="dead_letter", **fields_of(letter))


@click.command()
@_limit
@folder_option
@speaks
def audit(limit: int, folder: Path, out: Output) -> None:
    """List who changed what, and why.

    Newest first: people at the console, commands (cli:USER), and the hub's own gates.

    \b
    Example: interlock audit --limit 5
    """

    async def ask(views: "SqliteViews") -> None:
        rows = await views.audit(limit=limit)
        for row in rows:
            fields = fields_of(row)
            out.row(
                f"{stamp(row.at_ms)} {row.who} {row.action} {row.subject}: {row.why or 'no reason given'}", **fields
            )
        out.summary(_listed(len(rows), limit, "entry", "entries"), entries=len(rows))

    read(folder, out, ask)


def _listed(count: int, limit: int, word: str, words: str = "") -> str:
    more = "; there may be more: --limit" if count == limit else ""
    return f"{counted(count, word, words)}{more}"
