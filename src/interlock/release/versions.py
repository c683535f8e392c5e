"""Versions of objects side by side: which one a mapping is written for, and each object in the version that is asked for."""

import itertools
import tomllib
from collections.abc import Callable, Collection, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from interlock.canonical import Contract
from interlock.mapping import Context, Functions, MappingFileError
from interlock.mapping.conversion import Converter, compile_conversion
from interlock.mapping.library import public_functions
from interlock.messaging.outcome import Outcome
from interlock.messaging.write import Destination, LookUp, Past, Plan, Write
from interlock.strategy import Strategy, contracts_of


class Versions:
    """The versions of one release. An object with one version costs nothing."""

    def __init__(self, strategy: Strategy, users: Mapping[str, Callable[..., Any]]) -> None:
        self.contracts = contracts_of(strategy)
        self._files = strategy.converters
        self._functions = Functions(public_functions("interlock.mapping.standard"), users)
        self._context = Context(system="", timezone=ZoneInfo(strategy.timezone))
        self._steps: dict[tuple[str, str], Converter] = {}
        self._ladders: dict[str, list[Contract]] = {}
        for contract in sorted(self.contracts.values(), key=lambda contract: contract.version):
            self._ladders.setdefault(contract.name, []).append(contract)
        self._several = {name: ladder for name, ladder in self._ladders.items() if len(ladder) > 1}
        self._of_struct: dict[type[Struct], Contract] = {}

    def several(self, object_name: str) -> bool:
        """Whether there is more than one version of the object."""
        return object_name in self._several

    def ladder(self, object_name: str) -> tuple[Contract, ...]:
        """Its versions, oldest first."""
        return tuple(self._ladders.get(object_name, ()))

    def written_for(self, object_name: str, declared: int | None, compiles: Callable[[Contract], object]) -> Contract:
        """The version that a mapping is written for: the one it declares, else the oldest that it fits."""
        ladder = [each for each in self._ladders.get(object_name, ()) if declared in (None, each.version)]
        if not ladder:
            missing = f"{object_name}.v{declared}" if declared else object_name
            raise MappingFileError(
                f'there is no contract of "{missing}"',
                where=f"mappings: [{object_name}]",
                next_move=f"write objects/{object_name}.v{declared or 1}.toml, or take the table out",
            )
        fitting = ladder if len(ladder) == 1 else [each for each in ladder if _fits(each, compiles)]
        return (fitting or ladder)[0]

    def at(self, value: Any, key: str) -> Any:
        """The object in the version `key`; itself when it is of that version already, or of none that we know."""
        if not self._several:
            return value
        found = self._contract_of(value)
        if found is None or found.key == key or found.name != key.partition(".")[0]:
            return value
        for step in self._way(found, self.contracts[key]):
            value = step(value, self._context)
        return value

    def warm(self, moved: Collection[str]) -> None:
        """Compile every converter that the folder has, and those of the objects that are moved, in both directions.
        MappingFileError names the row."""
        for name, ladder in self._several.items():
            for old, new in itertools.pairwise(ladder):
                if name in moved or _file_of(old, new) in self._files:
                    self._step(old, new)
                    self._step(new, old)

    def _contract_of(self, value: Any) -> Contract | None:
        kind = type(value)
        if kind not in self._of_struct:
            contracts = (each for ladder in self._several.values() for each in ladder)
            self._of_struct |= {each.struct: each for each in contracts}
        return self._of_struct.get(kind)

    def _way(self, start: Contract, end: Contract) -> list[Converter]:
        """The converters between neighbours that lead from one version to the other."""
        ladder = self._several[start.name]
        here, there = ladder.index(start), ladder.index(end)
        stops = ladder[here : there + 1] if here < there else ladder[there : here + 1][::-1]
        return [self._step(one, other) for one, other in itertools.pairwise(stops)]

    def _step(self, start: Contract, end: Contract) -> Converter:
        key = (start.key, end.key)
        if key not in self._steps:
            name = _file_of(*sorted((start, end), key=lambda contract: contract.version))
            text = self._files.get(name, "")
            rows = tomllib.loads(text).get("up" if start.version < end.version else "down", {})
            self._steps[key] = compile_conversion(
                rows, start, end, self._functions, file_name=f"objects/{name}.toml", text=text
            )
        return self._steps[key]


class Speaking:
    """A destination whose mapping is written for certain versions: it is given each object in that one."""

    def __init__(self, inner: Destination, versions: Versions, spoken: Mapping[str, Contract]) -> None:
        self._inner = inner
        self._versions = versions
        self._spoken = {
            version.struct: contract.key for contract in spoken.values() for version in versions.ladder(contract.name)
        }

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:
        """What the destination plans for the object in its version."""
        key = self._spoken.get(type(document))
        spoken = document if key is None else self._versions.at(document, key)
        return self._inner.plan(spoken, signal=signal, past=past)

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:
        """The destination's own call."""
        return await self._inner.write(write, idempotency_key=idempotency_key, timeout_seconds=timeout_seconds)

    async def look_up(self, write: Write, *, timeout_seconds: float) -> LookUp:
        """The destination's own."""
        return await self._inner.look_up(write, timeout_seconds=timeout_seconds)


def _fits(contract: Contract, compiles: Callable[[Contract], object]) -> bool:
    try:
        compiles(contract)
    except MappingFileError:
        return False
    return True


def _file_of(old: Contract, new: Contract) -> str:
    return f"{old.key}-v{new.version}"
