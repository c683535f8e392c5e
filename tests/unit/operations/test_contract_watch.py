"""The watch beside the deliveries: what it may cost, what it survives, and whom a change concerns."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interlock.clock import VirtualClock
from interlock.mapping.profile import Profile
from interlock.messaging.contract_drift import Drift, DriftRow
from interlock.messaging.event import Event
from interlock.messaging.sqlite.contract_drift import SqliteDriftBook
from interlock.messaging.sqlite.inbox import SqliteInbox
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.operations.contract_drift import MOST_PER_PASS, MOST_PROFILES, ContractWatch
from interlock.release.cautions import Cautions
from interlock.release.paper import PaperBuild, on_paper
from interlock.strategy import snapshot_of
from interlock.strategy.starter import starter_files

STRAIGHT = """
title = "Customers to marketing, as they are"
source = "shopify"
trigger = ["customers/create"]
object = "customer.v1"
destinations = ["klaviyo"]
pattern = "point-to-point"
operation = "profile.upsert"
rationale = "One small document."
impact = "low"
complexity = "low"
owner = "storefront"
runbook = "marketing-refusals.md"
[slo]
success_percent = 99.0
latency_seconds_p95 = 300
[rollback]
how = "Pause it."

[map]
"data.type" = { value = "profile" }
"data.attributes.external_id" = { from = "id", with = "as_text" }
"data.attributes.organization" = { from = "note", omit_when_null = true }
"""


class Shelf:
    """One release."""

    def __init__(self, build: PaperBuild) -> None:
        self.build = build
        self.cautions = Cautions()

    def current(self) -> PaperBuild:
        return self.build


def build_of(**files: str) -> PaperBuild:
    """The starter folder with some files in place of its own."""
    texts = starter_files() | {name.replace("__", "/"): text for name, text in files.items()}
    return on_paper(snapshot_of({path: text.encode() for path, text in texts.items()}))


class Desk:
    """Real stores, a clock that the test moves, and a watch that can be ended and begun again."""

    def __init__(self, folder: Path, build: PaperBuild) -> None:
        self.clock = VirtualClock(1_795_425_720_000)
        self.inbox = SqliteInbox(folder / "inbox.db", 0)
        self.ledger = SqliteLedger(folder / "ledger.db", 0)
        self.book = SqliteDriftBook(self.ledger.group)
        self.shelf = Shelf(build)
        self.begin_again()

    def begin_again(self) -> None:
        self.watch = ContractWatch(self.inbox, self.book, self.shelf, self.clock)  # type: ignore[arg-type]  # all it is asked

    async def arrive(self, count: int, first: int = 1, *, system: str = "shopify", api_version: str = "2026-07", topic: str = "orders/create",
                     complete: bool = True, object_name: str = "order", **changes: Any) -> None:  # fmt: skip
        """Events with small bodies; a change of None takes the member away."""
        for number in range(first, first + count):
            document = {"id": number, "note": None, "source_name": "web", "name": f"#{number}"} | changes
            body = json.dumps({name: value for name, value in document.items() if value != "gone"}).encode()
            event = Event(
                system=system, dialect="shopify", topic=topic, object=object_name, key=str(number), name=f"#{number}", version=number,
                complete=complete, received_at_ms=self.clock.now_ms() + number, release="r", api_version=api_version,
                sha256=hashlib.sha256(body).digest(), body=body,
            )  # fmt: skip
            await self.inbox.append(event)

    async def look_at_all(self) -> int:
        looked = 0
        while step := await self.watch.step():
            looked += step
        return looked

    async def open_changes(self) -> dict[str, DriftRow]:
        return {row.path: row for row in await self.book.open_rows()}

    async def close(self) -> None:
        await self.inbox.close()
        await self.ledger.close()


@pytest.fixture(scope="module")
def starter() -> PaperBuild:
    return build_of()


def play(tmp_path: Path, build: PaperBuild, story: Any) -> None:
    async def played() -> None:
        desk = Desk(tmp_path, build)
        try:
            await story(desk)
        finally:
            await desk.close()

    asyncio.run(played())


def test_a_pass_looks_at_few_documents_however_many_wait(
    tmp_path: Path, starter: PaperBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The budget: 25 documents a second; of more than so many that wait, one in so many, so the watch never falls behind."""
    monkeypatch.setattr("interlock.operations.contract_drift.MOST_BEHIND", 100)

    async def story(desk: Desk) -> None:
        await desk.arrive(MOST_PER_PASS + 5)
        assert [await desk.watch.step(), await desk.watch.step(), await desk.watch.step()] == [MOST_PER_PASS, 5, 0]
        await desk.arrive(450, first=MOST_PER_PASS + 6)
        assert await desk.watch.step() == MOST_PER_PASS
        assert desk.watch._cursor == MOST_PER_PASS + 5 + 5 * MOST_PER_PASS
        assert 100 <= await desk.look_at_all() < 250

    play(tmp_path, starter, story)


