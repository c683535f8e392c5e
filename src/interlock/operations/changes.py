"""What a person may do about releases, from the console or by a command: look, plan, apply, roll back, and read what was written."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from interlock.connectors import registry
from interlock.errors import InterlockError
from interlock.messaging.history import History, ReleaseRow, Wrote, newer_than, previous_of
from interlock.release.change import Change
from interlock.release.difference import differences
from interlock.release.effect import Effect, Line
from interlock.release.gate import admitted
from interlock.release.plan import Plan
from interlock.release.risk import Risk
from interlock.release.switch import ReleaseError, Switched, kept, named
from interlock.release.windows import with_windows
from interlock.strategy import Snapshot, load, read_folder

PLAN_SECONDS = 120.0
PLAN_PROGRAM = ("-c", "from interlock.cli import main; main()", "plan")
"""A plan is worked out by a process of its own: it may take seconds of a processor, and deliveries go on here."""

Switch = Callable[[Snapshot, Switched], Awaitable[str]]


class FolderState(Struct, frozen=True, kw_only=True):
    """The folder beside what runs. `mistake` is told when it cannot run; then `changes` are none."""

    running: str
    folder: str
    changes: tuple[Change, ...] = ()
    mistake: str = ""


class WayBack(Struct, frozen=True, kw_only=True):
    """What a roll back leaves behind: the releases that ran after the target, and what they wrote where."""

    target: ReleaseRow
    left: tuple[str, ...]
    since_ms: int
    counts: dict[str, dict[str, int]]
    changes: tuple[Change, ...] = ()


class Changes:
    """`switch` lets another release run in this hub."""

    def __init__(self, folder: Path, history: History, switch: Switch) -> None:
        self._folder = folder
        self._history = history
        self._switch = switch
        self._planning = asyncio.Lock()
        self._known: FolderState | None = None

    # -- look

    async def folder(self) -> FolderState:
        """What differs between the folder and what runs; a mistake in it is told, not raised."""
        return await asyncio.to_thread(self._folder_state)

    def _folder_state(self) -> FolderState:
        """Looked into once for each state of the folder: a page may ask every second."""
        active = self._history.active()
        try:
            wanted = read_folder(self._folder)
            known = self._known
            if known is None or (known.running, known.folder) != (active, wanted.id):
                known = self._known = self._compared(kept(self._history, active), wanted)
            return known
        except (InterlockError, ValueError, SyntaxError) as error:
            return FolderState(running=active, folder="", mistake=str(error))

    def _compared(self, running: Snapshot, wanted: Snapshot) -> FolderState:
        if wanted.id != running.id:
            load(wanted, connectors=registry.facts())
        changes = with_windows(differences(running, wanted), wanted)
        return FolderState(running=running.id, folder=wanted.id, changes=changes)

    async def plan(self, events: int) -> Plan:
        """The plan of the folder, by a process of its own. Raises what it was told there."""
        async with self._planning:
            rows = await self._planned(str(self._folder), "--json", "--events", str(events))
        return _plan_of(rows)

    async def _planned(self, *arguments: str) -> list[dict[str, Any]]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *PLAN_PROGRAM, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            out, _ = await asyncio.wait_for(process.communicate(), PLAN_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise ReleaseError(
                f"the plan took longer than {PLAN_SECONDS:.0f} s", code="PLN004", next_move="try fewer events"
            ) from None
        return [json.loads(line) for line in out.splitlines()]

    async def releases(self) -> Sequence[ReleaseRow]:
        """Those that are kept, the active one first."""
        return await asyncio.to_thread(self._history.releases)

    async def release(self, start: str) -> ReleaseRow:
        """One of them by the beginning of its id. Raises ReleaseError PLN002, PLN003."""
        return await asyncio.to_thread(self._row, start)

    def _row(self, start: str) -> ReleaseRow:
        id_ = named(self._history, start)
        return next(row for row in self._history.releases(1_000_000) if row.id == id_)

    async def changed_by(self, release: str, before: str) -> tuple[Change, ...]:
        """What a release changed in the one before it; nothing when that one is not kept."""
        return await asyncio.to_thread(self._changed_by, release, before)

    def _changed_by(self, release: str, before: str) -> tuple[Change, ...]:
        if not before or self._history.files(before) is None:
            return ()
        wanted = kept(self._history, release)
        return with_windows(differences(kept(self._history, before), wanted), wanted)

    async def wrote(self, releases: Sequence[str], limit: int, since_ms: int = 0) -> Sequence[Wrote]:
        """Every object at every destination that these releases wrote since then."""
        return await asyncio.to_thread(lambda: self._history.wrote(releases, since_ms=since_ms, limit=limit))

    async def way_back(self, start: str = "") -> WayBack:
        """To a release, by default to the one before. Raises ReleaseError PLN002, PLN003, PLN007 (there is none before)."""
        return await asyncio.to_thread(self._way_back, start)

    def _way_back(self, start: str) -> WayBack:
        return way_back(self._history, start)

    # -- act

    async def apply(self, wanted: str, *, by: str, why: str, unannounced_too: bool = False) -> str:
        """Let the folder run, as it was planned. Raises what `admitted` raises; then nothing has changed."""
        running = await asyncio.to_thread(lambda: kept(self._history, self._history.active()))
        snapshot = await asyncio.to_thread(
            lambda: admitted(self._folder, wanted, running, unannounced_too=unannounced_too)
        )
        return await self._switch(snapshot, Switched(by=by, why=why))

    async def roll_back(self, release: str, *, by: str, why: str) -> str:
        """Let a release run that ran before. What cannot be built any more changes nothing."""
        snapshot = await asyncio.to_thread(lambda: kept(self._history, named(self._history, release)))
        return await self._switch(snapshot, Switched(by=by, why=why, action="rollback"))


def way_back(history: History, start: str = "") -> WayBack:
    """The way back of a history; see Changes.way_back."""
    active, switches = history.active(), history.switches(1_000_000)
    target = named(history, start) if start else previous_of(switches, active)
    if not target:
        raise ReleaseError(
            "no release ran before this one", code="PLN007", next_move="name one of those that are listed: interlock releases"
        )
    newer = newer_than(switches, target, active)
    row = next(row for row in history.releases(1_000_000) if row.id == target)
    running, wanted = kept(history, active), kept(history, target)
    counts = history.wrote_counts(newer.releases, since_ms=newer.since_ms)
    return WayBack(
        target=row, left=newer.releases, since_ms=newer.since_ms, counts=counts, changes=differences(running, wanted)
    )


def _plan_of(rows: list[dict[str, Any]]) -> Plan:
    """From the lines of `interlock plan --json`."""
    last: dict[str, Any] = rows[-1] if rows else {"error": {"what": "the plan said nothing", "code": "PLN004"}}
    if "error" in last:
        said = last["error"]
        where = said.get("where", "")
        findings = [f"{one['where']}: {one['what']}" for one in said.get("findings", ())]
        raise ReleaseError(
            said["what"], code=said["code"], where=where or "; ".join(findings[:5]), why=said.get("why", ""),
            next_move=said.get("next", ""),
        )  # fmt: skip
    told = [msgspec.convert(row, Change) for row in rows if row.get("row") == "change"]
    lines = [msgspec.convert(row, Line) for row in rows if row.get("row") == "effect"]
    effect = Effect(lines=tuple(lines), **{name: last[name] for name in EFFECT_KEYS})
    return Plan(
        running=last["running"], wanted=last["wanted"], changes=tuple(told), effect=effect,
        risk=Risk(last["risk"], tuple(last["reasons"])), not_tried=last["not_tried"],
    )  # fmt: skip


EFFECT_KEYS = ("events", "objects", "differ", "noun", "left_out", "untouched", "seconds")
