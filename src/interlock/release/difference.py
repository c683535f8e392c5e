"""What is different between two folders, idea by idea: comments, white space and the order of keys are no difference."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from interlock.release.change import MARKS, Change
from interlock.release.code_difference import function_changes, runbook_changes
from interlock.release.contract_difference import contract_changes, promise_changes
from interlock.release.end_difference import change_file_changes
from interlock.release.field_difference import (
    flow_changes,
    item_file_changes,
    security_changes,
    strategy_changes,
    system_changes,
    table_changes,
)
from interlock.release.former_names import under_new_names
from interlock.release.row_difference import item_changes, mapping_changes
from interlock.release.two_files import TwoFiles
from interlock.strategy.snapshot import Snapshot

Comparer = Callable[[TwoFiles], Iterable[Change]]

COMPARERS: Mapping[str, tuple[str, Comparer]] = {
    "strategy.toml": ("strategy", strategy_changes),
    "systems/*.toml": ("system", system_changes),
    "objects/*.toml": ("object", contract_changes),
    "objects/*.lock": ("promise", promise_changes),
    "mappings/items.toml": ("items", item_changes),
    "mappings/*.toml": ("mapping", mapping_changes),
    "flows/*.toml": ("flow", flow_changes),
    "security.toml": ("security", security_changes),
    "functions.py": ("function", function_changes),
    "runbooks/*.md": ("runbook", runbook_changes),
    "changes/*.toml": ("change", change_file_changes),
    "inventory/*.toml": ("stock", table_changes),
    "inventory/items/*.toml": ("stock", item_file_changes),
    "*.toml": ("file", table_changes),
}
"""Pattern of a file's path -> the kind of idea that it holds, and who compares it; in the order of the plan."""

SHOWN_IN_A_SUMMARY = 2


def differences(old: Snapshot, new: Snapshot) -> tuple[Change, ...]:
    """Every change from the old folder to the new one, in the order of the table above. Both must load."""
    old, names = under_new_names(old, new)
    return (*_renamed_systems(names), *_differences(old, new))


def _renamed_systems(names: Mapping[str, str]) -> Iterator[Change]:
    for was, now in names.items():
        text = f"is called {now} now; what was written there stays its own"
        yield Change(mark="~", kind="system", about=f"system {was}", text=text, where=f"systems/{now}.toml", key="was")


def _differences(old: Snapshot, new: Snapshot) -> tuple[Change, ...]:
    paths = [path for path in {*old.files, *new.files} if old.files.get(path) != new.files.get(path)]
    compared = [_of_file(path, old, new) for path in sorted(paths, key=lambda path: (_place(path), path))]
    return tuple(_with_renamed_flows([change for changes in compared for change in changes], old, new))


def summary(changes: Iterable[Change]) -> str:
    """All of it in one line, for a list of releases."""
    lines = [change.line for change in changes]
    if not lines:
        return "nothing but comments and white space"
    more = len(lines) - SHOWN_IN_A_SUMMARY
    return "; ".join(lines[:SHOWN_IN_A_SUMMARY]) + (f"; and {more} more" if more > 0 else "")


def _pattern(path: str) -> str:
    return next((pattern for pattern in COMPARERS if PurePosixPath(path).match(pattern)), "")


def _place(path: str) -> int:
    return list(COMPARERS).index(_pattern(path)) if _pattern(path) else len(COMPARERS)


def _of_file(path: str, old: Snapshot, new: Snapshot) -> Iterator[Change]:
    pattern = _pattern(path)
    if not pattern:
        mark = MARKS[path in old.files, path in new.files]
        yield Change(
            mark=mark, kind="file", about=path, text="its content is different" if mark == "~" else "a file", where=path
        )
        return
    kind, compare = COMPARERS[pattern]
    yield from compare(TwoFiles(kind, path, old, new))


def _with_renamed_flows(changes: list[Change], old: Snapshot, new: Snapshot) -> Iterator[Change]:
    """A flow that went and one that came, alike in all but their names, are one that was renamed."""
    gone = [change for change in changes if change.kind == "flow" and change.mark == "-" and not change.key]
    renamed: dict[str, Change] = {}
    for came in (change for change in changes if change.kind == "flow" and change.mark == "+" and not change.key):
        twin = next((one for one in gone if one.where not in renamed and _alike(one, came, old, new)), None)
        if twin is not None:
            renamed[twin.where] = came
    for change in changes:
        if change in renamed.values():
            continue
        came_instead = renamed.get(change.where) if change.kind == "flow" and not change.key else None
        yield change if came_instead is None else _renamed(change, came_instead)


def _alike(gone: Change, came: Change, old: Snapshot, new: Snapshot) -> bool:
    before, after = TwoFiles("flow", gone.where, old, new).before, TwoFiles("flow", came.where, old, new).after
    return _unnamed(before.data) == _unnamed(after.data)


def _unnamed(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != "title"}


def _renamed(gone: Change, came: Change) -> Change:
    name = PurePosixPath(came.where).stem
    return Change(
        mark="~", kind="flow", about=gone.about, text=f"is called {name} now", where=came.where, key="name",
        breaking="what is open under the old name goes on under it; the new name begins with no history",
    )  # fmt: skip
