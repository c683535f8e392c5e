"""A backfill goes on where it was, repeats nothing, waits for what it must wait for, and lets live work pass."""

import asyncio
import sys
from pathlib import Path

import pytest
from backfilling import FakeBulk, whole

sys.path.append(str(Path(__file__).parents[1] / "messaging"))
from engine import Engine, event_of

from interlock.errors import SettingsError
from interlock.intake import backfill as module
from interlock.intake.backfill import BATCH, Backfills
from interlock.messaging.backfill import Action, Asked, Backfill, Go, How
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.releases import Limits
from interlock.messaging.source import BulkState, Reach
from interlock.messaging.sqlite.backfill import SqliteBackfillBook


class Hub(Engine):
    """The engine with the part of the hub that reads in bulk."""

    def __init__(self, folder: Path, bulk: FakeBulk, *, limits: Limits | None = None) -> None:
        super().__init__(folder, limits=limits)
        self.bulk = bulk
        self.bulks = {"shop": bulk}

    async def open(self, *, suspect: int = 0) -> None:
        await super().open(suspect=suspect)
        self.book = SqliteBackfillBook(self.ledger.group)
        self.backfills = Backfills(
            self.book, inbox=self.inbox, ledger=self.ledger, bulk=self.bulks.__getitem__, release=lambda: "r1", clock=self.clock,
        )  # fmt: skip
        self.at_work = [asyncio.ensure_future(part) for part in (self.backfills.run(), self.router.run())]

    async def close(self) -> None:
        await self.kill()
        await super().close()

    async def kill(self) -> None:
        for task in self.at_work:
            task.cancel()
        await asyncio.gather(*self.at_work, return_exceptions=True)

    async def ask(self, *, how: How = "bulk", go: Go = "all", since: int = 0) -> int:
        asked = Asked(system="shop", object="order", since_us=since, until_us=2**60, how=how, go=go)
        return await self.book.ask(asked, by="ann", why="new warehouse", now_ms=self.clock.now_ms())

    async def row(self, number: int = 1) -> Backfill:
        found = await self.book.backfill(number)
        assert found is not None
        return found

    def events(self) -> int:
        return int(self.inbox.group.connection.execute("SELECT count(*) FROM event").get)


def orders(count: int) -> FakeBulk:
    return FakeBulk([whole(number) for number in range(count)])


@pytest.mark.parametrize("how", ["bulk", "pages"])
def test_everything_arrives_once_and_a_second_time_changes_nothing(tmp_path: Path, how: How) -> None:
    """All orders reach the destination once; the same again finds all of them known and opens nothing (C77)."""

    async def story() -> None:
        async with Hub(tmp_path, orders(300)) as hub:
            await hub.ask(how=how)
            await hub.run(60)
            row = await hub.row()
            assert (row.state, row.seen, row.new, row.known, row.share) == ("done", 300, 300, 0, 1.0)
            assert (len(hub.erp.records), len(hub.erp.calls)) == (300, 300)
            await hub.ask(how=how)
            await hub.run(60)
            row = await hub.row(2)
            assert (row.state, row.seen, row.new, row.known) == ("done", 300, 0, 300)
            assert len(hub.erp.calls) == 300

    asyncio.run(story())


@pytest.mark.parametrize("how", ["bulk", "pages"])
def test_killed_at_forty_percent_it_goes_on_and_repeats_nothing(tmp_path: Path, how: How) -> None:
    """C77: the new process goes on at the place that was committed; no order is written twice, none is left out. The
    control: with its place forgotten it reads everything again, and the inbox still lets nothing through twice."""

    async def story() -> None:
        bulk = orders(1_000)
        bulk.on_object = lambda number: Retry(code="503", message="the line broke") if number == 400 else None
        bulk.page_size = 100
        first = Hub(tmp_path, bulk)
        await first.open()
        await first.ask(how=how)
        while (await first.row()).seen < 400:
            await first.run(0.01)
        await first.kill()
        seen = (await first.row()).seen
        assert 400 <= seen < 1_000
        await Engine.close(first)
        read, bulk.on_object = bulk.read, lambda _number: None
        async with Hub(tmp_path, bulk) as hub:
            await hub.run(120)
            row = await hub.row()
            assert (row.state, row.seen, row.new) == ("done", 1_000, 1_000)
            assert (hub.events(), len(hub.bulk.begun)) == (1_000, 1 if how == "bulk" else 0)
            if how == "bulk":
                assert bulk.opened[-1] == seen and bulk.read - read == 1_000 - seen
            hub.ledger.group.connection.execute("UPDATE backfill SET state = 'waiting', line = 0, cursor = '', reached_us = 0")
            await hub.run(120)
            assert ((await hub.row()).seen, hub.events()) == (2_000, 1_000)

    asyncio.run(story())


