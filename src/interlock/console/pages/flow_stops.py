"""Pausing, draining and resuming a flow from its page: each with a reason, each audited."""

from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from interlock.console.pages.systems import flow_of, flow_page


async def act(request: Request) -> Response:
    """What the form asks for; without a reason the page comes again."""
    console, flow = flow_of(request)
    form = await request.form()
    action, why = str(form.get("action", "")), str(form.get("why", "")).strip()
    if not why:
        return await flow_page(request, notice="Say why: it is written into the audit.")
    by = request.state.session.by
    match action:
        case "resume":
            await console.actions.resume_flow(flow.name, by=by, why=why)
        case "draining" if flow.paused:
            return await flow_page(request, notice="The folder has paused it: what is queued cannot end.")
        case "paused" | "draining":
            await console.actions.stop_flow(flow.name, action, by=by, why=why)
        case _:
            raise HTTPException(404)
    return RedirectResponse(f"/flows/{quote(flow.name)}", status_code=303)
