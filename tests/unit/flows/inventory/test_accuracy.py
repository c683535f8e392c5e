"""Comparisons of stock: nothing that moves is drift, each difference has its cause, and healing follows the policy (C66, C69)."""

import random
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from accuracy_world import PLACE, SHOP, WMS, AccuracyWorld, tried

from interlock.flows.inventory.asking import PATIENCE_SECONDS, WORK_SECONDS
from interlock.flows.inventory.compare import AT_ONCE
from interlock.messaging.accuracy import Run
from interlock.messaging.outcome import Retry
from interlock.messaging.sqlite.accuracy_views import (
    read_causes,
    read_heat,
    read_stock_run,
    read_sync_preview,
    read_trend,
)
from interlock.messaging.sqlite.stock_side import beside
from interlock.messaging.stock import IN_WORK, Item, Place, SeenPage
from interlock.strategy.inventory import ItemRule


def test_all_equal_is_one_number(tmp_path: Path) -> None:
    """C69: after a run accuracy is a number for the channel and for each place, and the side table is gone."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7, B=0, C=3)
        run = await world.compared()
        assert (run.state, run.listed, run.compared, run.equal, run.in_flight) == ("done", 3, 3, 3, 0)
        whole = world.accuracy()
        assert (whole.share, whole.variance, whole.value, whole.oldest_ms) == (1.0, 0, "", 0)
        assert not list(tmp_path.glob("compare-*")) and not world.differences()

    tried(tmp_path, story)


def test_somebody_elses_number_is_corrected_by_its_delivery(tmp_path: Path) -> None:
    """C69: a foreign write is named with its numbers and its worth, and healed by a delivery that reads before it writes."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7, B=4)
        world.shows("A", 9)
        run = await world.compared()
        found = world.differences()["A"]
        assert (found.cause, found.state, found.wanted, found.shown, found.known) == ("foreign", "healing", 7, 9, 7)
        assert world.open() == {"A"} and world.row("A").seen_us == 0 and world.desk.woken == 1
        whole = world.accuracy()
        assert (run.different, whole.variance, whole.value, whole.currency, whole.unpriced) == (1, 2, "5.00", "EUR", 0)
        assert whole.oldest_ms == found.since_ms

    tried(tmp_path, story)


def test_what_the_folder_leaves_to_a_person_is_asked(tmp_path: Path) -> None:
    """With heal = "ask" the delivery becomes an issue and writes nothing until it is replayed."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7)
        world.shows("A", 9)
        run = await world.compared()
        assert world.differences()["A"].state == "asked" and run.asked == 1
        assert world.row("A").trouble == "STK012" and world.open() == {"A"}
        world.close_deliveries()
        await world.compared()
        assert world.differences()["A"].state == "asked" and not world.open()  # asked once

    tried(tmp_path, story, heal="ask")


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    """The same numbers and causes, and nothing is opened or touched."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7, B=1)
        world.shows("A", 9)
        before = world.row("A")
        run = await world.compared(dry=True)
        assert (run.different, run.opened) == (1, 0) and world.differences()["A"].state == "found"
        assert world.row("A") == before and not world.open()

    tried(tmp_path, story)


