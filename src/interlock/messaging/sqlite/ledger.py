"""The ledger on SQLite: each method is one piece of work of a shared transaction; the SQL stands in ledger.sql."""

from collections.abc import Awaitable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import apsw
import msgspec

from interlock.messaging.dead_letter import fingerprint
from interlock.messaging.delivery import BACKFILL, LIVE, REPLAY, Attempt, Begun, Delivery, Failure, Intent, Unneeded
from interlock.messaging.history import detail_of
from interlock.messaging.ledger import Closing, Filter, Preview, Rescued, Routed
from interlock.messaging.outcome import Done, Outcome, verdict
from interlock.messaging.sqlite.connect import open_store
from interlock.messaging.sqlite.group_commit import GroupCommit
from interlock.messaging.sqlite.lane import hand_on
from interlock.messaging.sqlite.migrate import migrate
from interlock.messaging.sqlite.operator import OperatorWork
from interlock.messaging.sqlite.process import SqliteProcesses, closed, trim_processes
from interlock.messaging.sqlite.refused import note_refused
from interlock.messaging.sqlite.routing import RoutingWork
from interlock.messaging.sqlite.statements import statements
from interlock.messaging.stock_book import FOREIGN
from interlock.messaging.write import Link, Once, Write

FIRST_TOKEN = 1
"""Of a delivery that was never claimed before: nothing can be unsettled."""

UNEXPLAINED = Failure(reason="unknown", code="HUB-UNKNOWN", message="no reason was given")


