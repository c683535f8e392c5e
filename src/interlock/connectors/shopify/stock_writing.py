"""Carries out one stock write: all lines in one call where the store takes them, and never one bad line before good ones.

The store writes all lines of a call or none. So a line that it blames is taken out and the rest is written again; where it
blames none, the call is halved until the line is found (C60). Each call has a key that follows from the write's own and the
lines in it: after a crash the same write makes the same calls under the same keys, and counts once (C59).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from interlock.connectors.contract import Answer, Clock, Done, Manifest, Outcome, Refused, Retry, Uncertain, stock
from interlock.connectors.shopify import stock_lines as lines_of
from interlock.connectors.shopify.graphql import Admin, Complaints, Data
from interlock.connectors.shopify.reply import Reply, failure

LOG = logging.getLogger("interlock.shopify")

CALLS_MAX: Final = 60
"""A write that needs more calls goes on when it is tried again: what was decided until then is taken out of it."""
NEW_KEYS_MAX: Final = 3
NOT_SENT: Final = Retry(code="NOT-SENT", message="it was not sent, since what was sent before it did not end well")
NO_TIME: Final = Retry(code="NO-TIME", message="no time was left to send it")

Numbers = tuple[int, ...]
Said = Data | Complaints | Retry | Refused | Uncertain


class StockWrite:
    """One write of some lines under one key. `outcomes` may be asked once."""

    def __init__(
        self,
        admin: Admin,
        manifest: Manifest,
        clock: Clock,
        lines: Sequence[stock.Line],
        key: str,
        timeout_seconds: float,
    ) -> None:
        self._admin, self._manifest, self._clock = admin, manifest, clock
        self._lines, self._key = lines, key
        self._ends = clock.monotonic() + timeout_seconds
        self._uri = lines_of.reference_uri(lines, key)
        self._outcomes: dict[int, Outcome] = {}
        self._activated: set[int] = set()
        self._stopped: Outcome | None = None
        self._calls = 0

    async def outcomes(self) -> stock.LineOutcomes:
        """What became of each line, in their order."""
        for number, error in lines_of.wrong_beforehand(self._lines).items():
            self._outcomes[number] = self._meaning(error)
        for number in self._open():
            if self._lines[number].activate:
                await self._activate(number)
        work = [self._open()]
        while work:
            numbers = work.pop()
            if numbers:
                work += await self._set(numbers)
        return tuple(self._outcomes[number] for number in range(len(self._lines)))

    def _open(self) -> Numbers:
        return tuple(number for number in range(len(self._lines)) if number not in self._outcomes)

    # -- setting

    async def _set(self, numbers: Numbers) -> list[Numbers]:
        """Write these lines in one call; what then is left to be written, the first last."""
        if self._stopped is not None:
            return self._settle(numbers, self._stopped)
        said = await self._once("inventory_set_quantities", {"input": self._input(numbers)}, self._key_of(numbers))
        if isinstance(said, Complaints):
            return await self._sorted_out(numbers, said)
        if isinstance(said, dict):
            for number in numbers:
                self._outcomes[number] = Done(external_id=lines_of.place_id(self._lines[number].place), status=200)
            return []
        if isinstance(said, Refused) and said.reason == "validation":  # one line's value makes the whole call invalid
            return _halves(numbers) if len(numbers) > 1 else self._settle(numbers, said)
        self._stopped = NOT_SENT if isinstance(said, Uncertain) else said
        return self._settle(numbers, said)

    async def _sorted_out(self, numbers: Numbers, said: Complaints) -> list[Numbers]:
        """Take out the lines that are to blame, each with its outcome; nothing of the call was written."""
        whole = lines_of.of_the_whole(said.errors)
        if whole is not None:
            return self._settle(numbers, self._meaning(whole))
        blamed = lines_of.blamed(said.errors, len(numbers))
        if not blamed:
            return _halves(numbers) if len(numbers) > 1 else self._settle(numbers, said.meaning)
        rest = [number for place, number in enumerate(numbers) if place not in blamed]
        for place, error in sorted(blamed.items()):
            number = numbers[place]
            if lines_of.code_of(error) != lines_of.NOT_STOCKED or number in self._activated:
                self._outcomes[number] = self._meaning(error)
            elif await self._activate(number):
                rest.append(number)
        return [tuple(sorted(rest))]

    def _input(self, numbers: Numbers) -> dict[str, Any]:
        return {
            "name": lines_of.NAME,
            "reason": lines_of.REASON,
            "referenceDocumentUri": self._uri,
            "quantities": self._quantities(numbers),
        }

    def _quantities(self, numbers: Numbers) -> list[dict[str, Any]]:
        """What was just stocked shows nothing yet, whatever it showed before."""
        expected = (
            (self._lines[number], 0 if number in self._activated else self._lines[number].change_from)
            for number in numbers
        )
        return [lines_of.quantity_input(line, change_from) for line, change_from in expected]

    def _key_of(self, numbers: Numbers) -> str:
        """The write's own key for the call that holds exactly its lines, else one that follows from it and the lines."""
        if len(numbers) == len(self._lines) and not self._activated:
            return self._key
        return lines_of.derived_key(self._key, "set", msgspec.json.encode(self._quantities(numbers)).decode())

    # -- stocking

    async def _activate(self, number: int) -> bool:
        """Stock the item at the location, with nothing there yet; False when its outcome is then known."""
        if self._stopped is not None:
            self._outcomes[number] = self._stopped
            return False
        place = self._lines[number].place
        variables = {
            "item": lines_of.gid("InventoryItem", place.item),
            "location": lines_of.gid("Location", place.location),
        }
        key = lines_of.derived_key(self._key, "activate", place.item, place.location)
        said = await self._once("inventory_activate", variables, key)
        if isinstance(said, dict):
            self._activated.add(number)
            return True
        self._outcomes[number] = self._meaning(said.errors[0]) if isinstance(said, Complaints) else said
        if isinstance(said, Retry) and said.destination_wide:
            self._stopped = said
        return False

    # -- calls and what they mean

    async def _once(self, document: str, variables: Mapping[str, Any], key: str) -> Said:
        """One call. A key under which an attempt failed is used up: nothing was done, so the next that follows from it is
        taken (F30)."""
        for new in range(NEW_KEYS_MAX + 1):
            self._calls += 1
            left = self._ends - self._clock.monotonic()
            if left <= 0 or self._calls > CALLS_MAX:
                return NO_TIME
            tried = lines_of.derived_key(key, "again", str(new)) if new else key
            said = await self._admin.attempt(document, {**variables, "key": tried}, timeout_seconds=left)
            if not _failed_before(said):
                return said
        return Retry(code=lines_of.FAILED_BEFORE, message=f"{NEW_KEYS_MAX} new keys were used up as well")

    def _meaning(self, error: lines_of.Error) -> Outcome:
        """What one error means for its line, by the manifest's table."""
        code = lines_of.code_of(error)
        said = Reply(user_errors=({**error, "code": code} if code else error,))
        meaning = failure(Answer(200, {}, b""), said, self._manifest, sent=b"", now_ms=self._clock.now_ms())
        if code == lines_of.MISMATCH:
            LOG.error("a defect of ours: the key %s was used for two different writes of stock", self._key)
        if code in lines_of.STALE:
            return Retry(code=stock.STALE, message=meaning.message, status=meaning.status)
        return meaning

    def _settle(self, numbers: Numbers, outcome: Outcome) -> list[Numbers]:
        self._outcomes |= dict.fromkeys(numbers, outcome)
        return []


def _halves(numbers: Numbers) -> list[Numbers]:
    """The first half comes first: a stack gives what was laid on it last."""
    middle = len(numbers) // 2
    return [numbers[middle:], numbers[:middle]]


def _failed_before(said: Said) -> bool:
    if isinstance(said, Complaints):
        return any(lines_of.code_of(error) == lines_of.FAILED_BEFORE for error in said.errors)
    return isinstance(said, Retry | Refused | Uncertain) and said.code == lines_of.FAILED_BEFORE
