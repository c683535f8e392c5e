"""Fault case 3: the power goes at any instant of a hub's life; what it had been told is on the disk, and all of it whole."""

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from disk import Disk, Image, images
from engine import FakeRelease, FakeSource, FakeSystem, event_of
from experiment import NIGHTLY, Experiment

from interlock.clock import VirtualClock
from interlock.messaging.delivery import Begun, Delivery, Failure, Intent
from interlock.messaging.ledger import Closing
from interlock.messaging.outcome import Done
from interlock.messaging.router import CURSOR, Router
from interlock.messaging.sqlite import migrate as migrations
from interlock.messaging.sqlite.inbox import SqliteInbox
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.messaging.sqlite.packing import UnreadableBodyError, unpack
from interlock.messaging.upkeep import Upkeep
from interlock.messaging.write import Once, Write

EVENTS = 2_000 if NIGHTLY else 300
DESTINATIONS = ("erp", "wms")
CHECKPOINT_PAGES = 40
"""Small, so that some hundred events see many checkpoints."""

NEXT_MIGRATIONS = {
    "inbox": "ALTER TABLE event ADD COLUMN arm TEXT NOT NULL DEFAULT ''; CREATE INDEX event_arm ON event (arm, position);",
    "ledger": "ALTER TABLE delivery ADD COLUMN arm TEXT NOT NULL DEFAULT ''; UPDATE delivery SET arm = 'a';",
}
"""The schema that the hub finds when it is started again half-way, as after an upgrade."""


