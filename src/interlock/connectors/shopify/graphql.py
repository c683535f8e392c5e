"""Sends one named document to a store's Admin GraphQL within the app's allowance of points, and tells what came of it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from interlock.connectors.contract import (
    Allowance,
    Answer,
    Connection,
    Hold,
    Lane,
    Observations,
    Refused,
    Retry,
    Uncertain,
    declared_manifest,
)
from interlock.connectors.shopify.cost import QUERY_POINTS_MAX, points
from interlock.connectors.shopify.documents import Document, document
from interlock.connectors.shopify.reply import TOO_MANY, Reply, as_reading, failure, read_reply
from interlock.connectors.shopify.rights import DENIED, Rights, denied_parts, scopes_of
from interlock.connectors.shopify.tokens import keeper

LOG = logging.getLogger("interlock.shopify")

CALL_SHARE_OF_TIMEOUT: Final = 0.5
"""So much of a call's time is kept for the call itself; the rest may be spent waiting for points."""
DEARER_MAX: Final = 5.0
"""Of one document: no more than so many times what we compute is believed, however an answer counts it."""
FACTOR_STEP_MIN: Final = 0.01
VERSION_HEADER: Final = "x-shopify-api-version"

HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}

NO_TIME: Final = Retry(code="NO-TIME", message="no time is left to leave out what the app may not read")
Data = dict[str, Any]
"""The `data` of an answer: integers exact, fractions as Decimal, money as the text that was sent."""


class Complaints(msgspec.Struct, frozen=True):
    """The userErrors of a mutation as they came, each with the input that is to blame, and what they mean together."""

    errors: tuple[Any, ...]
    meaning: Retry | Refused | Uncertain


