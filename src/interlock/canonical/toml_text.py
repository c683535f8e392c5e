"""A contract as the TOML of its file, with all that it extends: what the next version begins from.

`renamed_from` is about the version before, and is not carried on.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from interlock.canonical.contract import Contract, Field

ORDER = ("type", "of", "values", "unit", "required", "nullable", "class", "since", "deprecated", "meaning", "example")


def toml_text(contract: Contract) -> str:
    """The text of objects/NAME.vN.toml; name and version are the file's name."""
    return "\n".join(_lines(contract)) + "\n"


def _lines(contract: Contract) -> Iterator[str]:
    yield f"meaning = {_value(contract.meaning)}"
    yield from ("", "[fields]")
    yield from _fields(contract.fields)
    for name, shape in contract.objects.items():
        yield from ("", f"[objects.{name}]")
        if shape.meaning:
            yield f"meaning = {_value(shape.meaning)}"
        yield f"[objects.{name}.fields]"
        yield from _fields(shape.fields)


def _fields(fields: Mapping[str, Field]) -> Iterator[str]:
    for name, field in fields.items():
        said = {"class": field.data_class, **msgspec.to_builtins(field)}
        yield f"{name} = {_value({key: said[key] for key in ORDER if key in said})}"


def _value(value: Any) -> str:
    """As TOML on one line: its strings are those of JSON."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_value(each)}' for key, each in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False)
