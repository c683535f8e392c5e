"""The engine as a whole: an event becomes one effect, whatever the destination does."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from engine import QUIET_SECONDS, START_MS, Engine, FakeRelease, event_of, scripted

from interlock.messaging.ledger import Filter
from interlock.messaging.redelivery import RetryPolicy
from interlock.messaging.write import Once

EVERY_WAY = (Once.UPSERT, Once.KEY, Once.LOOK_UP)


@pytest.mark.parametrize("once", EVERY_WAY)
def test_event_becomes_one_effect(tmp_path: Path, once: Once) -> None:
    """The shortest way through the engine, for each once-only kind."""

    async def story() -> None:
        async with Engine(tmp_path, once) as engine:
            await engine.post(event_of("1", 10, "paid"))
            await engine.run(1)
            assert engine.erp.value("1") == "paid"
            assert engine.states() == {"1@erp": "done"}
            assert len(engine.erp.calls) == 1

    asyncio.run(story())


@pytest.mark.parametrize("once", EVERY_WAY)
@pytest.mark.parametrize("fault", ["503", "429:30", "lost", "never", "late:20"])
def test_fault_leaves_one_effect(tmp_path: Path, once: Once, fault: str) -> None:
    """Whatever happens to a call, one record with the newest value remains."""

    async def story() -> None:
        async with Engine(tmp_path, once) as engine:
            engine.erp.fault = scripted(fault, fault)
            await engine.post(event_of("1", 10, "paid"))
            await engine.run(4 * QUIET_SECONDS + 60)
            assert engine.states() == {"1@erp": "done"}
            assert (engine.erp.value("1"), engine.erp.duplicates) == ("paid", 0)

    asyncio.run(story())


def test_delivery_whose_flow_is_gone_dies_alone(tmp_path: Path) -> None:
    """C26: what waited may follow a newer folder that has dropped its flow; that ends it, with words, and not the hub."""

    async def story() -> None:
        async with Engine(tmp_path, Once.UPSERT) as engine:
            engine.release.serves = lambda _flow, _destination: False  # type: ignore[method-assign]
            await engine.post(event_of("1", 10))
            await engine.run(1)
            assert engine.states() == {"1@erp": "dead"}
            assert engine.erp.calls == []
            engine.release.serves = lambda _flow, _destination: True  # type: ignore[method-assign]
            await engine.post(event_of("2", 10))
            await engine.run(1)
            assert engine.states()["2@erp"] == "done", "the others go on"

    asyncio.run(story())


def test_what_a_dropped_flow_leaves_is_still_somebodys(tmp_path: Path) -> None:
    """C26: the newer folder knows no owner of a flow that it does not have; the one under which the order came does."""

    async def story() -> None:
        async with Engine(tmp_path, Once.UPSERT) as engine:
            before = FakeRelease(engine.systems, engine.source)
            engine.release.serves = lambda _flow, _destination: False  # type: ignore[method-assign]
            engine.release.owner = lambda _flow: ""  # type: ignore[method-assign]

            async def release(which: str) -> FakeRelease:
                return before if which == "accepted under" else engine.release

            engine.release.get = release  # type: ignore[method-assign]
            await engine.post(msgspec.structs.replace(event_of("1", 10), release="accepted under"))
            engine.ledger.group.connection.execute("UPDATE delivery SET release = 'r1'")
            await engine.run(1)
            assert engine.rows("SELECT owner, code FROM dead_letter") == [("orders-team", "HUB-GONE")]

    asyncio.run(story())


def test_a_damaged_event_of_a_dropped_flow_stops_nobody(tmp_path: Path) -> None:
    """Who owned the flow is told by the event beside its body; that the body cannot be read is no reason to end the hub."""

    async def story() -> None:
        async with Engine(tmp_path, Once.UPSERT) as engine:
            engine.release.serves = lambda _flow, _destination: False  # type: ignore[method-assign]
            engine.release.owner = lambda _flow: ""  # type: ignore[method-assign]
            await engine.post(event_of("1", 10))
            engine.inbox.group.connection.execute("UPDATE event SET body = zeroblob(length(body))")
            engine.inbox._recent.clear()
            await engine.run(1)
            assert engine.rows("SELECT code FROM dead_letter") == [("HUB-GONE",)]

    asyncio.run(story())


def test_paused_flow_holds_its_deliveries_until_it_is_let_go(tmp_path: Path) -> None:
    """The folder's word is obeyed: `paused = true` makes deliveries wait, whatever folder they were accepted under."""

    async def story() -> None:
        async with Engine(tmp_path, Once.UPSERT) as engine:
            engine.release.paused = lambda _flow: True  # type: ignore[method-assign]
            await engine.post(event_of("1", 10, "paid"))
            await engine.run(60)
            assert (engine.states(), engine.erp.calls) == ({"1@erp": "waiting"}, [])
            engine.release.paused = lambda _flow: False  # type: ignore[method-assign]
            await engine.ledger.wake_waiting(engine.clock.now_ms())  # as a reload of the folder does
            engine.dispatcher.wake()
            await engine.run(1)
            assert (engine.states(), engine.erp.value("1")) == ({"1@erp": "done"}, "paid")

    asyncio.run(story())


