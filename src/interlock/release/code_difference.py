"""Differences of what is no table: the user's functions, by what they do, and runbooks, by their words."""

import ast
import difflib
from collections.abc import Iterable, Iterator

from interlock.release.change import MARKS, Change
from interlock.release.two_files import TwoFiles

REST = "what stands outside its functions"


def function_changes(files: TwoFiles) -> Iterator[Change]:
    """A line per function that came, went or does something else; comments, docstrings and layout do nothing."""
    old, new = (_functions(side.files.get(files.path, b"")) for side in (files.old, files.new))
    for name in (*old, *(name for name in new if name not in old)):
        before, after = old.get(name), new.get(name)
        if before is None or after is None or before[0] != after[0]:
            mark = MARKS[before is not None, after is not None]
            line = (after or before or ("", 1))[1]
            yield Change(
                mark=mark, kind="function", about="functions.py", key=name, where=f"{files.path}:{line}",
                text=name if name == REST else f"{name}()" + (" does something else" if mark == "~" else ""),
                breaking="a mapping that calls it no longer compiles" if mark == "-" else "",
            )  # fmt: skip


def runbook_changes(files: TwoFiles) -> Iterable[Change]:
    """One line per runbook, with how many of its lines came and went."""
    old, new = (_lines(side.files.get(files.path, b"")) for side in (files.old, files.new))
    if old == new:
        return []
    if files.mark != "~":
        return [
            Change(
                mark=files.mark, kind="runbook", about=files.about, text=_lines_of(len(old or new)), where=files.path
            )
        ]
    steps = [line[:1] for line in difflib.unified_diff(old, new, n=0, lineterm="") if line[:3] not in ("---", "+++")]
    text = f"{_lines_of(steps.count('+'))} came, {_lines_of(steps.count('-'))} went"
    return [Change(mark="~", kind="runbook", about=files.about, text=text, where=files.path)]


def _lines_of(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"


def _lines(content: bytes) -> list[str]:
    lines = (" ".join(line.split()) for line in content.decode(errors="replace").splitlines())
    return [line for line in lines if line]


def _functions(content: bytes) -> dict[str, tuple[str, int]]:
    """What each function does, as a text without layout, and its line; all that stands outside of functions as one."""
    tree = ast.parse(content.decode())
    found: dict[str, tuple[str, int]] = {}
    rest: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[node.name] = (ast.dump(_bare(node)), node.lineno)
        elif not _is_text(node):
            rest.append(ast.dump(node))
    return found | ({REST: ("\n".join(rest), 1)} if rest else {})


def _bare(node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
    if _is_text(node.body[0]):
        node.body = node.body[1:] or [ast.Pass()]
    return node


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
