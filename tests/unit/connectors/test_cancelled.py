"""Cancelled at the very moment of its answer: the library forgets that, and the hub must not."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from pyreqwest.client import ClientBuilder

from interlock.connectors.cancelled import cancellations, require_wanted
from interlock.connectors.http import Http

TRIES = 20
ANSWERED_SECONDS = 0.005
"""So long the event loop is held after the answer has left: then the library has it, and the task does not know yet."""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

Call = Callable[[str], Awaitable[object]]
Opened = AbstractAsyncContextManager[Call]


class LateAnswer:
    """A server in a thread that answers one request, once it is told to."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(60)
        host, port = self._listener.getsockname()
        self.host = f"{host}:{port}"
        self.asked, self._answer, self.answered = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.recv(65_536)
            self.asked.set()
            self._answer.wait(60)
            connection.sendall(OK)
            self.answered.set()
            connection.recv(1)

    def answer(self) -> None:
        """Hold the event loop until the answer is there."""
        self._answer.set()
        self.answered.wait(60)
        threading.Event().wait(ANSWERED_SECONDS)

    def close(self) -> None:
        self._answer.set()
        self._listener.close()
        self._thread.join(10)


async def forgot(call: Call, server: LateAnswer) -> bool:
    """Whether a task that was cancelled at the moment of its answer went on with it."""
    task = asyncio.ensure_future(call(f"http://{server.host}/"))
    assert await asyncio.to_thread(server.asked.wait, 60)
    server.answer()
    task.cancel()
    await asyncio.wait([task])
    return not task.cancelled()


async def forgotten(opened: Callable[[list[str]], Opened]) -> int:
    """Of TRIES cancelled calls, how many went on."""
    servers = [LateAnswer() for _ in range(TRIES)]
    try:
        async with opened([server.host for server in servers]) as call:
            return sum([await forgot(call, server) for server in servers])
    finally:
        for server in servers:
            server.close()


@asynccontextmanager
async def bare(_hosts: list[str]) -> AsyncIterator[Call]:
    async with ClientBuilder().no_proxy().build() as client:
        yield lambda url: client.get(url).build().send()


@asynccontextmanager
async def sending(hosts: list[str]) -> AsyncIterator[Call]:
    http = Http(hosts)
    try:
        yield lambda url: http.send("GET", url, {}, None, 10)
    finally:
        await http.close()


@asynccontextmanager
async def downloading(hosts: list[str]) -> AsyncIterator[Call]:
    http = Http([], hosts)

    async def whole(url: str) -> list[object]:
        return [line async for line in http.lines(url, silence_seconds=10)]

    try:
        yield whole
    finally:
        await http.close()


def test_the_library_forgets_a_cancellation() -> None:
    """The control of the tests below: should this fail with a newer pyreqwest, `cancelled` is needed no more."""
    assert asyncio.run(forgotten(bare)) > 0


def test_a_call_that_was_cancelled_goes_on_nowhere() -> None:
    """A reading that went on after its hub had begun to close waited for a desk that had ended: the hub never closed."""
    assert asyncio.run(forgotten(sending)) == 0


def test_a_download_that_was_cancelled_goes_on_nowhere() -> None:
    """A bulk file comes for hours, and so long would the hub not have closed."""
    assert asyncio.run(forgotten(downloading)) == 0


def test_what_was_cancelled_before_may_still_call() -> None:
    """Who tidies up after a cancellation calls too; only one that comes while the call is made is about the call."""

    async def tidy() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            before = cancellations()
            require_wanted(before)
            return f"tidied after {before}"
        return ""

    async def go() -> str:
        task = asyncio.ensure_future(tidy())
        await asyncio.sleep(0)
        task.cancel()
        return await task

    assert asyncio.run(go()) == "tidied after 1"


def test_a_time_limit_stays_a_time_limit() -> None:
    """`asyncio.timeout` cancels its own task: forgotten or heard, it is a TimeoutError to the one who set it."""

    async def forgetful() -> None:
        before = cancellations()
        with suppress(asyncio.CancelledError):  # as the library does
            await asyncio.Event().wait()
        require_wanted(before)

    async def go() -> bool:
        try:
            async with asyncio.timeout(0):
                await forgetful()
        except TimeoutError:
            return True
        return False

    assert asyncio.run(go())
