"""Connections over real sockets: who is slow or sends no end of headers is let go, who is served is left alone."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from interlock.intake import connection
from interlock.intake.bounds import Message, Receive
from interlock.intake.connection import HEAD_BYTES_MAX, HEADERS_MAX, Connection
from interlock.intake.server import Send

GET = b"GET / HTTP/1.1\r\nhost: hub\r\n\r\n"
STREAM = GET.replace(b"/ ", b"/stream ", 1)


class Server(uvicorn.Server):
    """Leaves the signals of the test alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


LARGE = b"y" * 20_000_000


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Reads the body and answers; /stream answers for as long as five limits, /large with more than any buffer holds."""
    while (await receive()).get("more_body"):
        pass
    if scope["path"] == "/large":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(LARGE))]})
        await send({"type": "http.response.body", "body": LARGE})
        return
    pieces = 5 if scope["path"] == "/stream" else 1
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % pieces)]})
    for left in range(pieces, 0, -1):
        if pieces > 1:
            await asyncio.sleep(Connection.request_seconds)
        await send({"type": "http.response.body", "body": b"x", "more_body": left > 1})


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "request_seconds", 0.1)


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    """A server with our connections."""
    server = Server(
        uvicorn.Config(app, http=Connection, ws="none", lifespan="off", log_level="warning", access_log=False)
    )
    server.config.port = 0
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    try:
        yield server
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def told(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and all that follows, to the end of the connection."""
    text = await reader.read()
    return int(text.split(b" ", 2)[1]), text


def run(story: Callable[[int], Any], *, until_gone: bool = False) -> None:
    """The story with the server's port; and then until the server knows of no connection any more."""

    async def served() -> None:
        async with serving() as server:
            await story(server.servers[0].sockets[0].getsockname()[1])
            while until_gone and server.server_state.connections:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(served(), 20))


@pytest.mark.parametrize(
    "begun", [b"", b"POST", b"POST / HTTP/1.1\r\nx: ", b"POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\nabc"]
)
def test_a_request_that_does_not_end_is_told_so(begun: bytes) -> None:
    """Fault case 41, slow loris: nothing at all, half a head, half a body: 408 in problem+json, and the end."""

    async def story(port: int) -> None:
        async with connected(port) as (reader, writer):
            writer.write(begun)
            status, text = await told(reader)
            assert (status, b"application/problem+json" in text, b"INT015" in text) == (408, True, True)

    run(story)


def test_who_is_served_is_left_alone() -> None:
    """An answer may take longer than a request: the live pages of the console do."""

    async def story(port: int) -> None:
        async with connected(port) as (reader, writer):
            writer.write(STREAM)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(5) == b"xxxxx"
            writer.write(GET)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")

    run(story)


@pytest.mark.parametrize(
    "head",
    [b"x: " + b"a" * HEAD_BYTES_MAX, b"".join(b"x-%d: y\r\n" % n for n in range(HEADERS_MAX + 10)) + b"\r\n"],
    ids=["one without end", "too many"],
)
def test_a_head_has_a_size(head: bytes) -> None:
    """Fault case 41: the server itself keeps heads of any size in memory."""

    async def story(port: int) -> None:
        async with connected(port) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\n" + head)
            status, text = await told(reader)
            assert (status, b"INT016" in text) == (431, True)

    run(story)


def test_a_large_body_is_no_large_head() -> None:
    """What comes in one piece with its head is not counted as head."""

    async def story(port: int) -> None:
        async with connected(port) as (reader, writer):
            size = HEAD_BYTES_MAX * 4
            for _ in range(2):
                writer.write(b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % size + b"b" * size)
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
                await reader.readexactly(1)

    run(story)


