"""Documents as a writer of a contract may write them, and whether a reader of another version takes them."""

import random
from collections.abc import Callable
from typing import Any

import msgspec

from interlock.canonical import Contract
from interlock.canonical.contract import Field

Make = Callable[[random.Random], Any]

WORDS = ("", "x", "ORD-1001", "2026-01-31", "DE", "EUR", "12.50", "open", "Zoë", "9007199254740993")
AMOUNTS = ("0", "12.50", "-3.1", "1000000000000.001", "7")


def documents(writer: Contract, count: int, seed: int) -> list[bytes]:
    """`count` documents: nulls, absent fields, empty lists and odd values in every place that the contract allows."""
    chance = random.Random(seed)
    return [msgspec.json.encode(_object(writer, "", chance)) for _ in range(count)]


def refused(reader: Contract, bodies: list[bytes]) -> str | None:
    """The first document that the reader refuses, with the reason; None when it takes all."""
    decode = msgspec.json.Decoder(reader.struct).decode
    for body in bodies:
        try:
            decode(body)
        except msgspec.ValidationError as error:
            return f"{body.decode()}: {error}"
    return None


def _object(contract: Contract, shape: str, chance: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, field in contract.fields_of(shape).items():
        luck = chance.random()
        if field.may_be_none and luck < 0.15:
            made[name] = None
        elif field.required or luck > 0.3:
            made[name] = _value(contract, field, chance)
    return made


def _value(contract: Contract, field: Field, chance: random.Random) -> Any:
    if field.type == "list":
        return [_held(contract, field.of, chance) for _ in range(chance.randrange(3))]
    if field.type == "enum":
        return chance.choice(field.values)
    return _held(contract, field.of or field.type, chance)


def _held(contract: Contract, kind: str, chance: random.Random) -> Any:
    return _object(contract, kind, chance) if kind in contract.objects else SCALARS[kind](chance)


def _amount(chance: random.Random) -> dict[str, str]:
    return {"amount": chance.choice(AMOUNTS), "currency": chance.choice(("EUR", "JPY"))}


def _day(chance: random.Random) -> str:
    return f"20{chance.randrange(10, 99)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"


SCALARS: dict[str, Make] = {
    "string": lambda chance: chance.choice(WORDS),
    "id": lambda chance: chance.choice(WORDS[1:]),
    "decimal": lambda chance: chance.choice(AMOUNTS),
    "quantity": lambda chance: chance.choice((0, 1, -2, 2**40)),
    "boolean": lambda chance: chance.random() < 0.5,
    "country": lambda chance: chance.choice(("DE", "US")),
    "currency": lambda chance: chance.choice(("EUR", "USD")),
    "date": _day,
    "timestamp": lambda chance: f"{_day(chance)}T{chance.randrange(24):02}:30:00+02:00",
    "amount": _amount,
    "money": lambda chance: {"shop": _amount(chance), "presentment": _amount(chance)},
}
