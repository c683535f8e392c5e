"""Invented people whose values lie everywhere that a hub keeps something, and a look for them that shares no code with the hub."""

import contextlib
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import apsw
from engine import Engine
from lz4.block import LZ4BlockError, decompress

from interlock.messaging.event import Event
from interlock.messaging.sqlite.privacy_book import SqlitePrivacyBook
from interlock.operations.privacy import PrivacyDesk
from interlock.operations.redaction_file import RedactionFile

FIRST = ("Ingeborg", "Bartholomew", "Zoë", "Przemysław", "Anneliese", "Marguerite")
LAST = ("Lindqvist-Öberg", "Featherstonehaugh", "Kowalczyk", "Vanderbilt", "Quetzalcoatl", "Ó Súilleabháin")


class Person:
    """One customer with orders; `planted` are the values by which they are looked for."""

    def __init__(self, number: int, chance: random.Random) -> None:
        self.id = str(7_000_000_000_000 + number)
        self.first, self.last = f"{chance.choice(FIRST)}{number}", f"{chance.choice(LAST)}"
        self.email = f"person.{number}.{chance.randrange(10**6)}@mail{number}.example"
        self.phone = f"+46 70 {chance.randrange(100, 999)} {chance.randrange(10, 99)} {10 + number % 90}"
        self.street = f"{number} Rue de la Fontaine {chance.randrange(1000)}"
        self.orders = [str(9_000_000_000_000 + number * 10 + each) for each in range(3)]
        self.planted = [self.email, self.phone, f"{self.first} {self.last}", self.street]

    def order(self, key: str, version: int = 1, value: str = "new") -> dict[str, Any]:
        address = {"first_name": self.first, "last_name": self.last, "address1": self.street, "phone": self.phone, "city": "Lund"}
        return {
            "id": key, "version": version, "value": value, "email": self.email, "billing_address": address,
            "note": f"please call {self.first} {self.last} at {self.phone}", "lines": [{"sku": f"S{n}", "title": "shirt"} for n in range(20)],
            "customer": {"id": int(self.id), "email": self.email, "first_name": self.first, "last_name": self.last},
        }  # fmt: skip

    def request(self, topic: str = "customers/redact") -> dict[str, Any]:
        orders = "orders_to_redact" if topic.endswith("redact") else "orders_requested"
        customer = {"id": int(self.id), "email": self.email, "phone": self.phone}
        return {"shop_id": 1, "shop_domain": "acme.myshopify.com", "customer": customer, orders: [int(self.orders[0])]}


def event(object_name: str, key: str, body: dict[str, Any], *, facts: tuple[str, ...] = (), event_id: str = "e") -> Event:
    raw = json.dumps(body, ensure_ascii=int(key) % 2 == 0).encode()
    return Event(
        system="shop", dialect="test", topic="t", object=object_name, key=key, name=f"#{key}", version=int(body.get("version", 0)),
        complete="version" in body, received_at_ms=0, release="r1", facts=facts, event_id=event_id,
        sha256=hashlib.sha256(raw).digest(), body=raw,
    )  # fmt: skip


async def live(engine: Engine, people: list[Person], chance: random.Random) -> None:
    """Orders are told of and delivered: done, refused (a dead letter), or tried again; an order without an account too."""
    fates = {order: chance.choice(("done", "refused", "done", "503")) for person in people for order in person.orders}
    engine.erp.fault = lambda write: fates.get(write.reference.removeprefix("IL-"), "done")
    for person in people:
        await engine.post(event("customer", person.id, {"id": person.id, "version": 1, "value": "new", "email": person.email,
                                                       "first_name": person.first, "last_name": person.last, "phone": person.phone}))  # fmt: skip
        for order in person.orders:
            await engine.post(event("order", order, person.order(order)))
    await engine.run(3)
    for person in people:
        await engine.post(event("order", person.orders[0], person.order(person.orders[0], version=2)))
    await engine.run(3)


