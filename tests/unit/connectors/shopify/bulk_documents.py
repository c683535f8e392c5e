"""Writes the documents that read many objects from those that read one, so that both always ask for the same.

Run it after one of order.graphql, customer.graphql or product.graphql was changed.
"""

from pathlib import Path
from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    FragmentDefinitionNode,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    print_ast,
)

DOCUMENTS = Path(__file__).parents[4] / "src" / "interlock" / "connectors" / "shopify" / "documents"
PAGES = {"order": ("orders", 50), "customer": ("customers", 250), "product": ("products", 50)}
"""Object -> its list, and how many at a time: as many as cost less than 1,000 points with all that is below them."""
IN_LISTS = {"fulfillments"}
"""Lists, within which no bulk query may have a connection."""
TOO_MANY = {"paymentSchedules"}
"""Left out: a bulk query has at most five connections (F26)."""
LESS = {"order": {"lines": 10}, "product": {"variants": 25}}


def page_of(name: str) -> str:
    """`orders_page.graphql` of `order.graphql`."""
    operation, fragments = _parts(name)
    many, first = PAGES[name]
    sizes = {
        one.variable.name.value: LESS.get(name, {}).get(one.variable.name.value, print_ast(one.default_value))
        for one in operation.variable_definitions or ()
        if one.default_value is not None
    }
    kinds = {one.variable.name.value: print_ast(one.type) for one in operation.variable_definitions or ()}
    variables = "".join(f", ${size}: {kinds[size]} = {value}" for size, value in sizes.items())
    inner = print_ast(operation.selection_set.selections[0].selection_set)  # type: ignore[attr-defined]
    text = (
        f"query {many}_page($query: String!, $first: Int = {first}, $after: String{variables}) {{\n"
        f"{many}(first: $first, after: $after, query: $query, sortKey: CREATED_AT) {{\n"
        f"nodes {inner}\npageInfo {{ hasNextPage endCursor }}\n}}\n}}\n{fragments}"
    )
    return f"# Whole {many}, a page at a time: what {name}.graphql reads of one. Written by bulk_documents.py.\n{_printed(text)}"


def bulk_of(name: str) -> str:
    """`bulk/orders.graphql` of `order.graphql`: connections by their edges, none within a list, all in the order of
    their creation. The search is put in when it is begun."""
    operation, fragments = _parts(name)
    many, _ = PAGES[name]
    field: Any = operation.selection_set.selections[0]
    inner = print_ast(_in_bulk(field.selection_set, False))
    parts = [one for one in operation.variable_definitions or () if print_ast(one.type) == "Boolean!"]
    asked = f"({', '.join(map(print_ast, parts))})" if parts else ""
    text = f'query {many}_in_bulk{asked} {{\n{many}(query: "", sortKey: CREATED_AT) {{ edges {{ node {inner} }} }}\n}}\n{fragments}'
    used = _used(_printed(text))
    return f"# All {many} in one bulk operation: what of {name}.graphql such a one can read. Written by bulk_documents.py.\n{used}"


def _in_bulk(selections: SelectionSetNode, in_list: bool) -> SelectionSetNode:
    kept = []
    for one in selections.selections:
        if not isinstance(one, FieldNode) or one.selection_set is None:
            if hasattr(one, "selection_set") and one.selection_set is not None:
                one = _with(one, selection_set=_in_bulk(one.selection_set, in_list))
            kept.append(one)
            continue
        name = one.name.value
        nodes = [each for each in one.selection_set.selections if isinstance(each, FieldNode) and each.name.value == "nodes"]
        if nodes and (in_list or name in TOO_MANY):
            continue
        if nodes:
            kept.append(_by_edges(one, nodes[0]))
        else:
            kept.append(_with(one, selection_set=_in_bulk(one.selection_set, in_list or name in IN_LISTS)))
    return SelectionSetNode(selections=tuple(kept))


def _by_edges(field: FieldNode, nodes: FieldNode) -> FieldNode:
    assert nodes.selection_set is not None
    node = FieldNode(name=NameNode(value="node"), arguments=(), directives=(), selection_set=_in_bulk(nodes.selection_set, False))
    edges = FieldNode(
        name=NameNode(value="edges"), arguments=(), directives=(), selection_set=SelectionSetNode(selections=(node,))
    )
    others: tuple[ArgumentNode, ...] = tuple(one for one in field.arguments or () if one.name.value != "first")
    found: FieldNode = _with(field, arguments=others, selection_set=SelectionSetNode(selections=(edges,)))
    return found


def _with(node: Any, **changed: Any) -> Any:
    return type(node)(**{key: getattr(node, key) for key in node.keys if key != "loc"} | changed)


def _parts(name: str) -> tuple[OperationDefinitionNode, str]:
    document = parse((DOCUMENTS / f"{name}.graphql").read_text(encoding="utf-8"), no_location=True)
    (operation,) = (one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    fragments = (one for one in document.definitions if isinstance(one, FragmentDefinitionNode))
    return operation, "\n\n".join(map(print_ast, fragments))


def _used(text: str) -> str:
    """Without the fragments that nobody spreads."""
    while True:
        document = parse(text, no_location=True)
        kept = tuple(
            one
            for one in document.definitions
            if not isinstance(one, FragmentDefinitionNode) or f"...{one.name.value}\n" in text
        )
        if len(kept) == len(document.definitions):
            return text
        text = "\n\n".join(map(print_ast, kept)) + "\n"


def _printed(text: str) -> str:
    return print_ast(parse(text, no_location=True)) + "\n"


def files() -> dict[Path, str]:
    """Every file that this writes."""
    pages = {DOCUMENTS / f"{PAGES[name][0]}_page.graphql": page_of(name) for name in PAGES}
    return pages | {DOCUMENTS / "bulk" / f"{PAGES[name][0]}.graphql": bulk_of(name) for name in PAGES}


if __name__ == "__main__":
    for file, text in files().items():
        file.write_text(text, encoding="utf-8")
