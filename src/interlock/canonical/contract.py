"""The schema language: a TOML file says what an object is; it compiles once to frozen msgspec structs.

name = "order"
version = 1
meaning = "What a customer bought"

[fields]
id = { type = "id", class = "internal", meaning = "...", example = "820982911946154508" }
lines = { type = "list", of = "line", meaning = "..." }

[objects.line.fields]
sku = { type = "string", nullable = true, meaning = "..." }
"""

import datetime as dt
import difflib
import importlib.resources
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from interlock.canonical.money import MoneyPair
from interlock.errors import InterlockError

FieldType = Literal[
    "string", "id", "decimal", "money", "quantity", "date", "timestamp", "country", "currency", "enum", "boolean",
    "list", "object",
]  # fmt: skip
DataClass = Literal["public", "internal", "personal"]

SCALARS: Mapping[str, Any] = {
    "string": str,
    "id": str,
    "decimal": Decimal,
    "money": MoneyPair,
    "quantity": int,
    "date": dt.date,
    "timestamp": Annotated[dt.datetime, Meta(tz=True)],
    "country": Annotated[str, Meta(min_length=2, max_length=2)],
    "currency": Annotated[str, Meta(min_length=3, max_length=3)],
    "boolean": bool,
}


class ContractError(InterlockError):
    """A contract file is wrong; `where` is the file and the field."""

    default_code = "CON001"


class Deprecation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why a field should not be used any more: since which version or date, and what takes its place."""

    since: str
    use: str = ""


class Field(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One field of a contract. `of` names the nested object (type object), or the object or scalar in a list."""

    type: FieldType
    meaning: str
    required: bool = True
    nullable: bool = False
    data_class: DataClass = msgspec.field(name="class", default="internal")
    values: tuple[str, ...] = ()
    of: str = ""
    unit: str = ""
    example: str | int | bool | None = None
    since: str = ""
    deprecated: Deprecation | None = None

    @property
    def may_be_none(self) -> bool:
        return self.nullable or not self.required


class ObjectShape(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of one nested object."""

    fields: dict[str, Field]
    meaning: str = ""


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    version: int
    meaning: str
    fields: dict[str, Field]
    objects: dict[str, ObjectShape] = {}


class Contract:
    """One version of one object: `contract.struct` is the msgspec type, with attribute access."""

    def __init__(self, file: _File, file_name: str) -> None:
        self.name = file.name
        self.version = file.version
        self.meaning = file.meaning
        self.fields = file.fields
        self.objects = file.objects
        self.file_name = file_name
        self.structs = _structs(self)
        self.struct: type[Struct] = self.structs[""]

    @property
    def key(self) -> str:
        return f"{self.name}.v{self.version}"

    def fields_of(self, shape: str) -> dict[str, Field]:
        """The fields of a nested object, or of the object itself for ""."""
        return self.objects[shape].fields if shape else self.fields

    def field(self, path: str) -> Field:
        """The field at a path such as `lines[].sku`. ContractError names the nearest existing one."""
        shape, field = "", None
        for name in path.replace("[]", "").split("."):
            field = self.fields_of(shape).get(name) if field is None or field.of in self.objects else None
            if field is None:
                raise ContractError(
                    f"{self.key} has no field {path!r}", where=self.file_name, next_move=self.nearest(path)
                )
            shape = field.of if field.of in self.objects else ""
        assert field is not None  # split() yields at least one name
        return field

    def nearest(self, path: str) -> str:
        close = difflib.get_close_matches(path, list(self.paths()), n=1, cutoff=0.5)
        return f"did you mean {close[0]!r}?" if close else "see docs/reference/mapping.md for the fields"

    def paths(self) -> dict[str, Field]:
        """Every path of the object with its field: `id`, `lines[]`, `lines[].sku` ..."""
        return dict(self._walk("", ""))

    def personal_paths(self) -> tuple[str, ...]:
        """Paths of the fields that hold personal data; what redaction and exports go by."""
        return tuple(path for path, field in self.paths().items() if field.data_class == "personal")

    def _walk(self, shape: str, prefix: str) -> Iterator[tuple[str, Field]]:
        for name, field in self.fields_of(shape).items():
            path = f"{prefix}{name}" + ("[]" if field.type == "list" else "")
            yield path, field
            if field.of in self.objects:
                yield from self._walk(field.of, f"{path}.")


def parse_contract(text: str, file_name: str = "contract.toml") -> Contract:
    """Read a contract. ContractError says the file and the path of what is wrong."""
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ContractError("the contract cannot be read", where=file_name, why=str(error)) from error
    for where, field in _all_fields(file):
        _check(file, field, f"{file_name} {where}")
    return Contract(file, file_name)


@cache
def load_contracts() -> Mapping[str, Contract]:
    """The contracts that ship with Interlock, by key such as `order.v1`."""
    folder = importlib.resources.files("interlock.canonical") / "objects"
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    found = [parse_contract(file.read_text("utf-8"), file.name) for file in files if file.name.endswith(".toml")]
    return {contract.key: contract for contract in found}


def _all_fields(file: _File) -> Iterator[tuple[str, Field]]:
    for name, field in file.fields.items():
        yield f"fields.{name}", field
    for shape, body in file.objects.items():
        for name, field in body.fields.items():
            yield f"objects.{shape}.fields.{name}", field


def _check(file: _File, field: Field, where: str) -> None:
    if field.type in {"list", "object"} and field.of not in file.objects and field.of not in SCALARS:
        near = difflib.get_close_matches(field.of, [*file.objects, *SCALARS], n=1)
        raise ContractError(
            f"{field.type} of {field.of!r}: there is no such object",
            where=where,
            next_move=f"did you mean {near[0]!r}?" if near else f"add [objects.{field.of or 'NAME'}.fields]",
        )
    if field.type == "enum" and not field.values:
        raise ContractError("an enum needs its values", where=where, next_move='add values = ["...", "..."]')


def _structs(contract: Contract) -> dict[str, type[Struct]]:
    """Compile nested objects first, in order of need; an object that contains itself is refused."""
    done: dict[str, type[Struct]] = {}

    def build(shape: str, above: tuple[str, ...]) -> type[Struct]:
        if shape in above:
            raise ContractError(f"object {shape!r} contains itself", where=contract.file_name)
        if shape not in done:
            fields = contract.fields_of(shape)
            nested = {f.of: build(f.of, (*above, shape)) for f in fields.values() if f.of in contract.objects}
            members = [_member(name, field, nested) for name, field in by_need(fields).items()]
            title = "".join(word.title() for word in (shape or contract.name).split("_"))
            done[shape] = msgspec.defstruct(title, members, frozen=True, gc=False)
        return done[shape]

    build("", ())
    return done


def by_need(fields: Mapping[str, Field]) -> dict[str, Field]:
    """The fields as a struct takes them by position: required ones first. By keyword, 30 fields take five times as long."""
    return dict(sorted(fields.items(), key=lambda item: not item[1].required))


def _member(name: str, field: Field, nested: Mapping[str, type[Struct]]) -> Any:
    kind = python_type(field, nested)
    if field.may_be_none:
        kind = kind | None
    return (name, kind) if field.required else (name, kind, None)


def python_type(field: Field, nested: Mapping[str, type[Struct]]) -> Any:
    """The Python type of a value that is not None."""
    if field.type == "enum":
        return Literal[field.values]
    if field.type in {"list", "object"}:
        inner: Any = nested.get(field.of) or SCALARS[field.of]
        return tuple[inner, ...] if field.type == "list" else inner  # a type made at run time
    return SCALARS[field.type]
