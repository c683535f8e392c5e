"""What a sender can make us hold: depth without parsing, and the memory that bodies take together."""

import asyncio
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.errors import IntakeError
from interlock.intake.bounds import LARGE_BODIES_BYTES, SMALL_BODY_BYTES, Bodies, Message, deeper_than


def depth_of(value: object) -> int:
    """How deep a parsed document nests."""
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


JSON = st.recursive(
    st.none() | st.integers() | st.text(alphabet='{}[]"\\ a'),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='{}[]"\\', max_size=3), inner, max_size=3)
    ),
)


@given(JSON, st.integers(0, 6))
def test_the_depth_is_that_of_the_parsed_document(value: object, depth: int) -> None:
    """Fault case 41: brackets in strings do not count, whatever is escaped."""
    assert deeper_than(json.dumps(value).encode(), depth) == (depth_of(value) > depth)


BIG = 5_000_000


@pytest.mark.parametrize(
    "body",
    [
        b"[" * BIG, b"]" * BIG, b"[]" * (BIG // 2), b'["a",' * (BIG // 5), b'{"a":"\\' + b"{" * BIG, b'"\\' * (BIG // 2),
        (b"[" * 63 + b"]" * 63 + b",") * (BIG // 127), (b"{" * 100 + b'"x\\"{"') * (BIG // 106),
    ],
)  # fmt: skip
def test_the_worst_body_takes_a_fraction_of_a_second(body: bytes) -> None:
    """Fault case 41: the whole hub waits while a body is looked through."""
    began = time.process_time()  # of this program: beside others it is a matter of the machine
    deeper_than(body, 64)
    assert time.process_time() - began < 1.0


class Sender:
    """Sends parts; `stalled` of them are still to come when the test wants to look."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)
        self.go = asyncio.Event()

    async def receive(self) -> Message:
        if len(self.parts) == 1:
            await self.go.wait()
        part = self.parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(self.parts)}


def test_large_bodies_share_their_room_and_small_ones_need_none() -> None:
    """Fault case 41: many senders of large bodies fill the room, not the memory; an order of 10 KB passes all the same."""

    async def story() -> None:
        bodies = Bodies()
        piece = b"x" * 1_000_000
        senders = [Sender(*[piece] * 5) for _ in range(20)]
        reading = [asyncio.ensure_future(bodies.read(sender.receive, {}, BIG)) for sender in senders]
        while sum(len(sender.parts) == 1 for sender in senders) + sum(task.done() for task in reading) < 20:
            await asyncio.sleep(0)
        assert 0 <= bodies.room_bytes < 4_000_000
        small = Sender(b"y" * SMALL_BODY_BYTES)
        small.go.set()
        assert len(await bodies.read(small.receive, {}, BIG)) == SMALL_BODY_BYTES
        for sender in senders:
            sender.go.set()
        ended = await asyncio.gather(*reading, return_exceptions=True)
        assert {error.code for error in ended if isinstance(error, IntakeError)} == {"INT013"}
        assert all(body == piece * 5 for body in ended if isinstance(body, bytes))
        assert sum(isinstance(body, bytes) for body in ended) >= 6
        assert bodies.room_bytes == LARGE_BODIES_BYTES

    asyncio.run(story())


@pytest.mark.parametrize("announced", ["\u00b2", "-1", "9" * 5_000, "ten", ""])
def test_a_nonsense_length_is_not_believed(announced: str) -> None:
    """Fault case 41: the size is counted, not believed."""

    async def story() -> None:
        sender = Sender(b"{}", b"")
        sender.go.set()
        assert await Bodies().read(sender.receive, {"content-length": announced}, 1_000) == b"{}"

    asyncio.run(story())