def test_the_slowest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault case 41: when connections run out, the one whose request has been awaited longest goes, never the newest."""
    monkeypatch.setattr(Connection, "request_seconds", 60.0)
    monkeypatch.setattr(Connection, "connections_max", 5)

    async def story(port: int) -> None:
        async with contextlib.AsyncExitStack() as stack:
            served = await stack.enter_async_context(connected(port))
            served[1].write(GET)
            assert (await served[0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            await served[0].readexactly(1)
            slow = [await stack.enter_async_context(connected(port)) for _ in range(8)]
            gone = await asyncio.gather(*(told(reader) for reader, _ in slow[:4]))
            assert {status for status, _ in gone} == {408}
            slow[-1][1].write(GET)
            assert (await slow[-1][0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            served[1].write(GET)
            assert (await served[0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")

    run(story)


def test_the_resting_make_room_for_the_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault case 41: kept alive and idle is no reason to turn somebody away."""
    monkeypatch.setattr(Connection, "request_seconds", 60.0)
    monkeypatch.setattr(Connection, "connections_max", 3)

    async def story(port: int) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(10):
                reader, writer = await stack.enter_async_context(connected(port))
                writer.write(GET)
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")

    run(story)


@pytest.mark.parametrize("more", [b"", b"connection: close\r\n"], ids=["kept alive", "to be closed"])
def test_who_does_not_read_is_let_go(more: bytes) -> None:
    """Fault case 41, slow read: an answer that nobody takes would keep its connection, and what it holds, for ever."""
    with socket.socket() as client:

        async def story(port: int) -> None:
            await asyncio.to_thread(client.connect, ("127.0.0.1", port))
            client.sendall(b"GET /large HTTP/1.1\r\nhost: hub\r\n" + more + b"\r\n")
            assert await asyncio.to_thread(client.recv, 1) == b"H"

        run(story, until_gone=True)


def test_what_is_no_http_is_told_in_problem_json_and_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """A stranger could otherwise write a line of the log with every packet."""

    async def story(port: int) -> None:
        for _ in range(20):
            async with connected(port) as (reader, writer):
                writer.write(b"\x16\x03\x01 hello\r\n\r\n")
                status, text = await told(reader)
                assert (status, b"INT014" in text, b"application/problem+json" in text) == (400, True, True)

    with caplog.at_level(logging.WARNING):
        run(story)
    assert len(caplog.records) <= 1


class _Files:
    """An intake that takes files at one address."""

    def takes_files(self, path: str) -> bool:
        return path == "/intake/wms"


@pytest.mark.parametrize(
    ("path", "bytes_a_turn", "status"),
    [("/intake/wms?a=1", 1_000, 200), ("/intake/wms", 1, 408), ("/intake/shopify", 1_000, 408)],
    ids=["comes on", "trickles", "is no file"],
)
def test_a_file_may_take_long_while_it_comes_on(
    monkeypatch: pytest.MonkeyPatch, path: str, bytes_a_turn: int, status: int
) -> None:
    """Hundreds of megabytes take longer than an event may. Controls: one that only wants the place, and what is no file, are
    ended as ever (fault case 41)."""
    monkeypatch.setattr(connection, "FILE_BYTES", 1_000)
    monkeypatch.setattr(app, "intake", _Files(), raising=False)
    turns = 40

    async def story(port: int) -> None:
        async with connected(port) as (reader, writer):
            answer = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
            length = max(100_000, turns * bytes_a_turn)
            writer.write(b"POST %s HTTP/1.1\r\nhost: hub\r\ncontent-length: %d\r\n\r\n" % (path.encode(), length))
            for _ in range(turns):
                writer.write(b"x" * bytes_a_turn)
                await asyncio.wait([answer], timeout=Connection.request_seconds / 8)
                if answer.done():
                    break
            else:
                writer.write(b"x" * (length - turns * bytes_a_turn))
            assert (await answer).startswith(b"HTTP/1.1 %d" % status)

    run(story)


def test_no_file_takes_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """However fast it comes, its place is not its own."""
    monkeypatch.setattr(connection, "FILE_SECONDS", 0.3)
    monkeypatch.setattr(connection, "FILE_BYTES", 1)
    monkeypatch.setattr(app, "intake", _Files(), raising=False)

    async def story(port: int) -> None:
        async with connected(port) as (reader, writer):
            answer = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
            writer.write(b"POST /intake/wms HTTP/1.1\r\nhost: hub\r\ncontent-length: 1000000\r\n\r\n")
            while not answer.done():
                writer.write(b"xx")
                await asyncio.wait([answer], timeout=0.02)
            assert (await answer).startswith(b"HTTP/1.1 408")

    run(story)
