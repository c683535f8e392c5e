"""From parsed TOML to a struct of the model, collecting every problem of shape instead of stopping at the first.

What is wrong is left out and stands as its default, or blank, so that the checks can go on with the rest of the file.
"""

import operator
import re
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct, inspect

from interlock.strategy.model import Flow, System, Team
from interlock.strategy.positions import Path

NAMED_BY_PLACE: tuple[type[Struct], ...] = (Team, System, Flow)
"""Structs whose `name` is the file's or the table's, and is not written inside."""

T = TypeVar("T", bound=Struct)

_WORDS = {
    str: "text", bool: "true or false", int: "a whole number", float: "a number", list: "a list", dict: "a table",
}  # fmt: skip


class Problem(NamedTuple):
    """`kind` is unknown-key, missing-key, wrong-type or bad-value; `known` are the names that would have been right."""

    kind: str
    path: Path
    detail: str
    known: tuple[str, ...] = ()


def decode(kind: type[T], data: dict[str, Any], name: str = "") -> tuple[T, list[Problem]]:
    """An instance of `kind` (with `name` from its place) and everything that is wrong with `data`."""
    decoder = _Decoder()
    return decoder.struct(_described(kind), data, (), name), decoder.problems


def decode_large(kind: type[T], data: dict[str, Any]) -> tuple[T, list[Problem]]:
    """The same for a file of thousands of tables: at once where nothing is wrong, value by value only to tell what is."""
    try:
        return msgspec.convert(data, kind), []
    except msgspec.ValidationError:
        return decode(kind, data)


def decode_tables(kind: type[T], data: dict[str, Any], names: Any = str) -> tuple[dict[str, T], list[Problem]]:
    """The same for a file that is a table of tables of one kind; `names` is what the tables may be called."""
    decoder = _Decoder()
    return decoder.value(_described(dict[names, kind]), data, ()), decoder.problems  # type: ignore[valid-type]


@cache
def _described(kind: Any) -> inspect.Type:
    """What msgspec says of a type; asking it costs as much as decoding a file."""
    return inspect.type_info(kind)


def word_for(value: object) -> str:
    """What a TOML value is, in words: `text`, `a whole number`, `a date`."""
    return _WORDS.get(type(value), "a date or time")


@cache
def written_fields(kind: type[Struct]) -> tuple[inspect.Field, ...]:
    """The fields that a person writes for `kind`."""
    described = _described(kind)
    if not isinstance(described, inspect.StructType):
        raise TypeError(kind)
    return tuple(field for field in described.fields if not (kind in NAMED_BY_PLACE and field.name == "name"))


