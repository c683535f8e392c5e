"""Compiles a validated operation into closures that read an answer out of the shop's books, field by field.

graphql-core parses, validates and coerces; its own executor takes some ten times as long for a field, which a hundred
thousand orders cannot afford. What is known before the run is done here: fragments are merged for each type, @skip and
@include decided, constant arguments coerced, rules of single fields (scopes, redaction) wrapped around their readers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_scalar_type,
)
from graphql.execution.values import VariableValues, get_argument_values
from graphql.language import Visitor, visit

from interlock.twins.shopify.admin.context import AdminError, Resolver, ShopContext
from interlock.twins.shopify.admin.schema import WRITERS, as_it_is

Reader = Callable[["Run", Any], Any]
"""Reads one field of a parent and completes it; raises NulledError when the parent cannot be shown without it."""
Completer = Callable[["Run", Any], Any]
Wrapper = Callable[["Field", Resolver | None], Resolver | None]
"""Puts a rule in front of a field: given it and its resolver (None: the parent's member), gives another resolver."""


class NulledError(Exception):
    """A value that must not be null could not be had; the error is noted, the nearest nullable place becomes null."""


@dataclass(slots=True)
class Run:
    """One execution: who asks, with which variables, what went wrong, and where we are."""

    shop: ShopContext
    variables: VariableValues
    errors: list[dict[str, Any]] = field(default_factory=list)
    path: list[str | int] = field(default_factory=list)
    arguments: dict[int, dict[str, Any]] = field(default_factory=dict)

    def fail(self, at: Field, error: Exception) -> None:
        """Note an error of a field in Shopify's form; what the twin did not mean says so."""
        extensions = getattr(error, "extensions", None)
        if not isinstance(error, AdminError) and extensions is None:
            text = f"{type(error).__name__}: {error}"
            extensions = {"code": "INTERNAL_SERVER_ERROR", "twin": f"{at.owner}.{at.name}: {text}"}
            message = "Internal error. Looks like something went wrong on our end."
        else:
            message = str(getattr(error, "message", error))
        place = {"message": message, "locations": at.locations(), "path": [*self.path, at.key]}
        self.errors.append(place | ({"extensions": extensions} if extensions else {}))


@dataclass(eq=False, slots=True)
class Field:
    """One response key of a selection: what it reads and what is read below it."""

    key: str
    name: str
    owner: str
    nodes: list[FieldNode]
    definition: GraphQLField
    fixed: dict[str, Any] | None
    """Its coerced arguments when no variable is in them."""
    below: Selection | None = None
    read: Reader = field(init=False)
    type_name: str = field(init=False)
    """What it gives, below lists and non-nulls."""

    def __post_init__(self) -> None:
        self.type_name = str(get_named_type(self.definition.type).name)

    def arguments(self, run: Run) -> dict[str, Any]:
        """Its coerced arguments; the same for all parents of one run."""
        if self.fixed is not None:
            return self.fixed
        known = run.arguments.get(id(self))
        if known is None:
            known = get_argument_values(self.definition, self.nodes[0], run.variables)
            run.arguments[id(self)] = known
        return known

    def locations(self) -> list[dict[str, int]]:
        place = self.nodes[0].loc
        if place is None:
            return []
        start = place.start_token
        return [{"line": start.line, "column": start.column}]


@dataclass(eq=False, slots=True)
class Selection:
    """What is read of a value of a type: fields by the concrete type, compiled when one of it first comes by."""

    type_name: str
    collect: Callable[[str], tuple[Field, ...]]
    types: tuple[str, ...]
    """The concrete types it can meet."""
    points: dict[tuple[Any, ...], int] = field(default_factory=dict)
    """What it costs as a whole document, by the numbers among its variables."""
    _known: dict[str, tuple[Field, ...]] = field(default_factory=dict)

    def of(self, type_name: str) -> tuple[Field, ...]:
        """The fields read of a concrete type."""
        known = self._known.get(type_name)
        if known is None:
            known = self._known[type_name] = self.collect(type_name)
        return known


class Compiler:
    """Turns one operation of a document into a Selection, for given values of its @skip and @include variables."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        resolvers: Mapping[str, Resolver],
        wrappers: Sequence[Wrapper],
        booleans: Mapping[str, Any],
    ) -> None:
        self._schema, self._resolvers, self._wrappers, self._booleans = schema, resolvers, wrappers, booleans
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }

    def operation(self, operation: OperationDefinitionNode) -> Selection:
        """The root's selection."""
        root = self._schema.get_root_type(operation.operation)
        if root is None:
            raise AdminError(f"Schema is not configured for {operation.operation.value}s")
        return self._selection(root, [operation.selection_set])

    def _selection(self, type_: Any, sets: Sequence[SelectionSetNode]) -> Selection:
        possible = self._schema.get_possible_types(type_) if is_abstract_type(type_) else (type_,)
        return Selection(type_.name, lambda name: self._fields(name, sets), tuple(one.name for one in possible))

    def _fields(self, type_name: str, sets: Sequence[SelectionSetNode]) -> tuple[Field, ...]:
        owner = self._schema.type_map[type_name]
        assert isinstance(owner, GraphQLObjectType)
        grouped: dict[str, list[FieldNode]] = {}
        for one in sets:
            self._group(owner, one, grouped, set())
        return tuple(self._field(owner, key, nodes) for key, nodes in grouped.items())

    def _group(
        self, owner: GraphQLObjectType, chosen: SelectionSetNode, grouped: dict[str, list[FieldNode]], seen: set[str]
    ) -> None:
        """Collect the fields of a selection set that apply to a type, fragments opened, same keys together."""
        for one in chosen.selections:
            if not self._included(one):
                continue
            if isinstance(one, FieldNode):
                grouped.setdefault(one.alias.value if one.alias else one.name.value, []).append(one)
                continue
            fragment = self._opened(one, seen)
            if fragment is not None and self._applies(fragment, owner):
                self._group(owner, fragment.selection_set, grouped, seen)

    def _opened(self, one: SelectionNode, seen: set[str]) -> InlineFragmentNode | FragmentDefinitionNode | None:
        if isinstance(one, FragmentSpreadNode):
            name = one.name.value
            if name in seen:
                return None
            seen.add(name)
            return self._fragments[name]
        assert isinstance(one, InlineFragmentNode)
        return one

    def _applies(self, fragment: InlineFragmentNode | FragmentDefinitionNode, owner: GraphQLObjectType) -> bool:
        if fragment.type_condition is None:
            return True
        wanted = self._schema.type_map.get(fragment.type_condition.name.value)
        return wanted is owner or (is_abstract_type(wanted) and self._schema.is_sub_type(wanted, owner))

    def _included(self, one: SelectionNode) -> bool:
        for directive in one.directives or ():
            name = directive.name.value
            if name in {"skip", "include"}:
                condition = (directive.arguments or ())[0].value
                asked = (
                    self._booleans[condition.name.value] if isinstance(condition, VariableNode) else condition.value  # type: ignore[attr-defined]
                )
                if asked is (name == "skip"):
                    return False
        return True

    def _field(self, owner: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Field:
        name = nodes[0].name.value
        if name == "__typename":
            return _type_name(owner.name, key, nodes, self._schema)
        definition = owner.fields[name]
        fixed = None if _has_variables(nodes[0]) else get_argument_values(definition, nodes[0])
        made = Field(key, name, owner.name, nodes, definition, fixed)
        named = get_named_type(definition.type)
        if not is_leaf_type(named):
            made.below = self._selection(named, [node.selection_set for node in nodes if node.selection_set])
        resolver = self._resolvers.get(f"{owner.name}.{name}")
        for wrap in self._wrappers:
            resolver = wrap(made, resolver)
        made.read = _reader(made, resolver, self._completer(made, definition.type))
        return made

    def _completer(self, at: Field, type_: GraphQLOutputType) -> Completer:
        """How a value that is not null is written; a value inside that may not be null but is raises NulledError."""
        if is_non_null_type(type_):
            return self._completer(at, type_.of_type)
        if is_list_type(type_):
            inner = type_.of_type
            return _list(at, self._completer(at, inner), nullable=not is_non_null_type(inner))
        if is_leaf_type(type_):
            return _leaf(WRITERS.get(type_.name, as_it_is) if is_scalar_type(type_) else str)
        assert at.below is not None
        return _object(at.below) if not is_abstract_type(type_) else _abstract(at.below)


def _type_name(owner: str, key: str, nodes: list[FieldNode], schema: GraphQLSchema) -> Field:
    made = Field(key, "__typename", owner, nodes, GraphQLField(schema.type_map["String"]), {})  # type: ignore[arg-type]
    made.read = lambda _run, _parent: owner
    return made


def _has_variables(node: FieldNode) -> bool:
    found = False

    class Looks(Visitor):
        def enter_variable(self, *_: Any) -> None:
            nonlocal found
            found = True

    for argument in node.arguments or ():
        visit(argument, Looks())
    return found


def _reader(at: Field, resolver: Resolver | None, complete: Completer) -> Reader:
    """The closure that reads a field; errors are noted where they happen, and null goes up to who can bear it."""
    nullable = not is_non_null_type(at.definition.type)
    value_of = _value_reader(at, resolver, nullable=nullable)
    if at.below is None:
        return _leaf_reader(at, value_of, complete, nullable=nullable)

    def read(run: Run, parent: Any) -> Any:
        value = value_of(run, parent)
        if value is None:
            return None
        depth = len(run.path)
        run.path.append(at.key)
        try:
            return complete(run, value)
        except NulledError:
            if nullable:
                return None
            raise
        except Exception as error:  # noqa: BLE001 - a value that is not what its type says
            del run.path[depth:]
            run.fail(at, error)
            if nullable:
                return None
            raise NulledError from None
        finally:
            del run.path[depth:]

    return read


def _value_reader(at: Field, resolver: Resolver | None, *, nullable: bool) -> Reader:
    """What the parent's member or the resolver gives, before it is completed; None only where null may stand."""
    name, arguments = at.name, at.arguments

    def value_of(run: Run, parent: Any) -> Any:
        try:
            value = parent[name] if resolver is None else resolver(run.shop, parent, arguments(run))
        except Exception as error:  # noqa: BLE001 - whatever a resolver does is one field's error
            run.fail(at, _missing(at, error))
            if nullable:
                return None
            raise NulledError from None
        if value is None and not nullable:
            run.fail(at, LookupError("null, and it must not be"))
            raise NulledError
        return value

    return value_of


def _leaf_reader(at: Field, value_of: Reader, complete: Completer, *, nullable: bool) -> Reader:
    def read(run: Run, parent: Any) -> Any:
        value = value_of(run, parent)
        if value is None:
            return None
        try:
            return complete(run, value)
        except Exception as error:  # noqa: BLE001 - a value that is not what its type says
            run.fail(at, error)
            if nullable:
                return None
            raise NulledError from None

    return read


def _missing(at: Field, error: Exception) -> Exception:
    if isinstance(error, KeyError) and error.args == (at.name,):
        return LookupError("listed as served, but nothing gives it a value")
    return error


def _leaf(write: Callable[[Any], Any]) -> Completer:
    return lambda _, value: write(value)


def _object(below: Selection) -> Completer:
    fields: tuple[Field, ...] = ()
    ready = False

    def complete(run: Run, value: Any) -> dict[str, Any]:
        nonlocal fields, ready
        if not ready:  # compiled when first met, so that a document may name more than it reads
            fields, ready = below.of(below.type_name), True
        return {one.key: one.read(run, value) for one in fields}

    return complete


def _abstract(below: Selection) -> Completer:
    def complete(run: Run, value: Any) -> dict[str, Any]:
        return {one.key: one.read(run, value) for one in below.of(value["__typename"])}

    return complete


def _list(at: Field, complete: Completer, *, nullable: bool) -> Completer:
    def item(run: Run, value: Any) -> Any:
        if value is not None:
            return complete(run, value)
        if not nullable:
            run.fail(at, LookupError("a member is null, and it must not be"))
            raise NulledError
        return None

    def complete_list(run: Run, values: Any) -> list[Any]:
        done = []
        path = run.path
        depth = len(path)
        for number, value in enumerate(values):
            path.append(number)
            try:
                done.append(item(run, value))
            except NulledError:
                if not nullable:
                    raise
                done.append(None)
            finally:
                del path[depth:]
        return done

    return complete_list
