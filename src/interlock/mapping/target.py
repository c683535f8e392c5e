"""The tree of targets: what a mapping writes, as objects, lists and leaves, in the order of the file.

`item.items[line].rate` is the field `rate` of the element that block `line` puts into the list `item.items`. A list may
have several blocks; their elements follow one another in the order of the blocks.
"""

import re

from interlock.mapping.language import Row, Table

TOKEN = re.compile(r"^(?P<name>[^\[\]]+)(?:\[(?P<block>[^\[\]]*)\])?$")


class Target:
    """One place in what is written. A place with children is an object, one with blocks a list, else a leaf."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.row: Row | None = None
        self.children: dict[str, Target] = {}
        self.blocks: dict[str, Target] = {}

    @property
    def is_leaf(self) -> bool:
        return not self.children and not self.blocks

    def child(self, name: str) -> "Target":
        return self.children.setdefault(name, Target(f"{self.path}.{name}".removeprefix(".")))

    def block(self, name: str) -> "Target":
        return self.blocks.setdefault(name, Target(f"{self.path}[{name}]"))


def targets_of(table: Table) -> tuple[Target, dict[str, Row]]:
    """The tree, and the rows that only name an intermediate result (`"@money" = ...`)."""
    root = Target("")
    results = {target.removeprefix("@"): row for target, row in table.rows.items() if target.startswith("@")}
    for name in results:
        if not name.isidentifier():
            raise table.error(f"@{name}", f"{name!r} is not a name", next_move="use letters, digits and _")
    for target, row in table.rows.items():
        if not target.startswith("@"):
            _place(root, target, table).row = row
    _check(root, table)
    return root, results


def _place(root: Target, path: str, table: Table) -> Target:
    place = root
    for token in path.split("."):
        parts = TOKEN.match(token)
        if parts is None:
            raise table.error(path, f"{token!r} is not a name, or a name with a block in brackets")
        place = place.child(parts["name"])
        if parts["block"] is not None:
            place = place.block(parts["block"])
    return place


def _check(place: Target, table: Table) -> None:
    row = place.row
    if (place.children or row is not None) and place.blocks:
        raise table.error(
            place.path, "one row makes this a value or an object, another one a list", next_move="keep one of them"
        )
    if row is not None and place.children and not (row.each or row.object or row.conditions):
        raise table.error(place.path, "this has both a value and fields of its own", next_move="keep one of them")
    for block in place.blocks.values():
        if block.row is None or not (block.row.each or block.row.conditions):
            raise table.error(
                block.path,
                f"the elements of {block.path} come from nowhere",
                next_move=f'add "{block.path}" = {{ each = "..." }}, or {{ where = ... }} for one element',
            )
    for below in [*place.children.values(), *place.blocks.values()]:
        _check(below, table)
