"""Issues: dead letters grouped by cause, each with what it means, whose it is and the next move."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from interlock.console.health import Answer, group_sentence
from interlock.console.rendering import console_of, page
from interlock.console.wording import counted
from interlock.messaging.ledger import Filter

LETTERS_ON_A_PAGE = 50


async def inbox(request: Request) -> Response:
    """All groups, largest first, narrowed by destination or owner."""
    console = console_of(request)
    destination, owner = request.query_params.get("destination", ""), request.query_params.get("owner", "")
    groups = await console.views.dead_letter_groups(Filter(destination=destination), now_ms=console.now_ms)
    shown = [group for group in groups if owner in {"", group.owner}]
    count = sum(group.count for group in shown)
    text = (
        f"{counted(count, 'delivery needs', 'deliveries need')} a person, with {counted(len(shown), 'cause')}."
        if shown
        else "Nothing needs a person."
    )
    return page(
        request,
        "issues.html",
        title="Issues",
        command="interlock issues",
        live="list",
        answer=Answer(state="dead" if shown else "done", text=text),
        groups=shown,
        owners=sorted({group.owner for group in groups}),
        destination=destination,
        owner=owner,
    )


async def group(request: Request) -> Response:
    """What the letters of one cause share, a sample, and what to do."""
    console = console_of(request)
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
