"""What happened to one SKU, day by day, the newest first: counts, sales, our writes and those of others."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from interlock.console.health import title_of, zone_of
from interlock.console.pages.objects import Step
from interlock.console.wording import counted, number
from interlock.messaging.stock_book import Happened
from interlock.strategy.model import Strategy

KIND_LIGHTS: Final = {
    "counted": "done", "written": "running", "foreign": "dead", "refused": "dead", "sold": "waiting", "placed": "waiting",
    "seen": "done", "asked": "running",
}  # fmt: skip
KIND_WORDS: Final = {
    "counted": "Counted", "written": "Written by us", "foreign": "Written by somebody else", "refused": "Refused", "sold": "Sold",
    "placed": "Taken from there", "seen": "Known to its owner", "asked": "Asked for",
}  # fmt: skip
MICRO: Final = 1_000


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One day in the shop's time zone."""

    name: str
    steps: tuple[Step, ...]


def days_of(strategy: Strategy, changes: Sequence[Happened], now_ms: int) -> list[Day]:
    """`changes` are newest first; so are the days, and the steps of each."""
    zone, days = zone_of(strategy), dict[str, list[Step]]()
    for step in reversed(_steps(strategy, changes)):
        days.setdefault(_day(step.at_ms, now_ms, zone), []).append(step)
    return [Day(name=name, steps=tuple(steps)) for name, steps in days.items()]


def _day(at_ms: int, now_ms: int, zone: ZoneInfo) -> str:
    at, today = (datetime.fromtimestamp(ms / 1_000, tz=UTC).astimezone(zone).date() for ms in (at_ms, now_ms))
    return "Today" if at == today else "Yesterday" if (today - at).days == 1 else f"{at:%A}, {at.day} {at:%B %Y}"


def _steps(strategy: Strategy, changes: Sequence[Happened]) -> list[Step]:
    """Oldest first; what one line of a system changed at once is one step."""
    steps: list[Step] = []
    last: Happened | None = None
    for one in reversed(changes):
        same = last is not None and (one.at_us, one.kind, one.system, one.place, one.event) == (
            last.at_us, last.kind, last.system, last.place, last.event,
        )  # fmt: skip
        if same and steps:
            steps[-1] = msgspec.structs.replace(steps[-1], detail=f"{steps[-1].detail}, {_moved(one)}")
        else:
            steps.append(_step(strategy, one))
        last = one
    return steps


def _step(strategy: Strategy, one: Happened) -> Step:
    where = title_of(strategy, one.system) + (f" at {one.place}" if one.place else "")
    why = f" · {one.why}" if one.why else ""
    told = {**dict.fromkeys(("sold", "placed", "seen"), f"{_moved(one)} · {where}{why}"), "asked": f"{where}{why}"}
    return Step(
        at_ms=one.at_us // MICRO, state=KIND_LIGHTS[one.kind], what=KIND_WORDS[one.kind],
        detail=told.get(one.kind, f"{where}{why}: {_moved(one)}"),
    )  # fmt: skip


def _moved(one: Happened) -> str:
    if one.kind in ("sold", "placed"):
        return counted(one.after or 0, "piece")
    if one.kind == "seen":
        return counted(one.before or 0, "piece")
    name = one.name.replace("_", " ")
    return (
        f"{name} {number(one.after or 0)}"
        if one.before is None
        else f"{name} {number(one.before)} → {'none' if one.after is None else number(one.after)}"
    )
