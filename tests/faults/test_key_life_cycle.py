"""Fault case 24: an idempotency key from the moment it is on the disk to the day its vendor forgets it."""

import asyncio
import json
import random
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import apsw
import pytest
from engine import MEMORY_SECONDS, Engine, event_of, scripted
from experiment import Experiment

from interlock.connectors import registry
from interlock.connectors.http import Answer
from interlock.connectors.verdict import ErrorTable, classify
from interlock.messaging.finished import SEND_WITHIN_SECONDS
from interlock.messaging.outcome import Outcome, Refused, Retry, Uncertain
from interlock.messaging.write import Once

WORKER = Path(__file__).parent / "key_worker.py"
ORDERS_PER_LIFE = 4


def lives(folder: Path, kills: int, chance: random.Random, keys: str) -> tuple[int, dict[str, Any]]:
    """Kill a worker at one of its calls, again and again, then let one finish. Kills that came before the call, and its last words."""
    folder.mkdir()
    before = 0
    for life in range(kills + 1):
        orders = f"{life * ORDERS_PER_LIFE}-{(life + 1) * ORDERS_PER_LIFE}"
        die_at = chance.randint(1, ORDERS_PER_LIFE) if life < kills else 0
        when = chance.choice(["before", "before", "after"])
        command = [sys.executable, str(WORKER), str(folder), orders, str(die_at), when, keys]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        assert ended.returncode == (-9 if die_at else 0), ended.stderr
        before += when == "before" and die_at > 0
    return before, json.loads(ended.stdout)


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    store = apsw.Connection(str(path))
    try:
        return store.execute(query).fetchall()
    finally:
        store.close()


def test_the_key_on_the_wire_is_the_key_on_the_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault case 24: killed between the intent and its call, or just after it; the call leaves under the key that was
    committed, and makes one effect. Control: a sender that makes up its key when it calls."""
    experiment = Experiment("24", suite=8, table=200, capsys=capsys)
    before, found = lives(tmp_path / "kept", experiment.size, experiment.chance, "kept")
    _, naive = lives(tmp_path / "fresh", max(4, experiment.size // 10), experiment.chance, "fresh")
    wire = [json.loads(line) for line in (tmp_path / "kept/wire.jsonl").read_text().splitlines()]
    calls = [call for call in wire if call["once"] == "key"]
    on_disk: dict[str, set[str]] = defaultdict(set)
    for reference, key in rows(
        tmp_path / "kept/ledger.db", "SELECT reference, idempotency_key FROM attempt WHERE once = 'key'"
    ):
        on_disk[reference].add(key)
    ((accepted,),) = rows(tmp_path / "kept/inbox.db", "SELECT count(*) FROM event")
    bodies: dict[str, set[str]] = defaultdict(set)
    for call in calls:
        bodies[call["key"]].add(call["body"])
    strangers = sum(call["key"] not in on_disk[call["reference"]] for call in calls)
    experiment.report(
        faults=experiment.size, trials=len(calls), control=f"keys made up per call: {naive['duplicates']} duplicates", between=before,
        calls=len(calls), keys_not_on_disk=strangers, **found,
    )  # fmt: skip
    assert strangers == 0
    assert all(len(keys) == 1 for keys in on_disk.values())
    assert all(len(found) == 1 for found in bodies.values()), "one key, two payloads"
    assert found == {"duplicates": 0, "orders": accepted}
    assert before > 0
    assert naive["duplicates"] > 0


async def after(folder: Path, asleep_seconds: float) -> tuple[str, int, int]:
    """A create whose answer was lost is taken up again that much later: how it was settled, how often it left, duplicates."""
    engine = Engine(folder, Once.KEY)
    await engine.open()
    engine.erp.fault = scripted("lost")
    await engine.post(event_of("1", 10))
    await engine.run(0.001)
    await engine.close()
    engine.erp.keys_forgotten_ms = engine.clock.now_ms() + round(MEMORY_SECONDS * 1000)
    engine.clock._elapsed += asleep_seconds
    await engine.open()
    await engine.run(120)
    resolution = engine.rows("SELECT resolution FROM attempt WHERE action = 'create'")[0][0]
    assert engine.states() == {"1@erp": "done"}
    await engine.close()
    creates = [key for _, _, key, _ in engine.erp.calls if key == engine.erp.calls[0][2]]
    return resolution, len(creates), engine.erp.duplicates


@pytest.mark.parametrize(
    ("asleep_seconds", "resolution"),
    [(3_600, "resent"), (23 * 3600 + 59 * 60, "resent"), (24 * 3600 - SEND_WITHIN_SECONDS - 1, "resent"),
     (24 * 3600, "found"), (24 * 3600 + 60, "found"), (10 * 86_400, "found")],
)  # fmt: skip
def test_a_forgotten_key_is_not_sent_again(tmp_path: Path, asleep_seconds: float, resolution: str) -> None:
    """Fault case 24: while the key is surely remembered the call is sent again under it; after that the vendor is asked first."""
    assert asyncio.run(after(tmp_path, asleep_seconds)) == (resolution, 2 if resolution == "resent" else 1, 0)


def test_a_forgotten_key_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault case 24, control: a hub that believes in its key for ever makes a second record a minute after the day."""
    monkeypatch.setattr("engine.MEMORY_SECONDS", 10 * 365 * 86_400)
    assert asyncio.run(after(tmp_path, 24 * 3600 + 60)) == ("resent", 2, 1)


