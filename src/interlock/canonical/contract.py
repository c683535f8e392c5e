"""The schema language: a TOML file says what an object is; it compiles once to frozen msgspec structs.

name = "order"
version = 1
meaning = "What a customer bought"

[fields]
id = { type = "id", class = "internal", meaning = "...", example = "820982911946154508" }
lines = { type = "list", of = "line", meaning = "..." }

[objects.line.fields]
sku = { type = "string", nullable = true, meaning = "..." }

interlock.canonical.field has every key; interlock.canonical.rules what can be wrong.
"""

import difflib
import importlib.resources
import tomllib
from collections.abc import Mapping
from functools import cache, cached_property

import msgspec
from msgspec import Struct

from interlock.canonical.field import (
    SCALARS,
    ContractFile,
    DataClass,
    Deprecation,
    Field,
    FieldType,
    ObjectShape,
    named,
)
from interlock.canonical.rules import problems_of, whole_paths
from interlock.canonical.structs import by_need, python_type, structs_of
from interlock.errors import InterlockError

__all__ = [
    "SCALARS", "Contract", "ContractError", "ContractFile", "DataClass", "Deprecation", "Field", "FieldType",
    "ObjectShape", "by_need", "load_contracts", "parse_contract", "python_type", "starter_texts",
]  # fmt: skip


class ContractError(InterlockError):
    """A contract file is wrong; `where` is the file and the field."""

    default_code = "CON001"


class Contract:
    """One version of one object: `contract.struct` is the msgspec type, with attribute access.

    `extends` names the contract that it adds fields to, and `base` is what that one says.
    """

    def __init__(
        self, file: ContractFile, file_name: str, *, extends: str = "", base: ContractFile | None = None
    ) -> None:
        self.file = file
        self.name = file.name
        self.version = file.version
        self.meaning = file.meaning
        self.fields = file.fields
        self.objects = file.objects
        self.file_name = file_name
        self.extends = extends
        self.base = base

    @cached_property
    def structs(self) -> dict[str, type[Struct]]:
        """The struct of each nested object by name, and the object's own under ""."""
        return structs_of(self.file)

    @property
    def struct(self) -> type[Struct]:
        return self.structs[""]

    @property
    def key(self) -> str:
        return f"{self.name}.v{self.version}"

    def fields_of(self, shape: str) -> dict[str, Field]:
        """The fields of a nested object, or of the object itself for ""."""
        return self.objects[shape].fields if shape else self.fields

    def added_fields(self, shape: str) -> frozenset[str]:
        """The names of the fields that are not in what this contract extends."""
        before = self.base.fields_of(shape) if self.base else self.fields_of(shape)
        return frozenset(self.fields_of(shape).keys() - before.keys())

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
        return f"did you mean {close[0]!r}?" if close else f"see its fields with: interlock contracts {self.key}"

    def paths(self) -> dict[str, Field]:
        """Every path of the object with its field: `id`, `lines[]`, `lines[].sku` ..."""
        return whole_paths(self.file)

    def personal_paths(self) -> tuple[str, ...]:
        """Paths of the fields that hold personal data; what redaction and exports go by."""
        return tuple(path for path, field in self.paths().items() if field.data_class == "personal")


def parse_contract(text: str, file_name: str = "contract.toml") -> Contract:
    """Read a contract. ContractError says the file and the path of what is wrong."""
    try:
        file = msgspec.convert(tomllib.loads(text), ContractFile)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ContractError("the contract cannot be read", where=file_name, why=str(error)) from error
    file = named(file, file_name.rpartition("/")[2].removesuffix(".toml"))
    for problem in problems_of(file, file):
        place = ".".join(map(str, problem.path))
        raise ContractError(problem.what, where=f"{file_name} {place}", next_move=problem.next_move)
    return Contract(file, file_name)


@cache
def load_contracts() -> Mapping[str, Contract]:
    """The contracts that ship with Interlock, by key such as `order.v1`."""
    found = [parse_contract(text, name) for name, text in starter_texts().items()]
    return {contract.key: contract for contract in found}


def starter_texts() -> dict[str, str]:
    """The files of the contracts that ship, by file name."""
    folder = importlib.resources.files("interlock.canonical") / "objects"
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return {file.name: file.read_text("utf-8") for file in files if file.name.endswith(".toml")}
