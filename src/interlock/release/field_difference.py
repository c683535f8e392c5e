"""Differences of files that have a model (flows, systems, security, strategy), value by value, each in its own words."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from interlock.release.change import MARKS, Change, leaves, said
from interlock.release.two_files import TwoFiles
from interlock.strategy.positions import Path

UNORDERED = frozenset({"destinations", "trigger", "record_of", "record_of_own", "allow", "production_hosts"})
"""Lists whose order means nothing."""

NOTHING: tuple[Any, ...] = (None, {}, [])
NOT_TOLD = frozenset({("name",), ("was",)})
"""What the place of a file says already."""

LIST_WORDS: Mapping[str, tuple[str, str]] = {
    "flow destinations": ("also goes to {}", "no longer goes to {}"),
    "flow trigger": ("also starts on {}", "no longer starts on {}"),
    "system record_of": ("becomes record of {}", "is no longer record of {}"),
    "system record_of_own": ("becomes record of {} that begins there", "is no longer record of {} that begins there"),
    "security egress.allow": ("may also reach {}", "may no longer reach {}"),
    "security egress.production_hosts": ("{} is a production host", "{} is no longer a production host"),
}
"""Kind and key -> what an element that came, or went, means."""

EMPTY: Mapping[str, str] = {"flow when": "always", "flow rollback": "no words"}
"""What an empty text means."""

BREAKING: Mapping[str, str] = {
    "flow destinations -": "new events no longer reach it",
    "flow trigger -": "events that only this topic announces start nothing any more",
    "flow source ~": "its events now come from another system",
    "flow object ~": "another contract: its mappings and whoever reads the object must fit it",
    "strategy environment ~": "which hosts may be reached depends on it",
    "system connector ~": "another vendor's API and mapping; what was written so far is unknown to it",
}
"""Kind, key and mark -> why such a change breaks something."""

FLOW_GONE = "new events no longer go its way; what is open is finished under the release that accepted it"
SWITCHES: Mapping[str, tuple[str, str]] = {
    "flow paused": ("is paused: its deliveries are made and wait", "goes on"),
    "flow every": ("every event is delivered from now on", "only the newest state is delivered from now on"),
    "flow test_orders": ("test orders are delivered too", "test orders are not delivered any more"),
    "security console.mask_personal": ("personal data is masked", "personal data is shown unmasked"),
}
"""Yes-or-no keys -> what true and false mean."""


def flow_changes(files: TwoFiles) -> Iterable[Change]:
    """A flow that came or went is one line; else a line per value."""
    if files.is_ and files.was:
        return _values(files)
    flow = (files.after if files.is_ else files.before).value
    text = f"{flow.source} {', '.join(flow.trigger)} -> {', '.join(flow.destinations)}"
    return [files.change(files.mark, said(text), breaking="" if files.is_ else FLOW_GONE)]


def system_changes(files: TwoFiles) -> Iterable[Change]:
    """A system that came or went is one line; else a line per value."""
    if files.is_ and files.was:
        return _values(files)
    system = (files.after if files.is_ else files.before).value
    return [files.change(files.mark, f"{system.title} by connector {system.connector}, owner {system.owner}")]


def security_changes(files: TwoFiles) -> Iterable[Change]:
    """A line per value; a file that came says no more than its defaults do, but where it differs from them."""
    return _values(files)


def strategy_changes(files: TwoFiles) -> Iterator[Change]:
    """A line per value; a team that came or went is one line."""
    yield from _values(files, without="teams")
    old, new = (table.get("teams", {}) for table in files.tables())
    for name in sorted(old.keys() | new.keys()):
        about = f"team {name}"
        if name in old and name in new:
            yield from _values(files, ("teams", name), about=about)
        else:
            contact = (new.get(name) or old[name])["contact"]
            yield files.change(MARKS[name in old, name in new], f"reached at {contact}", ("teams", name), about=about)


def table_changes(files: TwoFiles) -> Iterable[Change]:
    """Any other TOML file: a line for one that came or went, else a line per value."""
    if files.is_ and files.was:
        return _values(files)
    data = (files.after if files.is_ else files.before).data
    return [files.change(files.mark, said(data.get("title") or f"{len(data)} keys"))]


def item_file_changes(files: TwoFiles) -> Iterable[Change]:
    """A file of items: how much came or went with it, else a line per value."""
    if files.is_ and files.was:
        return _values(files)
    data = (files.after if files.is_ else files.before).data
    told = [f"{key} {', '.join(data[key])}" if key == "ignore" else f"{len(data[key])} of {key}" for key in data if data[key]]
    return [files.change(files.mark, said("; ".join(told) or "nothing"))]


def _values(files: TwoFiles, below: Path = (), *, about: str = "", without: str = "") -> Iterator[Change]:
    """A change per value below a path of the file."""
    old, new = (dict(leaves(_below(table, below), below)) for table in files.tables())
    for path in (*old, *(path for path in new if path not in old)):
        if path[-1:] not in NOT_TOLD and path[:1] != (without,):
            yield from _value(files, path, old.get(path), new.get(path), about, ".".join(map(str, path[len(below) :])))


def _below(table: Any, path: Path) -> Any:
    for step in path:
        table = table[step]
    return table


def _value(files: TwoFiles, path: Path, old: Any, new: Any, about: str, key: str) -> Iterator[Change]:
    if old == new or (old in NOTHING and new in NOTHING):
        return
    subject = f"{files.kind} {key}"
    if all(isinstance(each, list | None) for each in (old, new)):
        yield from _listed(files, path, old or [], new or [], about, key)
    elif subject in SWITCHES and isinstance(new, bool):
        yield files.change("~", SWITCHES[subject][0 if new else 1], path, about=about)
    elif old is None:
        if _written(files.after.data, path):
            yield files.change("+", f"{key} = {said(new)}", path, about=about)
    elif new is None:
        if _written(files.before.data, path):
            yield files.change("-", f"{key} (was {said(old)})", path, about=about)
    else:
        text = f"{key}: {_quoted(old, subject)} -> {_quoted(new, subject)}"
        yield files.change("~", text, path, about=about, breaking=BREAKING.get(f"{subject} ~", ""))


def _written(data: Any, path: Path) -> bool:
    """Not a default of a table that came, or went, as a whole."""
    for step in path:
        if not isinstance(data, dict) or step not in data:
            return not isinstance(data, dict)
        data = data[step]
    return True


def _quoted(value: Any, subject: str) -> str:
    return EMPTY.get(subject, '""') if value == "" else said(value)


def _listed(files: TwoFiles, path: Path, old: list[Any], new: list[Any], about: str, key: str) -> Iterator[Change]:
    subject = f"{files.kind} {key}"
    came, went = LIST_WORDS.get(subject, (f"{key} has {{}}", f"{key} has no more {{}}"))
    added, removed = [each for each in new if each not in old], [each for each in old if each not in new]
    for each in added:
        yield files.change("+", came.format(said(each)), (*path, new.index(each)), key=key, about=about)
    for each in removed:
        place, breaking = (*path, old.index(each)), BREAKING.get(f"{subject} -", "")
        yield files.change("-", went.format(said(each)), place, key=key, about=about, breaking=breaking)
    if not (added or removed) and str(path[-1]) not in UNORDERED:
        yield files.change("~", f"{key} in another order: {said(new)}", path, about=about)