class SqliteLedger:
    """The Ledger port on one SQLite file."""

    def __init__(self, path: Path, now_ms: int, *, vfs: str | None = None, beside: Executor | None = None) -> None:
        connection = open_store(path, vfs=vfs)
        migrate(connection, "ledger", now_ms)
        self._sql = statements("ledger.sql")
        self.group = GroupCommit(connection, "ledger", beside)
        self._routing = RoutingWork(self._sql)
        self._operator = OperatorWork(self._sql)
        self.processes = SqliteProcesses(self.group)

    # -- routing

    async def cursor(self, name: str) -> int:
        """A named position."""
        row = self.group.reading.execute(self._sql["cursor"], (name,)).get
        return 0 if row is None else int(row)

    async def route(self, cursor_name: str, cursor: int, routed: Sequence[Routed], now_ms: int) -> int:
        """Cursor and deliveries in one transaction."""
        return await self.group.run(
            lambda connection: self._routing.route(connection, cursor_name, cursor, routed, now_ms)
        )

    # -- the life of a claim

    async def claim(
        self, destination: str, *, worker: str, limit: int, now_ms: int, lease_ms: int, only_live: bool = False
    ) -> list[Delivery]:
        """Heads of lanes that are due, live first."""
        priorities = _priorities(only_live=only_live)
        return await self.group.run(
            lambda connection: self._claim(
                connection, destination, priorities, worker, limit, now_ms, now_ms + lease_ms
            )
        )

    def _claim(
        self, connection: apsw.Connection, destination: str, priorities: Sequence[int], worker: str, limit: int,
        now_ms: int, lease: int,
    ) -> list[Delivery]:  # fmt: skip
        rows: list[tuple[Any, ...]] = []
        for priority in priorities:
            if len(rows) < limit:
                rows += connection.execute(
                    self._sql["due"], (destination, priority, now_ms, limit - len(rows))
                ).fetchall()
        take = self._sql["take"]
        for row in rows:
            connection.execute(take, (worker, lease, now_ms, row[0]))
        return [self._delivery(connection, row, lease, now_ms) for row in rows]

    def _delivery(
        self, connection: apsw.Connection, row: tuple[Any, ...], lease_until_ms: int, now_ms: int
    ) -> Delivery:
        """The columns of the row stand in the order of the struct's fields: by keyword it would take ten times as long."""
        delivery = Delivery(*(*row, lease_until_ms))
        delivery.reread, delivery.replayed = bool(delivery.reread), bool(delivery.replayed)  # SQLite has none
        lane = (delivery.destination, delivery.system, delivery.object, delivery.key, delivery.signal)
        delivery.links = _links(connection.execute(self._sql["links_of"], lane).fetchall())
        if delivery.token > FIRST_TOKEN:
            unsettled = connection.execute(self._sql["unsettled_of"], (delivery.id, now_ms))
            delivery.unsettled = tuple(_attempt(item) for item in unsettled)
        return delivery

    async def next_due_ms(self, destination: str, *, only_live: bool = False) -> int | None:
        """The earliest due time over the priorities."""
        dues = [
            self.group.reading.execute(self._sql["next_due"], (destination, priority)).get
            for priority in _priorities(only_live=only_live)
        ]
        return min((due for due in dues if due is not None), default=None)

    async def begin(self, intents: Sequence[Intent]) -> list[Begun | Unneeded]:
        """Fence, compare, and write the intents down."""
        return await self.group.run(lambda connection: [self._begin(connection, intent) for intent in intents])

    def _begin(self, connection: apsw.Connection, intent: Intent) -> Begun | Unneeded:
        delivery, write = intent.delivery, intent.write
        link_key = _link_key(delivery, write.object, write.key, write.operation)
        head = connection.execute(self._sql["link_head"], (*link_key, delivery.id, delivery.token)).fetchone()
        if head is None:
            return Unneeded("fenced")
        version, content_hash = head
        if version is not None:
            if version > intent.version:
                return Unneeded("superseded")
            if content_hash == intent.content_hash and not intent.force:
                connection.execute(self._sql["touch_link"], (intent.version, *link_key, intent.version))
                return Unneeded("unchanged")
        connection.execute(
            self._sql["intend"],
            (delivery.id, delivery.token, delivery.attempts + 1, write.operation, write.action, write.once.value,
             write.reference, write.object, write.key, round(write.quiet_period_seconds * 1000),
             round(write.memory_seconds * 1000), intent.idempotency_key, intent.content_hash, intent.version,
             intent.event, delivery.release, write.body, intent.begun_ms, intent.latest_send_ms),
        )  # fmt: skip
        return Begun(connection.last_insert_rowid())

    async def landing(self, intent: Intent) -> int | None:
        """Until when what the order brings along may still be overwritten by another's call.

        An outcome that is asked for and not committed yet can only end such a time: what is found is looked at once more,
        behind what was asked before.
        """
        delivery, write = intent.delivery, intent.write
        values = {
            "object": write.object, "key": write.key, "operation": write.operation, "content_hash": intent.content_hash,
            "delivery": delivery.id, "destination": delivery.destination, "system": delivery.system,
        }  # fmt: skip

        def look(connection: apsw.Connection) -> int | None:
            until: int | None = connection.execute(self._sql["landing"], values).get
            return until

        return None if look(self.group.reading) is None else await self.group.run(look)

    async def prolong(self, attempt: int, token: int, latest_send_ms: int) -> bool:
        """Fence, and move the time until which the call may still leave."""
        return await self._changes("prolong", (latest_send_ms, attempt, token)) > 0

    def record(self, attempt: int, intent: Intent, outcome: Outcome, now_ms: int) -> Awaitable[None]:
        """Outcome and crosswalk together."""
        return self.group.run(lambda connection: self._record(connection, attempt, intent, outcome, now_ms))

    def _record(self, connection: apsw.Connection, attempt: int, intent: Intent, outcome: Outcome, now_ms: int) -> None:
        delivery = intent.delivery
        external_id = outcome.external_id if isinstance(outcome, Done) else ""
        code, message = ("", outcome.detail) if isinstance(outcome, Done) else (outcome.code, outcome.message)
        connection.execute(
            self._sql["outcome"],
            (now_ms, verdict(outcome), outcome.status, code, message[:2_000], external_id, attempt, delivery.id,
             delivery.token),
        )  # fmt: skip
        # To whoever took over, this call may still land: a late word of it must not settle it.
        if isinstance(outcome, Done) and connection.changes():
            self._link(connection, intent, external_id, now_ms)

    def _link(self, connection: apsw.Connection, intent: Intent, external_id: str, now_ms: int) -> None:
        write = intent.write
        connection.execute(
            self._sql["link"],
            (*_link_key(intent.delivery, write.object, write.key, write.operation), write.reference, external_id,
             intent.version,
             intent.content_hash, now_ms),
        )  # fmt: skip

    async def settle(
        self, attempt: int, token: int, resolution: str, now_ms: int, *, external_id: str = "",
        intent: Intent | None = None,
    ) -> bool:  # fmt: skip
        """Fence, and write down how an uncertain attempt turned out; one that was found becomes a link."""

        def work(connection: apsw.Connection) -> bool:
            connection.execute(self._sql["resolve"], (resolution, now_ms, external_id, attempt, token))
            ours = connection.changes() > 0
            if ours and intent is not None:
                self._link(connection, intent, external_id, now_ms)
            return ours

        return await self.group.run(work)

    async def close_claim(self, closing: Closing) -> bool:
        """End a claim, hand the lane on, count it, and bury it when it is dead: one transaction."""
        return await self.group.run(lambda connection: self._close(connection, closing))

    def _close(self, connection: apsw.Connection, closing: Closing) -> bool:
        if closing.state in ("done", "superseded", "cancelled"):
            state = self._close_done(connection, closing)
        elif closing.state == "dead":
            state = self._close_dead(connection, closing)
        else:
            state = self._close_later(connection, closing)
        if state is None:
            return False
        self._count(connection, closing, state)
        closed(connection, closing.delivery, closing.now_ms)
        return True

    def _close_done(self, connection: apsw.Connection, closing: Closing) -> str | None:
        delivery, failure = closing.delivery, closing.failure
        reason, code, error = (failure.reason, failure.code, failure.message) if failure else ("", "", "")
        written = (
            delivery.id, closing.state, closing.now_ms, closing.version, reason, code, error, "\n".join(closing.warnings),
            delivery.token, delivery.revision,
        )  # fmt: skip
        connection.execute(self._sql["close_done"], written)
        state = closing.state
        if not connection.changes():
            connection.execute(self._sql["close_wished_again"], written)
            if not connection.changes():
                return None
            state = "pending"
        if closing.refused:
            note_refused(connection, closing)
        if state == closing.state:
            self._hand_on(connection, delivery)
            result = "unchanged" if closing.unchanged else "delivered" if closing.state == "done" else closing.state
            self._replayed(connection, delivery, result)
        return state

    def _hand_on(self, connection: apsw.Connection, delivery: Delivery) -> None:
        hand_on(
            connection, self._sql, system=delivery.system, object_name=delivery.object, key=delivery.key,
            destination=delivery.destination,
        )  # fmt: skip

    def _replayed(self, connection: apsw.Connection, delivery: Delivery, result: str) -> None:
        """Tell the replay that holds this delivery, if one does: a replay never takes one that is running."""
        if delivery.replayed:
            connection.execute(self._sql["replay_result"], (result, delivery.id))

    def _close_later(self, connection: apsw.Connection, closing: Closing) -> str | None:
        delivery, failure = closing.delivery, closing.failure or UNEXPLAINED
        state: str | None = connection.execute(
            self._sql["close_later"],
            (closing.state, closing.due_ms, int(closing.counted), closing.now_ms, failure.reason, failure.code,
             failure.message[:2_000],
             failure.waiting_for, delivery.id, delivery.token, delivery.revision, int(closing.served)),
        ).get  # fmt: skip
        return state

    def _close_dead(self, connection: apsw.Connection, closing: Closing) -> str | None:
        delivery, failure = closing.delivery, closing.failure or UNEXPLAINED
        row = connection.execute(
            self._sql["close_dead"],
            (delivery.revision, closing.now_ms, int(closing.counted), failure.reason, failure.code,
             failure.message[:2_000],
             delivery.id, delivery.token),
        ).fetchone()  # fmt: skip
        if row is None:
            return None
        state, attempts = row
        if state == "dead":
            group = fingerprint(delivery.flow, delivery.destination, failure.reason, failure.code, failure.message)
            connection.execute(
                self._sql["bury"],
                (delivery.id, closing.now_ms, delivery.flow, delivery.destination, delivery.object, delivery.key,
                 delivery.name,
                 failure.reason, failure.code, failure.message[:2_000], group, closing.owner, attempts,
                 delivery.wanted_event,
                 delivery.release, failure.body),
            )  # fmt: skip
            self._hand_on(connection, delivery)
        if state == "dead" or failure.code == FOREIGN:  # a new question: whatever woke it again, nobody has answered that
            self._replayed(connection, delivery, "dead")
        return str(state)

    def _count(self, connection: apsw.Connection, closing: Closing, state: str) -> None:
        done = state == "done" or (state == "pending" and closing.state == "done")
        retried = state in ("retrying", "uncertain")
        if not (done or retried or state == "dead"):
            return
        delivery = closing.delivery
        latency = max(0, closing.now_ms - delivery.received_ms) if done else 0
        counts = (int(done), int(done and closing.unchanged), int(state == "dead"), int(retried))
        connection.execute(
            self._sql["minute"],
            (delivery.flow, delivery.destination, closing.now_ms // 60_000, *counts, latency, latency),
        )

    # -- leases

    async def renew(self, claims: Sequence[tuple[int, int]], lease_until_ms: int) -> int:
        """Extend the leases that are still ours."""

        def work(connection: apsw.Connection) -> int:
            kept = 0
            for delivery, token in claims:
                connection.execute(self._sql["renew"], (lease_until_ms, delivery, token))
                kept += connection.changes()
            return kept

        return await self.group.run(work)

    async def rescue(self, now_ms: int, *, everything: bool = False, suspect: int = 0) -> list[Rescued]:
        """Take deliveries back from workers that vanished."""
        horizon = 2**62 if everything else now_ms
        return await self.group.run(lambda connection: self._rescue(connection, horizon, now_ms, suspect))

    def _rescue(self, connection: apsw.Connection, horizon: int, now_ms: int, suspect: int) -> list[Rescued]:
        rescued = []
        for id_, destination, _token in connection.execute(self._sql["lost_claims"], (horizon,)).fetchall():
            connection.execute(self._sql["doubt"], (now_ms, id_))
            open_calls = connection.execute(self._sql["unsettled_of"], (id_, now_ms)).fetchall()
            state = "uncertain" if open_calls else "retrying"
            connection.execute(self._sql["rescue"], (state, now_ms, suspect, now_ms, id_))
            rescued.append(Rescued(int(str(id_)), str(destination), state))
        return rescued

    # -- what outlives a claim

    async def wake_waiting(self, now_ms: int, waiting_for: str = "") -> int:
        """What waited is due now."""
        return await self._changes("wake_waiting", (now_ms, waiting_for))

    async def save_breaker(
        self, destination: str, state: str, failures: int, paused_until_ms: int, last_error: str, now_ms: int
    ) -> None:
        """Keep the breaker."""
        await self._changes("save_breaker", (destination, state, failures, now_ms, paused_until_ms, last_error[:500]))

    async def breakers(self) -> dict[str, tuple[str, int, int, int, str]]:
        """All breakers."""
        rows = self.group.reading.execute(self._sql["breakers"])
        return {
            name: (state, failures, changed, paused, error) for name, state, failures, changed, paused, error in rows
        }

    async def save_release(
        self, release: str, files: bytes, now_ms: int, *, by: str = "", action: str = "apply", why: str = "",
        summary: str = "", ways: Sequence[tuple[str, str]] | None = None,
    ) -> None:  # fmt: skip
        """Keep, activate and audit a release."""
        served = None if ways is None else msgspec.json.encode([">".join(way) for way in ways]).decode()

        def work(connection: apsw.Connection) -> None:
            before = connection.execute(self._sql["active_release"]).get or ""
            connection.execute(self._sql["retire_release"], (release,))
            connection.execute(self._sql["save_release"], (release, now_ms, files))
            connection.execute(self._sql["adopt_waiting"], (release, served))
            if by and before != release:
                detail = msgspec.json.encode(detail_of(str(before), summary)).decode()
                connection.execute(self._sql["audit"], (now_ms, by, action, release, why, detail))

        await self.group.run(work)

    async def active_release(self) -> str:
        """The id of the active one."""
        return str(self.group.reading.execute(self._sql["active_release"]).get or "")

    async def release(self, release: str) -> bytes | None:
        """The folder of a release."""
        files: bytes | None = self.group.reading.execute(self._sql["release"], (release,)).get
        return files

    async def open_work(self) -> list[tuple[str, str]]:
        """Through the index of open lanes."""
        return [(str(row[0]), str(row[1])) for row in self.group.reading.execute(self._sql["open_work"])]

    async def origin_of(self, system: str, object_name: str, external_id: str) -> tuple[str, str] | None:
        """Whose object it is, when we wrote it there."""
        row = self.group.reading.execute(self._sql["origin_of"], (system, external_id, object_name)).fetchone()
        return None if row is None else (row[0], row[1])

    async def audit(
        self, who: str, action: str, subject: str, *, why: str = "", detail: Any = None, now_ms: int
    ) -> None:
        """One line of the audit."""
        text = "" if detail is None else msgspec.json.encode(detail).decode()
        await self._changes("audit", (now_ms, who, action, subject, why, text))

    async def oldest_wanted_event(self) -> int:
        """Bodies below this position are needed by nobody."""
        position = self.group.reading.execute(self._sql["oldest_wanted_event"]).get
        return 2**62 if position is None else int(position)

    async def trim(self, before_ms: int, limit: int) -> int:
        """Forget old bodies."""
        attempts = await self._changes("trim_attempts", (before_ms, limit))
        processes = await self.group.run(lambda connection: trim_processes(connection, before_ms))
        return attempts + processes + await self._changes("trim_letters", (before_ms,))

    async def trim_audit(self, before_ms: int, limit: int) -> int:
        """Its ids rise with time, so the oldest are looked at alone."""
        return await self._changes("trim_audit", (limit, before_ms))

    async def checkpoint(self) -> None:
        """A passive checkpoint: it never waits for readers."""
        await self.group.checkpoint()

    async def counts(self) -> dict[str, dict[str, int]]:
        """Deliveries by destination and state."""
        found: dict[str, dict[str, int]] = {}
        for destination, state, count in self.group.reading.execute(self._sql["counts"]):
            found.setdefault(destination, {})[state] = count
        return found

    # -- what operators ask for

    async def preview(self, chosen: Filter) -> Preview:
        """Count what a filter touches."""
        return self._operator.preview(self.group.reading, chosen)

    async def replay(self, chosen: Filter, *, by: str, why: str, release: str, now_ms: int) -> int:
        """Open what is chosen, once, and remember what it was."""
        return await self.group.run(
            lambda connection: self._operator.replay(connection, chosen, by, why, release, now_ms)
        )

    async def discard(self, chosen: Filter, *, by: str, why: str, now_ms: int) -> int:
        """Give up for good."""
        return await self.group.run(lambda connection: self._operator.discard(connection, chosen, by, why, now_ms))

    async def hold(self, chosen: Filter, *, by: str, why: str, now_ms: int, release: bool = False) -> int:
        """Stop, or let go on."""
        return await self.group.run(
            lambda connection: self._operator.hold(connection, chosen, by, why, now_ms, release=release)
        )

    async def pause_replay(self, replay: int, *, by: str, paused: bool, now_ms: int) -> None:
        """Hold the open items of a replay, or release them."""
        await self.group.run(
            lambda connection: self._operator.pause_replay(connection, replay, by, paused=paused, now_ms=now_ms)
        )

    async def close(self) -> None:
        """Close the file."""
        await self.group.close()

    async def _changes(self, name: str, values: tuple[Any, ...]) -> int:
        def work(connection: apsw.Connection) -> int:
            connection.execute(self._sql[name], values)
            return connection.changes()

        return await self.group.run(work)


def _priorities(*, only_live: bool) -> Sequence[int]:
    return (LIVE,) if only_live else (LIVE, REPLAY, BACKFILL)


def _link_key(delivery: Delivery, object_name: str, key: str, operation: str) -> tuple[str, ...]:
    """An object that an order brings along (its customer) has a crosswalk of its own, shared by all its orders."""
    if object_name:
        return (delivery.destination, delivery.system, object_name, key, operation, "")
    return (delivery.destination, delivery.system, delivery.object, delivery.key, operation, delivery.signal)


def _links(rows: list[tuple[Any, ...]]) -> dict[str, Link]:
    return {
        operation: Link(
            operation=operation,
            reference=reference,
            external_id=external_id,
            version=version,
            content_hash=content_hash,
        )
        for operation, reference, external_id, version, content_hash in rows
    }


def _attempt(row: tuple[Any, ...]) -> Attempt:
    (id_, operation, action, once, reference, object_name, key, quiet_ms, memory_ms, idempotency_key, content_hash,
     version, begun_ms,
     latest_send_ms, body) = row  # fmt: skip
    write = Write(
        operation=operation, action=action, once=Once(once), reference=reference, object=object_name, key=key,
        body=body,
        quiet_period_seconds=quiet_ms / 1000, memory_seconds=memory_ms / 1000,
    )  # fmt: skip
    return Attempt(
        id=id_, write=write, idempotency_key=idempotency_key, content_hash=content_hash, version=version,
        begun_ms=begun_ms,
        latest_send_ms=latest_send_ms,
    )  # fmt: skip
