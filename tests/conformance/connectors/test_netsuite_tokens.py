"""NetSuite's tokens: one refresh for all callers, renewed before the end, and dropped when refused (fault case 29)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from vendor_cases import Case, Twin, builders, cases, creating, host_of, order

from interlock.clock import SystemClock
from interlock.connectors import registry
from interlock.connectors.contract import Answer, Connection, Destination, Done, Http, Past, Refused, Retry

NETSUITE = cases()[0]
PATH = "/services/rest/auth/oauth2/v1/token"
case = pytest.mark.parametrize("case", [NETSUITE], ids=["netsuite"])


class CountingHttp(Http):
    """Counts the calls of the token endpoint."""

    tokens = 0

    async def send(self, method: str, url: str, *more: Any) -> Answer:
        self.tokens += url.endswith(PATH)
        return await super().send(method, url, *more)


class Ahead(SystemClock):
    """The machine's clock, whose monotonic time can be moved on; the assertion's wall time must be believed."""

    seconds = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.seconds


def opened(twin: Twin, http: Http, clock: Ahead) -> Destination:
    connection = Connection(
        system="netsuite",
        url=twin.url,
        settings={},
        credentials=NETSUITE.credentials,
        builders=builders("netsuite"),
        http=http,
        clock=clock,
    )
    return registry.open_destination("netsuite", connection)


def run(twin: Twin, use: Any) -> Any:
    async def go() -> Any:
        http, clock = CountingHttp([host_of(twin.url)]), Ahead()
        try:
            return await use(opened(twin, http, clock), http, clock)
        finally:
            await http.close()

    return asyncio.run(go())


async def send(destination: Destination, number: int) -> Any:
    write = destination.plan(order(number), signal="", past=Past()).writes[0]
    return await destination.write(write, idempotency_key="", timeout_seconds=5)


@case
def test_callers_at_once_make_one_refresh(case: Case, twin: Twin, number: int) -> None:
    """C79: at the start and at the end of a token all workers meet; one fetches, the others wait for it."""

    async def use(destination: Destination, http: CountingHttp, clock: Ahead) -> None:
        for expected in (1, 2):
            outcomes = await asyncio.gather(*(send(destination, number) for _ in range(8)))
            assert all(isinstance(outcome, Done) for outcome in outcomes)
            assert http.tokens == expected
            clock.seconds += 3_600 - 59  # a minute before the end counts as the end

    run(twin, use)


@case
def test_a_token_that_was_good_and_is_refused_is_renewed(case: Case, twin: Twin, number: int) -> None:
    """A revoked token costs one retry; a refusal of a token just made is a person's matter."""

    async def use(destination: Destination, http: CountingHttp, _: Ahead) -> None:
        assert isinstance(await send(destination, number), Done)
        twin.fail(kind="status", status=401, count=1, match={"path": "/record/"})
        first = await send(destination, number)
        assert isinstance(first, Retry)
        assert first.code == "TOKEN_REFUSED"
        assert isinstance(await send(destination, number), Done)
        assert http.tokens == 2

    run(twin, use)


@case
def test_a_new_token_that_is_refused_is_not_tried_for_ever(case: Case, twin: Twin, number: int) -> None:
    """Otherwise a role without permission would look like a flapping network."""

    async def use(destination: Destination, _: CountingHttp, __: Ahead) -> Any:
        twin.fail(kind="status", status=401, count=1, match={"path": "/record/"})
        return await send(destination, number)

    outcome = run(twin, use)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "authentication"


@case
@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "reset_after"}, {"kind": "garbage"}])
def test_no_token_is_never_uncertain(case: Case, twin: Twin, number: int, fault: dict[str, Any]) -> None:
    """No record is touched by asking for a token: the write may be tried again without a look-up."""

    async def use(destination: Destination, _: CountingHttp, __: Ahead) -> Any:
        twin.fail(count=1, match={"path": PATH}, **fault)
        return await send(destination, number)

    assert isinstance(run(twin, use), Retry)


@case
def test_a_broken_private_key_says_so_and_shows_nothing(case: Case, twin: Twin, number: int) -> None:
    """The key must not reach a message."""

    async def go() -> Any:
        http = Http([host_of(twin.url)])
        connection = Connection(
            system="netsuite",
            url=twin.url,
            settings={},
            credentials=NETSUITE.credentials | {"private_key": "-----BEGIN PRIVATE KEY-----\nsecret\n"},
            builders=builders("netsuite"),
            http=http,
            clock=Ahead(),
        )
        destination = registry.open_destination("netsuite", connection)
        write = creating(NETSUITE, destination, number)
        return await destination.write(write, idempotency_key="", timeout_seconds=5)

    outcome = asyncio.run(go())
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.code) == ("authentication", "PRIVATE_KEY")
    assert "secret" not in outcome.message
