"""Fault case 28: people ask to have their data, or to be forgotten; the process dies in between; an old backup is put back."""

import asyncio
import json
import logging
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from experiment import Experiment

sys.path.insert(0, str(Path(__file__).parent.parent / "unit" / "messaging"))
from engine import Engine
from people import Person, desk_of, event, in_files, in_tables, live, plant

from interlock.messaging.sqlite.privacy_book import SqlitePrivacyBook
from interlock.messaging.sqlite.privacy_views import privacy_export, read_privacy_requests
from interlock.messaging.traces import Traces
from interlock.operations.redaction_file import REDACTIONS_FILE


async def asked(engine: Engine, person: Person, topic: str = "customers/redact") -> None:
    await engine.post(event("customer", person.id, person.request(topic), facts=(topic,), event_id=topic + person.id))


def requests(engine: Engine) -> list[Any]:
    return list(read_privacy_requests(engine.ledger.group.connection))


def books(engine: Engine) -> list[Any]:
    """What must stay for the books: effects, links, de-duplication keys, versions."""
    effects = engine.rows("SELECT id, delivery, operation, reference, content_hash, version, verdict, external_id FROM attempt ORDER BY id")
    deliveries = engine.rows("SELECT id, key, state, done_version, wanted_version FROM delivery ORDER BY id")
    keys = engine.inbox.group.connection.execute("SELECT position, dedupe_key, version, hex(sha256) FROM event ORDER BY position").fetchall()
    minutes = engine.rows("SELECT * FROM minute ORDER BY 1, 2, 3")
    links = engine.rows("SELECT system, object, key, operation, version, content_hash FROM link ORDER BY 1, 2, 3, 4")
    return [effects, deliveries, keys, minutes, links]


async def planted(folder: Path, people: list[Person], chance: Any) -> Engine:
    folder.mkdir(parents=True, exist_ok=True)
    engine = Engine(folder)
    await engine.open()
    await live(engine, people, chance)
    for person in people:
        plant(engine, person)
    return engine


def left_of(engine: Engine, person: Person) -> list[Any]:
    return [*in_tables(engine.folder, person.planted), *in_files(engine.folder, person.planted)]


def test_redaction_leaves_no_trace_and_an_export_has_all(tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: Any) -> None:
    """Fault case 28, C91: everything planted is in the export; after the redaction nothing is in tables, logs, free space or
    memory; the books balance; others keep theirs. Controls: naive redactions leave hits."""
    experiment = Experiment("28", suite=6, table=60, capsys=capsys)
    people = [Person(number, experiment.chance) for number in range(experiment.size + 2)]
    forgotten, others = people[: experiment.size], people[experiment.size :]

    async def story() -> tuple[int, int]:
        engine = await planted(tmp_path / "good", people, experiment.chance)
        desk = desk_of(engine)
        files = (engine.folder / "inbox.db", engine.folder / "ledger.db")
        exported = 0
        for person in forgotten:
            await asked(engine, person, "customers/data_request")
            await desk.look()
            held = json.loads(privacy_export(*files, requests(engine)[0]))
            said = json.dumps(held, ensure_ascii=False)
            missing = [value for value in person.planted if value not in said]
            assert not missing, f"not in the export: {missing}"
            assert {row["external_id"] for row in held["elsewhere"]} >= {person.email}, "where else to act"
            assert {row["body"]["id"] for row in held["events"] if row["object"] == "order"} == set(person.orders)
            assert held["dead_letters"] or not engine.rows("SELECT 1 FROM dead_letter WHERE key IN (?, ?, ?)", *person.orders)
            exported += len(person.planted)
            assert await desk._book.finish(requests(engine)[0].id, by="ann", why="sent", now_ms=1)
        before = books(engine)
        for person in forgotten:
            await asked(engine, person)
        after_asking = books(engine)
        await desk.look()
        assert [(one.state, one.result.left) for one in requests(engine)] == [("done", {})] * len(forgotten) * 2
        hits = [left for person in forgotten for left in left_of(engine, person)]
        assert hits == []
        for person in forgotten:
            assert not any(person.email.encode() in (kept.body or b"") for kept in engine.inbox._recent.values())
        assert not engine.dispatcher.courier.loader._recent
        unchanged = books(engine)
        assert [rows for rows, was in zip(unchanged[:4], after_asking[:4], strict=True) if rows != was] == []
        assert len(unchanged[4]) == len(before[4]), "links stay"
        assert {value for person in others for _, value in in_tables(engine.folder, person.planted)} == {
            value for person in others for value in person.planted
        }, "others keep theirs"
        again = json.dumps(json.loads(privacy_export(*files, requests(engine)[-1])), ensure_ascii=False)
        assert not [value for person in forgotten for value in person.planted if value in again], "nor in a new export"
        await asked(engine, forgotten[0])
        assert len(requests(engine)) == len(forgotten) * 2, "the same request again is known"
        await engine.close()
        return exported, len(hits)

    with caplog.at_level(logging.DEBUG):
        exported, hits = asyncio.run(story())
    said = caplog.text.lower()
    assert not [value for person in people for value in person.planted if value.lower() in said], "no log line tells of a person"
    control = asyncio.run(naive(tmp_path, experiment))
    experiment.report(faults=len(forgotten), trials=len(forgotten), control=control, exported=exported, hits=hits)


