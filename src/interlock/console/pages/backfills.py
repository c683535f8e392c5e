"""Reading everything of a system: what would come before it begins, how far it is while it runs, and a person's word over both."""

from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from interlock.console.health import Answer, title_of, zone_of
from interlock.console.rendering import Console, console_of, page
from interlock.console.wording import absolute, counted, number, span
from interlock.errors import SettingsError
from interlock.messaging.backfill import FROM, Action, Asked, Backfill
from interlock.operations.backfills import plural_of, readable

NEWEST = 50
LIGHTS = {
    "asked": "pending", "checked": "waiting", "waiting": "waiting", "collecting": "running", "reading": "running",
    "paused": "held", "done": "done", "failed": "dead", "cancelled": "cancelled",
}  # fmt: skip
"""The state of a backfill -> the status that a person knows from everything else."""
WORDS: dict[Action, str] = {"begin": "Begin", "pause": "Pause", "resume": "Go on", "cancel": "Give up"}


async def listing(request: Request) -> Response:
    """The newest, and the form that asks for one."""
    return await _listing(request)


async def _listing(request: Request, *, notice: str = "") -> Response:
    console = console_of(request)
    rows = await console.views.backfills(NEWEST)
    return page(
        request,
        "backfills.html",
        status=409 if notice else 200,
        title="Backfills",
        command="interlock backfill list",
        answer=_summary(rows),
        rows=rows,
        lights=LIGHTS,
        choices=[(system, one, plural_of(one)) for system, one in readable(console.strategy)],
        plural=plural_of,
        notice=notice,
        moving=any(row.open for row in rows),
    )


def _summary(rows: tuple[Backfill, ...]) -> Answer:
    at_work = [row for row in rows if row.open]
    if at_work:
        state = "running" if any(LIGHTS[row.state] == "running" for row in at_work) else LIGHTS[at_work[0].state]
        return Answer(state=state, text=f"{counted(len(at_work), 'backfill is', 'backfills are')} open.")
    if rows and rows[0].state == "failed":
        return Answer(state="dead", text="The newest backfill failed.")
    return Answer(state="done", text="Nothing is being read in bulk.")


async def look(request: Request) -> Response:
    """Ask what would come; nothing begins by it."""
    form = await request.form()
    console = console_of(request)
    texts = {name: str(value).strip() for name, value in form.items()}
    system, _, object_name = texts.get("what", "").partition("/")
    notice = _missing(console, system, object_name, texts)
    if notice:
        return await _listing(request, notice=notice)
    asked = Asked(
        system=system, object=object_name, since_us=_since_us(console, texts.get("since", "")),
        until_us=console.now_ms * 1000, how="pages" if texts.get("how") == "pages" else "bulk", go="look",
    )  # fmt: skip
    try:
        asked_number = await console.actions.backfill(asked, by=request.state.session.by, why=texts["why"])
    except SettingsError as error:
        return await _listing(request, notice=f"{error.what}: see {error.where}.")
    return RedirectResponse(f"/backfills/{asked_number}", 303)


def _missing(console: Console, system: str, object_name: str, texts: dict[str, str]) -> str:
    if (system, object_name) not in set(readable(console.strategy)):
        return "Say what is to be read."
    if not texts.get("why"):
        return "Say why: it is written into the audit."
    try:
        _since_us(console, texts.get("since", ""))
    except ValueError:
        return "Write the day as 2026-11-23."
    return ""


def _since_us(console: Console, day: str) -> int:
    """Midnight of the strategy's zone; 0 for no day. Raises ValueError."""
    if not day:
        return 0
    return round(datetime.fromisoformat(day).replace(tzinfo=zone_of(console.strategy)).timestamp() * 1_000_000)


async def one(request: Request) -> Response:
    """How far one is, and what a person may do to it."""
    return await _one(request)


async def _one(request: Request, *, notice: str = "") -> Response:
    console = console_of(request)
    row = await console.views.backfill(request.path_params["id"])
    if row is None:
        raise HTTPException(404)
    return page(
        request,
        "backfill.html",
        status=409 if notice else 200,
        title=f"Backfill {row.id}",
        command=f"interlock backfill {_command(row)}",
        answer=_answer(console, row),
        row=row,
        light=LIGHTS[row.state],
        plural=plural_of(row.object),
        actions=[(action, WORDS[action]) for action in WORDS if row.state in FROM[action]],
        left=row.seconds_left(console.now_ms),
        since=absolute(row.since_us // 1000, zone_of(console.strategy)).partition(",")[0],
        moving=row.open and row.state not in ("checked", "paused"),
        notice=notice,
    )


def _command(row: Backfill) -> str:
    return f"pause {row.id} --why '...'" if row.state in FROM["pause"] else "list"


def _answer(console: Console, row: Backfill) -> Answer:
    """One sentence: what is being done, or what is wanted of the reader."""
    what = f"{plural_of(row.object)} of {title_of(console.strategy, row.system)}"
    come = f"{counted(row.expected, row.object)}" if row.expected else f"An unknown number of {plural_of(row.object)}"
    left = row.seconds_left(console.now_ms)
    eta = f", about {span(left)} left" if left is not None else ""
    texts = {
        "asked": f"Asking what there is of {what}.",
        "checked": f"{come} would come{', but not everything' if row.missing else ', nothing is missing'}. Shall it begin?",
        "waiting": f"Waiting to begin with {what}.",
        "collecting": f"The vendor collects {what}: {number(row.collected)} so far.",
        "reading": f"Reading {what}: {number(row.seen)}{f' of {number(row.expected)}' if row.expected else ''}{eta}.",
        "paused": f"Paused after {number(row.seen)} {plural_of(row.object)}.",
        "done": f"All {counted(row.seen, row.object)} read; {number(row.new)} were new.",
        "failed": f"Failed after {counted(row.seen, row.object)}.",
        "cancelled": f"Given up after {counted(row.seen, row.object)}; what came stays.",
    }
    return Answer(state=LIGHTS[row.state], text=texts[row.state])


async def steer(request: Request) -> Response:
    """Begin, pause, go on, give up."""
    form = await request.form()
    action = next((one for one in WORDS if one == form.get("action")), None)
    if action is None:
        raise HTTPException(400)
    why = str(form.get("why", "")).strip()
    if not why:
        return await _one(request, notice="Say why: it is written into the audit.")
    wanted = request.path_params["id"]
    if not await console_of(request).actions.steer_backfill(wanted, action, by=request.state.session.by, why=why):
        return await _one(request, notice="It has moved on meanwhile. Look again.")
    return RedirectResponse(f"/backfills/{wanted}", 303)