def test_flow_with_a_retry_of_its_own_gives_up_by_it(tmp_path: Path) -> None:
    """`[retry]` of a flow stands in place of its destination's: two attempts, not eight."""

    async def story() -> None:
        async with Engine(tmp_path, Once.UPSERT) as engine:
            engine.release.retry = lambda _flow: RetryPolicy(attempts=2, base_seconds=1.0)  # type: ignore[method-assign]
            engine.erp.fault = lambda _write: "503"
            await engine.post(event_of("1", 10))
            await engine.run(60)
            assert engine.states() == {"1@erp": "dead"}
            assert len(engine.erp.calls) == 2

    asyncio.run(story())


def test_same_event_twice_at_once(tmp_path: Path) -> None:
    """C01: the same delivery sent twice, also at the same moment, makes one order."""

    async def story() -> None:
        async with Engine(tmp_path, Once.LOOK_UP) as engine:
            appended = await asyncio.gather(
                *(engine.inbox.append(event_of("1", 10, event_id=str(n))) for n in range(10))
            )
            assert sorted(item.new for item in appended) == [False] * 9 + [True]
            await engine.post()
            await engine.run(1)
            assert len(engine.erp.calls) == 1
            assert engine.erp.duplicates == 0

    asyncio.run(story())


def test_paid_before_create(tmp_path: Path) -> None:
    """C03: the newer event that comes first carries the whole order; the older one changes nothing."""

    async def story() -> None:
        async with Engine(tmp_path, Once.LOOK_UP) as engine:
            await engine.post(event_of("1", 20, "paid"))
            await engine.run(1)
            await engine.post(event_of("1", 10, "created"))
            await engine.run(1)
            assert engine.erp.value("1") == "paid"
            assert engine.erp.stale == 0
            assert len(engine.erp.calls) == 1

    asyncio.run(story())


def test_older_event_changes_nothing(tmp_path: Path) -> None:
    """C04: a retried webhook carries the original payload; it is older than what was applied."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            for version, value in ((10, "created"), (30, "paid"), (20, "edited")):
                await engine.post(event_of("1", version, value))
                await engine.run(1)
            assert (engine.erp.value("1"), engine.erp.stale) == ("paid", 0)

    asyncio.run(story())


def test_late_event_is_read_again(tmp_path: Path) -> None:
    """C05: a webhook that arrives a day late is only a hint; the shop's present state is written."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            engine.source.present["1"] = event_of("1", 50, "now").body or b""
            await engine.post(event_of("1", 10, "yesterday", triggered_ms=START_MS - 86_400_000))
            await engine.run(1)
            assert (engine.erp.value("1"), engine.source.reads) == ("now", 1)

    asyncio.run(story())


