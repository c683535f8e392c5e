"""The short way of common requests through a real server: it says what the long way says, and keeps to the protocol beside it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from door import Entrance, Raw, a_door, order, signed

from interlock.errors import StoreError
from interlock.intake import connection as connections
from interlock.intake.connection import Connection
from interlock.intake.direct import Taking

DATE = re.compile(rb"date: [^\r]+\r\n")


class Served:
    """The intake as the hub serves it."""

    def __init__(self, entrance: Entrance) -> None:
        self.entrance = entrance
        self.intake = entrance.intake
        config = uvicorn.Config(
            self, port=0, http=Connection, lifespan="off", log_level="critical", server_header=False
        )
        self.server = uvicorn.Server(config)

    @property
    def port(self) -> int:
        return int(self.server.servers[0].sockets[0].getsockname()[1])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.intake(scope, receive, send)

    async def talk(self, *pieces: bytes, until: int = 1, leave: bool = False) -> bytes:
        """Send pieces on one connection, and read so many answers; or, with `leave`, go away at once."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        heard = b""
        while not leave and (heard.count(b"HTTP/1.1 ") < until or _unfinished(heard)):
            got = await asyncio.wait_for(reader.read(65_536), 60)
            if not got:
                break
            heard += got
        writer.close()
        await writer.wait_closed()
        return DATE.sub(b"", heard)


def _unfinished(heard: bytes) -> bool:
    """The last answer has a body that is not all there."""
    head, _, body = heard.rpartition(b"HTTP/1.1 ")[2].partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return length is not None and len(body) < int(length[1])


@asynccontextmanager
async def served(folder: Path, **door: Any) -> AsyncIterator[Served]:
    async with Entrance(folder, a_door(**door)) as entrance:
        app = Served(entrance)
        serving = asyncio.create_task(app.server._serve())
        while not app.server.started:
            assert not serving.done()
            await asyncio.sleep(0.001)
        try:
            yield app
        finally:
            app.server.should_exit = True
            await serving


def request(
    body: bytes, headers: Raw, *, path: str = "/intake/shopify", more: bytes = b"", line: bytes = b"HTTP/1.1"
) -> bytes:
    lines = [f"{name}: {value}\r\n".encode("latin-1") for name, value in headers]
    return b"".join(
        [
            b"POST ",
            path.encode(),
            b" ",
            line,
            b"\r\nhost: hub\r\n",
            *lines,
            more,
            b"content-length: %d\r\n\r\n" % len(body),
            body,
        ]
    )


