"""Contracts of a strategy folder over those that ship: a file adds fields to one of ours, or says a whole new object.

[fields]                                        objects/order.v1.toml, with extends = "order.v1"
loyalty_tier = { type = "string", required = false, class = "internal", meaning = "..." }
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from interlock.canonical.contract import Contract
from interlock.canonical.field import ContractFile, Field, ObjectShape, named
from interlock.canonical.rules import Problem, additions, near, problems_of

VERSIONED_BY = "updated_at"
"""The field that says how new the state of an object is: what the version fence goes by."""


class Assembly(Struct, frozen=True):
    """The contracts by key (those of broken files are left out, or stand without what is added), and the problems by
    file stem."""

    contracts: dict[str, Contract]
    problems: dict[str, list[Problem]]


def assemble(files: Mapping[str, ContractFile], ours: Mapping[str, Contract]) -> Assembly:
    """All contracts of a folder whose object files are `files`, by stem such as `order.v1`; `ours` are those that ship."""
    return _Assembler(files, ours).assembled()


class _Assembler:
    def __init__(self, files: Mapping[str, ContractFile], ours: Mapping[str, Contract]) -> None:
        self.files = {stem: named(file, stem) for stem, file in files.items()}
        self.ours = ours
        self.problems: dict[str, list[Problem]] = {stem: [] for stem in files}
        self.wholes: dict[str, ContractFile | None] = {}

    def assembled(self) -> Assembly:
        contracts = dict(self.ours)
        for stem, own in self.files.items():
            whole = self._whole(stem, ())
            if whole is not None and not self.problems[stem]:
                base = self._base(stem, own)
                contracts[stem] = Contract(whole, f"objects/{stem}.toml", extends=own.extends, base=base)
        return Assembly(contracts, self.problems)

    def _whole(self, stem: str, above: tuple[str, ...]) -> ContractFile | None:
        """The file with what it extends; None when that cannot be told."""
        if stem not in self.wholes:
            own = self.files[stem]
            self.wholes[stem] = None  # while it is being made
            self.wholes[stem] = self._made(stem, own, above)
        return self.wholes[stem]

    def _made(self, stem: str, own: ContractFile, above: tuple[str, ...]) -> ContractFile | None:
        found = self.problems[stem]
        if own.key != stem:
            what = f"the file says that it is {own.key}"
            found.append(Problem("place", ("version" if own.name == stem.rpartition(".v")[0] else "name",), what,
                                 "take name and version out: the file's name says them"))  # fmt: skip
        base = self._base(stem, own, (*above, stem))
        if own.extends and base is None:
            return None
        whole = extended(own, base) if base else own
        if base:
            found += additions(own, base, in_place=own.extends == stem)
        else:
            found += self._new(stem, own)
        found += problems_of(own, whole)
        return whole

    def _base(self, stem: str, own: ContractFile, above: tuple[str, ...] = ()) -> ContractFile | None:
        """What the file extends: one of ours for its own key, else one of ours or of the folder."""
        wanted = own.extends
        if wanted == stem or wanted not in self.files:
            ours = self.ours.get(wanted)
            if wanted and ours is None and above:
                known = {*self.ours, *self.files} - {stem}
                self._problem(stem, f'there is no contract "{wanted}" to extend', near(wanted, known))
            return ours.file if ours else None
        if wanted in above:
            self._problem(stem, f"{stem} extends {wanted}, which extends {stem}", "let one of them stand alone")
            return None
        return self._whole(wanted, above)

    def _problem(self, stem: str, what: str, next_move: str) -> None:
        self.problems[stem].append(
            Problem("extends", ("extends",), what, next_move or f"known: {', '.join(self.ours)}")
        )

    def _new(self, stem: str, own: ContractFile) -> list[Problem]:
        if stem in self.ours:
            hint = f'write extends = "{stem}" and the fields that you add; or make a version of your own'
            return [Problem("replaces-ours", (), f"{stem} ships with Interlock", hint)]
        if not own.meaning or not own.fields:
            lacking = "its meaning" if not own.meaning else "its fields"
            hint = 'add meaning = "..."' if not own.meaning else "add [fields], or extends = ..."
            return [Problem("says-nothing", (), f"the object does not say {lacking}", hint)]
        field = own.fields.get(VERSIONED_BY)
        if field is None or field.type != "timestamp":
            hint = f'add {VERSIONED_BY} = {{ type = "timestamp", meaning = "..." }}'
            return [Problem("not-versioned", ("fields", VERSIONED_BY), f"it has no timestamp {VERSIONED_BY}", hint)]
        return []


def extended(own: ContractFile, base: ContractFile) -> ContractFile:
    """`base` with the fields and nested objects of `own` after its own; what is in both stays the base's."""
    empty = ObjectShape({})
    objects = {
        name: ObjectShape(
            own.objects.get(name, empty).fields if name not in base.objects
            else _added(base.objects[name].fields, own.objects.get(name, empty).fields),
            base.objects[name].meaning if name in base.objects else own.objects[name].meaning,
        )
        for name in dict.fromkeys((*base.objects, *own.objects))
    }  # fmt: skip
    return msgspec.structs.replace(
        own, meaning=own.meaning or base.meaning, fields=_added(base.fields, own.fields), objects=objects
    )


def _added(base: dict[str, Field], own: dict[str, Field]) -> dict[str, Field]:
    return {**base, **{name: field for name, field in own.items() if name not in base}}
