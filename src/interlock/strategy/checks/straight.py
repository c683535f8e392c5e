"""STR180-STR183: point-to-point flows: one destination, one operation that takes their document, rows that work."""

from collections.abc import Iterable, Iterator

from interlock.strategy.checks.base import Check, Example, subject
from interlock.strategy.checks.references import connector_of
from interlock.strategy.facts import ConnectorFact, WriteFact
from interlock.strategy.finding import Finding, did_you_mean
from interlock.strategy.folder import Folder, TomlFile
from interlock.strategy.model import Flow

POINT_TO_POINT = "point-to-point"


def _example(
    pattern: str = POINT_TO_POINT,
    operation: str = 'operation = "profile"',
    rows: str = '[map]\nemail = "email"',
    also: str = "",
) -> Example:
    lines = (f'pattern = "{pattern}"', operation, also, rows)
    return Example("flows/customer-to-crm.toml", "\n".join(filter(None, lines)))


def straight_flows(folder: Folder) -> Iterator[TomlFile[Flow]]:
    """The point-to-point flows."""
    for file in folder.flows.values():
        if file.value.pattern == POINT_TO_POINT:
            yield file


def _fact_of(folder: Folder, file: TomlFile[Flow]) -> ConnectorFact | None:
    """The connector of the one destination; None when there is not one."""
    destinations = file.value.destinations
    return connector_of(folder, destinations[0]) if len(destinations) == 1 else None


class OneDestination(Check):
    code = "STR180"
    title = "A point-to-point flow has another number of destinations than one"
    why = "its rows make the document of one system; what goes to several needs a canonical object between"
    bad = _example(also='destinations = ["crm", "shop"]')
    good = _example()

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in straight_flows(folder):
            count = len(file.value.destinations)
            if count > 1:
                yield self.finding(
                    file,
                    ("destinations", 1),
                    f"{subject(file)}: point-to-point to {count} destinations",
                    next_move='write a flow for each, or use pattern = "event-driven"',
                )


class StraightOperation(Check):
    code = "STR181"
    title = "A point-to-point flow names no operation that takes its document"
    why = "the operation says how the write becomes once-only, and under which reference the record is kept"
    bad = _example(operation='operation = "profil"')
    good = _example()

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in straight_flows(folder):
            fact, flow = _fact_of(folder, file), file.value
            if fact is None or not flow.object:
                continue
            able = [write.operation for write in fact.writes if _takes(write, flow)]
            if flow.operation not in able:
                named = f'"{flow.operation}" cannot take it' if flow.operation else "no operation is named"
                hint = did_you_mean(flow.operation, able) or f"{fact.name} takes no {flow.object_name} straight"
                what = f"{subject(file)}: {named}"
                yield self.finding(file, ("operation",) if flow.operation else ("pattern",), what, next_move=hint)


def _takes(write: WriteFact, flow: Flow) -> bool:
    return write.straight and write.object == flow.object_name


class StraightRows(Check):
    code = "STR182"
    title = "A row of a flow's own mapping cannot work"
    why = "the rows are compiled once, before anything runs; docs/reference/mapping.md shows every form"
    bad = _example(rows="[map]\nemail = 5")
    good = _example()

    def run(self, folder: Folder) -> Iterable[Finding]:
        functions = folder.snapshot.files.get("functions.py", b"").decode(errors="replace")
        for file in straight_flows(folder):
            fact, rows = _fact_of(folder, file), file.value.map
            if fact is None:
                continue
            if not rows:
                what = f"{subject(file)}: it has no rows"
                hint = 'add [map] with a row for each field: "data.attributes.email" = "email"'
                yield self.finding(file, ("pattern",), what, next_move=hint)
            elif problem := fact.try_map(rows, functions):
                path = ("map", problem.target) if problem.target in rows else ("map",)
                what = f"{subject(file)}: {f'{problem.target}: ' if problem.target else ''}{problem.what}"
                yield self.finding(file, path, what, why=problem.why, next_move=problem.next_move, at_key=True)


class UnusedRows(Check):
    code = "STR183"
    title = "A flow has keys of another pattern"
    why = "what the flow's pattern does not read would look as if it did something"
    bad = _example(pattern="event-driven", rows="")
    good = _example()

    def run(self, folder: Folder) -> Iterable[Finding]:
        for file in folder.flows.values():
            for key, pattern in OWN_KEYS.items():
                if file.value.pattern and getattr(file.value, key) and file.value.pattern != pattern:
                    what = f'{subject(file)}: "{key}" is for pattern = "{pattern}"'
                    yield self.finding(file, (key,), what, next_move="take it out, or change the pattern", at_key=True)


OWN_KEYS = {"operation": POINT_TO_POINT, "map": POINT_TO_POINT, "steps": "middleware"}
"""Keys of a flow that one pattern alone reads."""