class _Decoder:
    """Walks value and type together. Each method returns the value to use, good or stood in for."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def struct(self, kind: inspect.Type, data: dict[str, Any], path: Path, name: str) -> Any:
        assert isinstance(kind, inspect.StructType)
        fields = written_fields(kind.cls)
        known = tuple(field.encode_name for field in fields)
        for key in data.keys() - set(known):
            self._add("unknown-key", (*path, key), "", known)
        given = {"name": name} if kind.cls in NAMED_BY_PLACE else {}
        for field in fields:
            given[field.name] = self._field(field, data, path)
        return kind.cls(**given)

    def _field(self, field: inspect.Field, data: dict[str, Any], path: Path) -> Any:
        there = (*path, field.encode_name)
        if field.encode_name in data:
            value = self.value(field.type, data[field.encode_name], there)
            return value if value is not _LEFT_OUT else _stand_in(field)
        if field.required:
            self._add("missing-key", there, field.encode_name)
        return _stand_in(field)

    def value(self, kind: inspect.Type, value: Any, path: Path) -> Any:
        """The value when it fits the type, `_LEFT_OUT` when it does not."""
        kind = bare(kind)
        if isinstance(kind, inspect.AnyType):
            return value
        if isinstance(kind, inspect.UnionType):
            kind = _member_for(kind, value)
        handler = _HANDLERS.get(type(kind))
        if handler is None:
            raise TypeError(f"the model uses a type that is not written in TOML: {kind}")
        return handler(self, kind, value, path)

    def table(self, kind: inspect.StructType, value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            return self._wrong_type("a table", value, path)
        return self.struct(kind, value, path, str(path[-1]))

    def mapping(self, kind: inspect.DictType, value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            return self._wrong_type("a table", value, path)
        self._in_bounds(kind, len(value), "entries", path)
        good = {}
        for key, item in value.items():
            if self.value(kind.key_type, key, (*path, key)) is not _LEFT_OUT:
                good[key] = self.value(kind.value_type, item, (*path, key))
        return {key: item for key, item in good.items() if item is not _LEFT_OUT}

    def array(self, kind: inspect.ListType, value: Any, path: Path) -> Any:
        if not isinstance(value, list):
            return self._wrong_type("a list", value, path)
        self._in_bounds(kind, len(value), "entries", path)
        items = (self.value(kind.item_type, item, (*path, index)) for index, item in enumerate(value))
        return [item for item in items if item is not _LEFT_OUT]

    def fixed(self, kind: inspect.VarTupleType, value: Any, path: Path) -> Any:
        found = self.array(inspect.ListType(kind.item_type, kind.min_length, kind.max_length), value, path)
        return found if found is _LEFT_OUT else tuple(found)

    def choice(self, kind: inspect.LiteralType, value: Any, path: Path) -> Any:
        if not isinstance(value, str):
            return self._wrong_type("text", value, path)
        if value in kind.values:
            return value
        return self._add("bad-value", path, f'"{value}" is not one of the choices', tuple(map(str, kind.values)))

    def text(self, kind: inspect.StrType, value: Any, path: Path) -> Any:
        if not isinstance(value, str):
            return self._wrong_type("text", value, path)
        if not self._in_bounds(kind, len(value), "characters", path):
            return _LEFT_OUT
        if kind.pattern and not re.search(kind.pattern, value):
            return self._add("bad-value", path, f'"{value}" does not match {kind.pattern}')
        return value

    def flag(self, _: inspect.BoolType, value: Any, path: Path) -> Any:
        return value if isinstance(value, bool) else self._wrong_type("true or false", value, path)

    def whole(self, kind: inspect.IntType, value: Any, path: Path) -> Any:
        if not isinstance(value, int) or isinstance(value, bool):
            return self._wrong_type("a whole number", value, path)
        return value if self._in_range(kind, value, path) else _LEFT_OUT

    def number(self, kind: inspect.FloatType, value: Any, path: Path) -> Any:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return self._wrong_type("a number", value, path)
        return float(value) if self._in_range(kind, value, path) else _LEFT_OUT

    def moment(self, _: inspect.DateTimeType, value: Any, path: Path) -> Any:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value
        return self._wrong_type("a date and time with its offset, as 2026-12-01T12:00:00Z", value, path)

    def day(self, _: inspect.DateType, value: Any, path: Path) -> Any:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        return self._wrong_type("a date, as 2026-12-01", value, path)

    def _in_range(self, kind: inspect.IntType | inspect.FloatType, value: float, path: Path) -> bool:
        bounds = (
            (kind.ge, operator.ge, "at least"),
            (kind.gt, operator.gt, "more than"),
            (kind.le, operator.le, "at most"),
            (kind.lt, operator.lt, "less than"),
        )
        broken = [
            f"{words} {limit:,}" for limit, holds, words in bounds if limit is not None and not holds(value, limit)
        ]
        if broken:
            self._add("bad-value", path, f"{value:,} must be {' and '.join(broken)}")
        return not broken

    def _in_bounds(self, kind: Any, size: int, unit: str, path: Path) -> bool:
        if kind.min_length and size < kind.min_length:
            self._add("bad-value", path, f"it has {size} {unit}, and at least {kind.min_length} must be there")
        elif kind.max_length is not None and size > kind.max_length:
            self._add("bad-value", path, f"it has {size:,} {unit}, and at most {kind.max_length:,} may be there")
        else:
            return True
        return False

    def _wrong_type(self, expected: str, value: Any, path: Path) -> Any:
        return self._add("wrong-type", path, f"expected {expected}, found {word_for(value)}")

    def _add(self, kind: str, path: Path, detail: str, known: tuple[str, ...] = ()) -> Any:
        self.problems.append(Problem(kind, path, detail, known))
        return _LEFT_OUT


_LEFT_OUT: Any = object()
_HANDLERS: dict[type, Callable[[_Decoder, Any, Any, Path], Any]] = {
    inspect.StructType: _Decoder.table,
    inspect.DictType: _Decoder.mapping,
    inspect.ListType: _Decoder.array,
    inspect.VarTupleType: _Decoder.fixed,
    inspect.LiteralType: _Decoder.choice,
    inspect.StrType: _Decoder.text,
    inspect.BoolType: _Decoder.flag,
    inspect.IntType: _Decoder.whole,
    inspect.FloatType: _Decoder.number,
    inspect.DateTimeType: _Decoder.moment,
    inspect.DateType: _Decoder.day,
}
_MEANT_FOR: dict[type, type[inspect.Type]] = {
    list: inspect.ListType, int: inspect.IntType, bool: inspect.BoolType, str: inspect.LiteralType,
}  # fmt: skip
_BLANKS: dict[type, Any] = {inspect.StrType: "", inspect.LiteralType: "", inspect.ListType: [], inspect.DictType: {}}


def bare(kind: inspect.Type) -> inspect.Type:
    """The type without its bounds and description."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind


def _member_for(kind: inspect.UnionType, value: Any) -> inspect.Type:
    """The member that a value of this Python type is meant for; the first one when none is."""
    members = [bare(member) for member in kind.types if not isinstance(member, inspect.NoneType)]
    wanted = _MEANT_FOR.get(type(value))
    return next((member for member in members if type(member) is wanted), members[0])


def _stand_in(field: inspect.Field) -> Any:
    """The default, else a blank that the checks pass over."""
    if field.default is not msgspec.NODEFAULT:
        return field.default
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return _BLANKS.get(type(bare(field.type)))
