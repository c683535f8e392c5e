"""Says in Shopify's words (those of graphql-ruby) what is wrong with a document, and what is only missing in the twin.

Texts and codes: lib/graphql/static_validation of the Ruby gem that Shopify serves with, and Shopify's own answers quoted
in issues of its client libraries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    Visitor,
    print_ast,
    specified_rules,
    validate,
    visit,
)

from interlock.twins.shopify.admin.known import gap

LEFT_OUT = {"OverlappingFieldsCanBeMergedRule"}  # quadratic, and of use only to who writes documents by hand
RULES = [rule for rule in specified_rules if rule.__name__ not in LEFT_OUT]

VARIABLE = re.compile(r"Variable '\$(?P<name>\w+)' has invalid value(?: at (?P<at>[^:]*))?: (?P<what>.*)", re.DOTALL)
"""How graphql-core says that a variable's value does not fit."""

Error = dict[str, Any]


def syntax_error(error: GraphQLSyntaxError) -> Error:
    """A document that does not parse."""
    places = [{"line": place.line, "column": place.column} for place in error.locations or []]
    at = f" at [{places[0]['line']}, {places[0]['column']}]" if places else ""
    what = error.message.removeprefix("Syntax Error: ").rstrip(".")
    return {"message": f"syntax error, {what[:1].lower()}{what[1:]}{at}", "locations": places}


def explain(schema: GraphQLSchema, document: DocumentNode, version: str) -> list[Error]:
    """Every error of a document, in Shopify's form."""
    places = _places(schema, document)
    found: list[Error] = []
    for rule in RULES:
        write = WRITERS.get(rule.__name__, _as_it_is)
        for error in validate(schema, document, [rule]):
            node = (error.nodes or [document])[0]
            place = places.get(id(node)) or Place([], None, None)
            wrong = write(error, node, place, version)
            line = [{"line": one.line, "column": one.column} for one in error.locations or []][:1]
            found.append(
                {"message": wrong.message, "locations": line, "path": place.path, "extensions": wrong.extensions}
            )
    return found


def variable_errors(
    schema: GraphQLSchema, node: OperationDefinitionNode, given: Mapping[str, Any], errors: list[GraphQLError]
) -> list[Error]:
    """What is wrong with the variables' values, one error for each variable."""
    problems: dict[str, list[dict[str, Any]]] = {}
    for error in errors:
        found = VARIABLE.match(error.message)
        if found:
            problems.setdefault(found["name"], []).append(_problem(schema, found["at"] or "", found["what"]))
    return [
        _variable_error(one, given.get(one.variable.name.value), problems[one.variable.name.value])
        for one in node.variable_definitions or ()
        if one.variable.name.value in problems
    ]


def _variable_error(definition: VariableDefinitionNode, value: Any, problems: list[dict[str, Any]]) -> Error:
    text = f"Variable ${definition.variable.name.value} of type {print_ast(definition.type)} was provided invalid value"
    placed = [f"{'.'.join(map(str, one['path']))} ({one['explanation']})" for one in problems if one["path"]]
    place = definition.loc.start_token if definition.loc else None
    return {
        "message": text + (f" for {', '.join(placed)}" if placed else ""),
        "locations": [{"line": place.line, "column": place.column}] if place else [],
        "extensions": {"value": value, "problems": problems},
    }


