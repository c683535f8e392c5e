"""What a contract's file may say: fields with their type, need, data class and meaning, and nested objects of them."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from interlock.canonical.money import Money, MoneyPair

FieldType = Literal[
    "string", "id", "decimal", "money", "amount", "quantity", "date", "timestamp", "country", "currency", "enum",
    "boolean", "list", "object",
]  # fmt: skip
DataClass = Literal["public", "internal", "personal"]

SCALARS: Mapping[str, Any] = {
    "string": str,
    "id": str,
    "decimal": Decimal,
    "money": MoneyPair,
    "amount": Money,
    "quantity": int,
    "date": dt.date,
    "timestamp": Annotated[dt.datetime, Meta(tz=True)],
    "country": Annotated[str, Meta(min_length=2, max_length=2)],
    "currency": Annotated[str, Meta(min_length=3, max_length=3)],
    "boolean": bool,
}
"""The Python type of each type that holds one value. `money` is in shop and presentment currency, `amount` in one."""

COUNTED = frozenset({"quantity", "decimal"})
"""Types that may have a unit."""
HOLDERS = frozenset({"list", "object"})
"""Types that hold others, named by `of`."""


class Deprecation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why a field should not be used any more: since which version or date, and which field takes its place."""

    since: Annotated[str, Meta(description="The contract's version (`2`) or the date (`2026-11-23`).")]
    use: Annotated[str, Meta(description="Path of the field to use instead; empty when there is none.")] = ""


class Field(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One field of a contract."""

    type: Annotated[FieldType, Meta(description="What the value is.")]
    meaning: Annotated[str, Meta(description="What it says, for people.")]
    required: Annotated[bool, Meta(description="False: the field may be left out, and is then null.")] = True
    nullable: Annotated[bool, Meta(description="True: the value may be null.")] = False
    data_class: Annotated[
        DataClass, Meta(description="Who may see it: personal data is masked, redacted and never logged.")
    ] = msgspec.field(name="class", default="internal")
    values: Annotated[tuple[str, ...], Meta(description="The values of an enum.")] = ()
    of: Annotated[str, Meta(description="The nested object (type object), or the object or type in a list.")] = ""
    unit: Annotated[str, Meta(description="What a quantity or a decimal counts: `piece`, `g`, `percent`.")] = ""
    example: Annotated[
        str | int | bool | None,
        Meta(description="A value as it may come; money as `129.00 EUR`, of a list one element."),
    ] = None
    since: Annotated[
        str, Meta(description="The contract's version or the date that brought it; empty: from the start.")
    ] = ""
    renamed_from: Annotated[str, Meta(description="The field's name in the version before.")] = ""
    deprecated: Annotated[Deprecation, Meta(description="That it should not be used any more.")] | None = None

    @property
    def may_be_none(self) -> bool:
        return self.nullable or not self.required

    @property
    def scalar(self) -> str:
        """The type of the one value, or of each value of a list; "" where objects are held."""
        kind = self.of if self.type == "list" else self.type
        return kind if kind in SCALARS or kind == "enum" else ""


class ObjectShape(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of one nested object."""

    fields: Annotated[dict[str, Field], Meta(description="Its fields by name, each with the keys above.")]
    meaning: Annotated[str, Meta(description="What the nested object is.")] = ""


class ContractFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """objects/NAME.vN.toml: one version of one object. Name and version are the file's own; a file may repeat them."""

    name: Annotated[str, Meta(description="The object; the same as in the file's name.")] = ""
    version: Annotated[int, Meta(ge=0, description="Its version; the same as in the file's name.")] = 0
    extends: Annotated[
        str, Meta(description="The contract that this one adds fields to (`order.v1`); empty: an object of its own.")
    ] = ""
    meaning: Annotated[str, Meta(description="What the object is.")] = ""
    fields: Annotated[dict[str, Field], Meta(description="Its fields by name.")] = {}
    objects: Annotated[dict[str, ObjectShape], Meta(description="Its nested objects by name.")] = {}

    @property
    def key(self) -> str:
        return f"{self.name}.v{self.version}"

    def fields_of(self, shape: str) -> dict[str, Field]:
        """The fields of a nested object, or of the object itself for "". A nested object that is not there has none."""
        if not shape:
            return self.fields
        return self.objects[shape].fields if shape in self.objects else {}


def named(file: ContractFile, stem: str) -> ContractFile:
    """The file with the name and version that its file name says (`order.v1`), where it says none itself."""
    name, _, version = stem.rpartition(".v")
    return msgspec.structs.replace(
        file, name=file.name or name, version=file.version or (int(version) if version.isdecimal() else 0)
    )
