"""The shelf of releases: the active one, and older ones that work in flight still follows, compiled again when needed."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import msgspec

from interlock.clock import Clock
from interlock.connectors import registry
from interlock.connectors.allowance import Allowance
from interlock.connectors.http import Http
from interlock.connectors.observations import Observations
from interlock.connectors.token_store import MemoryTokenStore, TokenStore
from interlock.errors import InterlockError
from interlock.flows.inventory.rules import BookCatalogue
from interlock.messaging.ledger import Ledger
from interlock.messaging.releases import Limits
from interlock.messaging.renaming import Renamings
from interlock.messaging.stock_book import channel_of
from interlock.release.build import Build
from interlock.release.cautions import Cautions
from interlock.release.renaming import changes
from interlock.release.switch import Switched, switch
from interlock.release.uses import Uses
from interlock.strategy import Snapshot, Strategy, load, snapshot_of
from interlock.strategy.renaming import under_present_names

LOG = logging.getLogger("interlock.release")

Quiet = Callable[[frozenset[str]], AbstractAsyncContextManager[None]]
"""While it lasts, nothing is routed, and nothing of these destinations is in flight."""


@asynccontextmanager
async def _nothing_runs(_names: frozenset[str]) -> AsyncIterator[None]:
    """Before the hub serves."""
    yield


class Shelf:
    """The Releases port. `folder` is where file references of credentials are looked up."""

    def __init__(
        self,
        ledger: Ledger,
        folder: Path,
        *,
        open_http: Callable[[frozenset[str], frozenset[str]], Http],
        clock: Clock,
        environ: Mapping[str, str],
        renamings: Renamings | None = None,
        allowance: Allowance | None = None,
        tokens: TokenStore | None = None,
        catalogue: BookCatalogue | None = None,
    ) -> None:
        self._ledger = ledger
        self._folder = folder
        self._open_http = open_http
        self._clock = clock
        self._environ = environ
        self._opened: list[Http] = []
        self._known: dict[str, Build] = {}
        self._destinations: tuple[str, ...] = ()
        self._current: Build | None = None
        self._renamings = renamings
        self._allowance = allowance or Allowance(clock)
        self._catalogue = catalogue
        self._tokens = tokens or MemoryTokenStore(clock)
        self._names: Mapping[str, str] = {}
        self.quiet: Quiet = _nothing_runs
        self.observations = Observations(clock)
        self.cautions = Cautions()
        self.uses = Uses()

    async def activate(self, snapshot: Snapshot, switched: Switched | None = None) -> Build:
        """Build a folder, keep it in the ledger, and let new events be accepted under it. What cannot be built changes
        nothing."""
        # Beside the loop: a hundred thousand items take seconds to read, and webhooks come meanwhile.
        strategy = await asyncio.to_thread(load, snapshot, connectors=registry.facts())
        built = self._opened_for(strategy)
        built.warm()
        await self._follow_names(built.strategy)
        await switch(self._ledger, snapshot, switched or Switched(), self._clock.now_ms(), built.routes.ways())
        self._current = built
        return self._keep(built.id, built)

    async def _follow_names(self, strategy: Strategy) -> None:
        """What the store and the older releases know of a renamed system becomes that of its present name."""
        if self._renamings is None:
            return
        known = await self._renamings.known()
        found = changes(known, strategy)
        if not found.moves and found.names == known:
            self._names = known
            return
        async with self.quiet(found.touched):
            moved = await self._renamings.follow(found.moves, found.names, self._clock.now_ms())
            self._names = found.names
            self._rename_known()
            if self._current is not None:  # else the hub does it once there is one
                await self.recall()
        LOG.info("names followed: %s; %s open deliveries moved", found.names, moved)

    def _rename_known(self) -> None:
        known, self._known, self._destinations = self._known, {}, ()
        for release, build in known.items():
            renamed = self._keep(release, self._opened_for(under_present_names(build.strategy, self._names)))
            if build is self._current:
                self._current = renamed

    async def recall(self) -> None:
        """Take up what open deliveries follow: their destinations run on, though the folder names them no more."""
        for release, destination in await self._ledger.open_work():
            await self.get(release)
            if destination not in self._destinations:  # of no release that is left: its deliveries are told so
                self._destinations = tuple(sorted({*self._destinations, destination}))

    def current(self) -> Build:
        """The active release."""
        assert self._current is not None, "no release is active yet"
        return self._current

    async def get(self, release: str) -> Build:
        """A release by id; one that is nowhere kept, or that this Interlock cannot read any more, falls to the active
        one."""
        found = self._known.get(release)
        if found is None:
            files = await self._ledger.release(release)
            found = self._keep(release, self.current() if files is None else self._built_again(release, files))
        return found

    def _built_again(self, release: str, files: bytes) -> Build:
        try:
            return self._build(_snapshot(files))
        except InterlockError as error:
            LOG.warning("release %s cannot be built any more; its work follows the active one: %s", release, error)
            return self.current()

    def renew_credentials(self) -> None:
        """Let every release that is at work read its secrets again. Raises SettingsError for the active one; an older one
        may name a secret that is no more, and keeps what it has."""
        self.current().renew_credentials()
        for known in self._known.values():
            if known is not self._current:
                try:
                    known.renew_credentials()
                except InterlockError as error:
                    LOG.warning("release %s keeps the secrets that it has: %s", known.id, error)

    def destinations(self) -> Sequence[str]:
        """Systems that the known releases write to."""
        return self._destinations

    def limits(self, destination: str) -> Limits:
        """Those of the active release, else of the one that was taken up last; the usual ones when none knows it."""
        newest_first = (self.current(), *reversed(self._known.values()))
        system = channel_of(destination)
        known = (build.limits(destination) for build in newest_first if system in build.strategy.systems)
        return next(known, Limits())

    async def close(self) -> None:
        """Close the connections."""
        for http in self._opened:
            await http.close()

    def _keep(self, release: str, built: Build) -> Build:
        self._known[release] = built
        built.cautions = self.cautions
        built.uses = self.uses
        self._destinations = tuple(sorted({*self._destinations, *built.routes.destinations(), *built.routes.processes()}))
        return built

    def _build(self, snapshot: Snapshot) -> Build:
        strategy = load(snapshot, connectors=registry.facts())
        return self._opened_for(under_present_names(strategy, self._names))

    def _opened_for(self, strategy: Strategy) -> Build:
        downloads = registry.download_hosts(system.connector for system in strategy.systems.values())
        http = self._open_http(strategy.declared_hosts(), downloads)
        self._opened.append(http)
        return Build(
            strategy, self._folder, http=http, clock=self._clock, environ=self._environ, allowance=self._allowance,
            tokens=self._tokens, catalogue=self._catalogue, observations=self.observations,
        )  # fmt: skip


def _snapshot(files: bytes) -> Snapshot:
    return snapshot_of(msgspec.msgpack.decode(files, type=dict[str, bytes]))
