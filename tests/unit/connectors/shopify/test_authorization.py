"""What a shop sends back after an installation: believed only with its signature, for the shop and the attempt that asked (C79, C80)."""

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import msgspec
import pytest

from interlock.clock import VirtualClock
from interlock.connectors import registry
from interlock.connectors.contract import Answer, Connection
from interlock.connectors.installation import Installation
from interlock.connectors.shopify.tokens import keeper
from interlock.connectors.token_store import MemoryTokenStore
from interlock.errors import SettingsError

SHOP = "some-shop.myshopify.com"
STATE = "5f" * 24
PUBLISHED = (
    "code=0907a61c0c8d55e99db179b68161bc00&hmac=4712bf92ffc2917d15a2f5a273e39f0116667419aa4b6ac0b3baaf26fa3c4d20"
    f"&shop={SHOP}&timestamp=1337178173"
)
"""The example of Shopify's documentation, whose secret is `hush` (quoted at hexdocs.pm/exshopify/Shopify.HMAC.html)."""
PAIR = {"access_token": "shpat_planted", "scope": "read_orders,read_customers", "expires_in": 3599,
        "refresh_token": "shprt_planted", "refresh_token_expires_in": 7775999}  # fmt: skip


class TokenEndpoint:
    """Gives one pair for a code, once; keeps what it was asked. `before` is called before it answers."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.before: Any = lambda: None

    async def send(self, method: str, url: str, _: Mapping[str, str], body: bytes, __: float) -> Answer:
        assert (method, url) == ("POST", f"https://{SHOP}/admin/oauth/access_token")
        self.before()
        self.forms.append(dict(parse_qsl(body.decode())))
        if len(self.forms) > 1:
            return Answer(status=400, headers={}, body=b'{"error":"invalid_request"}', sent=True)
        return Answer(status=200, headers={}, body=msgspec.json.encode(PAIR), sent=True)


def connection(
    url: str = f"https://{SHOP}", *, clock: Any = None, http: Any = None, store: Any = None, **given: str
) -> Connection:
    credentials = {"client_id": "acme-app", "client_secret": "hush"} | given
    return Connection(
        system="shopify", url=url, settings={"access": "installation"}, credentials=credentials, builders={}, http=http,
        clock=clock or VirtualClock(0), tokens=store,
    )  # fmt: skip


def opened(one: Connection) -> Any:
    return registry.open_offer("shopify", "authorization", one)


def attempt(clock: VirtualClock, http: TokenEndpoint, store: MemoryTokenStore) -> Installation:
    authorization = opened(connection(clock=clock, http=http, store=store))
    return Installation(
        authorization, store, clock, system="shopify", scopes=["read_customers", "read_orders"],
        redirect_uri="http://localhost:8788/callback", state=STATE,
    )  # fmt: skip


def signed(secret: str = "hush", **changed: str) -> str:
    """What the shop sends back, signed over all of it."""
    members = {"code": "c0de", "host": "YWRtaW4", "shop": SHOP, "state": STATE, "timestamp": "1337178173"} | changed
    text = "&".join(f"{name}={members[name]}" for name in sorted(members))
    return urlencode(members | {"hmac": hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()})


def refused(query: str, one: Connection | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        opened(one or connection()).returned(query)
    assert "hush" not in str(caught.value)
    return caught.value.code


def test_the_published_example_is_believed() -> None:
    """The one signature that Shopify has published; the control: a letter of it, of the code or of the time changed."""
    assert opened(connection()).returned(PUBLISHED).code == "0907a61c0c8d55e99db179b68161bc00"
    for wrong in ("0907a61c", "3c4d20", "1337178173"):
        assert refused(PUBLISHED.replace(wrong, f"{wrong[:-1]}9")) == "CON010"
    assert refused(PUBLISHED, connection(client_secret="another")) == "CON010"


@pytest.mark.parametrize(
    "query",
    ["", "code", f"{signed()}&code=other", signed(secret="another"), signed().replace("state=", "stat="), signed(code=""),
     signed(code="a").replace("code=a", "code=%26"), "&".join(f"m{n}=1" for n in range(99))],
)  # fmt: skip
def test_what_is_not_signed_is_not_believed(query: str) -> None:
    """A stranger who knows the address can send anything."""
    assert refused(query) == "CON010"


def test_two_queries_have_no_signature_in_common() -> None:
    """A sign that parts the members, inside a member, must not make one text of two: else a shop's own words could be moved."""
    together = signed(extra="1&x=2")
    assert opened(connection()).returned(signed(extra="1")).code == "c0de"
    assert refused(together) == "CON010", "signed without the escape, as a forger would like it"


@pytest.mark.parametrize(
    "shop",
    ["other-shop.myshopify.com", f"{SHOP}.example.com", f"x.{SHOP}", "example.com", "", f"{SHOP}/a", f"{SHOP}\n"],
)
def test_another_shops_answer_is_refused(shop: str) -> None:
    """An app may be installed on many shops with one secret: tokens of another would send its orders here."""
    assert refused(signed(shop=shop)) == "CON012"


def test_the_url_must_be_the_shops_own_name() -> None:
    """Behind a shop's other domain nobody could say whose answer it is; the control: a twin on this machine is any shop."""
    with pytest.raises(SettingsError) as caught:
        opened(connection("https://shop.example.com"))
    assert caught.value.code == "CON012"
    assert opened(connection("http://127.0.0.1:1")).returned(signed(shop="any.myshopify.com")).state == STATE
    assert refused(signed(shop="any.example.com"), connection("http://127.0.0.1:1")) == "CON012"


