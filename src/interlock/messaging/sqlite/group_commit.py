"""Group commit: everything that is asked of a store in one turn of the event loop shares one transaction and one fsync.

The statements run in the event loop's own thread: a writer thread would have to win the interpreter lock back after
each of them. The commit of a large batch needs no interpreter, so it may run beside the loop, which goes on with other
work while the next batch grows; for a small one the way to a thread and back takes longer than the fsync.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import apsw

from interlock.errors import StoreError
from interlock.messaging.full_disk import FULL_DISK
from interlock.messaging.sqlite.connect import BUSY_TIMEOUT_MS, open_store

T = TypeVar("T")
Work = Callable[[apsw.Connection], T]
Batch = list[tuple[Work[Any], "asyncio.Future[Any]"]]

LARGEST_BATCH = 1_000
"""Pieces of work in one transaction; more wait for the next turn."""
COMMITTED_BESIDE_FROM = 16
"""Pieces from which on a transaction is committed beside the event loop."""


class GroupCommit:
    """Runs pieces of work on one connection, many to a transaction.

    A piece that raises takes only itself down. When the commit fails, the fate of all pieces is unknown: each gets a
    StoreError. After an I/O error nothing is tried again on this connection (an fsync that failed once cannot be
    trusted to succeed later: fsyncgate); `broken` is set and every further piece is refused. A full disk is not a
    broken one. `beside` is where large batches are committed, one at a time; without it, as a simulation under a
    virtual clock needs it, all are committed in the loop.
    """

    def __init__(self, connection: apsw.Connection, name: str, beside: Executor | None = None) -> None:
        self.connection = connection
        self.name = name
        self.broken: StoreError | None = None
        self.commits = 0
        self.pieces = 0
        self._reader = open_store(Path(connection.filename), vfs=connection.open_vfs, read_only=True)
        self._beside = beside
        self._under_way = False
        self._idlers: list[asyncio.Future[None]] = []
        self._waiting: Batch = []
        self._scheduled = False
        self._after: list[Callable[[], None]] = []
        self._on_break: list[Callable[[StoreError], None]] = []

    @property
    def reading(self) -> apsw.Connection:
        """Where to ask for what is committed: the writing connection, whose cache is warm, unless it is at a commit."""
        return self._reader if self._under_way else self.connection

    def after_commit(self, wake: Callable[[], None]) -> None:
        """Call `wake` after each successful commit."""
        self._after.append(wake)

    def run(self, work: Work[T]) -> "asyncio.Future[T]":
        """The future result of `work`, set only once the transaction that holds it is committed."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self.broken is not None:
            future.set_exception(self.broken)
            return future
        self._waiting.append((work, future))
        self._schedule()
        return future

    def run_now(self, work: Work[T]) -> T:
        """The same for start-up and shut-down, when there is no event loop: one piece, one commit."""
        transaction = _Transaction(self)
        with transaction.undone_by_an_error():
            result = work(self.connection)
        transaction.commit()
        return result

    def on_break(self, tell: Callable[[StoreError], None]) -> None:
        """Call `tell` at once when the store can be trusted no more."""
        self._on_break.append(tell)

    async def checkpoint(self) -> None:
        """Move the log into the file as far as nobody reads it; another connection that does the same is left to it."""
        await self._idle()
        if self.broken is not None:
            raise self.broken
        try:
            self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except (apsw.BusyError, apsw.LockedError):
            return
        except apsw.Error as error:
            raise self.failure(error) from error

    async def cut_log(self) -> bool:
        """Move the whole log into the file and leave none of it; False when a reader is in the way."""
        await self._idle()
        if self.broken is not None:
            raise self.broken
        self.connection.set_busy_timeout(0)
        try:
            self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except (apsw.BusyError, apsw.LockedError):
            return False
        except apsw.Error as error:
            raise self.failure(error) from error
        finally:
            self.connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        return True

    async def compact(self) -> None:
        """Write the file anew without its free space. Everything waits for it: for small files, or before work begins."""
        await self._idle()
        if self.broken is not None:
            raise self.broken
        try:
            self.connection.execute("VACUUM")
        except apsw.Error as error:
            raise self.failure(error) from error

    async def close(self) -> None:
        """Let what was asked for be committed, then close."""
        while self._scheduled or self._under_way:
            await asyncio.sleep(0)
            await self._idle()
        self._reader.close()
        self.connection.close()

    async def _idle(self) -> None:
        """Between two commits. Whoever gives up waiting cancels nothing, and whoever waits comes before the next batch."""
        while self._under_way:
            idler = asyncio.get_running_loop().create_future()
            self._idlers.append(idler)
            await idler

    def failure(self, error: Exception) -> StoreError:
        """What an error of SQLite's, or of its COMMIT whatever it is, means for the store. After an I/O error it is
        broken for good."""
        if isinstance(error, apsw.FullError):
            return StoreError(
                f"the disk of the {self.name} store is full",
                code=FULL_DISK,
                why=str(error),
                next_move="free space; the hub resumes by itself",
            )
        failure = StoreError(
            f"the {self.name} store failed: {error}",
            code="STO001",
            why="the commit's fate is unknown; an fsync is never tried again",
            next_move="the process stops; check the disk, then start it again: it verifies the store first",
        )
        if not isinstance(error, apsw.BusyError | apsw.LockedError):
            self.broken = failure
            # Closing would move the log into the file, with fsyncs of its own: that is left to the next start.
            self.connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            for tell in self._on_break:
                tell(failure)
        return failure

    def _schedule(self) -> None:
        if self._waiting and not (self._scheduled or self._under_way):
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
        batch = [(work, future) for work, future in batch if not future.cancelled()]
        if batch:
            self._together(batch)
        self._schedule()

    def _together(self, batch: Batch) -> None:
        transaction = _Transaction(self)
        try:
            with transaction.undone_by_an_error():
                results = [work(self.connection) for work, _ in batch]
        except StoreError as error:
            _tell(batch, error)
        except Exception as error:  # noqa: BLE001  one piece failed and took the transaction with it: give each its own
            if len(batch) == 1:
                _tell(batch, error)
                return
            for work, future in batch:
                self._alone(work, future)
        else:
            if self._beside is not None and len(batch) >= COMMITTED_BESIDE_FROM:
                self._commit_beside(self._beside, transaction, batch, results)
            else:
                self._commit(transaction, batch, results)

    def _commit(self, transaction: "_Transaction", batch: Batch, results: list[Any]) -> None:
        try:
            transaction.commit()
        except StoreError as error:
            _tell(batch, error)
        else:
            self._committed(batch, results)

    def _commit_beside(self, beside: Executor, transaction: "_Transaction", batch: Batch, results: list[Any]) -> None:
        loop = asyncio.get_running_loop()
        self._under_way = True

        def commit() -> None:
            failed = transaction.try_to_commit()
            loop.call_soon_threadsafe(ended, failed)

        def ended(failed: Exception | None) -> None:
            self._under_way = False
            if failed is None:
                self._committed(batch, results)
            else:
                _tell(batch, transaction.given_up(failed))
            idlers, self._idlers = self._idlers, []
            for idler in idlers:
                if not idler.done():
                    idler.set_result(None)
            self._schedule()

        beside.submit(commit)

    def _committed(self, batch: Batch, results: list[Any]) -> None:
        self.commits += 1
        self.pieces += len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if not future.cancelled():
                future.set_result(result)
        for wake in self._after:
            wake()

    def _alone(self, work: Work[Any], future: "asyncio.Future[Any]") -> None:
        transaction = _Transaction(self)
        try:
            with transaction.undone_by_an_error():
                result = work(self.connection)
            transaction.commit()
        except Exception as error:  # noqa: BLE001  whatever it is, it belongs to the one who asked
            _tell([(work, future)], error)
        else:
            self._committed([(work, future)], [result])


