"""What every ledger promises of processes: marks and the deliveries they open together, fenced, and woken by their ends."""

import test_ledger
from test_ledger import NOW, Opened, claim, die, done, event, later, route, run

from interlock.messaging.delivery import Delivery, Want
from interlock.messaging.ledger import Filter, Ledger
from interlock.messaging.process import Course, Move

_opened = test_ledger._opened
STEERED = Want(flow="fulfil", destination="process:fulfil")
SHIP = Move(step="ship", part="east", destination="wms")


async def begun(ledger: Ledger) -> tuple[Delivery, Course]:
    """A process in its first run, with its steering delivery claimed."""
    await route(ledger, event(1), STEERED)
    (steering,) = await claim(ledger, STEERED.destination)
    course = await ledger.processes.begin(steering, version=10, message=b"{}", release="r1", now_ms=NOW)
    assert course is not None
    return steering, course


def marks(course: Course | None) -> list[tuple[str, str, str, str]]:
    """Step, part, state and how the delivery is."""
    assert course is not None
    return [(mark.step, mark.part, mark.state, mark.child) for mark in course.marks]


def test_a_step_and_its_delivery_are_one(opened: Opened) -> None:
    """The mark and the delivery come in one transaction; the same step of a later run opens the same delivery again."""

    async def story() -> None:
        async with opened() as ledger:
            steering, course = await begun(ledger)
            course = await ledger.processes.advance(steering, course, [SHIP], "running", NOW)
            assert marks(course) == [("ship", "east", "open", "pending")]
            (child,) = await claim(ledger, "wms")
            assert (child.signal, child.wanted_version, child.release) == ("step:ship/east", 10, "r1")
            found = await ledger.processes.of_child(child)
            assert found is not None
            assert (found[0].run, found[1].step, found[1].part) == (1, "ship", "east")
            assert await done(ledger, child)
            again = await ledger.processes.begin(steering, version=20, message=b"{}", release="r2", now_ms=NOW)
            assert again is not None
            await ledger.processes.advance(steering, again, [SHIP], "running", NOW)
            (second,) = await claim(ledger, "wms")
            assert (second.id, second.release, again.run) == (child.id, "r2", 2)

    run(story)


def test_a_stale_steering_changes_nothing(opened: Opened) -> None:
    """The fence: a worker that was replaced neither begins a run nor opens a delivery."""

    async def story() -> None:
        async with opened() as ledger:
            steering, course = await begun(ledger)
            await ledger.rescue(NOW, everything=True)
            assert await ledger.processes.advance(steering, course, [SHIP], "running", NOW) is None
            assert await ledger.processes.begin(steering, version=20, message=b"{}", release="r1", now_ms=NOW) is None
            assert await claim(ledger, "wms") == []
            assert marks(await ledger.processes.course(steering)) == []

    run(story)


def test_the_end_of_a_step_wakes_its_process(opened: Opened) -> None:
    """Done or dead: in the transaction that closes the step, and also when the process was at work at that moment."""

    async def story() -> None:
        async with opened() as ledger:
            steering, course = await begun(ledger)
            other = Move(step="book", destination="erp")
            course = await ledger.processes.advance(steering, course, [SHIP, other], "running", NOW)
            (child,), (second,) = await claim(ledger, "wms"), await claim(ledger, "erp")
            assert await done(ledger, child)  # while the process is at work
            assert await later(ledger, steering, "waiting", NOW + 900_000)
            (woken,) = await claim(ledger, STEERED.destination)
            moves = [Move(number=1, step="ship", part="east", state="done")]
            assert await ledger.processes.advance(woken, course, moves, "running", NOW) is not None
            assert await later(ledger, woken, "waiting", NOW + 900_000)
            assert await claim(ledger, STEERED.destination) == []
            assert await die(ledger, second)  # while it waits
            (again,) = await claim(ledger, STEERED.destination)
            assert marks(await ledger.processes.course(again)) == [
                ("ship", "east", "done", "done"),
                ("book", "", "open", "dead"),
            ]

    run(story)


def test_a_discarded_step_wakes_its_process(opened: Opened) -> None:
    """A person's decision is one too."""

    async def story() -> None:
        async with opened() as ledger:
            steering, course = await begun(ledger)
            await ledger.processes.advance(steering, course, [SHIP], "running", NOW)
            assert await later(ledger, steering, "waiting", NOW + 900_000)
            assert await ledger.discard(Filter(destination="wms"), by="ada", why="by hand", now_ms=NOW) == 1
            assert len(await claim(ledger, STEERED.destination)) == 1

    run(story)


def test_what_was_taken_back_leaves_one_dead_letter(opened: Opened) -> None:
    """The write for which all was taken back is given up with its letter: the process's own says what happened."""

    async def story() -> None:
        async with opened() as ledger:
            steering, course = await begun(ledger)
            course = await ledger.processes.advance(steering, course, [SHIP], "running", NOW)
            (child,) = await claim(ledger, "wms")
            assert await die(ledger, child)
            failed = Move(number=1, step="ship", part="east", state="failed", why="BAD")
            course = await ledger.processes.advance(steering, course, [failed], "compensated", NOW)
            assert marks(course) == [("ship", "east", "failed", "cancelled")]
            assert await die(ledger, steering)
            assert (await ledger.counts()) == {"wms": {"cancelled": 1}, STEERED.destination: {"dead": 1}}

    run(story)
