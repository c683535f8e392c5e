"""The framework under every twin: ledger, world, faults and control API, over real HTTP."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from interlock.twins.__main__ import VENDORS
from interlock.twins.control import BREAKS
from interlock.twins.faults import KINDS, FaultPlan
from interlock.twins.ledger import Ledger
from interlock.twins.limits import FixedWindow, SlidingWindow
from interlock.twins.world import World

BROKEN = (ConnectionError, http.client.HTTPException)


def test_ready_line_and_clean_end(start_twin: Any) -> None:
    """A parent must learn the URL from one line, and SIGTERM must end the twin with status 0."""
    twin = start_twin("sink")
    state = twin.send("GET", "/_twin/state").json
    assert state["url"] == twin.url
    assert state["seed"] == 7
    assert twin.stop() == 0


def test_starts_fast(tmp_path: Path) -> None:
    """Tests start many twins, so only what a twin needs may be imported at start-up."""
    loaded = "import sys, interlock.twins.netsuite, interlock.twins.server; print('\\n'.join(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert not {"aiohttp", "cryptography", "joserfc", "jinja2", "graphql"} & set(modules)
    hub = [name for name in modules if name.startswith("interlock.") and not name.startswith("interlock.twins")]
    assert hub == []


def test_ends_with_its_parent(tmp_path: Path) -> None:
    """A twin whose test run was killed must not stay behind."""
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    arguments = [
        sys.executable,
        "-m",
        "interlock.twins",
        "sink",
        "--data",
        str(tmp_path),
        "--parent-pid",
        str(parent.pid),
    ]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as twin:
        assert twin.stdout is not None
        twin.stdout.readline()
        parent.communicate(b"\n")
        assert twin.wait(60) == 0


def test_effects_by_sequence_and_kind(start_twin: Any) -> None:
    """A checker reads on from where it stopped, and may ask for one kind."""
    twin = start_twin("sink")
    for path in ("/a", "/b", "/c"):
        assert twin.send("PUT", path, {}).status == 204
    twin.send("POST", "/d", {})
    assert [effect["key"] for effect in twin.send("GET", "/_twin/effects?after=1").json] == ["/b", "/c", "/d"]
    assert [effect["key"] for effect in twin.effects("object.post")] == ["/d"]
    lines = twin.send("GET", "/_twin/effects?after=3&format=jsonl").text.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [4]
    assert twin.summary() == {
        "total": 4,
        "keys": 4,
        "by_kind": {"object.post": 1, "object.put": 3},
        "duplicates": [],
    }


@pytest.mark.parametrize("kill", [False, True])
def test_ledger_and_state_survive_restart(start_twin: Any, kill: bool) -> None:
    """What was applied stays applied when the twin ends or is killed: safety tests take the ledger as the truth."""
    headers = {"authorization": "Bearer twin-token", "shipbob_channel_id": "100"}
    twin = start_twin("shipbob", headers=headers)
    order = {
        "reference_id": "R1",
        "shipping_method": "Standard",
        "type": "DTC",
        "recipient": {"name": "Ann", "address": {"address1": "1 Way", "city": "X", "country": "US"}},
        "products": [{"reference_id": "SKU", "quantity": 1}],
    }
    first = twin.send("POST", "/2026-01/order", order).json
    before = twin.effects()
    twin.stop(kill=kill)
    twin.start()
    assert twin.effects() == before
    assert twin.send("GET", "/2026-01/order?ReferenceIds=R1").json == [first]
    assert twin.send("POST", "/2026-01/order", order).status == 422
    second = twin.send("POST", "/2026-01/order", order | {"reference_id": "R2"}).json
    assert second["id"] != first["id"]
    assert [effect["seq"] for effect in twin.effects()] == [1, 2]


def test_torn_lines_are_cut_and_a_lost_effect_is_restored(tmp_path: Path) -> None:
    """A kill between the journal's write and the ledger's must lose neither, nor leave half a line."""
    world = World(tmp_path, 7)
    world.apply("order.create", "A", ("order", "1", {"n": 1}))
    world.apply("order.create", "B", ("order", "2", {"n": 2}))
    world.close()
    effects = tmp_path / "effects.jsonl"
    first, _, _ = effects.read_bytes().partition(b"\n")
    effects.write_bytes(first + b"\n" + b'{"seq":2,"at"')
    with (tmp_path / "state.jsonl").open("ab") as journal:
        journal.write(b'{"changes":[["order","3"')
    again = World(tmp_path, 7)
    assert [effect.key for effect in again.ledger.read()] == ["A", "B"]
    assert dict(again.rows("order")) == {"1": {"n": 1}, "2": {"n": 2}}
    again.close()


def test_ids_come_from_the_seed(tmp_path: Path) -> None:
    """The same seed gives the same ids, so a failing run can be replayed."""
    worlds = [World(tmp_path / name, seed) for name, seed in (("a", 7), ("b", 7), ("c", 8))]
    first, second, third = ([world.next_id("order") for _ in range(3)] for world in worlds)
    assert first == second != third
    for world in worlds:
        world.close()


def test_ids_are_never_given_out_twice(tmp_path: Path) -> None:
    """After a restart numbering goes on, also for ids that live inside another record, as a shipment's does."""
    world = World(tmp_path, 7)
    given = [world.next_id(kind) for kind in ("order", "shipment")]
    world.apply("order.create", "A", ("order", given[0], {"shipment": given[1]}))
    world.apply("order.delete", "A", ("order", given[0], None))
    world.close()
    again = World(tmp_path, 7)
    assert [int(again.next_id(kind)) for kind in ("order", "shipment")] == [int(number) + 1 for number in given]
    again.close()


