"""The only way out: one HTTP call to a declared host, whose answer tells apart "nothing was sent" and "sent, answer
unknown".

A failure of the network is an `Answer`, never an exception. Redirects are not followed, answers are bounded, nothing
is retried here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

if TYPE_CHECKING:
    import aiohttp

ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
"""A larger answer (after gzip) is not read to its end: it is unreadable, so the outcome of a write is uncertain."""
CONNECT_SECONDS_MAX: Final = 5.0
"""No connection within this time means that nothing was sent."""
CONNECT_SHARE_OF_TIMEOUT: Final = 0.8
"""Connecting may take this share of a call's time, so that a connect timeout is never mistaken for a lost answer."""
IDLE_CONNECTION_SECONDS: Final = 15.0
"""Shorter than the usual keep-alive of servers: a connection that the other side is about to close is not used."""
TIMEOUTS_CACHED_MAX: Final = 256
USER_AGENT: Final = "Interlock"

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

    `hosts` are `host` (any of the default ports) or `host:port`. `session` is used and never closed when given;
    without one, one is made
    at the first call and closed by `close`.
    """

    def __init__(self, hosts: Iterable[str], *, session: aiohttp.ClientSession | None = None) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._session = session
        self._owned = session is None
        self._origins: set[str] = set()
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}
        self._not_connected: tuple[type[BaseException], ...] = _connect_errors() if session is not None else ()

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_seconds: float
    ) -> Answer:
        """Call once within `timeout_seconds` in all. Never raises for the network; see Answer."""
        try:
            target = self._admit(url)
        except ValueError as error:
            return _failed(BAD_URL, f"not a URL that can be called: {error}", sent=False)
        if target is None:
            return _failed(UNDECLARED_HOST, f"host {_host_of(url)} is not declared for this system", sent=False)
        session = self._session or self._open()
        timeout = self._timeouts.get(timeout_seconds) or self._timeout(timeout_seconds)
        try:
            response = await session.request(
                method, target, headers=headers, data=body, timeout=timeout, allow_redirects=False
            )
            return await _read(response)
        except self._not_connected as error:
            return _failed(NOT_CONNECTED, f"no connection to {target.host}: {type(error).__name__}", sent=False)
        except TimeoutError:
            return _failed(NO_ANSWER, f"no answer from {target.host} within {timeout_seconds:g} s", sent=True)
        except Exception as error:  # noqa: BLE001 - whatever a broken answer makes a parser raise
            return _failed(
                CUT, f"the answer of {target.host} was cut or cannot be read: {type(error).__name__}", sent=True
            )

    async def close(self) -> None:
        """Close the pool, if it is ours."""
        if self._owned and self._session is not None:
            await self._session.close()
            self._session = None

    def _admit(self, url: str) -> Any:
        """The URL object when its host is declared, else None. Raises ValueError when it is no http(s) URL."""
        from yarl import URL

        origin_end = url.find("/", url.find("//") + 2) + 1 or len(url)
        origin = url[:origin_end]
        if origin not in self._origins and not self._is_declared(origin):
            return None
        self._origins.add(origin)
        return URL(url, encoded=True)

    def _is_declared(self, origin: str) -> bool:
        """Whether `https://host:port/` may be called. Raises ValueError when it is no origin of http(s)."""
        parts = urlsplit(origin)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.username is not None:
            raise ValueError("an http(s) URL with a host and without user information is needed")
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        plain = parts.hostname in self._hosts and port in DEFAULT_PORTS.values()
        return plain or f"{parts.hostname}:{port}" in self._hosts

    def _timeout(self, seconds: float) -> aiohttp.ClientTimeout:
        import aiohttp

        if len(self._timeouts) >= TIMEOUTS_CACHED_MAX:
            self._timeouts.clear()
        connect = min(CONNECT_SECONDS_MAX, seconds * CONNECT_SHARE_OF_TIMEOUT)
        timeout = self._timeouts[seconds] = aiohttp.ClientTimeout(
            total=seconds, connect=connect, ceil_threshold=seconds + 1
        )
        return timeout

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        self._not_connected = _connect_errors()
        session = self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_CONNECTION_SECONDS, ttl_dns_cache=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT},
            skip_auto_headers=("Accept", "Content-Type"),
            raise_for_status=False,
            trust_env=False,
        )
        # aiohttp would silently send a PUT twice over a stale connection; retries are the dispatcher's alone.
        session._retry_connection = False  # noqa: SLF001
        return session


def _connect_errors() -> tuple[type[BaseException], ...]:
    """What aiohttp raises before any byte of a request leaves: DNS, refused, TLS and connect timeouts."""
    import aiohttp

    return (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


async def _read(response: aiohttp.ClientResponse) -> Answer:
    """Read the whole bounded answer, or say why it is none."""
    try:
        body = await _bounded_body(response)
    finally:
        response.release()
    status = response.status
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.raw_headers}
    if body is None:
        return Answer(status, headers, b"", error=f"the answer is larger than {ANSWER_BYTES_MAX} bytes", code=TOO_LARGE)
    if 300 <= status < 400:
        return Answer(status, headers, body, error="redirects are not followed", code=REDIRECT)
    return Answer(status, headers, body)


async def _bounded_body(response: aiohttp.ClientResponse) -> bytes | None:
    """The body, or None when it is larger than the limit; the connection is then dropped."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            response.close()
            return None
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _host_of(url: str) -> str:
    """The host part, for an error text: never the path or query, which may carry personal data."""
    return urlsplit(url).netloc.rpartition("@")[2]