def test_cancelled_while_its_create_is_dead(tmp_path: Path) -> None:
    """C44: replaying a dead create after its order was cancelled must not make a live order."""

    async def story() -> None:
        async with Engine(tmp_path, Once.LOOK_UP) as engine:
            engine.erp.fault = scripted("refused")
            await engine.post(event_of("1", 10, "created"))
            await engine.run(1)
            assert engine.states() == {"1@erp": "dead"}
            await engine.post(event_of("1", 20, "cancelled"))
            now_ms = engine.clock.now_ms()
            await engine.ledger.replay(Filter(), by="ann", why="corrected", release="same", now_ms=now_ms)
            await engine.run(1)
            assert engine.states() == {"1@erp": "done"}
            assert engine.erp.records == {}
            assert engine.rows("SELECT resolution FROM dead_letter") == [("superseded",)]

    asyncio.run(story())


def test_the_call_that_was_refused_is_an_attempt(tmp_path: Path) -> None:
    """A dead letter says after how many attempts it died: "without a call" is for what was never sent, such as poison."""

    async def story() -> None:
        async with Engine(tmp_path, Once.UPSERT) as engine:
            engine.erp.fault = scripted("refused")
            await engine.post(event_of("1", 10, "paid"))
            await engine.run(1)
            await engine.post(event_of("2", 10, "boom"))
            await engine.run(1)
            assert engine.rows("SELECT reason, attempts FROM dead_letter") == [("validation", 1), ("poison", 0)]

    asyncio.run(story())


def test_poison_blocks_nobody(tmp_path: Path) -> None:
    """C85: a message that breaks the translation dies at once, with its owner; its neighbours go through."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            await engine.post(event_of("1", 10, "boom"), event_of("2", 10, "fine"))
            await engine.run(1)
            assert engine.states() == {"1@erp": "dead", "2@erp": "done"}
            assert engine.rows("SELECT reason, owner FROM dead_letter") == [("poison", "orders-team")]

    asyncio.run(story())


def test_missing_reference_resumes(tmp_path: Path) -> None:
    """A delivery that waits for an item goes on as soon as a newer event needs it no more."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            await engine.post(event_of("1", 10, "unmapped"))
            await engine.run(1)
            assert engine.states() == {"1@erp": "waiting"}
            assert engine.rows("SELECT waiting_for FROM delivery") == [("item:TSHIRT",)]
            await engine.post(event_of("1", 20, "mapped"))
            await engine.run(1)
            assert engine.states() == {"1@erp": "done"}

    asyncio.run(story())


def test_filtered_object_is_cancelled_with_words(tmp_path: Path) -> None:
    """What a flow does not take is closed with a reason, so that the story of an order has no holes."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            await engine.post(event_of("1", 10, "test"))
            await engine.run(1)
            assert engine.rows("SELECT state, error FROM delivery") == [("cancelled", "test orders are not sent")]

    asyncio.run(story())


def test_lost_claim_ends_quietly(tmp_path: Path) -> None:
    """A worker whose claim was taken over while it translated stops without writing, and the hub goes on."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            plan = engine.erp.plan

            def steal(document: object, **rest: object) -> object:
                engine.ledger.group.run_now(lambda c: c.execute("UPDATE delivery SET token = token + 1"))
                return plan(document, **rest)  # type: ignore[arg-type]

            engine.erp.plan = steal  # type: ignore[method-assign, assignment]
            await engine.post(event_of("1", 10))
            await engine.run(1)
            assert engine.erp.calls == []
            assert engine.states() == {"1@erp": "running"}
            engine.erp.plan = plan  # type: ignore[method-assign]
            await engine.run(60)
            await engine.upkeep.rescue()
            await engine.run(5)
            assert engine.states() == {"1@erp": "done"}

    asyncio.run(story())
