"""The command show: the story of one order, oldest first: what arrived, each call and its answer, who did what, where it stands."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from interlock.cli.find import one_order
from interlock.cli.output import Output, coloured, counted, fail, fields_of, speaks
from interlock.cli.place import folder_option
from interlock.cli.process import tell_processes
from interlock.cli.store import read
from interlock.cli.times import clock, stamp, took
from interlock.cli.writing import audit_reveal
from interlock.data_folder import data_folder, hub_url

if TYPE_CHECKING:
    from interlock.messaging.process_views import ProcessRow
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.messaging.views import AttemptRow, AuditRow, DeadLetterRow, DeliveryRow, EventRow, Story


UNPROVEN = "topic-unproven"
"""The intake's flag for a body that does not say what it is: the topic is not signed, so nothing is done on its word."""


class Step(NamedTuple):
    """One thing that happened; `fields` are its row as data."""

    at_ms: int
    kind: str
    text: str
    fields: dict[str, Any]


@click.command()
@click.argument("order")
@click.option(
    "--payloads", is_flag=True, help="With the bytes received and sent; they hold personal data, so --why is needed."
)
@click.option("--why", default="", help="The reason for --payloads, for the audit.")
@click.option(
    "--system", default="", help="Where it began, when several systems have its number; else the newest is told."
)
@folder_option
@speaks
def show(order: str, payloads: bool, why: str, system: str, folder: Path, out: Output) -> None:
    """Tell the story of one order.

    ORDER is whatever `find` understands; of several objects the order is told.

    \b
    Examples: interlock show 1001
              interlock show '#1001' --payloads --why "customer asks what we sent"
    """
    if payloads and not why:
        raise click.UsageError("--payloads shows personal data: say --why, for the audit")

    async def ask(views: "SqliteViews") -> None:
        hit = await one_order(views, order)
        story = await views.story(hit.object, hit.key, system=system) if hit else None
        if story is None:
            there = f" in {system}" if system else ""
            out.summary(f"the hub has never heard of {order!r}{there}", f"interlock find '{order}'", found=0)
            fail()
        if payloads:
            await audit_reveal(folder, f"{story.head.object}/{story.head.key}", why)
        mine = {delivery.id for delivery in story.deliveries}
        processes = [one for one in await views.processes(story.head.object, story.head.key) if one.delivery in mine]
        _tell(story, hub_url(data_folder(folder)), out, payloads=payloads, processes=processes)

    read(folder, out, ask, empty_code=1)


def _tell(story: "Story", hub: str, out: Output, *, payloads: bool, processes: "Sequence[ProcessRow]") -> None:
    from interlock.console.filters import object_url

    head = story.head
    if not out.as_json:
        click.echo(_heading(story))
    began = min((event.received_at_ms for event in story.events), default=head.first_seen_ms)
    for step in sorted(_steps(story), key=lambda step: step.at_ms):
        fields = step.fields if payloads else {name: value for name, value in step.fields.items() if name != "body"}
        out.row(f"  {clock(step.at_ms)}  {'+' + took(step.at_ms - began):>9}  {step.text}", kind=step.kind, **fields)
        if payloads and not out.as_json and step.fields.get("body"):
            click.echo(f"    {step.fields['body']}")
    for one in story.deliveries:
        out.row(_stand(one, story), kind="delivery", **fields_of(one))
    tell_processes(processes, out)
    for link in story.links:
        if out.as_json:
            out.row("", kind="link", **fields_of(link))
    dead = sum(one.state == "dead" for one in story.deliveries)
    moves = [f"interlock retry '{head.name or head.key}'"] if dead else []
    moves += [f"interlock show '{head.name or head.key}' --system {other}" for other in story.also_in]
    url = f"{hub}{object_url(head.object, head.key, head.system if story.also_in else '')}" if hub else ""
    events, deliveries = counted(head.events, "event"), counted(len(story.deliveries), "delivery", "deliveries")
    text = f"{head.object} {head.name or head.key}: {events}, {deliveries}, {dead} dead"
    out.summary(
        text,
        *moves,
        *([f"open {url}"] if url else []),
        events=head.events,
        deliveries=len(story.deliveries),
        dead=dead,
        also_in=list(story.also_in),
        url=url,
    )


