"""Square as a channel: reads what the tills show, and writes lines so that each counts once and a sale between is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from interlock.connectors.contract import (
    Answer,
    Connection,
    Done,
    Manifest,
    Outcome,
    Refused,
    Retry,
    classify,
    stock,
)
from interlock.connectors.square import answers, catalogue, news
from interlock.connectors.square.calls import Body, Calls, Deadline
from interlock.connectors.square.counts import Count, CountPage, counts_of, page_of, seen_of
from interlock.connectors.square.history import CLOCKS_APART_US, History
from interlock.connectors.square.sales import Sales
from interlock.connectors.square.writing import Change, decide, derived, id_of, mark_of

CREATE: Final = "/v2/inventory/changes/batch-create"
LINES_PER_WRITE: Final = 100
"""Changes in a request: square/connect-python-sdk docs/BatchChangeInventoryRequest.md."""
KEY_CHARACTERS_MAX: Final = 128
OF_ONE_LINE: Final = frozenset({"validation", "missing_reference", "gone", "unknown", "conflict", "too_large"})
"""Reasons of a refusal that may be about one change of a batch; the others are about the caller."""
REUSED: Final = "IDEMPOTENCY_KEY_REUSED"

Outcomes = dict[stock.Place, Outcome]


class SquareChannel:
    """One seller's tills. `compares`: the connector compares, since Square cannot; see writing.py for the time between."""

    lines_per_write = LINES_PER_WRITE
    requests_per_write = 2
    """The counts are read, the changes written; what is sent again looks into the history besides."""
    compares = True

    def __init__(self, connection: Connection, manifest: Manifest) -> None:
        settings = connection.settings
        self._calls = Calls(connection)
        self._errors = manifest.error_table
        self._locations = [str(one) for one in settings.get("locations") or ()]
        self._decrease_to = str(settings["decrease_to"])
        overlap_us = round(float(settings["changed_overlap_seconds"]) * 1_000_000)
        self._sales = Sales(self._calls, self._locations, overlap_us)
        self._history = History(self._calls)

    async def items(self, after: str, *, timeout_seconds: float) -> stock.ItemPage | Retry | Refused:
        """All variations."""
        return await catalogue.items(self._calls, after, timeout_seconds)

    async def read(
        self, places: Sequence[stock.Place], *, timeout_seconds: float
    ) -> tuple[stock.Seen, ...] | Retry | Refused:
        """What some places show now; a place that was never counted is not stocked."""
        found = await self._shown(places, self._calls.deadline(timeout_seconds))
        if not isinstance(found, dict):
            return found
        return tuple(seen_of(place, found.get(place)) for place in places)

    async def listing(self, after: str, *, timeout_seconds: float) -> stock.SeenPage | Retry | Refused:
        """All that was ever counted, what changed last first."""
        body: Body = {"location_ids": self._locations} if self._locations else {}
        page = await page_of(self._calls, body, after, self._calls.deadline(timeout_seconds))
        if not isinstance(page, CountPage):
            return page
        return stock.SeenPage(seen=tuple(seen_of(one.place, one) for one in page.counts), after=page.cursor)

    async def sales(self, cursor: str, after: str, *, timeout_seconds: float) -> stock.SalePage | Retry | Refused:
        """Orders that changed since a saved cursor."""
        return await self._sales.page(cursor, after, timeout_seconds)

    def told(self, topic: str, body: bytes) -> stock.Told:
        """What a webhook says."""
        return news.told(topic, body)

    async def look(self, receipt: str, lines: Sequence[stock.Line], *, timeout_seconds: float) -> Retry:  # noqa: ARG002
        """Never asked: a write answers at once."""
        return Retry(code="NO-RECEIPT", message="Square gives no receipts: a write answers at once")

    # -- writing

    async def write(
        self, lines: Sequence[stock.Line], *, key: str, timeout_seconds: float, first: bool = False
    ) -> stock.LineOutcomes:
        """Read, compare, look for what an earlier call of these lines has written (where there may have been one), and write
        the rest."""
        deadline = self._calls.deadline(timeout_seconds)
        shown = await self._shown([line.place for line in lines], deadline)
        if not isinstance(shown, dict):
            return stock.line_outcomes(lines, shown)
        decided = {line.place: self._decided(line, shown.get(line.place), key) for line in lines}
        if not first:
            doubtful = [line for line in lines if _may_be_written(line, shown.get(line.place), decided[line.place])]
            decided |= await self._written_before(doubtful, key, deadline)
        outcomes: Outcomes = {place: one for place, one in decided.items() if not isinstance(one, Change)}
        changes = [one for one in decided.values() if isinstance(one, Change)]
        if changes:
            request_key = key if len(key) <= KEY_CHARACTERS_MAX else derived(key, [])
            outcomes |= await self._send(changes, key, request_key, deadline)
        return tuple(outcomes[line.place] for line in lines)

    def _decided(self, line: stock.Line, count: Count | None, key: str) -> Change | Outcome:
        return decide(line, count, key=key, now_us=self._calls.now_us(), decrease_to=self._decrease_to)

    async def _send(self, changes: list[Change], key: str, request_key: str, deadline: Deadline) -> Outcomes:
        """All of them in one request; when some spoil it, those are named, or found by halves."""
        body: Body = {
            "idempotency_key": request_key,
            "changes": [one.body for one in changes],
            "ignore_unchanged_counts": False,  # else a count that equals the last one is lost, though goods were sold since
        }
        answer = await self._calls.send("POST", CREATE, body, deadline)
        if not isinstance(answer, Answer):
            return _every(changes, answer)
        counts: dict[stock.Place, Count] = {}
        outcome = classify(answer, self._errors, partial(answers.read, counts), now_ms=self._calls.clock.now_ms())
        if isinstance(outcome, Done):
            return {one.line.place: answers.done(one.line, counts.get(one.line.place)) for one in changes}
        if isinstance(outcome, Refused) and outcome.code == REUSED:
            return await self._reused(changes, key, deadline)
        if not isinstance(outcome, Refused) or outcome.reason not in OF_ONE_LINE:
            return _every(changes, outcome)
        if len(changes) == 1:
            return _every(changes, outcome)
        return await self._without_the_spoilt(changes, key, answers.named(answer), outcome, deadline)

    async def _without_the_spoilt(
        self,
        changes: list[Change],
        key: str,
        named: Mapping[int, answers.Problem],
        outcome: Refused,
        deadline: Deadline,
    ) -> Outcomes:
        """The named lines are refused and the rest is sent again; where none is named, each half by itself."""
        spoilt = {n for n in named if n < len(changes)}
        if spoilt:
            refused = {changes[n].line.place: answers.refused(named[n], outcome) for n in sorted(spoilt)}
            parts = [[one for n, one in enumerate(changes) if n not in spoilt]]
        else:
            refused = {}
            half = len(changes) // 2
            parts = [changes[:half], changes[half:]]
        found: Outcomes = dict(refused)
        for part in filter(None, parts):
            found |= await self._send(part, key, derived(key, [one.line.place for one in part]), deadline)
        return found

    async def _reused(self, changes: list[Change], key: str, deadline: Deadline) -> Outcomes:
        """An earlier request of these lines, made when a place showed something else, has reached Square: what of it is in
        the history counted; the rest is decided anew."""
        words = "the place changed while an earlier request was under way; nothing was written"
        lines = [one.line for one in changes]
        stale = Retry(code=stock.STALE, message=words, status=400)
        return _every(changes, stale) | await self._written_before(lines, key, deadline)

    async def _written_before(self, lines: Sequence[stock.Line], key: str, deadline: Deadline) -> Outcomes:
        """Done for those of the lines that the history has our mark of; when it cannot be read, nothing is known of any."""
        if not lines:
            return {}
        marks = await self._history.marks(lines, key, deadline)
        if not isinstance(marks, set):
            return {line.place: marks for line in lines}
        return {line.place: _before(line.place) for line in lines if mark_of(line, key) in marks}

    async def _shown(
        self, places: Sequence[stock.Place], deadline: Deadline
    ) -> dict[stock.Place, Count] | Retry | Refused:
        items, locations = [one.item for one in places], [one.location for one in places]
        return await counts_of(self._calls, items, locations, deadline) if places else {}


def _may_be_written(line: stock.Line, count: Count | None, decided: Change | Outcome) -> bool:
    """Whether an earlier call of this line may have counted: not where nothing changed since the number was true at all."""
    if count is None or isinstance(decided, Done | Refused):
        return False
    untouched = line.as_of_us > 0 and count.at_us + CLOCKS_APART_US < line.as_of_us
    return not untouched


def _before(place: stock.Place) -> Done:
    return Done(external_id=id_of(place), detail="an earlier call had written it", status=200)


def _every(changes: Sequence[Change], outcome: Outcome) -> Outcomes:
    return {one.line.place: outcome for one in changes}
