"""Sweeps: what webhooks did not tell is found and told once, whatever the listing does."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from interlock.clock import VirtualClock
from interlock.intake.reconcile import Reconciler
from interlock.intake.sweep import TOO_LARGE, Sweeper
from interlock.messaging.delivery import Want
from interlock.messaging.event import Event, Subject
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.router import CURSOR, Router
from interlock.messaging.source import Listed, Page
from interlock.messaging.sqlite.inbox import SqliteInbox
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.messaging.sqlite.statements import statements
from interlock.messaging.sqlite.sweep_book import FILE, SqliteSweepBook
from interlock.messaging.sqlite.sweep_views import read_missed as missed
from interlock.messaging.sqlite.sweep_views import read_sweeps as sweeps
from interlock.messaging.sweeps import Schedule, Sweep

SECOND = 1_000_000
MINUTE = 60 * SECOND
SCHEDULE = Schedule(every_minutes=15, overlap_minutes=60, settle_minutes=2)


def listed(key: str, version: int, total: str = "10.00") -> Listed:
    body = json.dumps({"id": key, "version": version}).encode()
    subject = Subject(
        object="order", key=key, version=version, facts=("orders/create",), name=f"#{key}", summary=f'{{"total": "{total}"}}'
    )
    return Listed(subject=subject, body=body)


def webhook(key: str, version: int, total: str = "10.0", received_ms: int = 0) -> Event:
    body = json.dumps({"id": key, "version": version, "from": "webhook"}).encode()
    return Event(
        system="shop", dialect="classic", topic="orders/create", object="order", key=key, name=f"#{key}", version=version,
        complete=True, facts=("orders/create",), summary=f'{{"total": "{total}"}}', received_at_ms=received_ms, release="r1",
        sha256=hashlib.sha256(body).digest(), body=body,
    )  # fmt: skip


class Shop:
    """A source that pages through its orders by time, two at a time; `cap` is the most that it pages through."""

    listable = frozenset({"order"})

    def __init__(self, cap: int = 1_000) -> None:
        self.orders: dict[str, Listed] = {}
        self.cap = cap
        self.asked: list[tuple[int, int, str]] = []
        self.page: Callable[[list[Listed], str], Page | Retry | Refused] = self._two

    def has(self, *orders: Listed) -> None:
        self.orders |= {order.subject.key: order for order in orders}

    async def changed(self, object_name: str, *, since: int, until: int, after: str, timeout_seconds: float) -> Page | Retry | Refused:
        self.asked.append((since, until, after))
        found = sorted((one for one in self.orders.values() if since <= one.subject.version < until), key=lambda it: it.subject.version)
        if len(found) > self.cap:
            return Refused(reason="validation", code=TOO_LARGE, message="too many")
        return self.page(found, after)

    def _two(self, found: list[Listed], after: str) -> Page:
        begin = int(after or 0)
        return Page(items=tuple(found[begin : begin + 2]), after=str(begin + 2) if begin + 2 < len(found) else "")

    async def present(self, object_name: str, keys: Sequence[str], *, timeout_seconds: float) -> dict[str, int]:
        return {key: self.orders[key].subject.version for key in keys if key in self.orders}


class Release:
    """Every event of an order goes to the ERP."""

    id = "r1"

    def wants(self, event: Event) -> tuple[Want, ...]:
        return (Want(flow="to-erp", destination="erp"),)

    def wakes(self, event: Event) -> str:
        return ""

    async def get(self, release: str) -> "Release":
        return self


class World:
    """A source, an inbox, a router and a sweeper over them, under a clock of the test."""

    def __init__(self, folder: Path, clock: VirtualClock) -> None:
        self.clock, self.shop = clock, Shop()
        self.inbox = SqliteInbox(folder / "inbox.db", clock.now_ms())
        self.ledger = SqliteLedger(folder / "ledger.db", clock.now_ms())
        self.book = SqliteSweepBook(self.ledger.group)
        self.router = Router(self.inbox, self.ledger, Release(), clock, lambda: None)  # type: ignore[arg-type]

    @property
    def now(self) -> int:
        return self.clock.now_ms() * 1_000

    async def told(self, *events: Event) -> None:
        for event in events:
            await self.inbox.append(msgspec.structs.replace(event, received_at_ms=self.clock.now_ms()))
        await self.routed()

    async def routed(self) -> None:
        while await self.ledger.cursor(CURSOR) < await self.inbox.head():
            await self.router.step()

    async def sweep(self, *, minutes: float = 60, dry: bool = False) -> Sweep:
        sweeper = Sweeper(self.shop, self.book, self.inbox, self.clock, routed=self.routed, release=lambda: "r1")  # type: ignore[arg-type]
        wanted = Sweep(
            id=0, system="shop", object="order", why="test", dry=dry, since=self.now - round(minutes * MINUTE), until=self.now
        )
        begun = msgspec.structs.replace(wanted, id=await self.book.begin(wanted, self.clock.now_ms()))
        ended = await sweeper.run(begun)
        await self.routed()
        return ended

    def found(self) -> list[tuple[str, str, int, int]]:
        rows = missed(self.ledger.group.reading)
        return sorted((row.key, row.kind, row.known, row.version) for row in rows)

    def deliveries(self) -> list[tuple[str, int, int]]:
        return list(self.ledger.group.reading.execute("SELECT key, wanted_version, reread FROM delivery ORDER BY key"))


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    made = World(folder, VirtualClock())
    try:
        yield made
    finally:
        await made.inbox.close()
        await made.ledger.close()


def test_what_no_webhook_told_is_found(tmp_path: Path) -> None:
    """Fault case 15: one lost, one whose update was lost, one told: two are repaired, each named with what was known."""

    async def story() -> None:
        async with world(tmp_path) as made:
            at = made.now - 10 * MINUTE
            made.shop.has(listed("1", at), listed("2", at + SECOND), listed("3", at + 2 * SECOND))
            await made.told(webhook("1", at), webhook("2", at - MINUTE))
            ended = await made.sweep()
            assert (ended.state, ended.found) == ("done", 2)
            assert made.found() == [("2", "behind", at - MINUTE, at + SECOND), ("3", "missing", 0, at + 2 * SECOND)]
            assert made.deliveries() == [("1", at, 0), ("2", at + SECOND, 1), ("3", at + 2 * SECOND, 1)]

    asyncio.run(story())


def test_second_sweep_finds_nothing(tmp_path: Path) -> None:
    """Fault case 15: windows overlap, and what was repaired is repaired once."""

    async def story() -> None:
        async with world(tmp_path) as made:
            made.shop.has(*(listed(str(key), made.now - 10 * MINUTE + key) for key in range(1, 8)))
            assert (await made.sweep()).found == 7
            assert (await made.sweep()).found == 0
            assert await made.inbox.head() == 7

    asyncio.run(story())


def test_two_changes_in_one_second(tmp_path: Path) -> None:
    """The source counts in seconds: a lost second change of a second has the version of the first, and another total."""

    async def story() -> None:
        async with world(tmp_path) as made:
            at = made.now - 10 * MINUTE
            made.shop.has(listed("1", at, "12.00"), listed("2", at, "10.00"))
            await made.told(webhook("1", at, "10.0"), webhook("2", at, "10.0"))
            await made.sweep()
            assert made.found() == [("1", "same-instant", at, at)]
            assert made.deliveries() == [("1", at, 1), ("2", at, 0)], "only the one that differs is read again"

    asyncio.run(story())


def test_dry_sweep_changes_nothing(tmp_path: Path) -> None:
    """It lists what it would repair, and neither tells the hub nor moves the position."""

    async def story() -> None:
        async with world(tmp_path) as made:
            made.shop.has(listed("1", made.now - 10 * MINUTE))
            assert (await made.sweep(dry=True)).found == 1
            assert await made.inbox.head() == 0
            assert await made.book.reached("shop", "order") == (0, 0)
            assert (await made.sweep()).found == 1

    asyncio.run(story())


def test_window_that_is_too_large_is_halved(tmp_path: Path) -> None:
    """C75: a source that pages through three at most is listed in slices, nothing twice, nothing left out."""

    async def story() -> None:
        async with world(tmp_path) as made:
            made.shop.cap = 3
            made.shop.has(*(listed(str(key), made.now - key * MINUTE) for key in range(1, 40)))
            assert (await made.sweep()).found == 39
            assert len(made.shop.asked) < 200

    asyncio.run(story())


def test_window_that_cannot_be_halved_fails(tmp_path: Path) -> None:
    """C75: more changes in one second than the source pages through: the sweep says so and moves nothing."""

    async def story() -> None:
        async with world(tmp_path) as made:
            made.shop.cap = 3
            made.shop.has(*(listed(str(key), made.now - MINUTE + key) for key in range(1, 6)))
            ended = await made.sweep()
            assert ended.state == "failed"
            assert "within one second" in ended.error
            assert await made.book.reached("shop", "order") == (0, 0)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("page", "state"),
    [
        (lambda found, after: Page(items=(), after="more" if not after else ""), "done"),
        (lambda found, after: Page(items=tuple(found), after="again"), "done"),
        (lambda found, after: Page(items=tuple(found), after=str(int(after or 0) + 1)), "failed"),
    ],
    ids=["first page empty", "last page again", "last page again for ever"],
)
def test_sweep_ends(tmp_path: Path, page: Callable[[list[Listed], str], Page], state: str) -> None:
    """C21: whatever the listing does, the sweep comes to an end; what may have left something out has not ended well."""

    async def story() -> None:
        async with world(tmp_path) as made:
            made.shop.has(listed("1", made.now - MINUTE))
            made.shop.page = page
            ended = await asyncio.wait_for(made.sweep(), 60)
            assert ended.state == state

    asyncio.run(story())


def test_impatient_source_is_waited_for(tmp_path: Path) -> None:
    """A throttled listing costs time, and no object."""

    async def story() -> None:
        async with world(tmp_path) as made:
            made.shop.has(listed("1", made.now - MINUTE))
            answers: list[Retry] = [Retry(code="THROTTLED", message="slow", retry_after_seconds=30.0)] * 3

            def page(found: list[Listed], after: str) -> Page | Retry:
                return answers.pop() if answers else made.shop._two(found, after)  # noqa: SLF001

            made.shop.page = page
            task = asyncio.create_task(made.sweep())
            while not task.done():
                await made.clock.advance(10)
            assert task.result().found == 1

    asyncio.run(story())


def test_deleted_object_is_found(tmp_path: Path) -> None:
    """An order that is gone at the source is reported once, and its deletion is an event of its story."""

    async def story() -> None:
        async with world(tmp_path) as made:
            at = made.now - 10 * MINUTE
            made.shop.has(listed("1", at))
            await made.told(webhook("1", at), webhook("2", at))
            await made.sweep()
            await made.sweep()
            assert made.found() == [("2", "deleted", 0, 0)]
            events = await made.inbox.read(2, 10)
            assert [(event.key, event.facts) for event in events] == [("2", ("orders/delete",))]

    asyncio.run(story())


class Sources:
    """One shop with a schedule."""

    id = "r1"

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def swept(self) -> dict[tuple[str, str], Schedule]:
        return {("shop", "order"): SCHEDULE}

    def listing(self, system: str) -> Shop:
        return self._shop


async def reconciler(made: World, minutes: float) -> None:
    """Let the schedule run for a while."""
    runner = Reconciler(made.book, made.inbox, made.clock, sources=lambda: Sources(made.shop), cursor=made.ledger.cursor)  # type: ignore[arg-type,return-value]
    tasks = [asyncio.create_task(runner.run()), asyncio.create_task(made.router.run())]
    for _ in range(round(minutes * 6)):
        await made.clock.advance(10)
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_schedule_overlaps(tmp_path: Path) -> None:
    """C20: an order that became visible after a sweep had passed its time is found by the next, which begins earlier."""

    async def story() -> None:
        async with world(tmp_path) as made:
            await reconciler(made, 5)
            made.shop.has(listed("9", made.now - 20 * MINUTE))
            await reconciler(made, 20)
            assert [row[0] for row in made.found()] == ["9"]
            starts = [sweep.since for sweep in reversed(sweeps(made.ledger.group.reading, 10))]
            ends = [sweep.until for sweep in reversed(sweeps(made.ledger.group.reading, 10))]
            assert all(later < earlier for later, earlier in zip(starts[1:], ends, strict=False))

    asyncio.run(story())


def test_hub_that_was_off_finds_the_gap(tmp_path: Path) -> None:
    """Fault case 16: five hours without a hub; the first sweep covers all of it and says that nobody could be told."""

    async def story() -> None:
        async with world(tmp_path) as made:
            await reconciler(made, 5)
            await made.clock.advance(5 * 3_600)
            made.shop.has(*(listed(str(key), made.now - key * 30 * MINUTE) for key in range(1, 10)))
            await reconciler(made, 2)
            rows = missed(made.ledger.group.reading)
            assert {row.key for row in rows} == {str(key) for key in range(1, 10)}
            assert {row.cause for row in rows} == {"offline"}

    asyncio.run(story())


def test_late_and_lost_are_told_apart(tmp_path: Path) -> None:
    """A webhook that came after the repair was late; one that had not come after 26 hours was lost."""

    async def story() -> None:
        async with world(tmp_path) as made:
            at = made.now - 10 * MINUTE
            made.shop.has(listed("1", at), listed("2", at))
            await reconciler(made, 2)
            await made.told(webhook("1", at))
            await reconciler(made, 2)
            await made.clock.advance(27 * 3_600)
            await reconciler(made, 2)
            causes = {row.key: row.cause for row in missed(made.ledger.group.reading)}
            assert causes == {"1": "late", "2": "lost"}

    asyncio.run(story())


def test_connector_that_fails_costs_its_sweep(tmp_path: Path) -> None:
    """An answer that a connector cannot read must not end the hub: the sweep has failed, and the next one comes in time."""

    async def story() -> None:
        async with world(tmp_path) as made:

            def broken(found: list[Listed], after: str) -> Page:
                raise KeyError("pageInfo")

            made.shop.has(listed("1", made.now - 10 * MINUTE))
            made.shop.page = broken
            await reconciler(made, 2)
            failed = sweeps(made.ledger.group.reading, 10)
            assert {sweep.state for sweep in failed} == {"failed"}
            assert "KeyError" in failed[0].error
            made.shop.page = made.shop._two
            await reconciler(made, 20)
            assert [row[0] for row in made.found()] == ["1"]

    asyncio.run(story())


def test_listing_that_begins_anew_in_a_crowded_second(tmp_path: Path) -> None:
    """C75: past the most that a cursor is good for, a listing begins anew at the second that it has come to, and tells again
    what shares that second, for many pages: what stands behind them is found all the same."""

    async def story() -> None:
        async with world(tmp_path) as made:
            made.shop.has(*(listed(str(key), made.now - MINUTE + key) for key in range(1, 21)))

            def page(found: list[Listed], after: str) -> Page:
                number = int(after or 0)
                begin = number * 2 if number < 8 else (number - 8) * 2  # after eight pages it begins anew
                return Page(items=tuple(found[begin : begin + 2]), after=str(number + 1) if begin + 2 < len(found) else "")

            made.shop.page = page
            ended = await made.sweep()
            assert (ended.state, ended.found) == ("done", 20)

    asyncio.run(story())


def test_since_leaves_no_gap(tmp_path: Path) -> None:
    """A comparison from a later day on does not say that everything before it was compared."""

    async def story() -> None:
        async with world(tmp_path) as made:
            await made.sweep(minutes=60)
            reached = (await made.book.reached("shop", "order"))[0]
            await made.clock.advance(5 * 3_600)
            await made.sweep(minutes=10)
            assert (await made.book.reached("shop", "order"))[0] == reached
            await made.sweep(minutes=6 * 60)
            assert (await made.book.reached("shop", "order"))[0] == made.now

    asyncio.run(story())


def test_questions_of_a_sweep_are_looks_into_an_index(tmp_path: Path) -> None:
    """With 100,000 known orders a page is compared in a millisecond: the hub does nothing else meanwhile."""

    async def story() -> None:
        async with world(tmp_path) as made:
            connection, sql = made.ledger.group.reading, statements(FILE)
            known = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql['known']}", ("s", "o", "[]")))
            assert "SEARCH o USING INDEX object_once (system=? AND object=? AND key=?)" in known
            bound = ("s", "o", 0, 0, 250)
            later = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql['next_known']}", bound))
            assert "SEARCH object USING INTEGER PRIMARY KEY" in later
            assert "SEARCH missed USING" in later
            assert "TEMP B-TREE" not in later

    asyncio.run(story())


class TwoShops(Sources):
    """A second shop that asks for a day's patience."""

    def __init__(self, shop: Shop, patient: Shop) -> None:
        super().__init__(shop)
        self._patient = patient

    def swept(self) -> dict[tuple[str, str], Schedule]:
        return {("patient", "order"): SCHEDULE, ("shop", "order"): SCHEDULE}

    def listing(self, system: str) -> Shop:
        return self._patient if system == "patient" else self._shop


def test_one_shops_patience_costs_no_other(tmp_path: Path) -> None:
    """C47: a store that throttles for long is compared later; the others in their own time."""

    async def story() -> None:
        async with world(tmp_path) as made:
            patient = Shop()
            patient.page = lambda found, after: Retry(code="429", message="slow", retry_after_seconds=50.0)  # type: ignore[assignment,return-value]
            made.shop.has(listed("1", made.now - 10 * MINUTE))
            both = TwoShops(made.shop, patient)
            runner = Reconciler(made.book, made.inbox, made.clock, sources=lambda: both, cursor=made.ledger.cursor)  # type: ignore[arg-type,return-value]
            tasks = [asyncio.create_task(runner.run()), asyncio.create_task(made.router.run())]
            for _ in range(6):
                await made.clock.advance(10)
            assert [row[0] for row in made.found()] == ["1"]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(story())
