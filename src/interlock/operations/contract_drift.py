"""The watch over sources' documents: learns their shapes beside the deliveries, and records where they changed for good.

What it may cost: MOST_PER_PASS documents a second, about 0.3 ms each for orders of 10 KB (reading, learning, judging and
writing down; bench/contract_watch.py), one at a time between other work: less than one percent of one core, whatever the
traffic. While few events arrive all are looked at; of more than MOST_BEHIND that wait, one in so many.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress

import msgspec

from interlock.clock import Clock
from interlock.errors import InterlockError, StoreError
from interlock.mapping.compile import FieldRow
from interlock.mapping.profile import Change, Profile
from interlock.mapping.reads import Reads, parts_of
from interlock.mapping.shape import shape_of
from interlock.messaging.contract_drift import HIGH, LOW, Drift, DriftBook, DriftRow, ProfileKey
from interlock.messaging.event import Event
from interlock.messaging.full_disk import until_there_is_space
from interlock.messaging.inbox import Inbox
from interlock.release.build import Build
from interlock.release.shelf import Shelf

LOG = logging.getLogger("interlock.contract_drift")

PASS_SECONDS = 1.0
MOST_PER_PASS = 25
MOST_BEHIND = 1_000
SAVE_SECONDS = 10.0
MOST_PROFILES = 200
"""Topics are not signed; a sender who makes up a thousand of them fills no memory."""

LASTING = frozenset({"new", "retyped"})
"""Changes that a person has to accept; the others end when the source is as it was."""


class ContractWatch:
    """Reads the inbox behind a cursor of its own. `per_pass` documents are looked at each second."""

    def __init__(
        self, inbox: Inbox, book: DriftBook, shelf: Shelf, clock: Clock, *, per_pass: int = MOST_PER_PASS
    ) -> None:
        self._inbox = inbox
        self._book = book
        self._shelf = shelf
        self._clock = clock
        self._per_pass = per_pass
        self._profiles: dict[ProfileKey, Profile] = {}
        self._open: dict[tuple[str, str, str, str, str], DriftRow] = {}
        self._told: dict[tuple[str, str, str, str, str], int] = {}
        self._touched: set[ProfileKey] = set()
        self._unjudged: set[ProfileKey] = set()
        self._uses: dict[ProfileKey, _Uses] = {}
        self._cursor: int | None = None
        self._one_at_a_time = asyncio.Lock()
        self._saved = float("-inf")
        self._judged_under = ""

    async def run(self) -> None:
        """Look for ever. A mistake in here is logged and costs a pass, never a delivery; a store that fails ends the process
        as everywhere. What was learned is written down at the end."""
        try:
            while True:
                await until_there_is_space(self._pass, self._clock)
                await self._clock.sleep(PASS_SECONDS)
        finally:
            if self._touched:
                with suppress(StoreError):
                    await self._save([], [], [])

    async def _pass(self) -> None:
        try:
            await self.step()
        except StoreError:
            raise
        except Exception:
            LOG.exception("a pass of the watch over sources' documents failed")

    async def step(self) -> int:
        """One pass at a time; returns how many documents it looked at."""
        async with self._one_at_a_time:
            return await self._step()

    async def _step(self) -> int:
        if self._cursor is None:
            await self._load()
        accepted = await self._take_accepted()
        looked = 0
        for position in await self._next():
            looked += await self._look(position)
            await asyncio.sleep(0)
        drift, ended = self._judge()
        due = self._clock.monotonic() - self._saved >= SAVE_SECONDS
        if drift or ended or accepted or (due and self._touched):
            await self._save(drift, ended, accepted)
        return looked

    # -- what was known

    async def _load(self) -> None:
        self._cursor, packed = await self._book.load()
        for key, profile in packed:
            self._profiles[key] = msgspec.msgpack.decode(profile, type=Profile)
        await self._reopen()

    async def _reopen(self) -> None:
        self._open = {_place(row): row for row in await self._book.open_rows()}
        self._told = {place: row.documents for place, row in self._open.items()}
        self._warn()

    async def _take_accepted(self) -> list[int]:
        """What a person said meanwhile, from the console or a command beside the hub."""
        accepted = await self._book.to_learn()
        for one in accepted:
            for key, profile in self._profiles.items():
                if _same_document(key, one.key):
                    profile.accept(one.path, one.change)  # type: ignore[arg-type]  # written by this module
                    self._touched.add(key)
                    self._unjudged.add(key)
        return [one.id for one in accepted]

    # -- looking

    async def _next(self) -> range:
        """The positions of this pass: all that wait, or one in so many when too many do."""
        assert self._cursor is not None
        head = await self._inbox.head()
        stride = max(1, -(-(head - self._cursor) // MOST_BEHIND))
        chosen = range(self._cursor + stride, head + 1, stride)[: self._per_pass]
        if chosen:
            self._cursor = chosen[-1]
        return chosen

    async def _look(self, position: int) -> bool:
        try:
            event = (await self._inbox.get([position])).get(position)
            if event is None or event.body is None:
                return False
            shape = shape_of(event.body)
        except (StoreError, msgspec.DecodeError, RecursionError):
            return False  # a damaged body, or none that is JSON: the router and the mapping tell of it
        profile = self._profile(_key(event))
        if profile is not None and shape:
            profile.learn(shape, position)
        return profile is not None

    def _profile(self, key: ProfileKey) -> Profile | None:
        """That of the document; of a new API version first what is known of the last one, so that its first documents are
        judged by it."""
        if key not in self._profiles:
            if len(self._profiles) >= MOST_PROFILES:
                return None
            known = [profile for each, profile in self._profiles.items() if _same_document(each, key)]
            packed = msgspec.msgpack.encode(known[-1] if known else Profile())
            self._profiles[key] = msgspec.msgpack.decode(packed, type=Profile)
        self._touched.add(key)
        self._unjudged.add(key)
        return self._profiles[key]

    # -- judging

    def _judge(self) -> tuple[list[Drift], list[int]]:
        """Changes to write down, and open records that are over. All of them again under another release: it may read
        something else."""
        build = self._shelf.current()
        anew = build.id != self._judged_under
        if anew:
            self._judged_under, self._uses = build.id, {}
            self._unjudged = set(self._profiles)
        drift, ended = [], []
        for key in self._unjudged:
            profile = self._profiles[key]
            if key not in self._uses:
                self._uses[key] = _Uses(build, key)
            uses = self._uses[key]
            changes = {change.path: change for change in profile.changes()}
            drift += [
                self._record(key, change, uses)
                for change in changes.values()
                if anew or self._told.get(_place_of(key, change)) != change.count
            ]
            ended += [
                row.id
                for row in self._open.values()
                if self._speaks_of(key, row) and self._is_over(row, profile, changes)
            ]
        self._unjudged.clear()
        return drift, ended

    def _speaks_of(self, key: ProfileKey, row: DriftRow) -> bool:
        """Whether documents of this kind can end a record: those of its own API version; of another one only when its own
        comes no more, for two versions may be sent side by side."""
        assert self._cursor is not None
        gone = self._cursor - row.last_event > MOST_BEHIND
        return key == _key_of(row) or (gone and _same_document(key, _key_of(row)))

    def _is_over(self, row: DriftRow, profile: Profile, changes: Mapping[str, Change]) -> bool:
        if row.change in LASTING or row.path in changes:
            return False
        return profile.back(row.path)

    def _record(self, key: ProfileKey, change: Change, uses: "_Uses") -> Drift:
        reads = uses.reads(change.path)
        severity = HIGH if change.kind != "new" and uses.is_read(change.path) else LOW
        return Drift(
            system=key.system, object=key.object, document=key.document, api_version=key.api_version, path=change.path,
            change=change.kind, severity=severity, documents=change.count, first_event=change.first_event,
            last_event=change.last_event, first_seen_ms=0, last_seen_ms=0, was=change.was, becomes=change.now,
            perhaps=change.perhaps, reads=reads, uses=uses.of(change.path),
        )  # fmt: skip

    async def _save(self, drift: list[Drift], ended: list[int], learned: list[int]) -> None:
        assert self._cursor is not None
        packed = [
            (key, self._profiles[key].documents, msgspec.msgpack.encode(self._profiles[key])) for key in self._touched
        ]
        await self._book.save(
            cursor=self._cursor, profiles=packed, drift=await self._dated(drift), ended=ended, learned=learned,
            now_ms=self._clock.now_ms(),
        )  # fmt: skip
        self._touched.clear()
        self._saved = self._clock.monotonic()
        await self._reopen()
        self._told |= {_place(one): one.documents for one in drift}

    async def _dated(self, drift: list[Drift]) -> list[Drift]:
        """With the times at which the first and the last document came."""
        events = await self._events({position for one in drift for position in (one.first_event, one.last_event)})
        now_ms = self._clock.now_ms()

        def at(position: int) -> int:
            return events[position].received_at_ms if position in events else now_ms

        return [
            msgspec.structs.replace(one, first_seen_ms=at(one.first_event), last_seen_ms=at(one.last_event))
            for one in drift
        ]

    async def _events(self, positions: Iterable[int]) -> dict[int, Event]:
        found: dict[int, Event] = {}
        for position in positions:
            try:
                found |= await self._inbox.get([position])
            except StoreError:
                continue
        return found

    # -- warning

    def _warn(self) -> None:
        """Let deliveries whose fields may be empty say so."""
        build = self._shelf.current()
        told = [(row, uses) for row in self._open.values() if row.severity == HIGH for uses in [_destinations(row)]]
        self._shelf.cautions.tell(
            (row.system, row.object, name, _caution(row))
            for row, names in told
            for name in names or build.routes.destinations()
        )


class _Uses:
    """What the release makes of one kind of document. A body that is not the whole object is read by no mapping."""

    def __init__(self, build: Build, key: ProfileKey) -> None:
        self._build = build
        self._key = key
        flows = [
            flow
            for flow in build.strategy.flows.values()
            if key.document == key.object and (flow.source, flow.object_name) == (key.system, key.object)
        ]
        self._flows = [flow for flow in flows if not build.straight(flow.name)]
        self._rows: dict[str, list[tuple[str, FieldRow]]] = {}
        self._straight = {flow.name: build.mappings.straight_reads(flow.name) for flow in flows if build.straight(flow.name)}
        self._reads = self._reader() if self._flows else None

    def _reader(self) -> Reads | None:
        try:
            return self._build.mappings.reads(self._key.system, self._key.object)
        except (InterlockError, LookupError):
            return None

    def is_read(self, path: str) -> bool:
        """By the mapping, or by the rows of a point-to-point flow."""
        readers = [self._reads, *self._straight.values()]
        return any(reads is not None and reads.reads(path) for reads in readers)

    def reads(self, path: str) -> tuple[str, ...]:
        """The canonical fields that are made of it."""
        return () if self._reads is None else self._reads.made_of(path)

    def of(self, path: str) -> tuple[str, ...]:
        """`order-to-erp: netsuite salesOrder memo`, each once."""
        canonical = frozenset(self.reads(path))
        found = [
            f"{flow.name}: {destination} {document} {field}"
            for flow in self._flows
            for destination in flow.destinations
            for document, field in self._fields(destination, canonical)
        ]
        found += [
            f"{name}: {' '.join(self._build.strategy.flows[name].destinations)} {field}"
            for name, reads in self._straight.items()
            for field in reads.made_of(path)
        ]
        return tuple(dict.fromkeys(found))

    def _fields(self, destination: str, canonical: frozenset[str]) -> list[tuple[str, str]]:
        """The documents and fields that take one of these."""
        if destination not in self._rows:
            self._rows[destination] = self._written(destination)
        return [
            (document, row.vendor)
            for document, row in self._rows[destination]
            if _meet(parts_of(row.canonical), canonical)
        ]

    def _written(self, destination: str) -> list[tuple[str, FieldRow]]:
        """Compiled once for each release: it takes some milliseconds."""
        try:
            documents = self._build.mappings.rows_out(destination)
        except (InterlockError, LookupError):
            return []
        return [
            (document, row)
            for (name, document), rows in documents.items()
            if name == self._key.object
            for row in rows
            if row.kind != "constant"
        ]


def _meet(sources: Iterable[str], canonical: frozenset[str]) -> bool:
    """Whether one of the sources is one of the fields, or an object or a list that holds it."""
    return any(
        each == source or each.startswith((f"{source}.", f"{source}[")) for source in sources for each in canonical
    )


def _destinations(row: DriftRow) -> list[str]:
    """Where the field ends up; none when a function reads it and no row says what for."""
    return list(dict.fromkeys(use.partition(": ")[2].partition(" ")[0] for use in row.uses))


WORDS = {"vanished": "is gone", "emptied": "is always empty", "retyped": "has another type"}


def _caution(row: DriftRow) -> str:
    """The line that a delivery carries."""
    what = f"{row.system}'s field {row.path} {WORDS[row.change]} since event {row.first_event}"
    into = f": {', '.join(row.reads[:3])} may be wrong" if row.reads else ""
    return f"{what}{into} (drift {row.id})"


def _key(event: Event) -> ProfileKey:
    document = event.object if event.complete else event.topic
    return ProfileKey(event.system, event.object, document, event.api_version)


def _key_of(row: DriftRow) -> ProfileKey:
    return ProfileKey(row.system, row.object, row.document, row.api_version)


def _same_document(one: ProfileKey, other: ProfileKey) -> bool:
    """Whatever the API version."""
    return (one.system, one.object, one.document) == (other.system, other.object, other.document)


def _place(row: Drift) -> tuple[str, str, str, str, str]:
    return (row.system, row.object, row.document, row.path, row.change)


def _place_of(key: ProfileKey, change: Change) -> tuple[str, str, str, str, str]:
    return (key.system, key.object, key.document, change.path, change.kind)
