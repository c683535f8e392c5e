"""What the page of stock says first: how true it is, in one sentence; and the trend as a drawing."""

from collections.abc import Sequence

from interlock.console.drawing import Bar
from interlock.console.health import Answer, title_of
from interlock.console.pages.inventory_state import Stock, Wrong
from interlock.console.wording import clipped, counted, number, percent, sentence_list
from interlock.messaging.accuracy import Accuracy
from interlock.strategy.model import Strategy

RUNS_DRAWN = 30


def stock_answer(strategy: Strategy, stock: Stock) -> Answer:
    """The worst news first."""
    if not stock.channels:
        more = "A flow of inventory_level.v1 with [publish] does: docs/guides/stock.md."
        return Answer(state="silent", text="No flow shows stock anywhere.", more=more)
    silent = [title_of(strategy, source.system) for source in stock.sources if source.state == "dead"]
    if silent:
        text = f"{sentence_list(silent)} {'is' if len(silent) == 1 else 'are'} silent: nothing is published of what it counts"
        return Answer(state="dead", text=f"{text}, least of all zeros.", more=_also(stock))
    if stock.open:
        state = "dead" if any(one.state == "dead" for one in stock.open) else "retrying"
        first = next((one for one in stock.open if not one.stranger), None)
        return Answer(state=state, text=_wrong(strategy, stock, first) if first else _right(stock), more=_also(stock))
    if not stock.positions:
        more = "The first reading of each source comes within a minute of the start."
        return Answer(state="pending", text="Nothing has been counted yet.", more=more)
    state = "waiting" if stock.suspended else "retrying" if stock.stopped else "done"
    return Answer(state=state, text=_right(stock), more=_also(stock))


def _wrong(strategy: Strategy, stock: Stock, first: Wrong) -> str:
    right = f"{number(max(0, stock.positions - stock.off))} of {number(stock.positions)} positions are right."
    shown = "nothing" if first.shown is None else number(first.shown)
    should = "nobody knows what it should" if first.wanted is None else f"{number(first.wanted)} is right"
    others = f"; {counted(stock.off - 1, 'other differs', 'others differ')}" if stock.off > 1 else ""
    return f"{right} {title_of(strategy, first.channel)} shows {shown} of {clipped(first.sku)} at {first.location}, and {should}{others}."


def _right(stock: Stock) -> str:
    measured = [one.whole for one in stock.channels if one.whole]
    compared, equal = sum(one.compared for one in measured), sum(one.equal for one in measured)
    settled = stock.positions - stock.suspended
    text = f"All {number(settled)} positions show what they should"
    if not measured:
        return f"{text}, as far as the hub has seen; no comparison has been made yet."
    return f"{text}; the last comparison found {percent(equal / compared if compared else 1.0)} equal."


def _also(stock: Stock) -> str:
    lines, sold = sum(kind.count for kind in stock.stopped), stock.strangers
    told = [
        f"{counted(sold, 'item is', 'items are')} sold that no source of truth counts" if sold else "",
        f"{counted(lines, 'line')} stopped" if lines else "",
        f"{counted(stock.suspended, 'place is', 'places are')} suspended" if stock.suspended else "",
    ]
    return f"Also: {sentence_list([one for one in told if one])}." if any(told) else ""


def share_line(trend: Sequence[Accuracy], *, width: int = 240, height: int = 36) -> list[Bar]:
    """The last comparisons as bars: what is equal is a thin line at the top, what is missing hangs down from it, at least visibly."""
    step = width / RUNS_DRAWN
    bars = []
    for place, one in enumerate(trend[-RUNS_DRAWN:]):
        missing = 1.0 - one.share
        tall = max(4.0, height * min(1.0, (missing * 10) ** 0.5)) if missing else 3.0
        bars.append(
            Bar(round(place * step, 2), 0.0, round(step * 0.72, 2), round(tall, 2), "dead" if missing else "done")
        )
    return bars