def test_a_restart_counts_nothing_twice_and_forgets_nothing(tmp_path: Path, starter: PaperBuild) -> None:
    """Learned over weeks: profile, count and cursor are one transaction, so a killed hub counts the same documents once."""

    async def story(desk: Desk) -> None:
        await desk.arrive(320)
        await desk.look_at_all()
        await desk.arrive(6, first=321, note="gone")
        await desk.look_at_all()  # not written down yet: less than ten seconds have passed
        desk.begin_again()
        await desk.arrive(6, first=327, note="gone")
        await desk.look_at_all()
        row = (await desk.open_changes())["note"]
        assert (row.documents, row.first_event, row.last_event) == (12, 321, 332)
        assert (row.first_seen_ms, row.last_seen_ms) == (desk.clock.now_ms() + 321, desk.clock.now_ms() + 332)
        desk.begin_again()
        await desk.arrive(3, first=333, note="gone")
        await desk.look_at_all()
        assert (await desk.open_changes())["note"].documents == 15

    play(tmp_path, starter, story)


def test_an_ordered_end_writes_down_what_was_learned(tmp_path: Path, starter: PaperBuild) -> None:
    """A hub that is restarted each night must not learn each day anew."""

    async def story(desk: Desk) -> None:
        await desk.arrive(20)
        running = asyncio.create_task(desk.watch.run())
        while await desk.book.load() == (0, []):
            await asyncio.sleep(0)
        await desk.arrive(5, first=21)
        while await desk.watch.step():
            pass
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        cursor, ((_, packed),) = await desk.book.load()
        assert (cursor, msgspec.msgpack.decode(packed, type=Profile).documents) == (25, 25)

    play(tmp_path, starter, story)


