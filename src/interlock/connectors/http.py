"""The only way out: one HTTP call to a declared host, whose answer tells apart "nothing was sent" and "sent, answer
unknown".

A failure of the network is an `Answer`, never an exception. Redirects are not followed, answers are bounded, nothing
is retried here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from interlock.connectors.cancelled import cancellations, require_wanted

if TYPE_CHECKING:
    from pyreqwest.client import Client, ClientBuilder
    from pyreqwest.exceptions import RequestError
    from pyreqwest.response import Response

ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
"""A larger answer (after gzip) is not read to its end: it is unreadable, so the outcome of a write is uncertain."""
LINE_BYTES_MAX: Final = 16 * 1024 * 1024
"""A line of a download that is longer is no object of anybody's; the download ends there."""
CONNECT_SECONDS_MAX: Final = 5.0
"""No connection within this time means that nothing was sent."""
CONNECT_SHARE_OF_TIMEOUT: Final = 0.8
"""Connecting may take this share of a call's time, so that a connect timeout is never mistaken for a lost answer."""
IDLE_CONNECTION_SECONDS: Final = 15.0
"""Shorter than the usual keep-alive of servers: a connection that the other side is about to close is not used."""
CLIENT_ENDS_SECONDS: Final = 0.05
"""A client's own thread still lets go of its last calls when it is closed; a process that ends within that moment is
aborted (7 of 40 tries with pyreqwest 0.15 on Python 3.11, none of 40 after this wait)."""
USER_AGENT: Final = "Interlock"
NEVER_CONNECTED: Final = "client error (Connect)"
"""What hyper says of a call that failed while it connected, in any way: name, route, refusal, TLS, time. The library's
own ConnectError and ConnectTimeoutError cover calls that were sent as well (tests/unit/connectors/test_http.py)."""

UNDECLARED_HOST: Final = "EGR001"
REDIRECT: Final = "EGR002"
BAD_URL: Final = "EGR003"
NOT_CONNECTED: Final = "NET001"
NO_ANSWER: Final = "NET002"
CUT: Final = "NET003"
TOO_LARGE: Final = "NET004"

DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What came back. `status` is 0 when nothing did; `headers` are in lower case; `sent` is False only when no byte
    of ours can have arrived.

    `error` says what went wrong in words without any part of the request; `code` is one of the EGR and NET codes
    above, "" when an answer came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent: bool = True
    error: str | None = None
    code: str = ""


def _failed(code: str, error: str, *, sent: bool) -> Answer:
    return Answer(0, {}, b"", sent, error, code)


class Http:
    """One pool of connections and a list of the hosts that may be called; share one per system.

    `hosts` are `host` (any of the default ports) or `host:port`; from `download_hosts` files may be fetched besides, and
    nothing is ever sent there. A client is made at the first call, and closed by `close`: the work of a call is done in
    its own thread, beside the interpreter.
    """

    def __init__(self, hosts: Iterable[str], download_hosts: Iterable[str] = ()) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._download_hosts = frozenset(host.lower() for host in download_hosts)
        self._origins: set[str] = set()
        self._clients: dict[float, Client] = {}
        self._downloads: dict[float, Client] = {}

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_seconds: float
    ) -> Answer:
        """Call once within `timeout_seconds` in all. Never raises for the network; see Answer."""
        try:
            if not self._admits(url):
                return _failed(UNDECLARED_HOST, f"host {_host_of(url)} is not declared for this system", sent=False)
        except ValueError as error:
            return _failed(BAD_URL, f"not a URL that can be called: {error}", sent=False)
        connect_seconds = min(CONNECT_SECONDS_MAX, timeout_seconds * CONNECT_SHARE_OF_TIMEOUT)
        client = self._clients.get(connect_seconds) or self._open(connect_seconds)
        try:
            call = client.request(method, url).headers(headers).timeout(_duration(timeout_seconds))
            request = (call if body is None else call.body_bytes(body)).build_streamed()
        except Exception as error:  # noqa: BLE001 - a header that is none, such as a secret with a line break
            return _no_request(error, _host_of(url))
        before = cancellations()
        try:
            async with request as response:
                require_wanted(before)
                answer = await _read(response)
        except Exception as error:  # noqa: BLE001 - whatever a broken answer makes a parser raise
            answer = _no_answer(error, _host_of(url), timeout_seconds)
        require_wanted(before)
        return answer

    async def lines(self, url: str, *, silence_seconds: float) -> AsyncGenerator[bytes | Answer, None]:
        """The lines of a file of any size, as they come, without their ends; no header of ours is sent.

        What goes wrong is the last thing that comes, an Answer: nothing for `silence_seconds`, a status other than 200
        (its body within 4 MB), a connection that was cut. A caller that needs no more closes the generator.
        """
        try:
            if not (self._admits(url) or self._is_declared(_origin_of(url), self._download_hosts)):
                yield _failed(UNDECLARED_HOST, f"nothing may be downloaded from {_host_of(url)}", sent=False)
                return
        except ValueError as error:
            yield _failed(BAD_URL, f"not a URL that can be called: {error}", sent=False)
            return
        client = self._downloads.get(silence_seconds) or self._open_download(silence_seconds)
        before = cancellations()
        try:
            async with client.get(url).build_streamed() as response:
                require_wanted(before)
                if response.status != 200:
                    yield await _read(response)
                    return
                async for line in _split(response):
                    yield line
        except Exception as error:  # noqa: BLE001 - whatever a broken answer makes a parser raise
            yield _no_answer(error, _host_of(url), silence_seconds)

    async def close(self) -> None:
        """Close the pools, and wait until their threads have let go."""
        clients = [*self._clients.values(), *self._downloads.values()]
        self._clients.clear()
        self._downloads.clear()
        for client in clients:
            await client.close()
        if clients:
            await asyncio.sleep(CLIENT_ENDS_SECONDS)

    def _admits(self, url: str) -> bool:
        """Whether its host is declared. Raises ValueError when it is no http(s) URL, or one that would be rewritten."""
        if not (url.isascii() and url.isprintable()):
            raise ValueError("only ASCII that can be printed; the rest is to be encoded")
        origin = _origin_of(url)
        if origin in self._origins:
            return True
        if not self._is_declared(origin, self._hosts):
            return False
        self._origins.add(origin)
        return True

    @staticmethod
    def _is_declared(origin: str, hosts: frozenset[str]) -> bool:
        """Whether `https://host:port/` is one of these. Raises ValueError when it is no origin of http(s)."""
        parts = urlsplit(origin)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.username is not None:
            raise ValueError("an http(s) URL with a host and without user information is needed")
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        plain = parts.hostname in hosts and port in DEFAULT_PORTS.values()
        return plain or f"{parts.hostname}:{port}" in hosts

    def _open_download(self, silence_seconds: float) -> Client:
        """A pool whose calls may last as long as something comes."""
        silence = timedelta(seconds=silence_seconds)
        client = self._downloads[silence_seconds] = _pool(CONNECT_SECONDS_MAX).read_timeout(silence).build()
        return client

    def _open(self, connect_seconds: float) -> Client:
        """A pool for calls that have this long to connect; nearly all systems share the longest."""
        client = self._clients[connect_seconds] = _pool(connect_seconds).build()
        return client


