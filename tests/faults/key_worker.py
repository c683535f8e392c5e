"""A program for fault case 24: an engine on the machine's own clock that kills itself at one of its calls.

    key_worker.py FOLDER ORDERS DIE_AT WHEN KEYS

Its destination is a file beside the store that gets a line for each call that left (the wire); it knows idempotency keys.
ORDERS `7-12` are posted first. At call number DIE_AT (0: never) the process kills itself, `before` the call is on the wire,
when only the intent is on the disk, or `after`. KEYS is `kept`, or `fresh` for a naive sender that makes up a key per call.
"""

import asyncio
import json
import os
import signal
import sys
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "unit" / "messaging"))
from engine import Engine, FakeRelease, FakeSystem, event_of

from interlock.clock import SystemClock
from interlock.messaging.outcome import Outcome
from interlock.messaging.write import Once, Write


class Wire(FakeSystem):
    """What left the process, on a file, and what the vendor made of it."""

    def __init__(self, file: Path, die_at: int, when: str, keys: str) -> None:
        super().__init__(SystemClock(), Once.KEY)  # type: ignore[arg-type]  its clock is only asked for the time
        self.file = file
        self.die_at, self.when, self.fresh = die_at, when, keys == "fresh"
        self.count = 0
        for line in file.read_text().splitlines() if file.exists() else []:
            self.take(json.loads(line))

    def take(self, call: dict[str, str]) -> None:
        once = Once(call["once"])
        self.apply(
            Write(operation="put", once=once, reference=call["reference"], body=call["body"].encode()), call["key"]
        )

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:
        self.count += 1
        self._perhaps_die("before")
        key = str(uuid.uuid4()) if self.fresh else idempotency_key
        call = {"reference": write.reference, "key": key, "body": write.body.decode(), "once": write.once.value}
        with self.file.open("a") as file:
            file.write(json.dumps(call) + "\n")
        self._perhaps_die("after")
        return await super().write(write, idempotency_key=key, timeout_seconds=timeout_seconds)

    def _perhaps_die(self, when: str) -> None:
        if self.count == self.die_at and when == self.when:
            os.kill(os.getpid(), signal.SIGKILL)


async def main(folder: Path, orders: str, die_at: int, when: str, keys: str) -> None:
    wire = Wire(folder / "wire.jsonl", die_at, when, keys)
    engine = Engine(folder, Once.KEY, clock=SystemClock())  # type: ignore[arg-type]
    engine.systems = {"erp": wire}
    engine.release = FakeRelease(engine.systems, engine.source)
    await engine.open()
    first, last = map(int, orders.split("-"))
    await engine.post(*(event_of(str(number), 10) for number in range(first, last)))
    while set(engine.states().values()) != {"done"}:
        await asyncio.sleep(0.005)
    await engine.close()
    print(json.dumps({"duplicates": wire.duplicates, "orders": len(wire.records)}))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5]))
