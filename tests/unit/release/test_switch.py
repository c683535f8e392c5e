"""Which release runs: the choice at a start, the line in the audit, the way back, the gate before it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest
from two_folders import folder

from interlock.hub import Hub
from interlock.messaging.history import Switch, newer_than, previous_of, wrote_words
from interlock.messaging.sqlite.history import SqliteHistory
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.operations.changes import way_back
from interlock.release.difference import differences
from interlock.release.gate import admitted
from interlock.release.switch import ReleaseError, Switched, chosen, named, switch
from interlock.release.windows import unannounced, window_words, with_windows
from interlock.strategy import Snapshot, StrategyErrors
from interlock.strategy.changes import ChangeFile, ReviewWindow

FLOW = ("flows/order-to-wms.toml", 'destinations = ["shipbob"]', 'destinations = ["klaviyo"]')
FIRST, SECOND = folder(), folder({"mappings/netsuite.toml": '[order.out.salesOrder]\nmessage = "note"\n'})
THIRD = folder(change=FLOW)
MANUAL = folder(change=("strategy.toml", "[engine]", '[engine]\napply = "manual"'))


class Store:
    """A ledger, and its history beside it."""

    def __init__(self, data: Path) -> None:
        self.path = data / "ledger.db"
        self.work(lambda _ledger: asyncio.sleep(0))
        self.history = SqliteHistory(self.path)
        self.now_ms = 0

    def work(self, story: Callable[[SqliteLedger], Awaitable[object]]) -> None:
        async def with_ledger() -> None:
            ledger = SqliteLedger(self.path, 0)
            try:
                await story(ledger)
            finally:
                await ledger.close()

        asyncio.run(with_ledger())

    def switch(self, snapshot: Snapshot, by: str = "cli:ann", why: str = "asked", action: str = "apply") -> None:
        self.now_ms += 1_000
        self.work(lambda ledger: switch(ledger, snapshot, Switched(by=by, why=why, action=action), self.now_ms, ()))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.history.close()


def test_a_switch_is_audited_with_who_when_why_and_what(store: Store) -> None:
    """In the transaction that makes it: a release that runs and of which nobody knows why cannot be."""
    store.switch(FIRST, by="hub", why="the folder as it was at the start")
    store.switch(SECOND, why="for the accountants")
    last, first = store.history.switches()
    assert first.summary == f"the first release: {len(FIRST.files)} files"
    assert last == Switch(
        release=SECOND.id, action="apply", at_ms=2_000, who="cli:ann", why="for the accountants", before=FIRST.id,
        summary="+ mapping netsuite, order to salesOrder: message <- note",
    )  # fmt: skip
    assert store.history.active() == SECOND.id
    assert [(row.id, row.active) for row in store.history.releases()] == [(SECOND.id, True), (FIRST.id, False)]


def test_what_runs_already_is_no_switch(store: Store) -> None:
    """A restart is not a change."""
    store.switch(FIRST)
    store.switch(FIRST, by="hub")
    assert len(store.history.switches()) == 1


def test_switches_outlive_the_rest_of_the_audit(store: Store) -> None:
    """The audit is kept for some days; which release ran before is the way back, and is kept."""
    store.switch(FIRST)
    store.work(lambda ledger: ledger.audit("ann", "reveal", "order/1", now_ms=2_000))
    store.switch(SECOND)
    store.work(lambda ledger: ledger.trim_audit(10**9, 100))
    assert [one.release for one in store.history.switches()] == [SECOND.id, FIRST.id]


def test_a_start_takes_the_folder_and_says_so_when_it_has_changed(store: Store) -> None:
    """The simple case: edit, restart, it runs; nobody is surprised by it."""
    assert chosen(FIRST, store.history).snapshot is FIRST
    store.switch(FIRST)
    assert chosen(FIRST, store.history).said == ""
    choice = chosen(SECOND, store.history)
    assert choice.snapshot is SECOND
    assert f"interlock rollback {FIRST.short}" in choice.said


def test_a_start_does_not_undo_a_roll_back(store: Store) -> None:
    """The folder still has what was rolled back from. An edited one is a new wish, and runs: that is the control."""
    store.switch(FIRST)
    store.switch(SECOND)
    store.switch(FIRST, action="rollback")
    assert chosen(SECOND, store.history).snapshot.id == FIRST.id
    assert chosen(THIRD, store.history).snapshot is THIRD


def test_by_hand_means_by_hand(store: Store) -> None:
    """What runs decides, not the folder that wants to: else a folder could let itself in."""
    store.switch(MANUAL)
    assert chosen(SECOND, store.history).snapshot.id == MANUAL.id
    store.switch(FIRST)
    assert chosen(MANUAL, store.history).snapshot is MANUAL, "the control: nothing says by hand yet"


def test_a_release_is_named_by_the_beginning_of_its_id(store: Store) -> None:
    """As people copy it from a list. None, and several, are told apart."""
    store.switch(FIRST)
    store.switch(SECOND)
    assert named(store.history, SECOND.short) == SECOND.id
    with pytest.raises(ReleaseError, match="PLN002"):
        named(store.history, "nowhere")
    store.work(lambda ledger: ledger.save_release(FIRST.id[:1] + "x", b"", 9_000))
    with pytest.raises(ReleaseError, match="PLN003"):
        named(store.history, FIRST.id[:1])


def test_the_way_back_is_the_one_before(store: Store) -> None:
    """Rolling back twice goes back twice, and what ran since is what is left behind."""
    store.switch(FIRST)
    with pytest.raises(ReleaseError, match="PLN007"):
        way_back(store.history)
    store.switch(SECOND)
    store.switch(THIRD)
    assert way_back(store.history).target.id == SECOND.id
    assert way_back(store.history, FIRST.short).left == (THIRD.id, SECOND.id)
    store.switch(SECOND, action="rollback")
    assert way_back(store.history).target.id == FIRST.id


def test_what_is_left_behind_begins_when_the_other_ended() -> None:
    """A release that ran before and after is left for its second time only."""
    steps = [("a", "apply", ""), ("b", "apply", "a"), ("a", "rollback", "b")]
    switches = [
        Switch(release=release, action=action, at_ms=at_ms, who="ann", why="", before=before)
        for at_ms, (release, action, before) in enumerate(steps, start=1)
    ][::-1]
    assert newer_than(switches, "b", "a").releases == ("a",)
    assert newer_than(switches, "b", "a").since_ms == 3
    assert newer_than(switches, "unknown", "a").since_ms == 0
    assert previous_of(switches, "b") == "a"


def test_a_folder_that_changed_since_its_plan_is_refused(tmp_path: Path) -> None:
    """What a person confirmed is what runs, and nothing else. A folder with mistakes never does."""
    write(tmp_path, SECOND)
    assert admitted(tmp_path, SECOND.id, FIRST).id == SECOND.id
    with pytest.raises(ReleaseError, match="PLN001"):
        admitted(tmp_path, FIRST.id, FIRST)
    (tmp_path / "flows" / "order-to-erp.toml").write_text("nonsense")
    with pytest.raises(StrategyErrors):
        admitted(tmp_path, "", FIRST)


def test_what_breaks_others_needs_its_change_file(tmp_path: Path) -> None:
    """A destination that goes is announced, or somebody says that nobody is left to tell."""
    write(tmp_path, THIRD)
    with pytest.raises(ReleaseError, match="PLN005") as refused:
        admitted(tmp_path, "", FIRST)
    assert 'flow = "order-to-wms"' in refused.value.next_move
    assert admitted(tmp_path, "", FIRST, unannounced_too=True).id == THIRD.id
    announced = folder({"changes/0001.toml": 'flow = "order-to-wms"\nsunset_on = 2027-03-01\n'}, change=FLOW)
    changes = with_windows(differences(FIRST, announced), announced)
    assert unannounced(changes) == []
    assert {change.window for change in changes if change.kind == "flow"} == {"changes/0001.toml, sunset 2027-03-01"}


REMOVAL = """
title = "Parcels are sent by hand"
kind = "breaking"
owner = "warehouse"
flow = "order-to-wms"
consumers = ["order-to-wms", "shipbob"]
"""


def test_a_flow_that_is_removed_can_be_announced(tmp_path: Path) -> None:
    """What `apply` asks for, the folder may say: its file names a flow that is there no more. The control: a compatible
    change removes nothing, so what it names has to be there.
    """
    without = {"flows/order-to-wms.toml": "", "changes/0002.toml": REMOVAL}
    quiet = {"watched": ("slos.toml", '"order-to-erp", "order-to-wms"', '"order-to-erp"')}
    quiet["met"] = quiet["watched"]
    announced = folder(without, **quiet)
    write(tmp_path, announced)
    assert admitted(tmp_path, "", FIRST).id == announced.id
    write(tmp_path, folder(without | {"changes/0002.toml": REMOVAL.replace("breaking", "compatible")}, **quiet))
    with pytest.raises(StrategyErrors, match="STR126"):
        admitted(tmp_path, "", FIRST)


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (date(2026, 11, 1), "changes/0007.toml, review from 2026-11-23"),
        (date(2026, 11, 25), "changes/0007.toml, in review to 2026-12-01"),
        (date(2027, 1, 1), "changes/0007.toml, reviewed by 2026-12-01"),
    ],
)
def test_the_window_that_applies(today: date, words: str) -> None:
    """Whether those affected may still object is the first thing to know of an announced change."""
    file = ChangeFile(
        title="x", kind="breaking", owner="growth", review=ReviewWindow(date(2026, 11, 23), date(2026, 12, 1))
    )
    assert window_words("changes/0007.toml", file, today) == words


def test_what_a_release_wrote_is_found_without_an_index(store: Store) -> None:
    """Attempts rise with time: the first of a release is found by halving, and what came before is not looked at."""
    store.switch(FIRST)
    store.now_ms = 39_500
    store.switch(SECOND)
    store.work(lambda ledger: attempts(ledger, FIRST.id, range(1, 41), "order"))
    store.work(lambda ledger: attempts(ledger, SECOND.id, range(41, 61), "order"))
    store.work(lambda ledger: attempts(ledger, SECOND.id, range(61, 64), "", verdict="uncertain"))
    rows = store.history.wrote([SECOND.id])
    assert len(rows) == 23
    assert (rows[-1].key, rows[-1].external_id, rows[-1].destination) == ("k41", "x41", "erp")
    counts = store.history.wrote_counts([SECOND.id])
    assert counts == {"erp": {"order": 20, "order, uncertain": 3}}
    assert wrote_words(counts["erp"]) == "20 orders, 3 orders uncertain"
    assert len(store.history.wrote([SECOND.id], since_ms=60_000)) == 4
    assert store.history.wrote([FIRST.id], limit=1)[0].key == "k40"
    assert len(store.history.wrote([FIRST.id])) == 40, "the control: what it wrote is there"


async def attempts(ledger: SqliteLedger, release: str, numbers: range, object_name: str, verdict: str = "done") -> None:
    """A delivery and one call each, begun at its number of seconds."""

    def work(connection: object) -> None:
        for n in numbers:
            connection.execute(  # type: ignore[attr-defined]
                "INSERT INTO delivery (id, flow, system, destination, object, key, name, signal, state, head, opened, priority, due_ms,"
                " release, wanted_event, wanted_version, reread, received_ms, created_ms, updated_ms)"
                " VALUES (?, 'f', 'shop', 'erp', 'order', ?, '', '', 'done', 0, 1, 0, 0, ?, 1, 1, 0, 0, 0, 0)",
                (n, f"k{n}", release),
            )
            connection.execute(  # type: ignore[attr-defined]
                "INSERT INTO attempt (id, delivery, token, number, operation, action, once, reference, object, key, quiet_ms, memory_ms,"
                " idempotency_key, content_hash, version, event, release, begun_ms, latest_send_ms, verdict, external_id)"
                " VALUES (?, ?, 1, 1, 'order.create', 'write', 'upsert', '', ?, ?, 0, 0, '', '', 1, 1, ?, ?, 0, ?, ?)",
                (n, n, object_name, f"k{n}" if object_name else "", release, n * 1_000, verdict, f"x{n}"),
            )

    await ledger.group.run(work)


def write(folder_: Path, snapshot: Snapshot) -> None:
    for path, content in snapshot.files.items():
        (folder_ / path).parent.mkdir(parents=True, exist_ok=True)
        (folder_ / path).write_bytes(content)


def test_a_release_of_another_interlock_can_be_left(store: Store) -> None:
    """What cannot be read any more must not keep anybody from going on."""
    broken = Snapshot({"functions.py": b"def ("}, "broken")
    store.work(lambda ledger: ledger.save_release("broken", msgspec.msgpack.encode(broken.files), 1))
    store.switch(FIRST)
    assert store.history.switches()[0].summary.startswith("cannot be compared with the release before")
    assert json.dumps(store.history.switches()[0].before) == '"broken"'


def test_an_applied_release_that_this_interlock_refuses_says_what_to_do(tmp_path: Path) -> None:
    """After an upgrade with a new check, by hand still means by hand: the way out is named, and the folder is not let in."""
    acme = tmp_path / "acme"
    write(acme, FIRST)
    (acme / "data").mkdir()
    refused = folder(
        {"flows/order-to-erp.toml": "nonsense = 1\n"},
        change=("strategy.toml", "[engine]", '[engine]\napply = "manual"'),
    )
    made = Store(acme / "data")
    made.switch(refused)
    made.history.close()

    async def opened() -> None:
        await Hub(acme).open()

    with pytest.raises(ReleaseError, match="PLN008") as error:
        asyncio.run(opened())
    assert "interlock apply" in error.value.next_move
