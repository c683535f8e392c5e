"""How two versions of a contract differ, change by change, and which readers and writers a change would break."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from interlock.canonical.compatibility_rules import BY_CODE, MODES, Mode, Rule
from interlock.canonical.contract import Contract, Field

Kind = Literal[
    "added", "removed", "renamed", "retyped", "narrowed", "widened", "enum-values", "required", "nullable", "unit",
    "data-class", "object", "words",
]  # fmt: skip

# What may be read as what: a value of the first type is a value of each of the second ones.
WIDENS: Mapping[str, frozenset[str]] = {
    "quantity": frozenset({"decimal"}),
    **dict.fromkeys(("id", "country", "currency", "enum", "date", "timestamp"), frozenset({"string"})),
}
PROTECTION = ("public", "internal", "personal")


class Change(Struct, frozen=True):
    """One difference. `path` is that of the new version; `verdicts` says for backward and forward what would go wrong,
    '' when nothing would. `sentence` is what a person reads."""

    path: str
    kind: Kind
    rule: Rule
    sentence: str

    @property
    def code(self) -> str:
        """CMP001 onward; docs/reference/compatibility.md."""
        return self.rule.code

    @property
    def backward(self) -> bool:
        """Whether the new reader takes every old document, as far as this change goes."""
        return not self.rule.backward

    @property
    def forward(self) -> bool:
        """Whether the old reader takes every new document, as far as this change goes."""
        return not self.rule.forward

    def allowed(self, mode: Mode) -> bool:
        """Whether one step of `mode` allows this change."""
        return (self.backward or mode.startswith("forward")) and (self.forward or mode.startswith("backward"))


class Comparison(Struct, frozen=True):
    """All differences between two versions, in the order of the new one's fields."""

    old: str
    new: str
    changes: tuple[Change, ...]

    def allowed(self, mode: Mode) -> bool:
        """Whether these two versions may follow each other in `mode`."""
        return all(change.allowed(mode) for change in self.changes)

    def breaking(self, mode: Mode = "full") -> tuple[Change, ...]:
        """The changes that `mode` forbids."""
        return tuple(change for change in self.changes if not change.allowed(mode))

    @property
    def verdict(self) -> str:
        """In a word: full, backward, forward or none."""
        return next((mode for mode in ("full", "backward", "forward") if self.allowed(mode)), "none")


class Ladder(Struct, frozen=True):
    """Every pair of a row of versions, older with newer: `steps` are neighbours, `leaps` all others."""

    steps: tuple[Comparison, ...]
    leaps: tuple[Comparison, ...]

    def allowed(self, mode: Mode) -> bool:
        """Whether the row of versions keeps `mode`: its neighbours, and in a transitive mode every pair."""
        pairs = (*self.steps, *self.leaps) if mode.endswith("transitive") else self.steps
        return all(pair.allowed(mode) for pair in pairs)

    def verdicts(self) -> dict[Mode, bool]:
        """Each of the six modes."""
        return {mode: self.allowed(mode) for mode in MODES}


def compare(old: Contract, new: Contract, *, without: frozenset[str] = frozenset()) -> Comparison:
    """Every difference between two contracts. `without` leaves rules out by code: what a broken checker would say."""
    found = _Compared(old, new)
    return Comparison(old.key, new.key, tuple(change for change in found.changes() if change.code not in without))


def compare_ladder(versions: Sequence[Contract], *, without: frozenset[str] = frozenset()) -> Ladder:
    """Compare the versions of one object, oldest first."""
    pairs = [(at, later) for later in range(1, len(versions)) for at in range(later)]
    made = {pair: compare(versions[pair[0]], versions[pair[1]], without=without) for pair in pairs}
    steps = tuple(made[pair] for pair in pairs if pair[1] - pair[0] == 1)
    return Ladder(steps, tuple(made[pair] for pair in pairs if pair[1] - pair[0] > 1))


def widens(old: str, new: str) -> bool:
    """Whether every value of one type is also one of the other, such as a quantity where a decimal is read."""
    return new in WIDENS.get(old, ())