@pytest.mark.parametrize(("release", "differ"), [("r1", {"A"}), ("r2", set())])
def test_what_a_former_release_calls_right_is_no_measure(tmp_path: Path, release: str, differ: set[str]) -> None:
    """Another release begins to run while the channel is read: what shows by its rules is no drift by the former ones, and nothing
    is put back. When a release is only loaded anew, the comparison goes on."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7, B=1)

        async def released() -> None:
            rules = SimpleNamespace(release=release, channels=world.rules.channels)
            world.release = SimpleNamespace(**vars(world.release) | {"stock": rules})
            world.shows("A", 9)

        world.shows("A", 9)
        world.channel.meanwhile = released
        await world.compared()
        assert set(world.differences()) == world.open() == differ

    tried(tmp_path, story)


def test_each_cause_once(tmp_path: Path) -> None:
    """C69: late, refused, foreign, unmapped (both ways), rounding, lost event and unknown, side by side."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(LATE=5, REFUSED=5, FOREIGN=5, GONE=5, PACK=25, LOST=5, ODD=5, FINE=5)
        await world.change("LATE", wanted=6)
        world.source.counts |= {"w-LATE": 6, "w-ODD": 6, "w-REFUSED": 6}
        await world.book.run(lambda book: world.took(book, "LATE", "ODD", "REFUSED"))
        world.close_deliveries()
        world.deliver("LATE", state="retrying", reason="rate_limit", error="429", received_ms=0)
        await world.change("REFUSED", trouble="INVALID", said="not at this location")
        world.clock.ms += 120_000
        world.shows("FOREIGN", 8)
        world.shows("GONE", None)
        await world.change("GONE", seen=None, seen_us=0, written=None, written_us=0)
        world.shows("PACK", 3)
        world.shows("LOST", 4)
        world.source.counts["w-LOST"] = 9
        world.channel.shows[Place("s-STRANGE", PLACE)] = 12
        await world.book.run(lambda book: book.list_items(SHOP, [Item(item="s-STRANGE", sku="STRANGE")], 1))
        run = await world.compared()
        causes = {sku: one.cause for sku, one in world.differences().items()}
        assert causes == {
            "LATE": "late", "REFUSED": "refused", "FOREIGN": "foreign", "GONE": "unmapped", "PACK": "rounding",
            "LOST": "lost_event", "ODD": "unknown", "STRANGE": "unmapped",
        }  # fmt: skip
        assert (run.compared, run.equal, run.strangers) == (8, 1, 1)
        counted = {one.cause: one.positions for one in read_causes(world.ledger.group.connection, SHOP)}
        assert sum(counted.values()) == run.different and all(one == 1 for one in counted.values())
        assert "counts available 9, we knew 5" in world.differences()["LOST"].what

    tried(tmp_path, story, items=[ItemRule(sku="PACK", pack={SHOP: 12})])


def test_what_a_channel_does_not_list_is_no_wrong_number(tmp_path: Path) -> None:
    """A marketplace sells a few of a merchant's items: the others are no positions there, in no share and no difference. Control:
    one that it should list, as the folder says, is wrong."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7, B=7, C=7)
        world.shows("B", None)
        world.shows("C", None)
        await world.change("B", trouble="STK013", said="shop lists no item that is B", item="", seen=None, seen_us=0)
        await world.change("C", trouble="STK001", said="shop lists no item that is C", item="", seen=None, seen_us=0)
        run = await world.compared()
        assert (run.compared, run.equal, set(world.differences())) == (2, 1, {"C"})
        assert world.differences()["C"].cause == "unmapped"

    tried(tmp_path, story)


def test_a_silent_source_is_named_and_no_zero_is_written(tmp_path: Path) -> None:
    """C66: when the source cannot be read and is stale, differences say so, nothing is opened, and the run goes on."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7, B=7)
        world.shows("A", 9)
        world.clock.ms += 3 * 3_600_000
        world.reader.fails = True
        run = await world.compared()
        found = world.differences()["A"]
        assert (found.cause, found.state, found.wanted) == ("source_stale", "left", 7)
        assert not world.open() and WMS in run.stale and world.row("A").wanted == 7

    tried(tmp_path, story)


def test_what_goes_on_after_a_silence_is_on_its_way(tmp_path: Path) -> None:
    """Its owner has counted again, and the write that had waited for that runs: it still has its last trouble, and was called late.
    Control: while nothing is published of it, nothing is on its way; nor is what does not go out for a minute."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7, B=7)
        world.source.counts |= {"w-A": 9, "w-B": 9}
        await world.book.run(lambda book: world.took(book, "A", "B"))
        for sku, moved_ms in (("A", world.clock.ms), ("B", world.clock.ms - 120_000)):
            world.deliver(sku, state="running", reason="suspended", received_ms=0, updated_ms=moved_ms)
        await world.compared(dry=True)
        assert {sku: one.cause for sku, one in world.differences().items()} == {"B": "late"}
        world.clock.ms += 3 * 3_600_000
        world.reader.fails = True
        world.deliver("A", updated_ms=world.clock.ms)
        await world.compared(dry=True)
        assert {sku: one.cause for sku, one in world.differences().items()} == dict.fromkeys("AB", "source_stale")

    tried(tmp_path, story)


def test_what_waits_since_a_silence_explains_no_other_number(tmp_path: Path) -> None:
    """A place was right when its source fell silent, and its delivery still waits: what somebody has changed there since was called
    late and left alone. Control: where another number is right by now, the write that waits is what is late."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7, B=7)
        world.source.counts["w-B"] = 9
        await world.book.run(lambda book: world.took(book, "B"))
        for sku in "AB":
            world.deliver(sku, state="waiting", reason="suspended", received_ms=0, updated_ms=0)
        world.shows("A", 10)
        await world.compared()
        assert {sku: one.cause for sku, one in world.differences().items()} == {"A": "foreign", "B": "late"}
        assert world.open() == {"A"}

    tried(tmp_path, story)


