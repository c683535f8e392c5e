"""What the comparisons with sources say: whether the webhooks can be relied on, in a sentence, and by object."""

from collections.abc import Mapping, Sequence

import msgspec

from interlock.messaging.sweeps import Missed, Sweep
from interlock.operations import source_choice
from interlock.release.swept import swept
from interlock.strategy import Strategy

MINUTE_MS = 60_000
LATE_AFTER_TIMES = 3
"""A comparison is overdue when it was not made for so many times its interval."""
KINDS = {
    "missing": "never told of",
    "behind": "an older state was known",
    "same-instant": "the second change of a second",
    "deleted": "deleted at the source",
}
CAUSES = {
    "": "its webhook has not come so far",
    "lost": "its webhook never came",
    "late": "its webhook came later",
    "offline": "no hub ran when it changed",
    "deleted": "nobody told of the deletion",
}


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One object of one source: how often it is compared, the last whole comparison, and whether that is overdue."""

    system: str
    object: str
    every_minutes: float
    last: Sweep | None
    overdue: bool


def compared(strategy: Strategy, latest: Sequence[Sweep], started_ms: int, now_ms: int) -> list[Compared]:
    """Every object that is compared, with its last whole comparison. Nothing is overdue before the hub ran so long itself."""
    last = {(sweep.system, sweep.object): sweep for sweep in latest}
    return [
        _compared(strategy, system, name, last.get((system, name)), started_ms, now_ms)
        for system, name in swept(strategy)
    ]


def _compared(
    strategy: Strategy, system: str, name: str, last: Sweep | None, started_ms: int, now_ms: int
) -> Compared:
    every = strategy.systems[system].reconcile.every_minutes
    since_ms = last.ended_ms if last else started_ms
    overdue = every > 0 and now_ms - since_ms > LATE_AFTER_TIMES * every * MINUTE_MS
    return Compared(system=system, object=name, every_minutes=every, last=last, overdue=overdue)


def sentence(rows: Sequence[Compared], counts: Mapping[tuple[str, str], int], days: int) -> str:
    """The answer to: do webhooks tell everything?"""
    if not rows:
        return "No flow moves an object whose changes can be listed."
    if overdue := [f"{row.object}s of {row.system}" for row in rows if row.overdue]:
        return f"{', '.join(overdue)} were not compared for too long."
    if not any(row.last for row in rows):
        return "No comparison has been made yet."
    deleted = sum(count for (kind, _), count in counts.items() if kind == "deleted")
    changed = sum(counts.values()) - deleted
    said = f"{changed} changes of the last {days} days were found that no webhook had told of; all were fetched."
    gone = f"{deleted} deleted at the source in the last {days} days: nothing was written, and a person decides where they still are."
    told = " ".join(text for text, count in ((said, changed), (gone, deleted)) if count)
    return told or f"Webhooks told of everything in the last {days} days."


def words_of(row: Missed) -> str:
    """What was missing; of what is gone, where it still is."""
    still = f"; still at {', '.join(row.held_at)}" if row.held_at else ""
    return f"{KINDS[row.kind]}{still}"


def source_of(strategy: Strategy, object_name: str, wanted: str = "") -> str:
    """The system to compare with. Raises SettingsError SWP001 when it cannot be listed, or when several can."""
    return source_choice.source_of(
        [system for system, name in swept(strategy) if name == object_name], wanted, things=f"{object_name}s",
        done="compared", code="SWP001", needs=f"no flow moves {object_name} from a system that lists its changes",
    )  # fmt: skip
