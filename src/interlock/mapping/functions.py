"""Named functions: what a row calls with `with = "name"` when a field needs more than a path.

A function takes the values of `from`, in order, and last the context if it names a parameter `context`. Its annotations
are read: a parameter typed as a msgspec Struct says which parts of the document to decode; one that does not accept
None is not called with None (the result is null).
"""

import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from interlock.mapping.language import suggestion

Function = Callable[..., Any]


class Parameter(Struct, frozen=True):
    """One value a function takes; `type` without None."""

    name: str
    type: Any
    accepts_none: bool


class Callee(Struct, frozen=True):
    """A function as the compiler sees it."""

    name: str
    call: Function
    parameters: tuple[Parameter, ...]
    takes_context: bool
    returns: Any
    may_return_none: bool
    variadic: bool = False

    def parameter(self, at: int) -> Parameter:
        return self.parameters[min(at, len(self.parameters) - 1)]

    def accepts(self, count: int) -> bool:
        return count >= len(self.parameters) - 1 if self.variadic else count == len(self.parameters)


class Functions(Mapping[str, Function]):
    """Functions by name. Later ones override: standard, the connector's, then those of the folder's functions.py."""

    def __init__(self, *sources: Mapping[str, Function]) -> None:
        self._functions = {name: call for source in sources for name, call in source.items()}

    def __getitem__(self, name: str) -> Function:
        return self._functions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def callee(self, name: str) -> Callee:
        """LookupError with a suggestion when there is no such function."""
        if name not in self._functions:
            raise LookupError(suggestion(name, self._functions))
        return inspected(name, self._functions[name])


def inspected(name: str, call: Function) -> Callee:
    """Read a function's signature."""
    hints = typing.get_type_hints(call)
    declared = inspect.signature(call).parameters
    taken = [parameter for parameter in declared if parameter != "context"]
    returns, may_return_none = without_none(hints.get("return", Any))
    return Callee(
        name=name,
        call=call,
        parameters=tuple(Parameter(each, *without_none(hints.get(each, Any))) for each in taken),
        takes_context="context" in declared,
        returns=returns,
        may_return_none=may_return_none,
        variadic=any(parameter.kind is parameter.VAR_POSITIONAL for parameter in declared.values()),
    )


def without_none(hint: Any) -> tuple[Any, bool]:
    """A type without its None, and whether it had one. `Any` has one."""
    if hint is Any:
        return Any, True
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        rest = [arm for arm in typing.get_args(hint) if arm is not type(None)]
        if len(rest) < len(typing.get_args(hint)):
            return typing.Union[tuple(rest)], True  # noqa: UP007  # a union made at run time
    return hint, hint is type(None)
