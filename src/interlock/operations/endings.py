"""Versions that end: when, and who still uses them, as announced in the change files and as seen in what ran."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from msgspec import Struct

from interlock.messaging.consumers import Consumer
from interlock.release.retirement import Retirement, Retirements, Stage
from interlock.strategy import Strategy
from interlock.strategy.changes import ChangeFile

DAY_MS = 86_400_000
QUIET_MS = 7 * DAY_MS
"""Who was not seen for so long is taken to have moved."""


class Using(Struct, frozen=True, kw_only=True):
    """A flow or a mapping that used a version: `name` is the flow's, or the system's whose mapping it is."""

    part: str
    name: str
    last_seen_ms: int
    uses: int
    announced: bool

    @property
    def words(self) -> str:
        return f"flow {self.name}" if self.part == "flow" else f"mapping of {self.name} ({self.part})"


class Ending(Struct, frozen=True, kw_only=True):
    """One old version. `using` were seen within a week and not with a later version since; `moved` are announced and are
    not among them."""

    retirement: Retirement
    stage: Stage
    using: tuple[Using, ...]
    moved: tuple[str, ...]

    @property
    def unannounced(self) -> tuple[Using, ...]:
        """Those who use it and stand in no change file: nobody has told them."""
        return tuple(one for one in self.using if not one.announced)


class Day(Struct, frozen=True, kw_only=True):
    """A date of the calendar, in words of the shop's zone; `past_ms` is when it is over."""

    at_ms: int
    past_ms: int
    words: str
    what: str
    change: str
    title: str
    owner: str


def endings(strategy: Strategy, consumers: Iterable[Consumer], now_ms: int) -> tuple[Ending, ...]:
    """Every version that a change file ends, the soonest first."""
    seen = tuple(consumers)
    found = [_ending(one, seen, now_ms) for one in Retirements(strategy).by_key.values()]
    return tuple(sorted(found, key=lambda ending: (ending.retirement.sunset_ms or 2**62, ending.retirement.key)))


def days(strategy: Strategy) -> tuple[Day, ...]:
    """Every date of every change file, in their order."""
    zone = ZoneInfo(strategy.timezone)
    found = (day for number, change in strategy.changes.items() for day in _days(number, change, zone))
    return tuple(sorted(found, key=lambda day: (day.at_ms, day.change, day.what)))


def using(consumers: Iterable[Consumer], announced: Iterable[str] = ()) -> tuple[Using, ...]:
    """Consumers of one version with their ways put together: a flow with three destinations is one."""
    told = set(announced)
    found: dict[tuple[str, str], Using] = {}
    for one in consumers:
        name = one.flow if one.part == "flow" else one.system
        before = found.get((one.part, name))
        found[one.part, name] = Using(
            part=one.part,
            name=name,
            last_seen_ms=max(one.last_seen_ms, before.last_seen_ms if before else 0),
            uses=one.uses + (before.uses if before else 0),
            announced=name in told,
        )
    return tuple(found.values())


def _ending(one: Retirement, consumers: tuple[Consumer, ...], now_ms: int) -> Ending:
    recent = using(
        (
            each
            for each in consumers
            if each.version == one.key and now_ms - each.last_seen_ms < QUIET_MS and not _moved_on(each, consumers)
        ),
        one.consumers,
    )
    names = {each.name for each in recent}
    moved = tuple(name for name in one.consumers if name not in names)
    return Ending(retirement=one, stage=one.stage(now_ms), using=recent, moved=moved)


def _moved_on(one: Consumer, consumers: tuple[Consumer, ...]) -> bool:
    """Whether the same part was seen with a later version since: what it uses now."""
    return any(
        (each.flow, each.part, each.system) == (one.flow, one.part, one.system)
        and _place(each.version)[0] == _place(one.version)[0]
        and _place(each.version)[1] > _place(one.version)[1]
        and each.last_seen_ms > one.last_seen_ms
        for each in consumers
    )


def _place(version: str) -> tuple[str, int]:
    """`order.v2` as ("order", 2)."""
    name, _, number = version.rpartition(".v")
    return name, int(number) if number.isdecimal() else 0


def _days(number: str, change: ChangeFile, zone: ZoneInfo) -> Iterator[Day]:
    old = change.replaces or change.flow or change.object
    if change.review is not None:
        first, last = change.review.first_day, change.review.last_day
        times = (_midnight(first, zone), _midnight(last, zone) + DAY_MS)
        yield _day(number, change, "review: those affected may object", f"{first} to {last}", *times)
    if change.deprecated_on is not None:
        at_ms = _midnight(change.deprecated_on, zone)
        yield _day(number, change, f"{old} is deprecated: each use is warned of", str(change.deprecated_on), at_ms)
    for brown_out in change.brown_outs:
        times = (_ms(brown_out.start), _ms(brown_out.end))
        here = [moment.astimezone(zone) for moment in (brown_out.start, brown_out.end)]
        words = f"{here[0]:%Y-%m-%d %H:%M} to {here[1]:%H:%M}"
        yield _day(number, change, f"brown-out: deliveries that use {old} wait", words, *times)
    if change.sunset_on is not None:
        at_ms = _midnight(change.sunset_on, zone)
        yield _day(number, change, f"{old} ends: it is refused", str(change.sunset_on), at_ms)


def _day(number: str, change: ChangeFile, what: str, words: str, at_ms: int, past_ms: int = 0) -> Day:
    return Day(
        at_ms=at_ms, past_ms=past_ms or at_ms, words=words, what=what,
        change=number, title=change.title, owner=change.owner,
    )  # fmt: skip


def _midnight(day: date, zone: ZoneInfo) -> int:
    return _ms(datetime.combine(day, time(), zone))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
