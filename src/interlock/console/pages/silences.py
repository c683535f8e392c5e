"""Flows that are enabled and do nothing: since when, what was expected, and who was called."""

from collections.abc import Iterable

import msgspec

from interlock.console.health import flow_title, zone_of
from interlock.console.rendering import Console
from interlock.console.wording import clock_time
from interlock.messaging.silences import Silence


class SilenceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One silence as people read it. `troubled`: somebody should have been called, and could not be."""

    flow: str
    title: str
    owner: str
    destinations: tuple[str, ...]
    since_ms: int
    expected: str
    called: str
    troubled: bool
    runbook: str
    sentence: str


def silence_rows(console: Console, silences: Iterable[Silence]) -> list[SilenceRow]:
    """In the order in which they were found."""
    return [_row(console, silence) for silence in silences]


def _row(console: Console, silence: Silence) -> SilenceRow:
    flow = console.strategy.flows.get(silence.flow)
    title = flow_title(console.strategy, silence.flow)
    since = clock_time(silence.since_ms, console.now_ms, zone_of(console.strategy))
    return SilenceRow(
        flow=silence.flow,
        title=title,
        owner=silence.owner,
        destinations=silence.destinations,
        since_ms=silence.since_ms,
        expected=silence.expected,
        called=_called(console, silence),
        troubled=bool(silence.problem),
        runbook=flow.runbook if flow else "",
        sentence=f"{title} has been silent since {since}: {silence.expected}.",
    )


def _called(console: Console, silence: Silence) -> str:
    """Who knows of it."""
    zone, now_ms, alerts = zone_of(console.strategy), console.now_ms, console.strategy.alerts
    if silence.problem:
        return f"the page did not go out: {silence.problem}"
    if silence.escalated_ms:
        return f"escalated at {clock_time(silence.escalated_ms, now_ms, zone)}"
    if silence.paged_ms:
        return f"{silence.owner} was paged at {clock_time(silence.paged_ms, now_ms, zone)}"
    return (
        "a page is due"
        if alerts.teams.get(silence.owner, alerts.webhook)
        else "nobody is called: [alerts] names no address"
    )
