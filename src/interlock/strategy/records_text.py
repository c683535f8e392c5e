"""The map of systems of record as a page of Markdown."""

from collections.abc import Iterator

from interlock.strategy.model import Strategy, System
from interlock.strategy.ownership import Claim, claims_of
from interlock.strategy.records import Holder, Records, Row, Written, owner_of


def as_markdown(found: Records, strategy: Strategy) -> str:
    """Objects and field groups with their records and owners, who is asked, and what each flow writes."""
    return "\n".join(_lines(found, strategy)) + "\n"


def claims_in_words(system: System) -> list[str]:
    """What one system says that it is record of: `order`, `customer of its own`, `order.note at channel pos`."""
    return [_claim(claim) for claim in claims_of(system)]


def _claim(claim: Claim) -> str:
    if claim.written[0] == "record_of_own":
        return f"{claim.thing} of its own"
    return f"{claim.thing} at {claim.conditions()}" if claim.where else claim.thing


def held_in_words(holder: Holder, strategy: Strategy) -> str:
    """`NetSuite`, `POS (at location 12)`, `Belgium (of its own)`."""
    system = strategy.systems.get(holder.system)
    title = system.title if system else holder.system
    if holder.where == f"origin {holder.system}":
        return f"{title} (of what began there)"
    return f"{title} (at {holder.where})" if holder.where else title


def _lines(found: Records, strategy: Strategy) -> Iterator[str]:
    yield f"# Systems of record of {strategy.title}"
    yield ""
    yield "A system is record of an object, or of a group of its fields, when its word counts. Flows from other systems do not"
    yield "overwrite it: what is not theirs is left out of what they write, and told on the delivery and in the audit."
    yield ""
    yield "| Object | Fields | Record | Owner | Contact | Written by |"
    yield "|---|---|---|---|---|---|"
    for row in found.rows:
        yield _row(row, found, strategy)
    yield ""
    yield "## Who is asked"
    yield ""
    yield "| Team | Systems | Contact | Then |"
    yield "|---|---|---|---|"
    for name, team in strategy.teams.items():
        mine = [system.title for system in strategy.systems.values() if system.owner == name]
        if mine:
            yield _cells(name, ", ".join(mine), team.contact, team.escalation)
    yield ""
    yield "## What each flow writes"
    yield ""
    yield "| Flow | From | To | Fields | Left out, and whose it is |"
    yield "|---|---|---|---|---|"
    for one in found.written:
        left = ", ".join(f"`{foreign.field}` ({foreign.record or 'nobody'})" for foreign in one.left_out)
        yield _cells(one.flow, one.source, one.destination, fields_in_words(one), left)


def fields_in_words(one: Written) -> str:
    """`order: lines (6), name, note; customer: email`: what has parts with the number of those that are written."""
    objects = (
        f"{name}: {', '.join(f'{step} ({count})' if count > 1 else step for step, count in steps.items())}"
        for name, steps in one.grouped().items()
    )
    return "; ".join(one.removesuffix(": ") for one in objects)


def _row(row: Row, found: Records, strategy: Strategy) -> str:
    name = ("", f"`{row.name}`") if row.group else (f"**{row.thing}**", "all others" if found.groups_of(row) else "all")
    held = "; ".join(held_in_words(holder, strategy) for holder in row.holders) or "nobody"
    teams = list(dict.fromkeys(team for holder in row.holders if (team := owner_of(strategy, holder.system))))
    flows = sorted({flow for flows in row.writes.values() for flow in flows})
    owners = ", ".join(team.name for team in teams)
    return _cells(*name, held, owners, ", ".join(team.contact for team in teams), ", ".join(flows))


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
