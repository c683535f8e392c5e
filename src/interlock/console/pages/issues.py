"""Issues: dead letters and troubles of stock, grouped by cause, each with what it means, whose it is and the next move."""

from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from interlock.console.health import Answer, group_sentence, hold_sentence, system_at
from interlock.console.pages.outages import Outage, outages
from interlock.console.pages.silences import SilenceRow, silence_rows
from interlock.console.pages.stock_issues import StockIssueRow, stock_issue, stock_issue_rows, stock_sentence
from interlock.console.rendering import Console, console_of, page
from interlock.console.wording import counted
from interlock.messaging.ledger import Filter
from interlock.messaging.views import Hold
from interlock.operations.privacy_words import is_late, late_sentence, line_of, owner_of

LETTERS_ON_A_PAGE = 50


async def inbox(request: Request) -> Response:
    """All groups, largest first, narrowed by destination or owner."""
    console = console_of(request)
    destination, owner = request.query_params.get("destination", ""), request.query_params.get("owner", "")
    groups = await console.views.dead_letter_groups(Filter(destination=destination), now_ms=console.now_ms)
    shown = [group for group in groups if owner in {"", group.owner}]
    holds = [
        hold
        for hold in await console.views.holds()
        if destination in {"", hold.destination} and owner in {"", _owner(console, hold)}
    ]
    count = sum(group.count for group in shown) + sum(hold.count for hold in holds)
    down = [
        each
        for each in outages(console, await console.views.destination_health(console.now_ms))
        if destination in {"", each.destination} and owner in {"", each.owner}
    ]
    silences = [
        row
        for row in silence_rows(console, await console.views.silences())
        if owner in {"", row.owner} and (not destination or destination in row.destinations)
    ]
    late = [
        row
        for row in await console.views.privacy_requests()
        if is_late(row, console.now_ms) and not destination and owner in {"", owner_of(console.strategy, row)}
    ]
    stock = await stock_issue_rows(console, destination=destination, owner=owner)
    return page(
        request,
        "issues.html",
        title="Issues",
        command="interlock issues",
        live="list",
        outages=down,
        silences=silences,
        late=[
            (late_sentence(row, console.now_ms), owner_of(console.strategy, row), line_of(row, console.now_ms))
            for row in late
        ],
        answer=_answer(count, len(shown) + len(holds), len(late), down, silences, stock),
        groups=shown,
        stock=stock,
        holds=[(hold, hold_sentence(console.strategy, hold, console.now_ms), _owner(console, hold)) for hold in holds],
        owners=sorted(
            {group.owner for group in groups}
            | {_owner(console, hold) for hold in holds}
            | {row.issue.owner for row in await stock_issue_rows(console)}
        ),
        destination=destination,
        owner=owner,
    )


def _answer(
    count: int,
    causes: int,
    late: int,
    down: Sequence[Outage],
    silences: Sequence[SilenceRow],
    stock: Sequence[StockIssueRow],
) -> Answer:
    """What needs a person first; then what is silent, and what the hub is dealing with itself."""
    told = stock_sentence(stock)
    of_stock = f"{told}." if told else ""
    waiting = " ".join([of_stock, *(each.sentence for each in down), *(each.sentence for each in silences)]).strip()
    if count:
        text = f"{counted(count, 'delivery needs', 'deliveries need')} a person, with {counted(causes, 'cause')}."
        return Answer(state="dead", text=text, more=f"{_late(late)} {waiting}".strip() if late else waiting)
    if late:
        return Answer(state="dead", text=_late(late), more=waiting)
    if stock:
        state = "dead" if any(row.state == "dead" for row in stock) else "retrying"
        return Answer(state=state, text=of_stock, more=waiting.removeprefix(of_stock).strip())
    if down:
        return Answer(
            state="retrying",
            text=waiting,
            more="Nobody is needed for the deliveries: they wait, and go on by themselves.",
        )
    if silences:
        return Answer(state="silent", text=waiting, more="Look at the source first: nothing fails, and nothing comes.")
    return Answer(state="done", text="Nothing needs a person.")


def _late(late: int) -> str:
    return f"{counted(late, 'person has', 'people have')} waited more than 20 days for what they asked of their data."


def _owner(console: Console, hold: Hold) -> str:
    """Credentials are the matter of the team that owns the system, not of those whose flows use it."""
    system = system_at(console.strategy, hold.destination)
    return system.owner if system else ""


async def group(request: Request) -> Response:
    """What the letters of one cause share, a sample, and what to do. An id with a colon is one of stock: `STK001:shipbob`."""
    console = console_of(request)
    if ":" in request.path_params["fingerprint"]:
        return await stock_issue(request)
    which = Filter(fingerprint=request.path_params["fingerprint"], limit=LETTERS_ON_A_PAGE + 1)
    groups = await console.views.dead_letter_groups(which, now_ms=console.now_ms)
    if not groups:
        raise HTTPException(404)
    found = groups[0]
    before = request.query_params.get("before", "")
    letters = await console.views.dead_letters(
        which, before=int(before) if before.isdecimal() and len(before) < 16 else 0
    )
    flow = console.strategy.flows.get(found.flow)
    return page(
        request,
        "issue.html",
        title=found.error or found.reason,
        command=f"interlock issues {found.fingerprint}",
        live="list",
        answer=Answer(state="dead", text=group_sentence(console.strategy, found, console.now_ms) + "."),
        group=found,
        letters=letters[:LETTERS_ON_A_PAGE],
        older=letters[LETTERS_ON_A_PAGE - 1].id if len(letters) > LETTERS_ON_A_PAGE else 0,
        flow=flow,
        team=console.strategy.teams.get(found.owner),
    )
