"""Differences of contracts, change by change as the rules of compatibility name them, and whom each breaks."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import msgspec

from interlock.canonical import Contract, ContractFile, assemble, load_contracts
from interlock.canonical.compatibility import Change as ContractChange
from interlock.canonical.compatibility import compare
from interlock.release.change import Change, Mark
from interlock.release.field_difference import table_changes
from interlock.release.two_files import TwoFiles
from interlock.strategy.positions import Path
from interlock.strategy.snapshot import Snapshot

MARKS: Mapping[str, Mark] = {"added": "+", "removed": "-"}
"""Kind of a contract's change -> how it is marked; all others are changes of what stays."""

CONTRACT = re.compile(r"[a-z][a-z0-9_]*\.v[1-9]\d*\.toml")
PROMISED: Mapping[Mark, str] = {"+": "changes no more", "-": "may change again", "~": "promises something else"}
CONTRACT_GONE = "whoever reads or writes this version finds no contract any more"


def contract_changes(files: TwoFiles) -> Iterable[Change]:
    """A version that came or went is one line; else a line per change. A file that is no contract (a converter) is told
    value by value."""
    old, new = (_contract(side, files.name) for side in (files.old, files.new))
    if old is None and new is None:
        return table_changes(files)
    if old is None or new is None:
        fields = len((old or new).paths())  # type: ignore[union-attr]  # one of them is there
        breaking = CONTRACT_GONE if new is None else ""
        return [files.change("-" if new is None else "+", f"a contract of {fields} fields", breaking=breaking)]
    return _compared(files, old, new)


def promise_changes(files: TwoFiles) -> Iterator[Change]:
    """A line per version that is published, taken back, or promises something else."""
    old, new = files.before.data, files.after.data
    for key in (*old, *(key for key in new if key not in old)):
        if old.get(key) != new.get(key):
            mark: Mark = "~" if key in old and key in new else "+" if key in new else "-"
            breaking = "" if mark == "+" else "those who count on it were promised that it changes no more"
            yield files.change(mark, PROMISED[mark], (key,), about=f"published {key}", breaking=breaking)


def _compared(files: TwoFiles, old: Contract, new: Contract) -> Iterator[Change]:
    for each in compare(old, new).changes:
        breaking = "" if each.allowed("full") else each.rule.backward or each.rule.forward
        path = _place(files.before.data if each.kind == "removed" else files.after.data, each)
        text = each.sentence.removeprefix(new.key).lstrip(": ")
        yield files.change(MARKS.get(each.kind, "~"), text, path, key=each.path, breaking=breaking)


def _contract(snapshot: Snapshot, stem: str) -> Contract | None:
    """As the hub takes it: with the fields that a file of the folder adds to one that ships."""
    texts = ((PurePosixPath(path), text) for path, text in snapshot.files.items() if path.startswith("objects/"))
    return _contracts(tuple((path.stem, text) for path, text in texts if CONTRACT.fullmatch(path.name))).get(stem)


@lru_cache(maxsize=4)
def _contracts(texts: tuple[tuple[str, bytes], ...]) -> Mapping[str, Contract]:
    """All of a folder, once for its files; of a folder with a file that cannot be read none."""
    try:
        files = {stem: msgspec.convert(tomllib.loads(text.decode()), ContractFile) for stem, text in texts}
    except (msgspec.ValidationError, tomllib.TOMLDecodeError):
        return {}
    return assemble(files, load_contracts()).contracts


def _place(data: dict[str, Any], change: ContractChange) -> Path:
    """Where the field of a change is written; the file as a whole when it is not written there itself."""
    name = change.path.replace("[]", "").rpartition(".")[2]
    shapes = {shape: body.get("fields", {}) for shape, body in data.get("objects", {}).items()}
    if "." not in change.path and name in data.get("fields", {}):
        return ("fields", name)
    return next((("objects", shape, "fields", name) for shape, fields in shapes.items() if name in fields), ())
