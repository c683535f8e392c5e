"""Differences of contracts, field by field, and which of them break whoever reads or writes the object."""

from collections.abc import Iterator, Mapping
from typing import Any

from interlock.release.change import MARKS, Change, leaves, said
from interlock.release.two_files import TwoFiles

NARROWING: Mapping[str, str] = {
    "type": "what was written as the old type does not fit the new one",
    "of": "what was written as the old type does not fit the new one",
    "required": "objects without it do not fit any more",
    "nullable": "objects in which it is null do not fit any more",
    "values": "objects with a value that went do not fit any more",
    "unit": "the same number means something else",
}
"""Key of a field -> why a change of it may break; those of words and examples do not."""


def contract_changes(files: TwoFiles) -> Iterator[Change]:
    """A contract that came or went is one line; a field that did is one; else a line per key of a field."""
    if files.mark != "~":
        fields = len(_fields(files.after.data if files.is_ else files.before.data))
        yield files.change(
            files.mark, f"a contract of {fields} fields", breaking="" if files.is_ else "whoever uses it"
        )
        return
    old, new = _fields(files.before.data), _fields(files.after.data)
    for path in (*old, *(path for path in new if path not in old)):
        before, after = old.get(path), new.get(path)
        if before is None or after is None:
            yield _field(files, path, before, after)
        elif before != after:
            yield from _keys(files, path, before, after)
    yield from _words(files)


def _fields(data: dict[str, Any]) -> dict[tuple[str, ...], dict[str, Any]]:
    """Every field by its path in the file: `("objects", "line", "fields", "sku")`."""
    found: dict[tuple[str, ...], dict[str, Any]] = {
        ("fields", name): field for name, field in data.get("fields", {}).items()
    }
    for shape, body in data.get("objects", {}).items():
        found |= {("objects", shape, "fields", name): field for name, field in body.get("fields", {}).items()}
    return found


def _field(files: TwoFiles, path: tuple[str, ...], before: Any, after: Any) -> Change:
    field = after or before
    mark = MARKS[before is not None, after is not None]
    needed = field.get("required", True) and not field.get("nullable", False)
    breaking = "whoever reads it" if after is None else "objects that were made before lack it" if needed else ""
    words = f"field {_name(path)}, {field.get('type', 'a')} {field.get('of', '')}".rstrip()
    return files.change(mark, f"{words}{' (required)' if needed and mark == '+' else ''}", path, breaking=breaking)


def _keys(files: TwoFiles, path: tuple[str, ...], before: dict[str, Any], after: dict[str, Any]) -> Iterator[Change]:
    for key in (*before, *(key for key in after if key not in before)):
        old, new = before.get(key), after.get(key)
        if old != new:
            mark = MARKS[old is not None, new is not None]
            text = f"field {_name(path)}, {key}: {said(old)} -> {said(new)}"
            yield files.change(mark, text, (*path, key), breaking=_breaks(key, old, new))


def _breaks(key: str, old: Any, new: Any) -> str:
    loosened = (key == "nullable" and new) or (key == "required" and new is False)
    widened = key == "values" and set(old or ()) <= set(new or ())
    return "" if loosened or widened else NARROWING.get(key, "")


def _words(files: TwoFiles) -> Iterator[Change]:
    """What stands outside of the fields: name, version, meaning."""
    old, new = ({path: value for path, value in leaves(table) if "fields" not in path} for table in files.tables())
    for path in (*old, *(path for path in new if path not in old)):
        if old.get(path) != new.get(path):
            mark = MARKS[path in old, path in new]
            yield files.change(
                mark, f"{'.'.join(map(str, path))}: {said(old.get(path))} -> {said(new.get(path))}", path
            )


def _name(path: tuple[str, ...]) -> str:
    return path[1] if path[0] == "fields" else f"{path[1]}.{path[3]}"