def _problem(schema: GraphQLSchema, at: str, what: str) -> dict[str, Any]:
    """graphql-core's sentence about a value, as the path and the explanation that Shopify gives."""
    path: list[str | int] = [int(one) if one.isdigit() else one for one in re.findall(r"\w+", at)]
    quoted = re.findall(r"'([^']*)'", what)
    if "non-null type" in what:
        return {"path": path, "explanation": "Expected value to not be null"}
    if "to include required field" in what:
        return {"path": [*path, quoted[1]], "explanation": "Expected value to not be null"}
    if "not to include unknown field" in what:
        return {"path": [*path, quoted[1]], "explanation": f"Field is not defined on {quoted[0]}"}
    enum = schema.type_map.get(quoted[1]) if len(quoted) > 1 else None
    if isinstance(enum, GraphQLEnumType):
        return {"path": path, "explanation": f'Expected "{quoted[0]}" to be one of: {", ".join(enum.values)}'}
    return {"path": path, "explanation": what}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands: its path as Shopify writes it, the type it is read on, the field around it."""

    path: list[str]
    type_name: str | None
    field: FieldNode | None


@dataclass(frozen=True, slots=True)
class Wrong:
    message: str
    extensions: dict[str, Any]


Writer = Callable[[GraphQLError, Any, Place, str], Wrong]


def _places(schema: GraphQLSchema, document: DocumentNode) -> dict[int, Place]:
    """The place of every node."""
    info = TypeInfo(schema)
    found: dict[int, Place] = {}
    path: list[str] = []
    fields: list[FieldNode] = []

    class Walk(Visitor):
        def enter(self, node: Node, *_: Any) -> None:
            if isinstance(node, FieldNode):
                fields.append(node)
            step = _step(node)
            if step:
                path.append(step)
            parent = info.get_parent_type()
            found[id(node)] = Place(list(path), parent.name if parent else None, fields[-1] if fields else None)

        def leave(self, node: Node, *_: Any) -> None:
            if isinstance(node, FieldNode):
                fields.pop()
            if _step(node):
                path.pop()

    visit(document, TypeInfoVisitor(info, Walk()))
    return found


def _step(node: Node) -> str:
    if isinstance(node, OperationDefinitionNode):
        return node.operation.value + (f" {node.name.value}" if node.name else "")
    if isinstance(node, FragmentDefinitionNode):
        return f"fragment {node.name.value}"
    if isinstance(node, InlineFragmentNode):
        return f"... on {node.type_condition.name.value}" if node.type_condition else "..."
    if isinstance(node, FieldNode):
        return node.alias.value if node.alias else node.name.value
    return node.name.value if isinstance(node, ArgumentNode) else ""


def _undefined_field(_: GraphQLError, node: FieldNode, place: Place, version: str) -> Wrong:
    name, owner = node.name.value, place.type_name or ""
    missing = gap(version, owner, name)
    code = {"code": "undefinedField", "typeName": owner, "fieldName": name}
    return Wrong(f"Field '{name}' doesn't exist on type '{owner}'{missing}", code | _not_served(missing))


def _not_served(missing: str) -> dict[str, Any]:
    """Marks what Shopify would have answered."""
    return {"twin": "not served"} if "this twin" in missing else {}


def _undefined_argument(_: GraphQLError, node: ArgumentNode, place: Place, __: str) -> Wrong:
    around = place.field.name.value if place.field else ""
    code = {"code": "argumentNotAccepted", "name": around, "typeName": "Field", "argumentName": node.name.value}
    return Wrong(f"Field '{around}' doesn't accept argument '{node.name.value}'", code)


def _missing_argument(error: GraphQLError, node: FieldNode | DirectiveNode, _: Place, __: str) -> Wrong:
    kind = "Directive" if isinstance(node, DirectiveNode) else "Field"
    name = node.name.value
    argument = error.message.partition("(")[2].partition(":")[0]  # Argument 'QueryRoot.node(id:)' of type 'ID!' is ...
    code = {"code": "missingRequiredArguments", "className": kind, "name": name, "arguments": argument}
    return Wrong(f"{kind} '{name}' is missing required arguments: {argument}", code)


def _leaf(error: GraphQLError, _: Any, place: Place, __: str) -> Wrong:
    node = place.field
    assert node is not None
    name = node.name.value
    returns = error.message.partition("type '")[2].partition("'")[0]
    bare = returns.strip("[]!")
    code = {"code": "selectionMismatch", "nodeName": f"field '{name}'", "typeName": returns}
    if node.selection_set is None:
        hint = f"(field '{name}' returns {bare} but has no selections. Did you mean '{name} {{ ... }}'?)"
        return Wrong(f"Field must have selections {hint}", code)
    chosen = ", ".join(print_ast(one) for one in node.selection_set.selections)
    return Wrong(
        f"Selections can't be made on scalars (field '{name}' returns {returns} but has selections [{chosen}])", code
    )


def _undefined_type(_: GraphQLError, node: Any, place: Place, version: str) -> Wrong:
    name = node.name.value
    missing = gap(version, name)
    code = {"code": "undefinedType", "typeName": name} | _not_served(missing)
    if place.path and place.path[-1].startswith(("...", "fragment")):
        return Wrong(f"No such type {name}, so it can't be a fragment condition{missing}", code)
    return Wrong(f"{name} isn't a defined input type{missing}", code | {"code": "variableRequiresValidType"})


def _bad_literal(error: GraphQLError, node: Any, place: Place, _: str) -> Wrong:
    around = place.field.name.value if place.field else ""
    argument = place.path[-1] if place.path else ""
    code = {"code": "argumentLiteralsIncompatible", "typeName": "Field", "argumentName": argument}
    if "required" in error.message and "Expected" not in error.message:
        return Wrong(error.message, {"code": "missingRequiredInputObjectAttribute"})
    text = f"Argument '{argument}' on Field '{around}' has an invalid value ({print_ast(node)})."
    return Wrong(f"{text} {error.message.rstrip('.')}.", code)


def _variable_position(error: GraphQLError, _: Any, __: Place, ___: str) -> Wrong:
    """graphql-core: Variable '$id' of type 'String' used in position expecting type 'ID!'."""
    parts = error.message.split("'")
    name, has, wants = parts[1].lstrip("$"), parts[3], parts[5]
    mismatch = "Nullability mismatch" if has.strip("[]!") == wants.strip("[]!") else "Type mismatch"
    code = {"code": "variableMismatch", "variableName": name, "typeName": has, "errorMessage": mismatch}
    return Wrong(f"{mismatch} on variable ${name} and argument ({has} / {wants})", code)


def _unused_variable(error: GraphQLError, _: Any, __: Place, ___: str) -> Wrong:
    parts = error.message.split("'")
    name, by = parts[1].lstrip("$"), parts[3] if len(parts) > 3 else "anonymous query"
    code = {"code": "variableNotUsed", "variableName": name}
    return Wrong(f"Variable ${name} is declared by {by} but not used", code)


def _undefined_variable(error: GraphQLError, _: Any, __: Place, ___: str) -> Wrong:
    parts = error.message.split("'")
    name, by = parts[1].lstrip("$"), parts[3] if len(parts) > 3 else "anonymous query"
    code = {"code": "variableNotDefined", "variableName": name}
    return Wrong(f"Variable ${name} is used by {by} but not declared", code)


def _unknown_fragment(_: GraphQLError, node: Any, __: Place, ___: str) -> Wrong:
    name = getattr(getattr(node, "name", node), "value", "")
    code = {"code": "useAndDefineFragment", "fragmentName": name}
    return Wrong(f"Fragment {name} was used, but not defined", code)


def _unused_fragment(_: GraphQLError, node: Any, __: Place, ___: str) -> Wrong:
    code = {"code": "useAndDefineFragment", "fragmentName": node.name.value}
    return Wrong(f"Fragment {node.name.value} was defined, but not used", code)


def _as_it_is(error: GraphQLError, _: Any, __: Place, ___: str) -> Wrong:
    return Wrong(error.message, {})


WRITERS: dict[str, Writer] = {
    "FieldsOnCorrectTypeRule": _undefined_field,
    "KnownArgumentNamesRule": _undefined_argument,
    "ProvidedRequiredArgumentsRule": _missing_argument,
    "ScalarLeafsRule": _leaf,
    "KnownTypeNamesRule": _undefined_type,
    "ValuesOfCorrectTypeRule": _bad_literal,
    "VariablesInAllowedPositionRule": _variable_position,
    "NoUnusedVariablesRule": _unused_variable,
    "NoUndefinedVariablesRule": _undefined_variable,
    "KnownFragmentNamesRule": _unknown_fragment,
    "NoUnusedFragmentsRule": _unused_fragment,
}
