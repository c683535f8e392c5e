"""The way out: canonical values as a vendor's JSON, built as plain dicts in the order of the mapping file."""

from collections.abc import Iterable

from interlock.mapping.expression import Rows
from interlock.mapping.language import Row
from interlock.mapping.source import Expression, Scope
from interlock.mapping.target import Target

COMPOSITE = {
    "money": "money has two currencies",
    "amount": "an amount has its currency",
    "list": "lists need rows of their own",
    "object": "objects need rows of their own",
}
FUNCTIONS = {"money": "amount", "amount": "own_amount"}


class OutForm:
    """Makes dicts."""

    closing = "}"

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def leaf(self, target: Target, scope: Scope, root: Scope) -> Expression:
        row = target.row or Row()
        value = self.rows.value(target.path, row, scope, root)
        if value.field is not None and value.field.type in COMPOSITE and not row.function:
            raise self.rows.table.error(
                target.path,
                f"a {value.field.type} cannot be written as it is",
                why=COMPOSITE[value.field.type],
                next_move=f'add a function, for example `with = "{FUNCTIONS.get(value.field.type, "joined")}"`, or use `each`',
            )
        return value

    def opening(self, target: Target) -> str:  # noqa: ARG002  # the same for every target
        return "{"

    def layout(self, target: Target) -> Iterable[str]:
        return target.children

    def member(self, name: str, text: str) -> str:
        return f"{name!r}: {text},"

    def listed(self, variable: str) -> str:
        return variable
