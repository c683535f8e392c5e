"""Changes: what the folder would change in what runs, what that does to recorded orders, and the releases that ran."""

import hmac
import json

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from interlock.console.health import Answer
from interlock.console.rendering import console_of, page
from interlock.console.wording import counted
from interlock.errors import InterlockError
from interlock.messaging.history import ReleaseRow, wrote_words
from interlock.operations.changes import Changes, FolderState, WayBack
from interlock.release.plan import SHOWN_HEX_DIGITS, Plan

EVENTS = 1_000
MOST_EVENTS = 100_000
LISTED = 500
LONGEST_NAME, LONGEST_WHY = 100, 1_000
TYPED_DIGITS = 8
"""So much of a release's id is typed to confirm it."""


def changes_of(request: Request) -> Changes:
    """What the hub lets a person do about releases; a console without a hub has none."""
    found = console_of(request).changes
    if found is None:
        raise HTTPException(404)
    return found


async def overview(request: Request) -> Response:
    """The folder beside what runs, and the releases. With `events` in the address, the rehearsal too."""
    return await _overview(request)


async def _overview(request: Request, *, notice: str = "", why: str = "") -> Response:
    changes = changes_of(request)
    state = await changes.folder()
    events = _events(request.query_params.get("events", ""))
    plan, mistake = None, state.mistake
    if events and state.changes:
        try:
            plan = await changes.plan(events)
        except InterlockError as error:
            mistake = str(error)
    return page(
        request, "changes.html", status=409 if notice else 200, title="Changes", command="interlock plan",
        answer=_answer(state, plan), state=state, plan=plan, mistake=mistake, releases=await changes.releases(),
        events=events or EVENTS, notice=notice, why=why, typed_digits=TYPED_DIGITS,
    )  # fmt: skip


def _events(text: str) -> int:
    return min(int(text), MOST_EVENTS) if text.isdecimal() else 0


def _answer(state: FolderState, plan: Plan | None) -> Answer:
    running = state.running[:TYPED_DIGITS]
    if state.mistake:
        return Answer(state="dead", text=f"The folder cannot run as it is. Release {running} runs on.")
    if plan is not None and plan.changes:
        return Answer(state="waiting", text=f"{plan.summary[:1].upper()}{plan.summary[1:]}.")
    if not state.changes:
        return Answer(state="done", text=f"The folder is what runs: release {running}.")
    breaking = sum(bool(change.breaking) for change in state.changes)
    text = f"The folder has {counted(len(state.changes), 'change')} that do not run yet, {breaking} breaking."
    return Answer(state="waiting", text=text.replace("1 change that do", "1 change that does"))


async def apply(request: Request) -> Response:
    """Let the folder run, as it was when it was looked at."""
    form = await request.form()
    why, wanted = str(form.get("why", "")).strip(), str(form.get("wanted", ""))
    notice = _missing(form, why, wanted)
    if not notice:
        try:
            await changes_of(request).apply(wanted, by=request.state.session.by, why=why)
            return RedirectResponse("/changes", 303)
        except InterlockError as error:
            notice = str(error)
    return await _overview(request, notice=notice, why=why)


def _missing(form: FormData, why: str, release: str) -> str:
    if not why:
        return "Say why: it is written into the audit."
    typed = str(form.get("typed", "")).strip()
    if not release or not hmac.compare_digest(typed.encode(), release[:TYPED_DIGITS].encode()):
        return f"Type {release[:TYPED_DIGITS]} to confirm that this release is to run."
    return ""


async def release(request: Request) -> Response:
    """One release: when it ran, what it changed, what it wrote."""
    changes = changes_of(request)
    row = await _found(request)
    before = row.switch.before if row.switch else ""
    wrote = await changes.wrote([row.id], LISTED)
    return page(
        request, "release.html", title=f"Release {row.id[:TYPED_DIGITS]}", command="interlock releases",
        answer=_release_answer(row, len(wrote)),
        row=row, changes=await changes.changed_by(row.id, before), wrote=wrote, most=LISTED,
    )  # fmt: skip


