"""What can be wrong in a contract's file beyond its shape: each rule finds every place where it is broken.

The loader of the strategy folder turns these into findings with file and line (interlock.strategy.checks.contracts).
"""

import difflib
import keyword
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from interlock.canonical.example import HOW, fits
from interlock.canonical.field import COUNTED, HOLDERS, SCALARS, ContractFile, Field

Path = tuple[str | int, ...]

FIELD_NAME = re.compile(r"[a-z][a-z0-9_]*")
SINCE = re.compile(r"[1-9]\d*|\d{4}-\d{2}-\d{2}")


class Problem(NamedTuple):
    """One mistake: the rule's name, where it stands in the file, what is wrong and the next move."""

    rule: str
    path: Path
    what: str
    next_move: str = ""


class Place(NamedTuple):
    """A field of a file: the nested object it is in ("" for the object itself), its name, and where it is written."""

    shape: str
    name: str
    field: Field

    @property
    def path(self) -> Path:
        return ("objects", self.shape, "fields", self.name) if self.shape else ("fields", self.name)

    @property
    def words(self) -> str:
        return f"{self.shape}.{self.name}" if self.shape else self.name


def problems_of(own: ContractFile, whole: ContractFile) -> Iterator[Problem]:
    """Everything wrong with the fields of `own`; `whole` is the same file with what it extends."""
    for place in places(own):
        for rule in (_name, _held, _values, _unit, _example, _lifetime):
            yield from rule(place, whole)
    yield from _object_names(own)
    yield from _loops(own, whole)


def additions(own: ContractFile, base: ContractFile, *, in_place: bool) -> Iterator[Problem]:
    """What a file that extends may not do: change what is there; add to what is not there; in place, also ask for what
    older objects lack."""
    for place in places(own):
        taken = base.fields_of(place.shape)
        if place.name in taken:
            what = f"{place.words} is a field of {base.key} already"
            yield Problem("changes-ours", place.path, what, "give your field a name of its own")
        elif in_place and place.field.required and (not place.shape or place.shape in base.objects):
            yield Problem("required-addition", place.path, f"{place.words} is required", "add required = false")
    held = {place.field.of for place in places(own)}
    for shape in own.objects:
        if shape not in base.objects and shape not in held:
            hint = near(shape, base.objects) or f'add a field with type = "object" and of = "{shape}"'
            what = f'{base.key} has no object "{shape}", and no field that is added holds one'
            yield Problem("unheld", ("objects", shape), what, hint)


def places(file: ContractFile) -> Iterator[Place]:
    """Every field that a file writes."""
    for name, field in file.fields.items():
        yield Place("", name, field)
    for shape, body in file.objects.items():
        for name, field in body.fields.items():
            yield Place(shape, name, field)


