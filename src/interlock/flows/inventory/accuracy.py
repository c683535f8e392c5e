"""Keeps stock true: has each channel compared on a schedule and on demand, and brought up to date in full."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec

from interlock.clock import Clock
from interlock.errors import InterlockError, StoreError
from interlock.flows.inventory.asking import NotReadError, Stocked, stamp_of
from interlock.flows.inventory.compare import Comparison
from interlock.flows.inventory.desk import StockDesk
from interlock.flows.inventory.full_sync import FullSync, failed
from interlock.flows.inventory.reader import StockReader
from interlock.flows.inventory.recount import Recount
from interlock.flows.inventory.rules import StockRules
from interlock.flows.inventory.upkeep import HUB
from interlock.messaging.accuracy import AccuracyBook, Measured, OpenSide, Run
from interlock.messaging.at_work import AtWork
from interlock.messaging.stock import is_asked
from interlock.messaging.stock_book import Read, StockBook, StockWork

LOOK_SECONDS: Final = 0.5
"""So late at most does a hub heed a command that another process gave."""
FRESH_US: Final = 10_000_000
"""A source that was read to the end so short a time ago is not read again first."""
HOUR_MS: Final = 3_600_000
FIRST_AFTER_MS: Final = 600_000
"""What a channel shows is first brought up to date, then compared."""
LONGEST_FAILURE_MS: Final = HOUR_MS
SCHEDULE: Final = "schedule"

LOG = logging.getLogger("interlock.flows")


class AccuracyKeeper:
    """One run at a time at each channel: its allowance is shared with live work. Channels do not wait for each other."""

    def __init__(
        self, accounts: AccuracyBook, book: StockBook, desk: StockDesk, reader: StockReader, clock: Clock, *,
        release: Callable[[], Stocked], side: OpenSide,
    ) -> None:  # fmt: skip
        self._accounts = accounts
        self._book = book
        self._desk = desk
        self._reader = reader
        self._clock = clock
        self._release = release
        self._side = side
        self._full_sync = FullSync(accounts, clock, desk.wake)
        self._started_ms = clock.now_ms()
        self._at_work = AtWork[str](clock)

    async def run(self) -> None:
        """Look for ever. A channel that cannot be listed costs its run, never the hub."""
        await self._accounts.interrupted(self._clock.now_ms())
        await self._at_work.look_for_ever(self.look, LOOK_SECONDS)

    async def look(self) -> None:
        """Begin what was asked for and what is due."""
        self._at_work.settle()
        for channel, wanted in (await self._wanted()).items():
            if channel not in self._at_work:
                self._at_work.begin(channel, self._all(wanted))

    async def _wanted(self) -> dict[str, list[Run]]:
        """By channel, what was asked for first. On no schedule is anything compared before the release's own rules are followed."""
        rules, wanted = self._release().stock, dict[str, list[Run]]()
        for asked in await self._accounts.open_runs():
            wanted.setdefault(asked.channel, []).append(asked)
        for channel in rules.channels:
            if channel not in wanted and self._follows(rules) and await self._is_due(rules, channel):
                wanted[channel] = [Run(id=0, kind="compare", channel=channel, why=SCHEDULE)]
        return wanted

    def _follows(self, rules: StockRules) -> bool:
        return self._book.look(lambda work: work.reading(HUB, "rules")).cursor == rules.release

    async def _is_due(self, rules: StockRules, channel: str) -> bool:
        hours = [
            one.publish.reconcile_every_hours for one in rules.channels[channel] if one.publish.reconcile_every_hours
        ]
        if not hours:
            return False
        pause_ms = min(hours) * HOUR_MS
        if failures := await self._accounts.failures(channel):
            pause_ms = min(2 ** min(failures, 10) * 60_000, LONGEST_FAILURE_MS, pause_ms)
        began_ms, now_ms = await self._accounts.last_began(channel), self._clock.now_ms()
        if not began_ms:
            return now_ms - self._started_ms >= FIRST_AFTER_MS
        return now_ms - began_ms >= pause_ms or began_ms > now_ms  # a clock that was set back must not stop them

    async def _all(self, wanted: Sequence[Run]) -> None:
        for run in wanted:
            await (self._full_sync.make(run, self._release().stock) if run.kind == "sync" else self.compare(run))

    # -- comparisons

    async def compare(self, wanted: Run) -> Run:
        """Make one, and write down how it ended. Returns it with its end."""
        run = msgspec.structs.replace(wanted, state="running", began_ms=self._clock.now_ms())
        run = msgspec.structs.replace(run, id=await self._accounts.begin(run))
        try:
            measured = await self._compared(run)
        except StoreError:
            raise
        except (NotReadError, LookupError) as error:
            measured = failed(run, str(error.args[0]), self._clock.now_ms())
        except InterlockError as error:  # a secret that is no more
            measured = failed(run, error.what, self._clock.now_ms())
        except Exception as error:
            LOG.exception("the stock of %s could not be compared", run.channel)
            words = f"the connector failed: {type(error).__name__}; the hub's log has the traceback"
            measured = failed(run, words, self._clock.now_ms())
        await self._accounts.end(measured)
        ended = measured.run
        if ended.opened:
            self._desk.wake()
        if ended.state == "failed":
            LOG.warning("the stock of %s could not be compared: %s", ended.channel, ended.error)
        elif ended.different:
            LOG.info("%d of %d places of %s differ", ended.different, ended.compared, ended.channel)
        return ended

    async def _compared(self, run: Run) -> Measured:
        release = self._release()
        if run.channel not in release.stock.channels:
            raise LookupError(f"no flow shows stock at {run.channel}")
        stale = await self._freshened(release, run)
        rules, recount = release.stock, Recount(release, self._book, self._clock)
        comparison = Comparison(
            msgspec.structs.replace(run, stale=stale), release, book=self._book, accounts=self._accounts, clock=self._clock,
            side=self._side, recount=recount, holds=lambda: self._release().stock.release == rules.release,
        )  # fmt: skip
        measured = await comparison.made()
        if recount.took:
            self._desk.wake()
        return measured

    async def _freshened(self, release: Stocked, run: Run) -> str:
        """Read the sources of truth of a channel to the end, where that is not done already; says which of them is silent."""
        rules, silent = release.stock, []
        for owner in sorted(self._owners(rules, run.channel)):
            fresh_us = self._book.look(partial(_levels_of, system=owner)).fresh_us
            if self._clock.now_ms() * 1_000 - fresh_us < FRESH_US or not is_asked(release.stock_source(owner)):
                continue
            waiting = f"reads {owner} first, since {stamp_of(self._clock.now_ms())}"
            await self._accounts.note(msgspec.structs.replace(run, error=waiting))
            try:
                await self._reader.read_now(owner, "levels")
            except (NotReadError, InterlockError) as error:
                if isinstance(error, StoreError):
                    raise
                silent.append(f"{owner} could not be read: {error}")
        await self._accounts.note(run)
        return "; ".join(silent)

    @staticmethod
    def _owners(rules: StockRules, channel: str) -> set[str]:
        """Who counts what the channel shows."""
        named = {name for one in rules.channels[channel] for names in one.places.values() for name in names}
        groups = {
            group.owner for group in rules.inventory.groups if group.owner and (not group.at or named & set(group.at))
        }
        return ({rules.inventory.locations[name].owner for name in named} | groups) & rules.counting


def _levels_of(work: StockWork, *, system: str) -> Read:
    return work.reading(system, "levels")
