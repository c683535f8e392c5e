"""The door: who may open which page, that a form came from our own page, and the headers that every answer carries."""

import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interlock.console.sessions import Session
from interlock.errors import InterlockError

PUBLIC = ""
"""The permission of pages that need no session. Everything else is closed unless the session has the named permission."""

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send `Origin: null` with our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

Endpoint = Callable[[Request], Awaitable[Response]]


class Page(msgspec.Struct, frozen=True):
    """One row of the route table: no route exists without saying who may use it."""

    path: str
    method: str
    endpoint: Endpoint
    permission: str


class Denied(InterlockError):  # noqa: N818  a verdict about a request, not a failure
    """The door stays closed; `status` is the HTTP status."""

    def __init__(self, what: str, *, status: int, code: str, why: str = "", next_move: str = "") -> None:
        super().__init__(what, code=code, why=why, next_move=next_move)
        self.status = status


class SafeHeaders:
    """Adds the headers to every answer, errors and static files too; pages are not kept by any cache."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)


def guarded(page: Page) -> Endpoint:
    """The endpoint behind its door: session, permission, and for a POST the origin and the form token."""

    async def endpoint(request: Request) -> Response:
        if page.permission != PUBLIC:
            session = _permitted(request, page.permission)
            if page.method == "POST":
                await _require_own_form(request, session)
        elif page.method == "POST":
            require_own_origin(request.headers, request.url.scheme)
        return await page.endpoint(request)

    return endpoint


def _permitted(request: Request, permission: str) -> Session:
    session: Session | None = request.state.session
    if session is None:
        raise Denied(
            "You are not signed in", status=401, code="CON401", next_move="open the address that the start printed"
        )
    if permission not in session.permissions:
        raise Denied(
            "You may not do this",
            status=403,
            code="CON403",
            why=f"it needs the permission {permission!r}",
            next_move="ask the owner of this hub",
        )
    return session


async def _require_own_form(request: Request, session: Session) -> None:
    require_own_origin(request.headers, request.url.scheme)
    form = await request.form()
    sent = str(form.get("form_token", ""))
    if not hmac.compare_digest(sent.encode(), session.form_token.encode()):
        raise _foreign_form("the form's token is not the one of your session")


def require_own_origin(headers: Headers, scheme: str) -> None:
    """Refuse a POST that another site's page sent. Browsers always say where a POST comes from; silence is refused too."""
    claimed = headers.get("origin") or headers.get("referer") or ""
    origin = urlsplit(claimed)
    if (origin.scheme, origin.netloc) != (scheme, headers.get("host", "")) or not origin.netloc:
        raise _foreign_form(f"it came from {claimed or 'nowhere'}")


def _foreign_form(why: str) -> Denied:
    return Denied(
        "This form was not sent by the console",
        status=403,
        code="CON410",
        why=why,
        next_move="go back, reload the page and send the form again",
    )
