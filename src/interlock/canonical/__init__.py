"""Canonical data: money, and the contracts of the objects that travel between systems."""

from interlock.canonical.contract import (
    Contract,
    ContractFile,
    Deprecation,
    Field,
    ObjectShape,
    load_contracts,
    parse_contract,
)
from interlock.canonical.extension import Assembly, assemble
from interlock.canonical.money import Money, MoneyPair, allocate, exponent, quantum

__all__ = [
    "Assembly",
    "Contract",
    "ContractFile",
    "Deprecation",
    "Field",
    "Money",
    "MoneyPair",
    "ObjectShape",
    "allocate",
    "assemble",
    "exponent",
    "load_contracts",
    "parse_contract",
    "quantum",
]
