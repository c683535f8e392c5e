"""What a system says of stock that another one counts is a signal, until a release says otherwise: then it goes."""

from functools import partial
from typing import Final

from interlock.clock import Clock
from interlock.flows.inventory.line import Ignored
from interlock.flows.inventory.rules import StockRules
from interlock.messaging.stock_book import Counted, LineMark, StockBook, StockWork

LINES_AT_ONCE: Final = 100
BEGIN: Final[LineMark] = ("", "", "")


async def sift(book: StockBook, rules: StockRules, clock: Clock) -> None:
    """Keep of all signals those that are still what these rules call one, some at a time: a hundred thousand take seconds."""
    after = BEGIN
    while said := book.look(partial(_said_after, after=after)):
        if gone := [_line(one) for one in said if not is_signal(rules, one)]:
            await book.run(partial(_forget, lines=gone))
        after = _line(said[-1])
        await clock.sleep(0)  # between pages others have their turn


def is_signal(rules: StockRules, one: Counted) -> bool:
    """Whether the line is told of that SKU at that location, by a system that counts elsewhere and neither counts nor shows there."""
    normaliser = rules.normaliser
    if one.system not in rules.counting or one.location not in normaliser.locations(one.system, one.place):
        return False
    sku = normaliser.sku(one.system, one.item, "", "")
    is_other = isinstance(sku, Ignored) or (isinstance(sku, str) and sku != one.sku)
    if is_other or normaliser.components(one.sku) or rules.channel(one.system, one.place) is not None:
        return False
    return normaliser.owner(one.sku, one.location) != one.system


def _said_after(work: StockWork, *, after: LineMark) -> list[Counted]:
    return work.signals_after(after, LINES_AT_ONCE)


def _forget(work: StockWork, *, lines: list[LineMark]) -> None:
    for line in lines:
        work.unsignal(*line)


def _line(one: Counted) -> LineMark:
    return one.system, one.item, one.place