class Life:
    """A hub's stores through events, routes, intents, outcomes, checkpoints, pruning, a restart and an upgrade, on one recording disk."""

    def __init__(self, folder: Path, chance: random.Random, *, synchronous: str) -> None:
        self.folder = folder
        self.chance = chance
        self.synchronous = synchronous
        self.trimmed = 0
        self.disk = Disk(recording=True)
        self.clock = VirtualClock()
        systems = {name: FakeSystem(self.clock, Once.KEY) for name in DESTINATIONS}
        self.release = FakeRelease(systems, FakeSource())

    async def pass_by(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open()
        for round_ in range(EVENTS // 10):
            if round_ == EVENTS // 20:
                await self.close()
                upgrade(monkeypatch)
                self.open()
            await self.accept([self.event(round_ * 10 + number) for number in range(10)])
            await self.router.step()
            for destination in DESTINATIONS:
                await self.deliver(destination)
            if round_ % 5 == 4:
                await self.ledger.checkpoint()
                self.clock._elapsed += 86_400.0
                self.trimmed += await self.upkeep.trim()
        await self.close()
        self.disk.close()

    def open(self) -> None:
        self.inbox = SqliteInbox(self.folder / "inbox.db", 1, vfs=self.disk.name)
        self.ledger = SqliteLedger(self.folder / "ledger.db", 1, vfs=self.disk.name)
        for connection in (self.inbox.group.connection, self.ledger.group.connection):
            connection.execute(f"PRAGMA synchronous = {self.synchronous}")
            connection.wal_autocheckpoint(CHECKPOINT_PAGES)
        self.router = Router(self.inbox, self.ledger, self.release, self.clock, lambda: None)
        self.upkeep = Upkeep(self.inbox, self.ledger, self.clock, bodies_days=3, attempts_days=3, wake=lambda: None)

    async def close(self) -> None:
        await self.inbox.close()
        await self.ledger.close()

    def event(self, number: int) -> Any:
        """Three of four are new orders; the others are newer or older versions of known ones."""
        key = str(number) if self.chance.random() < 0.75 else str(self.chance.randint(0, number))
        return event_of(
            key, self.chance.randint(1, 50), "v" * self.chance.randint(1, 1_500), received_ms=self.clock.now_ms()
        )

    async def accept(self, events: list[Any]) -> None:
        """In groups, as intake does for senders that knock at once; each is told as soon as it is in."""

        async def one(event: Any) -> None:
            await self.inbox.append(event)
            self.disk.say("accepted", event.dedupe_key)

        while events:
            size = self.chance.choice([1, 1, 2, 4, 8])
            await asyncio.gather(*map(one, events[:size]))
            events = events[size:]

    async def deliver(self, destination: str) -> None:
        now_ms = self.clock.now_ms()
        for delivery in await self.ledger.claim(destination, worker="w", limit=8, now_ms=now_ms, lease_ms=15_000):
            await self.write(delivery, now_ms)

    async def write(self, delivery: Delivery, now_ms: int) -> None:
        key = f"{delivery.id}/{delivery.token}"
        write = Write(
            operation="put", once=Once.KEY, reference=f"IL-{delivery.key}", body=b"%d" % delivery.wanted_version
        )
        intent = Intent(
            delivery=delivery, write=write, version=delivery.wanted_version, event=delivery.wanted_event, idempotency_key=key,
            content_hash=write.content_hash,
            begun_ms=now_ms, latest_send_ms=now_ms,
        )  # fmt: skip
        begun = (await self.ledger.begin([intent]))[0]
        if not isinstance(begun, Begun):
            return
        self.disk.say("intended", key)
        how = self.chance.choices(["done", "dead", "nothing"], [8, 1, 1])[0]
        if how == "nothing":
            return
        if how == "done":
            recorded = self.ledger.record(begun.attempt, intent, Done(external_id=f"SO-{delivery.id}"), now_ms)
        closing = Closing(
            delivery=delivery, state=how, now_ms=now_ms, version=delivery.wanted_version,
            failure=Failure(reason="validation", code="BAD", message="no such country") if how == "dead" else None,
        )  # fmt: skip
        assert await self.ledger.close_claim(closing)
        if how == "done":
            await recorded
        self.disk.say(how, key)


def upgrade(monkeypatch: pytest.MonkeyPatch) -> None:
    known = migrations.migrations

    def more(store: str) -> Iterator[tuple[int, str, str]]:
        yield from known(store)
        yield 9_999, "9999-next.sql", NEXT_MIGRATIONS[store]

    monkeypatch.setattr(migrations, "migrations", more)


# -- what must be true of every image


def flaws(folder: Path, image: Image) -> Iterator[str]:
    """Start on the image as the hub does, and compare with what had been told. Names of flaws, none when all is well."""
    for name, content in image.files.items():
        (folder / name).write_bytes(content)
    try:
        inbox = SqliteInbox(folder / "inbox.db", 2)
        ledger = SqliteLedger(folder / "ledger.db", 2)
    except (apsw.Error, OSError) as error:
        yield f"does not open: {error}"
        return
    stores = inbox.group.connection, ledger.group.connection
    try:
        if any(store.execute("PRAGMA integrity_check").get != "ok" for store in stores):
            yield "integrity"
        yield from losses(*stores, image)
        yield from halves(*stores)
    finally:
        for store in stores:
            store.close()


def losses(inbox: apsw.Connection, ledger: apsw.Connection, image: Image) -> Iterator[str]:
    told: dict[str, set[str]] = {"accepted": set(), "intended": set(), "done": set(), "dead": set()}
    for what, which in image.told:
        told[what].add(which)
    attempts = set(column(ledger, "SELECT idempotency_key FROM attempt"))
    finished = set(column(ledger, "SELECT idempotency_key FROM attempt WHERE verdict = 'done'"))
    buried = set(column(ledger, "SELECT delivery || '/' || token FROM dead_letter JOIN attempt USING (delivery)"))
    found = {
        "accepted": set(column(inbox, "SELECT dedupe_key FROM event")), "intended": attempts, "done": finished, "dead": buried,
    }  # fmt: skip
    for what, which in told.items():
        if which - found[what]:
            yield f"lost {what}"


def halves(inbox: apsw.Connection, ledger: apsw.Connection) -> Iterator[str]:
    """The cursor says which events were routed: each key of those has one row per destination that wants its newest version."""
    cursor = ledger.execute("SELECT value FROM position WHERE name = ?", (CURSOR,)).get or 0
    if cursor > inbox.execute("SELECT coalesce(max(position), 0) FROM event").get:
        yield "cursor ahead of the inbox"
    newest = dict(inbox.execute("SELECT key, max(version) FROM event WHERE position <= ? GROUP BY key", (cursor,)))
    expected = {(key, name, version) for key, version in newest.items() for name in DESTINATIONS}
    if expected != set(ledger.execute("SELECT key, destination, wanted_version FROM delivery")):
        yield "half a fan-out"
    if ledger.execute(
        "SELECT count(*) FROM attempt a JOIN delivery d ON d.id = a.delivery WHERE a.verdict = 'done' AND NOT EXISTS "
        "(SELECT 1 FROM link l WHERE l.system = d.destination AND l.key = d.key AND l.version >= a.version)"
    ).get:
        yield "outcome without its link"
    if column(ledger, "SELECT id FROM delivery WHERE state = 'dead' ORDER BY id") != column(
        ledger, "SELECT delivery FROM dead_letter WHERE closed_ms = 0 ORDER BY delivery"
    ):
        yield "dead without its letter"
    for body, size, sha256 in inbox.execute("SELECT body, size_bytes, sha256 FROM event WHERE body IS NOT NULL"):
        try:
            unpack(body, size, sha256)
        except UnreadableBodyError:
            yield "damaged body"


def column(store: apsw.Connection, query: str) -> list[Any]:
    return [value for (value,) in store.execute(query)]


def count_flaws(folder: Path, disk: Disk, number: int, chance: random.Random) -> tuple[Counter[str], Counter[str]]:
    """Flaws by name, and images by the way in which the power went."""
    found: Counter[str] = Counter()
    ways: Counter[str] = Counter()
    instants = sorted(chance.randint(1, len(disk.steps)) for _ in range(number))
    image_folder = folder / "image"
    for image in images(disk.steps, instants, chance):
        ways[image.how] += 1
        image_folder.mkdir()
        names = sorted(set(flaws(image_folder, image)))
        found.update(names)
        found["flawed images"] += bool(names)
        shutil.rmtree(image_folder)
    return found, ways


def live(folder: Path, chance: random.Random, synchronous: str) -> Disk:
    folder.mkdir()
    life = Life(folder, chance, synchronous=synchronous)
    with pytest.MonkeyPatch.context() as monkeypatch:
        asyncio.run(life.pass_by(monkeypatch))
    assert life.trimmed > 0
    return life.disk


def test_power_loss_at_any_instant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault case 3: what was acknowledged, intended or recorded is in every image, no fan-out is half, and all open."""
    experiment = Experiment("3", suite=300, table=10_000, capsys=capsys)
    disk = live(tmp_path / "full", experiment.chance, "FULL")
    control = live(tmp_path / "normal", experiment.chance, "NORMAL")
    upgrade(monkeypatch)
    found, ways = count_flaws(tmp_path, disk, experiment.size, experiment.chance)
    tried = max(60, experiment.size // 10)
    lost, _ = count_flaws(tmp_path, control, tried, experiment.chance)
    kinds = Counter(step.kind for step in disk.steps)
    experiment.report(
        faults=sum(ways.values()), trials=experiment.size, control=f"synchronous=NORMAL flawed in {lost['flawed images'] / tried:.0%} ({dict(lost)})",
        flawed=found["flawed images"], images=dict(ways), events=EVENTS, recorded=dict(kinds),
    )  # fmt: skip
    assert found["flawed images"] == 0, found
    assert set(found) == {"flawed images"}
    assert lost["lost accepted"] >= 0.2 * tried
