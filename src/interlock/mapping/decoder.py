"""The typed decoder: the tree of everything the rows name, compiled to msgspec types that skip all the rest.

Rows and functions ask for paths with types; what they ask for is merged, so that one pass over the bytes decodes each
value once. A document that lacks a value somebody requires, or has it in a wrong type, is refused with its path.
"""

import keyword
import typing
from collections.abc import Hashable
from typing import Any

import msgspec
from msgspec import Struct

from interlock.mapping.functions import without_none


class ShapeConflictError(Exception):
    """Two rows read one path as different things."""


class Node:
    """One place in the vendor's document: an object with children, a list of something, or a leaf with types."""

    def __init__(self) -> None:
        self.children: dict[str, Node] = {}
        self.element: Node | None = None
        self.leaf: list[Any] = []
        self.required = False

    def at(self, name: str) -> "Node":
        """The child of that name, made when new."""
        return self.children.setdefault(name, Node())

    def elements(self) -> "Node":
        """What is in the list."""
        if self.element is None:
            self.element = Node()
            self.element.required = True
        return self.element

    def ask(self, hint: Any) -> None:
        """Add what a type names: a Struct's fields, a list's elements, or a plain value."""
        if isinstance(hint, type) and issubclass(hint, Struct):
            for field in msgspec.structs.fields(hint):
                kind, optional = without_none(field.type)
                child = self.at(field.encode_name)
                child.required |= field.required and not optional
                child.ask(kind)
        elif typing.get_origin(hint) in {list, tuple}:
            kind, optional = without_none(typing.get_args(hint)[0])
            self.elements().required = not optional
            self.elements().ask(kind)
        elif hint not in self.leaf:
            self.leaf.append(hint)

    def decoder_type(self, cache: dict[Hashable, Any], title: str) -> Any:
        """The msgspec type to decode this place with."""
        kinds = [bool(self.children), self.element is not None, bool(self.leaf)]
        if sum(kinds) > 1:
            raise ShapeConflictError(title)
        if self.element is not None:
            return list[_optional(self.element, self.element.decoder_type(cache, f"{title}_item"))]  # type: ignore[misc]
        if self.children:
            return self._struct(cache, title)
        return typing.Union[tuple(self.leaf)] if self.leaf else Any  # noqa: UP007  # a union made at run time

    def _struct(self, cache: dict[Hashable, Any], title: str) -> type[Struct]:
        """In the order of the alphabet, as many vendors write: msgspec looks for a key after the one it found last."""
        members = [
            (name, child.decoder_type(cache, name), child.required) for name, child in sorted(self.children.items())
        ]
        key = tuple(members)
        if key not in cache:
            fields: list[Any] = [
                (attribute(n), k) if required else (attribute(n), k | None, None) for n, k, required in members
            ]
            rename = {attribute(name): name for name in self.children}
            cache[key] = msgspec.defstruct(attribute(title), fields, kw_only=True, frozen=True, gc=False, rename=rename)
        return typing.cast("type[Struct]", cache[key])


def attribute(name: str) -> str:
    """A vendor's name as a Python attribute: `from` becomes `from_`, `$id` becomes `_id`."""
    plain = "".join(letter if letter.isalnum() else "_" for letter in name)
    return f"{plain}_" if keyword.iskeyword(plain) or plain[:1].isdigit() else plain


def _optional(node: Node, kind: Any) -> Any:
    return kind if node.required else kind | None
