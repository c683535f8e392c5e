"""Conditions such as `order.test == false and len(order.lines) > 0`, compiled to a function of the object.

A small part of Python's expressions: the object's fields, constants, comparisons, `in`, `and`, `or`, `not`, `len`.
Nothing else compiles, so that a condition can neither loop, nor call, nor reach anything but the object. A field that
is absent compares as null: equal to null only, and neither less nor greater than anything.
"""

import ast
import keyword
import operator
import re
from collections.abc import Callable, Collection
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, cast

import msgspec

from interlock.canonical import Contract
from interlock.errors import InterlockError
from interlock.strategy.finding import did_you_mean

MAX_CHARACTERS = 1_000
MAX_NODES = 250

Predicate = Callable[[Any], bool]

_WORDS = re.compile(r"""'[^']*'|"[^"]*"|\w+""")
_KEYWORDS = {"true": True, "false": False, "null": None}
_PARTS = {
    "amount": ("amount", "currency"),
    "money": tuple(f"{side}{part}" for side in ("shop", "presentment") for part in ("", ".amount", ".currency")),
}
"""What is inside a value of money."""
_PLAIN_NODES = (
    ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE,
    ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.List, ast.Tuple, ast.Load,
)  # fmt: skip


class PredicateError(InterlockError):
    """The condition is not one of ours. `column` counts characters of the text from 1."""

    default_code = "STR036"

    def __init__(self, what: str, column: int, next_move: str = "") -> None:
        super().__init__(what, where=f"column {column}", next_move=next_move)
        self.column = column


def compile_predicate(text: str, root: str, fields: Collection[str] | None = None) -> Predicate:
    """A function from the object, known in the text as `root` (`order`), to whether the condition holds.

    `fields`, when given, are the paths that exist (`total.amount`); others are refused with a suggestion. Raises
    PredicateError.
    """
    text, root = _speakable(text, root)
    whitelist = _Whitelist(text, root, fields)
    fast = _function(whitelist.admit(_parsed(text)), root, {"len": len, **whitelist.numbers})

    @cache
    def careful() -> Callable[[Any], Any]:
        """Compiled when it is first needed: most conditions never are."""
        again = _Whitelist(text, root, fields)
        expression = _Careful().visit(again.admit(_parsed(text)))
        return _function(expression, root, {"_field": _field, "_compare": _compare, "len": _length, **again.numbers})

    def holds(instance: Any) -> bool:
        try:
            return bool(fast(instance))
        except (AttributeError, TypeError):  # an absent value on the way, or a plain mapping
            return bool(careful()(instance))

    return holds


def _speakable(text: str, root: str) -> tuple[str, str]:
    """`return` is an object of commerce and a word of Python: it is read as RETURN, which takes the same place."""
    if not keyword.iskeyword(root):
        return text, root
    return _WORDS.sub(lambda word: root.upper() if word[0] == root else word[0], text), root.upper()


def condition_fields(contract: Contract | None) -> frozenset[str] | None:
    """What a condition may read of an object: `components.total.shop.amount`, `lines` (with len); None is anything."""
    if contract is None:
        return None
    inside_lists = {path for path in contract.paths() if "[]." in path}
    plain = {path.removesuffix("[]"): field for path, field in contract.paths().items() if path not in inside_lists}
    parts = {f"{path}.{part}" for path, field in plain.items() for part in _PARTS.get(field.type, ())}
    return frozenset({*plain, *parts})


def _parsed(text: str) -> ast.expr:
    if len(text) > MAX_CHARACTERS:
        raise PredicateError(
            f"the condition has {len(text):,} characters, at most {MAX_CHARACTERS:,} are read", MAX_CHARACTERS
        )
    try:
        tree = ast.parse(_on_one_line(text), mode="eval")
    except SyntaxError as error:
        column = _leading(text) + max(error.offset or 1, 1)
        raise PredicateError(f"the condition is not an expression: {error.msg}", column, _hint(text)) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise PredicateError("the condition cannot be read", 1) from error
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise PredicateError(
            f"the condition has more than {MAX_NODES} parts", 1, "let a mapping function fill a field, and compare that"
        )
    return tree.body


def _on_one_line(text: str) -> str:
    return text.strip().replace("\r", " ").replace("\n", " ")


def _leading(text: str) -> int:
    return len(text) - len(text.lstrip())


def _hint(text: str) -> str:
    return 'compare with "==", join with "and" and "or"' if any(sign in text for sign in ("&&", "||", "=")) else ""