def test_duplicates_are_counted_by_business_key(tmp_path: Path) -> None:
    """The summary is what shows a double order: two creates of a key, or a once-only effect applied twice."""
    ledger = Ledger(tmp_path / "effects.jsonl", lambda: "now")
    for kind, key, digest, once in (
        ("order.create", "A", "", False),
        ("order.create", "A", "", False),
        ("order.update", "A", "h", False),
        ("order.update", "A", "h", False),
        ("refund.apply", "A", "h", True),
        ("refund.apply", "A", "h", True),
        ("refund.apply", "A", "other", True),
        ("order.create", "B", "", False),
        ("order.delete", "B", "", False),
        ("order.create", "B", "", False),
    ):
        ledger.append(ledger.new(kind, key, digest=digest, once=once))
    found = {(duplicate.key, duplicate.kind, duplicate.count) for duplicate in ledger.duplicates()}
    assert found == {("A", "order.create", 2), ("A", "refund.apply", 2)}
    ledger.close()


def test_ledger_is_fast(tmp_path: Path) -> None:
    """Load runs must measure the hub: the ledger takes well over 5,000 effects a second even on a busy machine."""
    ledger = Ledger(tmp_path / "effects.jsonl")
    begin = time.process_time()
    for number in range(5_000):
        ledger.append(ledger.new("object.put", str(number)))
    assert time.process_time() - begin < 1
    ledger.close()


def test_status_fault_with_retry_after_and_count(start_twin: Any) -> None:
    """A vendor that throttles once and then recovers."""
    twin = start_twin("sink")
    twin.add_fault(kind="status", status=429, retry_after_seconds=2, count=1, match={"method": "PUT"})
    assert twin.send("POST", "/a").status == 204
    throttled = twin.send("PUT", "/a")
    assert (throttled.status, throttled.headers["retry-after"]) == (429, "2")
    assert twin.send("PUT", "/a").status == 204
    assert twin.summary()["total"] == 2


def test_status_fault_with_its_own_body_and_headers(start_twin: Any) -> None:
    """Any 4xx can be given, with the body a test wants."""
    twin = start_twin("sink")
    twin.add_fault(kind="status", status=418, body={"why": "tea"}, headers={"X-Why": "tea"})
    answer = twin.send("PUT", "/a")
    assert (answer.status, answer.json, answer.headers["x-why"]) == (418, {"why": "tea"}, "tea")


@pytest.mark.parametrize(("kind", "applied"), [("reset_before", 0), ("reset_after", 1)])
def test_resets_abort_the_connection(start_twin: Any, kind: str, applied: int) -> None:
    """The two resets look the same to a client and differ in what happened: the heart of "uncertain"."""
    twin = start_twin("sink")
    twin.add_fault(kind=kind, count=1)
    with pytest.raises(BROKEN):
        twin.send("PUT", "/a", {"n": 1})
    assert twin.summary()["total"] == applied
    assert twin.send("PUT", "/a").status == 204


