"""Numbers, times and money in the words of people."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
DAY_MS = 86_400_000


def span(seconds: float) -> str:
    """A length of time in one unit, as people say it: `61 s`, `4 min`, `3 h`, `2 d`. Short ones keep two units' worth of digits."""
    whole = max(0, round(seconds))
    if whole < 100:
        return f"{whole} s"
    if whole < 100 * 60:
        return f"{round(whole / 60)} min"
    if whole < 48 * 3600:
        return f"{round(whole / 3600)} h"
    return f"{round(whole / 86_400)} d"


def ago(at_ms: int, now_ms: int) -> str:
    """`4 min ago`, `in 24 s`, `now`."""
    seconds = (now_ms - at_ms) / 1000
    if abs(seconds) < 1:
        return "now"
    return f"{span(seconds)} ago" if seconds > 0 else f"in {span(-seconds)}"


def duration(milliseconds: float) -> str:
    """In the unit that keeps three digits: `84 ms`, `1.24 s`, `61.0 s`, `4.2 min`."""
    if milliseconds < 1000:
        return f"{round(milliseconds)} ms"
    seconds = milliseconds / 1000
    if seconds < 100:
        return f"{seconds:.3g} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.3g} min"
    return span(seconds)


def absolute(at_ms: int, zone: ZoneInfo) -> str:
    """`23 Nov 2026, 09:12:03.120 CET`."""
    at = datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone(zone)
    return f"{at.day} {at:%b %Y, %H:%M:%S}.{at_ms % 1000:03d} {at:%Z}"


def clock_time(at_ms: int, now_ms: int, zone: ZoneInfo) -> str:
    """`09:14` today, `22 Nov 09:14` on another day."""
    at = datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone(zone)
    today = datetime.fromtimestamp(now_ms / 1000, tz=UTC).astimezone(zone)
    return f"{at:%H:%M}" if at.date() == today.date() else f"{at.day} {at:%b %H:%M}"


def number(value: int) -> str:
    """`12 345`, with narrow no-break spaces."""
    return f"{value:,}".replace(",", "\u202f")


def counted(count: int, noun: str, plural: str = "") -> str:
    """`1 order`, `50 orders`."""
    return f"{number(count)} {noun if count == 1 else plural or noun + 's'}"


def percent(share: float | None) -> str:
    """`99.98 %`; never rounded up to 100, for one failure is not none."""
    if share is None:
        return "no data"
    if share >= 1:
        return "100\u202f%"
    return f"{min(int(share * 10_000), 9_999) / 100:.2f}".rstrip("0").rstrip(".") + "\u202f%"


def money(summary: dict[str, Any]) -> str:
    """`129.00 EUR (1 490.00 SEK)` from an object's summary; empty without a currency, for a bare number is no money."""
    shop = _amount(summary.get("total"), summary.get("currency"))
    shown = _amount(summary.get("presentment_total"), summary.get("presentment_currency"))
    return f"{shop} ({shown})" if shop and shown and shown != shop else shop


def _amount(amount: Any, currency: Any) -> str:
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        return ""
    if not currency or not value.is_finite():
        return ""
    return f"{value:,f}".replace(",", "\u202f") + f" {currency}"


def clipped(text: str, most: int = 48) -> str:
    """The beginning and the end of a long name, by which people know it."""
    return text if len(text) <= most else f"{text[: most - 13]}…{text[-12:]}"


def sentence_list(words: list[str]) -> str:
    """`NetSuite, ShipBob and Klaviyo`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def iso(at_ms: int) -> str:
    """For machines: `2026-11-23T09:12:03.120+00:00`."""
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).isoformat(timespec="milliseconds")


def stamp(at_ms: int, zone: ZoneInfo) -> str:
    """The time of day to the millisecond, for timelines: `09:12:03.120`."""
    at = datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone(zone)
    return f"{at:%H:%M:%S}.{at_ms % 1000:03d}"
