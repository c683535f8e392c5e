"""The shape of a document: which names its objects have, and of which JSON types their values are; never a value.

`{"": {"id": NUMBER, "lines": ARRAY}, "lines": {"[]": OBJECT}, "lines[]": {"sku": STRING | NULL}}` is an order with a
list of lines. Each name is told by the object that holds it, so that it can be missed only where its holder was there.
"""

from typing import Any

import msgspec

NULL, BOOLEAN, NUMBER, STRING, OBJECT, ARRAY = 1, 2, 4, 8, 16, 32

WORDS = {BOOLEAN: "boolean", NUMBER: "number", STRING: "text", OBJECT: "object", ARRAY: "list", NULL: "null"}
ELEMENT = "[]"
"""The name that the elements of a list go by."""

MOST_ELEMENTS = 50
"""The first elements of a list say how the others look."""

_TYPES = {type(None): NULL, bool: BOOLEAN, int: NUMBER, float: NUMBER, str: STRING, dict: OBJECT, list: ARRAY}
_decode = msgspec.json.Decoder().decode

Shape = dict[str, dict[str, int]]
"""Holder -> name -> the types met, as a sum of the numbers above."""


def shape_of(body: bytes) -> Shape:
    """The shape of a JSON document; {} for one that is no object. Raises msgspec.DecodeError for what is not JSON."""
    shape: Shape = {}
    document = _decode(body)
    if isinstance(document, dict):
        _object(document, "", shape)
    return shape


def joined(holder: str, name: str) -> str:
    """The path of a name, as mappings write it: `lines[].sku`."""
    return f"{holder}{name}" if name == ELEMENT or not holder else f"{holder}.{name}"


def words_of(types: int) -> str:
    """A sum of types in words: `text or number`."""
    return " or ".join(word for bit, word in WORDS.items() if types & bit)


def _object(document: dict[str, Any], path: str, shape: Shape) -> None:
    names = shape.get(path)
    if names is None:
        names = shape[path] = {}
    for name, value in document.items():
        kind = _TYPES[type(value)]
        names[name] = names.get(name, 0) | kind
        if kind == OBJECT:
            _object(value, f"{path}.{name}" if path else name, shape)
        elif kind == ARRAY and value:
            _list(value, f"{path}.{name}" if path else name, shape)


def _list(values: list[Any], path: str, shape: Shape) -> None:
    names = shape.setdefault(path, {})
    for value in values[:MOST_ELEMENTS]:
        kind = _TYPES[type(value)]
        names[ELEMENT] = names.get(ELEMENT, 0) | kind
        if kind == OBJECT:
            _object(value, f"{path}[]", shape)
        elif kind == ARRAY and value:
            _list(value, f"{path}[]", shape)
