"""A whole engine in one process: real stores in a folder, invented systems in memory, a clock that the test moves."""

import asyncio
import hashlib
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from interlock.clock import VirtualClock
from interlock.errors import UnmappedReference
from interlock.messaging.black_box import MemoryBlackBox
from interlock.messaging.delivery import Want
from interlock.messaging.dispatcher import Dispatcher
from interlock.messaging.event import Event
from interlock.messaging.outcome import Done, Outcome, Refused, Retry, Uncertain
from interlock.messaging.process import Script, steering_of
from interlock.messaging.releases import Document, Holding, Limits
from interlock.messaging.router import Router
from interlock.messaging.sqlite.inbox import SqliteInbox
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.messaging.upkeep import Upkeep
from interlock.messaging.write import Absent, Found, LookUp, Once, Past, Plan, Write

START_MS = 1_767_225_600_000
QUIET_SECONDS = 60.0
MEMORY_SECONDS = 86_400.0

Fault = str
"""`done`, `503`, `429`, `refused`, `lost` (applied, answer lost), `never` (not applied, no answer), `late:<seconds>`."""


def body_of(key: str, version: int, value: str) -> bytes:
    return json.dumps({"id": key, "version": version, "value": value}).encode()


def event_of(
    key: str, version: int, value: str = "new", *, received_ms: int = START_MS, complete: bool = True, triggered_ms: int = 0,
    object_name: str = "order", event_id: str = "e", priority: int = 0, facts: tuple[str, ...] = (),
) -> Event:  # fmt: skip
    body = body_of(key, version, value)
    return Event(
        system="shop", dialect="test", topic=f"{object_name}s/updated", object=object_name, key=key, name=f"#{key}", version=version,
        complete=complete, received_at_ms=received_ms, triggered_at_ms=triggered_ms, release="r1", priority=priority, facts=facts,
        event_id=event_id, sha256=hashlib.sha256(body).digest(), body=body,
    )  # fmt: skip


class FakeSystem:
    """A destination that remembers every effect; `fault` is asked before each call how that call shall go."""

    def __init__(self, clock: VirtualClock, once: Once, *, quiet_seconds: float = QUIET_SECONDS) -> None:
        self.clock = clock
        self.once = once
        self.quiet_seconds = quiet_seconds
        self.fault: Callable[[Write], Fault] = lambda _write: "done"
        self.calls: list[tuple[int, str, str, str]] = []
        self.records: dict[str, list[dict[str, Any]]] = {}
        self.keys: dict[str, str] = {}
        self.keys_forgotten_ms = 2**62
        self.stale = 0
        self.latency_seconds = 0.0
        self._later: list[tuple[int, Write, str]] = []

    @property
    def duplicates(self) -> int:
        self.land()
        return sum(len(found) - 1 for found in self.records.values())

    def value(self, key: str) -> Any:
        self.land()
        found = self.records.get(f"IL-{key}")
        return found[-1]["value"] if found else None

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:
        key, value = document["id"], document["value"]
        link = past.links.get("put")
        if value == "boom":
            raise ZeroDivisionError("a function of the strategy failed")
        if value == "unmapped":
            raise UnmappedReference("item", "TSHIRT", system="erp")
        if value == "cancelled" and link is None:
            return Plan(because="cancelled before it was written")
        body = json.dumps(document).encode()
        once = Once.UPSERT if link is not None else self.once
        write = Write(
            operation="put", once=once, reference=f"IL-{key}{signal}", body=body, external_id=link.external_id if link else "",
            action="update" if link else "create", quiet_period_seconds=self.quiet_seconds, memory_seconds=MEMORY_SECONDS,
        )  # fmt: skip
        return Plan(writes=(write,))

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:
        self.land()
        fault = self.fault(write)
        self.calls.append((self.clock.now_ms(), write.reference, idempotency_key, fault))
        await self.clock.sleep(self.latency_seconds)
        match fault.split(":"):
            case ["done"]:
                return Done(external_id=self.apply(write, idempotency_key))
            case ["503"]:
                return Retry(code="503", message="unavailable", status=503)
            case ["429", seconds]:
                return Retry(
                    code="429", message="slow", status=429, retry_after_seconds=float(seconds), destination_wide=True
                )
            case ["refused"]:
                return Refused(reason="validation", code="BAD", message="no such country", status=422)
            case ["lost"]:
                self.apply(write, idempotency_key)
            case ["late", seconds]:
                self._later.append((self.clock.now_ms() + round(float(seconds) * 1000), write, idempotency_key))
            case ["never"]:
                pass
            case _:
                raise AssertionError(fault)
        return Uncertain(code="TIMEOUT", message="no answer")

    async def look_up(self, write: Write, *, timeout_seconds: float) -> LookUp:
        self.land()
        return Found(external_id=f"{write.reference}/1") if write.reference in self.records else Absent()

    def land(self) -> None:
        """Apply what arrives late, once its time has come."""
        now_ms = self.clock.now_ms()
        due = sorted((item for item in self._later if item[0] <= now_ms), key=lambda item: item[0])
        self._later = [item for item in self._later if item[0] > now_ms]
        for _, write, key in due:
            self.apply(write, key)

    def apply(self, write: Write, key: str) -> str:
        record = json.loads(write.body)
        found = self.records.setdefault(write.reference, [])
        if write.once is Once.KEY and key in self.keys and self.clock.now_ms() < self.keys_forgotten_ms:
            return self.keys[key]
        self.stale += int(bool(found) and found[-1]["version"] > record["version"])
        if write.once is Once.UPSERT and found:
            found[-1] = record
        else:
            found.append(record)
        self.keys[key] = f"{write.reference}/{len(found)}"
        return self.keys[key]