class _Whitelist:
    """Admits what is ours and nothing else; true, false, null and decimal numbers become constants (`numbers`)."""

    def __init__(self, text: str, root: str, fields: Collection[str] | None) -> None:
        self.text = text
        self.root = root
        self.fields = fields
        self.numbers: dict[str, Decimal] = {}

    def admit(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.List | ast.Tuple):
            raise self._refusal(node, "a list is not a condition", "write field in [...]")
        return self._node(node)

    def _node(self, node: ast.expr) -> ast.expr:
        special = self._SPECIAL.get(type(node))
        if special:
            return special(self, node)
        if not isinstance(node, _PLAIN_NODES):
            raise self._refusal(
                node,
                f"{type(node).__name__} is not part of conditions",
                "use fields, constants, comparisons, in, and, or, not, len",
            )
        for name, part in ast.iter_fields(node):
            setattr(
                node,
                name,
                [self._part(node, item) for item in part] if isinstance(part, list) else self._part(node, part),
            )
        return node

    def _part(self, node: ast.expr, part: Any) -> Any:
        if isinstance(part, ast.expr):
            return self._node(part)
        if not isinstance(part, _PLAIN_NODES):
            raise self._refusal(
                node, f"the operator {type(part).__name__} is not part of conditions", 'for null, write "== null"'
            )
        return part

    def _name(self, node: ast.Name) -> ast.expr:
        if node.id in _KEYWORDS:
            return ast.Constant(_KEYWORDS[node.id])
        if node.id == self.root:
            return node
        raise self._refusal(
            node, f'unknown name "{node.id}"', f"fields are written {self.root}.something; texts stand in quotes"
        )

    def _constant(self, node: ast.Constant) -> ast.expr:
        if isinstance(node.value, float):
            written = ast.get_source_segment(_on_one_line(self.text), node) or repr(node.value)
            name = f"_number_{len(self.numbers)}"
            self.numbers[name] = Decimal(written)
            return ast.Name(name, ast.Load())
        if node.value is None or isinstance(node.value, str | int):
            return node
        raise self._refusal(
            node,
            f"a constant of kind {type(node.value).__name__} is not part of conditions",
            "use text, a number, true, false or null",
        )

    def _attribute(self, node: ast.Attribute) -> ast.expr:
        names: list[str] = []
        part: ast.expr = node
        while isinstance(part, ast.Attribute):
            names.insert(0, part.attr)
            part = part.value
        path = ".".join(names)
        if isinstance(part, ast.Name):
            part = self._name(part)
        if not isinstance(part, ast.Name) or part.id != self.root:
            raise self._refusal(part, f"only {self.root} has fields", f"write {self.root}.{path}")
        if any(name.startswith("_") for name in names):
            raise self._refusal(node, f'"{path}" is not a field', "fields begin with a letter")
        if self.fields is not None and path not in self.fields:
            raise self._refusal(node, f'{self.root} has no field "{path}"', did_you_mean(path, self.fields))
        return node

    def _call(self, node: ast.Call) -> ast.expr:
        if not isinstance(node.func, ast.Name) or node.func.id != "len" or len(node.args) != 1 or node.keywords:
            raise self._refusal(
                node, "only len(field) may be called", "let a mapping function fill a field, and compare that"
            )
        node.args = [self._node(node.args[0])]
        return node

    def _refusal(self, node: ast.expr, what: str, next_move: str) -> PredicateError:
        before = _on_one_line(self.text).encode()[: node.col_offset].decode()
        if keyword.iskeyword(self.root.lower()):
            what, next_move = (words.replace(self.root, self.root.lower()) for words in (what, next_move))
        return PredicateError(what, _leading(self.text) + len(before) + 1, next_move)

    _SPECIAL: ClassVar[dict[type[ast.expr], Callable[[Any, Any], ast.expr]]] = {
        ast.Name: _name,
        ast.Constant: _constant,
        ast.Attribute: _attribute,
        ast.Call: _call,
    }


class _Careful(ast.NodeTransformer):
    """The expression with each step guarded against absent values: slower, taken only when the plain one stumbles."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return _call_to("_field", self.visit(node.value), ast.Constant(node.attr))

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        sides = [self.visit(side) for side in (node.left, *node.comparators)]
        pairs = [
            _call_to("_compare", ast.Constant(type(sign).__name__), left, right)
            for sign, left, right in zip(node.ops, sides, sides[1:], strict=False)
        ]
        return pairs[0] if len(pairs) == 1 else ast.BoolOp(ast.And(), pairs)


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "Lt": operator.lt,
    "LtE": operator.le,
    "Gt": operator.gt,
    "GtE": operator.ge,
    "In": lambda item, whole: item in whole,
    "NotIn": lambda item, whole: whole is None or item not in whole,
}


def _field(value: Any, name: str) -> Any:
    found = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
    return None if found is msgspec.UNSET else found


def _compare(sign: str, left: Any, right: Any) -> bool:
    try:
        return bool(_COMPARISONS[sign](left, right))
    except TypeError:
        return False


def _length(value: Any) -> int:
    return len(value) if value is not None else 0


def _call_to(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _function(body: ast.expr, root: str, names: dict[str, Any]) -> Callable[[Any], Any]:
    arguments = ast.arguments(posonlyargs=[], args=[ast.arg(root)], kwonlyargs=[], kw_defaults=[], defaults=[])
    tree = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, body)))
    code = compile(tree, "<condition>", "eval")
    return cast("Callable[[Any], Any]", eval(code, {"__builtins__": {}, **names}))  # noqa: S307 - admitted nodes only