def plant(engine: Engine, person: Person) -> int:
    """What people and vendors write into texts; in how many fields."""
    said = f"asked for {person.first} {person.last} <{person.email.upper()}>, tel {person.phone.replace(' ', '-')}"
    delivery, *_ = engine.rows("SELECT id FROM delivery WHERE key = ?", person.orders[1])[0]
    number = int(person.id)
    statements = [
        ("INSERT INTO audit (at_ms, who, action, subject, why, detail) VALUES (0, 'ann', 'reveal', ?, ?, ?)",
         (f"order {person.orders[0]}", said, json.dumps({"text": person.email}))),
        ("INSERT INTO replay (at_ms, by, why, filter, release, total) VALUES (0, 'ann', ?, ?, 'same', 0)",
         (said, json.dumps({"text": person.email}))),
        ("UPDATE delivery SET error = ?, warnings = ? WHERE id = ?", (said, f"1.00 is explained by no part of {person.email}", delivery)),
        ("UPDATE attempt SET message = ? WHERE delivery = ?", (said, delivery)),
        ("UPDATE dead_letter SET error = ?, why = ? WHERE key = ?", (said, said, person.orders[2])),
        (("INSERT INTO process (delivery, run, revision, version, event, release, state, message, began_ms, ended_ms)"
         " VALUES (?, 1, 1, 1, 1, 'r1', 'done', ?, 0, 1)"), (delivery, json.dumps(person.order(person.orders[1])).encode())),
        (("INSERT INTO process_step (process, number, run, step, part, undo, kind, state, output, why, began_ms)"
         " VALUES (?, 1, 1, 'look-up', '', 0, 'enrich', 'done', ?, ?, 0)"), (delivery, json.dumps({"mail": person.email}).encode(), said)),
        (("INSERT INTO process_step (process, number, run, step, part, undo, kind, state, output, why, began_ms)"
         " VALUES (?, 2, 1, 'parts', '', 0, 'split', 'done', ?, '', 0)"), (delivery, json.dumps([person.email]).encode())),
        ("INSERT INTO missed (sweep, system, object, key, name, kind, known, version, found_ms, event) VALUES (1, 'shop', 'customer', ?, ?, 'missing', 0, ?, 0, 0)",
         (person.id, f"{person.first} {person.last}", number)),
        (("INSERT INTO link (system, origin, object, key, operation, signal, reference, external_id, version, content_hash, written_ms)"
         " VALUES ('marketing', 'shop', 'customer', ?, 'profile', '', ?, ?, 1, 'h', 0)"), (person.id, person.email, person.email)),
    ]  # fmt: skip
    for statement, values in statements:
        engine.ledger.group.run_now(lambda c, s=statement, v=values: c.execute(s, v))
    return len(statements)


def desk_of(engine: Engine, **more: Any) -> PrivacyDesk:
    book = more.pop("book", None) or SqlitePrivacyBook(engine.inbox.group, engine.ledger.group, engine.inbox.forget)
    forget = engine.dispatcher.courier.loader.forget
    settings: dict[str, Any] = {"strategy": lambda: None, "pager": None, "clock": engine.clock, "forget": forget, **more}
    return PrivacyDesk(book, RedactionFile(engine.folder), **settings)


# -- the judge


def forms(value: str) -> list[str]:
    """Plain, as ASCII JSON, and a telephone number in three ways of writing."""
    found = {value, json.dumps(value)[1:-1], value.replace(" ", "-"), value.replace(" ", "").lstrip("+")}
    return [form.lower() for form in found]


def holds(text: str, values: list[str]) -> list[str]:
    lowered = text.lower()
    return [value for value in values if any(form in lowered for form in forms(value))]


def in_tables(folder: Path, values: list[str]) -> list[tuple[str, str]]:
    """(table, value): every text and blob, packed ones unpacked."""
    found = []
    for name in ("inbox.db", "ledger.db"):
        store = apsw.Connection(str(folder / name), flags=apsw.SQLITE_OPEN_READONLY)
        tables = [table for (table,) in store.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for table in tables:
            for row in store.execute(f"SELECT * FROM {table}"):
                found += [(table, value) for field in row for value in holds(_readable(field), values)]
        store.close()
    return found


def _readable(field: Any) -> str:
    if isinstance(field, bytes):
        with contextlib.suppress(LZ4BlockError, ValueError):
            field = decompress(field, uncompressed_size=100_000)
        return field.decode("utf-8", "replace")
    return str(field)


def in_files(folder: Path, values: list[str]) -> list[tuple[str, str]]:
    """(file, value) in the raw bytes, free space and logs too."""
    return [
        (file.name, value)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        for value in holds(file.read_bytes().decode("utf-8", "replace"), values)
    ]
