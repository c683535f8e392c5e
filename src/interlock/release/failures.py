"""Recorded objects that a release cannot translate: each kind of failure once, with its path, a count and a sample."""

import re
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from interlock.errors import InterlockError, UnmappedReference
from interlock.messaging.event import Event
from interlock.messaging.write import Past
from interlock.release.build import Build

_INDEX = re.compile(r"\[\d+\]")
_NOTHING_WRITTEN = Past()


class Failure(Struct, kw_only=True):
    """`path` is where the value stands, for any place in its lists; `system` reads it (the source) or gets it. No value is
    told: it may be personal.
    """

    system: str
    code: str
    path: str
    what: str
    sample: str
    count: int = 0


def failures(build: Build, flow: str, events: Iterable[Event]) -> list[Failure]:
    """What a flow's complete recorded events fail with, the most frequent first. Nothing is sent."""
    rule = build.strategy.flows[flow]
    found: dict[tuple[str, str, str], Failure] = {}
    for event in events:
        if event.body is None or not event.complete or not any(want.flow == flow for want in build.wants(event)):
            continue
        for system, error in _failing(build, flow, rule.destinations, event, event.body):
            failure = _failure(system, error, event.name or event.key)
            found.setdefault((system, failure.code, failure.path), failure).count += 1
    return sorted(found.values(), key=lambda failure: (-failure.count, failure.system, failure.path))


def _failing(
    build: Build, flow: str, destinations: Iterable[str], event: Event, body: bytes
) -> Iterable[tuple[str, Exception]]:
    try:
        straight = build.straight(flow)
        document = build.raw(flow, event.key, body) if straight else build.document(event.system, event.object, body)
    except Exception as error:  # noqa: BLE001  the user's functions may raise anything
        yield event.system, error
        return
    for destination in destinations:
        failed = _planning(build, destination, event.system, document.value)
        if failed is not None:
            yield destination, failed


def _planning(build: Build, destination: str, source: str, value: Any) -> Exception | None:
    try:
        build.destination(destination, source).plan(value, signal="", past=_NOTHING_WRITTEN)
    except UnmappedReference:
        return None  # waits for its counterpart: the state of the world, not of the mapping
    except Exception as error:  # noqa: BLE001  as above
        return error
    return None


def _failure(system: str, error: Exception, name: str) -> Failure:
    if isinstance(error, InterlockError):
        path = _INDEX.sub("[]", error.where).removeprefix("$.")
        return Failure(system=system, code=error.code, path=path, what=error.what, sample=name)
    return Failure(system=system, code=type(error).__name__, path="", what="in a function of the mapping", sample=name)