@pytest.mark.parametrize("answers", [True, False])
def test_a_silent_channel_is_waited_for_in_words_and_not_for_ever(tmp_path: Path, *, answers: bool) -> None:
    """Three minutes without a word looked like a hang: the run says whom it waits for, since when and until when, and ends by then.
    Control: a channel that answers again is compared, and nothing is left of the waiting."""
    said: list[str] = []

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7)
        listing, began_ms = world.channel.listing, world.clock.ms

        async def silent(after: str, *, timeout_seconds: float) -> SeenPage | Retry:
            said.append(_running(world))
            if answers and len(said) > 2:
                return await listing(after, timeout_seconds=timeout_seconds)
            return Retry(code="SERVICE_UNAVAILABLE", message="not now")

        world.channel.listing = silent  # type: ignore[assignment]
        run = await world.compared()
        assert said[:2] == [
            "", "waits for an answer of shop since 15:13:20Z, until 15:14:50Z at the latest (SERVICE_UNAVAILABLE: not now)",
        ]  # fmt: skip
        if answers:
            assert (run.state, run.equal, run.error) == ("done", 1, "")
        else:
            assert (run.state, run.error) == ("failed", "SERVICE_UNAVAILABLE: not now")
            assert world.clock.ms - began_ms <= PATIENCE_SECONDS * 1_000

    tried(tmp_path, story)


@pytest.mark.parametrize("code", [IN_WORK, "SERVICE_UNAVAILABLE"])
def test_a_store_that_works_on_its_listing_is_waited_for(tmp_path: Path, code: str) -> None:
    """A bulk operation over a hundred thousand places takes minutes, and says so: that is no silence, and a minute of none may follow it.
    A work without end is given up after an hour. Control: who only says not now is given up after a minute."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7)
        listing, began_ms, works_ms = world.channel.listing, world.clock.ms, 600_000

        async def working(after: str, *, timeout_seconds: float) -> SeenPage | Retry:
            waited_ms = world.clock.ms - began_ms
            if waited_ms > works_ms + 20_000:
                return await listing(after, timeout_seconds=timeout_seconds)
            return Retry(code=code if waited_ms < works_ms else "503", message="the store works", retry_after_seconds=1)

        world.channel.listing = working  # type: ignore[assignment]
        assert (await world.compared()).state == ("done" if code == IN_WORK else "failed")
        began_ms, works_ms = world.clock.ms, 10**9
        await world.compared()
        waited_ms = world.clock.ms - began_ms
        assert (waited_ms > PATIENCE_SECONDS * 1_000) is (code == IN_WORK) and waited_ms <= WORK_SECONDS * 1_000

    tried(tmp_path, story)


def test_a_channel_that_wants_rest_for_long_is_not_waited_for(tmp_path: Path) -> None:
    """A Retry-After of an hour would hold the run for an hour: it ends at once and says why."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7)

        async def resting(after: str, *, timeout_seconds: float) -> Retry:  # noqa: ARG001 - the port's
            return Retry(code="429", message="come back in an hour", retry_after_seconds=3_600)

        world.channel.listing, began_ms = resting, world.clock.ms  # type: ignore[assignment]
        assert (await world.compared()).error == "429: come back in an hour" and world.clock.ms == began_ms

    tried(tmp_path, story)


