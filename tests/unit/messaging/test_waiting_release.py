"""Under which release a delivery goes on that waits for something missing, when the folder has changed meanwhile."""

import asyncio
from pathlib import Path

import pytest
from engine import Engine, FakeRelease, event_of


class Newer(FakeRelease):
    """The release of now; what it serves is said by the test."""

    id = "r2"
    has_the_way = True

    def serves(self, flow: str, destination: str) -> bool:
        return self.has_the_way


@pytest.mark.parametrize(("has_the_way", "release"), [(True, "r2"), (False, "r1")])
def test_what_waits_follows_a_release_that_still_has_its_way(tmp_path: Path, has_the_way: bool, release: str) -> None:
    """C26, fault case 61: an item may be there in the newer folder; but one that has dropped the flow could only kill the order."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            newer = Newer(engine.systems, engine.source)
            newer.has_the_way = has_the_way
            await engine.ledger.save_release("r1", b"", 1)
            await engine.ledger.save_release("r2", b"", 2, ways=())
            engine.release.current = lambda: newer  # type: ignore[method-assign]
            await engine.post(event_of("1", 10, "unmapped"))
            await engine.run(1)
            assert engine.rows("SELECT state, release FROM delivery") == [("waiting", release)]

    asyncio.run(story())