GOOD = order(1)
LARGE = order(2, note="x" * 70_000)
REQUESTS = {
    "good": request(GOOD, signed(GOOD)),
    "the same again": request(GOOD, signed(GOOD)),
    "forged": request(GOOD, signed(order(3))),
    "not signed": request(GOOD, []),
    "unknown system": request(GOOD, signed(GOOD), path="/intake/nobody"),
    "no object": request(b"[]", signed(b"[]")),
    "too deep": request(b'{"id":' + b"[" * 70 + b"]" * 70 + b"}", signed(b'{"id":' + b"[" * 70 + b"]" * 70 + b"}")),
    "empty": request(b"", signed(b"")),
    "larger than the door": request(LARGE[:40_000], signed(LARGE[:40_000])),
    "large": request(LARGE, signed(LARGE)),
    "compressed": request(GOOD, [*signed(GOOD), ("content-encoding", "gzip")]),
    "closing": request(GOOD, signed(GOOD), more=b"connection: close\r\n"),
    "old": request(GOOD, signed(GOOD), line=b"HTTP/1.0"),
    "query": request(GOOD, signed(GOOD), path="/intake/shopify?a=b"),
    "percent": request(GOOD, signed(GOOD), path="/intake/shop%69fy"),
    "get": request(GOOD, signed(GOOD)).replace(b"POST", b"GET", 1),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_the_short_way_says_what_the_long_way_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Who sends a webhook cannot tell which way it went: the same bytes but for the date, and the same row."""

    async def story(folder: Path) -> tuple[bytes, int]:
        folder.mkdir()
        async with served(folder, max_body_bytes=30_000) as app:
            heard = await app.talk(REQUESTS[name])
            return heard, app.entrance.rows()[0][0]

    short = asyncio.run(story(tmp_path / "short"))
    monkeypatch.setattr(connections, "is_common", lambda _connection: False)
    assert short == asyncio.run(story(tmp_path / "long"))
    assert short[0].startswith(b"HTTP/1.1 ")


def test_the_common_request_goes_the_short_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: two good requests go the short way, one in chunks does not."""
    taken = 0
    begin = Taking.__init__

    def counted(self: Taking, *given: Any) -> None:
        nonlocal taken
        taken += 1
        begin(self, *given)

    monkeypatch.setattr(Taking, "__init__", counted)

    async def story() -> bytes:
        async with served(tmp_path) as app:
            second = order(2)
            heard = await app.talk(REQUESTS["good"]) + await app.talk(request(second, signed(second)))
            third = order(3)
            head = request(third, signed(third))[: -len(third)]
            chunked = head.replace(b"content-length: %d" % len(third), b"transfer-encoding: chunked")
            chunks = chunked + b"%x\r\n%b\r\n0\r\n\r\n" % (len(third), third)
            heard += await app.talk(chunks)
            assert app.entrance.rows() == [(3,)]
            return heard

    assert asyncio.run(story()).count(b"200 OK") == 3
    assert taken == 2


def test_requests_sent_at_once_are_answered_in_their_order(tmp_path: Path) -> None:
    """A sender may send before it has its answers (RFC 9112, 9.3.2)."""

    async def story() -> None:
        async with served(tmp_path) as app:
            pieces = [request(order(number), signed(order(number))) for number in range(1, 5)]
            forged = REQUESTS["forged"]
            heard = await app.talk(b"".join([pieces[0], forged, *pieces[1:]]), until=5)
            assert [line[9:12] for line in re.findall(rb"HTTP/1\.1 \d\d\d", heard)] == [
                b"200",
                b"401",
                b"200",
                b"200",
                b"200",
            ]
            assert app.entrance.rows() == [(4,)]

    asyncio.run(story())


def test_a_body_in_many_small_pieces_is_one_event(tmp_path: Path) -> None:
    """TCP cuts where it likes."""

    async def story() -> None:
        async with served(tmp_path) as app:
            whole = REQUESTS["good"]
            heard = await app.talk(*(whole[at : at + 7] for at in range(0, len(whole), 7)))
            assert heard.startswith(b"HTTP/1.1 200")

    asyncio.run(story())


def test_who_leaves_in_the_middle_has_sent_nothing(tmp_path: Path) -> None:
    """Half a body is no event, and the next sender is served."""

    async def story() -> None:
        async with served(tmp_path) as app:
            await app.talk(REQUESTS["good"][:-5], leave=True)
            second = order(2)
            assert (await app.talk(request(second, signed(second)))).startswith(b"HTTP/1.1 200")
            assert app.entrance.rows() == [(1,)]

    asyncio.run(story())


def test_a_store_that_fails_and_an_error_of_ours_are_no_2xx(tmp_path: Path) -> None:
    """Whatever goes wrong before the commit is known, the sender must come again (invariant 1)."""

    async def story() -> None:
        async with served(tmp_path) as app:
            for error, status in ((StoreError("broken", code="STO001"), b"503"), (ZeroDivisionError(), b"500")):

                async def fails(_event: object, error: Exception = error) -> None:
                    raise error

                app.entrance.inbox.append = fails  # type: ignore[method-assign, assignment]
                assert (await app.talk(REQUESTS["good"])).startswith(b"HTTP/1.1 " + status)

    asyncio.run(story())


def test_a_shutdown_lets_what_is_being_taken_end(tmp_path: Path) -> None:
    """A webhook whose commit is under way gets its answer, and then the connection ends."""

    async def story() -> None:
        async with served(tmp_path) as app:
            begun, go = asyncio.Event(), asyncio.Event()
            append = app.entrance.inbox.append

            async def slow(event: Any) -> Any:
                begun.set()
                await go.wait()
                return await append(event)

            app.entrance.inbox.append = slow  # type: ignore[method-assign]
            talking = asyncio.create_task(app.talk(REQUESTS["good"]))
            await begun.wait()
            (connection,) = app.server.server_state.connections
            app.server.should_exit = True
            while connection.cycle.keep_alive:  # type: ignore[union-attr]
                await asyncio.sleep(0.001)
            go.set()
            heard = await talking
            assert heard.startswith(b"HTTP/1.1 200")
            assert b"connection: close" in heard

    asyncio.run(story())