class _Compared:
    """Two contracts side by side."""

    def __init__(self, old: Contract, new: Contract) -> None:
        self.old = old
        self.new = new

    def changes(self) -> Iterator[Change]:
        if self.old.name != self.new.name:
            yield self._change("", "object", "CMP001", f"was {self.old.name}, is {self.new.name}")
        if self.old.meaning != self.new.meaning:
            yield self._change("", "words", "CMP019", "its meaning is said in other words")
        yield from self._shape("", "", "")

    def _shape(self, old_shape: str, new_shape: str, prefix: str) -> Iterator[Change]:
        """The fields of one object, and all below them."""
        before, after = self.old.fields_of(old_shape), self.new.fields_of(new_shape)
        names = renamed(before, after)
        for name, field in after.items():
            path = f"{prefix}{_shown(name, field)}"
            if name in before:
                yield from self._field(path, before[name], field)
            elif name in names:
                yield self._change(path, "renamed", "CMP006", f"was called {names[name]}")
                yield from self._field(path, before[names[name]], field)
            else:
                code, word = ("CMP003", "required") if field.required else ("CMP002", "optional")
                yield self._change(path, "added", code, f"is new and {word}")
        gone = before.keys() - after.keys() - set(names.values())
        for name, field in before.items():
            if name in gone:
                code, word = ("CMP005", "required") if field.required else ("CMP004", "optional")
                yield self._change(f"{prefix}{_shown(name, field)}", "removed", code, f"is gone and was {word}")

    def _field(self, path: str, old: Field, new: Field) -> Iterator[Change]:
        """One field that is in both versions, and all below it."""
        yield from self._type(path, old, new)
        yield from self._presence(path, old, new)
        yield from self._sense(path, old, new)
        if old.type == new.type and old.of in self.old.objects and new.of in self.new.objects:
            yield from self._shape(old.of, new.of, f"{path}.")

    def _type(self, path: str, old: Field, new: Field) -> Iterator[Change]:
        was, now = _kind(old, self.old), _kind(new, self.new)
        if was == now == "enum":
            yield from self._values(path, old, new)
        elif was != now:
            both_lists = old.type == new.type == "list"
            one, other = (_item(old, self.old), _item(new, self.new)) if both_lists else (was, now)
            yield self._retyped(path, f"was {was}, is {now}", one, other)

    def _retyped(self, path: str, said: str, old: str, new: str) -> Change:
        if widens(old, new):
            return self._change(path, "widened", "CMP009", said)
        if widens(new, old):
            return self._change(path, "narrowed", "CMP008", said)
        return self._change(path, "retyped", "CMP007", said)

    def _values(self, path: str, old: Field, new: Field) -> Iterator[Change]:
        added = [value for value in new.values if value not in old.values]
        removed = [value for value in old.values if value not in new.values]
        if added:
            yield self._change(path, "enum-values", "CMP010", f"{_listed(added)} may be written now")
        if removed:
            yield self._change(path, "enum-values", "CMP011", f"{_listed(removed)} may be written no more")

    def _presence(self, path: str, old: Field, new: Field) -> Iterator[Change]:
        """To a reader an optional field is one that may be null too, so `nullable` counts on required fields only."""
        if old.required != new.required:
            if new.required:
                yield self._change(path, "required", "CMP012", "was optional, is required")
            else:
                yield self._change(path, "required", "CMP013", "was required, is optional")
        elif old.nullable != new.nullable and not new.required:
            yield self._change(path, "words", "CMP019", "nullable or not, an optional field may be null")
        elif old.nullable and not new.nullable:
            yield self._change(path, "nullable", "CMP014", "was nullable, may be null no more")
        elif new.nullable and not old.nullable:
            yield self._change(path, "nullable", "CMP015", "was never null, may be null now")

    def _sense(self, path: str, old: Field, new: Field) -> Iterator[Change]:
        if old.unit != new.unit:
            yield self._change(path, "unit", "CMP016", f"was in {old.unit or 'no unit'}, is in {new.unit or 'no unit'}")
        if old.data_class != new.data_class:
            raised = PROTECTION.index(new.data_class) > PROTECTION.index(old.data_class)
            said = f"was {old.data_class}, is {new.data_class}"
            yield self._change(path, "data-class", "CMP017" if raised else "CMP018", said)
        if _words(old) != _words(new):
            yield self._change(path, "words", "CMP019", "meaning, example or deprecation are said in other words")

    def _change(self, path: str, kind: Kind, code: str, said: str) -> Change:
        rule = BY_CODE[code]
        subject = f"{self.new.key} {path}".strip()
        wrongs = " and ".join(dict.fromkeys(wrong for wrong in (rule.backward, rule.forward) if wrong))
        return Change(path, kind, rule, f"{subject}: {said}{': ' if wrongs else ''}{wrongs} ({code})")


def renamed(before: Mapping[str, Field], after: Mapping[str, Field]) -> dict[str, str]:
    """New name -> old name: declared (`renamed_from`), or alike in all but the name and the only such pair."""
    new = {name: field for name, field in after.items() if name not in before}
    old = {name: field for name, field in before.items() if name not in after}
    found = {name: field.renamed_from for name, field in new.items() if field.renamed_from in old}
    for name, field in new.items():
        alike = [was for was, other in old.items() if _same_but_for_name(field, other)]
        rivals = [other for other, rival in new.items() if _same_but_for_name(rival, field)]
        if name not in found and len(alike) == len(rivals) == 1 and alike[0] not in found.values():
            found[name] = alike[0]
    return found


def _same_but_for_name(one: Field, other: Field) -> bool:
    """The same type and the same words of what it means: a name alone has changed."""
    return _nature(one) == _nature(other) and bool(one.meaning)


def _nature(field: Field) -> tuple[object, ...]:
    return field.type, field.of, field.values, field.unit, field.meaning


def _words(field: Field) -> tuple[object, ...]:
    return field.meaning, field.example, field.since, field.deprecated


def _kind(field: Field, contract: Contract) -> str:
    """What a document holds there; the name of a nested object is not part of a document."""
    if field.type == "list":
        return f"list of {_item(field, contract)}"
    return _item(field, contract) if field.type == "object" else field.type


def _item(field: Field, contract: Contract) -> str:
    return "object" if field.of in contract.objects else field.of


def _shown(name: str, field: Field) -> str:
    return f"{name}[]" if field.type == "list" else name


def _listed(values: Sequence[str]) -> str:
    return " and ".join((", ".join(values[:-1]), values[-1])) if len(values) > 1 else values[0]