def test_abort_is_a_tcp_reset(start_twin: Any) -> None:
    """A real abort: the client's socket reports a reset and not an orderly end."""
    twin = start_twin("sink")
    twin.add_fault(kind="reset_after")
    host, _, port = twin.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(b"PUT /a HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        with pytest.raises(ConnectionResetError):
            raw.recv(1)


def test_hang_never_answers(start_twin: Any) -> None:
    """A client must have a timeout of its own; and a hanging request must not stop the twin from ending."""
    twin = start_twin("sink")
    twin.add_fault(kind="hang")
    with pytest.raises(TimeoutError):
        twin.send("PUT", "/a", timeout=0.3)
    assert twin.summary()["total"] == 0
    assert twin.stop() == 0


def test_late_effect_is_applied_after_the_answer(start_twin: Any) -> None:
    """The vendor said 504 and did it all the same, later: looking once, at once, does not prove absence."""
    twin = start_twin("sink")
    twin.add_fault(kind="late_effect", delay_seconds=1.5, count=1)
    assert twin.send("PUT", "/a").status == 504
    assert twin.summary()["total"] == 0
    assert twin.send("GET", "/_twin/state").json["late_effects_to_come"] == 1
    deadline = time.monotonic() + 60
    while twin.summary()["total"] == 0:
        assert time.monotonic() < deadline
    assert [effect["key"] for effect in twin.effects()] == ["/a"]


def test_slow_slow_body_garbage_and_drop(start_twin: Any) -> None:
    """The gentler faults: late answers, answers in drips, HTML where JSON was promised, an accepted write lost."""
    twin = start_twin("klaviyo", headers={"authorization": "Klaviyo-API-Key pk_twin", "revision": "2026-07-15"})
    for kind in ("slow", "slow_body"):
        twin.add_fault(kind=kind, delay_seconds=0.3, count=1)
        begin = time.monotonic()
        assert twin.send("GET", "/api/profiles").json["data"] == []
        assert time.monotonic() - begin >= 0.3
    twin.add_fault(kind="garbage", count=1)
    garbage = twin.send("GET", "/api/profiles")
    assert (garbage.status, garbage.headers["content-type"]) == (200, "text/html; charset=utf-8")
    twin.add_fault(kind="drop", count=1)
    profile = {"data": {"type": "profile", "attributes": {"email": "a@b.co"}}}
    assert twin.send("POST", "/api/profile-import", profile).status == 202
    assert twin.summary()["total"] == 0


def test_break_and_repair(start_twin: Any) -> None:
    """The short forms a person types in a demonstration."""
    twin = start_twin("sink")
    assert twin.send("POST", "/_twin/break", {"kind": "503"}).status == 201
    assert twin.send("PUT", "/a").status == 503
    assert twin.send("POST", "/_twin/repair").json == {"removed": 1}
    assert twin.send("PUT", "/a").status == 204


def test_faults_can_be_listed_and_removed(start_twin: Any) -> None:
    """A rule says how often it struck, and one rule can go while others stay."""
    twin = start_twin("sink")
    rule, other = twin.add_fault(kind="status", status=500), twin.add_fault(kind="hang")
    twin.send("PUT", "/a")
    assert [row["hits"] for row in twin.send("GET", "/_twin/faults").json] == [1, 0]
    twin.send("DELETE", f"/_twin/faults/{rule['id']}")
    assert [row["id"] for row in twin.send("GET", "/_twin/faults").json] == [other["id"]]


@pytest.mark.parametrize("rule", [{"kind": "nonsense"}, {"kind": "status", "share": 2}, {"kind": "hang", "typo": 1}])
def test_wrong_rules_are_refused(start_twin: Any, rule: dict[str, Any]) -> None:
    """A misspelt rule must not pass as one that never strikes."""
    assert start_twin("sink").send("POST", "/_twin/faults", rule).status == 400


def test_share_is_seeded_and_rules_expire() -> None:
    """The same seed strikes the same requests; and for_seconds ends a rule without anybody's help."""
    clock = [0.0]
    runs = []
    for _ in range(2):
        plan = FaultPlan(random.Random("faults:7"), lambda: clock[0])
        plan.add({"kind": "hang", "share": 0.5})
        runs.append([plan.pick("PUT", "/a") is not None for _ in range(200)])
    assert runs[0] == runs[1]
    assert 60 < sum(runs[0]) < 140
    plan.remove()
    plan.add({"kind": "hang", "for_seconds": 5})
    assert plan.pick("PUT", "/a") is not None
    clock[0] = 5.0
    assert plan.pick("PUT", "/a") is None


def test_webhook_rules_are_kept_apart_from_requests() -> None:
    """A rule about webhooks must not strike a request, nor the reverse."""
    plan = FaultPlan(random.Random(7))
    plan.add({"kind": "webhook_drop", "match": {"topic": "orders/create"}})
    plan.add({"kind": "hang", "after": 1})
    assert plan.pick("POST", "/a") is None
    assert plan.pick("POST", "/a") is not None
    assert plan.pick_webhook("orders/updated") is None
    assert plan.pick_webhook("orders/create") is not None


def test_the_reference_names_every_fault_and_short_form() -> None:
    """Documentation cannot drift: what can be asked of a twin is found in its reference."""
    text = (Path(__file__).parents[3] / "docs" / "reference" / "twins.md").read_text()
    wanted = [*KINDS, *BREAKS, *(name for name in VENDORS)]
    assert [name for name in wanted if f"`{name}`" not in text] == []


def test_windows_count_and_tell_the_wait() -> None:
    """Both kinds of limit say how long a polite client waits."""
    clock = [100.0]
    sliding, fixed = SlidingWindow(2, 60, lambda: clock[0]), FixedWindow(2, 60, lambda: clock[0])
    assert [window.take().allowed for window in (sliding, fixed)] == [True, True]
    clock[0] += 30
    assert [window.take().allowed for window in (sliding, fixed)] == [True, True]
    assert [window.take() for window in (sliding, fixed)] == [(False, 0, 30), (False, 0, 30)]
    clock[0] += 30
    assert [window.take().remaining for window in (sliding, fixed)] == [0, 1]


def test_signal_int_also_ends(start_twin: Any) -> None:
    """Ctrl-C in a terminal ends a twin without a traceback."""
    twin = start_twin("sink")
    os.kill(twin.process.pid, signal.SIGINT)
    assert twin.process.wait(60) == 0
    twin.process.stdout.close()