class FakeSource:
    """The shop's present state by key."""

    def __init__(self) -> None:
        self.present: dict[str, bytes] = {}
        self.reads = 0
        self.down: set[str] = set()
        """Keys for which it does not answer; `*` for all."""

    async def read(self, object_name: str, key: str, *, timeout_seconds: float) -> bytes | Retry | Refused:
        self.reads += 1
        if self.down & {key, "*"}:
            return Retry(code="503", message="the shop does not answer", status=503)
        found = self.present.get(key)
        return (
            found
            if found is not None
            else Refused(reason="gone", code="404", message="the shop no longer has it", status=404)
        )


class FakeRelease:
    """Routes by a table; its documents are the JSON itself. It is its own (only) release."""

    id = "r1"

    def __init__(self, systems: dict[str, FakeSystem], source: FakeSource) -> None:
        self.systems = systems
        self.shop = source
        self.table: dict[str, tuple[Want, ...]] = {
            "order": tuple(Want(flow=f"to-{name}", destination=name) for name in systems)
        }
        self.limit = Limits()
        self.scripts: dict[str, Script] = {}
        self.gates: tuple[str, ...] = ()
        self.holding: Holding = ()
        self.asked: list[str] = []

    def wants(self, event: Event) -> Sequence[Want]:
        return self.table.get(event.object, ())

    def document(self, system: str, object_name: str, body: bytes) -> Document:
        value = json.loads(body)
        return Document(value=value, version=value["version"])

    def script(self, flow: str) -> Script | None:
        """None unless a test adds some."""
        return self.scripts.get(flow)

    def straight(self, flow: str) -> bool:
        """No flow is point-to-point."""
        return False

    def raw(self, flow: str, key: str, body: bytes) -> Document:
        raise AssertionError("no flow is point-to-point")

    def serves(self, flow: str, destination: str) -> bool:
        return destination in self.destinations()

    def paused(self, flow: str) -> bool:
        """Never."""
        return False

    def retry(self, flow: str) -> None:
        """As the destination's."""

    def standing(self, flow: str, destination: str, now_ms: int) -> tuple[str, ...]:
        """Nothing old is in use."""
        return ()

    def admits(self, flow: str, document: Document, signal: str, now_ms: int) -> str:
        return "test orders are not sent" if document.value["value"] == "test" else ""

    def waits_for(self, flow: str, document: Document) -> Sequence[str]:
        """Nothing, unless a test says so."""
        return self.gates

    async def held(self, system: str, object_name: str, key: str, *, timeout_seconds: float) -> Holding:
        """What the test says."""
        self.asked.append(key)
        return self.holding

    def wakes(self, event: Event) -> str:
        """An event of a gate lets go what waits for it."""
        return f"hold:{event.system}:{event.key}" if event.object == "gate" else ""

    def destination(self, name: str, source: str) -> FakeSystem:  # noqa: ARG002
        return self.systems[name]

    def source(self, name: str) -> FakeSource:
        return self.shop

    def limits(self, destination: str) -> Limits:
        return self.limit

    def owner(self, flow: str) -> str:
        return "orders-team"

    def current(self) -> "FakeRelease":
        return self

    async def get(self, release: str) -> "FakeRelease":
        return self

    def destinations(self) -> Sequence[str]:
        return (*self.systems, *map(steering_of, self.scripts))


