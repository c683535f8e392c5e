"""The hub: one process that takes events in, routes and delivers them, and shows what it does. Assembled here, nowhere else."""

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn

from interlock.clock import Clock, SystemClock
from interlock.connectors.allowance import Allowance
from interlock.connectors.http import Http
from interlock.console.actions import Demo
from interlock.console.app import create_console, show_strategy
from interlock.console.mappings import ReleaseMappings
from interlock.console.translation import ReleaseTranslator
from interlock.data_folder import console_token, data_folder, lock_store, make
from interlock.errors import SettingsError, StoreError
from interlock.flows.inventory.accuracy import AccuracyKeeper
from interlock.flows.inventory.desk import StockDesk
from interlock.flows.inventory.reader import StockReader
from interlock.flows.inventory.rules import BookCatalogue
from interlock.flows.inventory.showing import Showing
from interlock.intake.backfill import Backfills
from interlock.intake.bounds import Receive
from interlock.intake.connection import Connection
from interlock.intake.reconcile import Reconciler
from interlock.intake.server import PREFIX, Intake, Scope, Send
from interlock.intake.subscriptions import SubscriptionKeeper
from interlock.messaging.accuracy import Run
from interlock.messaging.black_box import MappedBlackBox
from interlock.messaging.dispatcher import Dispatcher
from interlock.messaging.process import STEERING
from interlock.messaging.router import Router
from interlock.messaging.sqlite.accuracy_book import SqliteAccuracyBook
from interlock.messaging.sqlite.backfill import SqliteBackfillBook
from interlock.messaging.sqlite.consumers import SqliteConsumerBook
from interlock.messaging.sqlite.contract_drift import SqliteDriftBook, SqliteDriftViews
from interlock.messaging.sqlite.flow_book import SqliteFlowBook
from interlock.messaging.sqlite.history import SqliteHistory
from interlock.messaging.sqlite.inbox import SqliteInbox
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.messaging.sqlite.privacy_book import SqlitePrivacyBook
from interlock.messaging.sqlite.renaming import SqliteRenamings
from interlock.messaging.sqlite.shared_state import SqliteSharedState
from interlock.messaging.sqlite.silence_book import SqliteSilenceBook
from interlock.messaging.sqlite.stock_book import SqliteStockBook
from interlock.messaging.sqlite.stock_side import beside
from interlock.messaging.sqlite.subscription_book import SqliteSubscriptionBook
from interlock.messaging.sqlite.sweep_book import SqliteSweepBook
from interlock.messaging.sqlite.views import SqliteViews
from interlock.messaging.stock_book import SHOWN
from interlock.messaging.stops import StopBoard
from interlock.messaging.sweeps import Sweep
from interlock.messaging.upkeep import Upkeep
from interlock.operations.changes import Changes
from interlock.operations.consumers import Consumers
from interlock.operations.contract_drift import ContractWatch
from interlock.operations.flow_stops import FlowStops
from interlock.operations.operator import Operator
from interlock.operations.pager import Pager
from interlock.operations.privacy import PrivacyDesk
from interlock.operations.redaction_file import RedactionFile
from interlock.operations.silence import SilenceWatch
from interlock.operations.stock_silence import StockSilence
from interlock.release.build import Build
from interlock.release.doors import Doors
from interlock.release.shelf import Shelf
from interlock.release.switch import Choice, ReleaseError, Switched, chosen
from interlock.security.vault import Vault
from interlock.strategy import Snapshot, Strategy, StrategyErrors, read_folder

LAST_ANSWERS_SECONDS = 10
"""A sender that does not end its request does not keep the hub from ending."""