def _release_answer(row: ReleaseRow, wrote: int) -> Answer:
    runs = "runs" if row.active else "does not run"
    text = f"Release {row.id[:TYPED_DIGITS]} {runs}. It has written {counted(wrote, 'object') if wrote else 'nothing'}."
    return Answer(state="done" if row.active else "superseded", text=text)


async def way_back(request: Request) -> Response:
    """What a roll back to a release would leave behind; changes nothing."""
    return await _way_back(request)


async def _way_back(request: Request, *, notice: str = "", why: str = "") -> Response:
    changes = changes_of(request)
    row = await _found(request)
    way = await changes.way_back(row.id)
    return page(
        request, "rollback.html", status=409 if notice else 200, title=f"Roll back to {row.id[:TYPED_DIGITS]}",
        command=f"interlock rollback {row.id[:SHOWN_HEX_DIGITS]} --why '...'", answer=_back_answer(way), way=way, row=row,
        wrote=await changes.wrote(way.left, LISTED, way.since_ms), most=LISTED,
        wrote_words=wrote_words, notice=notice, why=why, typed_digits=TYPED_DIGITS,
    )  # fmt: skip


def _back_answer(way: WayBack) -> Answer:
    if way.target.active:
        return Answer(state="done", text=f"Release {way.target.id[:TYPED_DIGITS]} runs already.")
    count = sum(number for kinds in way.counts.values() for number in kinds.values())
    wrote = (
        f"What newer ones wrote stays at its destinations: {counted(count, 'object')}."
        if count
        else "Newer ones wrote nothing."
    )
    return Answer(state="waiting", text=f"Go back to release {way.target.id[:TYPED_DIGITS]}? {wrote}")


async def roll_back(request: Request) -> Response:
    """Let a release run that ran before."""
    form = await request.form()
    row, why = await _found(request), str(form.get("why", "")).strip()
    notice = _missing(form, why, row.id)
    if not notice:
        try:
            await changes_of(request).roll_back(row.id, by=request.state.session.by, why=why)
            return RedirectResponse("/changes", 303)
        except InterlockError as error:
            notice = str(error)
    return await _way_back(request, notice=notice, why=why)


async def _found(request: Request) -> ReleaseRow:
    try:
        return await changes_of(request).release(request.path_params["release"])
    except InterlockError as error:
        raise HTTPException(404) from error


async def by_command(request: Request) -> Response:
    """`interlock apply` and `interlock rollback` beside a running hub: only it may switch itself. Asks for the token."""
    if not _has_token(request):
        return JSONResponse(
            {"error": _parts(InterlockError("give the console's token as a bearer token", code="CON401"))}, 401
        )
    try:
        asked = json.loads(await request.body())
        by, why = f"cli:{asked['by'].removeprefix('cli:')}"[:LONGEST_NAME], str(asked["why"])[:LONGEST_WHY]
        release_id = str(asked["release"])
        action, unannounced = asked["action"], asked.get("unannounced") is True
    except (ValueError, KeyError, TypeError, AttributeError):
        raise HTTPException(400) from None
    changes = changes_of(request)
    try:
        if action == "rollback":
            runs = await changes.roll_back(release_id, by=by, why=why)
        else:
            runs = await changes.apply(release_id, by=by, why=why, unannounced_too=unannounced)
    except InterlockError as error:
        return JSONResponse({"error": _parts(error)}, 409)
    return JSONResponse({"release": runs})


def _has_token(request: Request) -> bool:
    """A session does not do: a form of another site could ride on it."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and console_of(request).sessions.knows(token.strip())


def _parts(error: InterlockError) -> dict[str, str]:
    return {"code": error.code, "what": error.what, "where": error.where, "why": error.why, "next": error.next_move}
