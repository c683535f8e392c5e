"""Files of stock levels at the door: all of one or nothing of it, once, in little memory, and what is wrong in it is named."""

import asyncio
import tracemalloc
from collections.abc import Callable, Coroutine
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from door import Entrance
from dropping import KEY, NOW, SECRET, csv_of, drop_door, levels_in, parts_in, sealed, send

from interlock.connectors.standard_webhooks import Seal
from interlock.errors import StoreError
from interlock.intake import drop
from interlock.intake.bounds import Bodies
from interlock.messaging.event import Event
from interlock.messaging.inbox import Appended

SAMPLES = files("interlock.connectors.drop") / "fixtures"
LATER = 400 * 86_400
"""The door's clock begins before the times in the samples."""
Story = Callable[[Entrance], Coroutine[Any, Any, None]]


def at_the_door(folder: Path, story: Story, **door: Any) -> None:
    async def tell() -> None:
        async with Entrance(folder, drop_door(**door)) as entrance:
            await story(entrance)
            assert list((folder / "spool").glob("*")) == [], "nothing of a file stays on the disk beside the inbox"

    asyncio.run(tell())


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def test_the_published_vector_of_standard_webhooks() -> None:
    """The signature is the one that every library of Standard Webhooks makes (its own test's secret, id, time and body)."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }  # fmt: skip
    for secret, fits in ((b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", True), (b"whsec_????", False), (b"", False)):
        seal = Seal(headers, (secret,))
        for part in (b'{"test": ', b"2432232314}"):
            seal.update(part)
        assert seal.fits() is fits


def test_a_snapshot_in_csv(tmp_path: Path) -> None:
    """Rows become levels; the two that cannot be read are named by line, in the answer and in the event, and the rest goes
    on (fault case 26); what is empty is unknown and zero is zero (C66)."""

    async def story(entrance: Entrance) -> None:
        entrance.clock._elapsed = LATER
        answer = await send(entrance, sample("levels.snapshot.csv"), at=NOW + LATER)
        assert (answer.status, answer.problem["rows"], answer.problem["wrong_rows"]) == (200, 3, 2)
        assert [one["line"] for one in answer.problem["wrong"]] == [5, 6]
        (part,) = parts_in(entrance)
        assert part["wrong"] == answer.problem["wrong"]
        assert part["file"] | {"sha256": ""} == {
            "id": "file-1", "kind": "snapshot", "sha256": "", "rows": 3, "wrong": 2, "chunk": 1, "chunks": 1,
            "as_of": "2026-11-23T20:00:00+00:00",
        }  # fmt: skip
        row = "SELECT topic, object, key, facts, event_id, triggered_at_ms, flags FROM event"
        assert entrance.rows(row) == [
            ("levels/snapshot", "inventory_level", "file-1/last", "levels/snapshot#file-1/last", "file-1", (NOW + LATER) * 1000, ""),
        ]  # fmt: skip
        assert [(one.sku, one.location, dict(one.quantities), one.unit) for one in levels_in(entrance)] == [
            ("TSHIRT-M", "MAIN", {"available": Decimal(12), "on_hand": Decimal(14)}, "each"),
            ("TSHIRT-L", "MAIN", {"available": Decimal(3), "on_hand": Decimal(3)}, "case"),
            ("MUG", "EAST", {"available": Decimal(0), "on_hand": Decimal(0)}, "each"),
        ]

    at_the_door(tmp_path, story)


@pytest.mark.parametrize(
    ("name", "media"), [("changes.ndjson", "application/x-ndjson"), ("changes.json", "application/json")]
)
def test_changes_in_json(tmp_path: Path, name: str, media: str) -> None:
    """The same rows in NDJSON and JSON: ids above 2^53 and fractions keep every digit, times become UTC."""

    async def story(entrance: Entrance) -> None:
        entrance.clock._elapsed = LATER
        body = sample(f"levels.{name}")
        answer = await send(
            entrance, body, at=NOW + LATER, media=f"{media}; charset=utf-8", parts=[body[:50], body[50:]]
        )
        assert (answer.status, answer.problem["rows"]) == (200, 2)
        first, second = levels_in(entrance)
        assert (first.sku, first.quantities, first.as_of_us) == (
            "TSHIRT-M",
            {"available": Decimal(11)},
            1_795_464_067_000_000,
        )
        if name.endswith("ndjson"):
            assert (second.item, second.quantities) == ("9007199254740993", {"on_hand": Decimal("2.50")})

    at_the_door(tmp_path, story)


def test_the_same_id_again_adds_nothing(tmp_path: Path) -> None:
    """Fault case 8: a repetition, signed anew, is known by the file's id; so is another content under it. A new id is new."""

    async def story(entrance: Entrance) -> None:
        body = csv_of(450)
        assert (await send(entrance, body)).problem["chunks"] == 3
        for again in (body, csv_of(3)):
            answer = await send(entrance, again, at=NOW + 5)
            assert (answer.status, answer.problem["again"], entrance.stored) == (200, True, 3)
        assert (entrance.intake.accepted, entrance.intake.duplicates) == (1, 2)
        await send(entrance, body, "file-2")
        assert entrance.stored == 6

    at_the_door(tmp_path, story)


