"""Signing in with the printed token and signing out."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from interlock.console.rendering import console_of, page
from interlock.console.sessions import Session

COOKIE = "interlock"
SAFE_COOKIE = "__Host-interlock"
"""The name under https: a browser takes it only when it is Secure, for this host alone and for the whole of it."""


def cookie_name(request: Request) -> str:
    """Which of the two names is in use."""
    return SAFE_COOKIE if request.url.scheme == "https" else COOKIE


async def sign_in(request: Request) -> Response:
    """The form of the sign-in page."""
    form = await request.form()
    session = console_of(request).sessions.sign_in(str(form.get("token", "")).strip(), str(form.get("name", "")))
    if session is None:
        return form_page(request, wrong=True)
    return with_cookie(request, RedirectResponse("/", 303), session)


def sign_in_by_address(request: Request, token: str) -> Response:
    """`/?token=...`: exchanges it for a session at once, so that the token leaves the address bar and the history.

    The answer is a page that goes on by itself, not a redirect: a browser that came from elsewhere (a chat, a mail) would not send
    a SameSite=Strict cookie along a redirect.
    """
    session = console_of(request).sessions.sign_in(token, "")
    if session is None:
        return form_page(request, wrong=True)
    return with_cookie(request, page(request, "signed_in.html", title="Signed in", command=""), session)


def form_page(request: Request, *, wrong: bool = False) -> Response:
    """The sign-in page."""
    return page(request, "sign_in.html", status=401, title="Sign in", command="", wrong=wrong)


async def sign_out(request: Request) -> Response:
    """Ends the session here and now, not only in the browser."""
    console_of(request).sessions.sign_out(request.state.session)
    response = RedirectResponse("/", 303)
    response.delete_cookie(
        cookie_name(request), path="/", httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return response


def with_cookie(request: Request, response: Response, session: Session) -> Response:
    """Gives the browser its session; it ends with the browser, and the server ends it earlier."""
    secure = request.url.scheme == "https"
    response.set_cookie(cookie_name(request), session.id, path="/", httponly=True, samesite="strict", secure=secure)
    return response
