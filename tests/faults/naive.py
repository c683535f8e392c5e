"""What is usually written instead, as the control of the kill cases: a worker that POSTs and then marks the task done."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ANSWER_SECONDS = 0.005
"""From the effect to its answer: what a near vendor takes. A kill in between is what a naive worker cannot bear."""

WORKER = """
import sqlite3, sys, urllib.request
store = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
while True:
    found = store.execute("SELECT key FROM task WHERE done = 0 LIMIT 1").fetchone()
    if found is None:
        break
    urllib.request.urlopen(urllib.request.Request(sys.argv[2] + "/" + found[0], method="POST")).close()
    store.execute("UPDATE task SET done = 1 WHERE key = ?", found)
"""


class Vendor:
    """Counts the effects of each key; no key is refused, as in most APIs."""

    def __init__(self) -> None:
        self.effects: Counter[str] = Counter()
        self.url = ""

    @property
    def duplicates(self) -> int:
        return sum(self.effects.values()) - len(self.effects)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.effects[head.split()[1].decode()] += 1
            await asyncio.sleep(ANSWER_SECONDS)
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # its caller was killed
        finally:
            writer.close()


@asynccontextmanager
async def vendor() -> AsyncIterator[Vendor]:
    """A running one."""
    counted = Vendor()
    server = await asyncio.start_server(counted.answer, "127.0.0.1", 0)
    counted.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield counted


def tasks(path: Path, number: int) -> None:
    """A store of things to send."""
    store = sqlite3.connect(path)
    store.execute("CREATE TABLE task (key TEXT PRIMARY KEY, done INTEGER NOT NULL DEFAULT 0)")
    store.executemany("INSERT INTO task (key) VALUES (?)", [(str(n),) for n in range(number)])
    store.commit()
    store.close()


def start_worker(path: Path, url: str) -> subprocess.Popen[bytes]:
    """A worker on this store, until it is killed or nothing is left."""
    return subprocess.Popen([sys.executable, "-c", WORKER, str(path), url])


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL."""
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
