"""What `interlock stock` tells without a SKU: how true the stock at each channel is, what is wrong, and what to look at first."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from interlock.cli.output import Output, counted, fail, fields_of
from interlock.cli.stock_issues import issues_of_stock, tell_issue
from interlock.cli.store import read
from interlock.cli.times import ago, now_ms
from interlock.data_folder import data_folder, hub_url

if TYPE_CHECKING:
    from interlock.messaging.accuracy import Accuracy, Difference
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.messaging.stock_book import Shown
    from interlock.messaging.stock_views import PlaceCount, StockLook

WORST = 10
MOST_FOUND = 10_000
"""As many differences as a comparison keeps."""


def tell_all_stock(folder: Path, out: Output) -> None:
    """A line per channel, the worst numbers, and what waits for a person."""

    async def ask(views: "SqliteViews") -> None:
        counts = await views.stock(lambda book: book.place_counts()) or []
        wrong = await views.stock(lambda book: book.wrong(WORST)) or []
        whole = {one.channel: one for one in await views.stock_accuracy() if not one.place}
        found = await _only_found(views)
        issues = await issues_of_stock(views, folder, name="", destination="", owner="")
        for channel in dict.fromkeys(one.channel for one in counts):
            of = [one for one in counts if one.channel == channel]
            _tell_channel(channel, of, found[channel], whole.get(channel), out)
        for row in wrong:
            out.row(_wrong(row), kind="wrong", **fields_of(row))
        for issue in issues:
            tell_issue(issue, out)
        _sum_up(folder, counts, found, wrong, len(issues), out)

    read(folder, out, ask, empty_code=1, empty_too=True)


async def _only_found(views: "SqliteViews") -> Counter[str]:
    """By channel, how many numbers the hub holds for right of which a comparison has listed another since."""
    listed = [one for one in await views.stock_differences(limit=MOST_FOUND) if one.state != "healing"]

    def look(book: "StockLook") -> Counter[str]:
        return Counter(one.channel for one in listed if _is_held_for_right(book, one))

    return await views.stock(look) or Counter()


def _is_held_for_right(book: "StockLook", one: "Difference") -> bool:
    row = book.shown(one.channel, one.place, one.sku)
    if row is None or row.trouble or row.said or row.seen != row.wanted:
        return False
    return 0 < row.seen_us // 1_000 <= one.last_ms


def _tell_channel(
    channel: str, counts: "Sequence[PlaceCount]", found: int, whole: "Accuracy | None", out: Output
) -> None:  # fmt: skip
    names = ("positions", "equal", "refused", "suspended", "unread")
    numbers = {name: sum(getattr(one, name) for one in counts) for name in names}
    late = 2 * numbers["positions"] - sum(numbers.values())
    not_sold = sum(one.not_sold for one in counts)
    numbers |= {"equal": numbers["equal"] - found, "found": found}
    words = {"wrong as a comparison found": found, "on their way": late, "held up": numbers["refused"],
             "suspended": numbers["suspended"], "not read yet": numbers["unread"], "not sold there": not_sold}  # fmt: skip
    right = f"{numbers['equal']} of {counted(numbers['positions'], 'number')} right"
    told = ", ".join([right, *(f"{count} {word}" for word, count in words.items() if count)])
    text = f"{click.style(channel, bold=True)}: {told}\n  {_compared(whole)}"
    compared = fields_of(whole) if whole else None
    out.row(text, kind="channel", channel=channel, late=late, compared=compared, not_sold=not_sold, **numbers)


def _compared(whole: "Accuracy | None") -> str:
    if whole is None:
        return "not compared yet"
    return f"compared {ago(whole.at_ms, now_ms())}: {whole.equal} of {whole.compared} equal, off by {whole.variance}"


def _wrong(row: "Shown") -> str:
    shows = "nothing" if row.seen is None else row.seen
    why = row.said or "its correction is on the way"
    return f"  {row.sku} at {row.channel} {row.place}: shows {shows}, should show {row.wanted}\n    {why}"


def _sum_up(
    folder: Path, counts: "Sequence[PlaceCount]", found: Mapping[str, int], wrong: "Sequence[Shown]", issues: int, out: Output
) -> None:  # fmt: skip
    positions, equal, suspended, unread = (
        sum(getattr(one, name) for one in counts) for name in ("positions", "equal", "suspended", "unread")
    )
    equal -= sum(found.values())
    off = positions - equal - suspended - unread
    url = hub_url(data_folder(folder))
    moves = [f"interlock stock {quote(wrong[0].sku)}"] if wrong else []
    moves += ["interlock issues"] if issues else []
    moves += ["interlock reconcile inventory --dry-run"] if positions and not moves else []
    moves += [f"open {url}/inventory"] if url else []
    text = f"{equal} of {counted(positions, 'number')} right; {counted(issues, 'trouble')} of stock"
    if not positions and not issues:
        text = "nothing has been counted yet"
    out.summary(text, *moves, positions=positions, equal=equal, wrong=off, suspended=suspended, unread=unread, troubles=issues)
    if off or issues or not positions:
        fail()

