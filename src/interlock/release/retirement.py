"""The end of an old version: warned of after its deprecation, refused for a while in brown-outs, and for good after its sunset."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from interlock.messaging.delivery import Failure
from interlock.messaging.finished import Finished, Stop, dead
from interlock.strategy import Strategy
from interlock.strategy.changes import ChangeFile

DEPRECATED, BROWN_OUT, SUNSET = "CMP201", "CMP202", "CMP203"
REASON = "version"

Stage = Literal["announced", "deprecated", "brown-out", "sunset"]


class Retirement(Struct, frozen=True):
    """An old version and the change that ends it. Times in milliseconds since the epoch; 0 means never."""

    key: str
    replaced_by: str
    change: str
    title: str
    owner: str
    deprecated_ms: int
    deprecated_day: str
    sunset_ms: int
    sunset_day: str
    brown_outs: tuple[tuple[int, int], ...]
    consumers: tuple[str, ...] = ()

    def stage(self, now_ms: int) -> Stage:
        """Where it stands now."""
        if self.sunset_ms and now_ms >= self.sunset_ms:
            return "sunset"
        if self.brown_out_until(now_ms):
            return "brown-out"
        return "deprecated" if self.deprecated_ms and now_ms >= self.deprecated_ms else "announced"

    def brown_out_until(self, now_ms: int) -> int:
        """When the brown-out of this moment ends, 0 when there is none."""
        return max((end for start, end in self.brown_outs if start <= now_ms < end), default=0)

    def words(self) -> str:
        """What is said of each use after the deprecation."""
        ends = f", and is refused from {self.sunset_day} on" if self.sunset_ms else ""
        return f"{DEPRECATED} {self.key} is deprecated{ends}: move to {self.replaced_by} (change {self.change}, {self.owner})"


class Retirements:
    """Those of one folder, by the key of the version that goes."""

    def __init__(self, strategy: Strategy) -> None:
        zone = ZoneInfo(strategy.timezone)
        self.by_key: Mapping[str, Retirement] = {
            change.replaces: _retirement(number, change, zone)
            for number, change in sorted(strategy.changes.items())
            if change.object and change.replaces
        }

    def warnings(self, keys: Iterable[str], now_ms: int) -> tuple[str, ...]:
        """What to say of a delivery that uses these versions. Raises Stop when one of them is refused now: for a while
        (the delivery waits until the brown-out ends) or for good (it needs a person)."""
        if not self.by_key:
            return ()
        return tuple(self._judged(keys, now_ms))

    def _judged(self, keys: Iterable[str], now_ms: int) -> Iterator[str]:
        for found in (self.by_key[key] for key in dict.fromkeys(keys) if key in self.by_key):
            match found.stage(now_ms):
                case "sunset":
                    raise dead(
                        REASON, SUNSET, f"{found.key} ended on {found.sunset_day}; {found.replaced_by} is in its place"
                    )
                case "brown-out":
                    raise _waits(found, found.brown_out_until(now_ms))
                case "deprecated":
                    yield found.words()
                case "announced":
                    pass


def _waits(found: Retirement, until_ms: int) -> Stop:
    words = f"{found.key} is refused until {_moment(until_ms)}: a brown-out before its end on {found.sunset_day}"
    failure = Failure(reason=REASON, code=BROWN_OUT, message=words, waiting_for=f"version:{found.key}")
    return Stop(Finished(state="waiting", failure=failure, not_before_ms=until_ms))


def _retirement(number: str, change: ChangeFile, zone: ZoneInfo) -> Retirement:
    return Retirement(
        key=change.replaces, replaced_by=change.object, change=number, title=change.title, owner=change.owner,
        deprecated_ms=_midnight(change.deprecated_on, zone), sunset_ms=_midnight(change.sunset_on, zone),
        deprecated_day=str(change.deprecated_on or "no day yet"),
        sunset_day=str(change.sunset_on or "no day yet"),
        brown_outs=tuple((_ms(each.start), _ms(each.end)) for each in change.brown_outs),
        consumers=tuple(change.consumers),
    )  # fmt: skip


def _midnight(day: date | None, zone: ZoneInfo) -> int:
    """The beginning of the day where the shop is."""
    return _ms(datetime.combine(day, time(), zone)) if day else 0


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
