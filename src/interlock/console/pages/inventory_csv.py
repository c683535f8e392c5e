"""Differences and accuracy of stock for a spreadsheet: named columns with their units, times in ISO 8601, and no cell that is a formula."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from interlock.console.pages.deliveries import csv_cell, csv_lines
from interlock.console.rendering import console_of
from interlock.console.wording import iso
from interlock.messaging.accuracy import Accuracy, Difference

ROWS: Final = 100_000
MARK: Final = "\ufeff"
"""By which a spreadsheet knows UTF-8; without it Excel reads other letters in names than were written."""

Columns = Mapping[str, Callable[[Any], object]]


def _time(at_ms: int) -> str:
    return iso(at_ms) if at_ms else ""


DIFFERENCES: Columns = MappingProxyType({
    "channel": lambda one: one.channel, "place": lambda one: one.place, "location": lambda one: one.location, "sku": lambda one: one.sku,
    "item": lambda one: one.item, "group": lambda one: one.group, "should_show_units": lambda one: one.wanted,
    "shows_units": lambda one: one.shown, "known_before_units": lambda one: one.known, "off_by_units": lambda one: one.by,
    "cause": lambda one: one.cause, "what": lambda one: one.what, "next_move": lambda one: one.next_move, "state": lambda one: one.state,
    "price": lambda one: one.price, "currency": lambda one: one.currency, "since_utc": lambda one: _time(one.since_ms),
    "last_found_utc": lambda one: _time(one.last_ms), "comparison": lambda one: one.run,
})  # fmt: skip
"""Header -> what stands below it, of a Difference. Units are those that the channel sells."""

ACCURACY: Columns = MappingProxyType({
    "channel": lambda one: one.channel, "place": lambda one: one.place, "location": lambda one: one.location,
    "compared_utc": lambda one: _time(one.at_ms), "positions_compared": lambda one: one.compared,
    "positions_equal": lambda one: one.equal, "accuracy_percent": lambda one: f"{one.share * 100:.4f}" if one.compared else "",
    "positions_in_flight": lambda one: one.in_flight, "off_by_units": lambda one: one.variance, "off_by_value": lambda one: one.value,
    "currency": lambda one: one.currency, "positions_without_price": lambda one: one.unpriced,
    "oldest_difference_utc": lambda one: _time(one.oldest_ms), "comparison": lambda one: one.run,
})  # fmt: skip
"""The same of an Accuracy; a row without a place is the channel as a whole."""


async def differences_as_csv(request: Request) -> Response:
    """The rows of the page of differences, all of them."""
    chosen = {name: request.query_params.get(name, "") for name in ("channel", "sku", "location", "cause")}
    rows = await console_of(request).views.stock_differences(**chosen, limit=ROWS)
    return _csv(rows, DIFFERENCES, "stock-differences.csv")


async def accuracy_as_csv(request: Request) -> Response:
    """The newest comparison of each channel and place."""
    return _csv(await console_of(request).views.stock_accuracy(), ACCURACY, "stock-accuracy.csv")


def _csv(rows: Sequence[Accuracy] | Sequence[Difference], columns: Columns, name: str) -> Response:
    lines = [tuple(columns), *(tuple(_cell(value(row)) for value in columns.values()) for row in rows)]
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(MARK + csv_lines(lines), media_type="text/csv; charset=utf-8", headers=headers)


def _cell(value: object) -> str:
    return "" if value is None else csv_cell(value)