class Engine:
    """`async with Engine(tmp_path, once) as engine:`; then `post` events and `run` for some virtual seconds."""

    def __init__(
        self, folder: Path, once: Once = Once.UPSERT, *, systems: tuple[str, ...] = ("erp",), seed: int = 1, limits: Limits | None = None,
        quiet_seconds: float = QUIET_SECONDS, clock: VirtualClock | None = None,
    ) -> None:  # fmt: skip
        self.clock = clock or VirtualClock(START_MS)
        self.folder = folder
        self.systems = {name: FakeSystem(self.clock, once, quiet_seconds=quiet_seconds) for name in systems}
        self.source = FakeSource()
        self.release = FakeRelease(self.systems, self.source)
        if limits is not None:
            self.release.limit = limits
        self.seed = seed
        self.black_box = MemoryBlackBox()

    @property
    def erp(self) -> FakeSystem:
        return self.systems["erp"]

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def open(self, *, suspect: int = 0) -> None:
        now_ms = self.clock.now_ms()
        self.inbox = SqliteInbox(self.folder / "inbox.db", now_ms)
        self.ledger = SqliteLedger(self.folder / "ledger.db", now_ms)
        await self.ledger.rescue(now_ms, everything=True, suspect=suspect)
        self.dispatcher = Dispatcher(
            inbox=self.inbox, ledger=self.ledger, releases=self.release, clock=self.clock, chance=random.Random(self.seed),
            black_box=self.black_box, worker="w1",
        )  # fmt: skip
        self.router = Router(self.inbox, self.ledger, self.release, self.clock, self.dispatcher.wake)
        self.upkeep = Upkeep(
            self.inbox, self.ledger, self.clock, bodies_days=60, attempts_days=60, wake=self.dispatcher.wake
        )
        await self.dispatcher.start()

    async def close(self) -> None:
        await self.dispatcher.stop(0)
        await self.drop_calls()
        await self.inbox.close()
        await self.ledger.close()

    async def drop_calls(self) -> None:
        """End calls in flight without letting them say anything, as a kill would."""
        tasks = [task for outlet in self.dispatcher.outlets.values() for task in outlet.running_tasks()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def post(self, *events: Event) -> None:
        """Append, as intake does, and route."""
        for event in events:
            event.received_at_ms = self.clock.now_ms()
            await self.inbox.append(event)
        while await self.router.step():
            pass

    async def run(self, seconds: float = 1.0) -> None:
        """Let virtual time pass, stopping at each sleeper, and let everything that can run at that moment run."""
        end = self.clock.monotonic() + seconds
        await self.spin()
        while (left := end - self.clock.monotonic()) > 0:
            due = [when for when, _, future in self.clock._sleepers if not future.done()]
            step = min(left, max(0.0, min(due, default=end) - self.clock.monotonic()))
            await self.clock.advance(step if step > 0 else min(left, 0.001))
            await self.spin()
        if self.dispatcher._failed is not None and self.dispatcher._failed.done():
            self.dispatcher._failed.result()

    async def spin(self, turns: int = 60) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.ledger.group.connection.execute(query, values).fetchall()

    def states(self) -> dict[str, str]:
        return dict(self.rows("SELECT key || signal || '@' || destination, state FROM delivery"))


def scripted(*faults: Fault) -> Callable[[Write], Fault]:
    """These faults, one a call, then done for ever."""
    left = list(faults)
    return lambda _write: left.pop(0) if left else "done"
