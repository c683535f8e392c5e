"""Fault case 29: many workers at the end of a token, answers that are lost, processes killed between answer and commit."""

import asyncio
import json
import random
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from experiment import Experiment

sys.path.insert(0, str(Path(__file__).parent.parent / "unit" / "connectors"))
from token_authority import ACCESS, CLIENT, FIRST_REFRESH, HOUR, TokenAuthority

from interlock.clock import SystemClock, VirtualClock
from interlock.connectors.contract import Connection
from interlock.connectors.http import Answer
from interlock.connectors.shopify.tokens import grant_of, keeper
from interlock.connectors.token_store import MemoryTokenStore, StoredToken
from interlock.connectors.tokens import Granted
from interlock.messaging.outcome import Retry

WORKERS = 16
PROCESSES = 3
CALLS_PER_ROUND = 4
LOST_SHARE = 0.1


def connected(authority, clock, store) -> Connection:
    credentials = CLIENT | {"refresh_token": FIRST_REFRESH}
    return Connection(
        system="shopify", url="https://acme.myshopify.com", settings={}, credentials=credentials, builders={},
        http=authority, clock=clock, tokens=store,
    )  # fmt: skip


class Killed(BaseException):
    """The process ended here; not an Exception, so that nothing of ours can catch it."""


class KillingStore(MemoryTokenStore):
    """Some commits never come: the process was killed when it had the answer."""

    def __init__(self, clock, chance: random.Random, share: float) -> None:
        super().__init__(clock)
        self._chance, self._share, self.kills = chance, share, 0

    async def commit(self, name: str, fence: int, token: StoredToken) -> bool:
        if self._chance.random() < self._share:
            self.kills += 1
            raise Killed
        return await super().commit(name, fence, token)


class NaiveKeeper:
    """What many connectors do: renew when it has ended, keep the pair in the store, no lease; the last one wins."""

    def __init__(self, connection: Connection, shared: dict[str, StoredToken]) -> None:
        self._grant, self._shared, self._clock = grant_of(connection), shared, connection.clock

    async def call(self, send):
        stored = self._shared.get("token")
        if stored is None or self._clock.now_ms() >= stored.ends_ms:
            stored = await self._renewed(stored)
        answer = None if stored is None else await send(stored.access)
        if answer is not None and answer.status == 401:
            stored = await self._renewed(self._shared["token"])
            answer = None if stored is None else await send(stored.access)
        return answer

    async def _renewed(self, stored):
        given = await self._grant.ask(stored, 10.0)
        if not isinstance(given, Granted):
            return None
        ends_ms = self._clock.now_ms() + round(given.lifetime_seconds * 1000)
        self._shared["token"] = StoredToken(
            system="", grant="", origin="", access=given.access, refresh=given.refresh, ends_ms=ends_ms
        )
        return self._shared["token"]


async def passed(clock: VirtualClock, seconds: float, tasks: list) -> list:
    """Results of what ran while the time passed; a killed one's is its Killed."""
    running = [asyncio.ensure_future(each) for each in tasks]
    for _ in range(round(seconds * 4)):
        await clock.advance(0.25)
        if all(each.done() for each in running):
            break
    return await asyncio.gather(*running, return_exceptions=True)


def is_good(answer: object) -> bool:
    return isinstance(answer, Answer) and answer.status == 200


async def expiries(experiment: Experiment, kill_share: float) -> dict[str, int]:
    """A token that ends every hour, met by sixteen workers at once, each a process of its own with its own keeper."""
    clock, chance = VirtualClock(), experiment.chance
    authority = TokenAuthority(clock, pause=0.5, chance=experiment.chance)
    store = KillingStore(clock, chance, kill_share)
    authority.fault = lambda _: "lost" if chance.random() < LOST_SHARE else ""
    workers = [keeper(connected(authority, clock, store)) for _ in range(WORKERS)]
    count = {"expiries": 0, "calls": 0, "retried later": 0, "refused": 0, "most 401 of one expiry": 0}
    while min(store.kills if kill_share else experiment.size, count["expiries"]) < experiment.size:
        before = authority.refused
        waiting = list(range(WORKERS))
        while waiting:  # what got no token now is asked again, as the dispatcher does
            count["calls"] += len(waiting)
            answers = await passed(clock, 60, [workers[each].call(authority.business) for each in waiting])
            for each, answer in zip(waiting, answers, strict=True):
                if isinstance(answer, Killed):
                    workers[each] = keeper(connected(authority, clock, store))
                elif not isinstance(answer, Retry):
                    count["refused"] += not is_good(answer)
            waiting = [
                each for each, answer in zip(waiting, answers, strict=True) if isinstance(answer, Retry | Killed)
            ]
            count["retried later"] += len(waiting)
        count["expiries"] += 1
        count["most 401 of one expiry"] = max(count["most 401 of one expiry"], authority.refused - before)
        await clock.advance(HOUR)
    return count | {
        "most in flight": authority.most_in_flight, "lock-outs": authority.lock_outs, "kills": store.kills,
        "refreshes": authority.asked,
    }  # fmt: skip


