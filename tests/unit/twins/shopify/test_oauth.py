"""Tokens: three ways to get one, rotation, expiry, revocation, scopes and uninstallation."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from shopify_harness import API, Answer, Twin, running_twin
from starlette.requests import Request

APP = {"client_id": "twin-client", "client_secret": "shpss_twin"}


async def grant(twin: Twin, **form: Any) -> Answer:
    return await twin.call("POST", "/admin/oauth/access_token", APP | form, {"content-type": "application/json"})


async def works(twin: Twin, token: str) -> bool:
    """Whether a token opens GraphQL and REST; it must be both or neither."""
    headers = {"X-Shopify-Access-Token": token}
    by_graphql = await twin.call("POST", f"{API}/graphql.json", {"query": "{ shop { name } }"}, headers)
    by_rest = await twin.call("GET", f"{API}/shop.json", headers=headers)
    assert by_graphql.status == by_rest.status
    return by_graphql.status == 200


def test_client_credentials_last_a_day(tmp_path: Path) -> None:
    """F70: 24 hours and no refresh token; a wrong secret is told as such."""

    async def story() -> None:
        async with running_twin(tmp_path, time_scale=1) as twin:
            given = (await grant(twin, grant_type="client_credentials")).body
            assert given["expires_in"] == 86_399 and "refresh_token" not in given and "read_orders" in given["scope"]
            assert await works(twin, given["access_token"])
            assert (await twin.call("POST", "/_twin/tokens/expire", {"token": given["access_token"]})).body == {
                "expired": 1
            }
            assert not await works(twin, given["access_token"]) and await works(twin, "shpat_twin")
            wrong = await grant(twin, grant_type="client_credentials", client_secret="no")
            assert (wrong.status, wrong.body["error"]) == (401, "invalid_client")
            assert (await grant(twin, grant_type="password")).body["error"] == "unsupported_grant_type"

    asyncio.run(story())


async def installed(twin: Twin, **form: Any) -> dict[str, Any]:
    code = (await twin.call("POST", "/_twin/authorize", {})).body["code"]
    answer = await grant(twin, code=code, **form)
    assert answer.status == 200, answer
    again = await grant(twin, code=code, **form)
    assert again.status == 400  # a code opens once
    return dict(answer.body)


def test_expiring_tokens_rotate(tmp_path: Path) -> None:
    """C79, F72, F73: an hour and ninety days; the refresh token before stays usable until its successor is used.

    So a hub whose answer was lost asks again with the old one. Control: once the new one was used, the old one is dead.
    """

    async def story() -> None:
        async with running_twin(tmp_path, time_scale=1) as twin:
            first = await installed(twin, expiring="1")
            assert (first["expires_in"], first["refresh_token_expires_in"]) == (3_600, 7_776_000)
            lost = (await grant(twin, grant_type="refresh_token", refresh_token=first["refresh_token"])).body
            second = (await grant(twin, grant_type="refresh_token", refresh_token=first["refresh_token"])).body
            assert await works(twin, second["access_token"])
            dead = await grant(twin, grant_type="refresh_token", refresh_token=lost["refresh_token"])
            assert (dead.status, dead.body["error"]) == (400, "invalid_grant")
            third = await grant(twin, grant_type="refresh_token", refresh_token=second["refresh_token"])
            assert third.status == 200
            old = await grant(twin, grant_type="refresh_token", refresh_token=first["refresh_token"])
            assert old.status == 400

    asyncio.run(story())


def test_a_code_without_expiring_gives_the_permanent_token(tmp_path: Path) -> None:
    """F71: what an admin-made app has, until it is revoked."""

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            given = await installed(twin)
            assert set(given) == {"access_token", "scope"} and await works(twin, given["access_token"])
            await twin.call("POST", "/_twin/tokens/revoke", {"token": given["access_token"]})
            assert not await works(twin, given["access_token"])
            await twin.call("POST", "/_twin/install", {})
            assert await works(twin, given["access_token"])

    asyncio.run(story())


async def sent_back(twin: Twin, **asked: str) -> tuple[int, dict[str, str]]:
    """What the merchant's browser gets: the status, and the members of the address that it is sent to."""
    query = {
        "client_id": "twin-client",
        "scope": "read_orders",
        "redirect_uri": "http://localhost:8788/callback",
        "state": "5f",
    }
    answer = await twin.vendor._rest.consent.authorize(request_of(query | asked))  # type: ignore[attr-defined]
    return answer.status_code, dict(parse_qsl(urlsplit(answer.headers.get("location", "")).query))


def request_of(query: dict[str, str]) -> Request:
    return Request({"type": "http", "method": "GET", "query_string": urlencode(query).encode(), "headers": []})


def test_a_merchant_says_yes_and_is_sent_back(tmp_path: Path) -> None:
    """C79: signed over all members, the scopes are those that were asked for, and the code opens once.

    The controls: another app, and an address that the app has not listed, get a page and no code."""

    async def story() -> None:
        listed = ["http://localhost:8788/callback"]
        async with running_twin(tmp_path, time_scale=1, redirect_urls=listed) as twin:
            status, members = await sent_back(twin)
            assert status == 302 and members["state"] == "5f" and members["shop"] == "interlock-demo.myshopify.com"
            text = "&".join(f"{name}={members[name]}" for name in sorted(members) if name != "hmac")
            assert members["hmac"] == hmac.new(b"shpss_twin", text.encode(), hashlib.sha256).hexdigest()
            given = await grant(twin, code=members["code"], expiring="1")
            assert given.status == 200 and given.body["scope"] == "read_orders"
            assert (await grant(twin, code=members["code"], expiring="1")).status == 400
            assert await sent_back(twin, client_id="another") == (400, {})
            assert await sent_back(twin, redirect_uri="http://localhost:8788/callback/") == (400, {})

    asyncio.run(story())


def test_an_uninstalled_app_has_nothing_left(tmp_path: Path) -> None:
    """C81: every token is dead, subscriptions are gone, no grant is given; and it stays so over a restart."""

    async def story() -> None:
        async with running_twin(tmp_path, time_scale=1) as twin:
            token = (await grant(twin, grant_type="client_credentials")).body["access_token"]
            await twin.subscribe("orders/create", "http://127.0.0.1:9/hooks")
            await twin.call("POST", "/_twin/uninstall")
            assert not await works(twin, token) and not await works(twin, "shpat_twin")
            assert (await grant(twin, grant_type="client_credentials")).body["error"] == "app_not_installed"
            assert (await twin.call("GET", "/_twin/state")).body["subscriptions"] == 0
        async with running_twin(tmp_path, time_scale=1) as twin:
            assert not await works(twin, "shpat_twin")
            await twin.call("POST", "/_twin/install", {"scopes": ["read_products"]})
            assert await works(twin, "shpat_twin")
            assert (await twin.call("GET", "/_twin/tokens")).body["scopes"] == ["read_products"]

    asyncio.run(story())
