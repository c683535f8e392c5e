"""The watch over flows that are enabled and do nothing (C90): a silence is found, written down, told, and its end too.

A flow is **silent** when one of its destinations had no success for longer than `slo.silence_after_minutes`, counted from the
last success or from the moment the flow was enabled, whichever is later. It is **sparse** when a destination had less than a
fifth of `slo.expected_events_per_day`, counted over as many days as five deliveries are expected in (at least one, at
most thirty), and at least five fewer than expected: chance alone does not call anybody. A flow that the folder or a person
has paused is not watched, and its clock starts anew when it goes on.
"""

import logging
import math
from collections.abc import Callable

from interlock.clock import Clock
from interlock.messaging.full_disk import until_there_is_space
from interlock.messaging.process import steering_of
from interlock.messaging.silences import Finding, Silence, SilenceBook
from interlock.messaging.stock_book import shown_at
from interlock.messaging.stops import Stops
from interlock.operations.pager import Pager, escalation, first_call, over
from interlock.strategy.model import Flow, Strategy

LOOK_SECONDS = 60.0
"""Between two looks, and before the first one: what was late when the hub started has so long to arrive."""
SPARSE_SHARE = 0.2
FEWEST_EXPECTED = 5.0
LONGEST_WINDOW_DAYS = 30
MINUTE_MS = 60_000
DAY_MS = 86_400_000

SILENT, OVER, NOT_CALLED = "FLW001", "FLW002", "FLW003"

LOG = logging.getLogger("interlock.operations")


class SilenceWatch:
    """Durable over restarts: what was found, and who was called, stands in the book."""

    def __init__(
        self, book: SilenceBook, *, strategy: Callable[[], Strategy], stops: Stops, pager: Pager, clock: Clock
    ) -> None:
        self._book = book
        self._strategy = strategy
        self._stops = stops
        self._pager = pager
        self._clock = clock

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            await until_there_is_space(self.look, self._clock)

    async def look(self) -> None:
        """One look at every flow, then the pages that are due."""
        strategy, now_ms = self._strategy(), self._clock.now_ms()
        watched = [flow for flow in strategy.flows.values() if self._is_watched(flow)]
        since = await self._book.enabled_since([flow.name for flow in watched], now_ms)
        for flow in watched:
            found = await self._judge(flow, since[flow.name], now_ms)
            if found is None:
                await self._end(flow.name, "it delivers again", now_ms)
            elif await self._book.open(found, now_ms):
                LOG.warning(
                    "%s flow %s is %s: %s; owner %s", SILENT, flow.name, found.kind, found.expected, found.owner
                )
        await self._end_unwatched(strategy, {flow.name for flow in watched}, now_ms)
        for silence in await self._book.silences():
            await self._call(strategy, silence)

    def _is_watched(self, flow: Flow) -> bool:
        slo = flow.slo
        declared = slo.silence_after_minutes is not None or slo.expected_events_per_day
        return bool(declared) and not flow.paused and self._stops.of(flow.name) is None

    async def _judge(self, flow: Flow, enabled_ms: int, now_ms: int) -> Finding | None:
        minutes, since_ms, silent, sparse = flow.slo.silence_after_minutes, now_ms, [], []
        for destination in ends(flow):
            last_ms = max(enabled_ms, await self._book.last_success_ms(flow.name, destination))
            if minutes is not None and now_ms - last_ms > minutes * MINUTE_MS:
                silent.append(destination)
                since_ms = min(since_ms, last_ms)
            elif await self._is_sparse(flow, destination, enabled_ms, now_ms):
                sparse.append(destination)
        if silent:
            words = f"something is expected at least every {minutes:g} min"
            return Finding(
                flow=flow.name,
                owner=flow.owner,
                kind="silent",
                destinations=tuple(silent),
                since_ms=since_ms,
                expected=words,
            )
        if sparse:
            words = f"about {flow.slo.expected_events_per_day:g} a day are expected, and less than a fifth came"
            window_ms = now_ms - round(window_days(flow.slo.expected_events_per_day or 0.0) * DAY_MS)
            return Finding(
                flow=flow.name,
                owner=flow.owner,
                kind="sparse",
                destinations=tuple(sparse),
                since_ms=window_ms,
                expected=words,
            )
        return None

    async def _is_sparse(self, flow: Flow, destination: str, enabled_ms: int, now_ms: int) -> bool:
        per_day = flow.slo.expected_events_per_day
        if not per_day:
            return False
        days = window_days(per_day)
        since_ms = now_ms - round(days * DAY_MS)
        if enabled_ms > since_ms:
            return False
        return too_few(await self._book.successes(flow.name, destination, since_ms), per_day * days)

    async def _end(self, flow: str, because: str, now_ms: int) -> None:
        if await self._book.end(flow, because, now_ms):
            LOG.warning("%s flow %s is silent no more: %s", OVER, flow, because)

    async def _end_unwatched(self, strategy: Strategy, watched: set[str], now_ms: int) -> None:
        for silence in await self._book.silences():
            if silence.ended_ms == 0 and silence.flow not in watched:
                gone = silence.flow not in strategy.flows
                await self._end(
                    silence.flow, "the folder has it no more" if gone else "it is not watched any more", now_ms
                )

    async def _call(self, strategy: Strategy, silence: Silence) -> None:
        """The next page that is due for a silence, when the folder says whom to call. One that fails is due at the next look."""
        now_ms = self._clock.now_ms()
        escalate_ms = silence.paged_ms + strategy.alerts.escalate_after_minutes * MINUTE_MS
        if silence.ended_ms:
            step, page = "told", over(strategy, silence)
        elif not silence.paged_ms:
            step, page = "paged", first_call(strategy, silence, now_ms)
        elif not silence.escalated_ms and now_ms >= escalate_ms:
            step, page = "escalated", escalation(strategy, silence, now_ms)
        else:
            return
        if not page.reference:
            return
        problem = await self._pager.page(strategy, page)
        if problem and problem != silence.problem:
            LOG.error("%s the page about flow %s did not go out: %s", NOT_CALLED, silence.flow, problem)
        await self._book.paged(silence.id, step, problem, now_ms)


def ends(flow: Flow) -> tuple[str, ...]:
    """Where a success is counted: at each destination; for a process, whose steps need not all be taken, at its own end."""
    if flow.publish is not None:
        return tuple(map(shown_at, flow.destinations))
    return (steering_of(flow.name),) if flow.pattern == "middleware" else tuple(flow.destinations)


def window_days(per_day: float) -> float:
    """So many days that five deliveries are expected in them; one at least, thirty at most."""
    return min(float(LONGEST_WINDOW_DAYS), max(1.0, float(math.ceil(FEWEST_EXPECTED / per_day)))) if per_day else 1.0


def too_few(seen: int, expected: float) -> bool:
    """Less than a fifth of what was expected, and by so many that it is no chance."""
    return seen < expected * SPARSE_SHARE and expected - seen >= FEWEST_EXPECTED
