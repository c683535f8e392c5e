"""Differences of mappings, row by row: what each target comes from, with the connector's own rows under the folder's."""

import tomllib
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import UNSET

from interlock.mapping import Mapping, connector_mapping
from interlock.mapping.language import Condition, Row, table_of
from interlock.release.change import MARKS, Change, leaves, said
from interlock.release.two_files import TwoFiles
from interlock.strategy.snapshot import Snapshot

IN_ROW_GONE = "whoever reads this field of the object finds nothing in it any more"


def mapping_changes(files: TwoFiles) -> Iterator[Change]:
    """`+ mapping netsuite, order to salesOrder: memo <- note`. A row that goes gives way to the connector's own."""
    connector = _connector(files.new, files.name)
    if not connector or connector != _connector(files.old, files.name):
        return  # the system itself came, went or changed its connector, which is told with it
    old, new = (_merged(connector, snapshot, files.path) for snapshot in (files.old, files.new))
    for place in _places(old, new):
        yield from _rows(files, place, _table(old, place), _table(new, place))
    yield from _settings(files, old, new)


def item_changes(files: TwoFiles) -> Iterator[Change]:
    """`+ items of netsuite: SKU TEA-100 is 4711`."""
    old, new = dict(leaves(files.before.data)), dict(leaves(files.after.data))
    for path in (*old, *(path for path in new if path not in old)):
        if old.get(path) != new.get(path):
            about = f"items of {path[0]}"
            yield files.change(MARKS[path in old, path in new], _item(path, old, new), path, about=about)


def row_words(row: Row) -> str:
    """Where a target's value comes from: `note`, `shop price by amount`, `constant 1`."""
    if row.value is not UNSET:
        words = f"constant {said(row.value)}"
    elif row.setting:
        words = f"setting {row.setting}"
    elif row.each or row.object:
        words = f"each of {row.each}" if row.each else row.object
    else:
        words = ", ".join(row.paths) or "nothing"
    words += f" by {row.function}" if row.function else ""
    words += f", else {said(row.default)}" if row.default is not UNSET else ""
    words += f", by a table of {len(row.table)}" if row.table is not None else ""
    words += f", where {' and '.join(map(_condition, row.conditions))}" if row.conditions else ""
    return words + (", left out when null" if row.omit_when_null else "")


def _condition(condition: Condition) -> str:
    tests = (("is", condition.equals), ("is not", condition.differs), ("above", condition.above))
    said_tests = [f"{word} {said(value)}" for word, value in tests if value is not UNSET]
    call = f" by {condition.function}" if condition.function else ""
    return " ".join([f"{condition.source}{call}", *said_tests])


def _connector(snapshot: Snapshot, system: str) -> str:
    text = snapshot.files.get(f"systems/{system}.toml", b"").decode()
    return str(tomllib.loads(text).get("connector", ""))


def _merged(connector: str, snapshot: Snapshot, path: str) -> Mapping:
    return connector_mapping(connector, snapshot.files.get(path, b"").decode(), path)


Place = tuple[str, ...]
"""`("order", "in")` or `("order", "out", "salesOrder")`."""


def _places(old: Mapping, new: Mapping) -> list[Place]:
    found: dict[Place, None] = {}
    for mapping in (old, new):
        for name, directions in mapping.tables.items():
            if "in" in directions:
                found[(name, "in")] = None
            found.update(dict.fromkeys((name, "out", document) for document in directions.get("out", {})))
    return list(found)


def _table(mapping: Mapping, place: Place) -> dict[str, Row]:
    body: Any = mapping.tables
    for step in place:
        body = body.get(step, {})
    return table_of(body, ".".join(place), mapping.file_name, mapping.text).rows


def _rows(files: TwoFiles, place: Place, old: dict[str, Row], new: dict[str, Row]) -> Iterator[Change]:
    for target in (*old, *(target for target in new if target not in old)):
        before, after = old.get(target), new.get(target)
        if before != after:
            yield _row(files, place, target, before, after)


def _row(files: TwoFiles, place: Place, target: str, before: Row | None, after: Row | None) -> Change:
    mark = MARKS[before is not None, after is not None]
    if after is None:
        text = f"{target} (was {row_words(before or Row())})"
    else:
        text = f"{target} <- {row_words(after)}" + (f" (was {row_words(before)})" if before is not None else "")
    path = (*place, target)
    gone = not _written(files.after.data, path)
    return Change(
        mark=mark, kind="mapping", about=f"mapping {files.name}, {_direction(place)}", text=text,
        key=f"{'.'.join(place)}.{target}", where=files.where(path, gone=gone),
        breaking=IN_ROW_GONE if mark == "-" and place[-1] == "in" else "",
    )  # fmt: skip


def _written(data: Any, path: Place) -> bool:
    """Whether the new file writes this row itself; else it was the old one that did."""
    for step in path:
        if not isinstance(data, dict) or step not in data:
            return False
        data = data[step]
    return True


def _direction(place: Place) -> str:
    return f"{place[0]} in" if place[1] == "in" else f"{place[0]} to {place[2]}"


def _settings(files: TwoFiles, old: Mapping, new: Mapping) -> Iterable[Change]:
    for name in sorted(old.settings.keys() | new.settings.keys()):
        before, after = old.settings.get(name), new.settings.get(name)
        setting = after or before
        if setting is not None and before != after:
            mark = MARKS[before is not None, after is not None]
            yield files.change(mark, f"setting {name} = {said(setting.default)}", ("settings", name))


def _item(path: tuple[str | int, ...], old: Any, new: Any) -> str:
    before, after = old.get(path), new.get(path)
    words = {"skus": "SKU", "variants": "variant"}
    name = f"{words.get(str(path[1]), path[1])} {path[2]}" if len(path) > 2 else " ".join(map(str, path[1:]))
    if after is None:
        return f"{name} (was {said(before)})"
    return f"{name} is {said(after)}" + (f" (was {said(before)})" if before is not None else "")
