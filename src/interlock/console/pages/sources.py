"""Sources that tell too little: no token, webhooks that are missing, a comparison that is overdue. Orders may be missing then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from interlock.connectors.token_store import TokenState
from interlock.console.access import access_of
from interlock.console.health import zone_of
from interlock.console.pages.reconciliation import NEWEST, first_look_ms
from interlock.console.rendering import Console
from interlock.console.wording import clock_time, counted, sentence_list
from interlock.messaging.subscriptions import Kept
from interlock.operations.backfills import plural_of
from interlock.operations.reconciliation import Compared, compared
from interlock.strategy.model import System


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One trouble of one source: `what` it is, `words` of what to do, `sentence` for the answer line. `since_ms` may be 0."""

    system: str
    owner: str
    state: str
    what: str
    words: str
    since_ms: int
    href: str
    sentence: str


async def source_rows(console: Console) -> list[SourceRow]:
    """One for each source at most: what comes first explains what follows, for without a token nothing can be repaired."""
    tokens = await console.tokens() if console.tokens else []
    kept = await console.views.subscriptions()
    began_ms = first_look_ms(console, await console.views.sweeps(NEWEST))
    objects = compared(console.strategy, await console.views.latest_sweeps(), began_ms, console.now_ms)
    found = (_of(console, system, tokens, kept, objects) for system in console.strategy.systems.values())
    return [row for row in found if row is not None]


def _of(
    console: Console, system: System, tokens: Sequence[TokenState], kept: Sequence[Kept], objects: Sequence[Compared]
) -> SourceRow | None:
    missing = [one for one in kept if one.system == system.name and one.state == "missing"]
    overdue = [one for one in objects if one.system == system.name and one.overdue]
    ways = (_access(console, system, tokens), _webhooks(console, system, missing), _comparison(console, system, overdue))
    return next((row for way in ways for row in way), None)


def _access(console: Console, system: System, tokens: Sequence[TokenState]) -> Iterator[SourceRow]:
    access = access_of(system, tokens)
    if access is None or access.health is None:
        return
    since_ms = max((one.reconnect.since_ms for one in tokens if one.system == system.name and one.reconnect), default=0)
    word = "must be reconnected" if access.health.state == "dead" else "lets us do less than before"
    yield _row(console, system, access.health.state, word, access.health.why, since_ms, f"/systems#{system.name}")


def _webhooks(console: Console, system: System, missing: Sequence[Kept]) -> Iterator[SourceRow]:
    if not missing:
        return
    topics = sentence_list([one.topic for one in missing])
    why = next((one.problem for one in missing if one.problem), "the hub makes them again")
    what = f"lacks {counted(len(missing), 'webhook')}"
    yield _row(console, system, "dead", what, f"{topics}: {why}", min(one.since_ms for one in missing), f"/systems#{system.name}")


def _comparison(console: Console, system: System, overdue: Sequence[Compared]) -> Iterator[SourceRow]:
    if not overdue:
        return
    objects = sentence_list([plural_of(one.object) for one in overdue])
    last_ms = min((one.last.ended_ms for one in overdue if one.last), default=0)
    words = f"{objects} were not compared for too long; what webhooks did not tell is not found"
    yield _row(console, system, "retrying", "is overdue to be compared", words, last_ms, "/reconciliation")


def _row(console: Console, system: System, state: str, what: str, words: str, since_ms: int, href: str) -> SourceRow:
    since = f" since {clock_time(since_ms, console.now_ms, zone_of(console.strategy))}" if since_ms else ""
    return SourceRow(
        system=system.name, owner=system.owner, state=state, what=f"{system.title} {what}", words=words, since_ms=since_ms,
        href=href, sentence=f"{system.title} {what}{since}",
    )  # fmt: skip
