"""What of stock waits for a person and is no dead letter: lines that stopped, sources that are silent, numbers that nothing corrects."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from interlock.flows.inventory.answer import rules_at
from interlock.flows.inventory.line import REASONS
from interlock.messaging.accuracy import CAUSES, Silent
from interlock.messaging.stock_views import HaltedGroup, StockLook, Uncorrected
from interlock.strategy.model import Strategy

Kind = Literal["stopped", "silent", "difference"]

SILENT: Final = "STK020"
BY_FILE: Final = (
    "by itself: its lines are tried again after each interlock apply, and whenever its system lists its items anew"
)
BY_COUNT: Final = "by itself, with the next count that is understood"
ENDS: Mapping[str, str] = MappingProxyType(
    {
        "STK001": BY_FILE, "STK002": BY_FILE, "STK003": BY_FILE, "STK005": BY_FILE, "STK008": BY_FILE,
        "STK004": BY_COUNT, "STK007": BY_COUNT, "STK009": "by itself, with the next reading of what it told of",
        SILENT: "by itself, as soon as it has been read to the end: what was suspended is published again",
    }
)  # fmt: skip
"""Code -> what takes the issue away."""
BY_COMPARISON: Final = "with the next comparison that finds it right, or may correct it"
UNREADABLE: Final = "an event that cannot be read"


class StockIssue(msgspec.Struct, frozen=True, kw_only=True):
    """One cause at one system. `id` names it in addresses and commands (`STK001:shipbob`); `code` is "" for a difference, whose
    `id` begins with its cause. `what` is the cause in a few words, `sample` one of the `count` in a sentence, `ends` what takes it
    away. `called` says who was called for a silence, "" where nobody has to be. Times in milliseconds since the epoch."""

    kind: Kind
    id: str
    system: str
    code: str
    count: int
    what: str
    sample: str
    sku: str
    next_move: str
    ends: str
    owner: str
    since_ms: int
    last_ms: int
    called: str = ""


def stock_issues(look: StockLook, strategy: Strategy | None, now_ms: int) -> tuple[StockIssue, ...]:
    """Silent sources first, for they suspend everything; then what stopped; then what differs, the most frequent first of each.
    Without a strategy (the folder cannot be read) nothing is said of owners, and of what a silence holds up."""
    found = (
        *(_silence(one, _held_up(look, strategy, one.system), now_ms) for one in look.silent()),
        *(_stopped(group) for group in look.halted_groups()),
        *(_difference(left) for left in look.uncorrected()),
    )
    systems = strategy.systems if strategy else {}
    owners = {name: system.owner for name, system in systems.items()}
    return tuple(msgspec.structs.replace(one, owner=owners.get(one.system, "")) for one in found)


def _held_up(look: StockLook, strategy: Strategy | None, system: str) -> int:
    """How many numbers are not published while it is silent. A place is marked as suspended only when something of it moves, so where
    it counts a location all that is shown of that is held up, marked or not; of its groups what is marked."""
    if strategy is None:
        return 0
    rules = rules_at(strategy, look)
    owned = {name for name, location in rules.inventory.locations.items() if location.owner == system}
    grouped: set[str] = set()
    for group in rules.inventory.groups:
        grouped |= set(group.at or rules.inventory.locations) if group.owner == system else set()
    names = {
        (channel.system, place): set(shown)
        for channels in rules.channels.values() for channel in channels for place, shown in channel.places.items()
    }  # fmt: skip
    counts = [(one, names.get((one.channel, one.place), set())) for one in look.place_counts()]
    whole = sum(one.positions - one.refused for one, shown in counts if shown & owned)
    return whole + sum(one.suspended for one, shown in counts if shown & grouped and not shown & owned)


def _silence(one: Silent, held_up: int, now_ms: int) -> StockIssue:
    since_ms = one.since_us // 1_000
    minutes = (now_ms - since_ms) // 60_000
    return StockIssue(
        kind="silent", id=f"{SILENT}:{one.system}", system=one.system, code=SILENT, count=held_up, what="silent about its stock",
        sample=f"{one.system} has said nothing of its stock for {minutes} min: nothing is published of it, least of all zeros",
        sku="", next_move="look at the system, its credentials and what reads it", ends=ENDS[SILENT], owner="",
        since_ms=since_ms, last_ms=now_ms, called=_called(one),
    )  # fmt: skip


def _called(one: Silent) -> str:
    if one.paged_ms:
        return "the owner of its flow was paged"
    return f"the page did not go out: {one.problem}" if one.problem else "nobody was called: [alerts] names no address"


def _stopped(group: HaltedGroup) -> StockIssue:
    return StockIssue(
        kind="stopped", id=f"{group.code}:{group.system}", system=group.system, code=group.code, count=group.count,
        what=REASONS.get(group.code, UNREADABLE), sample=group.reason, sku=group.sku, next_move=group.next_move,
        ends=ENDS.get(group.code, BY_COUNT), owner="", since_ms=group.since_us // 1_000, last_ms=group.last_us // 1_000,
    )  # fmt: skip


def _difference(found: Uncorrected) -> StockIssue:
    sample = found.what if found.sku in found.what else f"{found.sku}: {found.what}"
    return StockIssue(
        kind="difference", id=f"{found.cause}:{found.channel}", system=found.channel, code="", count=found.count,
        what=CAUSES[found.cause], sample=sample, sku=found.sku, next_move=found.next_move, ends=BY_COMPARISON, owner="",
        since_ms=found.since_ms, last_ms=found.last_ms,
    )  # fmt: skip
