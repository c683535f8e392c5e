"""/reconciliation: whether the webhooks told everything, what they did not tell of, and a comparison on demand."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from interlock.console.health import Answer
from interlock.console.rendering import Console, console_of, page
from interlock.messaging.sweeps import Sweep
from interlock.operations.backfills import plural_of
from interlock.operations.reconciliation import CAUSES, KINDS, Compared, compared, sentence
from interlock.release.swept import swept

DAYS = 7
DAY_MS = 86_400_000
NEWEST = 20
MISSED_SHOWN = 200
LIGHTS = {"asked": "pending", "running": "running", "done": "done", "failed": "dead"}
KIND_LIGHTS = {"missing": "retrying", "behind": "retrying", "same-instant": "retrying", "deleted": "held"}


async def reconciliation(request: Request) -> Response:
    """The last comparison of each object, and what was found."""
    return await _page(request)


async def _page(request: Request, *, notice: str = "") -> Response:
    console = console_of(request)
    since_ms = console.now_ms - DAYS * DAY_MS
    counts = await console.views.missed_counts(since_ms)
    newest = await console.views.sweeps(NEWEST)
    rows = compared(console.strategy, await console.views.latest_sweeps(), first_look_ms(console, newest), console.now_ms)
    return page(
        request,
        "reconciliation.html",
        status=409 if notice else 200,
        title="Reconciliation",
        command="interlock reconcile",
        answer=_answer(rows, sum(counts.values()), sentence(rows, counts, DAYS)),
        rows=rows,
        causes=[(KINDS[kind], CAUSES[cause], count) for (kind, cause), count in sorted(counts.items())],
        missed=await console.views.missed(since_ms=since_ms, limit=MISSED_SHOWN),
        kinds=KINDS,
        cause_words=CAUSES,
        sweeps=newest,
        lights=LIGHTS,
        kind_lights=KIND_LIGHTS,
        plural=plural_of,
        days=DAYS,
        notice=notice,
        moving=any(sweep.state in ("asked", "running") for sweep in newest),
    )


def first_look_ms(console: Console, newest: tuple[Sweep, ...]) -> int:
    """Since when comparisons can be expected."""
    return min((sweep.began_ms for sweep in newest), default=console.now_ms)


def _answer(rows: list[Compared], found: int, text: str) -> Answer:
    if any(row.overdue for row in rows):
        return Answer(state="dead", text=text)
    if not any(row.last for row in rows):
        return Answer(state="pending", text=text)
    return Answer(state="retrying" if found else "done", text=text)


async def compare(request: Request) -> Response:
    """Ask for a comparison; the hub makes it within a second."""
    form = await request.form()
    console = console_of(request)
    system, _, object_name = str(form.get("what", "")).partition("/")
    why = str(form.get("why", "")).strip()
    if (system, object_name) not in swept(console.strategy):
        return await _page(request, notice="Say what is to be compared.")
    if not why:
        return await _page(request, notice="Say why: it is written into the audit.")
    wanted = Sweep(id=0, system=system, object=object_name, why=why, dry=bool(form.get("dry")), since=0, until=0)
    await console.actions.compare(wanted, by=request.state.session.by)
    return RedirectResponse("/reconciliation", 303)