def test_a_source_that_is_read_first_is_named_meanwhile(tmp_path: Path) -> None:
    """A warehouse of many items is read for minutes before its channels are listed: the run says so, and says it no more when it is over."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7)
        world.clock.ms += 60_000
        read, said = world.reader.read_now, []

        async def slow(system: str, what: str) -> None:
            said.append(_running(world))
            await read(system, what)

        world.reader.read_now = slow  # type: ignore[method-assign]
        run = await world.compared()
        assert said == ["reads wms first, since 15:14:20Z"] and (run.state, run.error) == ("done", "")

    tried(tmp_path, story)


def _running(world: AccuracyWorld) -> str:
    """What the run that is under way says of its waiting."""
    found = world.ledger.group.reading.execute("SELECT error FROM stock_run WHERE state = 'running'").fetchall()
    return str(found[0][0])


def test_a_number_that_fell_waits_for_its_sale(tmp_path: Path) -> None:
    """Fewer than we wrote may be a sale whose order is on its way: it is looked at, and is foreign only when its time is up."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7)
        world.shows("A", 5)
        first = await world.compared()
        assert (first.in_flight, first.different) == (1, 0) and not world.differences() and world.open() == {"A"}
        world.close_deliveries()
        await world.change("A", seen_us=1)
        world.clock.ms += 301_000
        await world.reader.read_now(WMS, "levels")
        assert (await world.compared()).different == 1 and world.differences()["A"].cause == "foreign"

    tried(tmp_path, story)


