"""The levers of the demo: break a system, repair it, place orders."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from interlock.console.actions import Demo
from interlock.console.rendering import console_of

KINDS = {"503": "answers 503", "429": "answers 429", "slow": "is slow", "hang": "does not answer"}
"""What a twin can be told to do, and how a page says it."""

MOST_ORDERS = 500


async def break_system(request: Request) -> Response:
    """Make one twin fail."""
    form = await request.form()
    kind = str(form.get("kind", "503"))
    await _demo(request).break_system(_system(request, str(form.get("system", ""))), kind if kind in KINDS else "503")
    return RedirectResponse("/", 303)


async def repair_system(request: Request) -> Response:
    """Make it well again."""
    form = await request.form()
    await _demo(request).repair_system(_system(request, str(form.get("system", ""))))
    return RedirectResponse("/", 303)


async def place_orders(request: Request) -> Response:
    """Place orders in the shop."""
    form = await request.form()
    text = str(form.get("count", "1"))
    await _demo(request).place_orders(
        min(MOST_ORDERS, int(text)) if text.isdecimal() and text.isascii() and len(text) < 6 else 1
    )
    return RedirectResponse("/", 303)


def _demo(request: Request) -> Demo:
    demo = console_of(request).demo
    if demo is None:
        raise HTTPException(404)
    return demo


def _system(request: Request, name: str) -> str:
    if name not in console_of(request).strategy.systems:
        raise HTTPException(404)
    return name
