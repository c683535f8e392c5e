"""A server that answers with the bytes it is told, for what no decent HTTP server does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

HANG = b"hang"
"""Instead of an answer: keep the connection open and say nothing."""
RESET = b"reset"
"""Instead of an answer: abort the connection after the request was read."""


class RawServer:
    """Counts requests; `heads` are their first lines."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.heads: list[str] = []
        self.url = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head.decode())
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                await reader.readexactly(length)
                answer = self.answers[min(len(self.heads), len(self.answers)) - 1]
                if answer == HANG:
                    await reader.read()
                    return
                if answer == RESET:
                    writer.transport.abort()
                    return
                writer.write(answer)
                await writer.drain()
                if b"connection: close" in answer.lower():
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def raw_server(*answers: bytes) -> AsyncIterator[RawServer]:
    """A server on a free port; the last answer is repeated."""
    served = RawServer(*answers)
    server = await asyncio.start_server(served._serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    served.url = f"http://{host}:{port}"
    try:
        yield served
    finally:
        server.close()
