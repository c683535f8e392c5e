"""The privacy desk: a whole shop, what must wait, who is told when, and what is never taken for a person."""

import asyncio
import logging
import random
import sys
from pathlib import Path
from typing import Any

import pytest

for name in ("unit", "unit/messaging", "faults"):
    sys.path.insert(0, str(Path(__file__).parents[2] / name))
from console.store import strategy
from engine import Engine, scripted
from people import Person, desk_of, event, in_files, in_tables, live, plant

from interlock.clock import VirtualClock
from interlock.messaging.privacy import DAY_MS
from interlock.messaging.sqlite.privacy_views import read_privacy_requests
from interlock.messaging.traces import Finder, HashedFinder, Traces, hashed, names_person, traces_of
from interlock.messaging.write import Once


def requests(engine: Engine) -> list[Any]:
    return list(read_privacy_requests(engine.ledger.group.connection))


async def ask(engine: Engine, body: dict[str, Any], topic: str, key: str) -> None:
    name = "shop" if topic == "shop/redact" else "customer"
    await engine.post(event(name, key, body, facts=(topic,), event_id=topic))


def test_a_whole_shop_is_forgotten(tmp_path: Path) -> None:
    """shop/redact (F75): no body of its events, calls and letters is left, and no mail address in any file; the books stay."""

    async def story() -> None:
        chance = random.Random(1)
        people = [Person(number, chance) for number in range(4)]
        async with Engine(tmp_path) as engine:
            await live(engine, people, chance)
            effects = engine.rows("SELECT count(*) FROM attempt")
            await ask(engine, {"shop_id": 1, "shop_domain": "acme.myshopify.com"}, "shop/redact", "1")
            await desk_of(engine).look()
            assert [(one.kind, one.state) for one in requests(engine)] == [("shop", "done")]
            assert engine.inbox.group.connection.execute("SELECT count(*) FROM event WHERE body IS NOT NULL").get == 0
            assert engine.rows("SELECT count(*) FROM attempt WHERE body IS NOT NULL") == [(0,)]
            assert engine.rows("SELECT count(*) FROM dead_letter WHERE body IS NOT NULL") == [(0,)]
            assert engine.rows("SELECT count(*) FROM attempt") == effects
            everything = [value for person in people for value in person.planted]
            assert in_tables(tmp_path, everything) == [] and in_files(tmp_path, everything) == []

    asyncio.run(story())


def test_what_may_have_to_be_sent_again_is_kept_until_it_is_settled(tmp_path: Path) -> None:
    """A call without an answer is repeated exactly, or looked up: its body is the last to go, and the row says what it waits for."""

    async def story() -> None:
        person = Person(1, random.Random(2))
        async with Engine(tmp_path, Once.KEY) as engine:
            engine.erp.fault = scripted("lost")
            engine.source.present[person.orders[0]] = b'{"id": "%s", "version": 1, "value": "redacted"}' % person.orders[0].encode()
            await engine.post(event("order", person.orders[0], person.order(person.orders[0])))
            await engine.run(0.2)
            assert engine.states() == {f"{person.orders[0]}@erp": "uncertain"}
            await ask(engine, person.request(), "customers/redact", person.id)
            desk = desk_of(engine)
            await desk.look()
            (request,) = requests(engine)
            assert (request.state, request.note) == ("known", "waits for 1 call whose outcome nobody knows")
            await engine.run(120)
            assert engine.states() == {f"{person.orders[0]}@erp": "done"}
            assert engine.erp.duplicates == 0
            await desk.look()
            assert [one.state for one in requests(engine)] == ["done"]
            assert in_tables(tmp_path, person.planted) == [] and in_files(tmp_path, person.planted) == []

    asyncio.run(story())


def test_what_is_still_open_reads_its_source_again(tmp_path: Path) -> None:
    """A delivery that waits behind an outage writes what the source says by then, not what was erased."""

    async def story() -> None:
        person = Person(1, random.Random(3))
        async with Engine(tmp_path) as engine:
            engine.erp.fault = lambda _write: "503"
            await engine.post(event("order", person.orders[0], person.order(person.orders[0])))
            await engine.run(1)
            await ask(engine, person.request(), "customers/redact", person.id)
            await desk_of(engine).look()
            engine.source.present[person.orders[0]] = b'{"id": "%s", "version": 1, "value": "redacted"}' % person.orders[0].encode()
            engine.erp.fault = lambda _write: "done"
            await engine.run(600)
            assert engine.erp.value(person.orders[0]) == "redacted" and engine.source.reads == 1

    asyncio.run(story())


