"""Calls people: a page is a POST of `{"text": ...}` (Slack's incoming webhooks, and what imitates them) to a declared host.

Source of the form: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (read 2026-11-23).
A page tells flows, systems, teams and times: never an order, never a person.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from interlock.connectors.http import Http
from interlock.messaging.process import STEERING
from interlock.messaging.silences import Silence
from interlock.messaging.stock_book import SHOWN, channel_of
from interlock.strategy.model import Strategy, Team
from interlock.strategy.secrets import SecretError, resolve

PAGE_SECONDS = 10.0
MINUTE_MS = 60_000
HEADERS = {"content-type": "application/json"}
NOBODY = Team(name="nobody", contact="nobody", escalation="nobody")


class Page(msgspec.Struct, frozen=True):
    """What is said, and the reference to the address that it is said to; "" when the folder names none."""

    reference: str
    text: str


class Pager:
    """One pool of connections per set of declared hosts, so that a page reaches no host that the folder does not name."""

    def __init__(
        self, folder: Path, environ: Mapping[str, str], open_http: Callable[[frozenset[str]], Http] = Http
    ) -> None:
        self._folder = folder
        self._environ = environ
        self._open_http = open_http
        self._hosts: frozenset[str] = frozenset()
        self._http: Http | None = None

    async def page(self, strategy: Strategy, page: Page) -> str:
        """Post it once. "" when it was taken, else why not, without the address: that is a secret."""
        try:
            address = resolve(page.reference, self._folder, self._environ)
        except SecretError as error:
            return error.what
        http = await self._for(strategy.declared_hosts())
        body = msgspec.json.encode({"text": page.text})
        answer = await http.send("POST", address, HEADERS, body, PAGE_SECONDS)
        if 200 <= answer.status < 300:
            return ""
        return f"{answer.code} {answer.error}".strip() if answer.error else f"it answered {answer.status}"

    async def _for(self, hosts: frozenset[str]) -> Http:
        if self._http is None or hosts != self._hosts:
            await self.close()
            self._hosts, self._http = hosts, self._open_http(hosts)
        return self._http

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None


def first_call(strategy: Strategy, silence: Silence, now_ms: int) -> Page:
    """To the owner, once per silence."""
    team = strategy.teams.get(silence.owner, NOBODY)
    flow = strategy.flows.get(silence.flow)
    runbook = f" Runbook: {flow.runbook}." if flow else ""
    text = f"{_head(strategy, silence, now_ms)} Owner {team.name}, {team.contact}.{runbook} Look: interlock flows {silence.flow}"
    return Page(_address(strategy, silence.owner), text)


def escalation(strategy: Strategy, silence: Silence, now_ms: int) -> Page:
    """To the team's escalation, once, when the silence has outlasted the first page."""
    team = strategy.teams.get(silence.owner, NOBODY)
    text = f"ESCALATION to {team.escalation}. {_head(strategy, silence, now_ms)} {team.name} was paged {_at(strategy, silence.paged_ms)}."
    return Page(strategy.alerts.escalation_webhook or _address(strategy, silence.owner), text)


def over(strategy: Strategy, silence: Silence) -> Page:
    """The end of a silence that somebody was called for."""
    lasted = _span(silence.ended_ms - silence.since_ms)
    place = f"[{strategy.title}, {strategy.environment}]"
    text = f"{place} {_title(strategy, silence)} is silent no more, after {lasted}: {silence.ended_because}."
    return Page(_address(strategy, silence.owner), text)


def _address(strategy: Strategy, owner: str) -> str:
    return strategy.alerts.teams.get(owner, strategy.alerts.webhook)


def _head(strategy: Strategy, silence: Silence, now_ms: int) -> str:
    titles = [_end(strategy, name) for name in silence.destinations]
    happened = "nothing" if silence.kind == "silent" else "far too little"
    return (
        f"[{strategy.title}, {strategy.environment}] {_title(strategy, silence)} is silent: {happened} has reached {' and '.join(titles)} "
        f"since {_at(strategy, silence.since_ms)} ({_span(now_ms - silence.since_ms)}); {silence.expected}."
    )


def _end(strategy: Strategy, destination: str) -> str:
    if destination.startswith(STEERING):
        return "the end of its process"
    system = channel_of(destination)
    title = strategy.systems[system].title if system in strategy.systems else system
    return f"{title} (stock)" if destination.startswith(SHOWN) else title


def _title(strategy: Strategy, silence: Silence) -> str:
    flow = strategy.flows.get(silence.flow)
    return f"{flow.title} ({flow.name})" if flow else silence.flow


def _at(strategy: Strategy, at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone(ZoneInfo(strategy.timezone))
    return f"{moment:%Y-%m-%d %H:%M %Z}"


def _span(milliseconds: int) -> str:
    minutes = max(0, milliseconds) // MINUTE_MS
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
