"""Any sequence of what can happen to a ledger, with what must always hold after each step."""

import asyncio
import hashlib
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from interlock.messaging.delivery import OPEN, Begun, Delivery, Failure, Intent, Want
from interlock.messaging.event import Event
from interlock.messaging.ledger import Closing, Filter, Routed
from interlock.messaging.outcome import Done
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.messaging.write import Once, Write

KEYS = st.sampled_from(["1", "2"])
WANTS = (Want(flow="orders", destination="erp"), Want(flow="bills", destination="erp"))
LEASE = 10


class LedgerMachine(RuleBasedStateMachine):
    """Crashes are claims that nobody ends; `stale` claims are tried again later and must change nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.ledger = SqliteLedger(Path(self.folder.name) / "ledger.db", 0)
        self.now = 1
        self.position = 0
        self.newest: dict[tuple[str, str], int] = {}
        self.running: list[Delivery] = []
        self.stale: list[Delivery] = []
        self.links: dict[Any, int] = {}

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.ledger.group.connection.execute(query).fetchall()

    @rule(key=KEYS, version=st.integers(1, 20), wants=st.sampled_from([WANTS, WANTS[:1], WANTS[1:]]))
    def route(self, key: str, version: int, wants: tuple[Want, ...]) -> None:
        # Releases route a key to the same flows, but for a new flow: the ledger must bear both.
        self.position += 1
        event = Event(
            position=self.position, system="shop", dialect="t", topic="t", object="order", key=key, version=version, complete=True,
            received_at_ms=self.now, release="r", sha256=hashlib.sha256(b"%d" % self.position).digest(), body=b"",
        )  # fmt: skip
        fresh = version >= max((seen for (_, known), seen in self.newest.items() if known == key), default=0)
        self.do(self.ledger.route("router", self.position, [Routed(event=event, wants=wants)], self.now))
        if fresh:
            self.newest |= {(want.flow, key): version for want in wants}

    @rule(limit=st.integers(1, 4))
    def claim(self, limit: int) -> None:
        self.running += self.do(self.ledger.claim("erp", worker="w", limit=limit, now_ms=self.now, lease_ms=LEASE))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), how=st.sampled_from(["done", "dead", "retrying", "waiting", "superseded"]))
    def end(self, data: st.DataObject, how: str) -> None:
        delivery = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        if how == "done":
            self.write(delivery)
        assert self.do(self.ledger.close_claim(self.closing(delivery, how)))
        self.stale.append(delivery)

    @rule()
    def crash(self) -> None:
        self.now += LEASE + 1
        self.do(self.ledger.rescue(self.now))
        self.stale += self.running
        self.running = []

    @precondition(lambda self: self.stale)
    @rule(data=st.data(), how=st.sampled_from(["done", "dead", "retrying"]))
    def stale_writer(self, data: st.DataObject, how: str) -> None:
        delivery = self.stale[data.draw(st.integers(0, len(self.stale) - 1))]
        before = (
            self.rows("SELECT * FROM delivery")
            + self.rows("SELECT * FROM link")
            + self.rows("SELECT * FROM dead_letter")
        )
        self.write(delivery)
        assert not self.do(self.ledger.close_claim(self.closing(delivery, how)))
        after = (
            self.rows("SELECT * FROM delivery")
            + self.rows("SELECT * FROM link")
            + self.rows("SELECT * FROM dead_letter")
        )
        assert before == after

    @rule(
        flow=st.sampled_from(["", "orders", "bills"]),
        action=st.sampled_from(["replay", "discard", "hold", "release", "wake"]),
    )
    def operate(self, flow: str, action: str) -> None:
        chosen = Filter(flow=flow)
        match action:
            case "replay":
                self.do(self.ledger.replay(chosen, by="ann", why="", release="same", now_ms=self.now))
            case "discard":
                self.do(self.ledger.discard(chosen, by="ann", why="", now_ms=self.now))
            case "wake":
                self.do(self.ledger.wake_waiting(self.now))
            case _:
                self.do(self.ledger.hold(chosen, by="ann", why="", now_ms=self.now, release=action == "release"))

    @invariant()
    def one_runs_in_a_lane(self) -> None:
        assert all(
            count <= 1
            for (count,) in self.rows(
                "SELECT count(*) FROM delivery WHERE state = 'running' GROUP BY object, key, destination, system"
            )
        )

    @invariant()
    def each_open_lane_has_one_head(self) -> None:
        names = ", ".join(f"'{state}'" for state in OPEN)
        assert all(
            heads == 1
            for (heads,) in self.rows(
                f"SELECT sum(head) FROM delivery WHERE state IN ({names}) GROUP BY object, key, destination, system"
            )
        )

    @invariant()
    def nothing_wanted_is_lost(self) -> None:
        found = {
            (flow, key): (state, wanted)
            for flow, key, state, wanted in self.rows("SELECT flow, key, state, wanted_version FROM delivery")
        }
        for pair, version in self.newest.items():
            assert found[pair][1] >= version

    @invariant()
    def done_means_the_wanted_version(self) -> None:
        assert self.rows("SELECT * FROM delivery WHERE state = 'done' AND done_version < wanted_version") == []

    @invariant()
    def each_dead_delivery_has_its_letter(self) -> None:
        dead = self.rows("SELECT id FROM delivery WHERE state = 'dead' ORDER BY id")
        assert dead == self.rows("SELECT delivery FROM dead_letter WHERE closed_ms = 0 ORDER BY delivery")

    @invariant()
    def links_never_go_back(self) -> None:
        for *key, version in self.rows("SELECT object, key, operation, signal, version FROM link"):
            assert version >= self.links.get(tuple(key), 0)
            self.links[tuple(key)] = version

    def write(self, delivery: Delivery) -> None:
        write = Write(operation=delivery.flow, once=Once.UPSERT, reference="IL", body=b"%d" % delivery.wanted_version)
        intent = Intent(
            delivery=delivery, write=write, version=delivery.wanted_version, event=delivery.wanted_event, idempotency_key="k",
            content_hash=write.content_hash,
            begun_ms=self.now, latest_send_ms=self.now,
        )  # fmt: skip

        async def call() -> None:
            begun = (await self.ledger.begin([intent]))[0]
            if isinstance(begun, Begun):
                await self.ledger.record(begun.attempt, intent, Done(external_id="SO"), self.now)

        self.do(call())

    def closing(self, delivery: Delivery, state: str) -> Closing:
        failure = Failure(reason="unknown", code="X", message="x", waiting_for="item:A" if state == "waiting" else "")
        return Closing(
            delivery=delivery,
            state=state,
            now_ms=self.now,
            version=delivery.wanted_version,
            due_ms=self.now,
            failure=failure,
        )

    def teardown(self) -> None:
        self.do(self.ledger.close())
        self.loop.close()
        self.folder.cleanup()


class TestLedgerMachine(LedgerMachine.TestCase):  # type: ignore[name-defined, misc]
    """Runs the machine."""

    settings = settings(max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
