"""What every Ledger promises. Another engine joins by one entry in ENGINES."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from interlock.messaging.delivery import Begun, Delivery, Failure, Intent, Unneeded, Want
from interlock.messaging.event import Event
from interlock.messaging.finished import paused
from interlock.messaging.ledger import Closing, Filter, Ledger, Routed
from interlock.messaging.outcome import Done, Uncertain
from interlock.messaging.sqlite import group_commit
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.messaging.write import Once, RefusedField, Write

Open = Callable[[Path], Ledger]


def sqlite(folder: Path) -> Ledger:
    return SqliteLedger(folder / "ledger.db", 0)


def sqlite_beside(folder: Path) -> Ledger:
    """Every commit in a thread, however small."""
    return SqliteLedger(folder / "ledger.db", 0, beside=ThreadPoolExecutor(1))


ENGINES: dict[str, Open] = {"sqlite": sqlite, "sqlite, committed beside the loop": sqlite_beside}
NOW = 1_000_000
LEASE = 15_000
MINUTE = 60_000
ERP = Want(flow="orders", destination="erp")
BILLS = Want(flow="bills", destination="erp")
WMS = Want(flow="shipments", destination="wms")


@pytest.fixture(params=ENGINES, name="opened")
def _opened(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    monkeypatch.setattr(group_commit, "COMMITTED_BESIDE_FROM", 1)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Ledger]:
        ledger = ENGINES[request.param](tmp_path)
        try:
            yield ledger
        finally:
            await ledger.close()

    return opened


Opened = Callable[[], Any]


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def event(position: int, key: str = "1", version: int = 10, *, content: bytes = b"", complete: bool = True) -> Event:
    return Event(
        position=position, system="shop", dialect="t", topic="t", object="order", key=key, name=f"#{key}", version=version,
        complete=complete, received_at_ms=NOW, release="r1", sha256=hashlib.sha256(content or b"%d" % version).digest(), body=b"{}",
    )  # fmt: skip


async def route(ledger: Ledger, found: Event, *wants: Want, late: bool = False, now_ms: int = NOW) -> int:
    return await ledger.route("router", found.position, [Routed(event=found, wants=wants or (ERP,), late=late)], now_ms)


async def claim(ledger: Ledger, destination: str = "erp", now_ms: int = NOW, limit: int = 10) -> list[Delivery]:
    return await ledger.claim(destination, worker="w", limit=limit, now_ms=now_ms, lease_ms=LEASE)


def intent(
    delivery: Delivery, content: bytes = b"A", version: int = 10, *, once: Once = Once.LOOK_UP, force: bool = False
) -> Intent:
    write = Write(operation="put", once=once, reference="IL-1", body=content, quiet_period_seconds=60)
    return Intent(
        delivery=delivery, write=write, version=version, event=1, idempotency_key="k", content_hash=write.content_hash,
        begun_ms=NOW, latest_send_ms=NOW + 5_000, force=force,
    )  # fmt: skip


async def write(ledger: Ledger, delivery: Delivery, content: bytes = b"A", version: int = 10) -> None:
    one = intent(delivery, content, version)
    begun = (await ledger.begin([one]))[0]
    assert isinstance(begun, Begun)
    await ledger.record(begun.attempt, one, Done(external_id="SO-1"), NOW)


async def done(ledger: Ledger, delivery: Delivery, version: int = 10) -> bool:
    return await ledger.close_claim(Closing(delivery=delivery, state="done", now_ms=NOW, version=version))


async def die(ledger: Ledger, delivery: Delivery) -> bool:
    failure = Failure(reason="validation", code="BAD", message="no such country 'XX'")
    return await ledger.close_claim(Closing(delivery=delivery, state="dead", now_ms=NOW, failure=failure, owner="team"))


async def later(ledger: Ledger, delivery: Delivery, state: str, due_ms: int) -> bool:
    failure = Failure(reason="unavailable", code="503", message="down")
    return await ledger.close_claim(
        Closing(delivery=delivery, state=state, now_ms=NOW, due_ms=due_ms, failure=failure, counted=True)
    )


async def miss(ledger: Ledger, delivery: Delivery, *, served: bool = True) -> bool:
    failure = Failure(reason="missing_reference", code="MAP010", message="no item", waiting_for="item:MUG")
    return await wait(ledger, delivery, failure, served=served)


async def wait(ledger: Ledger, delivery: Delivery, failure: Failure, *, served: bool = True) -> bool:
    closing = Closing(
        delivery=delivery, state="waiting", now_ms=NOW, due_ms=NOW + 10 * MINUTE, failure=failure, served=served
    )
    return await ledger.close_claim(closing)


def test_cursor_moves_with_its_deliveries(opened: Opened) -> None:
    """Nothing is routed twice nor skipped: both are one transaction, so a failing one moves neither."""

    async def story() -> None:
        async with opened() as ledger:
            assert await ledger.cursor("router") == 0
            assert await route(ledger, event(3), ERP, WMS) == 2
            assert await ledger.cursor("router") == 3
            broken = event(4, "2")
            broken.version = "x"  # type: ignore[assignment]
            with pytest.raises(Exception, match=r".*"):
                await ledger.route(
                    "router", 5, [Routed(event=event(5, "3"), wants=(ERP,)), Routed(event=broken, wants=(ERP,))], NOW
                )
            assert await ledger.cursor("router") == 3
            assert await ledger.counts() == {"erp": {"pending": 1}, "wms": {"pending": 1}}

    run(story)


def test_one_at_a_time_in_a_lane_in_order(opened: Opened) -> None:
    """Two flows to one object at one destination never run at once, and go in the order in which they were opened."""

    async def story() -> None:
        async with opened() as ledger:
            await route(ledger, event(1), ERP)
            await route(ledger, event(2, version=11), BILLS)
            first = await claim(ledger)
            assert [item.flow for item in first] == ["orders"]
            assert await claim(ledger) == []
            await later(ledger, first[0], "retrying", NOW + 10)
            assert await claim(ledger) == [], "a retrying head holds its lane"
            again = await claim(ledger, now_ms=NOW + 10)
            assert [item.flow for item in again] == ["orders"]
            await done(ledger, again[0])
            assert [item.flow for item in await claim(ledger)] == ["bills"]

    run(story)


def test_discard_beside_a_running_head_starts_no_second(opened: Opened) -> None:
    """A replayed older delivery must not overtake the running one when a third of the lane is discarded."""

    async def story() -> None:
        async with opened() as ledger:
            await route(ledger, event(1), ERP)
            await die(ledger, (await claim(ledger))[0])
            await route(ledger, event(2, version=10, content=b"10"), BILLS)
            await route(ledger, event(3, version=11), BILLS, Want(flow="extra", destination="erp"))
            running = await claim(ledger)
            assert len(running) == 1
            await ledger.replay(Filter(flow="orders"), by="ann", why="", release="same", now_ms=NOW)
            await ledger.discard(Filter(flow="extra"), by="ann", why="", now_ms=NOW)
            assert await claim(ledger) == []
            await done(ledger, running[0])
            assert [item.flow for item in await claim(ledger)] == ["orders"]

    run(story)


def test_stale_token_changes_nothing(opened: Opened) -> None:
    """A worker that was paused while another took over is refused everywhere, and moves no link."""

    async def story() -> None:
        async with opened() as ledger:
            await route(ledger, event(1))
            stale = (await claim(ledger))[0]
            await write(ledger, stale, b"A", 10)
            assert [item.state for item in await ledger.rescue(NOW + LEASE + 1)] == ["retrying"]
            fresh = (await claim(ledger, now_ms=NOW + LEASE + 1))[0]
            assert fresh.token > stale.token
            assert await ledger.begin([intent(stale, b"B", 12)]) == [Unneeded("fenced")]
            assert await ledger.begin([intent(stale, b"A", 12)]) == [Unneeded("fenced")], "not even the version moves"
            assert not await done(ledger, stale)
            assert not await later(ledger, stale, "retrying", 0)
            assert not await die(ledger, stale)
            assert await ledger.renew([(stale.id, stale.token), (fresh.id, fresh.token)], NOW * 2) == 1
            assert fresh.links["put"].version == 10
            assert await done(ledger, fresh)

    run(story)


def test_stale_worker_opens_nothing_for_a_newer_wish(opened: Opened) -> None:
    """Fault case 17: a newer event came, and another worker is at it: the late end of the older claim must not make it
    due once more beside the call that is under way."""

    async def story() -> None:
        async with opened() as ledger:
            await route(ledger, event(1))
            stale = (await claim(ledger))[0]
            await ledger.rescue(NOW + LEASE + 1)
            await route(ledger, event(2, version=12))
            fresh = (await claim(ledger, now_ms=NOW + LEASE + 1))[0]
            assert fresh.revision > stale.revision
            assert not await done(ledger, stale)
            assert await claim(ledger, now_ms=NOW * 9) == [], "it is still the other worker's"
            assert await done(ledger, fresh, version=12)

    run(story)


def test_late_word_of_a_stale_worker_settles_nothing(opened: Opened) -> None:
    """Fault case 17: the answer that a replaced worker reads late neither makes a link nor takes the doubt off its call."""

    async def story() -> None:
        async with opened() as ledger:
            await route(ledger, event(1))
            stale = (await claim(ledger))[0]
            wish = intent(stale, b"A", 10)
            begun = (await ledger.begin([wish]))[0]
            assert isinstance(begun, Begun)
            await ledger.rescue(NOW + LEASE + 1)
            await ledger.record(begun.attempt, wish, Done(external_id="SO-1"), NOW + LEASE + 2)
            late = NOW + LEASE + 2
            assert not await ledger.settle(begun.attempt, stale.token, "found", late, external_id="SO-1", intent=wish)
            fresh = (await claim(ledger, now_ms=NOW + LEASE + 3))[0]
            assert fresh.links == {}
            assert [attempt.id for attempt in fresh.unsettled] == [begun.attempt]

    run(story)


def test_begin_says_why_no_call_is_needed(opened: Opened) -> None:
    """Equal content is unchanged (and lifts the version fence), older content is superseded, even when forced."""

    async def story() -> None:
        async with opened() as ledger:
            await route(ledger, event(1))
            one = (await claim(ledger))[0]
            await write(ledger, one, b"A", 20)
            assert await ledger.begin([intent(one, b"A", 21)]) == [Unneeded("unchanged")]
            assert await ledger.begin([intent(one, b"B", 20)]) == [Unneeded("superseded")]
            assert await ledger.begin([intent(one, b"B", 20, force=True)]) == [Unneeded("superseded")]
            assert isinstance((await ledger.begin([intent(one, b"A", 21, force=True)]))[0], Begun)
            assert isinstance((await ledger.begin([intent(one, b"B", 21)]))[0], Begun)

    run(story)


def test_older_answer_never_overwrites_a_link(opened: Opened) -> None:
    """C04: an answer that comes late to an older version leaves the crosswalk as it is."""

    async def story() -> None:
        async with opened() as ledger:
            await route(ledger, event(1))
            one = (await claim(ledger))[0]
            old, new = intent(one, b"A", 10), intent(one, b"B", 20)
            begun = [item.attempt for item in await ledger.begin([old, new]) if isinstance(item, Begun)]
            await ledger.record(begun[1], new, Done(external_id="SO-1"), NOW)
            await ledger.record(begun[0], old, Done(external_id="SO-0"), NOW)
            await later(ledger, one, "retrying", NOW)
            link = (await claim(ledger))[0].links["put"]
            assert (link.version, link.external_id, link.content_hash) == (20, "SO-1", new.write.content_hash)
            assert await ledger.origin_of("erp", "order", "SO-1") == ("shop", "1")

    run(story)


def test_dead_letter_with_its_delivery(opened: Opened) -> None:
    """Giving up and its dead letter are one; a newer event of the object takes both over (level-triggered)."""

    async def story() -> None:
        async with opened() as ledger:
            await route(ledger, event(1))
            await die(ledger, (await claim(ledger))[0])
            assert (await ledger.preview(Filter(states=("dead",)))).count == 1
            letters = ledger.group.connection
            assert letters.execute("SELECT owner, reason, closed_ms FROM dead_letter").fetchall() == [
                ("team", "validation", 0)
            ]
            await route(ledger, event(2, version=11))
            assert letters.execute("SELECT resolution FROM dead_letter").get == "superseded"
            again = (await claim(ledger))[0]
            assert (again.wanted_event, again.wanted_version, again.attempts) == (2, 11, 0)

    run(story)


def test_two_replays_at_once_are_one_run(opened: Opened) -> None:
    """C84: two operators press replay; each delivery is in one of them only, and runs once."""

    async def story() -> None:
        async with opened() as ledger:
            for n in range(5):
                await route(ledger, event(n + 1, str(n)))
            for one in await claim(ledger):
                await die(ledger, one)
            chosen = Filter(states=("dead",))
            await asyncio.gather(
                *(ledger.replay(chosen, by=who, why="fixed", release="same", now_ms=NOW) for who in ("ann", "bob"))
            )
            totals = ledger.group.connection.execute("SELECT total FROM replay ORDER BY id").fetchall()
            assert totals == [(5,), (0,)]
            replayed = await claim(ledger)
            assert len(replayed) == 5
            assert await claim(ledger) == []
            for one in replayed:
                await done(ledger, one)
            results = ledger.group.connection.execute("SELECT DISTINCT was, result FROM replay_item").fetchall()
            assert results == [("dead", "delivered")]

    run(story)


def test_what_waits_for_something_missing_goes_on_under_the_new_release(opened: Opened) -> None:
    """C26: the item is missing in the release of the order; only in a later one can it be there. All else keeps its own."""

    async def story() -> None:
        async with opened() as ledger:
            await ledger.save_release("r1", b"", NOW)
            for n in range(3):
                await route(ledger, event(n + 1, str(n)))
            waits, running, retries = await claim(ledger)
            await miss(ledger, waits)
            await later(ledger, retries, "retrying", NOW)
            await ledger.save_release("r2", b"", NOW)
            await miss(
                ledger, running
            )  # it was under way when the release changed: it is tried at once, not at the next look
            at_once = {one.id: one.release for one in await claim(ledger)}
            assert at_once == {running.id: "r2", retries.id: "r1"}
            assert await ledger.wake_waiting(NOW) == 1
            assert [(one.id, one.release) for one in await claim(ledger)] == [(waits.id, "r2")]

    run(story)


def test_what_the_new_release_serves_no_more_keeps_its_own(opened: Opened) -> None:
    """C26, fault case 61: an order that waits for an item stays with the release that accepted it when a newer one has
    dropped its flow: under that one it could only die."""

    async def story() -> None:
        async with opened() as ledger:
            await ledger.save_release("r1", b"", NOW)
            for n in range(2):
                await route(ledger, event(n + 1, str(n)))
            waits, running = await claim(ledger)
            await miss(ledger, waits)
            await ledger.save_release("r2", b"", NOW, ways=[("bills", "erp"), ("orders", "wms")])
            await miss(ledger, running, served=False)
            assert await claim(ledger) == [], "what cannot be there is not looked for at once"
            await ledger.wake_waiting(NOW)
            again = await claim(ledger)
            assert {one.release for one in again} == {"r1"}
            await miss(ledger, again[0], served=False)
            await ledger.save_release("r3", b"", NOW, ways=[("orders", "erp")])
            await ledger.wake_waiting(NOW)
            assert [one.release for one in await claim(ledger)] == ["r3"], "a release that has the way again is taken"

    run(story)


def test_what_a_stopped_flow_holds_back_keeps_its_release(opened: Opened) -> None:
    """Fault case 61: a pause misses nothing that a newer folder could bring. What was accepted before goes out as it was
    meant then; the folder may have no such flow any more.
    """

    async def story() -> None:
        async with opened() as ledger:
            await ledger.save_release("r1", b"", NOW)
            for n in range(2):
                await route(ledger, event(n + 1, str(n)))
            before, after = await claim(ledger)
            await wait(ledger, before, paused("orders"))
            await ledger.save_release("r2", b"", NOW)
            await wait(ledger, after, paused("orders"))
            assert await claim(ledger) == [], "what is stopped does not go round and round"
            await ledger.wake_waiting(NOW, "flow:orders")
            assert {one.id: one.release for one in await claim(ledger)} == {before.id: "r1", after.id: "r1"}

    run(story)


def test_discard_lets_the_lane_go_on(opened: Opened) -> None:
    """Fault case 12: one command frees a blocked key."""

    async def story() -> None:
        async with opened() as ledger:
            await route(ledger, event(1), ERP, BILLS)
            head = (await claim(ledger))[0]
            await later(ledger, head, "retrying", NOW + 10 * MINUTE)
            assert await claim(ledger) == []
            assert await ledger.discard(Filter(ids=(head.id,)), by="ann", why="not wanted", now_ms=NOW) == 1
            assert [item.flow for item in await claim(ledger)] == ["bills"]

    run(story)


def test_hold_keeps_its_place(opened: Opened) -> None:
    """A held delivery keeps its lane waiting, and goes first when it is let go."""

    async def story() -> None:
        async with opened() as ledger:
            await route(ledger, event(1), ERP, BILLS)
            assert await ledger.hold(Filter(flow="orders"), by="ann", why="ask", now_ms=NOW) == 1
            assert await claim(ledger) == []
            await ledger.hold(Filter(flow="orders"), by="ann", why="", now_ms=NOW, release=True)
            assert [item.flow for item in await claim(ledger)] == ["orders"]

    run(story)


def test_rescue_doubts_calls_in_flight(opened: Opened) -> None:
    """A call whose worker vanished may have been applied; only the suspect of a crash is blamed for it."""

    async def story() -> None:
        async with opened() as ledger:
            await route(ledger, event(1, "1"))
            await route(ledger, event(2, "2"))
            one, two = await claim(ledger)
            await ledger.begin([intent(one)])
            rescued = await ledger.rescue(NOW, everything=True, suspect=two.id)
            assert {item.delivery: item.state for item in rescued} == {one.id: "uncertain", two.id: "retrying"}
            again = {item.id: item for item in await claim(ledger)}
            assert [attempt.idempotency_key for attempt in again[one.id].unsettled] == ["k"]
            assert (again[one.id].crashes, again[two.id].crashes) == (0, 1)
            assert again[two.id].unsettled == ()

    run(story)


def test_settled_attempt_is_settled(opened: Opened) -> None:
    """What was looked up and found becomes a link, and is asked about no more."""

    async def story() -> None:
        async with opened() as ledger:
            await route(ledger, event(1))
            one = (await claim(ledger))[0]
            wish = intent(one)
            begun = (await ledger.begin([wish]))[0]
            assert isinstance(begun, Begun)
            await ledger.record(begun.attempt, wish, Uncertain(code="T", message="no answer"), NOW)
            await later(ledger, one, "uncertain", NOW)
            again = (await claim(ledger))[0]
            assert len(again.unsettled) == 1
            assert await ledger.settle(begun.attempt, again.token, "found", NOW, external_id="SO-9", intent=wish)
            await later(ledger, again, "retrying", NOW)
            last = (await claim(ledger))[0]
            assert (last.unsettled, last.links["put"].external_id) == ((), "SO-9")

    run(story)


def test_resent_upsert_is_remembered_while_it_may_land(opened: Opened) -> None:
    """An upsert that was sent twice may still arrive late: what is written after it must know, until its quiet period ends."""

    async def story() -> None:
        async with opened() as ledger:
            await route(ledger, event(1))
            one = (await claim(ledger))[0]
            wish = intent(one, once=Once.UPSERT)
            begun = (await ledger.begin([wish]))[0]
            assert isinstance(begun, Begun)
            await ledger.record(begun.attempt, wish, Uncertain(code="T", message="no answer"), NOW)
            assert await ledger.settle(begun.attempt, one.token, "resent", NOW)
            await later(ledger, one, "retrying", NOW)
            again = (await claim(ledger))[0]
            assert len(again.unsettled) == 1
            await later(ledger, again, "retrying", NOW)
            assert (await claim(ledger, now_ms=NOW + 65_001))[0].unsettled == ()

    run(story)


def test_level_triggered_wishes(opened: Opened) -> None:
    """Older events are ignored; ties and hints without a version lead to a read of the source; newer ones raise the wish."""

    async def story() -> None:
        async with opened() as ledger:
            await route(ledger, event(1, version=20))
            await route(ledger, event(2, version=10))
            one = (await claim(ledger))[0]
            assert (one.wanted_event, one.reread) == (1, False)
            await route(ledger, event(3, version=20, content=b"another"))
            assert await done(ledger, one, 20)
            tied = (await claim(ledger))[0]
            assert (tied.wanted_event, tied.reread) == (3, True)
            await done(ledger, tied, 20)
            assert await claim(ledger) == []
            await route(ledger, event(4, version=0))
            nudged = (await claim(ledger))[0]
            assert (nudged.wanted_event, nudged.wanted_version, nudged.reread) == (4, 20, True)
            await done(ledger, nudged, 20)
            await route(ledger, event(5, version=30), late=True)
            assert (await claim(ledger))[0].reread

    run(story)


def test_a_newer_wish_ends_a_wait(opened: Opened) -> None:
    """What waited for an item is tried at once when the object changed meanwhile, also when it changed during the try."""

    async def story() -> None:
        async with opened() as ledger:
            await route(ledger, event(1))
            one = (await claim(ledger))[0]
            await route(ledger, event(2, version=11))
            await later(ledger, one, "waiting", NOW + 10 * MINUTE)
            assert [item.wanted_version for item in await claim(ledger)] == [11]

    run(story)


def test_signal_fires_once(opened: Opened) -> None:
    """A fact opens one delivery for ever, however often it is seen; another instance opens its own."""

    async def story() -> None:
        async with opened() as ledger:
            refund = Want(flow="refunds", destination="erp", signal="refunds/create#1")
            assert await route(ledger, event(1), refund) == 1
            await done(ledger, (await claim(ledger))[0])
            assert await route(ledger, event(2, version=11), refund) == 0
            assert (
                await route(
                    ledger, event(3, version=12), Want(flow="refunds", destination="erp", signal="refunds/create#2")
                )
                == 1
            )

    run(story)


def test_open_work_and_its_releases(opened: Opened) -> None:
    """Fault case 61: a destination that the folder no longer names runs on while an older release has open work for it."""

    async def story() -> None:
        async with opened() as ledger:
            assert await ledger.open_work() == []
            await route(ledger, event(1), ERP, WMS)
            assert sorted(await ledger.open_work()) == [("r1", "erp"), ("r1", "wms")]
            await done(ledger, (await claim(ledger))[0])
            assert await ledger.open_work() == [("r1", "wms")], "the other destination has it still before it"
            await done(ledger, (await claim(ledger, "wms"))[0])
            assert await ledger.open_work() == []

    run(story)


def test_bodies_that_open_work_needs(opened: Opened) -> None:
    """The oldest event that an open delivery may read bounds the trimming."""

    async def story() -> None:
        async with opened() as ledger:
            assert await ledger.oldest_wanted_event() > 10**9
            await route(ledger, event(7))
            assert await ledger.oldest_wanted_event() == 7

    run(story)


def test_old_lines_of_the_audit_are_forgotten(opened: Opened) -> None:
    """A retention that is written down and not kept is a promise broken to whoever is named there; newer lines stay."""

    async def story() -> None:
        async with opened() as ledger:
            for at_ms in (NOW, NOW + MINUTE):
                await ledger.audit("ann", "pause", "order-to-erp", now_ms=at_ms)
            assert await ledger.trim_audit(NOW, 100) == 0
            assert await ledger.trim_audit(NOW + 1, 100) == 1
            assert await ledger.trim_audit(NOW + 1, 100) == 0
            assert await ledger.trim_audit(NOW + 2 * MINUTE, 100) == 1

    run(story)


def test_due_times_and_priorities(opened: Opened) -> None:
    """Live traffic passes before replays; the next due time is known, so that nobody polls."""

    async def story() -> None:
        async with opened() as ledger:
            assert await ledger.next_due_ms("erp") is None
            await route(ledger, event(1, "old"))
            await done(ledger, (await claim(ledger))[0])
            await ledger.replay(Filter(key="old"), by="ann", why="", release="same", now_ms=NOW)
            await route(ledger, event(2, "new"), now_ms=NOW + 5)
            assert await ledger.next_due_ms("erp") == NOW
            assert [item.key for item in await claim(ledger, now_ms=NOW + 5, limit=1)] == ["new"]

    run(story)


def test_what_is_left_out_is_audited_once(opened: Opened) -> None:
    """C89: a field that is another's is audited once for a delivery and field, however often it is tried; each time counts."""
    note = RefusedField(
        field="order.note", record="erp", team="finance", words="OWN001 refused: order.note is ERP's (finance)"
    )
    tags = RefusedField(
        field="order.tags", record="crm", team="growth", words="OWN001 refused: order.tags is CRM's (growth)"
    )

    async def story() -> None:
        async with opened() as ledger:
            for position, refused in ((1, (note,)), (2, (note, tags)), (3, ())):
                await route(ledger, event(position, version=position))
                (delivery,) = await claim(ledger)
                closing = Closing(delivery=delivery, state="done", now_ms=NOW, version=position, refused=refused)
                assert await ledger.close_claim(closing)
                stale = Closing(delivery=delivery, state="done", now_ms=NOW, version=position, refused=(note,))
                assert not await ledger.close_claim(stale), "a claim that is over says nothing any more"
            for words in (note.words, tags.words):
                assert await ledger.trim_audit(NOW + 1, 1) == 1, words
            assert await ledger.trim_audit(NOW + 1, 1) == 0
            found = [
                (await ledger.preview(Filter(refused=field))).count for field in ("order.note", "order.tags", "order.x")
            ]
            assert found == [1, 1, 0]

    run(story)
