"""Who writes what where, and who claims what, as the checks of ownership see a folder that may have mistakes."""

from collections.abc import Callable, Iterator
from typing import NamedTuple
from weakref import WeakKeyDictionary

from interlock.strategy.checks.base import elements
from interlock.strategy.facts import DocumentFact, covers
from interlock.strategy.finding import did_you_mean
from interlock.strategy.folder import Folder, TomlFile
from interlock.strategy.left_out import LeftOut, documents_of, left_out
from interlock.strategy.model import Flow, System
from interlock.strategy.ownership import IDENTITY, Claim, Foreign, Ownership, claims_of, newest_names
from interlock.strategy.positions import Path


class Writing(NamedTuple):
    """One flow at one of its destinations: the place of the destination's name, the documents, and what of each the flow
    leaves out everywhere."""

    file: TomlFile[Flow]
    destination: str
    at: Path
    documents: tuple[tuple[DocumentFact, LeftOut], ...]

    def own(self) -> list[tuple[DocumentFact, LeftOut]]:
        """Documents of the flow's own object."""
        return [pair for pair in self.documents if pair[0].object == self.file.value.object_name]

    def nothing_is_ours(self) -> bool:
        """Whether each row that takes a field is left out."""
        rows = [(row.target, left) for document, left in self.own() for row in document.rows if _takes(row.reads)]
        return bool(rows) and all(target in left.rows for target, left in rows)

    def refused(self) -> list[tuple[DocumentFact, LeftOut]]:
        """Documents of the flow's own object that the destination would not take; what is brought along is left out."""
        return [(document, left) for document, left in self.own() if left.missing]

    def foreign(self) -> tuple[Foreign, ...]:
        """All that is left out, each field once."""
        return tuple(dict.fromkeys(one for _, left in self.documents for one in left.fields()))


def claims_in(folder: Folder) -> Iterator[tuple[TomlFile[System], Claim]]:
    """What systems say they are record of, with their files."""
    for file in folder.systems.values():
        for claim in claims_of(file.value):
            yield file, claim


def ownership(folder: Folder) -> Ownership:
    """Of what is said soundly: a name that is no field, or that two say, is told of by itself."""
    sound = [claim for _, claim in claims_in(folder) if not unknown_field(folder, claim)]
    disputed = {claim.thing for claim, _ in disputes(folder)}
    return Ownership((claim for claim in sound if claim.thing not in disputed), _newest(folder))


def writings(folder: Folder) -> tuple[Writing, ...]:
    """Each flow at each of its destinations, where both are sound and nobody disputes the object. Six checks ask for
    them, so they are worked out once for a folder."""
    if folder not in _WORKED_OUT:
        _WORKED_OUT[folder] = tuple(_writings(folder))
    return _WORKED_OUT[folder]


_WORKED_OUT: WeakKeyDictionary[Folder, tuple[Writing, ...]] = WeakKeyDictionary()


def _writings(folder: Folder) -> Iterator[Writing]:
    held, disputed = ownership(folder), {claim.object_name for claim, _ in disputes(folder)}
    if any(_unread(file) for file in folder.systems.values()):
        return  # the broken file may say whose it is
    for file in folder.flows.values():
        if file.value.source not in folder.systems or file.value.object_name in disputed:
            continue
        for name, path in elements("destinations", file.value.destinations, file.data.get("destinations")):
            system = folder.systems.get(name)
            if system is not None and name != file.value.source and _can_write(folder, system.value, file.value):
                override = folder.mappings[name].text if name in folder.mappings else ""
                documents = documents_of(file.value, system.value, folder.connectors, override)
                yield Writing(
                    file, name, path, tuple((one, left_out(one, held, file.value.source)) for one in documents)
                )


def unknown_field(folder: Folder, claim: Claim) -> str:
    """The next move when the name is none of the object's contracts'; empty when it is one, or has no contract."""
    known = fields_of(folder, claim.object_name)
    name, _, field = claim.thing.partition(".")
    if not known or not field or field in known:
        return ""
    named_alike = [one for one in known if one.rpartition(".")[2] == field.rpartition(".")[2]]
    return did_you_mean(claim.thing, [f"{name}.{one}" for one in named_alike or known])


def fields_of(folder: Folder, object_name: str) -> frozenset[str]:
    """The paths of an object in any of its versions, without brackets."""
    versions = [one for one in folder.contracts.contracts.values() if one.name == object_name]
    return frozenset(path.replace("[]", "") for one in versions for path in one.paths())


def disputes(folder: Folder) -> Iterator[tuple[Claim, Claim]]:
    """Claims of two systems to one thing that one place could meet, neither the narrower one; the later one first."""
    earlier: dict[str, list[Claim]] = {}
    newest = _newest(folder)
    for _, claim in claims_in(folder):
        thing = newest(claim.thing)
        for other in earlier.setdefault(thing, []):
            alike = bool(claim.where) == bool(other.where)
            narrower = claim.narrower_than(other) or other.narrower_than(claim)
            if other.system != claim.system and alike and not narrower and claim.may_hold_with(other):
                yield claim, other
        earlier[thing].append(claim)


def _newest(folder: Folder) -> Callable[[str], str]:
    return newest_names(folder.contracts.contracts.values())


def _unread(file: TomlFile[System]) -> bool:
    return bool(file.error) or any(str(problem.path[0]).startswith("record_of") for problem in file.problems)


def _can_write(folder: Folder, system: System, flow: Flow) -> bool:
    fact = folder.connectors.get(system.connector)
    return fact is not None and covers(fact.writable, flow.object)


def _takes(reads: tuple[str, ...]) -> bool:
    return any(path not in IDENTITY for path in reads)
