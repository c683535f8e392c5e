"""What a changed folder does to recorded objects: each kind of difference once, with a count and a sample."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from interlock.mapping.difference import Difference, Sample, sample_of

RANK: Mapping[str, int] = {
    "fails": 0, "stays": 1, "goes": 2, "spares": 3, "writes": 4, "heals": 5, "field": 6, "form": 7, "null": 8,
}  # fmt: skip
"""What a line can be about, in the order in which they are told: what needs a look comes first.

fails: cannot be translated any more; stays: no longer goes to a destination; goes: now does; spares, writes: a call less,
a call more; heals: can be translated now; field: a value of a document; form: the same values, written otherwise; null: a
field without a value is sent as null, or left out, which was the other way round.
"""

FIELD_WORDS: Mapping[str, str] = {
    "filled": "filled in", "added": "filled in", "emptied": "emptied", "removed": "emptied", "retyped": "changes its type in",
    "changed": "changes",
}  # fmt: skip
"""Kind of a difference between two documents -> what people call it."""

SILENT = frozenset({"null", "form"})
"""Lines that change no value: they do not make an order different."""

Key = tuple[str, str, str, str]
Hide = Callable[[str, str, Any], bool]
"""(destination, path, value) -> whether the value is personal."""


class Line(Struct, frozen=True, kw_only=True):
    """One kind of difference: `count` objects of the `total` that reach this destination. `subject` is the document and
    field, the flow, or the code of the failure."""

    what: str
    destination: str
    subject: str
    words: str
    sample: Sample
    count: int = 0
    total: int = 0

    @property
    def line(self) -> str:
        """`netsuite salesOrder.upsert memo: filled in 3 of 51, such as #1003: null -> "Ring twice"`."""
        shown = self.sample
        change = f": {shown.old or 'nothing'} -> {shown.new or 'nothing'}" if shown.path else ""
        why = f": {shown.new}" if shown.new and not shown.path else ""
        such = "such as " if self.count > 1 else ""
        return f"{self.destination} {self.subject}: {self.words} {self.count} of {self.total}, {such}{shown.subject}{change}{why}"


class Effect(Struct, frozen=True, kw_only=True):
    """Of `events` recorded ones, about `objects` objects, `differ` of which would be treated differently.

    `left_out` says why events were not tried, with how many. `unseen`: of so many events a process may do something else,
    which nothing here shows. `untouched`: nothing that changed can have an effect on any
    of them, so none was read.
    """

    events: int = 0
    objects: int = 0
    differ: int = 0
    noun: str = "order"
    lines: tuple[Line, ...] = ()
    left_out: dict[str, int] = {}
    unseen: int = 0
    untouched: bool = False
    seconds: float = 0.0

    def most(self, *what: str) -> int:
        """The most objects that one line of these kinds is about."""
        return max((line.count for line in self.lines if line.what in what), default=0)


class Tally:
    """Collects differences in memory that grows with their kinds, and by one number per object and kind."""

    def __init__(self, hide: Hide = lambda _destination, _path, _value: True) -> None:
        self._hide = hide
        self._lines: dict[Key, Line] = {}
        self._about: dict[Key, set[int]] = {}
        self._reached: dict[str, set[int]] = {}
        self.differing: set[int] = set()

    def reaches(self, destination: str, number: int) -> None:
        """An object that concerns this destination, under the old folder or the new one."""
        self._reached.setdefault(destination, set()).add(number)

    def add(
        self, what: str, destination: str, subject: str, words: str, *, number: int, name: str, why: str = ""
    ) -> None:
        """One object of which this is to be said; the first is the sample."""
        key = (what, destination, subject, words)
        if key not in self._lines:
            sample = Sample(subject=name, path="", old="", new=why)
            self._lines[key] = Line(what=what, destination=destination, subject=subject, words=words, sample=sample)
            self._about[key] = set()
        self._count(key, number)

    def add_field(self, destination: str, document: str, found: Difference, *, number: int, name: str) -> None:
        """A value of a document that differs."""
        nothing = found.old is None and found.new is None
        what = "null" if nothing else "field"
        words = {"added": "sent as null", "removed": "left out"}[found.kind] if nothing else FIELD_WORDS[found.kind]
        subject = f"{document} {found.field}"
        key = (what, destination, subject, words)
        if key not in self._lines:
            sample = sample_of(name, found, lambda path, value: self._hide(destination, path, value))
            self._lines[key] = Line(what=what, destination=destination, subject=subject, words=words, sample=sample)
            self._about[key] = set()
        self._count(key, number)

    def lines(self) -> tuple[Line, ...]:
        """All, what needs a look first, then the largest."""
        counted = (
            msgspec.structs.replace(
                line, count=len(self._about[key]), total=len(self._reached.get(line.destination, ()))
            )
            for key, line in self._lines.items()
        )
        return tuple(sorted(counted, key=lambda line: (RANK[line.what], -line.count, line.destination, line.subject)))

    def _count(self, key: Key, number: int) -> None:
        self._about[key].add(number)
        if key[0] not in SILENT:
            self.differing.add(number)
