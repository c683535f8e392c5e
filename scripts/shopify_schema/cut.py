"""Cuts a whole schema down to a selection of its fields, as SDL without descriptions; deprecations and directives stay."""

from collections.abc import Callable, Iterable
from typing import Any

from graphql import build_client_schema, print_schema

from .full import Full, Introspected, named

ROOTS = {"queryType": "QueryRoot", "mutationType": "Mutation"}
STANDARD = frozenset({"String", "Int", "Float", "Boolean", "ID"})
ArgumentKept = Callable[[tuple[str, str, str]], bool]
"""Whether a cut keeps an argument, given as (type, field, argument)."""


class Cut:
    """The part of a schema that holds `fields` (type name -> field names) and the types in `mentioned`.

    Enums and inputs come whole. An abstract type keeps those of its possible types that are kept for their own sake.
    """

    def __init__(
        self,
        full: Full,
        fields: dict[str, set[str]],
        *,
        mentioned: Iterable[str] = (),
        argument_kept: ArgumentKept = lambda _: True,
    ) -> None:
        self._full = full
        self._fields = {name: set(names) for name, names in fields.items()}
        self._argument_kept = argument_kept
        self._inputs: set[str] = set()
        in_directives = [named(each["type"]) for one in full.introspection["directives"] for each in one["args"]]
        for name in (*mentioned, *in_directives):
            self._mention(name)
        self._share_interface_fields()
        for name in list(self._fields):
            self._follow(name)

    @property
    def fields(self) -> dict[str, list[str]]:
        """Type -> the fields that are kept, sorted: for tables beside the schema."""
        return {name: sorted(names) for name, names in sorted(self._fields.items())}

    def sdl(self) -> str:
        """The schema definition; it builds and validates by itself."""
        types = [self._type(name) for name in sorted({*self._fields, *self._inputs, *STANDARD})]
        known = {each["name"] for each in types}
        schema: Introspected = {
            **{way: {"name": root} if root in known else None for way, root in ROOTS.items()},
            "subscriptionType": None,
            "types": types,
            "directives": [_bare(each) for each in self._full.introspection["directives"]],
        }
        return print_schema(build_client_schema({"__schema": schema})) + "\n"  # type: ignore[typeddict-item]

    def _share_interface_fields(self) -> None:
        """An object has every field of the interfaces that it implements."""
        for name in list(self._fields):
            for interface in self._kept(self._full.types[name].get("interfaces")):
                self._fields[name] |= self._fields[interface["name"]]

    def _follow(self, name: str) -> None:
        for field in self._full.types[name].get("fields") or ():
            if field["name"] in self._fields[name]:
                self._mention(named(field["type"]))
                for argument in self._arguments(name, field):
                    self._mention(named(argument["type"]))

    def _mention(self, name: str) -> None:
        """A type that a kept field, argument or variable names."""
        kind = self._full.types[name]["kind"]
        if kind in ("OBJECT", "INTERFACE", "UNION"):
            self._fields.setdefault(name, set())
        elif name not in self._inputs:
            self._inputs.add(name)
            for field in self._full.types[name].get("inputFields") or ():
                self._mention(named(field["type"]))

    def _arguments(self, type_name: str, field: Introspected) -> list[Introspected]:
        return [each for each in field["args"] if self._argument_kept((type_name, field["name"], each["name"]))]

    def _kept(self, references: Iterable[Introspected] | None) -> list[Introspected]:
        return [each for each in references or () if each["name"] in self._fields]

    def _type(self, name: str) -> Introspected:
        whole = self._full.types[name]
        cut: dict[str, Any] = {
            **{key: whole.get(key) for key in ("kind", "name", "specifiedByURL", "isOneOf")},
            "interfaces": self._kept(whole.get("interfaces")),
            "possibleTypes": self._kept(whole.get("possibleTypes")),
            "enumValues": [_bare(each) for each in whole.get("enumValues") or ()],
            "inputFields": [_bare(each) for each in whole.get("inputFields") or ()],
        }
        kept = self._fields.get(name, ())
        fields = [each for each in whole.get("fields") or () if each["name"] in kept]
        cut["fields"] = [{**_bare(each), "args": list(map(_bare, self._arguments(name, each)))} for each in fields]
        return cut


def _bare(part: Introspected) -> Introspected:
    """Without its descriptions."""
    bare = {key: value for key, value in part.items() if key != "description"}
    if "args" in bare:
        bare["args"] = [_bare(each) for each in bare["args"]]
    return bare