def test_every_key_has_a_declared_memory() -> None:
    """Fault case 24: a connector that relies on its vendor's key says how long the vendor remembers it, and by which source."""
    relying = {
        f"{vendor}:{operation.name}": operation.memory_seconds
        for vendor in registry.names()
        for operation in registry.manifest(vendor).operations
        if operation.once is Once.KEY
    }
    assert relying
    assert min(relying.values()) >= 60
    assert not [name for name in relying if name.startswith("shipbob:")], "ShipBob knows no idempotency key"


async def brought_along(folder: Path) -> tuple[int, int]:
    """Two workers claim the same delivery at the same moment: calls and duplicates."""
    first = Engine(folder, Once.KEY)
    second = Engine(folder, Once.KEY, clock=first.clock)
    second.systems, second.source, second.release = first.systems, first.source, first.release
    await first.open()
    await second.open()
    first.erp.latency_seconds = 0.5
    await first.post(*(event_of(str(number), 10) for number in range(30)))
    second.dispatcher.wake()
    await first.run(60)
    assert set(first.states().values()) == {"done"}
    calls = len(first.erp.calls)
    await second.close()
    await first.close()
    return calls, first.erp.duplicates


def test_two_workers_share_no_key(tmp_path: Path) -> None:
    """Fault case 24, concurrent: of two workers that look at once one has the claim; no key is on the wire twice."""
    assert asyncio.run(brought_along(tmp_path)) == (30, 0)


def answer(status: int, code: str = "") -> Answer:
    body = json.dumps({"errors": [{"message": "no", "extensions": {"code": code}}]}) if code else '{"title": "no"}'
    return Answer(status, {"content-type": "application/json"}, body.encode())


@pytest.mark.parametrize(
    ("said", "kind", "reason"),
    [
        (answer(200, "IDEMPOTENCY_CONCURRENT_REQUEST"), Retry, ""),
        (answer(200, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"), Refused, "conflict"),
        (answer(200, "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"), Uncertain, ""),
        (answer(422), Refused, "validation"),
        (answer(409), Refused, "conflict"),
    ],
)
def test_what_a_vendor_says_of_a_key_takes_its_own_branch(said: Answer, kind: type[Outcome], reason: str) -> None:
    """Fault case 24: Shopify's three codes (shopify.dev implementing-idempotency), and 422 and 409 of the IETF draft
    Idempotency-Key: under way is waited for, another payload is ours to mend, a failed first attempt is looked up."""
    shopify = said.status == 200
    table = registry.manifest("shopify").error_table if shopify else ErrorTable()
    outcome = classify(said, table, lambda _answer: None)
    assert isinstance(outcome, kind)
    assert getattr(outcome, "reason", "") == reason
    if shopify:
        assert outcome.code.startswith("IDEMPOTENCY_")
