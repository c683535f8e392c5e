"""A full sync of a channel: what it should show is brought there some places at a time, behind all live work, and goes on after a crash."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from msgspec.structs import replace

from interlock.clock import Clock
from interlock.flows.inventory.rules import Channel, StockRules
from interlock.messaging.accuracy import AccuracyBook, Measured, Run, SyncPlace
from interlock.messaging.delivery import BACKFILL
from interlock.messaging.stock_book import Wish

SYNCED_AT_ONCE: Final = 500


class FullSync:
    """Where one has reached is on the disk with the deliveries that it opened; `wake` lets the dispatcher look at these."""

    def __init__(self, accounts: AccuracyBook, clock: Clock, wake: Callable[[], None]) -> None:
        self._accounts = accounts
        self._clock = clock
        self._wake = wake

    async def make(self, run: Run, rules: StockRules) -> None:
        """From where it was to its end."""
        if run.state == "asked":
            run = replace(run, state="running", began_ms=self._clock.now_ms())
            await self._accounts.begin(run)
        channels = rules.channels.get(run.channel, ())
        places = [
            place
            for one in channels
            for place, names in one.places.items()
            if not run.location or run.location in names
        ]
        if not places:
            words = f"no flow shows stock at {run.location or run.channel}"
            await self._accounts.end(failed(run, words, self._clock.now_ms()))
            return
        wish = partial(_wish, channels=channels, release=rules.release)
        while run.state == "running":
            run = await self._accounts.sync(run, places, SYNCED_AT_ONCE, wish, self._clock.now_ms())
            self._wake()
            await asyncio.sleep(0)


def failed(run: Run, words: str, now_ms: int) -> Measured:
    """A run that has come to nothing, and why."""
    return Measured(run=replace(run, state="failed", error=words[:500], ended_ms=now_ms))


def _wish(at: SyncPlace, *, channels: Sequence[Channel], release: str) -> Wish:
    shown = next((one for one in channels if one.flow == at.flow), channels[0])
    settled_ms = (at.written_us + round(shown.publish.settle_seconds * 1e6)) // 1_000 if at.written_us else 0
    return Wish(
        flow=shown.flow, system=shown.source, channel=shown.system, sku=at.sku, place=at.place, release=release,
        priority=BACKFILL, not_before_ms=settled_ms,
    )  # fmt: skip
