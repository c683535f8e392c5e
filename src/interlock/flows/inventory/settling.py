"""What a place is known to show once a call to its channel has ended: our number, another that is in the way, or nothing sure."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from urllib.parse import quote

from msgspec.structs import replace

from interlock.messaging.outcome import Done, Outcome, Refused, Retry, Uncertain
from interlock.messaging.stock import STALE, Line, Place
from interlock.messaging.stock_book import Batch, Happened, Shown, StockWork

NOTHING: Final[Mapping[Place, int]] = {}


class Ended(NamedTuple):
    """A call of `channel` that has ended at `now_us`. `again`: it was made before under the same key; `answered`: what events had said
    of places by then that its compare has answered."""

    channel: str
    compares: bool
    now_us: int
    again: bool = False
    answered: Mapping[Place, int] = NOTHING


def doubts_of(work: StockWork, batch: Batch) -> dict[Place, int]:
    """What events have said of places until now: the compare of a call that begins now answers that."""
    rows = {line.place: work.shown(batch.channel, line.place.location, line.sku) for line in batch.lines}
    doubted = [line.place for line in batch.lines if line.change_from is not None]
    return {place: row.seen_us for place in doubted if (row := rows[place]) is not None and row.seen_us < 0}


def settle(work: StockWork, settled: Iterable[tuple[Line, Outcome]], call: Ended) -> None:
    """Keep what each line has come to; of a place that has gone on since, its answer is no news."""
    for line, outcome in settled:
        row = work.shown(call.channel, line.place.location, line.sku)
        if row is None or line.reference != reference_of(row):
            continue
        now = _after(row, line, outcome, call)
        if now is not row:
            work.show(now)
        if isinstance(outcome, Done | Refused):
            work.happened(_change(row, line, outcome, call.now_us))


def reference_of(row: Shown) -> str:
    """The name of the change that a place has come to."""
    sku, place = quote(row.sku, safe=""), quote(row.place, safe="")
    return f"interlock://stock/{quote(row.channel)}/{sku}/{place}/{row.change}"


def _after(row: Shown, line: Line, outcome: Outcome, call: Ended) -> Shown:
    """Wherever nobody knows whether the line was written, the place is read before it is written again."""
    match outcome:
        case Done():
            return _written(row, line, call)
        case Refused():
            return replace(row, trouble=outcome.code, said=outcome.message, seen_us=0)
        case Retry() if outcome.code != STALE:
            return row
        case Retry() if call.again:  # written or not: what the more of both lacks is gone
            return replace(row, seen=max(row.seen or 0, line.quantity), seen_us=0)
        case Retry() | Uncertain():
            return replace(row, seen_us=0)


def _written(row: Shown, line: Line, call: Ended) -> Shown:
    """What was told while the call was on its way may be of after it: that place is read again, but for what the call has answered by
    its compare. An answer that came only to a repetition is of the past: its place is read again too."""
    is_answered = row.seen is not None and call.answered.get(line.place) == row.seen_us
    doubt = 0 if is_answered else min(row.seen_us, 0)
    seen = None if row.seen is None else line.quantity  # not known any more since the call began
    seen_us = 0 if call.again else doubt or call.now_us
    if row.sold and not call.compares:  # sold before our number stood there, or after: who knows
        seen, seen_us = None, doubt
    return replace(
        row, seen=seen, seen_us=seen_us, written=line.quantity, written_us=call.now_us, stocked=True, trouble="", said=""
    )  # fmt: skip


def _change(row: Shown, line: Line, outcome: Done | Refused, now_us: int) -> Happened:
    """As the history has it."""
    is_refused = isinstance(outcome, Refused)
    return Happened(
        at_us=now_us, kind="refused" if is_refused else "written", sku=line.sku, system=row.channel, place=row.place,
        name="available", before=row.seen, after=line.quantity, as_of_us=line.as_of_us,
        why=f"{outcome.code}: {outcome.message}" if isinstance(outcome, Refused) else line.reference,
    )  # fmt: skip
