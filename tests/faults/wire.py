"""HTTP by hand: bytes to a socket, and the status that comes back, however wrong the bytes are."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterable, Iterable
from typing import NamedTuple


class Reply(NamedTuple):
    """`status` is 0 when the connection ended without an answer; seconds count from the last byte sent."""

    status: int
    seconds: float
    body: bytes = b""
    closes: bool = True


def request(
    path: str, body: bytes, headers: Iterable[tuple[str, str]], *, method: str = "POST", length: int | None = None
) -> bytes:
    """One request; `length` is what Content-Length claims, the true one by default."""
    lines = [f"{method} {path} HTTP/1.1", "host: hub", f"content-length: {len(body) if length is None else length}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


async def read_reply(reader: asyncio.StreamReader, sent_at: float) -> Reply:
    """Status and body of an answer with Content-Length."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
    except (asyncio.IncompleteReadError, OSError):
        return Reply(0, time.monotonic() - sent_at)
    closes = fields.get(b"connection") == b"close"
    return Reply(int(head.split(b" ", 2)[1]), time.monotonic() - sent_at, body, closes)


async def exchange(port: int, *pieces: bytes) -> Reply:
    """A connection of its own: send the pieces, read what comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        with contextlib.suppress(OSError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        return await read_reply(reader, time.monotonic())
    finally:
        await close(writer)


async def pour(port: int, head: bytes, pieces: AsyncIterable[bytes]) -> Reply:
    """Send a long body while listening: an answer may come before its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = asyncio.ensure_future(read_reply(reader, time.monotonic()))
    try:
        with contextlib.suppress(OSError):
            writer.write(head)
            async for piece in pieces:
                writer.write(piece)
                await writer.drain()
        ended = time.monotonic()
        reply = await answer
        return Reply(reply.status, max(0.0, time.monotonic() - ended), reply.body)
    finally:
        await close(writer)


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


class Line:
    """A connection that is kept alive, and opened again when the other side closes it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, data: bytes) -> Reply:
        if self._open is None:
            self._open = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self._open
        sent_at = time.monotonic()
        with contextlib.suppress(OSError):
            writer.write(data)
            await writer.drain()
        reply = await read_reply(reader, sent_at)
        if reply.closes:
            await self.close()
        return reply

    async def close(self) -> None:
        if self._open is not None:
            await close(self._open[1])
            self._open = None