@pytest.mark.parametrize("room", [400, 10**6])
def test_no_more_waits_here_than_there_is_room_for(room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The destination takes 200 a second, the vendor gives everything at once: what has no room stays there. The control:
    with room without end all of it waits here."""
    monkeypatch.setattr(module, "AHEAD_MOST", room)

    async def story() -> None:
        bulk = orders(1_500)
        async with Hub(tmp_path, bulk, limits=Limits(rate_per_second=200.0, burst=1.0, concurrency=8)) as hub:
            await hub.ask()
            most = 0
            while (await hub.row()).state != "done":
                await hub.run(0.25)
                most = max(most, len(hub.rows("SELECT 1 FROM delivery WHERE state = 'pending'")))
            assert most > 1_000 if room > 1_500 else most <= room + BATCH
            await hub.run(30)
            assert len(hub.erp.records) == 1_500

    asyncio.run(story())


def test_a_live_order_passes_before(tmp_path: Path) -> None:
    """A thousand old orders wait for a slow destination; one that is placed now is the next to go."""

    async def story() -> None:
        async with Hub(tmp_path, orders(1_000), limits=Limits(rate_per_second=10.0, burst=1.0, concurrency=1)) as hub:
            await hub.ask()
            await hub.run(5)
            await hub.post(event_of("live", 10))
            before = len(hub.erp.calls)
            await hub.run(1)
            assert "IL-live" in [reference for _, reference, _, _ in hub.erp.calls[before : before + 3]]

    asyncio.run(story())


def test_the_sixth_operation_is_waited_for(tmp_path: Path) -> None:
    """C74: no place for one more is no failure; the row says what it waits for."""

    async def story() -> None:
        bulk = orders(10)
        bulk.busy = 3
        async with Hub(tmp_path, bulk) as hub:
            await hub.ask()
            await hub.run(3)
            row = await hub.row()
            assert (row.state, row.code, row.note) == ("waiting", "BULK-LIMIT", "five bulk operations run already")
            await hub.run(60)
            assert ((await hub.row()).state, len(bulk.begun)) == ("done", 1)

    asyncio.run(story())


@pytest.mark.parametrize("trouble", ["partial", "expired", "cancelled", "gone"])
def test_what_came_is_used_and_the_rest_is_asked_for_again(tmp_path: Path, trouble: str) -> None:
    """C74: a failed operation's partial data counts, and a result that died after seven days is asked for again: each
    time from the last object on."""

    async def story() -> None:
        bulk = orders(500)
        partial = BulkState(id="bulk-1", state="failed", count=250, url="https://results/part", partial=True, code="TIMEOUT")
        if trouble == "partial":
            bulk.ends = [partial]
        elif trouble == "gone":
            bulk.on_object = (
                lambda number: Refused(reason="gone", code="403", message="expired")
                if number == 250 and len(bulk.begun) == 1 else None
            )  # fmt: skip
        else:
            bulk.ends = [BulkState(id="bulk-1", state=trouble)]
        async with Hub(tmp_path, bulk) as hub:
            await hub.ask()
            await hub.run(120)
            row = await hub.row()
            assert (row.state, row.new, row.bulks) == ("done", 500, 2)
            assert bulk.begun == ([0, 1_249] if trouble in ("partial", "gone") else [0, 0])
            assert row.seen == (501 if trouble in ("partial", "gone") else 500), "only the last object comes twice"
            assert len(hub.erp.calls) == 500

    asyncio.run(story())


def test_a_result_in_no_order_is_read_from_the_beginning(tmp_path: Path) -> None:
    """Where the last object says nothing about those before it, going on from it would leave some out."""

    async def story() -> None:
        bulk = FakeBulk([whole(number, created=5_000 - number) for number in range(100)])
        bulk.ends = [BulkState(id="bulk-1", state="failed", count=60, url="https://results/part", partial=True)]
        async with Hub(tmp_path, bulk) as hub:
            await hub.ask()
            await hub.run(60)
            assert ((await hub.row()).new, bulk.begun) == (100, [0, 0])

    asyncio.run(story())


def test_a_vendor_that_never_ends_an_operation_is_given_up(tmp_path: Path) -> None:
    """The ten days end in TIMEOUT each time; twenty such operations are enough to say so."""

    async def story() -> None:
        bulk = orders(1)
        bulk.ends = [BulkState(id="x", state="failed", code="TIMEOUT")] * 30
        async with Hub(tmp_path, bulk) as hub:
            await hub.ask()
            await hub.run(60)
            row = await hub.row()
            assert (row.state, row.code, len(bulk.begun)) == ("failed", "BFL003", module.BULKS_MOST)
            assert "TIMEOUT" in row.note

    asyncio.run(story())


def test_pages_go_no_deeper_than_the_vendor_does(tmp_path: Path) -> None:
    """C75: behind the cap the query begins anew at the last object."""

    async def story() -> None:
        bulk = orders(500)
        bulk.page_most = 200
        async with Hub(tmp_path, bulk) as hub:
            await hub.ask(how="pages")
            await hub.run(60)
            row = await hub.row()
            assert (row.state, row.new, len(hub.erp.records)) == ("done", 500, 500)

    asyncio.run(story())


def test_less_than_everything_needs_a_word(tmp_path: Path) -> None:
    """C76: nothing starts while less would come; whoever has read that may say so. The control begins at once."""

    async def story() -> None:
        bulk = orders(10)
        bulk.reachable = Reach(count=10, missing="orders older than 60 days", next_move="grant read_all_orders")
        async with Hub(tmp_path, bulk) as hub:
            await hub.ask()
            await hub.run(5)
            row = await hub.row()
            assert (row.state, row.missing, row.note) == ("checked", "orders older than 60 days", "grant read_all_orders")
            assert (row.expected, bulk.begun) == (10, [])
            assert await hub.book.steer(1, "begin", by="ann", why="the rest is archived", now_ms=0)
            await hub.run(30)
            assert (await hub.row()).state == "done"
            await hub.ask(go="anyway")
            await hub.run(30)
            assert (await hub.row(2)).state == "done"

    asyncio.run(story())


def test_paused_resumed_and_cancelled(tmp_path: Path) -> None:
    """A person's word goes before what the hub is doing: nothing comes while it is paused, it goes on at its place, and
    the vendor is told that nobody wants the rest."""

    async def story() -> None:
        bulk = orders(300)
        bulk.looks = 10**6
        async with Hub(tmp_path, bulk) as hub:
            await hub.ask()
            await hub.run(5)
            assert ((await hub.row()).state, (await hub.row()).collected) == ("collecting", 7)
            assert await hub.book.steer(1, "pause", by="ann", why="rush hour", now_ms=0)
            bulk.looks = 0
            await hub.run(30)
            assert ((await hub.row()).state, hub.events()) == ("paused", 0)
            assert not await hub.book.steer(1, "begin", by="ann", why="", now_ms=0)
            assert await hub.book.steer(1, "resume", by="ann", why="", now_ms=0)
            await hub.run(30)
            assert ((await hub.row()).state, len(bulk.begun)) == ("done", 1)
            bulk.looks = 10**6
            await hub.ask()
            await hub.run(5)
            await hub.book.steer(2, "cancel", by="ann", why="not needed", now_ms=7)
            await hub.run(5)
            row = await hub.row(2)
            assert (row.state, row.ended_ms, row.bulk, bulk.cancelled) == ("cancelled", 7, "", ["bulk-2"])

    asyncio.run(story())


@pytest.mark.parametrize("trouble", [KeyError("bulkOperationCancel"), TypeError("None is no mapping"), Retry(code="429", message="")])
def test_what_cannot_be_cancelled_yet_is_tried_again(tmp_path: Path, trouble: Exception | Retry) -> None:
    """An operation that goes on keeps one of few places: its id is kept until the vendor has answered, and no answer, however
    broken, ends the hub."""

    async def story() -> None:
        bulk = orders(10)
        bulk.looks, bulk.cancel_troubles = 10**6, [trouble] * 3
        async with Hub(tmp_path, bulk) as hub:
            await hub.ask()
            await hub.run(5)
            await hub.book.steer(1, "cancel", by="ann", why="not needed", now_ms=7)
            await hub.run(2)
            assert ((await hub.row()).bulk, bulk.cancelled, len(bulk.cancel_troubles)) == ("bulk-1", [], 2)
            await hub.run(60)
            assert not hub.at_work[0].done()
            assert ((await hub.row()).bulk, bulk.cancelled, bulk.cancel_troubles) == ("", ["bulk-1"], [])

    asyncio.run(story())


def test_the_operation_of_a_system_that_is_gone_is_let_go(tmp_path: Path) -> None:
    """A release without the system has nobody to ask: the hub goes on, and does not try for ever."""

    async def story() -> None:
        bulk = orders(10)
        bulk.looks = 10**6
        async with Hub(tmp_path, bulk) as hub:
            await hub.ask()
            await hub.run(5)
            await hub.book.steer(1, "cancel", by="ann", why="the shop is closed", now_ms=7)
            hub.bulks.clear()
            await hub.run(5)
            assert not hub.at_work[0].done()
            assert ((await hub.row()).state, (await hub.row()).bulk, bulk.cancelled) == ("cancelled", "", [])

    asyncio.run(story())


@pytest.mark.parametrize("action", ["cancel", "pause"])
def test_what_began_while_somebody_stopped_it_is_not_lost(tmp_path: Path, action: Action) -> None:
    """The vendor answers after the person's word: a cancelled one is cancelled there too, a paused one is resumed with the
    operation that it has."""

    async def story() -> None:
        bulk = orders(10)
        bulk.looks, began = 10**6, asyncio.Event()
        bulk.before_begun = began.wait
        async with Hub(tmp_path, bulk) as hub:
            await hub.ask()
            await hub.run(5)
            assert ((await hub.row()).state, bulk.begun) == ("waiting", [])
            assert await hub.book.steer(1, action, by="ann", why="not now", now_ms=7)
            began.set()
            await hub.run(5)
            if action == "cancel":
                assert ((await hub.row()).state, (await hub.row()).bulk, bulk.cancelled) == ("cancelled", "", ["bulk-1"])
                return
            assert ((await hub.row()).state, (await hub.row()).bulk) == ("paused", "bulk-1")
            bulk.looks = 0
            assert await hub.book.steer(1, "resume", by="ann", why="", now_ms=8)
            await hub.run(30)
            assert ((await hub.row()).state, len(bulk.begun)) == ("done", 1)

    asyncio.run(story())


def test_one_of_a_kind_at_a_time(tmp_path: Path) -> None:
    """Two of the same would read everything twice."""

    async def story() -> None:
        async with Hub(tmp_path, orders(1)) as hub:
            await hub.ask(go="look")
            with pytest.raises(SettingsError, match="BFL001"):
                await hub.ask()

    asyncio.run(story())


def test_what_a_webhook_told_is_known(tmp_path: Path) -> None:
    """The bulk reading says the same version in other words: no delivery, no reading; a newer version is one. The control:
    a second webhook of the version in other words is read again."""

    async def story() -> None:
        bulk = FakeBulk([whole(1, version=10), whole(2, version=11)])
        async with Hub(tmp_path, bulk) as hub:
            await hub.post(event_of("1", 10), event_of("2", 10))
            await hub.run(5)
            calls = len(hub.erp.calls)
            await hub.ask()
            await hub.run(20)
            assert ((await hub.row()).new, (await hub.row()).known, hub.source.reads) == (1, 1, 0)
            assert [reference for _, reference, _, _ in hub.erp.calls[calls:]] == ["IL-2"]
            hub.source.present["1"] = whole(1, version=10, value="again").body
            await hub.post(event_of("1", 10, "again"))
            await hub.run(5)
            assert hub.source.reads == 1

    asyncio.run(story())


def test_a_flow_that_is_younger_than_the_object_gets_it(tmp_path: Path) -> None:
    """Filling a new destination is what backfills are for: what is known opens what was never opened, and nothing else."""

    async def story() -> None:
        async with Hub(tmp_path, orders(3)) as hub:
            everything, hub.release.table = hub.release.table, {}
            await hub.post(*(event_of(str(number), 10) for number in range(3)))
            hub.release.table = everything
            await hub.ask()
            await hub.run(20)
            assert (len(hub.erp.records), hub.source.reads) == (3, 0)

    asyncio.run(story())


def test_a_mistake_of_a_connector_ends_one_backfill_and_no_hub(tmp_path: Path) -> None:
    """The row says what happened; the hub goes on."""

    async def story() -> None:
        bulk = orders(1)

        async def broken(*_: object, **__: object) -> Reach:
            raise ZeroDivisionError("a connector failed")

        bulk.reach = broken  # type: ignore[method-assign]
        async with Hub(tmp_path, bulk) as hub:
            await hub.ask()
            await hub.run(3)
            row = await hub.row()
            assert (row.state, row.code, row.note) == ("failed", "BFL004", "a connector failed")
            assert not any(task.done() for task in hub.at_work)

    asyncio.run(story())
