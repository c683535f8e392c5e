"""Outages: a destination that does not answer is one issue, with what waits, whose it is and the next move."""

from collections.abc import Sequence

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from interlock.console.filters import url
from interlock.console.health import (
    DOWN,
    WAITING,
    Answer,
    Health,
    carried,
    destination_state,
    ends_of,
    system_at,
    title_of,
    zone_of,
)
from interlock.console.rendering import Console, console_of, page
from interlock.console.wording import clock_time, counted, number, span
from interlock.messaging.ledger import Filter
from interlock.messaging.views import DestinationHealth

ROWS_ON_A_PAGE = 50


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """A destination whose breaker is not closed. `count` deliveries wait for it; `what` is `50 orders`."""

    destination: str
    title: str
    owner: str
    count: int
    what: str
    sentence: str
    since_ms: int
    said: str
    probe_seconds: float

    @property
    def listed(self) -> str:
        """The list of exactly what waits."""
        return url("/deliveries", destination=self.destination, state=",".join(WAITING))

    @property
    def replay(self) -> str:
        """The preview of replaying all of it."""
        return url("/bulk", action="replay", destination=self.destination, state=",".join(WAITING))


def outages(console: Console, health: Sequence[DestinationHealth]) -> list[Outage]:
    """Every destination that does not answer, the one with most waiting first."""
    found = [_outage(console, each) for each in health if each.breaker in DOWN]
    return sorted(found, key=lambda outage: -outage.count)


def _outage(console: Console, health: DestinationHealth) -> Outage:
    strategy = console.strategy
    system = system_at(strategy, health.destination)
    title = title_of(strategy, health.destination)
    count = sum(health.open.get(state, 0) for state in WAITING)
    what = counted(count, *carried(strategy, health.destination))
    since = clock_time(health.changed_ms, console.now_ms, zone_of(strategy))
    wait = "waits" if count == 1 else "wait"
    return Outage(
        destination=health.destination,
        title=title,
        owner=system.owner if system else "",
        count=count,
        what=what,
        sentence=f"{title} has not answered since {since}" + (f": {what} {wait}." if count else "."),
        since_ms=health.changed_ms,
        said=health.last_error,
        probe_seconds=system.breaker.probe_interval_seconds if system else 0.0,
    )


async def outage(request: Request) -> Response:
    """One outage: what it means, what waits, what else goes on meanwhile."""
    console = console_of(request)
    name = request.path_params["name"]
    system = system_at(console.strategy, name)
    if system is None:
        raise HTTPException(404)
    title = title_of(console.strategy, name)
    health = {each.destination: each for each in await console.views.destination_health(console.now_ms)}
    found = next(iter(outages(console, [health[name]])), None) if name in health else None
    waiting = await console.views.deliveries(Filter(destination=name, states=WAITING, limit=ROWS_ON_A_PAGE))
    return page(
        request,
        "outage.html",
        title=f"{title} does not answer" if found else f"{title} answers",
        command="interlock status",
        live="outage",
        answer=_answer(found, title, len(waiting)),
        outage=found,
        system=system,
        team=console.strategy.teams.get(system.owner),
        flows=[flow for flow in console.strategy.flows.values() if name in ends_of(flow)],
        others=[(each, _state(console, each)) for each in health.values() if each.destination != name],
        rows=waiting,
        every=span(found.probe_seconds) if found else "",
    )


def _answer(found: Outage | None, title: str, waiting: int) -> Answer:
    if found:
        return Answer(state="retrying", text=found.sentence)
    left = f"; {number(waiting)} still on the way" if waiting else ""
    return Answer(state="done", text=f"{title} answers{left}.")


def _state(console: Console, health: DestinationHealth) -> Health:
    title = title_of(console.strategy, health.destination)
    return destination_state(health, title, console.now_ms, zone_of(console.strategy))
