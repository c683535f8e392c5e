"""Home tells of a source that tells too little: without token, without webhooks, or not compared for too long."""

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec

from console.browse import Browser
from console.conftest import TOKEN
from console.store import NOW_MS, RecordedActions, SmallTranslator, Store, strategy
from interlock.clock import VirtualClock
from interlock.connectors.token_store import Reconnect, TokenState
from interlock.console import create_console
from interlock.console.pages.sources import SourceRow, source_rows
from interlock.messaging.subscriptions import Kept
from interlock.messaging.sweeps import Sweep

HOUR_MS = 3_600_000
REFUSED = TokenState(
    system="shopify", grant="client credentials",
    reconnect=Reconnect(code="invalid_grant", message="install the app <again>", credentials="c", since_ms=NOW_MS - HOUR_MS),
)  # fmt: skip
MISSING = Kept(
    system="shopify", topic="orders/create", address="https://hub.example.com", state="missing", since_ms=NOW_MS - HOUR_MS,
    looked_ms=NOW_MS, problem="the shop refuses them",
)  # fmt: skip
OLD = Sweep(
    id=1, system="shopify", object="order", why="", dry=False, since=0, until=0, state="done",
    began_ms=NOW_MS - 9 * HOUR_MS, ended_ms=NOW_MS - 9 * HOUR_MS,
)  # fmt: skip
FRESH = msgspec.structs.replace(OLD, began_ms=NOW_MS, ended_ms=NOW_MS)


def folder() -> Any:
    found = strategy()
    given = {"client_id": "env:ID", "client_secret": "env:SECRET"}
    found.systems["shopify"] = msgspec.structs.replace(found.systems["shopify"], credentials=given)
    return found


def rows(tokens: tuple[TokenState, ...], kept: tuple[Kept, ...], last: Sweep) -> list[SourceRow]:
    async def answer(value: Any) -> Any:
        return value

    views = SimpleNamespace(
        subscriptions=lambda: answer(kept), sweeps=lambda _: answer((last,)),
        latest_sweeps=lambda: answer([msgspec.structs.replace(last, object=name) for name in ("order", "customer", "product")]),
    )  # fmt: skip
    console: Any = SimpleNamespace(tokens=lambda: answer(list(tokens)), views=views, strategy=folder(), now_ms=NOW_MS)
    return asyncio.run(source_rows(console))


def test_what_comes_first_is_told_first() -> None:
    """Without a token nothing can be repaired, so the webhooks that are missing too are not another trouble (C80, C07)."""
    told = [rows((REFUSED,), (MISSING,), OLD), rows((), (MISSING,), OLD), rows((), (), OLD)]
    assert [[row.what for row in each] for each in told] == [
        ["Shopify must be reconnected"], ["Shopify lacks 1 webhook"], ["Shopify is overdue to be compared"],
    ]  # fmt: skip
    (webhooks,) = told[1]
    assert webhooks.words == "orders/create: the shop refuses them" and webhooks.href == "/systems#shopify"
    assert told[2][0].href == "/reconciliation" and "orders" in told[2][0].words


def test_a_source_that_is_well_has_no_row() -> None:
    """The control: a webhook that is there and a comparison of just now are no news."""
    assert rows((), (msgspec.structs.replace(MISSING, state="there"),), FRESH) == []


def test_home_says_reconnect_first(store: Store) -> None:
    """The answer line and the list of what needs a look name it; what the shop said is text, never markup."""

    async def states() -> list[TokenState]:
        return [REFUSED]

    views = store.views()
    app = create_console(
        views=views, actions=RecordedActions(views), strategy=folder(), token=TOKEN, clock=VirtualClock(NOW_MS),
        translator=SmallTranslator(), tokens=states,
    )  # fmt: skip
    browser = Browser(app)
    browser.get(f"/?token={TOKEN}")
    answer = browser.get("/")
    views.close()
    assert "Shopify must be reconnected since" in answer.page.said
    assert "install the app &lt;again&gt;" in answer.text and "/systems#shopify" in answer.page.links()
