"""What `interlock issues` tells of stock: lines that stopped, sources that are silent, numbers that nothing corrects."""

from pathlib import Path
from typing import TYPE_CHECKING

from interlock.cli.output import Output, counted, fields_of
from interlock.cli.times import ago, now_ms
from interlock.errors import InterlockError

if TYPE_CHECKING:
    from interlock.flows.inventory.issues import StockIssue
    from interlock.messaging.accuracy import Difference
    from interlock.messaging.sqlite.views import SqliteViews
    from interlock.messaging.stock_book import Halted
    from interlock.strategy.model import Strategy

COUNTS = {
    "silent": ("number suspended", "numbers suspended"),
    "stopped": ("line", "lines"),
    "difference": ("number", "numbers"),
}


def strategy_of(folder: Path) -> "Strategy | None":
    """For the owners; a folder with mistakes must not hide what needs a person."""
    from interlock.cli.catalogue import read_strategy

    try:
        return read_strategy(folder)
    except InterlockError:
        return None


async def issues_of_stock(
    views: "SqliteViews", folder: Path, *, name: str, destination: str, owner: str
) -> "list[StockIssue]":
    """Those that are asked for; `name` is the id of one, "" for all."""
    from interlock.flows.inventory.issues import stock_issues

    strategy, now = strategy_of(folder), now_ms()
    found = await views.stock(lambda book: stock_issues(book, strategy, now)) or ()
    return [
        one
        for one in found
        if name in ("", one.id) and destination in ("", one.system) and owner in ("", one.owner)
    ]  # fmt: skip


def tell_issue(one: "StockIssue", out: Output) -> None:
    """A cause, as those of deliveries are told; and what takes it away."""
    now = now_ms()
    count = counted(one.count, *COUNTS[one.kind])
    called = f"; {one.called}" if one.called else ""
    text = (
        f"{one.id}: {count}, {one.system}: {one.what}: {one.sample}\n"
        f"{'':14}first {ago(one.since_ms, now)}, last {ago(one.last_ms, now)}; owner {one.owner or 'nobody'}{called}\n"
        f"{'':14}{one.next_move}; it goes away {one.ends}"
    )
    fields = fields_of(one)
    out.row(text, **(fields | {"kind": "stock", "trouble": one.kind}))


async def tell_lines(views: "SqliteViews", one: "StockIssue", limit: int, out: Output) -> None:
    """Each line that stopped, or each number that differs."""
    if one.kind == "stopped":
        for line in await views.stock(lambda book: book.halted_lines(one.system, one.code, limit)) or ():
            out.row(_line(line), kind="stopped_line", **(fields_of(line) | {"line": None}))
    if one.kind == "difference":
        cause = one.id.partition(":")[0]
        for found in await views.stock_differences(channel=one.system, cause=cause, limit=limit):
            if found.state in ("found", "left"):
                out.row(_difference(found), kind="difference", **fields_of(found))


def _line(line: "Halted") -> str:
    place = f" at {line.place}" if line.place else ""
    times = f"{counted(line.times, 'time')}, last {ago(line.last_us // 1_000, now_ms())}"
    return f"  {line.sku or 'no SKU'} (item {line.item or 'unknown'}{place}): {line.reason}; {times}\n    next: {line.next_move}"


def _difference(found: "Difference") -> str:
    at = found.location or found.place or "anywhere"
    return f"  {found.sku or found.item} at {at}: {found.what}; {found.next_move}"
