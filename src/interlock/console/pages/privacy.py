"""/privacy: what people asked of their data, until when, the proof that somebody was forgotten, and a copy to hand over."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from interlock.console.health import Answer
from interlock.console.rendering import Console, console_of, page
from interlock.errors import SettingsError
from interlock.messaging.privacy import PrivacyRequest
from interlock.operations.privacy_words import WORDS, by_hand, is_late, line_of, sentence

LIGHTS = {"asked": "pending", "known": "running", "erased": "running", "done": "done"}
STATES = {"asked": "asked", "known": "being erased", "erased": "being proven", "done": "done"}


async def listing(request: Request) -> Response:
    """Open ones first, by their day."""
    return await _listing(request)


async def _listing(request: Request, *, notice: str = "") -> Response:
    console = console_of(request)
    rows = await console.views.privacy_requests()
    return page(
        request,
        "privacy.html",
        status=409 if notice else 200,
        title="Privacy",
        command="interlock privacy",
        answer=_answer(rows, console.now_ms),
        rows=[(row, _light(row, console.now_ms), STATES[row.state], line_of(row, console.now_ms)) for row in rows],
        words=WORDS,
        copies=[row for row in rows if row.kind == "export" and row.state != "done"],
        systems=_sources(console),
        notice=notice,
        moving=any(row.kind != "export" and row.state != "done" for row in rows),
    )


def _sources(console: Console) -> list[str]:
    """Whose events the hub takes in; the record of customers first."""
    systems = console.strategy.systems
    names = sorted({flow.source for flow in console.strategy.flows.values()})
    return sorted(names, key=lambda name: "customer" not in systems[name].record_of if name in systems else True)


def _answer(rows: tuple[PrivacyRequest, ...], now_ms: int) -> Answer:
    text = sentence(rows, now_ms)
    if any(is_late(row, now_ms) for row in rows):
        return Answer(state="dead", text=text)
    if any(row.state != "done" and row.kind == "export" for row in rows):
        return Answer(state="waiting", text=text)
    return Answer(state="running" if any(row.state != "done" for row in rows) else "done", text=text)


def _light(row: PrivacyRequest, now_ms: int) -> str:
    if is_late(row, now_ms):
        return "dead"
    return "waiting" if row.kind == "export" and row.state != "done" else LIGHTS[row.state]


async def export(request: Request) -> Response:
    """The copy, as a file; who asked and why is written down first."""
    console, number = console_of(request), int(request.path_params["id"])
    why = str((await request.form()).get("why", "")).strip()
    found = await console.views.privacy_request(number)
    if found is None or not found.person:
        raise HTTPException(404)
    if not why:
        return await _listing(request, notice="Say why: it is written into the audit.")
    await console.actions.audit(by=request.state.session.by, action="reveal", subject=f"privacy request {number}", why=why)
    held = await console.views.privacy_export(found)
    headers = {"content-disposition": f'attachment; filename="privacy-{number}.json"', "cache-control": "no-store"}
    return Response(held, media_type="application/json", headers=headers)


async def done(request: Request) -> Response:
    """A copy was handed over."""
    console, number = console_of(request), int(request.path_params["id"])
    why = str((await request.form()).get("why", "")).strip()
    found = await console.views.privacy_request(number)
    if found is None or found.kind != "export":
        raise HTTPException(404)
    if not why:
        return await _listing(request, notice="Say why: it is written into the audit.")
    if not await console.actions.privacy_done(number, by=request.state.session.by, why=why):
        return await _listing(request, notice=f"Request {number} was done already.")
    return RedirectResponse("/privacy", 303)


async def redact(request: Request) -> Response:
    """Forget somebody without a webhook; typed twice, for it cannot be undone."""
    form = {name: str(value).strip() for name, value in (await request.form()).items()}
    console = console_of(request)
    if not form.get("why"):
        return await _listing(request, notice="Say why: it is written into the audit.")
    if form.get("customer") != form.get("typed"):
        return await _listing(request, notice="Type the customer's key twice: what is erased does not come back.")
    try:
        wanted = by_hand(
            console.strategy, form.get("system", ""), form.get("customer", ""), by=request.state.session.by, why=form["why"],
            now_ms=console.now_ms,
        )  # fmt: skip
    except SettingsError as error:
        return await _listing(request, notice=f"{error.what}: {error.why}.")
    await console.actions.ask_privacy(wanted)
    return RedirectResponse("/privacy", 303)
