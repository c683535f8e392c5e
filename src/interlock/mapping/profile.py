"""What a source's documents usually look like, learned from them, and when one kind of document has really changed.

A name is judged only among the documents whose holder of it was there: a guest's order has no customer, so it says
nothing about `customer.email`. The rules, and what each is for:

- vanished: the key is gone. It was there in at least 99 % of the last 500 such documents, and is missing from the last 50
  in a row; from the last 10 when it had never been missing in 300 or more; from the last 100 when only 100 to 300 such
  documents were ever seen. Where the source never writes null, it leaves out what is null: then from the last 100, of a
  name that 300 or more documents are known for.
- emptied: the key is there and null. The value had never been null in 300 documents or more, and is null in the last 100.
- retyped: a type that was never met in 100 values or more is met in 5 of the last 50.
- new: the holder was met 100 times or more without the name, which then is in 5 documents and a tenth of all since.

A name that comes and goes satisfies none of them, however often it does.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from interlock.mapping.shape import ARRAY, NULL, OBJECT, Shape, joined, words_of

Kind = Literal["vanished", "emptied", "retyped", "new"]

WINDOW = 500
STEADY_SHARE = 0.99
STEADY_AT_LEAST = 100
WELL_KNOWN_FROM = 300
MISSING_IN_A_ROW = (10, 50, 100)
"""For a value that had never been missing, for one that was almost always there, for one that is little known."""
NULL_IN_A_ROW = 100
VALUES_BEFORE_A_NEW_TYPE = 100
RECENT = 50
OFTEN_ENOUGH = 5
NEW_SHARE = 0.1
BACK_IN_A_ROW = 10
"""A name that vanished is back when it was there so often in a row."""

ALTERNATING = 5
"""Documents of before and after may alternate for so long while a source changes over."""

MOST_MISSES = 6
"""More than 1 % of 500 need not be remembered: then the name was not steady."""
MOST_NAMES = 400
"""An object with more names than this is a table by name (SKU -> stock), and its names are data."""
MOST_HOLDERS = 600
LONGEST_NAME = 64
REMEMBERED_EVENTS = 128


class Field(msgspec.Struct, array_like=True, gc=False):
    """One name of one holder. The numbers are places in the holder's own count of documents."""

    first: int
    last: int
    types: int
    count: int = 1
    values: int = 0
    last_value: int = 0
    misses: list[int] = []
    nulls: int = 0
    strange: list[int] = []
    strange_types: int = 0
    strange_count: int = 0
    settled: bool = False
    """Known from the beginning, or reported as new already."""


class Holder(msgspec.Struct, array_like=True, gc=False):
    """An object that stands at one path: in how many documents it was, and the names it had."""

    seen: int = 0
    fields: dict[str, Field] = {}
    events: list[int] = []
    """Inbox positions of the last documents, the newest last."""

    @property
    def is_table(self) -> bool:
        return len(self.fields) > MOST_NAMES

    def event(self, place: int) -> int:
        """The inbox position of the document with this place; that of the oldest that is remembered for an older one."""
        return self.events[max(-len(self.events), place - self.seen - 1)]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which documents have changed for good, with how many did since, and the first and last of them."""

    path: str
    kind: Kind
    count: int
    first_event: int
    last_event: int
    was: str
    now: str
    perhaps: str = ""
    """The new name of what vanished: a name of the same type, in the same holder, that began when this one ended."""


class Profile(msgspec.Struct, array_like=True):
    """One kind of document: (system, object or topic, API version)."""

    documents: int = 0
    holders: dict[str, Holder] = {}

    def learn(self, shape: Shape, event: int) -> None:
        """Take one document in; `event` is its inbox position."""
        self.documents += 1
        for path, names in shape.items():
            holder = self.holders.get(path)
            if holder is None:
                if len(self.holders) >= MOST_HOLDERS or not all(_is_name(name) for name in path.split(".")):
                    continue
                holder = self.holders[path] = Holder()
            holder.seen += 1
            holder.events.append(event)
            if len(holder.events) > 2 * REMEMBERED_EVENTS:
                del holder.events[:-REMEMBERED_EVENTS]
            if not holder.is_table:
                _learn(holder, names)

    def changes(self) -> Iterator[Change]:
        """Everything that satisfies a rule now. Each is told again, with a higher count, for as long as it lasts."""
        writes_null = self.writes_null
        for path, holder in self.holders.items():
            if not holder.is_table:
                for name, field in holder.fields.items():
                    kind = _kind(holder, field, writes_null)
                    if kind is not None:
                        yield _change(path, name, holder, field, kind)

    @property
    def writes_null(self) -> bool:
        """Whether this source says null for what there is not, instead of leaving the key out."""
        return any(field.types & NULL for holder in self.holders.values() for field in holder.fields.values())

    def back(self, path: str) -> bool:
        """Whether a name that was missing has been there again for a while."""
        found = self._find(path)
        if found is None:
            return False
        holder, name = found
        field = holder.fields[name]
        return field.last == holder.seen and holder.seen - max(field.misses, default=0) >= BACK_IN_A_ROW

    def accept(self, path: str, kind: Kind) -> None:
        """Take a change as how documents are from now on."""
        found = self._find(path)
        if found is None:
            return
        holder, name = found
        field = holder.fields[name]
        if kind == "vanished":
            del holder.fields[name]
        elif kind == "emptied":
            field.values = field.nulls = 0
        elif kind == "retyped":
            field.types |= field.strange_types
            field.strange_types, field.strange, field.strange_count = 0, [], 0
        else:
            field.settled = True

    def paths(self) -> dict[str, int]:
        """Every path that holds a value, with its types: what there is to read."""
        return {
            joined(path, name): field.types & ~NULL
            for path, holder in self.holders.items()
            for name, field in holder.fields.items()
            if not holder.is_table and not field.types & (OBJECT | ARRAY)
        }

    def _find(self, path: str) -> tuple[Holder, str] | None:
        for holder_path, holder in self.holders.items():
            for name in holder.fields:
                if joined(holder_path, name) == path:
                    return holder, name
        return None


def _learn(holder: Holder, names: dict[str, int]) -> None:
    fields, place = holder.fields, holder.seen
    for name, types in names.items():
        field = fields.get(name)
        if field is None:
            if not _is_name(name):
                continue
            field = fields[name] = Field(place, place, types, settled=place <= STEADY_AT_LEAST)
        else:
            if field.last != place - 1:
                field.misses = [*field.misses, *range(max(field.last + 1, place - MOST_MISSES), place)][-MOST_MISSES:]
            field.last = place
            field.count += 1
        if types == NULL:
            field.nulls += 1
        else:
            field.values += 1
            field.last_value = place
            if types & ~field.types:
                _meet(field, types & ~(field.types | NULL), place)
        if types & NULL:
            field.types |= NULL


def _is_name(name: str) -> bool:
    """Whether somebody chose it as a field's name: a table by address or by long code has data for names, which is not kept."""
    return len(name) <= LONGEST_NAME and "@" not in name