async def naive(folder: Path, experiment: Experiment) -> str:
    """What the same redaction leaves when a part of it is missing."""
    found = {}
    for name in ("no overwriting", "no cut of the logs", "no attempts"):
        people = [Person(number + 500, experiment.chance) for number in range(3)]
        engine = await planted(folder / name, people, experiment.chance)
        book = SqlitePrivacyBook(engine.inbox.group, engine.ledger.group, engine.inbox.forget)
        if name == "no overwriting":
            for group in (engine.inbox.group, engine.ledger.group):
                group.connection.execute("PRAGMA secure_delete = OFF")
        for person in people:
            await asked(engine, person)
        await _naively(book, engine, name)
        found[name] = sum(len(left_of(engine, person)) for person in people)
        await engine.close()
    assert all(found.values()), f"a control found nothing: {found}"
    return ", ".join(f"{name} leaves {count}" for name, count in found.items())


async def _naively(book: SqlitePrivacyBook, engine: Engine, name: str) -> None:
    await book.take(1_000)
    for request in await book.open_requests():
        found = await book.find(request)
        place = found.place if name != "no attempts" else type(found.place)(events=found.place.events)
        known = type(request)(**{field: getattr(request, field) for field in request.__struct_fields__} | {"traces": found.traces})
        await book.erase(known, place)
        if name != "no attempts":
            hits, _ = await book.search(known)
            await book.scrub(known, hits)
        await book.erased(known, request.result)
        await book.finish(request.id, by="hub", why="", now_ms=1)
    if name != "no cut of the logs":
        assert await book.empty_logs()


class Killed(BaseException):
    """The process ended here; not an Exception, so that nothing of ours can catch it."""


class KillingBook:
    """Dies before or after the Nth call of the book: between any two steps."""

    def __init__(self, book: SqlitePrivacyBook, after: int) -> None:
        self._book, self._left = book, after

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == 0:
                raise Killed
            done = await getattr(self._book, name)(*arguments, **named)
            self._left -= 1
            if self._left == 0:
                raise Killed
            return done

        return call


def test_a_kill_between_any_two_steps_resumes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """C91: before and after each call of the book the process dies; the next one ends what was begun, and nothing is left."""
    experiment = Experiment("28", suite=20, table=26, capsys=capsys)
    killed = 0

    async def story(after: int) -> bool:
        person = Person(after, experiment.chance)
        engine = await planted(tmp_path / str(after), [person], experiment.chance)
        await asked(engine, person)
        book = SqlitePrivacyBook(engine.inbox.group, engine.ledger.group, engine.inbox.forget)
        try:
            await desk_of(engine, book=KillingBook(book, after)).look()
            died = False
        except Killed:
            died = True
        await engine.close()
        await engine.open()
        desk = desk_of(engine)
        await desk.restore()
        await desk.look()
        (request,) = requests(engine)
        assert (request.state, request.result.left, request.traces) == ("done", {}, Traces())
        assert left_of(engine, person) == []
        await engine.close()
        return died

    for after in range(1, 40):
        if not asyncio.run(story(after)):
            break
        killed += 1
    experiment.report(faults=killed, trials=killed, control="see the first test")


def test_a_backup_that_is_put_back_is_redacted_before_the_hub_takes_events(tmp_path: Path) -> None:
    """C91: the old copy of both stores comes back, the file of redactions stays: the person is gone again. Control: without the
    file the person is back. A copy of the inbox alone, which the ledger contradicts, too."""

    async def story() -> None:
        import random

        chance = random.Random(28)
        person, other = Person(1, chance), Person(2, chance)
        engine = await planted(tmp_path / "data", [person, other], chance)
        await engine.close()
        backup = tmp_path / "backup"
        shutil.copytree(engine.folder, backup)
        await engine.open()
        await asked(engine, person)
        await desk_of(engine).look()
        assert left_of(engine, person) == []
        await engine.close()
        assert (engine.folder / REDACTIONS_FILE).stat().st_mode & 0o077 == 0
        assert not [value for value in person.planted if value in (engine.folder / REDACTIONS_FILE).read_text()]
        for names in (("inbox.db", "ledger.db"), ("inbox.db",)):
            for name in names:
                shutil.copy(backup / name, engine.folder / name)
            await engine.open()
            assert left_of(engine, person), "the backup has the person"
            assert await desk_of(engine).restore() == 1
            assert left_of(engine, person) == []
            assert in_tables(engine.folder, other.planted)
            assert await desk_of(engine).restore() == 0, "once"
            await engine.close()
        for name in ("inbox.db", "ledger.db"):
            shutil.copy(backup / name, engine.folder / name)
        (engine.folder / REDACTIONS_FILE).unlink()
        await engine.open()
        assert await desk_of(engine).restore() == 0
        assert left_of(engine, person), "control: without the file the person is back"
        await engine.close()

    asyncio.run(story())
