"""A connection of the hub's server: how long a sender may take over one request, how large its head is, and who makes room.

The server itself waits for ever for a request to be complete, keeps heads of any size, and accepts connections until
the process has no file left to open its store with (slow loris, fault case 41).
"""

import asyncio
import logging
import resource
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from interlock.clock import SystemClock
from interlock.errors import IntakeError
from interlock.intake.direct import Taking, is_common
from interlock.intake.problem import headers_of, problem_of
from interlock.intake.refusals import Refusals

REQUEST_SECONDS = 15.0
"""From the first byte of a request (or the opening of the connection) to its last; Shopify itself gives up after 5."""
FILE_SECONDS = 3_600.0
"""So long may a file come, where files are taken, while it comes on: FILE_BYTES in every REQUEST_SECONDS."""
FILE_BYTES = 65_536
HEAD_BYTES_MAX = 65_536
HEADERS_MAX = 200

LOG = logging.getLogger("interlock.intake.http")
LOG.setLevel(logging.ERROR)
"""In place of the server's own, which writes a line for each request that cannot be read: a stranger could fill the disk."""


class Connection(HttpToolsProtocol):
    """One connection; its limits are attributes of the class, so that a test need not wait."""

    request_seconds: ClassVar[float] = REQUEST_SECONDS
    connections_max: ClassVar[int] = min(10_000, max(64, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2))
    """Half of the files that this process may open; the rest is for the stores and the calls to other systems."""

    refusals: ClassVar[Refusals] = Refusals(SystemClock())

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.logger = LOG

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request; when there are too many, the slowest sender makes room."""
        super().connection_made(transport)
        self._awaited_since: float | None = self.loop.time()
        self._head_bytes: int | None = 0
        self._refusal: IntakeError | None = None
        self._unread_bytes = 0
        self._file_since: float | None = None
        self._file_bytes = 0
        self._look_again = self.loop.call_later(self.request_seconds, self._look)
        if len(self.connections) > self.connections_max:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._look_again.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; a head that does not end is cut off."""
        if self._head_bytes is not None:
            self._head_bytes += len(data)
        elif self._file_since is not None:
            self._file_bytes += len(data)
        super().data_received(data)
        if self._head_bytes is not None and self._head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self._refuse(_head_too_large())

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._awaited_since = self.loop.time()
        self._head_bytes = self._head_bytes or 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header more; what is raised here becomes the answer to a request that cannot be read.

        What the server does with it stands here again: the call alone costs as much, a dozen times a request.
        """
        headers = self.headers
        if len(headers) >= HEADERS_MAX:
            self._refusal = _head_too_large()
            raise self._refusal
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head has ended: the intake's common requests go straight there."""
        intake = getattr(self.config.app, "intake", None)
        if intake is not None and is_common(self):
            self.cycle = Taking(self, intake)  # type: ignore[assignment]
        else:
            super().on_headers_complete()
            if intake is not None and intake.takes_files(self.url.partition(b"?")[0].decode("ascii", "replace")):
                self._file_since, self._file_bytes = self.loop.time(), 0
        self._head_bytes = None

    def on_message_complete(self) -> None:
        """The last byte of a request: from here on it is ours to be quick."""
        super().on_message_complete()
        self._awaited_since = self._file_since = None
        self._head_bytes = 0

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  the server's words are not ours
        """Called by the server for what is no HTTP."""
        error = self._refusal or IntakeError(
            "this is not a request that can be read", status=400, code="INT014", next_move="speak HTTP/1.1"
        )
        self._refuse(error)

    def _look(self) -> None:
        """Once in the time that a request has: is one late, or has our answer not moved since the last look?"""
        waited = 0.0 if self._awaited_since is None else self.loop.time() - self._awaited_since
        unread, before = self.transport.get_write_buffer_size(), self._unread_bytes
        self._unread_bytes = unread
        if unread and unread == before:
            self.transport.abort()  # to close it would be to wait until it is read
            return
        if waited >= self.request_seconds:
            if self._comes_on():
                self._awaited_since = self.loop.time()
            else:
                self._refuse(_too_slow())
            waited = 0.0
        self._look_again = self.loop.call_later(self.request_seconds - waited, self._look)

    def _comes_on(self) -> bool:
        """Whether it is a file, and more of it has come since the last look than somebody sends who only wants the place."""
        came, self._file_bytes = self._file_bytes, 0
        since = self._file_since
        return since is not None and came >= FILE_BYTES and self.loop.time() - since < FILE_SECONDS

    def _make_room(self) -> None:
        """Close the connection whose request has been awaited longest, else one that rests; never one that is served."""
        others = [known for known in self.connections if isinstance(known, Connection) and known is not self]
        slow = [known for known in others if known._awaited_since is not None]  # noqa: SLF001
        if slow:
            min(slow, key=lambda known: known._awaited_since or 0.0)._refuse(_too_slow())  # noqa: SLF001
            return
        resting = (known for known in others if known.cycle is None or known.cycle.response_complete)
        if (idle := next(resting, None)) is not None:
            idle.connections.discard(idle)
            idle.transport.close()

    def _refuse(self, error: IntakeError) -> None:
        """Answer, when nothing was answered yet, and close."""
        self.refusals.count("", error)
        answering = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if not answering and not self.transport.is_closing():
            self.transport.write(_answer(error))
        self._awaited_since = None
        self.connections.discard(self)
        self.transport.close()


def _answer(error: IntakeError) -> bytes:
    body = problem_of(error)
    headers: list[Any] = [*headers_of(error, body), (b"connection", b"close")]
    lines = [name + b": " + value + b"\r\n" for name, value in headers]
    return b"".join([STATUS_LINE[error.status], *lines, b"\r\n", body])


def _head_too_large() -> IntakeError:
    return IntakeError(
        f"the head is larger than {HEAD_BYTES_MAX} bytes or has more than {HEADERS_MAX} headers",
        status=431,
        code="INT016",
        next_move="send fewer or shorter headers",
    )


def _too_slow() -> IntakeError:
    return IntakeError("the request took too long to arrive", status=408, code="INT015", next_move="send it again")