def _meet(field: Field, strange: int, place: int) -> None:
    """A type that this field did not have: part of what is learned, or strange."""
    if not strange:
        return
    if field.values <= VALUES_BEFORE_A_NEW_TYPE:
        field.types |= strange
        return
    field.strange_types |= strange
    field.strange_count += 1
    field.strange = [*field.strange, place][-OFTEN_ENOUGH:]


def _kind(holder: Holder, field: Field, writes_null: bool) -> Kind | None:
    if _vanished(holder, field, writes_null=writes_null):
        return "vanished"
    if field.strange and _often(holder, field.strange):
        return "retyped"
    if _emptied(holder, field):
        return "emptied"
    return "new" if not field.settled and _is_new(holder, field) else None


def _vanished(holder: Holder, field: Field, *, writes_null: bool) -> bool:
    absent = holder.seen - field.last
    observed = field.last - field.first + 1
    if absent < MISSING_IN_A_ROW[0] or observed < STEADY_AT_LEAST:
        return False
    if not writes_null and observed < WELL_KNOWN_FROM:
        return False
    missed = sum(place > field.last - WINDOW for place in field.misses)
    surprise = 0 if field.count == observed >= WELL_KNOWN_FROM else 1 if observed >= WELL_KNOWN_FROM else 2
    needed = MISSING_IN_A_ROW[surprise if writes_null else 2]
    return absent >= needed and missed <= (1 - STEADY_SHARE) * min(observed, WINDOW)


def _emptied(holder: Holder, field: Field) -> bool:
    """Only of single values: an object or a list that is null says that there is none, such as the customer of a guest."""
    lately = holder.seen - field.last_value
    present = holder.seen == field.last
    return (
        lately >= NULL_IN_A_ROW
        and present
        and field.values >= WELL_KNOWN_FROM
        and field.nulls == lately
        and not field.types & (OBJECT | ARRAY)
    )


def _often(holder: Holder, places: list[int]) -> bool:
    """Once it was often it stays so, until it is accepted: a type that both are sent in is a change as well."""
    return len(places) == OFTEN_ENOUGH and places[-1] - places[0] < RECENT and holder.seen >= places[-1]


def _is_new(holder: Holder, field: Field) -> bool:
    return field.count >= OFTEN_ENOUGH and field.count >= NEW_SHARE * (holder.seen - field.first + 1)


def _change(path: str, name: str, holder: Holder, field: Field, kind: Kind) -> Change:
    types = words_of(field.types & ~NULL) or "null"
    first, last = {
        "vanished": (field.last + 1, holder.seen),
        "emptied": (field.last_value + 1, holder.seen),
        "retyped": (field.strange[0] if field.strange else 0, field.strange[-1] if field.strange else 0),
        "new": (field.first, field.last),
    }[kind]
    count = {
        "vanished": holder.seen - field.last,
        "emptied": holder.seen - field.last_value,
        "retyped": field.strange_count,
        "new": field.count,
    }[kind]
    return Change(
        path=joined(path, name),
        kind=kind,
        count=count,
        first_event=holder.event(first),
        last_event=holder.event(last),
        was="" if kind == "new" else types,
        now={"vanished": "", "emptied": "null", "retyped": words_of(field.strange_types), "new": types}[kind],
        perhaps=_successor(path, holder, field) if kind == "vanished" else "",
    )


def _successor(path: str, holder: Holder, gone: Field) -> str:
    """A name that began where this one ended, with a type in common."""
    for name, field in holder.fields.items():
        if 0 <= field.first - gone.last <= ALTERNATING and (
            field.types & gone.types or NULL in (field.types, gone.types)
        ):
            return joined(path, name)
    return ""