async def naive(count: int, chance: random.Random) -> TokenAuthority:
    """The control: the same sixteen at the same ends, without a lease."""
    clock = VirtualClock()
    authority = TokenAuthority(clock, pause=0.5, chance=chance)
    shared: dict[str, StoredToken] = {}
    workers = [NaiveKeeper(connected(authority, clock, None), shared) for _ in range(WORKERS)]
    for _ in range(count):
        await passed(clock, 60, [worker.call(authority.business) for worker in workers])
        await clock.advance(HOUR)
    return authority


@pytest.mark.parametrize("kill_share", [0.0, 0.5])
def test_sixteen_workers_at_expiry(kill_share: float, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault case 29 (C79): one refresh in flight, no lock-out, at most one 401 per expiry; answers lost, processes killed.

    The control renews without a lease and is locked out for good at the first end of a token.
    """
    experiment = Experiment("29", suite=20, table=200, capsys=capsys)
    found = asyncio.run(expiries(experiment, kill_share))
    assert (found["most in flight"], found["lock-outs"], found["refused"]) == (1, 0, 0)
    assert found["most 401 of one expiry"] <= 1
    control = asyncio.run(naive(3, experiment.chance))
    assert control.most_in_flight == WORKERS and control.lock_outs > 0
    experiment.report(
        faults=found["kills"] if kill_share else found["expiries"], trials=found["expiries"] * WORKERS,
        control=f"{control.most_in_flight} refreshes at once, {control.lock_outs} lock-outs", **{
            name.replace(" ", "_"): value for name, value in found.items()
        },
    )  # fmt: skip


@asynccontextmanager
async def served(authority: TokenAuthority):
    """The shop on a port of its own."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            path = lines[0].split()[1]
            token = {ACCESS: headers.get(ACCESS.lower(), "")}
            found = await authority.send("POST", path, token, body, 5.0)
            writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (found.status, len(found.body)) + found.body)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):  # the client has gone, or was killed
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def started(folder: Path, url: str) -> Process:
    program = str(Path(__file__).parent / "token_worker.py")
    return await asyncio.create_subprocess_exec(sys.executable, program, str(folder), url, stdin=PIPE, stdout=PIPE)


async def round_of(worker: Process, order: str) -> dict[str, int] | None:
    """What a process came to; None when it was killed."""
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write(f"{order} {CALLS_PER_ROUND}\n".encode())
    line = await worker.stdout.readline()
    return json.loads(line) if line else None


async def real_processes(folder: Path, kills: int, chance: random.Random) -> dict[str, int]:
    """Rounds in which the shop ends the token; one process is told to die with the answer in its hand, if it is the one to renew."""
    authority = TokenAuthority(SystemClock())
    found = {"kills": 0, "rounds": 0, "good": 0, "refused": 0, "most 401 of a call": 0}
    async with served(authority) as url:
        workers = await asyncio.gather(*(started(folder, url) for _ in range(PROCESSES)))
        while found["kills"] < kills:
            before = authority.refused
            authority.end_access()
            doomed = chance.randrange(PROCESSES)
            orders = ["die" if each == doomed else "go" for each in range(PROCESSES)]
            said = await asyncio.gather(*map(round_of, workers, orders))
            found["rounds"] += 1
            for each in said:
                found["good"] += each["good"] if each else 0
                found["refused"] += each["refused"] if each else 0
            share = (authority.refused - before) / PROCESSES / CALLS_PER_ROUND
            found["most 401 of a call"] = max(found["most 401 of a call"], share)
            if said[doomed] is None:
                found["kills"] += 1
                await workers[doomed].wait()
                workers[doomed] = await started(folder, url)
        for worker in workers:
            worker.stdin.close()
            await worker.wait()
    return found | {
        "most in flight": authority.most_in_flight,
        "lock-outs": authority.lock_outs,
        "refreshes": authority.asked,
    }


def test_processes_share_one_vault_and_are_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault case 29: real processes on one vault, killed with the answer in hand; the others go on with what the disk knows."""
    experiment = Experiment("29", suite=4, table=200, capsys=capsys)
    found = asyncio.run(real_processes(tmp_path, experiment.size, experiment.chance))
    assert (found["most in flight"], found["lock-outs"], found["refused"]) == (1, 0, 0)
    assert found["most 401 of a call"] <= 1
    control = asyncio.run(naive(3, experiment.chance))
    assert control.lock_outs > 0
    experiment.report(
        faults=found["kills"], trials=found["rounds"] * PROCESSES, control=f"{control.lock_outs} lock-outs",
        **{name.replace(" ", "_"): value for name, value in found.items()},
    )  # fmt: skip