def _pool(connect_seconds: float) -> ClientBuilder:
    """What all our clients have in common."""
    from pyreqwest.client import ClientBuilder

    return (
        ClientBuilder()
        .connect_timeout(timedelta(seconds=connect_seconds))
        .pool_idle_timeout(timedelta(seconds=IDLE_CONNECTION_SECONDS))
        .user_agent(USER_AGENT)
        .error_for_status(enable=False)
        .follow_redirects(enable=False)
        .no_proxy()
        .brotli(enable=False)
        .zstd(enable=False)
        .deflate(enable=False)
    )


def _origin_of(url: str) -> str:
    """`https://host:port/`."""
    return url[: url.find("/", url.find("//") + 2) + 1 or len(url)]


async def _split(response: Response) -> AsyncIterator[bytes]:
    """The lines of a body. Raises ValueError for one without an end."""
    rest = b""
    while (part := await _next_part(response)) is not None:
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield line
        if len(rest) > LINE_BYTES_MAX:
            raise ValueError("a line without an end")
    if rest:
        yield rest


async def _next_part(response: Response) -> bytes | None:
    """Of a body that may come for hours; None after the last."""
    before = cancellations()
    try:
        part = await response.body_reader.read_chunk()
    finally:
        require_wanted(before)
    return None if part is None else bytes(part)


async def _read(response: Response) -> Answer:
    """Read the whole bounded answer, or say why it is none."""
    status, headers = response.status, _headers(response)
    body = await _bounded(response, _announced(headers))
    if body is None:
        words = f"the answer is larger than {ANSWER_BYTES_MAX} bytes"
        return Answer(status, headers, b"", error=words, code=TOO_LARGE)
    if 300 <= status < 400:
        return Answer(status, headers, body, error="redirects are not followed", code=REDIRECT)
    return Answer(status, headers, body)


async def _bounded(response: Response, announced: str) -> bytes | None:
    """The body, or None when it is larger than the limit; the connection is then dropped.

    An answer that announces its length (a packed one does not, once it is unpacked) is as long as that, or cut.
    """
    if announced.isdecimal() and int(announced) <= ANSWER_BYTES_MAX:
        return bytes(await response.bytes()) if announced != "0" else b""
    parts: list[bytes] = []
    size = 0
    while (part := await _next_part(response)) is not None:
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            return None
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _announced(headers: Mapping[str, str]) -> str:
    """The length that holds: one that comes in chunks may announce another, and is as long as its chunks (RFC 9112, 6.3)."""
    return "" if "transfer-encoding" in headers else headers.get("content-length", "")


def _headers(response: Response) -> dict[str, str]:
    """By name in lower case, the last of each; without those that are not ASCII, which no vendor's meaning is in."""
    found = response.headers
    try:
        return dict(found.items())
    except ValueError:
        return {name: value for name in found.keys() if (value := _ascii(response, name)) is not None}  # noqa: SIM118


def _ascii(response: Response, name: str) -> str | None:
    try:
        return response.get_header(name)
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _duration(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def _no_request(error: Exception, host: str) -> Answer:
    return _failed(BAD_URL, f"not a request that can be sent to {host}: {type(error).__name__}", sent=False)


def _no_answer(error: Exception, host: str, timeout_seconds: float) -> Answer:
    """What a failed call means for what was asked: whatever is not known to have failed before it was sent was sent."""
    from pyreqwest.exceptions import BuilderError, RequestError

    kind = type(error).__name__
    if isinstance(error, BuilderError):
        return _no_request(error, host)
    if isinstance(error, RequestError) and _never_connected(error):
        return _failed(NOT_CONNECTED, f"no connection to {host}: {kind}", sent=False)
    if isinstance(error, TimeoutError):
        return _failed(NO_ANSWER, f"no answer from {host} within {timeout_seconds:g} s", sent=True)
    return _failed(CUT, f"the answer of {host} was cut or cannot be read: {kind}", sent=True)


def _never_connected(error: RequestError) -> bool:
    return any(cause["message"] == NEVER_CONNECTED for cause in error.details["causes"] or ())


def _host_of(url: str) -> str:
    """The host part, for an error text: never the path or query, which may carry personal data."""
    return urlsplit(url).netloc.rpartition("@")[2]
