"""The door of the console: default deny, sessions that end, forms that only our own pages can send, headers on every answer."""

import pytest

from console.browse import ORIGIN, Browser
from console.conftest import TOKEN, Desk
from console.store import Store, key_of
from interlock.console.app import PAGES
from interlock.console.guard import PUBLIC, Page
from interlock.console.sessions import IDLE_SECONDS

SAMPLES = {
    "{object}": "order",
    "{key:path}": str(key_of(1001)),
    "{fingerprint}": "x",
    "{id:int}": "1",
    "{name}": "order-to-erp",
}
CLOSED = [page for page in PAGES if page.permission != PUBLIC]


def address(page: Page) -> str:
    path = page.path
    for name, value in SAMPLES.items():
        path = path.replace(name, value)
    return path


@pytest.mark.parametrize("page", CLOSED, ids=lambda page: f"{page.method} {page.path}")
def test_every_route_is_closed_without_a_session(desk: Desk, page: Page) -> None:
    """Default deny, proven on the route table itself: a new route cannot be open by being forgotten."""
    answer = desk.browser.ask(page.method, address(page), headers={"origin": ORIGIN})
    assert answer.status == 401
    assert "#1001" not in answer.text
    assert desk.actions.asked == []


def test_only_these_routes_are_public() -> None:
    """Opening a page to everybody is a decision that this list must record."""
    assert {(page.method, page.path) for page in PAGES if page.permission == PUBLIC} == {
        ("GET", "/"),
        ("POST", "/login"),
        ("GET", "/healthz"),
        ("POST", "/api/releases"),  # asks for the token itself: a command has no session (test_changes.py)
        ("GET", "/metrics"),  # asks for the token itself: a scraper has no session (test_metrics.py)
    }


def test_no_get_has_a_side_effect(browser: Browser, desk: Desk) -> None:
    """Fault case 33: following every link of every page changes nothing."""
    seen = set()
    todo = ["/", "/issues", "/deliveries?state=dead", f"/objects/order/{key_of(1210)}"]
    while todo and len(seen) < 60:
        path = todo.pop()
        seen.add(path)
        todo += [
            link
            for link in browser.get(path).page.links()
            if link.startswith("/") and "#" not in link and link not in seen
        ][:12]
    assert desk.actions.asked == [] and desk.demo.asked == []


@pytest.mark.parametrize("page", [page for page in CLOSED if page.method == "POST"], ids=lambda page: page.path)
def test_a_foreign_form_is_refused(browser: Browser, desk: Desk, page: Page) -> None:
    """Fault case 33: a POST from another site, from nowhere, or without the form's token does nothing, session or not."""
    form_token = browser.get("/").page.form("/logout")["fields"]["form_token"]
    for origin in ("https://evil.example", "null", None, "http://hub.test.evil.example"):
        assert browser.post(address(page), {"form_token": form_token, "why": "x"}, origin=origin).status == 403
    assert browser.post(address(page), {"why": "x"}).status == 403
    assert browser.post(address(page), {"form_token": "forged", "why": "x"}).status == 403
    assert desk.actions.asked == [] and desk.demo.asked == []


def test_a_cross_site_sign_in_is_refused(desk: Desk) -> None:
    """Login CSRF: another site must not sign somebody in as itself."""
    assert desk.browser.post("/login", {"token": TOKEN}, origin="https://evil.example").status == 403


def test_wrong_token_opens_nothing(desk: Desk) -> None:
    """Neither the address nor the form takes a wrong token; no cookie is set."""
    assert desk.browser.get("/?token=guess").status == 401
    assert desk.browser.post("/login", {"token": "guess"}).status == 401
    assert desk.browser.cookies == {}


def test_cookie_is_strict_and_the_token_leaves_the_address(desk: Desk) -> None:
    """Fault case 33: HttpOnly, SameSite=Strict; the page that the token opens does not contain it."""
    answer = desk.browser.ask("GET", f"/?token={TOKEN}")
    assert answer.status == 200 and TOKEN not in answer.text
    cookie = answer.cookies[0].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "secure" not in cookie


def test_https_cookie_is_host_bound(store: Store) -> None:
    """Fault case 33: over https the cookie is Secure under a __Host- name."""
    desk = Desk(store, scheme="https")
    cookie = desk.browser.ask("GET", f"/?token={TOKEN}").cookies[0]
    assert cookie.startswith("__Host-") and "Secure" in cookie and "Path=/" in cookie and "domain" not in cookie.lower()
    desk.views.close()


def test_a_session_that_the_browser_brought_is_not_adopted(desk: Desk) -> None:
    """Fault case 33, fixation: signing in always makes a new session id."""
    desk.browser.cookies["interlock"] = "chosen-by-the-attacker"
    browser = desk.signed_in()
    assert browser.cookies["interlock"] != "chosen-by-the-attacker"


def test_sign_out_ends_the_session_on_the_server(browser: Browser) -> None:
    """Fault case 33: a copied cookie is worth nothing after the sign-out."""
    kept = browser.cookies["interlock"]
    browser.submit(browser.get("/"), "/logout")
    browser.cookies["interlock"] = kept
    assert browser.get("/orders").status == 401


@pytest.mark.parametrize(("hours", "touching"), [(IDLE_SECONDS / 3600 + 0.01, False), (12.5, True)])
def test_sessions_end_by_idling_and_by_age(desk: Desk, hours: float, touching: bool) -> None:
    """Idle ends a forgotten browser, the absolute age ends a stolen one that is kept busy."""
    browser = desk.signed_in()
    import asyncio

    steps = 25 if touching else 1
    for _ in range(steps):
        asyncio.run(desk.clock.advance(hours * 3600 / steps))
        last = browser.get("/orders") if touching else None
    assert (last or browser.get("/orders")).status == 401


@pytest.mark.parametrize("path", ["/", "/orders", "/nowhere", "/static/console.css", "/healthz", f"/?token={TOKEN}"])
def test_headers_are_on_every_answer(desk: Desk, path: str) -> None:
    """Fault case 33: strict CSP and no framing, errors and files included."""
    headers = desk.browser.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "*" not in policy and "data:" not in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"


def test_a_fault_of_the_console_keeps_the_headers_and_tells_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A traceback in a page is a leak; the framework's own 500 page would come without our headers."""

    async def broken(**_: object) -> None:
        raise RuntimeError("secret-of-the-store")

    browser = desk.signed_in()
    monkeypatch.setattr(desk.views, "recent_orders", broken)
    answer = browser.get("/orders")
    assert answer.status == 500 and "CON500" in answer.text and "secret-of-the-store" not in answer.text
    assert "content-security-policy" in answer.headers