class Hub:
    """`folder` is the strategy folder. Call `open`, then `serve`; `close` ends it. Nothing is shared with another process."""

    def __init__(
        self, folder: Path, *, clock: Clock | None = None, chance: random.Random | None = None, environ: Mapping[str, str] | None = None,
        demo: Demo | None = None,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.clock = clock or SystemClock()
        self._chance = chance or random.Random()
        self._environ = os.environ if environ is None else environ
        self._demo = demo
        self._opened = AsyncExitStack()
        self._tasks: list[asyncio.Future[None]] = []
        self._servers: list[uvicorn.Server] = []
        self.url = ""
        self.said_at_start = ""
        self._switching = asyncio.Lock()

    # -- opening

    async def open(self) -> None:
        """Lock the store, open it, take back what the last process left, and make the folder the active release."""
        snapshot = read_folder(self.folder)
        self.data = data_folder(self.folder)
        make(self.data)
        async with AsyncExitStack() as opened:
            await self._open_parts(snapshot, opened)
            self._assemble()
            opened.callback(self.views.close)
            opened.callback(self.drift_views.close)
            opened.push_async_callback(self.pager.close)
            await self.flow_stops.look()
            await self.privacy.restore()
            self._opened = opened.pop_all()

    async def _open_parts(self, snapshot: Snapshot, opened: AsyncExitStack) -> None:
        """Each part, and how it is closed again: by `close`, or at once when a later one does not open."""
        lock = lock_store(self.data)
        opened.callback(lock.close)
        now_ms = self.clock.now_ms()
        commits = ThreadPoolExecutor(2, thread_name_prefix="commit")
        opened.callback(commits.shutdown)
        self.inbox = SqliteInbox(self.data / "inbox.db", now_ms, beside=commits)
        opened.push_async_callback(self.inbox.close)
        self.ledger = SqliteLedger(self.data / "ledger.db", now_ms, beside=commits)
        opened.push_async_callback(self.ledger.close)
        self.black_box = MappedBlackBox(self.data / "black-box")
        opened.callback(self.black_box.close)
        shared = SqliteSharedState(self.data / "allowance.db")
        opened.callback(shared.close)
        self.allowance = Allowance(self.clock, shared)
        self.vault = Vault(self.data, self.clock, environ=self._environ)
        opened.push_async_callback(self.vault.close)
        await self.vault.reconnect()
        self.stock_book = SqliteStockBook(self.ledger.group)
        self.catalogue = BookCatalogue(self.stock_book)
        self.shelf = Shelf(
            self.ledger, self.folder, open_http=Http, clock=self.clock, environ=self._environ,
            renamings=SqliteRenamings(self.ledger.group), allowance=self.allowance,
            tokens=self.vault, catalogue=self.catalogue,
        )  # fmt: skip
        opened.push_async_callback(self.shelf.close)
        self.history = SqliteHistory(self.data / "ledger.db")
        opened.callback(self.history.close)
        choice = chosen(snapshot, self.history)
        self.release = await self._first_release(choice, snapshot)
        self.said_at_start = choice.said
        await self.shelf.recall()
        await self.ledger.rescue(now_ms, everything=True, suspect=self.black_box.suspect())
        self.black_box.leave()
        await self.ledger.wake_waiting(now_ms)

    async def _first_release(self, choice: Choice, folder: Snapshot) -> Build:
        """What was applied may be from before this Interlock, which takes it no more; then the folder has to be applied."""
        try:
            return await self.shelf.activate(choice.snapshot, Switched(why=choice.why))
        except StrategyErrors as errors:
            if choice.snapshot is folder:
                raise
            raise ReleaseError(
                f"the release that was applied cannot run on this Interlock: {errors.what}", code="PLN008",
                why=str(errors.findings[0]), next_move="look at the folder and apply it: interlock plan, interlock apply",
            ) from errors  # fmt: skip

    def _assemble(self) -> None:
        """Every part that runs, in the order in which a message meets them."""
        self._doors = Doors(self.shelf)
        self.intake = Intake(self.inbox, self._doors, self.clock, self.data)
        self._assemble_delivery()
        self._assemble_stock()
        self._assemble_upkeep()
        self._assemble_watch()
        self._assemble_sources()
        self._assemble_console()

    def _assemble_delivery(self) -> None:
        self.dispatcher = Dispatcher(
            inbox=self.inbox, ledger=self.ledger, releases=self.shelf, clock=self.clock, chance=self._chance,
            black_box=self.black_box, worker=f"{socket.gethostname()}:{os.getpid()}",
        )  # fmt: skip
        self.router = Router(self.inbox, self.ledger, self.shelf, self.clock, self.dispatcher.wake)
        self.stops = StopBoard()
        self.dispatcher.courier.stops = self.stops
        self.flow_stops = FlowStops(
            SqliteFlowBook(self.ledger.group), self.stops, ledger=self.ledger, inbox=self.inbox, clock=self.clock,
            wake=self.dispatcher.wake,
        )  # fmt: skip

    def _assemble_stock(self) -> None:
        current, cursor = self.shelf.current, self.ledger.cursor
        self.dispatcher.courier.showing = Showing(self.stock_book, self.clock, self.dispatcher.wake)
        self.stock_desk = StockDesk(
            self.stock_book, self.inbox, self.clock, release=current, cursor=cursor, wake=self.dispatcher.wake
        )
        self.stock_reader = StockReader(
            self.stock_book, self.inbox, self.stock_desk, self.catalogue, self.clock, release=current, cursor=cursor,
            history_days=lambda: current().strategy.security.retention.attempts_days,
        )  # fmt: skip
        self.accuracy_book = SqliteAccuracyBook(self.ledger.group)
        self.accuracy = AccuracyKeeper(
            self.accuracy_book, self.stock_book, self.stock_desk, self.stock_reader, self.clock, release=current,
            side=beside(self.data),
        )  # fmt: skip

    def _assemble_upkeep(self) -> None:
        retention = self.release.strategy.security.retention
        self.upkeep = Upkeep(
            self.inbox, self.ledger, self.clock, bodies_days=retention.bodies_days, attempts_days=retention.attempts_days,
            audit_days=retention.audit_days, wake=self.dispatcher.wake,
        )  # fmt: skip
        self.consumers = Consumers(SqliteConsumerBook(self.ledger.group), self.shelf, self.clock)

    def _assemble_watch(self) -> None:
        """What tells people: of contracts that drift, of flows and owners of stock that fall silent, of what is asked of their data."""
        self.drift_book = SqliteDriftBook(self.ledger.group)
        self.contract_watch = ContractWatch(self.inbox, self.drift_book, self.shelf, self.clock)
        self.pager = Pager(self.folder, self._environ)
        self.silence_watch = SilenceWatch(
            SqliteSilenceBook(self.ledger.group), strategy=self._strategy, stops=self.stops, pager=self.pager, clock=self.clock
        )
        self.stock_silence = StockSilence(
            self.accuracy_book, self.stock_book, strategy=self._strategy, rules=lambda: self.shelf.current().stock,
            pager=self.pager, clock=self.clock,
        )  # fmt: skip
        self.privacy_book = SqlitePrivacyBook(self.inbox.group, self.ledger.group, self.inbox.forget)
        self.privacy = PrivacyDesk(
            self.privacy_book, RedactionFile(self.data), strategy=self._strategy, pager=self.pager, clock=self.clock,
            forget=self.dispatcher.courier.loader.forget,
        )  # fmt: skip

    def _assemble_sources(self) -> None:
        """What looks after the sources: their subscriptions, what their webhooks missed, and what was there before."""
        self.sweep_book = SqliteSweepBook(self.ledger.group)
        self.reconciler = Reconciler(
            self.sweep_book, self.inbox, self.clock, sources=self.shelf.current, cursor=self.ledger.cursor
        )
        self.backfill_book = SqliteBackfillBook(self.ledger.group)
        self.backfills = Backfills(
            self.backfill_book, inbox=self.inbox, ledger=self.ledger, bulk=lambda system: self.shelf.current().bulk(system),
            release=lambda: self.shelf.current().id, clock=self.clock,
        )  # fmt: skip
        self.subscription_keeper = SubscriptionKeeper(
            SqliteSubscriptionBook(self.ledger.group), self.clock, sources=self.shelf.current, address=self.address_of,
            compare=self._compare_all,
        )  # fmt: skip

    def _assemble_console(self) -> None:
        self.operator = Operator(
            self.ledger, self.dispatcher, self.shelf, self.clock, self.flow_stops, self.backfill_book, self.sweep_book,
            self.privacy_book, self.accuracy_book,
        )  # fmt: skip
        self.views = SqliteViews(self.data / "ledger.db", self.data / "inbox.db")
        self.drift_views = SqliteDriftViews(self.data / "ledger.db", self.data / "inbox.db")
        self.token = console_token(self.data)
        self.console = create_console(
            views=self.views, actions=self.operator, strategy=self.release.strategy, token=self.token, clock=self.clock,
            demo=self._demo, translator=ReleaseTranslator(self.shelf),
            mappings=ReleaseMappings(self.shelf, self.drift_views, self.drift_book, self.clock),
            changes=Changes(self.folder, self.history, self.switch), folder=self.folder, tokens=self.vault.states,
            observations=self.shelf.observations,
        )  # fmt: skip

    def _strategy(self) -> Strategy:
        return self.shelf.current().strategy

    # -- serving

    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Start to listen and to deliver; returns when the address is known (`url`)."""
        listener = _listen(host, port)
        self.url = f"http://{host}:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            self, log_level="warning", access_log=False, lifespan="off", http=Connection, ws="none", server_header=False,
            timeout_graceful_shutdown=LAST_ANSWERS_SECONDS,
        )  # fmt: skip
        server = _Server(config)
        self._servers.append(server)
        self.shelf.quiet = self._quiet
        await self.dispatcher.start()
        self._spawn(server.serve(sockets=[listener]))
        parts = (
            self.router, self.stock_desk, self.stock_reader, self.accuracy, self.stock_silence, self.upkeep, self.consumers,
            self.flow_stops, self.silence_watch, self.contract_watch, self.reconciler, self.subscription_keeper,
            self.backfills, self.privacy, self.dispatcher,
        )  # fmt: skip
        for part in parts:
            self._spawn(part.run())
        self._tasks.append(self._breakage())
        while not server.started:  # noqa: ASYNC110  uvicorn offers no event for it
            await asyncio.sleep(0.005)

    def address_of(self, system: str) -> str:
        """Where a system's webhooks reach this hub, "" when the folder does not say: only a demo knows it by itself."""
        strategy = self.release.strategy
        own = f"{self.url}{PREFIX}{system}" if strategy.environment == "demo" and self.url else ""
        found = strategy.systems.get(system)  # a release that was just applied may have dropped it
        return (found.intake.address or own) if found else ""

    async def _compare_all(self, system: str) -> None:
        """Webhooks of this system were lost: what changed meanwhile is looked for at once, in what it shows of stock too."""
        now_ms, why = self.clock.now_ms(), "its webhooks were lost"
        if system in self.release.stock.channels:
            run = Run(id=0, kind="compare", channel=system, why=why)
            await self.accuracy_book.ask(run, by="hub", now_ms=now_ms)
        for source, name in self.release.swept():
            if source == system:
                wanted = Sweep(id=0, system=source, object=name, why=why, dry=False, since=0, until=now_ms * 1_000)
                await self.sweep_book.ask(wanted, by="hub", now_ms=now_ms)

    async def wait(self) -> None:
        """Until `close`, or until a part fails: then its error is raised (a broken store ends the process)."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def close(self) -> None:
        """Take nothing more in, let calls in flight end, close the store."""
        self.console.state.closing = True
        for server in self._servers:
            server.should_exit = True
        await self.dispatcher.stop()
        for task in self._tasks[1:]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(StoreError):
            await self.consumers.step()
        await self._opened.aclose()

    async def reload(self) -> str:
        """Read the folder and its secrets again; a changed folder becomes the active release, and what waited is tried at once."""
        async with self._switching:  # what is chosen depends on what runs, and on who let it run
            choice = chosen(read_folder(self.folder), self.history)
            await self._switch(choice.snapshot, Switched(why=choice.why))
        await self.vault.reconnect()
        self.shelf.renew_credentials()
        self._doors.forget()
        await self._try_at_once()
        return self.release.id

    async def _try_at_once(self) -> None:
        """What waits for something that was missing: it may be there now."""
        await self.ledger.wake_waiting(self.clock.now_ms())
        for outlet in self.dispatcher.outlets.values():
            outlet.probe_now()

    async def switch(self, snapshot: Snapshot, switched: Switched) -> str:
        """Let another release run; work in flight keeps the one it was accepted under. What cannot be built changes nothing."""
        async with self._switching:
            await self._switch(snapshot, switched)
        return self.release.id

    async def _switch(self, snapshot: Snapshot, switched: Switched) -> None:
        if snapshot.id != self.release.id:
            self.release = await self.shelf.activate(snapshot, switched)
            show_strategy(self.console, self.release.strategy)
            await self.dispatcher.refresh()
            await self._try_at_once()

    @asynccontextmanager
    async def _quiet(self, destinations: frozenset[str]) -> AsyncIterator[None]:
        """Nothing is routed, and no call to these is in flight: their names may change. Events are accepted all the same."""
        processes = {name for name in self.dispatcher.outlets if name.startswith((STEERING, SHOWN))}  # they open deliveries too
        try:
            await self.dispatcher.retire(destinations | processes)
            async with self.router.turn:
                yield
        finally:
            await self.dispatcher.reopen()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application: intake, health, console."""
        path = scope["path"] if scope["type"] == "http" else ""
        if path.startswith(PREFIX):
            await self.intake(scope, receive, send)
        elif path in ("/healthz", "/readyz"):
            await self._health(send)
        else:
            await self.console(scope, receive, send)

    async def _health(self, send: Send) -> None:
        broken = self.inbox.group.broken or self.ledger.group.broken
        body = b'{"status":"failed"}' if broken else b'{"status":"ok"}'
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 503 if broken else 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _breakage(self) -> "asyncio.Future[None]":
        """Fails as soon as a store breaks, whoever met it: the sender of an event cannot stop the hub."""
        broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def tell(error: StoreError) -> None:
            if not broken.done():
                broken.set_exception(error)

        self.inbox.group.on_break(tell)
        self.ledger.group.on_break(tell)
        return broken

    def _spawn(self, serving: Any) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(serving))


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers: the command decides what an interrupt means."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int) -> socket.socket:
    # With the protocol named, asyncio switches Nagle's algorithm off; without it every answer waits 40 ms for a delayed ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"port {port} is in use",
            code="SET023",
            why=str(error),
            next_move=f"choose another: --port {port + 1}, or --port 0 for a free one",
        ) from error
    listener.listen(1024)
    return listener