def test_a_file_that_was_taken_in_half_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that fails (or a kill) in the middle: 503, the same file again adds what is missing, and every row is there
    once. Control: under another id it would be there twice."""
    monkeypatch.setattr(drop, "ROWS_PER_PART", 10)

    async def story(entrance: Entrance) -> None:
        append, left = entrance.inbox.append, 23

        async def failing(event: Event) -> Appended:
            nonlocal left
            left -= 1
            if left < 0:
                raise StoreError("the disk is full", code="STO002")
            return await append(event)

        monkeypatch.setattr(entrance.inbox, "append", failing)
        body = csv_of(500, "snapshot")
        assert (await send(entrance, body)).status == 503
        assert 0 < entrance.stored < 50
        left = 10_000
        assert (await send(entrance, body, at=NOW + 30)).problem["rows"] == 500
        assert entrance.stored == 50
        assert sorted(int(level.sku[1:]) for level in levels_in(entrance)) == list(range(500))
        assert [part["file"]["chunk"] for part in parts_in(entrance)][-1] == 50
        await send(entrance, body, "another")
        assert entrance.stored == 100

    at_the_door(tmp_path, story)


@pytest.mark.parametrize(
    ("status", "code", "how"),
    [
        (401, "INT004", {"key": b"wrong"}),
        (401, "INT004", {"webhook_signature": "v2,abc v1,"}),
        (401, "INT004", {"webhook_id": "file-2"}),
        (401, "INT018", {"at": NOW - 301}),
        (401, "INT018", {"at": NOW + 301}),
        (401, "INT018", {"webhook_timestamp": "soon"}),
        (400, "INT017", {"id_": "a.1"}),
        (400, "INT017", {"id_": "x" * 101}),
        (415, "INT019", {"media": "application/xml"}),
        (415, "INT019", {"media": "text/csv; charset=latin-1"}),
        (415, "INT008", {"content_encoding": "gzip"}),
    ],
)
def test_a_file_that_is_not_taken(tmp_path: Path, status: int, code: str, how: dict[str, Any]) -> None:
    """Forged, replayed later, without an id, or of another kind: nothing of it is kept."""

    async def story(entrance: Entrance) -> None:
        answer = await send(entrance, csv_of(3), **how)
        assert (answer.status, answer.problem["code"], entrance.stored) == (status, code, 0)
        assert entrance.intake.refused == {code: 1}

    at_the_door(tmp_path, story)


def test_one_changed_byte_and_both_secrets_of_a_rotation(tmp_path: Path) -> None:
    """The signature is over every raw byte; while a secret is replaced both open (fault case 10)."""

    async def story(entrance: Entrance) -> None:
        body = csv_of(3)
        forged = await entrance.knock(b"", sealed(body), system="wms", parts=[body[:-2], b"0\n"])
        assert (forged.status, entrance.stored) == (401, 0)
        assert (await send(entrance, body, key=b"the old one")).status == 200
        assert (await send(entrance, body, "file-2", key=KEY)).status == 200

    at_the_door(tmp_path, story, secrets=(SECRET, b"the old one"))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (csv_of(5, "snapshot").replace(b"count=5", b"count=6"), "it says that it has 6 rows, and has 5"),
        (csv_of(5, "snapshot").replace(b"count=5", b""), "a snapshot must say how many rows it has"),
        (csv_of(0, "snapshot"), "a snapshot without a row is none"),
        (
            b"sku,location,available\nA,MAIN,many\n",
            "none of its 1 rows can be read; the first is line 2: available is no number",
        ),
        (b"# kind=all\nsku,location,available\nA,MAIN,1\n", "what the file says of itself cannot be read"),
        (b"# as_of=2026-01-01\nsku,location,available\nA,MAIN,1\n", "as_of has no time zone"),
    ],
    ids=["half", "no count", "empty", "no row", "kind", "time"],
)
def test_a_file_that_says_too_little_is_refused_as_a_whole(tmp_path: Path, body: bytes, why: str) -> None:
    """C66: half a snapshot would make what it does not name look gone; nothing of it is taken, and the sender is told why."""

    async def story(entrance: Entrance) -> None:
        answer = await send(entrance, body)
        assert (answer.status, answer.problem["code"], entrance.stored) == (422, "INT020", 0)
        assert why in answer.problem["title"]

    at_the_door(tmp_path, story)


def test_no_change_is_news_too(tmp_path: Path) -> None:
    """A system that says every minute that nothing changed is not silent."""

    async def story(entrance: Entrance) -> None:
        assert (await send(entrance, b"sku,location,available\n")).problem["chunks"] == 1
        assert parts_in(entrance)[0]["rows"] == []

    at_the_door(tmp_path, story)


def test_a_system_s_own_columns(tmp_path: Path) -> None:
    """A file that cannot be changed is read by the settings of its system."""
    settings = {
        "columns": {"sku": "ItemNo", "available": "Bestand"}, "delimiter": ";", "decimal": ",", "location": "HAM",
        "kind": "snapshot",
    }  # fmt: skip

    async def story(entrance: Entrance) -> None:
        answer = await send(entrance, "# count=2\nItemNo;Bestand;Lager\n4711;1,5;x\n4712;;x\n".encode("utf-8-sig"))
        assert [one["why"] for one in answer.problem["wrong"]] == ["it has no quantity"]
        ((level),) = levels_in(entrance)
        assert (level.sku, level.location, level.quantities) == ("4711", "HAM", {"available": Decimal("1.5")})

    at_the_door(tmp_path, story, settings=settings)


def test_files_that_are_too_large_or_too_many(tmp_path: Path) -> None:
    """What a stranger can make the disk hold is bounded: the size of a file, and how many come at once (one of a system: the
    parts of two snapshots must not be mixed)."""

    async def story(entrance: Entrance) -> None:
        answer = await send(entrance, csv_of(200))
        assert (answer.status, answer.problem["code"]) == (413, "INT007")
        assert "max_file_bytes" in answer.problem["next"]
        gate = asyncio.Event()

        async def slow() -> Any:
            await gate.wait()
            return {"type": "http.disconnect"}

        async def ignore(_: Any) -> None: ...

        headers = [(name.encode(), value.encode()) for name, value in sealed(b"x")]
        scope = {"method": "POST", "path": "/intake/wms", "headers": headers}
        waiting = [asyncio.create_task(entrance.intake(scope, slow, ignore))]
        for _ in range(5):
            await asyncio.sleep(0)
        answer = await send(entrance, csv_of(3))
        assert (answer.status, answer.problem["code"], answer.headers["retry-after"]) == (503, "INT021", "30")
        gate.set()
        await asyncio.gather(*waiting)
        assert (await send(entrance, csv_of(3))).status == 200

    at_the_door(tmp_path, story, max_file_bytes=1_024)


def test_what_a_killed_hub_left_is_removed(tmp_path: Path) -> None:
    """A file that never became events is the sender's to repeat; its half on the disk helps nobody."""
    (tmp_path / "spool" / "left").mkdir(parents=True)
    (tmp_path / "spool" / "left" / "file").write_bytes(b"x")

    async def story(entrance: Entrance) -> None:
        await send(entrance, csv_of(1))

    at_the_door(tmp_path, story)


LARGE_ROWS = 9_000


async def memory_of(work: Callable[[], Coroutine[Any, Any, Any]]) -> int:
    tracemalloc.start()
    try:
        await work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    """27 MB of it in parts of 64 KB and less than 10 MB of memory, inbox included. Control: a body that is read as a whole
    takes more than its size."""
    body = csv_of(LARGE_ROWS, "snapshot", padding=3_000)
    parts = [body[n : n + 65_536] for n in range(0, len(body), 65_536)]

    async def story(entrance: Entrance) -> None:
        headers = sealed(body)

        async def take() -> None:
            assert (await entrance.knock(b"", headers, system="wms", parts=parts)).problem["rows"] == LARGE_ROWS

        assert len(body) > 27_000_000
        assert await memory_of(take) < 10_000_000
        assert entrance.stored == LARGE_ROWS // drop.ROWS_PER_PART
        incoming = list(parts)

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": bytes(bytearray(incoming.pop(0))), "more_body": bool(incoming)}

        async def whole() -> None:
            await Bodies().read(receive, {}, 50_000_000)

        assert await memory_of(whole) > len(body)

    at_the_door(tmp_path, story)
