"""Which rows of a document a flow leaves out because somebody else is record of what they take, and what is then missing."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from interlock.strategy.facts import ConnectorFacts, DocumentFact, RowFact
from interlock.strategy.model import Flow, System
from interlock.strategy.ownership import Foreign, Ownership, Place, read_from


class LeftOut(NamedTuple):
    """`rows`: each target that is left out, with what is foreign in it (nothing, when it goes with a list or object
    around it). `missing`: required rows among them; the vendor would not take the document.
    """

    rows: dict[str, tuple[Foreign, ...]]
    missing: tuple[str, ...]

    def fields(self) -> tuple[Foreign, ...]:
        """What is foreign, each field once."""
        return tuple(dict.fromkeys(one for found in self.rows.values() for one in found))


NOTHING = LeftOut({}, ())


def left_out(document: DocumentFact, ownership: Ownership, source: str, place: Place | None = None) -> LeftOut:
    """What of a document a flow from `source` may not write at a place; when none is given, of an object that began at
    the source. A row that takes several fields is left out when one of them is foreign: half of it would be wrong.
    """
    there = read_from(source) if place is None else place
    rows = {row.target: found for row in document.rows if (found := _foreign(row, document, ownership, source, there))}
    if not rows:
        return NOTHING
    rows |= dict.fromkeys(_that_go_along(document, rows), ())
    ordered = {row.target: rows[row.target] for row in document.rows if row.target in rows}
    return LeftOut(ordered, tuple(target for target in document.requires if target in ordered))


def documents_of(flow: Flow, system: System, connectors: ConnectorFacts, override: str = "") -> list[DocumentFact]:
    """What a flow writes at one of its destinations: documents of its object, and what these bring along. Rows that know
    no canonical field are taken to write the whole object.
    """
    if flow.pattern == "point-to-point":
        return [_whole_object(flow.object_name)]
    fact = connectors.get(system.connector)
    known = fact.documents(override) if fact is not None else ()
    mine = [one for one in known if one.object == flow.object_name]
    along = [one for one in known if flow.object_name in one.along and one.object != flow.object_name]
    return [*mine, *along] if mine else [_whole_object(flow.object_name)]


def _whole_object(object_name: str) -> DocumentFact:
    """Of rows that know no fields of the object: nobody can ask for those in it, so the object itself is asked for."""
    name = f"whole {object_name}"
    return DocumentFact(object_name, name, (RowFact(object_name, ("",), whole=False),), requires=(object_name,))


def _foreign(
    row: RowFact, document: DocumentFact, ownership: Ownership, source: str, place: Place
) -> tuple[Foreign, ...]:
    asked = (ownership.foreign(source, document.object, path, place, below=row.whole) for path in row.reads)
    return tuple(dict.fromkeys(one for found in asked for one in found))


def _that_go_along(document: DocumentFact, rows: Iterable[str]) -> Iterator[str]:
    """Rows inside what is left out, and the whole of a list that would replace the vendor's without one of its fields."""
    gone = [*rows, *(name for name in document.replaces if any(_inside(row, name) for row in rows))]
    for row in document.rows:
        if row.target not in rows and any(_inside(row.target, outer) for outer in gone):
            yield row.target


def _inside(target: str, outer: str) -> bool:
    return target.startswith((f"{outer}.", f"{outer}["))