def test_without_an_installation_there_is_nothing_to_connect() -> None:
    """A folder with credentials of its own organisation signs in by itself; the setting is what the message names."""
    own = msgspec.structs.replace(connection(), settings={})
    with pytest.raises(SettingsError) as caught:
        opened(own)
    assert caught.value.code == "CON014" and "installation" in caught.value.next_move


def test_the_address_that_the_merchant_opens() -> None:
    """Its members are those of the documentation, and no more: grant_options[] would make a token of one person."""
    url = attempt(VirtualClock(0), TokenEndpoint(), MemoryTokenStore(VirtualClock(0))).url
    parts = urlsplit(url)
    assert (parts.netloc, parts.path) == (SHOP, "/admin/oauth/authorize")
    assert parse_qs(parts.query) == {
        "client_id": ["acme-app"], "scope": ["read_customers,read_orders"], "state": [STATE],
        "redirect_uri": ["http://localhost:8788/callback"],
    }  # fmt: skip


def test_an_installation_ends_in_the_vault() -> None:
    """C79: the pair is kept before anybody hears of it, and a keeper of the same folder then asks nobody for an hour.

    The control is the keeper before: it says that nobody has installed the app, and asks nobody either."""

    async def story() -> None:
        clock, http = VirtualClock(0), TokenEndpoint()
        store = MemoryTokenStore(clock)
        one = connection(clock=clock, http=http, store=store)
        before = await keeper(one).token()
        assert (
            not isinstance(before, str)
            and before.code == "NOT-CONNECTED"
            and "interlock connect shopify" in before.message
        )
        held: list[object] = []
        http.before = lambda: held.append(store._leases[opened(one).grant.name][1] > clock.monotonic())
        kept = await attempt(clock, http, store).complete(signed())
        assert held == [True], "a renewal of a running hub could come between"
        assert http.forms == [{"client_id": "acme-app", "client_secret": "hush", "code": "c0de", "expiring": "1"}]
        now = clock.now_ms()
        assert (kept.ends_ms, kept.refresh_ends_ms) == (now + 3_599_000, now + 7_775_999_000)
        assert kept.scope == ("read_customers", "read_orders") and "planted" not in repr(kept)
        assert await keeper(one).token() == "shpat_planted" and len(http.forms) == 1

    asyncio.run(story())


def test_a_state_serves_once_and_for_one_attempt() -> None:
    """An answer that is sent again, or belongs to another attempt, changes nothing; a stranger's leaves the attempt open."""

    async def story() -> None:
        clock, http = VirtualClock(0), TokenEndpoint()
        store = MemoryTokenStore(clock)
        one = attempt(clock, http, store)
        for query, code in (
            (signed(state="other"), "CON011"),
            (signed(secret="no"), "CON010"),
            (signed(shop="a.b"), "CON012"),
        ):
            assert await failing(one, query) == code
        assert http.forms == []
        await one.complete(signed())
        assert await failing(one, signed()) == "CON011" and len(http.forms) == 1

    asyncio.run(story())


def test_a_code_serves_once() -> None:
    """A second attempt with the first one's code gets the shop's refusal, and what is kept stays; the lease is free again."""

    async def story() -> None:
        clock, http = VirtualClock(0), TokenEndpoint()
        store = MemoryTokenStore(clock)
        kept = await attempt(clock, http, store).complete(signed())
        assert await failing(attempt(clock, http, store), signed()) == "CON013"
        name = opened(connection()).grant.name
        assert (await store.get(name)).access == kept.access and await store.lease(name, 1.0) is not None  # type: ignore[union-attr]

    asyncio.run(story())


def test_what_was_given_is_kept_although_the_lease_ended() -> None:
    """A laptop that slept between the answer and the disk: the code is spent, so the pair must not be dropped.

    The control: the lease of that time is another's, and its commit changes nothing."""

    async def story() -> None:
        clock, http = VirtualClock(0), TokenEndpoint()
        store = MemoryTokenStore(clock)
        name = opened(connection()).grant.name

        def asleep() -> None:
            store._leases[name] = (store._leases[name][0] + 1, 0.0)

        http.before = asleep
        await attempt(clock, http, store).complete(signed())
        assert (await store.get(name)).access == "shpat_planted"  # type: ignore[union-attr]

    asyncio.run(story())


def test_a_refresh_token_of_the_file_is_replaced(  # C80
) -> None:
    """After 90 days unused the app is installed again: whoever still has the old token in the file follows the new pair."""

    async def story() -> None:
        clock, http = VirtualClock(0), TokenEndpoint()
        store = MemoryTokenStore(clock)
        one = connection(clock=clock, http=http, store=store, refresh_token="shprt_old")
        installation = Installation(
            opened(one), store, clock, system="shopify", scopes=(), redirect_uri="http://localhost:1/", state=STATE
        )
        await installation.complete(signed())
        assert await keeper(one).token() == "shpat_planted"

    asyncio.run(story())


async def failing(one: Installation, query: str) -> str:
    try:
        await one.complete(query)
    except SettingsError as error:
        return error.code
    return ""
