"""Canonical data: money, and the contracts of the objects that travel between systems."""

from interlock.canonical.contract import Contract, Deprecation, Field, load_contracts, parse_contract
from interlock.canonical.money import Money, MoneyPair, allocate, exponent, quantum

__all__ = [
    "Contract",
    "Deprecation",
    "Field",
    "Money",
    "MoneyPair",
    "allocate",
    "exponent",
    "load_contracts",
    "parse_contract",
    "quantum",
]
