"""One address on this machine that a browser is sent back to: each request's query is tried, until one is taken."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from html import escape
from typing import Final, Generic, TypeVar

from interlock.errors import InterlockError, SettingsError

T = TypeVar("T")
REQUEST_BYTES_MAX: Final = 16_384
REQUEST_SECONDS: Final = 10.0
DONE: Final = "Connected. This window can be closed; the terminal says the rest."


class Callback(Generic[T]):
    """What came back. `taken` ends with what `take` made of the first query that it took, or with its error when that
    ends the attempt (`ends` says of an error code whether it does); all others are told to the browser alone."""

    def __init__(self, path: str, take: Callable[[str], Awaitable[T]], ends: Callable[[str], bool]) -> None:
        self._path, self._take, self._ends = path, take, ends
        self.refused = ""
        """Why the last query was not taken."""
        self.taken: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, which is one request."""
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            status, text = await self._answered(head.split(b"\r\n", 1)[0].decode("ascii"))
            writer.write(_response(status, text))
            await writer.drain()
        except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever that was, it was no browser that comes back
        finally:
            writer.close()

    async def _answered(self, line: str) -> tuple[str, str]:
        method, target, _ = line.split(" ", 2)
        path, _, query = target.partition("?")
        if method != "GET" or path != self._path or self.taken.done():
            return "404 Not Found", "There is nothing here."
        try:
            found = await self._take(query)
        except InterlockError as error:
            self.refused = error.what
            if self._ends(error.code) and not self.taken.done():
                self.taken.set_exception(error)
            return "400 Bad Request", f"{error.what}: {error.why}"
        if not self.taken.done():
            self.taken.set_result(found)
        return "200 OK", DONE


@asynccontextmanager
async def listening(port: int, callback: Callback[T]) -> AsyncIterator[None]:
    """While it lasts, the address answers. Raises SettingsError SET023 when the port is another's."""
    try:
        server = await asyncio.start_server(callback, "127.0.0.1", port, limit=REQUEST_BYTES_MAX)
    except OSError as error:
        raise SettingsError(
            f"port {port} is in use", code="SET023", why=str(error),
            next_move="take another --redirect-uri that is in the app's settings, or --paste",
        ) from error  # fmt: skip
    async with server:
        yield


def _response(status: str, text: str) -> bytes:
    body = f"<!DOCTYPE html><meta charset=utf-8><title>Interlock</title><p>{escape(text)}</p>".encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