def _tell(batch: Batch, error: Exception) -> None:
    """Whoever waits is told; that nobody waits for a piece (what is asked next shares its fate) is no mistake."""
    for _, future in batch:
        if not future.cancelled():
            future.set_exception(error)
            future.exception()


class _Transaction:
    """BEGIN IMMEDIATE ... COMMIT, with SQLite's own failures turned into StoreError."""

    def __init__(self, group: GroupCommit) -> None:
        self.group = group
        self.connection = group.connection

    @contextmanager
    def undone_by_an_error(self) -> Iterator[None]:
        """Begin; what raises within is rolled back, and what does not is still to be committed."""
        if self.group.broken is not None:
            raise self.group.broken
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except apsw.Error as error:
            raise self.group.failure(error) from error
        try:
            yield
        except BaseException as error:
            self._roll_back()
            if isinstance(error, apsw.Error) and not isinstance(error, apsw.ConstraintError | apsw.SQLError):
                raise self.group.failure(error) from error
            raise

    def commit(self) -> None:
        """Raises StoreError: then the fate of all that was in it is unknown."""
        failed = self.try_to_commit()
        if failed is not None:
            raise self.given_up(failed) from failed

    def try_to_commit(self) -> Exception | None:
        """COMMIT, which may run in any thread. What went wrong: memory can run out as well, and who waits must be told."""
        try:
            self.connection.execute("COMMIT")
        except Exception as failed:  # noqa: BLE001
            return failed
        return None

    def given_up(self, failed: Exception) -> StoreError:
        """Rolled back, and what the failure means."""
        self._roll_back()
        return self.group.failure(failed)

    def _roll_back(self) -> None:
        if self.connection.in_transaction:
            # When this fails SQLite has rolled back by itself, or cannot: either way nothing of this batch remains.
            with suppress(apsw.Error):
                self.connection.execute("ROLLBACK")
