"""Errors in the language of the console: what, where, why, the next move, a code."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from interlock.console.guard import Denied
from interlock.console.pages.signing import form_page
from interlock.console.rendering import page
from interlock.errors import InterlockError

WORDS = {
    404: (
        "There is no such page",
        "the address may be mistyped, or what it names is not in this release or was never seen by this hub",
        "go on from the menu, or search for the order number",
    ),
    405: ("This page does not take that method", "", "go back and use the form"),
    400: ("The request cannot be read", "", "go back and try again"),
}


async def healthz(_request: Request) -> Response:
    """The process is alive; says nothing about the flows."""
    return PlainTextResponse("ok\n")


async def denied(request: Request, error: Exception) -> Response:
    """401 shows the sign-in page, 403 says why."""
    assert isinstance(error, Denied)
    return form_page(request) if error.status == 401 else error_page(request, error, error.status)


async def http_error(request: Request, error: Exception) -> Response:
    """What the router or an endpoint refused."""
    assert isinstance(error, HTTPException)
    what, why, next_move = WORDS.get(error.status_code, (error.detail, "", "go back"))
    told = InterlockError(what, code=f"CON{error.status_code}", where=request.url.path, why=why, next_move=next_move)
    return error_page(request, told, error.status_code)


async def unexpected(request: Request, error: Exception) -> Response:
    """A fault of the console: no detail of it reaches the page unless the error was made for people."""
    if isinstance(error, InterlockError):
        return error_page(request, error, 500)
    told = InterlockError(
        "The console made a mistake",
        code="CON500",
        where=request.url.path,
        why=type(error).__name__,
        next_move="deliveries are not touched by this; reload, and report it with the log line",
    )
    return error_page(request, told, 500)


def error_page(request: Request, error: InterlockError, status: int) -> Response:
    """The error box on a page of its own."""
    return page(request, "error.html", status=status, title=error.what, command="interlock doctor", error=error)
