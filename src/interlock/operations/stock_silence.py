"""The watch over sources of truth of stock: one that says nothing for too long suspends what is published of it, and somebody is
called (C66). Zeros are never written for it."""

import logging
from collections.abc import Callable, Mapping
from itertools import product

from interlock.clock import Clock
from interlock.flows.inventory.rules import StockRules
from interlock.messaging.accuracy import AccuracyBook, Silent
from interlock.messaging.full_disk import until_there_is_space
from interlock.messaging.stock_book import StockBook
from interlock.operations.pager import NOBODY, Page, Pager
from interlock.strategy.inventory import owner_of
from interlock.strategy.model import Strategy

LOOK_SECONDS = 30.0
"""Between two looks, and before the first: what was late when the hub started has so long to arrive."""
MINUTE_US = 60_000_000
SILENT, OVER, NOT_CALLED = "STK020", "STK021", "STK022"

LOG = logging.getLogger("interlock.operations")


class StockSilence:
    """Durable over restarts: who is silent, and who was called, stands in the book."""

    def __init__(
        self, accounts: AccuracyBook, book: StockBook, *, strategy: Callable[[], Strategy], rules: Callable[[], StockRules],
        pager: Pager, clock: Clock,
    ) -> None:  # fmt: skip
        self._accounts = accounts
        self._book = book
        self._strategy = strategy
        self._rules = rules
        self._pager = pager
        self._clock = clock
        self._began_us = clock.now_ms() * 1_000

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            await until_there_is_space(self.look, self._clock)

    async def look(self) -> None:
        """Who fell silent, who speaks again, and whom to call for it."""
        allowed, now_us = allowed_minutes(self._rules()), self._clock.now_ms() * 1_000
        known = {one.system: one for one in await self._accounts.silent()}
        for system, minutes in allowed.items():
            fresh_us = self._fresh_us(system)
            is_silent = now_us - max(fresh_us, 0 if fresh_us else self._began_us) > minutes * MINUTE_US
            if is_silent and system not in known:
                await self._accounts.fall_silent(system, fresh_us or self._began_us)
                LOG.warning("%s %s has said nothing of its stock for more than %g min", SILENT, system, minutes)
            elif not is_silent and system in known:
                await self._end(known[system], now_us)
        for system in known.keys() - allowed.keys():
            await self._accounts.speak_again(system)
        for one in await self._accounts.silent():
            if not one.paged_ms and one.system in allowed:
                await self._call(one, allowed[one.system], now_us)

    def _fresh_us(self, system: str) -> int:
        return self._book.look(lambda work: work.reading(system, "levels")).fresh_us

    async def _call(self, silent: Silent, minutes: float, now_us: int) -> None:
        """Once; a page that fails is due at the next look."""
        span = (now_us - silent.since_us) // MINUTE_US
        words = (
            f"{silent.system} has said nothing of its stock for {span} min ({minutes:g} min allowed): nothing is published of it to "
            f"{', '.join(self._shown_at(silent.system))}; what they show stays as it is, and no zero is written."
        )
        await self._page(silent, words, now_us // 1_000)

    async def _end(self, silent: Silent, now_us: int) -> None:
        LOG.warning("%s %s tells of its stock again", OVER, silent.system)
        if silent.paged_ms:
            span = (now_us - silent.since_us) // MINUTE_US
            await self._page(
                silent, f"{silent.system} tells of its stock again, after {span} min: it is published again.", 0
            )
        await self._accounts.speak_again(silent.system)

    async def _page(self, silent: Silent, words: str, paged_ms: int) -> None:
        strategy = self._strategy()
        flow = next((one for one in strategy.flows.values() if one.publish and one.source == silent.system), None)
        team = strategy.teams.get(flow.owner, NOBODY) if flow else NOBODY
        address = strategy.alerts.teams.get(flow.owner if flow else "", strategy.alerts.webhook)
        if not address:
            return
        text = f"[{strategy.title}, {strategy.environment}] {words} Owner {team.name}, {team.contact}. Look: interlock stock"
        problem = await self._pager.page(strategy, Page(address, text))
        if problem and problem != silent.problem:
            LOG.error("%s the page about the stock of %s did not go out: %s", NOT_CALLED, silent.system, problem)
        if paged_ms:
            await self._accounts.called(silent.system, 0 if problem else paged_ms, problem)

    def _shown_at(self, system: str) -> list[str]:
        rules = self._rules()
        return sorted({
            one.system for channels in rules.channels.values() for one in channels
            if any(rules.inventory.locations[name].owner == system for name in one.locations) or one.source == system
        })  # fmt: skip


def allowed_minutes(rules: StockRules) -> Mapping[str, float]:
    """System of truth -> how long it may say nothing: the shortest that a flow of stock allows for anything that it counts."""
    found: dict[str, float] = {}
    for channel in (one for channels in rules.channels.values() for one in channels):
        named = {rule.group for rule in channel.publish.rule}
        groups = [None, *(group for group in rules.inventory.groups if group.owner or group.name in named)]
        for name, group in product(channel.locations, groups):
            owner = owner_of(name, rules.inventory.locations[name], group)
            terms = channel.publish.terms(channel.system, group.name if group else "", name)
            found[owner] = min(terms.source_stale_minutes, found.get(owner, terms.source_stale_minutes))
    return {owner: minutes for owner, minutes in found.items() if owner in rules.counting}
