"""The systems page says how each system is signed in to, until when, and what to do when it ends (C80)."""

import msgspec

from console.browse import Browser
from console.conftest import TOKEN, Desk
from console.store import NOW_MS, RecordedActions, SmallTranslator, Store, strategy
from interlock.clock import VirtualClock
from interlock.connectors.token_store import Reconnect, TokenState
from interlock.console import create_console
from interlock.console.access import access_of
from interlock.strategy.model import System

HOUR_MS = 3_600_000
CLIENT = {"client_id": "env:ID", "client_secret": "env:SECRET"}
GOOD = TokenState(
    system="shopify", grant="client credentials", renewed_ms=NOW_MS - HOUR_MS, ends_ms=NOW_MS + 23 * HOUR_MS
)
DEAD = msgspec.structs.replace(
    GOOD, reconnect=Reconnect(code="invalid_grant", message="install the app <again>", credentials="c", since_ms=NOW_MS)
)


def shop(credentials: dict[str, str]) -> System:
    return System(
        name="shopify",
        title="Shopify",
        connector="shopify",
        owner="commerce",
        url="https://x.example",
        credentials=credentials,
    )  # type: ignore[arg-type]


def shown(store: Store, state: TokenState, credentials: dict[str, str] = CLIENT) -> str:
    """The systems page of a console whose vault says this."""

    async def states() -> list[TokenState]:
        return [state]

    folder = strategy()
    folder.systems["shopify"] = msgspec.structs.replace(folder.systems["shopify"], credentials=credentials)
    views = store.views()
    app = create_console(
        views=views, actions=RecordedActions(views), strategy=folder, token=TOKEN, clock=VirtualClock(NOW_MS),
        translator=SmallTranslator(), tokens=states,
    )  # fmt: skip
    browser = Browser(app)
    browser.get(f"/?token={TOKEN}")
    text = browser.get("/systems").text
    views.close()
    return text


def test_a_good_token_shows_its_kind_and_its_end(store: Store) -> None:
    """An operator sees before a long weekend whether a token will be renewed by itself."""
    text = shown(store, GOOD)
    assert (
        "client credentials" in text
        and "renewed" in text
        and "60 min ago" in text
        and "in 23 h" in text
        and "reconnect" not in text
    )


def test_reconnect_is_the_first_thing_said(store: Store) -> None:
    """C80: the page says reconnect and what to do; what the shop said is text, never markup."""
    text = shown(store, DEAD)
    assert "reconnect" in text and "install the app &lt;again&gt;" in text and "Shopify" in text


def test_a_lost_scope_is_named(store: Store) -> None:
    """C80: tokens still come, so nothing else would show that the app may do less."""
    assert "has lost read_orders" in shown(store, msgspec.structs.replace(GOOD, lost_scope=("read_orders",)))


def test_a_permanent_token_says_that_it_does_not_end(store: Store) -> None:
    """The kind that nobody renews is told from those that are (F71)."""
    text = shown(store, GOOD, {"access_token": "env:TOKEN"})
    assert "permanent token" in text and "does not end" in text


def test_the_token_of_other_credentials_is_not_shown() -> None:
    """After the kind of credentials was changed, the old token's trouble is no trouble any more."""
    access = access_of(shop({"access_token": "env:TOKEN"}), [DEAD])
    assert access is not None and access.kind == "permanent token" and access.health is None
    assert access_of(shop({}), [DEAD]) is None


def test_a_console_without_a_vault_shows_the_kind(desk: Desk) -> None:
    """The page stands when nobody can ask the vault."""
    assert desk.signed_in().get("/systems").status == 200


def test_an_app_that_nobody_has_installed_says_connect(store: Store) -> None:
    """C80: before the first call and after it the page names the command; the control is the same folder with a token."""
    wants = msgspec.structs.replace(shop(CLIENT), settings={"access": "installation"})
    refused = Reconnect(code="NOT-CONNECTED", message="nobody", credentials="c", since_ms=NOW_MS)
    asked = TokenState(system="shopify", grant="installed app", reconnect=refused)
    for states in ([], [asked], [GOOD]):
        found = access_of(wants, states)
        assert found is not None and found.kind == "installed app" and found.health is not None
        assert found.health.word == "connect" and "interlock connect shopify" in found.health.why
    connected = access_of(wants, [msgspec.structs.replace(GOOD, grant="installed app")])
    assert connected is not None and connected.health is None
