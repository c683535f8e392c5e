"""/strategy/records: which system is record of what, who owns it, which flows write it, and what was left out lately."""

from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from interlock.connectors import registry
from interlock.console.filters import url
from interlock.console.health import Answer, title_of
from interlock.console.rendering import Console, console_of, page
from interlock.console.wording import counted, sentence_list
from interlock.messaging.refused import RefusedCount
from interlock.strategy.contracts import contract_of
from interlock.strategy.model import Team
from interlock.strategy.records import Holder, Records, Row, records_of
from interlock.strategy.records_text import fields_in_words, held_in_words

PERIOD, PERIOD_DAYS = "7d", 7
DAY_MS = 86_400_000


class Cell(msgspec.Struct, frozen=True):
    """One thing at one system: `record` and, where it is one at some places only, which; flows that write it there, and
    flows that would."""

    system: str
    record: bool
    where: str
    writes: tuple[str, ...]
    refused: tuple[str, ...]


class Line(msgspec.Struct, frozen=True):
    """A row of the table: a thing, its cells by system, and the teams to ask."""

    row: Row
    split: bool
    cells: tuple[Cell, ...]
    holders: tuple[str, ...]
    teams: tuple[Team, ...]


async def records(request: Request) -> Response:
    """The table object x system, what each flow writes, and what was left out."""
    console = console_of(request)
    found = records_of(console.strategy, registry.facts())
    refused = await console.views.refused_fields(console.now_ms - PERIOD_DAYS * DAY_MS)
    return page(
        request,
        "records.html",
        title="Systems of record",
        command="interlock records",
        answer=_answer(console, found, refused),
        lines=[_line(console, found, row) for row in found.rows],
        systems=found.systems,
        written=[(one, fields_in_words(one)) for one in found.written],
        refused=[(count, _listed(count)) for count in refused],
        asked=_asked(console, found),
        contracts=_contracts(console, found),
    )


def _contracts(console: Console, found: Records) -> Mapping[str, str]:
    """The contract of each thing that has one, such as `order.v1`."""
    known = {row.thing: contract_of(console.strategy, row.thing) for row in found.rows}
    return {thing: contract.key for thing, contract in known.items() if contract}


def _line(console: Console, found: Records, row: Row) -> Line:
    strategy = console.strategy
    owners = dict.fromkeys(
        strategy.systems[holder.system].owner for holder in row.holders if holder.system in strategy.systems
    )
    return Line(
        row=row,
        split=not row.group and bool(found.groups_of(row)),
        cells=tuple(_cell(row, name) for name in found.systems),
        holders=tuple(held_in_words(holder, strategy) for holder in row.holders),
        teams=tuple(strategy.teams[name] for name in owners if name in strategy.teams),
    )


def _cell(row: Row, system: str) -> Cell:
    held: Holder | None = row.held_by(system)
    where = "of what began there" if held and held.where == f"origin {system}" else held.where if held else ""
    return Cell(system, held is not None, where, row.writes.get(system, ()), row.refused.get(system, ()))


def _listed(count: RefusedCount) -> str:
    """The deliveries that the number counts, and no others."""
    return url("/deliveries", flow=count.flow, destination=count.destination, refused=count.field, since=PERIOD)


def _answer(console: Console, found: Records, refused: tuple[RefusedCount, ...]) -> Answer:
    """Whether each thing that moves has one record, and whether somebody tried to write what is another's."""
    objects = [row for row in found.rows if not row.group]
    holders = {holder.system for row in found.rows for holder in row.holders}
    text = (
        f"{counted(len(objects), 'object')} in {counted(len(holders), 'system')}: each field that moves has one record."
    )
    if not refused:
        return Answer(state="done", text=text, more="No flow tried to write what is another's in 7 days.")
    titles = sentence_list(list(dict.fromkeys(title_of(console.strategy, count.record) for count in refused)))
    more = f"What is {titles}'s was left out of {counted(sum(one.deliveries for one in refused), 'delivery', 'deliveries')} in 7 days."
    return Answer(state="held", text=text, more=more)


def _asked(console: Console, found: Records) -> Mapping[str, list[str]]:
    """The teams that answer for the systems of the map, with these."""
    teams: dict[str, list[str]] = {}
    for name in found.systems:
        system = console.strategy.systems[name]
        teams.setdefault(system.owner, []).append(system.title)
    return teams
