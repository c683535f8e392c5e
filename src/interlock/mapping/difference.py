"""What is different between two documents, value by value, and such a difference as it may be shown."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import msgspec

Kind = Literal["added", "removed", "filled", "emptied", "retyped", "changed"]
"""`filled` was null and is not any more, `emptied` the other way round; `added` and `removed` are about the key itself."""

HIDDEN = "•••••"
LONGEST_SAMPLE = 60

_INDEX = re.compile(r"\[\d+\]")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ABSENT = object()


class Difference(NamedTuple):
    """One value. `path` has the place in each list: `lines[2].rate`. `old` is None where added, `new` where removed."""

    path: str
    kind: Kind
    old: Any
    new: Any

    @property
    def field(self) -> str:
        """The path for any place in its lists: `lines[].rate`."""
        return field_of(self.path)


def field_of(path: str) -> str:
    """A path without the places in its lists."""
    return _INDEX.sub("[]", path)


def differences(old_bytes: bytes, new_bytes: bytes) -> list[Difference]:
    """Every value that differs between two JSON documents, in the order of the old one, then what only the new one has.

    Keys may stand in any order; numbers are compared by their value (10.0 is 10.00), never as binary fractions; the
    elements of a list by their place. Raises msgspec.DecodeError for what is not JSON.
    """
    return list(_between_texts(old_bytes, new_bytes, ""))


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One occurrence, fit to be shown: `old` and `new` as JSON, HIDDEN where personal, "" where there is none."""

    subject: str
    path: str
    old: str
    new: str


def sample_of(subject: str, found: Difference, hide: Callable[[str, Any], bool]) -> Sample:
    """A difference as it may be shown."""
    return Sample(
        subject=subject,
        path=found.path,
        old="" if found.kind == "added" else _shown(found.path, found.old, hide),
        new="" if found.kind == "removed" else _shown(found.path, found.new, hide),
    )


def _shown(path: str, value: Any, hide: Callable[[str, Any], bool]) -> str:
    if value is not None and hide(path, value):
        return HIDDEN
    text = msgspec.json.Encoder(decimal_format="number").encode(value).decode()
    return text if len(text) <= LONGEST_SAMPLE else f"{text[: LONGEST_SAMPLE - 3]}..."


def _between_texts(old: bytes, new: bytes, path: str) -> Iterator[Difference]:
    """Members of objects whose bytes are the same need no look."""
    if old == new:
        return
    if not (old.startswith(b"{") and new.startswith(b"{")):
        yield from _between(_DECODER.decode(old), _DECODER.decode(new), path)
        return
    before, after = _MEMBERS.decode(old), _MEMBERS.decode(new)
    for name in before | after:
        below = f"{path}.{name}" if path else name
        if name in before and name in after:
            yield from _between_texts(bytes(before[name]), bytes(after[name]), below)
        else:
            yield from _between(_member(before, name), _member(after, name), below)


def _member(members: dict[str, msgspec.Raw], name: str) -> Any:
    return _DECODER.decode(members[name]) if name in members else _ABSENT


def _between(old: Any, new: Any, path: str) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in old | new:
            yield from _between(old.get(name, _ABSENT), new.get(name, _ABSENT), f"{path}.{name}" if path else name)
    elif isinstance(old, list) and isinstance(new, list):
        for at in range(max(len(old), len(new))):
            yield from _between(_at(old, at), _at(new, at), f"{path}[{at}]")
    elif old is _ABSENT:
        yield from (Difference(place, "added", None, value) for place, value in leaves(new, path))
    elif new is _ABSENT:
        yield from (Difference(place, "removed", value, None) for place, value in leaves(old, path))
    elif (kind := _kind(old, new)) is not None:
        yield Difference(path, kind, old, new)


def _at(values: list[Any], at: int) -> Any:
    return values[at] if at < len(values) else _ABSENT


def _kind(old: Any, new: Any) -> Kind | None:
    if old is None or new is None:
        return None if old is new else "filled" if old is None else "emptied"
    if type_of(old) != type_of(new):
        return "retyped"
    return None if old == new else "changed"


def type_of(value: Any) -> str:
    """The JSON type of a decoded value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else "number"


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every value below a path that is no container; an empty container is a value of its own."""
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from leaves(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for at, member in enumerate(value):
            yield from leaves(member, f"{path}[{at}]")
    else:
        yield path, value