def test_a_mistake_in_the_watch_stops_nothing(
    tmp_path: Path, starter: PaperBuild, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is an observer: a defect of its own is a line in the log, and the hub goes on."""

    async def story(desk: Desk) -> None:
        def fails(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(Profile, "learn", fails)
        await desk.arrive(1)
        running = asyncio.create_task(desk.watch.run())
        while "failed" not in caplog.text:
            await asyncio.sleep(0)
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    play(tmp_path, starter, story)


def test_a_new_api_version_is_judged_by_what_the_old_one_sent(tmp_path: Path, starter: PaperBuild) -> None:
    """Fields go when a version changes: a profile that began anew would learn their absence as the way of the world."""

    async def story(desk: Desk) -> None:
        await desk.arrive(320)
        await desk.look_at_all()
        await desk.arrive(12, first=321, api_version="2026-10", note="gone")
        await desk.look_at_all()
        row = (await desk.open_changes())["note"]
        assert (row.api_version, row.documents) == ("2026-10", 12)

    play(tmp_path, starter, story)


def test_two_api_versions_side_by_side_are_one_record(tmp_path: Path, starter: PaperBuild) -> None:
    """Two subscriptions may send two versions at once: the old one, which has the field, must not end the other's record."""

    async def story(desk: Desk) -> None:
        await desk.arrive(320)
        await desk.look_at_all()
        for first in range(321, 421, 4):
            await desk.arrive(2, first=first)
            await desk.arrive(2, first=first + 2, api_version="2026-10", note="gone")
            await desk.look_at_all()
        (row,) = (await desk.open_changes()).values()
        assert (row.id, row.documents, row.api_version) == (1, 50, "2026-10")

    play(tmp_path, starter, story)


def test_only_what_a_mapping_reads_is_high_and_warns(tmp_path: Path, starter: PaperBuild) -> None:
    """Red is for what loses data: the destinations that get the field are warned, the others are left in peace."""

    async def story(desk: Desk) -> None:
        await desk.arrive(320, landing="x")
        await desk.look_at_all()
        await desk.arrive(60, first=321, note="gone", landing="gone", colour="red")
        await desk.look_at_all()
        rows = await desk.open_changes()
        assert {path: (row.change, row.severity) for path, row in rows.items()} == {
            "note": ("vanished", "high"), "landing": ("vanished", "low"), "colour": ("new", "low"),
        }  # fmt: skip
        assert rows["note"].uses == ("order-to-erp: netsuite salesOrder memo",)
        cautions = desk.shelf.cautions.of("shopify", "order")
        assert list(cautions) == ["netsuite"] and "note is gone" in cautions["netsuite"][0]
        await desk.book.accept(rows["note"].id, by="anna", why="agreed", now_ms=1)
        await desk.watch.step()
        assert desk.shelf.cautions.of("shopify", "order") == {}
        await desk.arrive(20, first=500, note="gone", colour="red")
        await desk.look_at_all()
        assert "note" not in await desk.open_changes()

    play(tmp_path, starter, story)


def test_a_mapping_that_reads_it_no_more_ends_the_alarm(tmp_path: Path, starter: PaperBuild) -> None:
    """The repair is a changed row: with the next release the same change is low, and nothing warns."""

    async def story(desk: Desk) -> None:
        await desk.arrive(320)
        await desk.look_at_all()
        await desk.arrive(12, first=321, note="gone")
        await desk.look_at_all()
        assert (await desk.open_changes())["note"].severity == "high"
        desk.shelf.build = build_of(**{"mappings__shopify.toml": '[order.in]\nnote = { value = "" }\n'})
        await desk.watch.step()
        assert (await desk.open_changes())["note"].severity == "low"
        assert desk.shelf.cautions.of("shopify", "order") == {}

    play(tmp_path, starter, story)


def test_what_a_point_to_point_flow_reads_is_high_too(tmp_path: Path) -> None:
    """It has no canonical object, so the destination's own field is named."""
    build = build_of(**{"flows__straight.toml": STRAIGHT})

    async def story(desk: Desk) -> None:
        await desk.arrive(320, object_name="customer", email=None)
        await desk.arrive(12, first=321, object_name="customer", email=None, note="gone")
        await desk.look_at_all()
        row = (await desk.open_changes())["note"]
        assert (row.severity, row.reads) == ("high", ())
        assert row.uses == ("straight: klaviyo data.attributes.organization",)

    play(tmp_path, build, story)


def test_bodies_that_are_no_whole_object_are_known_apart(tmp_path: Path, starter: PaperBuild) -> None:
    """A refund's body is not an order that lost its fields; no mapping reads it, so its changes are low."""

    async def story(desk: Desk) -> None:
        await desk.arrive(320)
        await desk.arrive(320, first=400, topic="refunds/create", complete=False, reason="size")
        await desk.arrive(20, first=800, topic="refunds/create", complete=False, reason="gone")
        await desk.look_at_all()
        rows = await desk.open_changes()
        assert {path: (row.document, row.severity) for path, row in rows.items()} == {
            "reason": ("refunds/create", "low")
        }

    play(tmp_path, starter, story)


def test_made_up_topics_and_broken_bodies_cost_nothing(tmp_path: Path, starter: PaperBuild) -> None:
    """Topics are not signed: a sender who invents one for each body fills no memory. A body that is no JSON is passed over."""

    async def story(desk: Desk) -> None:
        for number in range(1, MOST_PROFILES + 30):
            await desk.arrive(1, first=number, topic=f"made/up{number}", complete=False)
        body = b"[" * 100_000
        broken = Event(
            system="shopify", dialect="shopify", topic="orders/create", object="order", key="x", complete=True, received_at_ms=1,
            release="r", sha256=hashlib.sha256(body).digest(), body=body,
        )  # fmt: skip
        await desk.inbox.append(broken)
        assert await desk.look_at_all() <= MOST_PROFILES + 30
        assert len(desk.watch._profiles) == MOST_PROFILES

    play(tmp_path, starter, story)


def test_the_book_keeps_one_open_record_for_a_change(tmp_path: Path, starter: PaperBuild) -> None:
    """Counts go up, never down, and a change that comes back after it ended is a record of its own."""

    async def story(desk: Desk) -> None:
        def drift(documents: int) -> Drift:
            return Drift(
                system="s", object="order", document="order", api_version="", path="note", change="vanished", severity="high",
                documents=documents, first_event=1, last_event=2, first_seen_ms=1, last_seen_ms=2, was="text", becomes="", perhaps="",
                reads=(), uses=(),
            )  # fmt: skip

        packed = [(key, 0, msgspec.msgpack.encode(Profile())) for key in ()]
        for documents in (10, 30, 20):
            await desk.book.save(cursor=1, profiles=packed, drift=[drift(documents)], ended=(), learned=(), now_ms=1)
        (row,) = await desk.book.open_rows()
        assert row.documents == 30
        await desk.book.save(cursor=1, profiles=packed, drift=(), ended=[row.id], learned=(), now_ms=2)
        assert await desk.book.open_rows() == []
        await desk.book.save(cursor=1, profiles=packed, drift=[drift(5)], ended=(), learned=(), now_ms=3)
        (again,) = await desk.book.open_rows()
        assert again.id != row.id

    play(tmp_path, starter, story)
