"""Canonical data: money, and the contracts of the objects that travel between systems."""

from interlock.canonical.contract import Contract, Field, load_contracts, parse_contract
from interlock.canonical.money import Money, MoneyPair, allocate, exponent, quantum

__all__ = [
    "Contract",
    "Field",
    "Money",
    "MoneyPair",
    "allocate",
    "exponent",
    "load_contracts",
    "parse_contract",
    "quantum",
]