def near(word: str, known: Iterable[str]) -> str:
    """`did you mean "...?"`, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f'did you mean "{close[0]}"?' if close else ""


def _name(place: Place, _: ContractFile) -> Iterator[Problem]:
    if not FIELD_NAME.fullmatch(place.name) or keyword.iskeyword(place.name):
        hint = "use lower-case letters, digits and _; no word of Python such as class or from"
        yield Problem("field-name", place.path, f'"{place.words}" cannot be the name of a field', hint)


def _object_names(own: ContractFile) -> Iterator[Problem]:
    for shape in own.objects:
        if shape in SCALARS or shape in HOLDERS or not FIELD_NAME.fullmatch(shape):
            why = "a type is called so" if FIELD_NAME.fullmatch(shape) else "use lower-case letters, digits and _"
            yield Problem("field-name", ("objects", shape), f'"{shape}" cannot be the name of an object', why)


def _held(place: Place, whole: ContractFile) -> Iterator[Problem]:
    field = place.field
    if field.type in HOLDERS:
        if field.of not in whole.objects and field.of not in SCALARS:
            hint = near(field.of, [*whole.objects, *SCALARS]) or f"add [objects.{field.of or 'NAME'}.fields]"
            what = f'{place.words} is a {field.type} of "{field.of}", and there is no such object'
            yield Problem("no-such-object", (*place.path, "of"), what, hint)
    elif field.of:
        yield Problem(
            "no-such-object", (*place.path, "of"), f"{place.words} is a {field.type} and holds nothing", "take `of` out"
        )


def _values(place: Place, _: ContractFile) -> Iterator[Problem]:
    field = place.field
    path = (*place.path, "values")
    if field.type == "enum" and not field.values:
        yield Problem("enum-values", path, f"{place.words} is an enum without values", 'add values = ["...", "..."]')
    elif field.type and field.type != "enum" and field.values:
        yield Problem("enum-values", path, f"{place.words} is a {field.type} and has values", 'use type = "enum"')
    elif len(set(field.values)) < len(field.values):
        yield Problem("enum-values", path, f"{place.words} lists a value twice", "keep one")


def _unit(place: Place, _: ContractFile) -> Iterator[Problem]:
    field = place.field
    if field.unit and field.type and field.type not in COUNTED:
        what = f"{place.words} is a {field.type}, and only a quantity or a decimal has a unit"
        yield Problem("unit", (*place.path, "unit"), what, "take the unit out; money has its currency")


def _example(place: Place, _: ContractFile) -> Iterator[Problem]:
    field = place.field
    if field.type and not fits(field):
        how = HOW.get(field.scalar, "") and f"write {HOW[field.scalar]}"
        what = f"the example of {place.words} is not of its type ({field.type})"
        yield Problem("example", (*place.path, "example"), what, how or "take it out; the fields inside have examples")


def _lifetime(place: Place, whole: ContractFile) -> Iterator[Problem]:
    field = place.field
    ended = field.deprecated
    for path, since in ((("since",), field.since), (("deprecated", "since"), ended.since if ended else "")):
        if since and not SINCE.fullmatch(since):
            what = f'{place.words}: "{since}" is neither a version nor a date'
            yield Problem("lifetime", (*place.path, *path), what, 'write since = "2" or since = "2026-11-23"')
    if ended and ended.use:
        known = whole_paths(whole)
        if ended.use not in known:
            what = f'{place.words} is replaced by "{ended.use}", and there is no such field'
            yield Problem("lifetime", (*place.path, "deprecated", "use"), what, near(ended.use, known))


def _loops(own: ContractFile, whole: ContractFile) -> Iterator[Problem]:
    """Objects are trees. Each loop is told once, at the field that closes it."""
    told: set[Path] = set()
    written = {place.path for place in places(own)}

    def walk(shape: str, above: tuple[str, ...]) -> Iterator[Problem]:
        for name, field in whole.fields_of(shape).items():
            if field.of in (*above, shape) and field.of in whole.objects:
                place = Place(shape, name, field)
                if place.path in written and place.path not in told:
                    told.add(place.path)
                    what = f"object {field.of!r} contains itself, by {place.words}"
                    yield Problem("loop", (*place.path, "of"), what, "hold its id instead of the object")
            elif field.of in whole.objects:
                yield from walk(field.of, (*above, shape))

    for shape in ("", *own.objects):
        yield from walk(shape, ())


def whole_paths(file: ContractFile) -> dict[str, Field]:
    """Every path of the object with its field: `id`, `lines[]`, `lines[].sku`. A loop is followed once round."""
    return dict(_walk(file, "", "", ()))


def _walk(file: ContractFile, shape: str, prefix: str, above: tuple[str, ...]) -> Iterator[tuple[str, Field]]:
    for name, field in file.fields_of(shape).items():
        path = f"{prefix}{name}" + ("[]" if field.type == "list" else "")
        yield path, field
        if field.of in file.objects and field.of not in above:
            yield from _walk(file, field.of, f"{path}.", (*above, field.of))