def test_races_are_no_drift(tmp_path: Path) -> None:
    """While it is listed, the warehouse counts, writes land late and buyers buy: not one place is called drift. Control: the bare
    comparison of what was listed with what is wanted finds dozens."""

    async def story(world: AccuracyWorld) -> None:
        skus = [f"S{number:03d}" for number in range(4 * AT_ONCE // 2)]
        await world.stocked(**dict.fromkeys(skus, 50))
        chance = random.Random(69)
        under_way: list[tuple[str, int]] = []

        async def land() -> None:
            for sku, units in under_way:
                world.shows(sku, units)
                await world.change(sku, seen=units, seen_us=world.clock.us, written=units, written_us=world.clock.us)
                world.deliver(sku, state="done", head=0)
            under_way.clear()

        async def others() -> None:
            world.clock.ms += 20
            await land()
            for sku in chance.sample(skus, 12):  # a count: its delivery opens, and lands with the next page
                world.source.counts[f"w-{sku}"] = units = chance.randrange(1, 99)
                world.source.as_of_us = world.clock.us
                await world.book.run(lambda book, sku=sku: world.took(book, sku))
                if world.row(sku).wanted == units:
                    under_way.append((sku, units))
            sku = chance.choice(skus)  # a buyer, whose order is told a moment later
            at = Place(f"s-{sku}", PLACE)
            world.channel.shows[at] = max(0, world.channel.shows[at] - 1)

        world.channel.meanwhile = others
        run = await world.compared()
        naive = await _naive(world, tmp_path, others)
        assert run.in_flight > 0 and run.compared == run.equal and not world.differences(), world.differences()
        assert naive > 10

    tried(tmp_path, story)


async def _naive(world: AccuracyWorld, folder: Path, others: object) -> int:
    """What differs in the same world when only the two sides are compared, without a look at what moves."""
    del others
    with beside(folder)(SHOP, "", {PLACE: "cicero"}) as side:
        after = ""
        while True:
            page = await world.channel.listing(after, timeout_seconds=1)
            side.take(world.clock.us, page.seen)
            if not page.after:
                break
            after = page.after
        await side.compare(world.clock.us, None)
        return len(side.some(0, 10_000))


def test_a_slice_is_read_place_by_place_and_asks_the_source_first(tmp_path: Path) -> None:
    """A slice lists nothing, finds an event that was lost although both sides agree, and leaves the numbers of whole runs alone."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(TEE=7, CAP=7)
        world.source.counts["w-TEE"] = 9
        world.channel.listing = partial(_never, "listed")  # type: ignore[method-assign]
        run = await world.compared(sku="T*")
        found = world.differences()["TEE"]
        assert (found.cause, found.wanted, run.compared) == ("lost_event", 9, 1) and world.open() == {"TEE"}
        assert not read_heat(world.ledger.group.connection, "") and not read_trend(
            world.ledger.group.connection, SHOP, "", 0, 9
        )

    tried(tmp_path, story)


async def _never(what: str, *_: object, **__: object) -> None:
    raise AssertionError(f"it must not be {what}")


def test_what_stands_no_more_is_forgotten_and_the_trend_stays(tmp_path: Path) -> None:
    """A difference keeps its first time while it stands, goes when it is right again, and each run is a point of the trend."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7, B=1)
        world.shows("A", 9)
        await world.compared(dry=True)
        since_ms = world.differences()["A"].since_ms
        world.clock.ms += 60_000
        await world.compared(dry=True)
        assert world.differences()["A"].since_ms == since_ms == world.accuracy().oldest_ms
        world.shows("A", 7)
        await world.compared()
        trend = read_trend(world.ledger.group.connection, SHOP, "", 0, 9)
        assert not world.differences() and [one.equal for one in trend] == [1, 1, 2]

    tried(tmp_path, story)


def test_what_was_put_right_is_no_oldest_difference(tmp_path: Path) -> None:
    """C69: somebody is called for a difference that is hours old; its age went on after it was corrected, until the next comparison.
    Control: one that stands is as old as it is."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7, B=1)
        world.shows("A", 9)
        world.clock.ms += 60_000
        world.shows("B", 5)
        await world.compared(dry=True)
        first_ms = world.accuracy().oldest_ms
        world.clock.ms += 60_000
        await world.change("A", seen=7, seen_us=world.clock.us)
        assert world.accuracy().oldest_ms == first_ms == world.differences()["B"].since_ms
        await world.change("B", seen=1, seen_us=world.clock.us)
        assert world.accuracy().oldest_ms == 0

    tried(tmp_path, story)


def test_a_full_sync_goes_on_where_it_was_and_asks_for_nothing_twice(tmp_path: Path) -> None:
    """Killed between two steps it goes on from the disk: each place that is not known or differs gets one delivery, others none."""

    async def story(world: AccuracyWorld) -> None:
        skus = [f"S{number:04d}" for number in range(1_200)]
        await world.stocked(**dict.fromkeys(skus, 5))
        for sku in skus[:1_100]:
            await world.change(sku, seen=None, seen_us=0)
        preview = read_sync_preview(world.ledger.group.connection, SHOP, "", ())
        assert (preview.places, preview.unknown, preview.different) == (1_200, 1_100, 0)
        number = await world.accounts.ask(Run(id=0, kind="sync", channel=SHOP, why="new shop"), by="test", now_ms=1)
        asked = (await world.accounts.open_runs())[0]
        steps = world.accounts.sync

        class Killed(BaseException):
            pass

        async def once(*given: object) -> Run:
            ran = await steps(*given)  # type: ignore[arg-type]
            if ran.opened >= 500:
                raise Killed
            return ran

        world.accounts.sync = once  # type: ignore[method-assign, assignment]
        with suppress(Killed):
            await world.keeper._full_sync.make(asked, world.rules)
        assert len(world.open()) == 500
        world.accounts.sync = steps  # type: ignore[method-assign]
        world.close_deliveries()  # what was opened was delivered ...
        revisions = dict(
            world.ledger.group.connection.execute("SELECT name, revision FROM delivery WHERE name < 'S0500'").fetchall()
        )
        (again,) = await world.accounts.open_runs()
        assert (again.id, again.state, again.opened) == (number, "running", 500)
        await world.keeper._full_sync.make(again, world.rules)
        ended = read_stock_run(world.ledger.group.connection, number)
        assert ended is not None and (ended.state, ended.opened) == ("done", 1_100)
        assert len(world.open()) == 600
        after = dict(
            world.ledger.group.connection.execute("SELECT name, revision FROM delivery WHERE name < 'S0500'").fetchall()
        )
        assert after == revisions  # ... and is not asked for again

    tried(tmp_path, story)
