"""/changes/calendar: the dates of every announced change, the versions that end, and who was seen using which version."""

from collections import defaultdict

from starlette.requests import Request
from starlette.responses import Response

from interlock.console.endings import STATES, calendar_answer
from interlock.console.rendering import console_of, page
from interlock.messaging.consumers import Consumer
from interlock.operations.endings import days, endings, using


async def calendar(request: Request) -> Response:
    """What ends when, and who has to move before."""
    console = console_of(request)
    consumers = await console.views.consumers()
    found = endings(console.strategy, consumers, console.now_ms)
    by_version: dict[str, list[Consumer]] = defaultdict(list)
    for one in consumers:
        by_version[one.version].append(one)
    return page(
        request,
        "calendar.html",
        title="Calendar of changes",
        command="interlock consumers",
        answer=calendar_answer(found),
        endings=found,
        states=STATES,
        days=days(console.strategy),
        versions=[(version, using(seen)) for version, seen in sorted(by_version.items())],
    )
