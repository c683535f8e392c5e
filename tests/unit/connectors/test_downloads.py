"""Files that are larger than any answer: read a line at a time, from declared hosts alone, and never with a secret."""

import asyncio
from urllib.parse import urlsplit

import pytest
from raw_server import HANG, raw_server

from interlock.connectors import http as way_out
from interlock.connectors.http import Answer, Http

FILE = b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\nConnection: close\r\n\r\n{"a":1}\n{"b":2}\nre'


def fetch(
    answer: bytes, *, hosts: bool = True, downloads: bool = False, most: int = 10**9
) -> tuple[list[bytes | Answer], list[str]]:
    """What comes, and the heads that the server saw."""

    async def go() -> tuple[list[bytes | Answer], list[str]]:
        async with raw_server(answer) as server:
            place = [urlsplit(server.url).netloc]
            http = Http(place if hosts else [], place if downloads else [])
            found: list[bytes | Answer] = []
            try:
                coming = http.lines(f"{server.url}/bulk?Signature=a%2Fb", silence_seconds=0.3)
                async for item in coming:
                    found.append(item)
                    if len(found) >= most:
                        break
                await coming.aclose()
            finally:
                await http.close()
            return found, server.heads

    return asyncio.run(go())


def test_lines_come_whole_and_in_order() -> None:
    """The last one needs no end; the address is sent as it was given, or its signature would not fit."""
    found, heads = fetch(FILE)
    assert found == [b'{"a":1}', b'{"b":2}', b"re"]
    assert heads[0].startswith("GET /bulk?Signature=a%2Fb ") and "authorization" not in heads[0].lower()


def test_a_file_is_larger_than_any_answer() -> None:
    """A result of 8 MB comes through; the control: the same as an answer does not."""
    size = 8 * 1024 * 1024
    line = b"x" * 1023 + b"\n"
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode() + line * (size // 1024)
    found, _ = fetch(answer)
    assert len(found) == size // 1024 and {len(one) for one in found if isinstance(one, bytes)} == {1023}

    async def as_an_answer() -> Answer:
        async with raw_server(answer) as server:
            http = Http([urlsplit(server.url).netloc])
            try:
                return await http.send("GET", f"{server.url}/", {}, None, 5.0)
            finally:
                await http.close()

    assert asyncio.run(as_an_answer()).code == way_out.TOO_LARGE


@pytest.mark.parametrize(("hosts", "downloads", "code"), [(False, False, way_out.UNDECLARED_HOST), (False, True, "")])
def test_only_from_declared_places(hosts: bool, downloads: bool, code: str) -> None:
    """A result may lie on a host to which nothing is sent; on any other it is not fetched at all."""
    found, heads = fetch(FILE, hosts=hosts, downloads=downloads)
    codes = [one.code for one in found if isinstance(one, Answer)]
    assert (codes, len(heads)) == ([code] if code else [], 0 if code else 1)


def test_nothing_is_sent_to_a_place_of_downloads() -> None:
    """The control of the list: a call there is refused before anything leaves."""

    async def go() -> Answer:
        http = Http([], ["storage.example"])
        return await http.send("POST", "https://storage.example/", {}, b"{}", 1.0)

    assert asyncio.run(go()).code == way_out.UNDECLARED_HOST


@pytest.mark.parametrize(
    ("answer", "code", "status"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "", 403),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\nhalf", way_out.CUT, 0),
        (HANG, way_out.NO_ANSWER, 0),
    ],
)
def test_what_goes_wrong_comes_last(answer: bytes, code: str, status: int) -> None:
    """An address that died, a file that was cut, a host that says nothing: said, never raised, never taken for the end."""
    last = fetch(answer)[0][-1]
    assert isinstance(last, Answer) and (last.code, last.status) == (code, status)
    assert "Signature" not in str(last.error)


def test_who_needs_no_more_stops_it() -> None:
    """A paused backfill lets go of the connection in the middle of the file."""
    assert fetch(FILE, most=1)[0] == [b'{"a":1}']