def test_who_is_late_is_told_on_day_20_and_27_once_each(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Fault case 28: a line of the log for each of the two days, over restarts, and none before; nothing tells of the person."""

    async def story() -> list[int]:
        person = Person(1, random.Random(4))
        told = []
        async with Engine(tmp_path) as engine:
            await ask(engine, person.request("customers/data_request"), "customers/data_request", person.id)
            for day in range(1, 32):
                caplog.clear()
                await desk_of(engine, strategy=strategy, clock=VirtualClock(engine.clock.now_ms() + day * DAY_MS)).look()
                told += [day] * caplog.text.count("PRV001")
                assert not [value for value in person.planted if value in caplog.text]
        return told

    with caplog.at_level(logging.INFO):
        assert asyncio.run(story()) == [20, 27]


def test_a_copy_that_nobody_handed_over_does_not_keep_a_person(tmp_path: Path) -> None:
    """The open request for a copy knows the mail address too: it goes with everything else, and the request stays to be ended."""

    async def story() -> None:
        person = Person(1, random.Random(8))
        async with Engine(tmp_path) as engine:
            await ask(engine, person.request("customers/data_request"), "customers/data_request", person.id)
            await ask(engine, person.request(), "customers/redact", person.id)
            await desk_of(engine).look()
            assert {(one.kind, one.state) for one in requests(engine)} == {("export", "asked"), ("redact", "done")}
            assert in_tables(tmp_path, person.planted) == [] and in_files(tmp_path, person.planted) == []

    asyncio.run(story())


def test_a_namesake_keeps_what_is_theirs(tmp_path: Path) -> None:
    """A name proves nobody: two people of one name, and only one is forgotten; the proof says that there is another."""

    async def story() -> None:
        one, other = Person(1, random.Random(5)), Person(2, random.Random(6))
        other.first, other.last = one.first, one.last
        async with Engine(tmp_path) as engine:
            await live(engine, [one, other], random.Random(7))
            plant(engine, one)
            await ask(engine, one.request(), "customers/redact", one.id)
            await desk_of(engine).look()
            (request,) = requests(engine)
            assert request.state == "done" and request.result.namesakes > 0
            assert in_tables(tmp_path, [one.email, one.phone]) == []
            assert {value for _, value in in_tables(tmp_path, [other.email])} == {other.email}

    asyncio.run(story())


@pytest.mark.parametrize(
    ("stored", "kinds"),
    [
        ("write to Ann.Lee@Mail.Example now", {"email"}),
        ("https://x.example/?mail=ann.lee%40mail.example", {"email"}),
        ("call 070-123 45 67", {"phone"}),
        ("+46 (70) 123 45 67", {"phone"}),
        ("id 9946701234567001", set()),
        ('{"name": "Ann \\u00c5berg"}', {"name"}),
        ("ANN ÅBERG", {"name"}),
        ("Annabel Åbergson", set()),
    ],
)
def test_values_are_found_however_they_are_written(stored: str, kinds: set[str]) -> None:
    """Mail addresses in links, telephone numbers with separators, escaped letters; never a part of a longer id."""
    traces = Traces(emails=frozenset({"ann.lee@mail.example"}), phones=frozenset({"46701234567"}), names=frozenset({"ann åberg"}))
    assert Finder(traces).kinds(stored) == Finder(traces).kinds(stored.encode()) == kinds
    assert Finder(traces).kinds(Finder(traces, "salt").scrubbed(stored)) == set()


def test_hashes_alone_find_a_person_again() -> None:
    """After the values are gone the proof can still be made; another salt finds nothing."""
    traces = Traces(emails=frozenset({"ann@mail.example"}), phones=frozenset({"46701234567"}))
    finder = HashedFinder(traces.hashes("salt"), "salt")
    assert finder.kinds(b'{"to": "Ann@mail.example", "tel": "+46 70 123 45 67"}') == {"email", "phone"}
    assert finder.kinds("bob@mail.example") == set()
    assert HashedFinder(traces.hashes("salt"), "other").kinds("ann@mail.example") == set()
    assert hashed("a", "x") != hashed("b", "x")


def test_the_merchant_is_nobody_who_asked() -> None:
    """The telephone number of the shop's own warehouse stands in every order: by it all orders would be erased."""
    document = {"customer": {"id": 7, "phone": "0701234567"}, "line_items": [{"origin_location": {"phone": "0800000000"}}],
                "origin_address": {"phone": "0800000000", "address1": "1 Warehouse Road"}}  # fmt: skip
    assert traces_of(document).phones == {"0701234567"} and not traces_of(document).names
    assert names_person(document, "7") and not names_person(document, "70") and not names_person({"id": 7}, "7")
    assert names_person({"order": {"customer": {"id": "gid://shopify/Customer/7"}}}, "7")
