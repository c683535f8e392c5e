"""Random instances of a contract, from a seed: every optional field now and then missing, every nullable one null."""

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from interlock.canonical import Contract, Field, Money, MoneyPair

LONGEST_LIST = 3
ONE_IN_NONE = 4


def instance(contract: Contract, chance: random.Random, shape: str = "") -> Any:
    """One object of the contract (or of its nested object `shape`), as mappings would build it."""
    values = {name: _value(contract, field, chance) for name, field in contract.fields_of(shape).items()}
    return contract.structs[shape](**values)


def _value(contract: Contract, field: Field, chance: random.Random) -> Any:
    if field.may_be_none and not chance.randrange(ONE_IN_NONE):
        return None
    if field.type == "list":
        return tuple(_one(contract, field, field.of, chance) for _ in range(chance.randrange(LONGEST_LIST)))
    return _one(contract, field, field.of if field.type == "object" else field.type, chance)


def _one(contract: Contract, field: Field, kind: str, chance: random.Random) -> Any:
    if kind in contract.objects:
        return instance(contract, chance, kind)
    return chance.choice(field.values) if kind == "enum" else _SCALARS[kind](chance)


def _text(chance: random.Random) -> str:
    return "".join(chance.choices('aZ09 äß"\\\n/😀', k=chance.randrange(12)))


def _decimal(chance: random.Random) -> Decimal:
    return Decimal(chance.randrange(-(10**12), 10**12)).scaleb(chance.randrange(-12, 4))


def _amount(chance: random.Random) -> Money:
    return Money(_decimal(chance), chance.choice(["EUR", "JPY", "KWD"]))


def _moment(chance: random.Random) -> dt.datetime:
    zone = dt.timezone(dt.timedelta(minutes=15 * chance.randrange(-48, 49)))
    return dt.datetime(1999, 12, 31, tzinfo=zone) + dt.timedelta(microseconds=chance.randrange(10**15))


_SCALARS: dict[str, Callable[[random.Random], Any]] = {
    "string": _text,
    "id": lambda chance: str(chance.randrange(2**64)),
    "decimal": _decimal,
    "money": lambda chance: MoneyPair(_amount(chance), _amount(chance)),
    "amount": _amount,
    "quantity": lambda chance: chance.randrange(-(10**9), 10**9),
    "date": lambda chance: _moment(chance).date(),
    "timestamp": _moment,
    "country": lambda chance: chance.choice(["DE", "US"]),
    "currency": lambda chance: chance.choice(["EUR", "JPY"]),
    "boolean": lambda chance: chance.random() < 0.5,
}