def _heading(story: "Story") -> str:
    head = story.head
    total = f", {head.summary['total']} {head.summary.get('currency', '')}" if "total" in head.summary else ""
    marks = "".join(f", {word}" for word in ("test", "cancelled") if head.summary.get(word))
    return f"{head.object} {head.name or head.key} of {head.system}{total}{marks}; key {head.key}; first seen {stamp(head.first_seen_ms)}"


def _steps(story: "Story") -> Iterator[Step]:
    names = {one.id: one for one in story.deliveries}
    for event in story.events:
        yield Step(event.received_at_ms, "event", _received(event), _fields(event))
    for attempt in story.attempts:
        yield Step(
            attempt.ended_ms or attempt.begun_ms,
            "attempt",
            _called(attempt, names.get(attempt.delivery)),
            _fields(attempt),
        )
    for letter in story.dead_letters:
        yield Step(letter.at_ms, "dead_letter", _died(letter), _fields(letter))
    for entry in story.audit:
        yield Step(entry.at_ms, "audit", _acted(entry), _fields(entry))


def _fields(row: Any) -> dict[str, Any]:
    """A row as data, its body as text: a byte that is no UTF-8 is shown as such."""
    fields = fields_of(row)
    if isinstance(fields.get("body"), bytes):
        fields["body"] = fields["body"].decode("utf-8", "replace")
    return fields


def _received(event: "EventRow") -> str:
    kept = f"{event.size_bytes:,} bytes" if event.body is not None else "body trimmed"
    again = f", then {counted(len(event.sightings), 'time')} more" if event.sightings else ""
    idle = "; its content does not prove the topic, so no flow starts on it" if UNPROVEN in event.flags.split() else ""
    return f"received {event.topic} as event {event.position}, {kept}, signature verified{again}{idle}"


def _called(attempt: "AttemptRow", delivery: "DeliveryRow | None") -> str:
    where = delivery.destination if delivery else "?"
    if not attempt.verdict:
        return f"{where}: {attempt.operation} is under way, or the process ended in it"
    answer = f" ({attempt.status})" if attempt.status else ""
    result = f", id {attempt.external_id}" if attempt.external_id else ""
    trouble = f": {attempt.code} {attempt.message}".rstrip() if attempt.verdict != "done" else ""
    settled = f" (then {attempt.resolution})" if attempt.resolution else ""
    word = coloured(attempt.verdict)
    return f"{where}: {attempt.operation} {word}{answer} in {took(attempt.ended_ms - attempt.begun_ms)}{result}{trouble}{settled}"


def _died(letter: "DeadLetterRow") -> str:
    closed = (
        f"; {letter.resolution} by {letter.closed_by}" if letter.closed_ms else f"; owner {letter.owner or 'nobody'}"
    )
    after = f"after {counted(letter.attempts, 'attempt')}" if letter.attempts else "without a call"
    return f"{letter.destination}: {coloured('dead')} {after}: {letter.code} {letter.error}{closed}"


def _acted(entry: "AuditRow") -> str:
    return f"{entry.who}: {entry.action} {entry.subject}: {entry.why}"


def _stand(one: "DeliveryRow", story: "Story") -> str:
    links = [link for link in story.links if link.system == one.destination and link.external_id]
    ids = ", ".join(f"{link.operation.partition('.')[0]} {link.external_id}" for link in links)
    way = f"{one.flow} to {one.destination}{f' ({one.signal})' if one.signal else ''}"
    after = (
        f" after {took(one.done_ms - one.received_ms)}"
        if one.state == "done" and one.done_ms >= one.received_ms
        else ""
    )
    trouble = "".join(
        f"; {text}" for text in (f"{one.code} {one.error}".strip(), one.warnings.replace("\n", "; ")) if text
    )
    return f"{coloured(one.state, 10)} {way}{after}{f': {ids}' if ids and not one.signal else ''}{trouble}"