class Admin:
    """One store's Admin API, as one app. Calls of all flows and processes share the app's points."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._manifest = declared_manifest(connection)
        self.version: str = connection.settings["api_version"]
        self._url = f"{connection.url.rstrip('/')}/admin/api/{self.version}/graphql.json"
        self._allowance = connection.allowance or Allowance(connection.clock)
        self.bucket = bucket_name(connection)
        self._keeper = keeper(connection)
        self._dearer: dict[str, float] = {}
        self.observed = connection.observations or Observations(connection.clock)
        self.rights = Rights(connection.clock, self.version, partial(self.observed.left_out, connection.system))

    async def run(
        self, name: str, variables: Mapping[str, Any] | None = None, *, timeout_seconds: float, lane: Lane = Lane.LIVE
    ) -> Data | Retry | Refused:
        """The data of a query. What could be uncertain may be asked again: a query changes nothing. Optional parts that
        the app may not read are left out: their fields are absent (optional.py)."""
        asked, given = document(name), dict(variables or {})
        ends = self._connection.clock.monotonic() + timeout_seconds
        knew = self.rights.known
        outcome = await self._read(asked, {**self.rights.choices(name), **given}, timeout_seconds, lane)
        if knew or not asked.has_parts or not isinstance(outcome, Refused) or outcome.code != DENIED:
            return outcome
        unknown = await self.rights.learn(lambda: self._scopes(ends, lane))
        if unknown is not None or not (choices := self.rights.choices(name)):
            return outcome
        left = ends - self._connection.clock.monotonic()
        return await self._read(asked, {**choices, **given}, left, lane) if left > 0 else NO_TIME

    async def denied_parts(
        self, name: str, *, timeout_seconds: float, lane: Lane = Lane.LIVE
    ) -> set[str] | Retry | Refused:
        """The optional parts of a document that the app may not read, as the store says now."""
        if not document(name).has_parts:
            return set()
        ends = self._connection.clock.monotonic() + timeout_seconds
        data = await self._scopes(ends, lane)
        if isinstance(data, Retry | Refused):
            return data
        denied = denied_parts(name, self.version, scopes_of(data))
        self.observed.left_out(self._connection.system, name, denied)
        return set(denied)

    async def change(
        self, name: str, variables: Mapping[str, Any], *, timeout_seconds: float, lane: Lane = Lane.LIVE
    ) -> Data | Retry | Refused | Uncertain:
        """The data of a mutation that has its payload and no userErrors; else what they mean."""
        outcome = await self.attempt(name, variables, timeout_seconds=timeout_seconds, lane=lane)
        return outcome.meaning if isinstance(outcome, Complaints) else outcome

    async def attempt(
        self, name: str, variables: Mapping[str, Any], *, timeout_seconds: float, lane: Lane = Lane.LIVE
    ) -> Data | Complaints | Retry | Refused | Uncertain:
        """As `change`, but with the userErrors themselves: of a batch each line has its own."""
        return await self._send(document(name), variables, timeout_seconds, lane)

    async def _scopes(self, ends: float, lane: Lane) -> Data | Retry | Refused:
        left = ends - self._connection.clock.monotonic()
        return await self._read(document("access_scopes"), {}, left, lane) if left > 0 else NO_TIME

    async def _read(
        self, asked: Document, variables: Mapping[str, Any], timeout_seconds: float, lane: Lane
    ) -> Data | Retry | Refused:
        assert asked.kind == "query", f"{asked.name} changes something: use change"
        outcome = await self._send(asked, variables, timeout_seconds, lane)
        failed = outcome.meaning if isinstance(outcome, Complaints) else outcome
        return failed if isinstance(failed, dict) else as_reading(failed)

    async def _send(
        self, asked: Document, variables: Mapping[str, Any], timeout_seconds: float, lane: Lane
    ) -> Data | Complaints | Retry | Refused | Uncertain:
        variables, cost = self._affordable(asked, variables)
        if cost > QUERY_POINTS_MAX:
            computed = points(asked.name, variables, self.version)
            return _too_dear(asked, cost) if computed > QUERY_POINTS_MAX else self._doubted(asked, computed, cost)
        began = self._connection.clock.monotonic()
        waiting = timeout_seconds * (1 - CALL_SHARE_OF_TIMEOUT)
        hold = await self._allowance.take(self.bucket, cost, lane=lane, within_seconds=waiting)
        if not isinstance(hold, Hold):
            return _no_points(cost, hold)
        left = timeout_seconds - (self._connection.clock.monotonic() - began)
        return await self._call(asked, variables, hold, left)

    async def _call(
        self, asked: Document, variables: Mapping[str, Any], hold: Hold, timeout_seconds: float
    ) -> Data | Complaints | Retry | Refused | Uncertain:
        body = msgspec.json.encode({"query": asked.text, "variables": variables})
        used: float | None = None
        reply: Reply | None = None
        try:
            answer = await self._keeper.call(partial(self._post, body, timeout_seconds))
            if not isinstance(answer, Answer):
                used = 0.0
                return answer
            reply = read_reply(answer) if answer.error is None else None
            used = _used(answer, reply)
        finally:
            self._allowance.give_back(self.bucket, hold, used=used, level=reply.level if reply else None)
        self._learn_cost(asked, variables, reply)
        self._learn_version(answer)
        if answer.status == 200 and reply is not None and (reply.complete if asked.kind == "query" else reply.carried_out):
            return dict(reply.data or {})
        now_ms = self._connection.clock.now_ms()
        meaning = failure(answer, reply, self._manifest, sent=body, now_ms=now_ms)
        if answer.status == 200 and reply is not None and reply.user_errors and not reply.errors:
            return Complaints(reply.user_errors, meaning)
        return meaning

    async def _post(self, body: bytes, timeout_seconds: float, token: str) -> Answer:
        headers = {"X-Shopify-Access-Token": token, **HEADERS}
        return await self._connection.http.send("POST", self._url, headers, body, timeout_seconds)

    def _points(self, asked: Document, variables: Mapping[str, Any]) -> float:
        """What a call may cost at most: as computed, or as much more as the store has been seen to count."""
        return points(asked.name, variables, self.version) * self._dearer.get(asked.name, 1.0)

    def _affordable(self, asked: Document, variables: Mapping[str, Any]) -> tuple[dict[str, Any], float]:
        """The variables, with pages so small that the call fits the limit of a query and the whole bucket (C73). The
        rest of a page that became smaller is read by its cursor, like that of any other."""
        most = min(QUERY_POINTS_MAX, self._allowance.bucket(self.bucket).maximum)
        sizes = {name: variables.get(name) or size for name, size in asked.sizes.items()}
        while (cost := self._points(asked, {**variables, **sizes})) > most and any(size > 1 for size in sizes.values()):
            largest = max(sizes, key=lambda name: sizes[name])
            sizes[largest] //= 2
        return {**variables, **sizes}, cost

    def _doubted(self, asked: Document, computed: float, cost: float) -> Retry:
        """Only what was seen before makes it too dear, and what is not sent is seen no more: so it is believed less each
        time, until the store itself is asked."""
        self._dearer[asked.name] = _halfway(self._dearer[asked.name], 1.0)
        message = f"{asked.name} is computed to cost {computed:.0f} points and may cost {cost:.0f}, more than a query's {QUERY_POINTS_MAX}"
        return Retry(code="COST-DOUBTED", message=message, status=TOO_MANY, retry_after_seconds=1.0)

    def _learn_cost(self, asked: Document, variables: Mapping[str, Any], reply: Reply | None) -> None:
        """Up at once, down by halves: one odd answer is forgotten, a changed rule is not."""
        known = self._dearer.get(asked.name, 1.0)
        computed = points(asked.name, variables, self.version)
        if reply is None or reply.cost is None or computed <= 0:
            return
        seen = min(DEARER_MAX, max(1.0, reply.cost / computed))
        if seen > known:
            LOG.warning("%s costs %g points, we computed %g", asked.name, reply.cost, computed)
        self._dearer[asked.name] = seen if seen > known else _halfway(known, seen)

    def _learn_version(self, answer: Answer) -> None:
        answered = answer.headers.get(VERSION_HEADER, "")
        if answered and answered != self.version:
            self.observed.answered_by(self._connection.system, self.version, answered)


def bucket_name(connection: Connection) -> str:
    """One bucket per app and store. An app is its client id, else its one permanent token, of which a print is kept."""
    app = connection.credentials.get("client_id", "")
    if not app:
        token = connection.credentials.get("access_token", "")
        app = hashlib.sha256(token.encode()).hexdigest()[:16]
    return f"{urlsplit(connection.url).netloc.lower()} {app}"


def _halfway(factor: float, towards: float) -> float:
    """Half the way down; what is all but there is there."""
    nearer = (factor + towards) / 2
    return nearer if nearer - towards > FACTOR_STEP_MIN else towards


def _used(answer: Answer, reply: Reply | None) -> float | None:
    """What a call took of the bucket: nothing when it never arrived or was not looked at, None when nobody says."""
    if not answer.sent or (reply is not None and reply.throttled):
        return 0.0
    return reply.used if reply is not None else None


def _too_dear(asked: Document, cost: float) -> Refused:
    """Said before it is sent: its pages are as small as can be."""
    return Refused(
        reason="too_large",
        code="MAX_COST_EXCEEDED",
        message=f"{asked.name} may cost {cost:.0f} points and a query at most {QUERY_POINTS_MAX}; report a defect",
    )


def _no_points(cost: float, wait: float) -> Retry:
    return Retry(
        code="NO-POINTS",
        message=f"the app's bucket lacks some of the {cost:.0f} points that this call may cost",
        status=TOO_MANY,
        retry_after_seconds=wait,
        destination_wide=True,
    )
