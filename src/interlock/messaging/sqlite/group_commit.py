"""Group commit: everything that is asked of a store in one turn of the event loop shares one transaction and one fsync.

The work runs in the event loop's own thread. A writer thread would have to win the interpreter lock back after each
statement, which costs more than the 0.2 ms that an fsync takes; a batch grows by itself while an fsync is under way on
a slower disk.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import apsw

from interlock.errors import StoreError
from interlock.messaging.full_disk import FULL_DISK

T = TypeVar("T")
Work = Callable[[apsw.Connection], T]

LARGEST_BATCH = 1_000
"""Pieces of work in one transaction; more wait for the next turn."""


class GroupCommit:
    """Runs pieces of work on one connection, many to a transaction.

    A piece that raises takes only itself down. When the commit fails, the fate of all pieces is unknown: each gets a
    StoreError. After an I/O error nothing is tried again on this connection (an fsync that failed once cannot be
    trusted to succeed later: fsyncgate); `broken` is set and every further piece is refused. A full disk is not a
    broken one.
    """

    def __init__(self, connection: apsw.Connection, name: str) -> None:
        self.connection = connection
        self.name = name
        self.broken: StoreError | None = None
        self.commits = 0
        self.pieces = 0
        self._waiting: list[tuple[Work[Any], asyncio.Future[Any]]] = []
        self._scheduled = False
        self._after: list[Callable[[], None]] = []
        self._on_break: list[Callable[[StoreError], None]] = []

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
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._turn)
        return future

    def run_now(self, work: Work[T]) -> T:
        """The same for start-up and shut-down, when there is no event loop: one piece, one commit."""
        with self._transaction():
            return work(self.connection)

    def on_break(self, tell: Callable[[StoreError], None]) -> None:
        """Call `tell` at once when the store can be trusted no more."""
        self._on_break.append(tell)

    def checkpoint(self) -> None:
        """Move the log into the file as far as nobody reads it; another connection that does the same is left to it."""
        if self.broken is not None:
            raise self.broken
        try:
            self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except (apsw.BusyError, apsw.LockedError):
            return
        except apsw.Error as error:
            raise self.failure(error) from error

    def failure(self, error: apsw.Error) -> StoreError:
        """What SQLite's error means for the store. After an I/O error it is broken for good."""
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

    def _turn(self) -> None:
        self._scheduled = False
        batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
        batch = [(work, future) for work, future in batch if not future.cancelled()]
        if batch:
            self._commit(batch)
        if self._waiting and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _commit(self, batch: list[tuple[Work[Any], asyncio.Future[Any]]]) -> None:
        try:
            results = self._together(batch)
        except StoreError as error:
            for _, future in batch:
                future.set_exception(error)
            return
        except Exception:  # noqa: BLE001  one piece failed and took the transaction with it: give each its own
            if len(batch) == 1:
                self._alone(*batch[0])
                return
            for work, future in batch:
                self._alone(work, future)
            return
        self.commits += 1
        self.pieces += len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            future.set_result(result)
        for wake in self._after:
            wake()

    def _together(self, batch: list[tuple[Work[Any], asyncio.Future[Any]]]) -> list[Any]:
        with self._transaction():
            return [work(self.connection) for work, _ in batch]

    def _alone(self, work: Work[Any], future: "asyncio.Future[Any]") -> None:
        try:
            with self._transaction():
                result = work(self.connection)
        except Exception as error:  # noqa: BLE001  whatever it is, it belongs to the one who asked
            future.set_exception(error)
            return
        self.commits += 1
        self.pieces += 1
        future.set_result(result)
        for wake in self._after:
            wake()

    def _transaction(self) -> "_Transaction":
        if self.broken is not None:
            raise self.broken
        return _Transaction(self)


class _Transaction:
    """BEGIN IMMEDIATE ... COMMIT, with SQLite's own failures turned into StoreError."""

    def __init__(self, group: GroupCommit) -> None:
        self.group = group
        self.connection = group.connection

    def __enter__(self) -> None:
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except apsw.Error as error:
            raise self.group.failure(error) from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if error is None:
            try:
                self.connection.execute("COMMIT")
            except apsw.Error as failed:
                self._roll_back()
                raise self.group.failure(failed) from failed
            return
        self._roll_back()
        if isinstance(error, apsw.Error) and not isinstance(error, apsw.ConstraintError | apsw.SQLError):
            raise self.group.failure(error) from error

    def _roll_back(self) -> None:
        if self.connection.in_transaction:
            # When this fails SQLite has rolled back by itself, or cannot: either way nothing of this batch remains.
            with suppress(apsw.Error):
                self.connection.execute("ROLLBACK")
