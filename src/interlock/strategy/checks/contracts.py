"""STR100-STR115: object files say contracts that hold together, and flows move objects that there are."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from interlock.canonical.rules import Problem
from interlock.strategy.checks.base import Check, Example, subject
from interlock.strategy.checks.references import connector_of
from interlock.strategy.facts import covers
from interlock.strategy.finding import Finding, did_you_mean
from interlock.strategy.folder import Folder, TomlFile
from interlock.strategy.model import Flow

_TIER = '{ type = "string", required = false, class = "internal", meaning = "Tier", example = "gold" }'
_WHOLE = """\
meaning = "What a customer asked to be told of"
[fields]
id = {{ type = "id", meaning = "Its id", example = "7" }}
updated_at = {{ type = "timestamp", meaning = "When it changed last" }}
{field}
"""


def _extension(lines: str, first: str = 'extends = "order.v1"') -> Example:
    return Example("objects/order.v1.toml", f"{first}\n{lines}\n", whole=True)


def _object(field: str) -> Example:
    return Example("objects/wish.v1.toml", _WHOLE.format(field=field), whole=True)


class _OfContract(Check):
    """A check of a rule that the contracts themselves have met."""

    rule: ClassVar[str]

    def run(self, folder: Folder) -> Iterable[Finding]:
        for stem, problems in folder.contracts.problems.items():
            file = folder.objects[stem]
            for problem in problems:
                if problem.rule == self.rule and not _told_otherwise(file, problem):
                    yield self._finding(file, problem)

    def _finding(self, file: TomlFile[Any], problem: Problem) -> Finding:
        what = f"{subject(file)}: {problem.what}"
        if not problem.path:
            return self.at(file.path, what, line=1, column=1, next_move=problem.next_move)
        return self.finding(file, problem.path, what, next_move=problem.next_move)


def _told_otherwise(file: TomlFile[Any], problem: Problem) -> bool:
    """A field with a mistake of shape is one mistake, told with the others of its kind."""
    place = _field_path(problem.path)
    return any(_field_path(other.path) == place or not other.path for other in file.problems)


def _field_path(path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    return path[: 4 if path[:1] == ("objects",) else 2]


class PlacedContract(_OfContract):
    code = "STR100"
    rule = "place"
    title = "An object file says that it is another"
    why = "the file's name is the object and its version, and flows find it by that"
    bad = _extension(f"[fields]\nloyalty_tier = {_TIER}", 'extends = "order.v1"\nversion = 2')
    good = _extension(f"[fields]\nloyalty_tier = {_TIER}")


class ExtendsKnown(_OfContract):
    code = "STR101"
    rule = "extends"
    title = "An object extends one that does not exist"
    why = "its fields would be added to nothing"
    bad = _extension(f"[fields]\nloyalty_tier = {_TIER}", 'extends = "ordr.v1"')
    good = _extension(f"[fields]\nloyalty_tier = {_TIER}")


class OwnMeaning(_OfContract):
    code = "STR102"
    rule = "says-nothing"
    title = "A new object does not say what it is"
    why = "an object without extends stands for itself: it needs a meaning and fields"
    bad = Example("objects/wish.v1.toml", '[fields]\nid = { type = "id", meaning = "Its id" }\n', whole=True)
    good = _object("")


class ReplacesOurs(_OfContract):
    code = "STR103"
    rule = "replaces-ours"
    title = "An object file stands in the place of one that ships"
    why = "the connectors fill the object that ships, so its fields must stay"
    bad = _extension(f'meaning = "Our order"\n[fields]\nloyalty_tier = {_TIER}', "# in place of ours")
    good = _extension(f"[fields]\nloyalty_tier = {_TIER}")


class ChangesOurs(_OfContract):
    code = "STR104"
    rule = "changes-ours"
    title = "An object file changes a field that it extends"
    why = "what others count on is not changed or taken away: fields are added, under names of their own"
    bad = _extension('[fields]\nnote = { type = "id", required = false, meaning = "Our note" }')
    good = _extension('[fields]\nour_note = { type = "id", required = false, meaning = "Our note" }')


class RequiredAddition(_OfContract):
    code = "STR105"
    rule = "required-addition"
    title = "An added field is required"
    why = "objects that were accepted before the field existed have none"
    bad = _extension('[fields]\nloyalty_tier = { type = "string", meaning = "Tier" }')
    good = _extension('[fields]\nloyalty_tier = { type = "string", required = false, meaning = "Tier" }')


class HeldObject(_OfContract):
    code = "STR106"
    rule = "no-such-object"
    title = "A list or an object holds what does not exist"
    why = "`of` names an object of the same file, or a type"
    bad = _object('parts = { type = "list", of = "strng", meaning = "Words" }')
    good = _object('parts = { type = "list", of = "string", meaning = "Words" }')


class EnumValues(_OfContract):
    code = "STR107"
    rule = "enum-values"
    title = "An enum and its values do not agree"
    why = "an enum has its values listed, and nothing else has"
    bad = _object('colour = { type = "enum", meaning = "Colour" }')
    good = _object('colour = { type = "enum", values = ["red", "blue"], meaning = "Colour" }')


class UnitOfCounted(_OfContract):
    code = "STR108"
    rule = "unit"
    title = "A unit where nothing is counted"
    why = "a quantity or a decimal counts something; money has its currency instead"
    bad = _object('size = { type = "string", unit = "cm", meaning = "Size" }')
    good = _object('size = { type = "decimal", unit = "cm", meaning = "Size" }')


class NoLoop(_OfContract):
    code = "STR109"
    rule = "loop"
    title = "An object contains itself"
    why = "objects are trees; a loop would never end"
    bad = _object('[objects.part.fields]\nwhole = { type = "object", of = "part", meaning = "The whole" }')
    good = _object('[objects.part.fields]\nwhole = { type = "id", meaning = "The whole" }')


class ExampleOfType(_OfContract):
    code = "STR110"
    rule = "example"
    title = "An example is not of its field's type"
    why = "people and tools take the example as it stands"
    bad = _object('price = { type = "amount", meaning = "Price", example = "129" }')
    good = _object('price = { type = "amount", meaning = "Price", example = "129.00 EUR" }')


class Lifetime(_OfContract):
    code = "STR111"
    rule = "lifetime"
    title = "A field's lifetime is not understood"
    why = "since is a version or a date, and what replaces a deprecated field is a field of the same object"
    bad = _object('name = { type = "string", meaning = "Name", deprecated = { since = "2", use = "idd" } }')
    good = _object('name = { type = "string", meaning = "Name", deprecated = { since = "2", use = "id" } }')


class KnownContract(Check):
    code = "STR112"
    title = "A flow moves an object that no contract describes"
    why = "without a contract nothing says which fields there are and which are personal"
    bad = Example("flows/order-to-erp.toml", 'object = "order.v7"')
    good = Example("flows/order-to-erp.toml", 'object = "order.v1"')

    def run(self, folder: Folder) -> Iterable[Finding]:
        known = {*folder.contracts.contracts, *folder.objects}
        for file in _flows_with_source(folder):
            wanted = file.value.object
            if wanted not in known:
                what = f'{subject(file)}: there is no contract "{wanted}"'
                hint = did_you_mean(wanted, known)
                yield self.finding(file, ("object",), what, next_move=hint)


class FieldName(_OfContract):
    code = "STR113"
    rule = "field-name"
    title = "A field cannot be called so"
    why = "fields are read by name in conditions, mappings and code"
    bad = _object('"Gift Note" = { type = "string", meaning = "Note" }')
    good = _object('gift_note = { type = "string", meaning = "Note" }')


class HowNew(_OfContract):
    code = "STR114"
    rule = "not-versioned"
    title = "An object does not say how new its state is"
    why = "an older state never overwrites a newer one; updated_at, a timestamp, is what tells them apart"
    bad = Example("objects/wish.v1.toml", _WHOLE.format(field="").replace("updated_at", "changed_at"), whole=True)
    good = _object("")


class HeldBySome(_OfContract):
    code = "STR115"
    rule = "unheld"
    title = "Fields are added to a nested object that does not exist"
    why = (
        "its fields would be in no document; the fields of a list's elements stand under the name that `of` gives them"
    )
    bad = _extension('[objects.lines.fields]\ngift = { type = "string", required = false, meaning = "Card" }')
    good = _extension('[objects.line.fields]\ngift = { type = "string", required = false, meaning = "Card" }')


def _flows_with_source(folder: Folder) -> Iterator[TomlFile[Flow]]:
    """Flows whose source can give their object; the others have a finding already."""
    for file in folder.flows.values():
        fact = connector_of(folder, file.value.source)
        if file.value.object and (fact is None or covers(fact.reads, file.value.object)):
            yield file
