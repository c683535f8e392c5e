"""Issues of stock that are no dead letters, as people read them, and the page of each: what stopped, who is silent, what differs."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from interlock.console.filters import url
from interlock.console.health import Answer, title_of, titled
from interlock.console.rendering import Console, console_of, page
from interlock.console.wording import counted, sentence_list
from interlock.flows.inventory.issues import StockIssue, stock_issues
from interlock.messaging.stock_book import Halted
from interlock.strategy.model import Strategy

LISTED: Final = 200
STATES: Final = {"silent": "dead", "stopped": "retrying", "difference": "retrying"}
HEALED: Final = ("foreign", "rounding", "unknown", "lost_event")
"""Causes that a comparison corrects when it may."""


class StockIssueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One issue: its `title`, how its count is said, where the count and the title lead, and the act that fits ("" for none)."""

    issue: StockIssue
    title: str
    state: str
    count: str
    listed: str
    act: str

    @property
    def href(self) -> str:
        """Its own page."""
        return f"/issues/{self.issue.id}"

    @property
    def cause(self) -> str:
        """Of a difference."""
        return self.issue.id.partition(":")[0]


async def stock_issue_rows(console: Console, *, destination: str = "", owner: str = "") -> list[StockIssueRow]:
    """All of them, narrowed as the page of issues is."""
    found = await console.views.stock(lambda book: stock_issues(book, console.strategy, console.now_ms)) or ()
    wanted = [one for one in found if destination in {"", one.system} and owner in {"", one.owner}]
    return [_row(console.strategy, one) for one in wanted]


def _row(strategy: Strategy, issue: StockIssue) -> StockIssueRow:
    title, cause = title_of(strategy, issue.system), issue.id.partition(":")[0]
    match issue.kind:
        case "silent":
            words, listed, act = f"{title} is silent about its stock", "/inventory#sources", ""
            count = counted(issue.count, "number is suspended", "numbers are suspended")
        case "stopped":
            words, listed, act = f"{title}: {issue.what}", f"/issues/{issue.id}#lines", ""
            count = counted(issue.count, "line of stock stopped", "lines of stock stopped")
        case _:
            words, act = f"{title} shows another number: {issue.what}", "Fix" if cause in HEALED else ""
            listed = url("/inventory/differences", channel=issue.system, cause=cause)
            count = counted(
                issue.count, "number differs, and nothing corrects it", "numbers differ, and nothing corrects them"
            )
    return StockIssueRow(issue=issue, title=words, state=STATES[issue.kind], count=count, listed=listed, act=act)


def stock_sentence(rows: Sequence[StockIssueRow]) -> str:
    """`ShipBob is silent about its stock; 2 lines of stock stopped`: for the answer of a page, without an end; "" for none."""
    silent = [row.title for row in rows if row.issue.kind == "silent"]
    stopped = sum(row.issue.count for row in rows if row.issue.kind == "stopped")
    wrong = sum(row.issue.count for row in rows if row.issue.kind == "difference")
    told = [
        sentence_list(silent),
        f"{counted(stopped, 'line')} of stock stopped, not understood and so not taken" if stopped else "",
        counted(wrong, "number is", "numbers are") + " wrong at a channel, and nothing corrects it yet"
        if wrong
        else "",
    ]
    return "; ".join(one for one in told if one)


async def stock_issue(request: Request) -> Response:
    """What its lines share, what to do, and each of them."""
    console, name = console_of(request), request.path_params["fingerprint"]
    row = next((one for one in await stock_issue_rows(console) if one.issue.id == name), None)
    if row is None:
        raise HTTPException(404)
    issue = row.issue
    return page(
        request,
        "stock_issue.html",
        title=row.title,
        command=f"interlock issues {issue.id}",
        live="list",
        answer=Answer(state=row.state, text=f"{titled(console.strategy, issue.sample)}.", more=_more(row)),
        row=row,
        team=console.strategy.teams.get(issue.owner),
        flows=[
            flow
            for flow in console.strategy.flows.values()
            if flow.publish and issue.system in (flow.source, *flow.destinations)
        ],
        **await _lines(console, issue),
    )


def _more(row: StockIssueRow) -> str:
    others = row.issue.count - 1
    return (
        f"{counted(others, 'other has', 'others have')} the same cause."
        if others > 0 and row.issue.kind != "silent"
        else ""
    )


async def _lines(console: Console, issue: StockIssue) -> dict[str, Any]:
    """What stands in it: stopped lines, or differences."""
    lines: list[Halted] = []
    if issue.kind == "stopped":
        lines = await console.views.stock(lambda book: book.halted_lines(issue.system, issue.code, LISTED)) or []
    cause = issue.id.partition(":")[0] if issue.kind == "difference" else ""
    rows = await console.views.stock_differences(channel=issue.system, cause=cause, limit=LISTED) if cause else ()
    return {"lines": lines, "differences": [one for one in rows if one.state in ("found", "left")], "most": LISTED}
