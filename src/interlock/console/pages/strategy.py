"""/strategy: the checklist, a card for each of the eight items with its evidence, the age of that, and what is missing."""

from starlette.requests import Request
from starlette.responses import Response

from interlock.console.health import Answer
from interlock.console.rendering import console_of, page
from interlock.console.wording import sentence_list
from interlock.operations.checklist import judged
from interlock.strategy.checklist import Counts, Result, count

STATES = {"green": "done", "amber": "silent", "red": "dead"}
"""The console's look of a colour: its glyph and its tint."""
PAGES = {
    "flows": "/flows/{}",
    "systems": "/systems#{}",
    "runbooks": "/runbooks/{}.md",
    "objects": "/strategy/contracts/{}",
}
"""Folder -> the page of one of its files, by the file's stem."""
MOST_NAMED = 3


async def checklist(request: Request) -> Response:
    """The eight items, computed at the moment of asking."""
    console = console_of(request)
    results = await judged(console.strategy, console.folder, console.views, console.now_ms)
    return page(
        request,
        "strategy.html",
        title="Strategy",
        command="interlock check --items",
        answer=_answer(results, count(results)),
        results=results,
        states=STATES,
        page_of=page_of,
    )


def page_of(place: str) -> str:
    """The console's page about a file of the folder, '' when there is none."""
    folder, _, name = place.partition(":")[0].partition("/")
    stem = name.rpartition(".")[0]
    return PAGES[folder].format(stem) if folder in PAGES and stem else ""


def _answer(results: tuple[Result, ...], counts: Counts) -> Answer:
    if counts.complete:
        return Answer(state="done", text="The strategy is complete: all eight items are green, by evidence.")
    worst = "red" if counts.red else "amber"
    open_ = [one.item.title for one in results if one.colour == worst]
    green = f"{counts.green} of {len(results)} items {_are(counts.green)} green."
    named = sentence_list(open_) if len(open_) <= MOST_NAMED else str(len(open_))
    more = f"{named} {_are(len(open_))} {worst}: each card says what is missing, and where to write it."
    said = green if counts.green else "No item is green yet."
    return Answer(state=STATES[worst], text=said, more=more)


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
