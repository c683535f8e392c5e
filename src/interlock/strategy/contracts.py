"""The contracts of a strategy: those that ship with Interlock, and what the folder's object files add to them."""

import tomllib
from collections.abc import Mapping
from functools import lru_cache

import msgspec
from msgspec import Struct

from interlock.canonical import Contract, ContractFile, assemble, load_contracts
from interlock.canonical.contract import ContractError
from interlock.strategy.model import Flow, Strategy

KEPT_FOLDERS = 16


def contracts_of(strategy: Strategy) -> Mapping[str, Contract]:
    """Every contract by key such as `order.v1`. The folder was checked, so its files are sound.

    Raises ContractError for one that an older Interlock took and this one does not.
    """
    return _assembled(tuple(sorted(strategy.objects.items())))


def contract_of(strategy: Strategy, object_name: str) -> Contract | None:
    """The version of an object that the folder's flows move: the newest of those they name, else the first there is."""
    contracts = contracts_of(strategy)
    named = {flow.object for flow in strategy.flows.values() if flow.object_name == object_name}
    moved = [contracts[key] for key in named if key in contracts]
    if moved:
        return max(moved, key=lambda contract: contract.version)
    known = [contract for contract in contracts.values() if contract.name == object_name]
    return min(known, key=lambda contract: contract.version, default=None)


class Use(Struct, frozen=True):
    """Who has to do with one version of an object, by the flows that move it."""

    flows: tuple[Flow, ...]

    @property
    def writers(self) -> tuple[str, ...]:
        """The systems that it comes from."""
        return tuple(sorted({flow.source for flow in self.flows}))

    @property
    def readers(self) -> tuple[str, ...]:
        """The systems that it is brought to."""
        return tuple(sorted({name for flow in self.flows for name in flow.destinations}))


def use_of(strategy: Strategy, key: str) -> Use:
    """The flows that move this version of the object."""
    return Use(tuple(flow for flow in strategy.flows.values() if flow.object == key))


@lru_cache(maxsize=KEPT_FOLDERS)
def _assembled(texts: tuple[tuple[str, str], ...]) -> Mapping[str, Contract]:
    files = {stem: msgspec.convert(tomllib.loads(text), ContractFile) for stem, text in texts}
    assembly = assemble(files, load_contracts())
    for stem, problems in assembly.problems.items():
        for problem in problems:
            where = f"objects/{stem}.toml {'.'.join(map(str, problem.path))}"
            raise ContractError(problem.what, where=where, next_move=problem.next_move)
    return assembly.contracts
