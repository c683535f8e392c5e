"""A contract's fields as frozen msgspec structs: what mappings build and flows read by attribute."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from interlock.canonical.field import HOLDERS, SCALARS, ContractFile, Field


def structs_of(file: ContractFile) -> dict[str, type[Struct]]:
    """The struct of each nested object by name, and that of the object itself under "". The file must be without loops."""
    done: dict[str, type[Struct]] = {}

    def build(shape: str) -> type[Struct]:
        if shape not in done:
            fields = file.fields_of(shape)
            nested = {field.of: build(field.of) for field in fields.values() if field.of in file.objects}
            members = [_member(name, field, nested) for name, field in by_need(fields).items()]
            title = "".join(word.title() for word in (shape or file.name).split("_"))
            done[shape] = msgspec.defstruct(title, members, frozen=True, gc=False)
        return done[shape]

    build("")
    return done


def by_need(fields: Mapping[str, Field]) -> dict[str, Field]:
    """The fields as a struct takes them by position: required ones first. By keyword, 30 fields take five times as long."""
    return dict(sorted(fields.items(), key=lambda item: not item[1].required))


def python_type(field: Field, nested: Mapping[str, type[Struct]]) -> Any:
    """The Python type of a value that is not None."""
    if field.type == "enum":
        return Literal[field.values]
    if field.type in HOLDERS:
        inner: Any = nested.get(field.of) or SCALARS[field.of]
        return tuple[inner, ...] if field.type == "list" else inner  # a type made at run time
    return SCALARS[field.type]


def _member(name: str, field: Field, nested: Mapping[str, type[Struct]]) -> Any:
    kind = python_type(field, nested)
    if field.may_be_none:
        kind = kind | None
    return (name, kind) if field.required else (name, kind, None)
