"""Processes on SQLite: beside the deliveries that they open, in the same transactions; the SQL stands in process.sql."""

from collections.abc import Sequence
from typing import Any

import apsw

from interlock.messaging.delivery import Delivery
from interlock.messaging.process import STEERING, STEP, Course, Mark, Move, State, signal_of
from interlock.messaging.sqlite.group_commit import GroupCommit
from interlock.messaging.sqlite.statements import statements

TAKEN_OVER = "the process ran on"


class SqliteProcesses:
    """The ProcessStore port on the ledger's file."""

    def __init__(self, group: GroupCommit) -> None:
        self._group = group
        self._sql = statements("process.sql")

    async def course(self, steering: Delivery) -> Course | None:
        """The process as it stands."""
        return self._course(self._group.reading, steering.id)

    async def begin(
        self, steering: Delivery, *, version: int, message: bytes, release: str, now_ms: int
    ) -> Course | None:
        """Fence, and begin the next run."""
        values = {
            "delivery": steering.id, "revision": steering.revision, "version": version, "event": steering.wanted_event,
            "release": release, "message": message, "now": now_ms,
        }  # fmt: skip

        def work(connection: apsw.Connection) -> Course | None:
            if not self._ours(connection, steering):
                return None
            connection.execute(self._sql["begin"], values)
            return self._course(connection, steering.id)

        return await self._group.run(work)

    async def advance(
        self, steering: Delivery, course: Course, moves: Sequence[Move], state: State, now_ms: int
    ) -> Course | None:
        """Fence, change marks, open deliveries: all or nothing."""

        def work(connection: apsw.Connection) -> Course | None:
            if not self._ours(connection, steering):
                return None
            for move in moves:
                self._move(connection, steering.id, course, move, now_ms)
            connection.execute(self._sql["state"], {"delivery": steering.id, "state": state, "now": now_ms})
            if state == "compensated":
                self._give_up_failed(connection, steering.id, course.run, now_ms)
            return self._course(connection, steering.id)

        return await self._group.run(work)

    async def of_child(self, child: Delivery) -> tuple[Course, Mark] | None:
        """By the newest mark of the delivery."""
        row = self._group.reading.execute(self._sql["of_child"], (child.id,)).fetchone()
        course = self._course(self._group.reading, row[0]) if row is not None else None
        if row is None or course is None:
            return None
        return course, next(mark for mark in course.marks if mark.number == row[1])

    def _course(self, connection: apsw.Connection, process: int) -> Course | None:
        row = connection.execute(self._sql["course"], (process,)).fetchone()
        if row is None:
            return None
        run, revision, version, event, release, state, message = row
        marks = tuple(_mark(item) for item in connection.execute(self._sql["marks"], (process,)))
        return Course(
            run=run, revision=revision, version=version, event=event, release=release, state=state, message=message,
            marks=marks,
        )  # fmt: skip

    def _ours(self, connection: apsw.Connection, steering: Delivery) -> bool:
        return connection.execute(self._sql["ours"], (steering.id, steering.token)).fetchone() is not None

    def _move(self, connection: apsw.Connection, process: int, course: Course, move: Move, now_ms: int) -> None:
        if move.number:
            values = {"process": process, "number": move.number, "state": move.state, "why": move.why, "now": now_ms}
            connection.execute(self._sql["notice"], values)
            return
        delivery = self._want(connection, process, course, move, now_ms) if move.destination else 0
        connection.execute(
            self._sql["mark"],
            {"process": process, "run": course.run, "step": move.step, "part": move.part, "undo": int(move.undo),
             "kind": move.kind, "state": move.state, "output": move.output, "why": move.why, "delivery": delivery,
             "now": now_ms},
        )  # fmt: skip

    def _want(self, connection: apsw.Connection, process: int, course: Course, move: Move, now_ms: int) -> int:
        values = {
            "process": process, "destination": move.destination, "signal": signal_of(move.step, move.part),
            "event": course.event, "version": course.version, "release": course.release, "now": now_ms,
        }  # fmt: skip
        delivery = int(connection.execute(self._sql["want_step"], values).get)
        connection.execute(self._sql["settle_letter"], (now_ms, TAKEN_OVER, delivery))
        return delivery

    def _give_up_failed(self, connection: apsw.Connection, process: int, run: int, now_ms: int) -> None:
        rows = connection.execute(self._sql["give_up_failed"], {"process": process, "run": run, "now": now_ms})
        for row in rows.fetchall():
            connection.execute(self._sql["settle_letter"], (now_ms, "the process was taken back", row[0]))


def closed(connection: apsw.Connection, delivery: Delivery, now_ms: int) -> None:
    """In the transaction that closes a claim: a process learns of its step, and looks again when it missed one."""
    sql = statements("process.sql")
    if delivery.signal.startswith(STEP):
        connection.execute(sql["rouse"], (now_ms, delivery.id))
    elif delivery.destination.startswith(STEERING):
        connection.execute(sql["look_again"], (now_ms, delivery.id))


def discarded(connection: apsw.Connection, delivery: int, now_ms: int) -> None:
    """A person has given up a delivery: when it was a step's, its process looks again."""
    connection.execute(statements("process.sql")["rouse"], (now_ms, delivery))


def trim_processes(connection: apsw.Connection, before_ms: int) -> int:
    """Forget the objects of processes that ended before then, and what was read for them; returns how many."""
    connection.execute(statements("process.sql")["trim_records"], (before_ms,))
    connection.execute(statements("process.sql")["trim_processes"], (before_ms,))
    return connection.changes()


def _mark(row: tuple[Any, ...]) -> Mark:
    (run, number, step, part, undo, kind, state, output, why, delivery, began_ms, ended_ms, child, trouble,
     external_id) = row  # fmt: skip
    return Mark(
        run=run, number=number, step=step, part=part, undo=bool(undo), kind=kind, state=state, output=output, why=why,
        delivery=delivery, began_ms=began_ms, ended_ms=ended_ms, child=child, trouble=trouble, external_id=external_id,
    )  # fmt: skip
