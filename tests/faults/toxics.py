"""A TCP proxy on loopback that spoils the exchanges which pass through it: late, slow, cut, reset, silent, or answered with no HTTP."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

TOXICS = {
    "latency": "the answer comes 2 s late",
    "reset": "the connection is reset when the answer should come",
    "slices": "the answer comes byte by byte",
    "trickle": "the answer comes at 1 kB a second",
    "half_open": "the request is taken, and nothing ever comes back",
    "black_hole": "the request goes nowhere, and the connection stays open",
    "cut": "the connection is closed in the middle of the answer",
    "garbage": "the answer is no HTTP",
}
CLEAN = ""
LATENCY_SECONDS = 2.0
TRICKLE_BYTES, TRICKLE_SECONDS = 100, 0.1
GARBAGE = b"\x15\x03\x01\x00\x02\x02\x28 no protocol of this world\r\n\r\n"
LARGEST_READ = 65_536
_REQUEST = re.compile(rb"(?:GET|POST|PUT|PATCH|DELETE) /")


class ToxicProxy:
    """Passes bytes to and from one upstream port; `choose` names the toxic of each request, CLEAN for none. `struck` counts them."""

    def __init__(self, upstream_port: int, choose: Callable[[], str], port: int = 0) -> None:
        self.upstream_port = upstream_port
        self.choose = choose
        self.struck: Counter[str] = Counter()
        self.port = port
        self._clients: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._server.close()
        for writer in self._clients.values():
            writer.transport.abort()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients[task] = writer
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await _Connection(self, reader, writer).run()
        finally:
            self._clients.pop(task)
            writer.close()


class _Connection:
    """One client's connection; its toxic changes with each request."""

    def __init__(self, proxy: ToxicProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.proxy, self.reader, self.writer = proxy, reader, writer
        self.toxic = CLEAN

    async def run(self) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.proxy.upstream_port)
        back = asyncio.create_task(self._back(up_reader))
        try:
            while data := await self.reader.read(LARGEST_READ):
                if _REQUEST.match(data):
                    self.toxic = self.proxy.choose()
                    self.proxy.struck[self.toxic] += 1
                if self.toxic != "black_hole":
                    up_writer.write(data)
                    await up_writer.drain()
        finally:
            back.cancel()
            await asyncio.gather(back, return_exceptions=True)
            up_writer.close()

    async def _back(self, upstream: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while data := await upstream.read(LARGEST_READ):
                await self._answer(data)
        self.writer.close()

    async def _answer(self, data: bytes) -> None:
        match self.toxic:
            case "latency":
                await asyncio.sleep(LATENCY_SECONDS)
                await self._send(data)
            case "reset":
                self.writer.transport.abort()
            case "slices":
                for byte in data:
                    await self._send(bytes((byte,)))
            case "trickle":
                for start in range(0, len(data), TRICKLE_BYTES):
                    await self._send(data[start : start + TRICKLE_BYTES])
                    await asyncio.sleep(TRICKLE_SECONDS)
            case "half_open":
                pass
            case "cut":
                await self._send(data[: len(data) // 2])
                self.writer.close()
            case "garbage":
                await self._send(GARBAGE)
                self.writer.close()
            case _:
                await self._send(data)

    async def _send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


@asynccontextmanager
async def toxic_proxy(upstream_port: int, choose: Callable[[], str], port: int = 0) -> AsyncIterator[ToxicProxy]:
    """A proxy that is closed at the end."""
    proxy = ToxicProxy(upstream_port, choose, port)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()
